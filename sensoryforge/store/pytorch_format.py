"""``results.pt``: plain containers and tensors, as ``torch.load`` reads them by default.

``{'stimuli': [{'parameters', 'sa_spikes', ..., 'id', 'seed', 'repetition', 'index'}, ...], 'metadata': {...}}``. The
tensors of one population are views of one storage per part or per block of stimuli: a storage each would be slow. The
archive also holds ``sensoryforge.json``, the table and where each tensor's bytes lie: our own reader needs no pickle.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sensoryforge.store.base import Arrays, Entry, Metadata, Shapes, Shelf, Source, reading, same_shapes, save_archive
from sensoryforge.store.files import Sink
from sensoryforge.store.table import Entries, from_json, to_json

if TYPE_CHECKING:
    import torch

SUFFIX = "pt"
_BLOCK = 256
_FEW = 64
_TABLE = "sensoryforge.json"
_LOCAL_HEADER = 30


def write(sink: Sink, entries: Sequence[Entry], arrays: Arrays) -> None:
    """Write a part: one storage an array."""
    own = {name: _own(array) for name, array in arrays.items()}
    _save(sink, entries, [{name: array[row] for name, array in own.items()} for row in range(len(entries))])


def merge(sink: Sink, sources: Sequence[Source], metadata: Metadata) -> None:
    """Write the results file; files wanted whole stay on the disk, mapped, and cost no memory."""
    wanted: Counter[Path] = Counter()
    for source in sources:
        wanted[source.path] += len(source.rows)
    gathered = _Gathered()
    whole: dict[Path, Reader] = {}
    passing = Shelf(Reader)
    for source in sources:
        reader = whole.get(source.path) or passing[source.path]
        assert isinstance(reader, Reader)
        if len(reader) >= _FEW and wanted[source.path] == len(reader):
            whole[source.path] = reader
        gathered.add(source, reader, mapped=source.path in whole)
    gathered.pack()
    _save(sink, gathered.entries, gathered.arrays, metadata)


class Reader:
    """The rows of a part or of a results file; arrays are read when asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with reading(path):
            with zipfile.ZipFile(path) as archive:
                self._records = {info.filename.split("/", 1)[-1]: info for info in archive.infolist()}
                table = self._records[_TABLE]
                if table.compress_type != zipfile.ZIP_STORED:
                    raise ValueError("a compressed table")
                self._table = from_json([archive.read(table)])
            self._bytes = np.memmap(path, np.uint8, "c")
            self._storages: dict[int, torch.Tensor] = {}

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
            tensors = {name: self._tensor(*place).clone() for name, place in more["tensors"].items()}
            return {name: tensors.get(name, value) for name, value in more["metadata"].items()}

    @property
    def facts(self) -> Metadata:
        """The metadata without its arrays."""
        more = self._table.more
        return {name: value for name, value in more["metadata"].items() if name not in more["tensors"]}

    def array(self, row: int, name: str) -> torch.Tensor:
        """Return one array of one stimulus; a copy, since saving a view would save its whole storage."""
        import torch

        return torch.from_numpy(self.view(row, name).numpy().copy())  # clone() would wake torch's threads for it

    def view(self, row: int, name: str) -> torch.Tensor:
        """Return one array of one stimulus where it lies on the disk."""
        with reading(self._path):
            where = self._table.more["where"][name]
            return self._tensor(where["storages"][row], where["offsets"][row], where["dtype"], self.shapes[name])

    def _tensor(self, storage: int, offset: int, dtype: str, shape: Sequence[int]) -> torch.Tensor:
        import torch

        kind = getattr(torch, dtype)
        size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
        whole = self._storage(storage)
        if not 0 <= offset <= len(whole) - size:
            raise ValueError("an array leads out of its storage")
        return whole[offset : offset + size].view(kind).view(*shape)

    def _storage(self, number: int) -> torch.Tensor:
        import torch

        if number not in self._storages:
            record = self._records[f"data/{number}"]
            header = self._bytes[record.header_offset : record.header_offset + _LOCAL_HEADER]
            names = header[26:30].view("<u2").sum(dtype=np.int64)
            start = record.header_offset + _LOCAL_HEADER + int(names)
            self._storages[number] = torch.from_numpy(self._bytes[start : start + record.file_size])
        return self._storages[number]


