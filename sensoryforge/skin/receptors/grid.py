"""Receptors on a square lattice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Floats, Ints, Positions
from sensoryforge.core.values import is_finite, is_whole
from sensoryforge.skin.receptors.base import Receptors, center_problems

MAX_SIDE = 4096
"""Most receptors in a row or a column: innervation counts masses of all of them in 64 bits."""


@dataclass(frozen=True)
class Grid(Receptors):
    """Receptors on a lattice, one in the middle of each square cell.

    The number of a receptor is ``row * columns + column``; x grows with the column, y with the row.

    Parameters
    ----------
    rows, columns
        Sides of the lattice, each from 1 to 4096 receptors.
    spacing_mm
        Side of a cell, above zero.
    center_mm
        x and y of the middle of the lattice.

    Raises
    ------
    ConfigError
        Where a side, the spacing or the centre is not allowed; all are named at once.

    Examples
    --------
    >>> Grid(rows=1, columns=3, spacing_mm=0.5).xy().tolist()
    [[-0.5, 0.0], [0.0, 0.0], [0.5, 0.0]]
    """

    rows: int
    columns: int
    spacing_mm: float
    center_mm: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        problems = []
        if not (_is_side(self.rows) and _is_side(self.columns)):
            is_square = self.rows == self.columns
            sides = self.rows if is_square else [self.rows, self.columns]
            allowed = f"a whole number from 1 to {MAX_SIDE}, or [rows, columns]"
            problems.append(f"grid_size: got {sides!r}, allowed is {allowed}")
        if not (is_finite(self.spacing_mm) and self.spacing_mm > 0):
            problems.append(f"spacing_mm: got {self.spacing_mm!r}, allowed is a number > 0 (mm)")
        problems += center_problems(self.center_mm)
        if problems:
            raise ConfigError(problems)

    @classmethod
    def from_config(
        cls,
        grid_size: int | Sequence[int],
        spacing_mm: float,
        center_mm: Sequence[float] = (0.0, 0.0),
    ) -> Grid:
        """Return the grid of ``pipeline.grid_size``: one side of a square, or ``[rows, columns]``.

        Examples
        --------
        >>> grid = Grid.from_config([2, 3], 0.15)
        >>> grid.rows, grid.columns, grid.center_mm
        (2, 3, (0.0, 0.0))
        """
        center = cast("tuple[float, float]", tuple(center_mm))
        if isinstance(grid_size, list | tuple) and len(grid_size) == 2:
            rows, columns = grid_size
            return cls(rows, columns, spacing_mm, center)
        side = cast(int, grid_size)  # whatever else it is, the check of the sides names it
        return cls(side, side, spacing_mm, center)

    @property
    def count(self) -> int:
        """Number of receptors."""
        return self.rows * self.columns

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def width_mm(self) -> float:
        """Extent of the skin along x."""
        return self.columns * self.spacing_mm

    @property
    def height_mm(self) -> float:
        """Extent of the skin along y."""
        return self.rows * self.spacing_mm

    def x_mm(self, column: Ints) -> Floats:
        """Return the x of the receptors in the given columns."""
        return _from_middle(column, self.columns) * self.spacing_mm + self.center_mm[0]

    def y_mm(self, row: Ints) -> Floats:
        """Return the y of the receptors in the given rows."""
        return _from_middle(row, self.rows) * self.spacing_mm + self.center_mm[1]

    def xy(self, indices: Ints | None = None) -> Positions:
        """Return where receptors lie, ``[R, 2]`` in mm: those of these numbers ``[R]``, or all."""
        numbers = np.arange(self.count) if indices is None else np.asarray(indices, dtype=np.int64)
        row, column = np.divmod(numbers, self.columns)
        return np.stack([self.x_mm(column), self.y_mm(row)], axis=-1)


def _from_middle(number: Ints, count: int) -> Floats:
    """Return how many cells a cell's middle lies from the middle of the row; halves are exact."""
    return number.astype(np.float64) - (count - 1) / 2


def _is_side(value: object) -> bool:
    """Tell whether a value can be the side of a grid."""
    return is_whole(value) and 1 <= value <= MAX_SIDE
