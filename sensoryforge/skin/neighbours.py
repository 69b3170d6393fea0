"""Which points of a cloud lie near others: SciPy's KD-tree, with ties broken in one way.

The tree only finds candidates. Distances are worked out here, so that they have the same bits on
every machine; of points equally far the one with the smaller number comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sensoryforge.core.types import Bools, Floats, Ints, Positions

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDER = 1.0 + 1e-9
"""How much farther the tree looks, so that its own rounding leaves nothing out."""
_TIED = 4
"""Points beyond those wanted that are looked at: as many may be equally far on a lattice."""
_MOST_PAIRS = 2**20
"""Pairs, about, that are worked out at a time."""
_MOST_PLACES = 2**14


class Cloud:
    """Points on the skin, ready to be asked which lie near.

    Parameters
    ----------
    points
        ``[P, 2]`` in mm, at least one.

    Examples
    --------
    >>> cloud = Cloud(np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]]))
    >>> cloud.nearest(np.array([[2.0, 0.0]]), 2)[0].tolist()
    [[1, 2]]
    """

    def __init__(self, points: Positions) -> None:
        self.points = points

    @cached_property
    def tree(self) -> Any:
        """The KD-tree of all points."""
        return _make_tree(self.points)

    def nearest(self, places: Positions, count: int) -> tuple[Ints, Floats]:
        """Return the nearest points of each place, the nearest first.

        Parameters
        ----------
        places
            ``[N, 2]`` in mm.
        count
            How many of them, at most P.

        Returns
        -------
        tuple
            Numbers of points and squares of distances in mm^2, ``[N, count]`` each.
        """
        numbers = np.empty((len(places), count), np.int64)
        squares = np.empty((len(places), count))
        together = max(1, _MOST_PAIRS // (count + _TIED))
        for first in range(0, len(places), together):
            some = slice(first, first + together)
            numbers[some], squares[some] = self._nearest(places[some], count)
        return numbers, squares

    def _nearest(self, places: Positions, count: int) -> tuple[Ints, Floats]:
        """Return the nearest points of a few places."""
        candidates = min(count + _TIED, len(self.points))
        _, found = self.tree.query(places, k=np.arange(1, candidates + 1))
        numbers = np.sort(found.astype(np.int64), axis=1)
        squares = squared_distance(self.points[numbers], places[:, None])
        # The sort is stable, and smaller numbers come first.
        order = np.argsort(squares, axis=1, kind="stable")[:, :count]
        return (
            np.take_along_axis(numbers, order, axis=1),
            np.take_along_axis(squares, order, axis=1),
        )

    def pairs_within(
        self, places: Positions, reach_mm: float
    ) -> Iterator[tuple[Ints, Ints, Floats]]:
        """Yield the points within reach of places, some places at a time.

        Parameters
        ----------
        places
            ``[N, 2]`` in mm.
        reach_mm
            How far a point may lie; one exactly as far is within reach.

        Yields
        ------
        tuple
            Numbers of places and of points, ascending, and squares of distances in mm^2, ``[L]``
            each.
        """
        square_reach = reach_mm * reach_mm
        together = max(1, min(_MOST_PLACES, _MOST_PAIRS // self.estimate_within(reach_mm)))
        for first in range(0, len(places), together):
            some = places[first : first + together]
            pairs = _make_tree(some).sparse_distance_matrix(
                self.tree, reach_mm * _WIDER, output_type="ndarray"
            )
            order = np.argsort(pairs["i"] * len(self.points) + pairs["j"])
            place, point = pairs["i"][order], pairs["j"][order]
            squares = squared_distance(self.points[point], some[place])
            is_within = squares <= square_reach
            yield place[is_within] + first, point[is_within], squares[is_within]

    def around(self, places: Positions, reach_mm: float, least: int) -> Surroundings:
        """Return the points within reach of each place, and at least some of the nearest.

        Parameters
        ----------
        places
            ``[N, 2]`` in mm.
        reach_mm
            How far a point may lie.
        least
            How many points a place has, the nearest, where fewer are within reach; at most P.
        """
        parts = list(self.pairs_within(places, reach_mm))
        place, point, squares = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        count = np.bincount(place, minlength=len(places))
        longest = max(least, int(count.max()))
        points = np.zeros((len(places), longest), np.int64)
        filled = np.zeros((len(places), longest))
        is_none = np.arange(longest) >= count[:, None]
        points[~is_none] = point
        filled[~is_none] = squares
        few = np.flatnonzero(count < least)
        if len(few):
            nearest, nearest_squares = self.nearest(places[few], least)
            ascending = np.argsort(nearest, axis=1)
            points[few, :least] = np.take_along_axis(nearest, ascending, axis=1)
            filled[few, :least] = np.take_along_axis(nearest_squares, ascending, axis=1)
            is_none[few, :least] = False
        filled[is_none] = np.inf
        return Surroundings(points, filled, is_none)

    def estimate_within(self, reach_mm: float) -> int:
        """Return about how many points lie within reach of a place, were they spread evenly.

        Examples
        --------
        >>> Cloud(np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]])).estimate_within(1.0)
        1
        """
        extent = np.ptp(self.points, axis=0)
        share = np.prod(np.minimum(2 * reach_mm / np.maximum(extent, 1e-300), 1.0))
        return max(1, round(len(self.points) * float(share)))


@dataclass(frozen=True)
class Surroundings:
    """The points around each of N places, ``[N, M]`` of each, ascending by their number.

    Attributes
    ----------
    points
        Their numbers.
    squares
        Squares of their distances in mm^2.
    is_none
        What only fills up a row that has fewer: point zero, infinitely far.
    """

    points: Ints
    squares: Floats
    is_none: Bools


def squared_distance(points: Positions, places: Positions) -> Floats:
    """Return squares of distances in mm^2, ``[...]``, of points ``[..., 2]`` from places.

    Examples
    --------
    >>> squared_distance(np.array([[3.0, 4.0]]), np.zeros((1, 2))).tolist()
    [25.0]
    """
    away = points - places
    squares: Floats = away[..., 0] * away[..., 0] + away[..., 1] * away[..., 1]
    return squares


def _make_tree(points: Positions) -> Any:
    from scipy.spatial import cKDTree

    return cKDTree(points)
