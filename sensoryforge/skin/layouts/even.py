"""Afferents in the middle of cells of equal area."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from sensoryforge.core.types import Positions
from sensoryforge.skin.layouts.base import Layout
from sensoryforge.skin.receptors.base import Receptors


@dataclass(frozen=True)
class Even(Layout):
    """Afferents each in the middle of its own cell, all cells of equal area; the seed is not used.

    Cells stand in rows; rows differ by one cell at most, and a row is as high as its cells need.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> Even().place(Grid(4, 4, 1.0), count=4, seed=0).tolist()
    [[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]]
    """

    can_refuse = False

    def place(self, receptors: Receptors, count: int, seed: int) -> Positions:
        """Return where the afferents lie, ``[count, 2]`` in mm."""
        width, height = receptors.width_mm, receptors.height_mm
        rows = max(1, round(sqrt(count * height / width)))
        rows = min(count, rows)
        # The first afferent of each row, then the number of all.
        edges = np.arange(rows + 1) * count // rows
        cells = np.diff(edges)
        row = np.repeat(np.arange(rows), cells)
        # From -0.5 to 0.5 across the skin.
        x = (np.arange(count) - edges[row] + 0.5) / cells[row] - 0.5
        y = 0.5 * (edges[row] + edges[row + 1]) / count - 0.5
        return receptors.from_middle(x, y)
