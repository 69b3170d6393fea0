"""Points at random that keep their distance: a Poisson disc of as many points as are wanted.

Points are thrown anywhere on a rectangle, and one stays where none lies nearer than a distance that
follows from their number (dart throwing, Cook 1986, doi:10.1145/7529.8927). Many are thrown at a
time: of those of one throw, one too close to an earlier one is dropped.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from sensoryforge.core.numerics import uniforms
from sensoryforge.core.types import Bools, Ints, Positions

LEAST_DISTANCE = 0.72
"""Least distance of two points, in mean pitches.

Points thrown until none fits any more have 0.83 pitches (Feder 1980: they cover 0.547 of the
plane); below that there is always room, and the nearer to it the longer it takes."""
_THROWS_IN_VAIN = 40
"""Throws of which not one point stays, after which it is begun anew: the rest does not fit."""
_FEWEST_DARTS = 256
_NEIGHBOURHOOD = [
    (row, column)
    for row in range(-2, 3)
    for column in range(-2, 3)
    if (row, column) != (0, 0) and abs(row * column) < 4
]
"""Cells around a cell in which a point can be too close; a cell holds one point at most."""


def scatter_evenly(width: float, height: float, count: int, seed: int) -> Positions:
    """Return points of a rectangle no two of which are closer than 0.72 mean pitches.

    Parameters
    ----------
    width, height
        Sides of the rectangle, in mm.
    count
        Number of points N.
    seed
        What they are drawn from.

    Returns
    -------
    Positions
        x from zero to the width and y from zero to the height, ``[N, 2]``.

    Examples
    --------
    >>> points = scatter_evenly(2.0, 1.0, 50, seed=0)
    >>> apart = np.hypot(*(points[:, None] - points).T)[np.triu_indices(50, 1)]
    >>> bool(apart.min() >= 0.72 * (2.0 * 1.0 / 50) ** 0.5)
    True
    """
    attempt = 0
    while True:
        throw = _Board(width, height, count)
        in_vain = number = 0
        while throw.missing and in_vain < _THROWS_IN_VAIN:
            darts = max(_FEWEST_DARTS, 4 * throw.missing)
            pairs = uniforms(seed, "blue noise", attempt, number, size=2 * darts)
            stayed = throw.keep(pairs.reshape(darts, 2) * (width, height))
            in_vain = 0 if stayed else in_vain + 1
            number += 1
        if not throw.missing:
            return throw.points
        attempt += 1


class _Board:
    """A rectangle in cells so small that two points in one are too close."""

    def __init__(self, width: float, height: float, count: int) -> None:
        self.distance = LEAST_DISTANCE * sqrt(width * height / count)
        self.side = self.distance / sqrt(2)
        self.columns = int(width / self.side) + 1
        rows = int(height / self.side) + 1
        # Two empty cells all around: every cell has all of its neighbours.
        self.stride = self.columns + 4
        self.point_in = np.full((rows + 4) * self.stride, -1, np.int64)
        self.points = np.empty((count, 2))
        self.missing = count

    def keep(self, darts: Positions) -> int:
        """Keep the darts that have room, in their order; return how many stay."""
        cells = self._cells_of(darts)
        has_room = (self.point_in[cells] < 0) & ~self._is_close(
            darts, cells, self.point_in, self.points
        )
        darts, cells = darts[has_room], cells[has_room]
        # The first dart of each cell, by the number of the dart.
        _, first = np.unique(cells, return_index=True)
        first.sort()
        darts, cells = darts[first], cells[first]
        dart_in = np.full_like(self.point_in, -1)
        dart_in[cells] = np.arange(len(darts))
        stays = ~self._is_close(darts, cells, dart_in, darts, earlier=True)
        darts, cells = darts[stays][: self.missing], cells[stays][: self.missing]
        start = len(self.points) - self.missing
        self.points[start : start + len(darts)] = darts
        self.point_in[cells] = np.arange(start, start + len(darts))
        self.missing -= len(darts)
        return len(darts)

    def _cells_of(self, darts: Positions) -> Ints:
        """Return the numbers of cells, ``[D]``."""
        at = (darts / self.side).astype(np.int64) + 2
        cells: Ints = at[:, 1] * self.stride + at[:, 0]
        return cells

    def _is_close(
        self,
        darts: Positions,
        cells: Ints,
        number_in: Ints,
        points: Positions,
        earlier: bool = False,
    ) -> Bools:
        """Tell which darts lie too close to a point of a neighbouring cell."""
        is_close = np.zeros(len(darts), dtype=bool)
        number = np.arange(len(darts))
        for row, column in _NEIGHBOURHOOD:
            near = number_in[cells + row * self.stride + column]
            is_there = near >= 0
            if earlier:
                is_there &= near < number
            asked = np.flatnonzero(is_there & ~is_close)
            away = darts[asked] - points[near[asked]]
            squares = away[:, 0] * away[:, 0] + away[:, 1] * away[:, 1]
            is_close[asked] = squares < self.distance * self.distance
        return is_close
