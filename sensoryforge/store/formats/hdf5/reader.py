"""Reading a ``results.h5``, or a part of one.

Training reads spikes past HDF5: HDF5 says once where a stimulus's chunk lies, and from then on the
chunk is taken from the file as it lies there and inflated here, at a fifth of the cost of a read
through h5py.
"""

from __future__ import annotations

import os
import shlex
import zlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5a, h5d, h5o, h5z
from isal import isal_zlib

from sensoryforge.core.errors import StorageError
from sensoryforge.core.types import Ints
from sensoryforge.store import files
from sensoryforge.store.files import reading
from sensoryforge.store.formats.base import Bytes, FileReader, Metadata
from sensoryforge.store.formats.hdf5 import links
from sensoryforge.store.formats.hdf5.deflate import split_streams
from sensoryforge.store.formats.hdf5.names import TABLE, group_name
from sensoryforge.store.table import Entries, Entry, Shapes, Table, from_json

if TYPE_CHECKING:
    import torch

_MARKED = "already open for write"
"""What HDF5 says of a file that is marked as being written to."""
_NOT_ASKED = 0
_NOT_ONE_CHUNK = -1
_CAN_READ_AT = hasattr(os, "pread")
"""Windows has no way to read at a place that leaves alone the place where HDF5 reads on. There HDF5
reads every chunk.
"""
_BAD_CHUNK = (
    cast("type[Exception]", isal_zlib.error),
    OSError,
    LookupError,
    RuntimeError,
    ValueError,
)


def open_file(path: Path) -> h5py.File:
    """Open a file for reading as a user's own h5py does, whose locking flag must be ours.

    Where a file system has no locks, or the file is open without them already, do without.

    Raises
    ------
    StorageError
        If another program has the file open for writing, or was stopped when it had: HDF5 then
        marks the file and refuses it, though it may be whole.
    OSError
        For any other file that HDF5 cannot open.
    """
    try:
        return h5py.File(path, "r")
    except OSError as error:
        is_locked = "lock" in str(error)
        if not is_locked:
            _check_not_in_use(path, error, is_locked)
            raise
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        _check_not_in_use(path, error, is_locked)
        raise


def _check_not_in_use(path: Path, error: OSError, is_locked: bool) -> None:
    """Raise StorageError if HDF5 says that somebody is writing to a file, or has not closed it."""
    if _MARKED not in str(error):
        return
    shown = files.show(path)
    if is_locked:
        raise StorageError(
            f"{shown}: in use by another program, which has it open for writing; close it there"
        ) from error
    raise StorageError(
        f"{shown}: open for writing in another program, or not closed by one that was stopped; "
        f"close it there, or mend it with h5clear -s {shlex.quote(shown)}"
    ) from error


class Hdf5Reader(FileReader):
    """The rows of a part or of a results file; arrays are read when asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._chunks: dict[str, Ints] = {}
        with reading(path):
            self._file = open_file(path)
            if not h5a.exists(self._file.id, TABLE.encode()):
                raise files.NoTableError("no table")
            self._count = len(self._file)  # the table says it too, and takes a while to read

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def entries(self) -> Entries:
        """What is known of each stimulus."""
        return self._table.entries

    @property
    def shapes(self) -> Shapes:
        """Array name -> shape of one stimulus."""
        return self._table.shapes

    @property
    def errors(self) -> dict[int, str]:
        """Row of each stimulus that could not be computed, and why."""
        return self._table.entries.errors

    @cached_property
    def metadata(self) -> Metadata:
        """What a results file says of the run."""
        import torch

        with reading(self._path):
            more = self._table.more
            metadata = dict(more["metadata"])
            for name in more["tensors"]:
                metadata[name] = torch.from_numpy(self._attribute(name))
            return metadata

    @property
    def facts(self) -> Metadata:
        """The metadata without its arrays."""
        more = self._table.more
        tensors = set(more["tensors"])
        return {name: value for name, value in more["metadata"].items() if name not in tensors}

    def array(self, row: int, name: str) -> torch.Tensor:
        """Return one array of one stimulus."""
        import torch

        with reading(self._path):
            return torch.from_numpy(links.read_array(self._group(row), name, self.shapes[name]))

    def read_spikes_into(self, row: int, name: str, out: Bytes) -> None:
        """Write one stimulus's spikes into ``out``.

        A chunk of our making is inflated here, any other is read by HDF5.
        """
        try:
            start, size = self._chunk(row, name, out.shape)
            if size == _NOT_ONE_CHUNK:
                out[:] = links.read_array(self._group(row), name, out.shape)
                return
            stream = os.pread(self._descriptor, size, start)
            spikes = isal_zlib.decompress(stream, zlib.MAX_WBITS, out.size)
            out[:] = np.frombuffer(spikes, np.uint8).reshape(out.shape)
        except _BAD_CHUNK as error:
            # only now: it looks at the file, which takes as long as reading a stimulus
            with reading(self._path):
                raise ValueError(str(error)) from error

    def copy(self, row: int, file: h5py.File, name: bytes, index: int) -> Entry:
        """Copy a stimulus to another file, where its position is ``index``; return its entry."""
        with reading(self._path):
            links.check_members(self._group(row), self.shapes)
        h5o.copy(self._file.id, group_name(row, self._count), file.id, name)
        entry = self.entries[row]
        if entry["index"] != index:
            h5a.open(h5o.open(file.id, name), b"index").write(np.array(index))
        return {**entry, "index": index}

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @cached_property
    def _descriptor(self) -> int:
        """The operating system's number of the file as HDF5 has it open."""
        return int(self._file.id.get_vfd_handle())

    def _chunk(self, row: int, name: str, shape: tuple[int, ...]) -> tuple[int, int]:
        """Return first byte and size of a stimulus's only chunk; HDF5 is asked once."""
        chunks = self._chunks.get(name)
        if chunks is None:
            chunks = self._chunks[name] = np.full((self._count, 2), _NOT_ASKED, np.int64)
        if chunks[row, 1] == _NOT_ASKED:
            chunks[row] = self._locate_chunk(row, name, shape)
        start, size = chunks[row].tolist()
        return start, size

    def _locate_chunk(self, row: int, name: str, shape: tuple[int, ...]) -> tuple[int, int]:
        dataset = links.open_dataset(self._group(row), name, shape)
        if not (_CAN_READ_AT and _is_one_chunk(dataset)):
            return 0, _NOT_ONE_CHUNK
        chunk = dataset.get_chunk_info(0)
        if chunk.filter_mask:  # a filter was left out: the bytes are not compressed
            return 0, _NOT_ONE_CHUNK
        return chunk.byte_offset, chunk.size

    def _group(self, row: int) -> Any:
        return links.open_group(self._file.id, group_name(row, self._count))

    def _attribute(self, name: str) -> npt.NDArray[Any]:
        attribute = h5a.open(self._file.id, name.encode())
        values = np.empty(attribute.shape, attribute.dtype)
        attribute.read(values)
        return values

    @cached_property
    def _table(self) -> Table:
        with reading(self._path):
            table = from_json(split_streams(self._attribute(TABLE).tobytes()))
            if len(table.entries) != self._count:
                raise ValueError("table and groups differ")
            return table


def _is_one_chunk(dataset: Any) -> bool:
    """Tell whether a dataset is a single chunk that only deflate has changed."""
    properties = dataset.get_create_plist()
    if properties.get_layout() != h5d.CHUNKED or properties.get_chunk() != dataset.shape:
        return False
    if properties.get_nfilters() != 1 or properties.get_filter(0)[0] != h5z.FILTER_DEFLATE:
        return False
    return bool(dataset.get_num_chunks() == 1)
