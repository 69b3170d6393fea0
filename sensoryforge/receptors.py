"""The sheet of receptors and the places of neurons on it, in mm, centred on the origin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from sys import float_info
from typing import cast

import numpy as np

from sensoryforge.errors import ConfigError, listing, suggest
from sensoryforge.numerics import uniforms
from sensoryforge.types import Floats, Ints, Positions

MAX_SIDE = 4096


@dataclass(frozen=True)
class Sheet:
    """A lattice of receptors, one in the middle of each square cell of ``spacing_mm``.

    The flat index of a receptor is ``row * columns + column``; x grows with the column, y with the row.
    Raises ConfigError for a side outside 1 to 4096 and for a spacing that is not a positive number.
    """

    rows: int
    columns: int
    spacing_mm: float

    def __post_init__(self) -> None:
        problems = []
        if not all(_is_side(side) for side in (self.rows, self.columns)):
            got = self.rows if self.rows == self.columns else [self.rows, self.columns]
            allowed = f"a whole number from 1 to {MAX_SIDE}, or [rows, columns]"
            problems.append(f"grid_size: got {got!r}, allowed is {allowed}")
        if not _is_positive(self.spacing_mm):
            problems.append(f"spacing_mm: got {self.spacing_mm!r}, allowed is a number > 0 (mm)")
        if problems:
            raise ConfigError(problems)

    @classmethod
    def from_config(cls, grid_size: int | Sequence[int], spacing_mm: float) -> Sheet:
        """Return the sheet of a square ``grid_size``, or of ``[rows, columns]``."""
        if isinstance(grid_size, list | tuple) and len(grid_size) == 2:
            return cls(grid_size[0], grid_size[1], spacing_mm)
        side = cast(int, grid_size)  # whatever else it is, the check of the sides names it
        return cls(side, side, spacing_mm)

    @property
    def count(self) -> int:
        """Number of receptors."""
        return self.rows * self.columns

    @property
    def width_mm(self) -> float:
        """Extent along x."""
        return self.columns * self.spacing_mm

    @property
    def height_mm(self) -> float:
        """Extent along y."""
        return self.rows * self.spacing_mm

    def x_mm(self, column: Ints) -> Floats:
        """Return the x of the receptors in the given columns."""
        return _centred(column, self.columns) * self.spacing_mm

    def y_mm(self, row: Ints) -> Floats:
        """Return the y of the receptors in the given rows."""
        return _centred(row, self.rows) * self.spacing_mm

    def xy(self, indices: Ints | None = None) -> Positions:
        """Return the positions of the receptors with these flat indices, or of all: ``[R, 2]``."""
        flat = np.arange(self.count) if indices is None else np.asarray(indices, dtype=np.int64)
        row, column = np.divmod(flat, self.columns)
        return np.stack([self.x_mm(column), self.y_mm(row)], axis=-1)


def even_layout(sheet: Sheet, count: int) -> Positions:
    """Return exactly ``count`` points, each in the middle of its own cell, all cells of equal area.

    Cells stand in rows; rows differ by one cell at most, and a row is as high as its cells need.
    """
    rows = min(count, max(1, round(sqrt(count * sheet.height_mm / sheet.width_mm))))
    edges = np.arange(rows + 1) * count // rows
    cells = np.diff(edges)
    row = np.repeat(np.arange(rows), cells)
    x = (np.arange(count) - edges[row] + 0.5) / cells[row] - 0.5
    y = 0.5 * (edges[row] + edges[row + 1]) / count - 0.5
    return np.stack([x * sheet.width_mm, y * sheet.height_mm], axis=-1)


def random_layout(sheet: Sheet, count: int, seed: int) -> Positions:
    """Return ``count`` independent points, uniform over the sheet; a larger count keeps the first ones."""
    x, y = uniforms(seed, "layout", size=2 * count).reshape(count, 2).T - 0.5
    return np.stack([x * sheet.width_mm, y * sheet.height_mm], axis=-1)


_LAYOUTS: dict[str, Callable[[Sheet, int, int], Positions]] = {
    "even": lambda sheet, count, seed: even_layout(sheet, count),
    "random": random_layout,
}
LAYOUTS = tuple(_LAYOUTS)


def layout(name: str, sheet: Sheet, count: int, seed: int) -> Positions:
    """Return the places ``[count, 2]`` of neurons in mm, by the name of the layout."""
    problems = []
    if name not in LAYOUTS:
        problems.append(f"layout: got {name!r}, allowed are {listing(LAYOUTS)}{suggest(str(name), LAYOUTS)}")
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        problems.append(f"count: got {count!r}, allowed is a whole number >= 1 (neurons)")
    if problems:
        raise ConfigError(problems)
    return _LAYOUTS[name](sheet, count, seed)


def _centred(number: Ints, count: int) -> Floats:
    """Return how many cells the middle of a cell lies from the middle of all of them; exact."""
    return number.astype(np.float64) - (count - 1) / 2


def _is_side(value: object) -> bool:
    """Tell whether a value can be the side of a sheet."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SIDE


def _is_positive(value: object) -> bool:
    """Tell whether a value is a finite number above zero."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= float_info.max
