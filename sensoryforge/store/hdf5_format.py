"""``results.h5``: a group per stimulus, read by any HDF5 library of version 1.10 or later.

The root holds nothing but the groups ``stimulus_0000``, ... (as many digits as the count needs, at least four); a
group's datasets are the arrays (bool as uint8 0 and 1; gzip), its attributes the parameters and what identifies the
stimulus. The root's attributes are the metadata, values other than numbers, texts and arrays as JSON. For our own
reader ``_table`` holds entries and metadata once more, as zlib-compressed JSON: a large file opens at once, and damage
shows (HDF5 keeps no checksum of its texts, and may never return from reading a damaged one).
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5a, h5d, h5g, h5o, h5p, h5s, h5t

from sensoryforge.store import hdf5_plain
from sensoryforge.store.base import Arrays, Entry, Metadata, Shapes, Shelf, Source, reading, same_shapes
from sensoryforge.store.files import Sink
from sensoryforge.store.streams import LEVEL, compressed, packed, texts
from sensoryforge.store.table import Entries, Table, from_json, to_json

if TYPE_CHECKING:
    import torch

SUFFIX = "h5"
_VERSIONS = ("v110", "v110")  # the older layout costs 7 kB a stimulus more
_OPEN = 2  # files at a time, each of which takes 10 to 30 MB; a design that grew goes to and fro between two
_CHUNK_BYTES = 64 << 20
_ATTRIBUTES_INLINE = 64  # beyond it, HDF5 gives a group a heap of its own for them
_TABLE = "_table"
_CACHE_BYTES = 1 << 20  # of what HDF5 keeps of groups already written; left to itself it takes 60 MB in the end
_BLOCK = 1024  # entries compressed together in the table of a results file
_SCALAR = h5s.create(h5s.SCALAR)
_STRING = h5py.string_dtype()
_TEXT, _OBJECT = h5t.py_create(_STRING, logical=True), h5t.py_create(_STRING)  # in the file, and in memory
_Value: TypeAlias = str | npt.NDArray[Any]


def write(sink: Sink, entries: Sequence[Entry], arrays: Arrays) -> None:
    """Write a part: made in memory, so that the disk sees one plain write."""
    rows = {name: _stored(array) for name, array in arrays.items()}
    datasets = {name: _Dataset(array.shape[1:], array.dtype) for name, array in rows.items()}
    with h5py.File(sink.path, "w", driver="core", backing_store=False, libver=_VERSIONS) as file:
        groups = _Groups(file.id, datasets)
        for row, entry in enumerate(entries):
            groups.add(_name(row, len(entries)), entry, {name: array[row] for name, array in rows.items()})
        groups.close()
        shapes = {name: dataset.shape for name, dataset in datasets.items()}
        _set(file.id, _TABLE, packed([compressed(to_json(entries, shapes))]))
        file.flush()
        sink.write(file.id.get_file_image())


def merge(sink: Sink, sources: Sequence[Source], metadata: Metadata) -> None:
    """Write the results file; groups are copied as they are, still compressed, and no array passes through memory."""
    import torch

    total, done = sum(len(source.rows) for source in sources), 0
    shelf, shapes = Shelf(Reader, limit=_OPEN), None
    tables = _Tables()
    with _new_file(sink.path) as file:
        for number, source in enumerate(sources):
            if number == len(sources) // 2:
                sink.begin()
            reader = shelf[source.path]
            assert isinstance(reader, Reader)
            shapes = shapes or reader.shapes
            same_shapes(shapes, source, reader)
            for place, row in enumerate(source.rows, done):
                tables.add(reader.copy(row, file, _name(place, total), place))
            done += len(source.rows)
        _set_metadata(file.id, metadata)
        plain = {name: None if isinstance(value, torch.Tensor) else value for name, value in metadata.items()}
        tensors = [name for name, value in metadata.items() if isinstance(value, torch.Tensor)]
        head = to_json([], shapes or {}, {"metadata": plain, "tensors": tensors})
        _set(file.id, _TABLE, packed([compressed(head), *tables.close()]))


def opened(path: Path) -> h5py.File:
    """Open a file for reading as a user's own h5py does, whose locking flag must be ours; where a file system has no
    locks, or the file is open without them already, do without.
    """
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if "lock" not in str(error):
            raise
        return h5py.File(path, "r", locking=False)


class Reader:
    """The rows of a part or of a results file; arrays are read when asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with reading(path):
            self._file = opened(path)
            if not h5a.exists(self._file.id, _TABLE.encode()):
                raise ValueError("no table")

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def metadata(self) -> Metadata:
        """What a results file says of the run."""
        import torch

        with reading(self._path):
            more = self._table.more
            tensors = {name: torch.from_numpy(self._attribute(name)) for name in more["tensors"]}
            return {name: tensors.get(name, value) for name, value in more["metadata"].items()}

    @property
    def facts(self) -> Metadata:
        """The metadata without its arrays."""
        more = self._table.more
        return {name: value for name, value in more["metadata"].items() if name not in more["tensors"]}

    @property
    def shapes(self) -> Shapes:
        """Array name -> shape of one stimulus."""
        return self._table.shapes

    @property
    def entries(self) -> Entries:
        """What is known of each stimulus."""
        return self._table.entries

    @property
    def errors(self) -> dict[int, str]:
        """Row of each stimulus that could not be computed, and why."""
        return self._table.entries.errors

    def array(self, row: int, name: str) -> torch.Tensor:
        """Return one array of one stimulus."""
        import torch

        with reading(self._path):
            group = hdf5_plain.group(self._file.id, _name(row, len(self)))
            return torch.from_numpy(hdf5_plain.array(group, name, self.shapes[name]))

    def copy(self, row: int, file: h5py.File, name: bytes, index: int) -> Entry:
        """Copy a stimulus to another file, where its place is ``index``; return its entry there."""
        with reading(self._path):
            hdf5_plain.members(hdf5_plain.group(self._file.id, _name(row, len(self))), self.shapes)
        h5o.copy(self._file.id, _name(row, len(self)), file.id, name)
        entry = self.entries[row]
        if entry["index"] != index:
            h5a.open(h5o.open(file.id, name), b"index").write(np.array(index))
        return {**entry, "index": index}

    def _attribute(self, name: str) -> npt.NDArray[Any]:
        attribute = h5a.open(self._file.id, name.encode())
        values = np.empty(attribute.shape, attribute.dtype)
        attribute.read(values)
        return values

    @cached_property
    def _table(self) -> Table:
        with reading(self._path):
            table = from_json(texts(self._attribute(_TABLE).tobytes()))
            if len(table.entries) != len(self._file):
                raise ValueError("table and groups differ")
            return table


