"""``results.pt``: plain containers and tensors, as ``torch.load`` reads them by default.

``{'stimuli': [{'parameters', 'sa_spikes', ..., 'id', 'seed', 'repetition', 'index'}, ...],
'metadata': {...}}``. The tensors of one population are views of one storage per part or per block
of stimuli: a storage each would be slow. The archive also holds ``sensoryforge.json``, the table
and where each tensor's bytes lie: our own reader needs no pickle.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sensoryforge.store.archive import (
    RECORD,
    add_record,
    records_of,
    save_tensors,
    stored_bytes,
)
from sensoryforge.store.files import NoTableError, Sink, reading
from sensoryforge.store.formats.base import (
    Arrays,
    Bytes,
    FileReader,
    Format,
    Metadata,
    Shelf,
    Source,
    check_shapes,
)
from sensoryforge.store.table import Entries, Entry, Shapes, from_json, to_json

if TYPE_CHECKING:
    import torch

_BLOCK = 256
"""Stimuli that share a storage, where they are picked from here and there."""
_FEW = 64
"""Rows below which a file is not worth being kept mapped: its rows are copied."""
_LOCAL_HEADER = 30
"""Bytes before a record's name in a zip file."""


class Pytorch(Format):
    """Results in one ``results.pt``, read by ``torch.load``.

    It is put together as one object in memory: for datasets that fit there.

    Examples
    --------
    >>> Pytorch().results_name, Pytorch().whole_in_memory
    ('results.pt', True)
    """

    name = "pytorch"
    suffix = "pt"
    whole_in_memory = True
    compresses = False
    # benchmarks/scaling.py; a stimulus is a dictionary in a pickle, and its row in the table
    nanoseconds_a_byte = 2.0
    seconds_a_stimulus = 0.1e-3
    bytes_a_stimulus = 4_000

    def reader(self, path: Path) -> PytorchReader:
        """Open a part or a results file."""
        return PytorchReader(path)

    def write(self, sink: Sink, entries: Sequence[Entry], arrays: Arrays) -> None:
        """Write a part: one storage an array."""
        whole = {name: _compact(array) for name, array in arrays.items()}
        rows: list[Arrays] = []
        for row in range(len(entries)):
            rows.append({name: array[row] for name, array in whole.items()})
        _save(sink, entries, rows)

    def merge(self, sink: Sink, sources: Sequence[Source], metadata: Metadata) -> None:
        """Write the results file.

        Files that are wanted whole stay on the disk, mapped, and cost no memory.
        """
        wanted: Counter[Path] = Counter()
        for source in sources:
            wanted[source.path] += len(source.rows)
        stimuli = _Stimuli()
        mapped: dict[Path, PytorchReader] = {}
        with closing(Shelf(PytorchReader)) as shelf:
            for source in sources:
                reader = mapped.get(source.path)
                if reader is None:
                    reader = shelf[source.path]
                if len(reader) >= _FEW and wanted[source.path] == len(reader):
                    mapped[source.path] = reader
                stimuli.add(source, reader, is_mapped=source.path in mapped)
            stimuli.pack()
            _save(sink, stimuli.entries, stimuli.arrays, metadata)


class PytorchReader(FileReader):
    """The rows of a part or of a results file; arrays are read when asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._storages: dict[int, torch.Tensor] = {}
        with reading(path):
            with zipfile.ZipFile(path) as archive:
                self._records = records_of(archive)
                if RECORD not in self._records:
                    raise NoTableError("no table")
                self._table = from_json([stored_bytes(archive, self._records[RECORD])])
            # "c": torch wants memory that may be written, and what is written stays in this process
            self._bytes: Bytes = np.memmap(path, np.uint8, "c")

    def __len__(self) -> int:
        return len(self._table.entries)

    @property
    def entries(self) -> Entries:
        """What is known of each stimulus."""
        return self._table.entries

    @property
    def errors(self) -> dict[int, str]:
        """Row of each stimulus that could not be computed, and why."""
        return self._table.entries.errors

    @property
    def shapes(self) -> Shapes:
        """Array name -> shape of one stimulus."""
        return self._table.shapes

    @cached_property
    def metadata(self) -> Metadata:
        """What a results file says of the run."""
        with reading(self._path):
            more = self._table.more
            metadata = dict(more["metadata"])
            for name, (storage, offset, dtype, shape) in more["tensors"].items():
                metadata[name] = self._tensor(storage, offset, dtype, shape).clone()
            return metadata

    @property
    def facts(self) -> Metadata:
        """The metadata without its arrays."""
        more = self._table.more
        tensors = more["tensors"]
        return {name: value for name, value in more["metadata"].items() if name not in tensors}

    def array(self, row: int, name: str) -> torch.Tensor:
        """Return one array of one stimulus.

        It is a copy: saving a view would save its whole storage.
        """
        import torch

        values = self.view(row, name).numpy()
        return torch.from_numpy(values.copy())  # clone() would wake torch's threads for it

    def read_spikes_into(self, row: int, name: str, out: Bytes) -> None:
        """Write one stimulus's spikes into ``out``, straight from the mapped file."""
        out[:] = self.view(row, name).numpy().view(np.uint8)

    def view(self, row: int, name: str) -> torch.Tensor:
        """Return one array of one stimulus where it lies on the disk."""
        with reading(self._path):
            where = self._table.more["where"][name]
            storage = where["storages"][row]
            offset = where["offsets"][row]
            return self._tensor(storage, offset, where["dtype"], self.shapes[name])

    def close(self) -> None:
        """Let go of the file; views that were handed out keep it mapped."""
        self._storages = {}
        self._bytes = np.zeros(0, np.uint8)

    def _tensor(self, storage: int, offset: int, dtype: str, shape: Sequence[int]) -> torch.Tensor:
        import torch

        kind = getattr(torch, dtype)
        size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
        whole = self._storage(storage)
        if not 0 <= offset <= len(whole) - size:
            raise ValueError("an array leads out of its storage")
        return whole[offset : offset + size].view(kind).view(*shape)

    def _storage(self, number: int) -> torch.Tensor:
        """Return the bytes of one of torch's storages: a record of the archive, stored as it is."""
        import torch

        if number not in self._storages:
            record = self._records[f"data/{number}"]
            header = self._bytes[record.header_offset : record.header_offset + _LOCAL_HEADER]
            lengths = header[26:30].view("<u2")  # of the name, and of an extra field behind it
            start = record.header_offset + _LOCAL_HEADER + int(lengths.sum(dtype=np.int64))
            self._storages[number] = torch.from_numpy(self._bytes[start : start + record.file_size])
        return self._storages[number]