class _Gathered:
    """The stimuli of the results file, in order; rows picked from here and there share a storage a block."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.arrays: list[Arrays] = []
        self._shapes: Shapes | None = None
        self._loose: list[Arrays] = []

    def add(self, source: Source, reader: Reader, mapped: bool) -> None:
        self._shapes = self._shapes or reader.shapes
        same_shapes(self._shapes, source, reader)
        for row in source.rows:
            arrays = {name: reader.view(row, name) for name in self._shapes}
            self.entries.append({**reader.entries[row], "index": len(self.entries)})
            self.arrays.append(arrays)
            if not mapped:
                self._loose.append(arrays)
                if len(self._loose) == _BLOCK:
                    self.pack()

    def pack(self) -> None:
        import torch

        for name in (self._shapes or {}) if self._loose else ():
            for arrays, view in zip(self._loose, torch.stack([one[name] for one in self._loose]), strict=True):
                arrays[name] = view
        self._loose = []


def _save(sink: Sink, entries: Sequence[Entry], arrays: Sequence[Arrays], metadata: Metadata | None = None) -> None:
    stimuli = [_stimulus(*pair) for pair in zip(entries, arrays, strict=True)]
    save_archive({"stimuli": stimuli, **({} if metadata is None else {"metadata": metadata})}, sink)
    table = _table(entries, arrays, metadata or {})
    with zipfile.ZipFile(sink.path, "a") as archive:
        root = archive.namelist()[0].split("/")[0]
        archive.writestr(f"{root}/{_TABLE}", table)


def _stimulus(entry: Entry, arrays: Arrays) -> dict[str, Any]:
    order = (name for name in ("id", "seed", "repetition", "index", "error") if name in entry)
    return {"parameters": entry["parameters"], **arrays, **{name: entry[name] for name in order}}


def _table(entries: Sequence[Entry], arrays: Sequence[Arrays], metadata: Metadata) -> str:
    """Return the table, with the storage (torch numbers them as it meets them) and first byte of each tensor."""
    import torch

    tensors = {name: value for name, value in metadata.items() if isinstance(value, torch.Tensor)}
    numbers = _numbers([*(array for one in arrays for array in one.values()), *tensors.values()])
    shapes = {name: tuple(array.shape) for name, array in arrays[0].items()} if arrays else {}
    where = {
        name: {
            "dtype": _dtype(arrays[0][name]),
            "storages": [numbers[_storage(one[name])] for one in arrays],
            "offsets": [_offset(one[name]) for one in arrays],
        }
        for name in shapes
    }
    places = {name: (numbers[_storage(t)], _offset(t), _dtype(t), tuple(t.shape)) for name, t in tensors.items()}
    plain = {name: None if name in tensors else value for name, value in metadata.items()}
    return to_json(entries, shapes, {"where": where, "metadata": plain, "tensors": places})


def _numbers(tensors: Iterable[torch.Tensor]) -> dict[int, int]:
    numbers: dict[int, int] = {}
    for tensor in tensors:
        numbers.setdefault(_storage(tensor), len(numbers))
    return numbers


def _storage(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _offset(tensor: torch.Tensor) -> int:
    return int(tensor.storage_offset()) * tensor.itemsize


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _own(array: torch.Tensor) -> torch.Tensor:
    """Return the array with a storage of exactly its size, since a storage is saved whole."""
    array = array.detach().cpu().contiguous()
    return array if array.untyped_storage().nbytes() == array.nbytes else array.clone()