class _Groups:
    """The groups of a part. The first of each kind, datasets still empty, is what the others of its kind are copied
    from: that takes a third of the time, and only the attributes that differ are set.
    """

    def __init__(self, where: h5g.GroupID, datasets: dict[str, _Dataset]) -> None:
        self._where, self._datasets = where, datasets
        self._properties = h5p.create(h5p.GROUP_CREATE)
        self._properties.set_attr_phase_change(_ATTRIBUTES_INLINE, 0)
        self._properties.set_obj_track_times(False)
        self._first: dict[Hashable, tuple[bytes, dict[str, _Value], dict[str, npt.NDArray[Any]]]] = {}

    def add(self, name: bytes, entry: Entry, rows: dict[str, npt.NDArray[Any]]) -> None:
        values = {key: _value(value) for key, value in _attributes(entry).items()}
        kind = tuple((key, str if isinstance(value, str) else value.dtype) for key, value in values.items())
        if kind not in self._first:
            self._begin(name, values)
            self._first[kind] = name, values, rows
            return
        like, usual, _ = self._first[kind]
        h5o.copy(self._where, like, self._where, name)
        group = h5o.open(self._where, name)
        for key, value in values.items():
            if not _same(value, usual[key]):
                _put(h5a.open(group, key.encode()), value)
        self._fill(group, rows)

    def close(self) -> None:
        """Fill the datasets of the groups that others were copied from."""
        for name, _, rows in self._first.values():
            self._fill(h5o.open(self._where, name), rows)

    def _begin(self, name: bytes, values: dict[str, _Value]) -> None:
        group = h5g.create(self._where, name, gcpl=self._properties)
        for key, value in values.items():
            _set(group, key, value)
        for key, dataset in self._datasets.items():
            dataset.create(group, key)

    def _fill(self, group: h5g.GroupID, rows: dict[str, npt.NDArray[Any]]) -> None:
        for key, dataset in self._datasets.items():
            dataset.fill(group, key, rows[key])


