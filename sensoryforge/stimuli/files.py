"""Files that stimuli are made of: height maps, recorded frames, traces and waypoints.

Each reader raises ConfigError in one line that names the file, what it holds and what is allowed.
What was read is kept: conditions ask for the same file again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names
from sensoryforge.core.types import Floats
from sensoryforge.stimuli.ranges import FileOf

IMAGE_FILE = FileOf((".png", ".npy"), "a height map")
FRAMES_FILE = FileOf((".npy", ".npz", ".h5"), "frames")
TRACE_FILE = FileOf((".csv", ".npy"), "values over time")
WAYPOINTS_FILE = FileOf((".csv",), "waypoints")

FRAMES_KEY = "frames"
"""The array of an archive that holds frames, where it holds several."""
WAYPOINT_COLUMNS = ("x_mm", "y_mm")
KEPT_FILES = 16
"""Files of each kind that are kept in memory."""

_T = TypeVar("_T")


def read_once(read: Callable[..., _T]) -> Callable[..., _T]:
    """Read a file again only when it has changed."""

    @lru_cache(maxsize=KEPT_FILES)
    def read_version(path: str, size: int, modified: int, *more: object) -> _T:
        return read(path, *more)

    @wraps(read)
    def read_file(path: str, *more: object) -> _T:
        try:
            state = Path(path).stat()
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
        return read_version(path, state.st_size, state.st_mtime_ns, *more)

    return read_file


@read_once
def read_height_map(path: str) -> Floats:
    """Return a height map, ``[H, W]``, its highest place at one.

    Parameters
    ----------
    path
        A PNG, whose white is highest and whose top is up, or an ``.npy`` whose first row lies at
        the smallest y, as the saved stimuli of a dataset do.
    """
    is_png = Path(path).suffix.lower() == ".png"
    heights = _read_png(path)[::-1] if is_png else _read_npy(path)
    if heights.ndim != 2 or 0 in heights.shape:
        raise ConfigError(f"{path}: holds an array {_shape(heights)}, allowed is one [H, W]")
    _refuse_no_pressure(path, heights)
    highest = heights.max()
    if highest == 0:
        raise ConfigError(f"{path}: is black all over, allowed is a map with some height")
    return np.ascontiguousarray(heights / highest)


@read_once
def read_frames(path: str) -> Floats:
    """Return recorded frames, ``[F, H, W]``, as they are.

    Parameters
    ----------
    path
        An ``.npy``, or an ``.npz`` or ``.h5`` with one array, or with one that is called
        ``frames``. The first row of a frame lies at the smallest y.
    """
    frames = _READERS[Path(path).suffix.lower()](path)
    if frames.ndim != 3 or 0 in frames.shape:
        raise ConfigError(f"{path}: holds an array {_shape(frames)}, allowed is one [T, H, W]")
    _refuse_no_pressure(path, frames)
    return frames


@read_once
def read_trace(path: str, column: str) -> Floats:
    """Return values over time, ``[F]``.

    Parameters
    ----------
    path
        A CSV with a heading, or an ``.npy``.
    column
        The column of a CSV by its heading, or of an ``.npy`` ``[F, columns]`` by its number from
        zero; an empty text where there is only one.
    """
    if Path(path).suffix.lower() == ".csv":
        values = _column_of_csv(path, column)
    else:
        values = _column_of_array(path, _read_npy(path), column)
    if len(values) == 0:
        raise ConfigError(f"{path}: holds no value")
    _refuse_not_finite(path, values)
    return values


def refuse_pull(path: str, values: Floats) -> None:
    """Raise ConfigError where a value is below zero: skin is pressed, not pulled.

    Parameters
    ----------
    path
        The file that the values are from.
    values
        Of any shape, all finite.

    Examples
    --------
    >>> refuse_pull("depth.npy", np.array([0.0, 1.0]))
    """
    _refuse_no_pressure(path, values)


@read_once
def read_waypoints(path: str) -> Floats:
    """Return the places that a path leads through, ``[F, 2]`` in mm.

    Parameters
    ----------
    path
        A CSV with the columns ``x_mm`` and ``y_mm``.
    """
    table = _read_csv(path)
    missing = [name for name in WAYPOINT_COLUMNS if name not in table]
    if missing:
        got = list_names(table)
        wanted = list_names(WAYPOINT_COLUMNS)
        raise ConfigError(f"{path}: got the columns {got}, allowed are {wanted}")
    columns = [_numbers_of(path, table[name]) for name in WAYPOINT_COLUMNS]
    places = np.stack(columns, axis=1)
    _refuse_not_finite(path, places)
    if len(places) < 2:
        raise ConfigError(f"{path}: got {len(places)} waypoints, allowed are two or more")
    return places


# --- formats ---


def _read_png(path: str) -> Floats:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        advice = "pip install 'sensoryforge[plot]'"
        raise ConfigError(f"{path}: reading an image needs Pillow; {advice}") from error
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("F"), dtype=np.float64)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise ConfigError(f"{path}: is no image that can be read") from error


def _read_npy(path: str) -> Floats:
    try:
        return _as_floats(path, np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise ConfigError(f"{path}: is no array that can be read") from error


def _read_npz(path: str) -> Floats:
    from zipfile import BadZipFile

    try:
        with np.load(path, allow_pickle=False) as archive:
            name = _only_array(path, list(archive))
            return _as_floats(path, archive[name])
    except (OSError, ValueError, EOFError, BadZipFile, AttributeError) as error:
        raise ConfigError(f"{path}: is no archive of arrays that can be read") from error


def _read_h5(path: str) -> Floats:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            names = [name for name, item in file.items() if isinstance(item, h5py.Dataset)]
            return _as_floats(path, file[_only_array(path, names)][()])
    except OSError as error:
        raise ConfigError(f"{path}: is no HDF5 file that can be read") from error


_READERS: dict[str, Callable[[str], Floats]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".h5": _read_h5,
}


def _only_array(path: str, names: list[str]) -> str:
    """Return the name of the array that holds frames."""
    if FRAMES_KEY in names:
        return FRAMES_KEY
    if len(names) != 1:
        got = list_names(names) or "none"
        raise ConfigError(f"{path}: got the arrays {got}, allowed is one, or one called frames")
    return names[0]


def _column_of_csv(path: str, column: str) -> Floats:
    table = _read_csv(path)
    names = [str(name) for name in table]
    if not column and len(names) == 1:
        column = names[0]
    if column not in names:
        got = repr(column) if column else "none"
        raise ConfigError(f"{path}: column: got {got}, allowed are {list_names(names)}")
    return _numbers_of(path, table[column])


def _column_of_array(path: str, values: Floats, column: str) -> Floats:
    if values.ndim == 1 and not column:
        return values
    if values.ndim != 2:
        allowed = "allowed is one [T], or [T, columns] with a column"
        raise ConfigError(f"{path}: holds an array {_shape(values)}, {allowed}")
    columns = values.shape[1]
    if not column and columns == 1:
        column = "0"
    if not column.isdigit() or int(column) >= columns:
        got = repr(column) if column else "none"
        raise ConfigError(f"{path}: column: got {got}, allowed are 0 to {columns - 1}")
    return np.ascontiguousarray(values[:, int(column)])


def _read_csv(path: str) -> Any:
    import pandas as pd

    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:  # pandas's own errors are ValueErrors
        raise ConfigError(f"{path}: is no table that can be read ({error})") from error


def _numbers_of(path: str, series: Any) -> Floats:
    """Return a column of a table as numbers."""
    try:
        return np.asarray(series.to_numpy(dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{path}: column {series.name} holds something else than numbers") from (
            error
        )


# --- what is refused ---


def _as_floats(path: str, array: Any) -> Floats:
    values = np.asarray(array)
    if values.dtype.kind not in "fiub":
        raise ConfigError(f"{path}: holds {values.dtype}, allowed are numbers")
    return values.astype(np.float64)


def _refuse_not_finite(path: str, values: Floats) -> None:
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        where = ", ".join(str(index) for index in bad[0])
        raise ConfigError(f"{path}: got {values[tuple(bad[0])]} at {where}, allowed are numbers")


def _refuse_no_pressure(path: str, values: Floats) -> None:
    """Refuse what is not finite, and what is negative: skin is pressed, not pulled."""
    _refuse_not_finite(path, values)
    bad = np.argwhere(values < 0)
    if len(bad):
        where = ", ".join(str(index) for index in bad[0])
        got = values[tuple(bad[0])]
        raise ConfigError(f"{path}: got {got:g} at {where}, allowed are numbers >= 0")


def _shape(values: Floats) -> str:
    sides = ", ".join(str(side) for side in values.shape)
    return f"[{sides}]"
