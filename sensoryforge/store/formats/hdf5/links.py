"""What a group or a dataset must be before it is opened: part of its own file.

HDF5 lets a name lead into another file, and a dataset keep its bytes in one or put itself together
from several: a file from somebody else would then read what is not its own, or wait for ever at a
pipe.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt
from h5py import h5d, h5g, h5l, h5s

from sensoryforge.store.table import Shapes

_BYTE = np.dtype(np.uint8)
_REAL = np.dtype(np.float32)


def open_group(where: h5g.GroupID, name: bytes) -> h5g.GroupID:
    """Return a group of this very file. Raises ValueError for a link to elsewhere."""
    _refuse_link(where, name)
    return h5g.open(where, name)


def open_dataset(where: h5g.GroupID, name: str, shape: tuple[int, ...]) -> h5d.DatasetID:
    """Return the dataset of an array: spikes in bytes, anything else in float32.

    Raises ValueError for any other, and for one whose bytes lie elsewhere.
    """
    _refuse_link(where, name.encode())
    dataset = h5d.open(where, name.encode())
    if _lies_elsewhere(dataset):
        raise ValueError(f"{name}: its bytes lie elsewhere")
    if dataset.shape != shape or dataset.dtype != _stored_type(name):
        raise ValueError(f"{name}: {dataset.dtype} {dataset.shape} where {shape} is expected")
    return dataset


def check_members(where: h5g.GroupID, shapes: Shapes) -> None:
    """Raise ValueError unless these arrays are all that a group has.

    Nothing is opened: copying the group opens nothing either.
    """
    if where.get_num_objs() != len(shapes):
        raise ValueError("a group with something else in it")
    for name in shapes:
        _refuse_link(where, name.encode())


def read_array(where: h5g.GroupID, name: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return what a dataset holds, bytes as bool.

    Raises ValueError for a byte that is neither 0 nor 1.
    """
    values = np.empty(shape, _stored_type(name))
    open_dataset(where, name, shape).read(h5s.ALL, h5s.ALL, values)
    if values.dtype != np.uint8:
        return values
    if values.max(initial=0) > 1:
        raise ValueError("a spike that is neither 0 nor 1")
    return values.view(np.bool_)


def _stored_type(name: str) -> np.dtype[Any]:
    return _BYTE if name.endswith("_spikes") else _REAL


def _refuse_link(where: h5g.GroupID, name: bytes) -> None:
    """Raise ValueError for a name that is a link, or a path that may lead over one."""
    if b"/" in name or where.links.get_info(name).type != h5l.TYPE_HARD:
        raise ValueError(f"{name.decode()}: leads elsewhere")


def _lies_elsewhere(dataset: h5d.DatasetID) -> bool:
    """Tell whether a dataset's bytes are not in its own file; those of one in chunks always are."""
    with suppress(ValueError, RuntimeError):
        dataset.get_chunk_info(0)  # a tenth of the time that the properties take
        return False
    properties = dataset.get_create_plist()
    return bool(properties.get_layout() == h5d.VIRTUAL or properties.get_external_count())
