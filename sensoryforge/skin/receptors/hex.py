"""Receptors on a hexagonal lattice."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from sensoryforge.core.types import Positions
from sensoryforge.skin.receptors.scattered import Scattered


@dataclass(frozen=True)
class Hex(Scattered):
    """Receptors in rows, each between two of the next row; the seed is not used.

    A receptor has as much skin as one of the grid. The lattice is stretched by some percent so that
    whole rows and columns fill the skin, which may leave it with a few receptors more or fewer.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> Hex(Grid(2, 2, 1.0), seed=0).xy().tolist()
    [[-0.75, -0.5], [0.25, -0.5], [-0.25, 0.5], [0.75, 0.5]]
    """

    @property
    def _sides(self) -> tuple[int, int]:
        """Rows and columns."""
        # Of equal area: rows are closer than in a square lattice, and receptors of a row farther.
        stretch = sqrt(sqrt(0.75))
        rows = max(1, round(self.grid.rows / stretch))
        columns = max(1, round(self.grid.columns * stretch))
        return rows, columns

    @property
    def count(self) -> int:
        """Number of receptors."""
        rows, columns = self._sides
        return rows * columns

    def place(self) -> Positions:
        """Return where receptors lie, ``[R, 2]`` in mm from the lower left corner of the skin."""
        rows, columns = self._sides
        row, column = np.divmod(np.arange(self.count), columns)
        shift = np.where(row % 2 == 0, 0.25, 0.75)
        x = (column + shift) / columns * self.width_mm
        y = (row + 0.5) / rows * self.height_mm
        return np.stack([x, y], axis=-1)