class _Dataset:
    """How one array of every stimulus is stored: properties made once, bytes compressed here, not in HDF5."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        self._one_chunk = bool(shape) and 0 < size <= _CHUNK_BYTES
        self._options: dict[str, Any] = {}
        if self._one_chunk:
            self._type, self._space = h5t.py_create(dtype), h5s.create_simple(shape)
            self._properties = h5p.create(h5p.DATASET_CREATE)
            self._properties.set_chunk(shape)
            self._properties.set_deflate(LEVEL)
            self._properties.set_fill_time(h5d.FILL_TIME_NEVER)
            self._properties.set_obj_track_times(False)
        elif size and shape:
            chunk = (max(1, _CHUNK_BYTES * shape[0] // size), *shape[1:])
            self._options = {"chunks": chunk, "compression": "gzip", "compression_opts": LEVEL}

    def create(self, group: h5g.GroupID, name: str) -> None:
        """Make the dataset, empty; one of several chunks is left to be made with its values."""
        if self._one_chunk:
            h5d.create(group, name.encode(), self._type, self._space, self._properties)

    def fill(self, group: h5g.GroupID, name: str, values: npt.NDArray[Any]) -> None:
        if self._one_chunk:
            dataset = h5d.open(group, name.encode())
            dataset.write_direct_chunk((0,) * len(self.shape), compressed(values.data))
        else:
            h5py.Group(group).create_dataset(name, data=values, **self._options)


class _Tables:
    """The entries of a results file on their way into its table, compressed a block at a time."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)
        if len(self._entries) == _BLOCK:
            self.close()

    def close(self) -> list[bytes]:
        """Return every block."""
        if self._entries:
            self._blocks.append(compressed(to_json(self._entries, {})))
            self._entries = []
        return self._blocks


@contextmanager
def _new_file(path: Path) -> Iterator[h5py.File]:
    file = h5py.File(path, "w", libver=_VERSIONS)
    cache = file.id.get_mdc_config()
    cache.set_initial_size, cache.initial_size, cache.min_size, cache.max_size = True, *(_CACHE_BYTES,) * 3
    file.id.set_mdc_config(cache)
    try:
        yield file
        file.close()
    finally:
        for _ in range(2):  # on a full disk the first close fails to flush, the second lets go of the file
            with suppress(OSError, RuntimeError):
                file.close()


def _name(row: int, count: int) -> bytes:
    return f"stimulus_{row:0{max(4, len(str(count - 1)))}d}".encode()


def _stored(array: torch.Tensor) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = array.detach().cpu().contiguous().numpy()
    return values.view(np.uint8) if values.dtype == np.bool_ else values


def _attributes(entry: Entry) -> dict[str, Any]:
    return {**entry["parameters"], **{name: value for name, value in entry.items() if name != "parameters"}}


def _value(value: Any) -> _Value:
    """Return a text, number or array as an attribute holds it; an integer beyond 64 bits becomes a float."""
    if isinstance(value, str):
        return value.replace("\0", "")
    return np.asarray(float(value) if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63 else value)


@cache
def _type(dtype: np.dtype[Any]) -> h5t.TypeID:
    return h5t.py_create(dtype)


def _same(one: _Value, other: _Value) -> bool:
    """Tell whether two values of one kind are the same, bit by bit: 0.0 and -0.0 are not."""
    return one == other if isinstance(one, str) or isinstance(other, str) else one.tobytes() == other.tobytes()


def _set(where: h5g.GroupID, name: str, value: Any) -> None:
    """Make an attribute."""
    value = _value(value)
    if isinstance(value, str):
        attribute = h5a.create(where, name.encode(), _TEXT, _SCALAR)
    else:
        space = h5s.create_simple(value.shape) if value.shape else _SCALAR
        attribute = h5a.create(where, name.encode(), _type(value.dtype), space)
    _put(attribute, value)


def _put(attribute: h5a.AttrID, value: _Value) -> None:
    if isinstance(value, str):
        attribute.write(np.array(value, _STRING), _OBJECT)
    else:
        attribute.write(value, _type(value.dtype))  # found out anew, the type takes longer than the writing


def _set_metadata(where: h5g.GroupID, metadata: Metadata) -> None:
    import torch

    for name, value in metadata.items():
        if isinstance(value, torch.Tensor):
            _set(where, name, _stored(value))
        else:
            _set(where, name, value if type(value) in (str, int, float) else json.dumps(value))
