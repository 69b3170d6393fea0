"""Writing a ``results.h5`` and its parts.

Mostly through HDF5's low-level interface, which takes a third of the time of the other.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5a, h5d, h5g, h5o, h5p, h5s, h5t

from sensoryforge.store.files import Sink
from sensoryforge.store.formats.base import Arrays, Metadata, Shelf, Source, check_shapes
from sensoryforge.store.formats.hdf5.deflate import LEVEL, compress, join_streams
from sensoryforge.store.formats.hdf5.names import TABLE, group_name
from sensoryforge.store.formats.hdf5.reader import Hdf5Reader
from sensoryforge.store.table import Entry, Shapes, to_json

if TYPE_CHECKING:
    import torch

_VERSIONS = ("v110", "v110")
"""Of the file's layout; an older one costs 7 kB a stimulus more."""
_OPEN = 2
"""Files held open by a merge, 10 to 30 MB each; a design that grew alternates between two."""
_CHUNK_BYTES = 64 << 20
"""Largest array that is stored as one chunk."""
_ATTRIBUTES_INLINE = 64
"""Attributes that a group holds itself; for more, HDF5 gives it a heap of its own."""
_CACHE_BYTES = 1 << 20
"""Of what HDF5 keeps of groups already written; left to itself it takes 60 MB in the end."""
_BLOCK = 1024
"""Entries compressed together in the table of a results file."""
_LOWEST, _HIGHEST = -(1 << 63), (1 << 63) - 1
"""Of the whole numbers that an attribute holds."""
_SCALAR = h5s.create(h5s.SCALAR)
_STRING = h5py.string_dtype()
_STRING_IN_FILE = h5t.py_create(_STRING, logical=True)
_STRING_IN_MEMORY = h5t.py_create(_STRING)

_Values: TypeAlias = npt.NDArray[Any]
_Attribute: TypeAlias = str | _Values


def write_part(sink: Sink, entries: Sequence[Entry], arrays: Arrays) -> None:
    """Write a part: made in memory, so that the disk sees one plain write.

    The memory is Python's own. HDF5's driver for files in memory would do as well, but with HDF5
    1.14 the image that it gives of a file in this layout cannot be read (HDFGroup/hdf5 issue 5489).
    """
    image = BytesIO()
    stored = {name: _stored(array) for name, array in arrays.items()}
    datasets = {name: _Dataset(values.shape[1:], values.dtype) for name, values in stored.items()}
    shapes = {name: dataset.shape for name, dataset in datasets.items()}
    with h5py.File(image, "w", libver=_VERSIONS) as file:
        groups = _Groups(file.id, datasets)
        for row, entry in enumerate(entries):
            of_stimulus = {name: values[row] for name, values in stored.items()}
            groups.add(group_name(row, len(entries)), entry, of_stimulus)
        groups.close()
        table = compress(to_json(entries, shapes))
        _set_attribute(file.id, TABLE, join_streams([table]))
    # Not getbuffer: a view that a traceback still holds is in the way of the buffer's end.
    sink.write(image.getvalue())


def write_results(sink: Sink, sources: Sequence[Source], metadata: Metadata) -> None:
    """Write the results file.

    Groups are copied as they are, still compressed: no array passes through memory.
    """
    with closing(Shelf(Hdf5Reader, limit=_OPEN)) as shelf, _new_file(sink.path) as file:
        shapes, entries = _copy_groups(sink, sources, shelf, file)
        _set_metadata(file.id, metadata)
        head = _table_head(shapes, metadata)
        _set_attribute(file.id, TABLE, join_streams([head, *entries]))


