"""What a group or a dataset of HDF5 must be before it is opened: part of the file that it is found in.

HDF5 lets a name lead into another file, and a dataset keep its bytes in one or put itself together from several: a file
from somebody else would then read what is not its own, or wait for ever at a pipe.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt
from h5py import h5d, h5g, h5l, h5s

_BYTE, _REAL = np.dtype(np.uint8), np.dtype(np.float32)


def group(where: h5g.GroupID, name: bytes) -> h5g.GroupID:
    """Return a group of this very file. Raises ValueError for a link to elsewhere."""
    _refuse_link(where, name)
    return h5g.open(where, name)


def dataset(where: h5g.GroupID, name: str, shape: tuple[int, ...]) -> h5d.DatasetID:
    """Return the dataset of an array: spikes in bytes, anything else in float32. Raises ValueError for another."""
    _refuse_link(where, name.encode())
    found = h5d.open(where, name.encode())
    if _lies_elsewhere(found):
        raise ValueError(f"{name}: its bytes lie elsewhere")
    if found.shape != shape or found.dtype != _kind(name):
        raise ValueError(f"{name}: {found.dtype} {found.shape} where {shape} is expected")
    return found


def members(where: h5g.GroupID, shapes: dict[str, tuple[int, ...]]) -> None:
    """Raise ValueError unless these arrays are all that a group has; nothing is opened, a copy opens nothing either."""
    if where.get_num_objs() != len(shapes):
        raise ValueError("a group with something else in it")
    for name in shapes:
        _refuse_link(where, name.encode())


def array(where: h5g.GroupID, name: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return what a dataset holds, bytes as bool. Raises ValueError for a byte that is neither 0 nor 1."""
    values = np.empty(shape, _kind(name))
    dataset(where, name, shape).read(h5s.ALL, h5s.ALL, values)
    if values.dtype != np.uint8:
        return values
    if values.max(initial=0) > 1:
        raise ValueError("a spike that is neither 0 nor 1")
    return values.view(np.bool_)


def _kind(name: str) -> np.dtype[Any]:
    return _BYTE if name.endswith("_spikes") else _REAL


def _refuse_link(where: h5g.GroupID, name: bytes) -> None:
    """Raise ValueError for a name that is a link, or a path that may lead over one."""
    if b"/" in name or where.links.get_info(name).type != h5l.TYPE_HARD:
        raise ValueError(f"{name.decode()}: leads elsewhere")


def _lies_elsewhere(found: h5d.DatasetID) -> bool:
    """Tell whether a dataset's bytes are not in its own file; those of one in chunks always are."""
    with suppress(ValueError, RuntimeError):
        found.get_chunk_info(0)  # a tenth of the time that the properties take
        return False
    properties = found.get_create_plist()
    return bool(properties.get_layout() == h5d.VIRTUAL or properties.get_external_count())