class _Stimuli:
    """The stimuli of the results file, in order.

    Rows picked from here and there share a storage a block.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.arrays: list[Arrays] = []
        self._shapes: Shapes = {}
        self._loose: list[Arrays] = []

    def add(self, source: Source, reader: PytorchReader, is_mapped: bool) -> None:
        self._shapes = self._shapes or reader.shapes
        check_shapes(self._shapes, source, reader)
        for row in source.rows:
            arrays = {name: reader.view(row, name) for name in self._shapes}
            self.entries.append({**reader.entries[row], "index": len(self.entries)})
            self.arrays.append(arrays)
            if not is_mapped:
                self._loose.append(arrays)
            if len(self._loose) == _BLOCK:
                self.pack()

    def pack(self) -> None:
        """Copy the rows that are not in a mapped file, so that their files need not stay open."""
        import torch

        if not self._loose:
            return
        for name in self._shapes:
            block = torch.stack([arrays[name] for arrays in self._loose])
            for arrays, view in zip(self._loose, block, strict=True):
                arrays[name] = view
        self._loose = []


def _save(
    sink: Sink, entries: Sequence[Entry], arrays: Sequence[Arrays], metadata: Metadata | None = None
) -> None:
    stimuli = []
    for entry, arrays_of_stimulus in zip(entries, arrays, strict=True):
        stimuli.append(_stimulus(entry, arrays_of_stimulus))
    dataset: dict[str, Any] = {"stimuli": stimuli}
    if metadata is not None:
        dataset["metadata"] = metadata
    save_tensors(dataset, sink)
    add_record(sink.path, _table(entries, arrays, metadata or {}))


def _stimulus(entry: Entry, arrays: Arrays) -> dict[str, Any]:
    """Return a stimulus as users find it: parameters, arrays, what identifies it."""
    stimulus: dict[str, Any] = {"parameters": entry["parameters"], **arrays}
    for name in ("id", "seed", "repetition", "index", "error"):
        if name in entry:
            stimulus[name] = entry[name]
    return stimulus


def _table(entries: Sequence[Entry], arrays: Sequence[Arrays], metadata: Metadata) -> str:
    """Return the table, with the storage and the first byte of each tensor."""
    import torch

    tensors = {name: value for name, value in metadata.items() if isinstance(value, torch.Tensor)}
    numbers = _storage_numbers(arrays, tensors)
    shapes: Shapes = {}
    where: dict[str, Any] = {}
    for name, first in arrays[0].items() if arrays else ():
        shapes[name] = tuple(first.shape)
        where[name] = {
            "dtype": _dtype(first),
            "storages": [numbers[_storage_key(stimulus[name])] for stimulus in arrays],
            "offsets": [_offset(stimulus[name]) for stimulus in arrays],
        }
    plain = dict(metadata)
    where_tensors_lie: dict[str, Any] = {}
    for name, tensor in tensors.items():
        plain[name] = None
        number = numbers[_storage_key(tensor)]
        where_tensors_lie[name] = (number, _offset(tensor), _dtype(tensor), tuple(tensor.shape))
    more = {"where": where, "metadata": plain, "tensors": where_tensors_lie}
    return to_json(entries, shapes, more)


def _storage_numbers(arrays: Sequence[Arrays], tensors: Arrays) -> dict[int, int]:
    """Return the number of each storage.

    Torch numbers them as it meets them: those of the stimuli first, then of the metadata.
    """
    numbers: dict[int, int] = {}
    for tensor in _in_order(arrays, tensors):
        numbers.setdefault(_storage_key(tensor), len(numbers))
    return numbers


def _in_order(arrays: Sequence[Arrays], tensors: Arrays) -> Iterable[torch.Tensor]:
    for stimulus in arrays:
        yield from stimulus.values()
    yield from tensors.values()


def _storage_key(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _offset(tensor: torch.Tensor) -> int:
    return int(tensor.storage_offset()) * tensor.itemsize


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _compact(array: torch.Tensor) -> torch.Tensor:
    """Return the array with a storage of exactly its size, since a storage is saved whole."""
    array = array.detach().cpu().contiguous()
    if array.untyped_storage().nbytes() == array.nbytes:
        return array
    return array.clone()