def _copy_groups(
    sink: Sink, sources: Sequence[Source], shelf: Shelf[Hdf5Reader], file: h5py.File
) -> tuple[Shapes, list[bytes]]:
    """Copy the stimuli of every source into the results file.

    Returns the shapes of their arrays, and their entries as compressed tables.
    """
    total = sum(len(source.rows) for source in sources)
    shapes: Shapes = {}
    entries = _EntryBlocks()
    position = 0
    for number, source in enumerate(sources):
        if number == len(sources) // 2:
            sink.begin()
        reader = shelf[source.path]
        shapes = shapes or reader.shapes
        check_shapes(shapes, source, reader)
        for row in source.rows:
            name = group_name(position, total)
            entries.add(reader.copy(row, file, name, position))
            position += 1
    return shapes, entries.close()


def _table_head(shapes: Shapes, metadata: Metadata) -> bytes:
    """Return the first block of the table: no entries, but shapes and metadata."""
    import torch

    plain: dict[str, Any] = {}
    tensors: list[str] = []
    for name, value in metadata.items():
        if isinstance(value, torch.Tensor):
            tensors.append(name)
            plain[name] = None  # keeps its place; the values are in an attribute of that name
        else:
            plain[name] = value
    return compress(to_json([], shapes, {"metadata": plain, "tensors": tensors}))


@dataclass(frozen=True)
class _Model:
    """A group that others are copied from: its attributes, and arrays still to be filled in."""

    name: bytes
    attributes: dict[str, _Attribute]
    arrays: dict[str, _Values]


class _Groups:
    """The groups of a part.

    The first of each kind is what the others are copied from while its datasets are still empty:
    that takes a third of the time, and only the attributes that differ are set.
    """

    def __init__(self, where: h5g.GroupID, datasets: dict[str, _Dataset]) -> None:
        self._where = where
        self._datasets = datasets
        self._properties = h5p.create(h5p.GROUP_CREATE)
        self._properties.set_attr_phase_change(_ATTRIBUTES_INLINE, 0)
        self._properties.set_obj_track_times(False)
        self._models: dict[Hashable, _Model] = {}

    def add(self, name: bytes, entry: Entry, arrays: dict[str, _Values]) -> None:
        attributes = _attributes(entry)
        kind = tuple((key, _type_of(value)) for key, value in attributes.items())
        model = self._models.get(kind)
        if model is None:
            self._create(name, attributes)
            self._models[kind] = _Model(name, attributes, arrays)
            return
        h5o.copy(self._where, model.name, self._where, name)
        group = h5o.open(self._where, name)
        for key, value in attributes.items():
            if not _is_same(value, model.attributes[key]):
                _write_attribute(h5a.open(group, key.encode()), value)
        self._fill(group, arrays)

    def close(self) -> None:
        """Fill the datasets of the groups that others were copied from."""
        for model in self._models.values():
            self._fill(h5o.open(self._where, model.name), model.arrays)

    def _create(self, name: bytes, attributes: dict[str, _Attribute]) -> None:
        group = h5g.create(self._where, name, gcpl=self._properties)
        for key, value in attributes.items():
            _set_attribute(group, key, value)
        for key, dataset in self._datasets.items():
            dataset.create(group, key)

    def _fill(self, group: h5g.GroupID, arrays: dict[str, _Values]) -> None:
        for key, dataset in self._datasets.items():
            dataset.fill(group, key, arrays[key])


