"""Receptive fields that are Gaussians of distance, sampled.

An afferent's receptive field is ``p`` proportional to ``exp(-d^2 / 2 sigma^2)`` over the receptors
of a square window, summing to one. Of these, ``connections`` distinct receptors are drawn with
inclusion probabilities ``pi`` proportional to p (those that would exceed one are taken for
certain), by systematic sampling in a random order (Madow 1949, doi:10.1214/aoms/1177729988), and
weighted ``p / pi`` (Horvitz and Thompson 1952, doi:10.1080/01621459.1952.10483446). Weights then
sum to one and the expected drive is ``sum(p * s)``, for any resolution of the grid and any number
of connections.

Probabilities are whole numbers here, called masses, so that a draw has no rounding to differ in.
The Gaussian is the product of one factor along x and one along y, so the masses of a window are
known from those of its columns and rows. Where receptors form no grid each has a mass of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.numerics import exp, hash64
from sensoryforge.core.philox import Words, random_bit_rows
from sensoryforge.core.types import Bools, Floats, Ints, Positions
from sensoryforge.core.values import is_finite, is_whole
from sensoryforge.skin.innervation.base import Innervation, ReceptiveFields
from sensoryforge.skin.neighbours import Cloud
from sensoryforge.skin.receptors.base import Receptors
from sensoryforge.skin.receptors.grid import MAX_SIDE, Grid
from sensoryforge.skin.sampling import draw_masses, draw_products

WINDOW_SIGMAS = 4.0
"""Half the side of the window in standard deviations; outside lies 0.01% of the Gaussian."""
_LARGEST_MASS = 2**19
"""Mass of the nearest receptor along one axis: 2^19 x 2^19 x 4096 x 4096 still fits an int64."""
_FARTHEST_SIGMAS = 1e150
"""Larger distances are taken for it: its square fits a float, and its mass is the smallest."""
_FARTHEST_MM = 1e6
"""Reach of the window where receptors form no grid: no skin is larger."""
_MOST_AFFERENTS = 256
"""Afferents worked on at a time where receptors form no grid."""
_MOST_CANDIDATES = 2**20
"""Afferents times receptors within their reach worked on at a time, about: 8 MB an array."""
_LARGEST_WORD = np.uint64(2**64 - 1)
_MOST_SIDES = 2**15
"""Afferents times columns of their windows worked on at a time: 256 kB an array."""


@dataclass(frozen=True)
class Gaussian(Innervation):
    """Receptors drawn around each afferent with a Gaussian of distance.

    Parameters
    ----------
    sigma_mm
        Standard deviation of the receptive field, above zero.
    connections
        How many distinct receptors an afferent pools, at least 1; all of them on a grid with fewer.

    Raises
    ------
    ConfigError
        Where a parameter is not allowed; all are named at once.

    References
    ----------
    Madow 1949, doi:10.1214/aoms/1177729988.
    Horvitz and Thompson 1952, doi:10.1080/01621459.1952.10483446.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> centres = np.array([[0.0, 0.0], [0.3, 0.0]])
    >>> fields = Gaussian(sigma_mm=0.3, connections=4).draw(Grid(8, 8, 0.15), centres, seed=0)
    >>> fields.indices.shape, float(fields.weights.sum())
    ((2, 4), 2.0)
    """

    can_refuse = False

    sigma_mm: float
    connections: int

    def __post_init__(self) -> None:
        problems = []
        if not (is_finite(self.sigma_mm) and self.sigma_mm > 0):
            problems.append(f"sigma_mm: got {self.sigma_mm!r}, allowed is a number > 0 (mm)")
        if not is_whole(self.connections) or self.connections < 1:
            allowed = "a whole number >= 1 (receptors)"
            problems.append(f"connections: got {self.connections!r}, allowed is {allowed}")
        if problems:
            raise ConfigError(problems)

    @property
    def field_sd_mm(self) -> float:
        """Standard deviation of a receptive field."""
        return float(self.sigma_mm)

    def draw(self, receptors: Receptors, centres: Positions, seed: int) -> ReceptiveFields:
        """Return the receptive fields of afferents at ``centres`` ``[N, 2]`` in mm.

        A row depends on the place of its afferent, its number and the seed, and on no other row.
        """
        size = min(self.connections, receptors.count)
        stream = hash64(seed, "innervation")
        places = np.asarray(centres, np.float64)
        if isinstance(receptors, Grid):
            return self._draw_on_grid(receptors, places, size, stream)
        return self._draw_anywhere(receptors, places, size, stream)

    def _draw_on_grid(
        self, grid: Grid, places: Positions, size: int, stream: int
    ) -> ReceptiveFields:
        """Draw receptors of a lattice, whose masses are products of its columns and its rows."""
        indices = np.empty((len(places), size), np.int64)
        weights = np.empty((len(places), size))
        columns, rows = _windows(grid, places, WINDOW_SIGMAS * self.sigma_mm, size)
        longest = max(columns.longest, rows.longest)
        together = max(1, _MOST_SIDES // longest)
        for first in range(0, len(places), together):
            some = slice(first, first + together)
            window = _shuffle_windows(columns[some], rows[some], stream, first)
            drawn, drawn_weights = self._draw_rows(grid, places[some], window, size)
            ascending = np.argsort(drawn, axis=1)
            indices[some] = np.take_along_axis(drawn, ascending, axis=1)
            weights[some] = np.take_along_axis(drawn_weights, ascending, axis=1)
        return ReceptiveFields(indices, weights)

    def _draw_anywhere(
        self, receptors: Receptors, places: Positions, size: int, stream: int
    ) -> ReceptiveFields:
        """Draw receptors that form no grid: each has a mass of its own."""
        cloud = Cloud(receptors.xy())
        reach_mm = min(WINDOW_SIGMAS * self.sigma_mm, _FARTHEST_MM)
        indices = np.empty((len(places), size), np.int64)
        weights = np.empty((len(places), size))
        of_each = max(size, cloud.estimate_within(reach_mm))
        together = min(_MOST_AFFERENTS, max(1, _MOST_CANDIDATES // of_each))
        for first in range(0, len(places), together):
            some = slice(first, first + together)
            near = cloud.around(places[some], reach_mm, size)
            numbers = range(first, first + len(near.points))
            words = random_bit_rows(stream, numbers, near.points.shape[1] + 1)
            order = _order_of(words[:, 1:], near.is_none)
            masses = np.take_along_axis(self._square_masses(near.squares), order, axis=1)
            masses[np.take_along_axis(near.is_none, order, axis=1)] = 0
            at, drawn_weights = draw_masses(masses, size, words[:, 0])
            drawn = np.take_along_axis(near.points, np.take_along_axis(order, at, axis=1), axis=1)
            ascending = np.argsort(drawn, axis=1)
            indices[some] = np.take_along_axis(drawn, ascending, axis=1)
            weights[some] = np.take_along_axis(drawn_weights, ascending, axis=1)
        return ReceptiveFields(indices, weights)

    def _square_masses(self, squares_mm: Floats) -> Ints:
        """Return masses, 1 to 2^38, in proportion to the Gaussian of distance in the plane."""
        with np.errstate(over="ignore"):
            squares = squares_mm / self.sigma_mm / self.sigma_mm
        squares = np.minimum(squares, _FARTHEST_SIGMAS)
        gaussian = exp(-0.5 * (squares - squares.min(axis=1, keepdims=True)))
        masses = np.rint(float(_LARGEST_MASS) ** 2 * gaussian)
        return np.maximum(masses, 1.0).astype(np.int64)

    def _draw_rows(
        self, grid: Grid, places: Positions, window: _ShuffledWindows, size: int
    ) -> tuple[Ints, Floats]:
        """Draw the receptors of afferents and their weights, in no particular order."""
        across = self._masses(grid.x_mm(window.columns) - places[:, :1])
        along = self._masses(grid.y_mm(window.rows) - places[:, 1:])
        across[window.is_no_column] = 0
        along[window.is_no_row] = 0
        turned = window.columns_are_inner[:, None]
        inner = np.where(turned, across, along)
        outer = np.where(turned, along, across)
        inner_at, outer_at, weights = draw_products(inner, outer, size, window.starts)
        column_at = np.where(turned, inner_at, outer_at)
        row_at = np.where(turned, outer_at, inner_at)
        columns = np.take_along_axis(window.columns, column_at, axis=1)
        rows = np.take_along_axis(window.rows, row_at, axis=1)
        return rows * grid.columns + columns, weights

    def _masses(self, distance_mm: Floats) -> Ints:
        """Return masses, 1 to 2^19, in proportion to the Gaussian of distance along one axis.

        Each row of distances ``[N, K]`` is an afferent's.
        """
        with np.errstate(over="ignore"):
            sigmas = np.abs(distance_mm) / self.sigma_mm
        sigmas = np.minimum(sigmas, _FARTHEST_SIGMAS)
        squares = sigmas * sigmas
        # The nearest gets the largest mass, wherever the afferent lies.
        gaussian = exp(-0.5 * (squares - squares.min(axis=1, keepdims=True)))
        masses = np.rint(_LARGEST_MASS * gaussian)
        masses = np.maximum(masses, 1.0)
        return masses.astype(np.int64)


# --- windows ---


@dataclass(frozen=True)
class _Stretches:
    """Neighbouring columns, or rows, of each afferent: the first, and how many, ``[N]`` each."""

    first: Ints
    count: Ints

    @property
    def longest(self) -> int:
        """Most columns that an afferent has."""
        return int(self.count.max(initial=1))

    def __getitem__(self, some: slice) -> _Stretches:
        """Return the stretches of some afferents."""
        return _Stretches(self.first[some], self.count[some])


@dataclass(frozen=True)
class _ShuffledWindows:
    """Windows in random order, and a random word where in each the sampling starts.

    Columns or rows are the inner loop, at random: neither direction is sampled more evenly. A
    window is ``[N, K]`` columns and ``[N, K]`` rows; one with fewer is filled up at its end with
    the last of them, which are no columns and no rows of its own.
    """

    columns: Ints
    rows: Ints
    is_no_column: Bools
    is_no_row: Bools
    columns_are_inner: Bools
    starts: Words


def _windows(
    grid: Grid, places: Positions, reach_mm: float, size: int
) -> tuple[_Stretches, _Stretches]:
    """Return the columns and the rows within reach of each place.

    Where these have fewer than ``size`` receptors, as at an edge, a window grows until it has them.
    """
    from_middle = places - np.array(grid.center_mm)
    with np.errstate(over="ignore"):
        column, row = (from_middle / grid.spacing_mm).T
    # A square of this reach holds ``size`` receptors; no grid has more than MAX_SIDE in a row.
    least = (sqrt(size) - 1) / 2
    reach = max(reach_mm / grid.spacing_mm, least)
    half = np.full(len(places), ceil(min(reach, MAX_SIDE)))
    while True:
        columns = _nearby(column, grid.columns, half)
        rows = _nearby(row, grid.rows, half)
        is_too_small = columns.count * rows.count < size
        if not is_too_small.any():
            return columns, rows
        half = half + is_too_small


def _nearby(place: Floats, count: int, half: Ints) -> _Stretches:
    """Return the numbers, of ``count`` in a row, at most ``half`` from the one nearest to a place.

    Places are in cells from the middle of the row.
    """
    last = count - 1
    place_from_first = place + last / 2
    nearest = np.rint(np.clip(place_from_first, 0, last)).astype(np.int64)
    low = np.maximum(nearest - half, 0)
    high = np.minimum(nearest + half, last)
    return _Stretches(low, high - low + 1)


def _shuffle_windows(
    columns: _Stretches, rows: _Stretches, stream: int, first: int
) -> _ShuffledWindows:
    """Return windows shuffled by the random words of their afferents, numbered from ``first``."""
    side = max(columns.longest, rows.longest)
    numbers = range(first, first + len(columns.count))
    # A word for each column, each row, the direction, and the start of the sampling.
    longest = int((columns.count + rows.count).max()) + 2
    words = random_bit_rows(stream, numbers, longest)
    none = np.zeros_like(columns.count)
    shuffled_columns, is_no_column = _shuffle(columns, words, none, side)
    shuffled_rows, is_no_row = _shuffle(rows, words, columns.count, side)
    direction = (columns.count + rows.count)[:, None]
    return _ShuffledWindows(
        columns=shuffled_columns,
        rows=shuffled_rows,
        is_no_column=is_no_column,
        is_no_row=is_no_row,
        columns_are_inner=np.take_along_axis(words, direction, axis=1)[:, 0] % 2 == 1,
        starts=np.take_along_axis(words, direction + 1, axis=1)[:, 0],
    )


def _shuffle(
    stretches: _Stretches, words: Words, first_word: Ints, side: int
) -> tuple[Ints, Bools]:
    """Return the numbers of stretches in the order of their random words, and which are none."""
    number = np.arange(side)
    is_none = number >= stretches.count[:, None]
    at = np.minimum(first_word[:, None] + number, words.shape[1] - 1)
    order = _order_of(np.take_along_axis(words, at, axis=1), is_none)
    last = stretches.count[:, None] - 1
    return stretches.first[:, None] + np.minimum(order, last), is_none


def _order_of(words: Words, is_none: Bools) -> Ints:
    """Return the order of random words in each row; what fills the row up comes last."""
    # It has the largest word, and the order of equal words is kept.
    own_words = np.where(is_none, _LARGEST_WORD, words)
    return np.argsort(own_words, axis=1, kind="stable")
