"""Spikes of many stimuli, read from either format as fast as a training step wants them, in any number of processes.

An HDF5 chunk is taken as it lies in the file and inflated here, at a fifth of the cost of a read through h5py. Each
process opens the files for itself: a handle survives neither a fork nor pickling.
"""

from __future__ import annotations

import os
import weakref
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from h5py import h5d, h5s, h5z
from isal import isal_zlib
from torch import Tensor

from sensoryforge.errors import DamagedError
from sensoryforge.store import files, hdf5_plain, pytorch_format
from sensoryforge.store.base import reading
from sensoryforge.store.hdf5_format import opened
from sensoryforge.store.results import Results
from sensoryforge.types import Ints

Bytes = npt.NDArray[np.uint8]
_BAD_STREAM = cast("type[Exception]", isal_zlib.error)
_OPEN = 16
"""Files of an unfinished run that are held open at once."""


class _Source(Protocol):
    def read(self, row: int, name: str, into: Bytes) -> None: ...


class _Archive:
    """A ``results.pt``, or a part of one, mapped."""

    def __init__(self, path: Path) -> None:
        self.reader = pytorch_format.Reader(path)

    def read(self, row: int, name: str, into: Bytes) -> None:
        into[:] = self.reader.view(row, name).numpy().view(np.uint8)


class _Hdf5:
    """A ``results.h5``, or a part of one: HDF5 says where a chunk lies, and from then on it is read without HDF5."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with reading(path):
            self.file = opened(path)
            self.count = len(self.file)
            self.digits = max(4, len(str(self.count - 1)))
            self.raw = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self.raw)
        self.where: dict[str, Ints] = {}

    def read(self, row: int, name: str, into: Bytes) -> None:
        with _damage(self.path):
            where = self.where.setdefault(name, np.zeros((self.count, 2), np.int64))
            if not where[row, 1]:
                where[row] = self._locate(row, name, into.shape)
            start, size = where[row].tolist()
            if size > 0:
                data = isal_zlib.decompress(os.pread(self.raw, size, start), zlib.MAX_WBITS, into.size)
                into[:] = np.frombuffer(data, np.uint8).reshape(into.shape)
            else:
                self._dataset(row, name, into.shape).read(h5s.ALL, h5s.ALL, values := np.empty(into.shape, np.uint8))
                into[:] = values

    def _locate(self, row: int, name: str, shape: tuple[int, ...]) -> tuple[int, int]:
        """Return first byte and size of the dataset's only chunk; a size of -1 where it is stored in another way."""
        dataset = self._dataset(row, name, shape)
        if not _is_one_chunk(dataset):
            return 0, -1
        chunk = dataset.get_chunk_info(0)
        return (0, -1) if chunk.filter_mask else (chunk.byte_offset, chunk.size)

    def _dataset(self, row: int, name: str, shape: tuple[int, ...]) -> Any:
        group = hdf5_plain.group(self.file.id, f"stimulus_{row:0{self.digits}d}".encode())
        return hdf5_plain.dataset(group, name, shape)


def _is_one_chunk(dataset: Any) -> bool:
    properties = dataset.get_create_plist()
    chunked = properties.get_layout() == h5d.CHUNKED and properties.get_chunk() == dataset.shape
    gzip = chunked and properties.get_nfilters() == 1 and properties.get_filter(0)[0] == h5z.FILTER_DEFLATE
    return bool(gzip and dataset.get_num_chunks() == 1)


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Do as ``reading`` does with an error, without a look at the file when all is well."""
    try:
        yield
    except (_BAD_STREAM, OSError, LookupError, RuntimeError, ValueError) as error:
        with reading(path):
            raise ValueError(str(error)) from error


class SpikeReader:
    """Reads the spikes of chosen stimuli: populations side by side, ``[B, T, N]``."""

    def __init__(self, results: Results, populations: Sequence[str]) -> None:
        stored = results.stored
        paths = list(dict.fromkeys(path for path, _ in stored))
        numbers = {path: number for number, path in enumerate(paths)}
        self.paths = paths
        self.file = np.array([numbers[path] for path, _ in stored], np.int32)
        self.row = np.array([row for _, row in stored], np.int64)
        shapes = {name: results.shape(f"{name}_spikes") for name in populations}
        self.samples = next(iter(shapes.values()))[0]
        ends = np.cumsum([0, *(shape[1] for shape in shapes.values())]).tolist()
        self.neurons = {name: slice(*ends[k : k + 2]) for k, name in enumerate(shapes)}
        self._owner, self._sources = os.getpid(), dict[int, _Source]()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_sources": {}}

    def __len__(self) -> int:
        return len(self.row)

    @property
    def count(self) -> int:
        """Neurons of all populations."""
        return int(max(part.stop for part in self.neurons.values()))

    def read(self, places: Sequence[int]) -> Tensor:
        """Return the spikes of some stimuli, bool ``[B, T, N]``. Raises DamagedError."""
        spikes = np.empty((len(places), self.samples, self.count), np.uint8)
        for into, place in zip(spikes, places, strict=True):
            source, row = self._source(int(self.file[place])), int(self.row[place])
            for name, part in self.neurons.items():
                source.read(row, f"{name}_spikes", into[:, part])
        if spikes.max(initial=0) > 1:
            raise DamagedError(f"{files.show(self.paths[0].parent)}: a spike that is neither 0 nor 1")
        return torch.from_numpy(spikes.view(np.bool_))

    def close(self) -> None:
        """Let go of the files; they are opened again when asked for."""
        self._sources = {}

    def _source(self, number: int) -> _Source:
        if self._owner != os.getpid():
            self._owner, self._sources = os.getpid(), {}
        if number not in self._sources:
            if len(self._sources) >= _OPEN:
                self._sources.pop(next(iter(self._sources)))
            path = self.paths[number]
            self._sources[number] = _Hdf5(path) if path.suffix == ".h5" else _Archive(path)
        return self._sources[number]
