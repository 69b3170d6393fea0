"""Afferents on a hexagonal lattice."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from sensoryforge.core.types import Positions
from sensoryforge.skin.layouts.base import Layout
from sensoryforge.skin.receptors.base import Receptors


@dataclass(frozen=True)
class Hex(Layout):
    """Afferents in rows, each between two of the next row; the seed is not used.

    Rows differ by one afferent at most, so that there are exactly as many as are wanted. Where all
    rows are equal each afferent has six neighbours, nearly equally far.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> Hex().place(Grid(4, 4, 1.0), count=4, seed=0).tolist()
    [[-1.5, -1.0], [0.5, -1.0], [-0.5, 1.0], [1.5, 1.0]]
    """

    can_refuse = False

    def place(self, receptors: Receptors, count: int, seed: int) -> Positions:
        """Return where the afferents lie, ``[count, 2]`` in mm."""
        width, height = receptors.width_mm, receptors.height_mm
        # Rows of a hexagonal lattice are closer than afferents of a row, by the root of 3/4.
        rows = max(1, round(sqrt(count * height / width / sqrt(0.75))))
        rows = min(count, rows)
        edges = np.arange(rows + 1) * count // rows
        in_row = np.diff(edges)
        row = np.repeat(np.arange(rows), in_row)
        shift = np.where(row % 2 == 0, 0.25, 0.75)
        x = (np.arange(count) - edges[row] + shift) / in_row[row] - 0.5
        y = 0.5 * (edges[row] + edges[row + 1]) / count - 0.5
        return receptors.from_middle(x, y)