class _Dataset:
    """How one array of every stimulus is stored.

    Properties are made once, and bytes are compressed here, which takes a fraction of HDF5's time.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        self._one_chunk = bool(shape) and 0 < size <= _CHUNK_BYTES
        self._options: dict[str, Any] = {}
        if self._one_chunk:
            self._type = h5t.py_create(dtype)
            self._space = h5s.create_simple(shape)
            self._properties = _one_chunk_properties(shape)
        elif size and shape:
            chunk = (max(1, _CHUNK_BYTES * shape[0] // size), *shape[1:])
            self._options = {"chunks": chunk, "compression": "gzip", "compression_opts": LEVEL}

    def create(self, group: h5g.GroupID, name: str) -> None:
        """Make the dataset, empty; one of several chunks is left to be made with its values."""
        if self._one_chunk:
            h5d.create(group, name.encode(), self._type, self._space, self._properties)

    def fill(self, group: h5g.GroupID, name: str, values: _Values) -> None:
        if self._one_chunk:
            dataset = h5d.open(group, name.encode())
            corner = (0,) * len(self.shape)
            dataset.write_direct_chunk(corner, compress(values.data))
        else:
            h5py.Group(group).create_dataset(name, data=values, **self._options)


def _one_chunk_properties(shape: tuple[int, ...]) -> h5p.PropDCID:
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_chunk(shape)
    properties.set_deflate(LEVEL)
    properties.set_fill_time(h5d.FILL_TIME_NEVER)
    properties.set_obj_track_times(False)
    return properties


class _EntryBlocks:
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
            self._blocks.append(compress(to_json(self._entries, {})))
            self._entries = []
        return self._blocks


@contextmanager
def _new_file(path: Path) -> Iterator[h5py.File]:
    file = h5py.File(path, "w", libver=_VERSIONS)
    cache = file.id.get_mdc_config()
    cache.set_initial_size = True
    cache.initial_size = _CACHE_BYTES
    cache.min_size = _CACHE_BYTES
    cache.max_size = _CACHE_BYTES
    file.id.set_mdc_config(cache)
    try:
        yield file
        file.close()
    finally:
        # on a full disk the first close fails to flush, the second lets go of the file
        for _ in range(2):
            with suppress(OSError, RuntimeError):
                file.close()


def _stored(array: torch.Tensor) -> _Values:
    """Return an array as it is stored: bool as bytes (MATLAB and R read HDF5's enums badly)."""
    values: _Values = array.detach().cpu().contiguous().numpy()
    return values.view(np.uint8) if values.dtype == np.bool_ else values


def _attributes(entry: Entry) -> dict[str, _Attribute]:
    """Return the attributes of a stimulus's group: its parameters, then what identifies it."""
    attributes = {name: _attribute(value) for name, value in entry["parameters"].items()}
    for name, value in entry.items():
        if name != "parameters":
            attributes[name] = _attribute(value)
    return attributes


def _attribute(value: Any) -> _Attribute:
    """Return a text, number or array as an attribute holds it.

    An integer beyond 64 bits becomes a float.
    """
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, int) and not _LOWEST <= value <= _HIGHEST:
        value = float(value)
    return np.asarray(value)


def _type_of(value: _Attribute) -> Hashable:
    return str if isinstance(value, str) else value.dtype


@cache
def _hdf5_type(dtype: np.dtype[Any]) -> h5t.TypeID:
    return h5t.py_create(dtype)


def _is_same(one: _Attribute, other: _Attribute) -> bool:
    """Tell whether two values of one type are the same, bit by bit: 0.0 and -0.0 are not."""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return one.tobytes() == other.tobytes()


def _set_attribute(where: h5g.GroupID, name: str, value: Any) -> None:
    """Make an attribute."""
    value = _attribute(value)
    if isinstance(value, str):
        attribute = h5a.create(where, name.encode(), _STRING_IN_FILE, _SCALAR)
    else:
        space = h5s.create_simple(value.shape) if value.shape else _SCALAR
        attribute = h5a.create(where, name.encode(), _hdf5_type(value.dtype), space)
    _write_attribute(attribute, value)


def _write_attribute(attribute: h5a.AttrID, value: _Attribute) -> None:
    if isinstance(value, str):
        attribute.write(np.array(value, _STRING), _STRING_IN_MEMORY)
    else:
        # found out anew by h5py, the type takes longer than the writing
        attribute.write(value, _hdf5_type(value.dtype))


def _set_metadata(where: h5g.GroupID, metadata: Metadata) -> None:
    """Write the metadata as attributes of the root, what HDF5 has no type for as JSON."""
    import torch

    for name, value in metadata.items():
        if isinstance(value, torch.Tensor):
            _set_attribute(where, name, _stored(value))
        elif type(value) in (str, int, float):
            _set_attribute(where, name, value)
        else:
            _set_attribute(where, name, json.dumps(value))
