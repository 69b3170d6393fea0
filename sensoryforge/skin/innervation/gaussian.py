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
known from those of its columns and rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.numerics import exp, hash64, random_bits
from sensoryforge.core.types import Bools, Floats, Ints, Positions
from sensoryforge.core.values import is_finite, is_whole
from sensoryforge.skin.innervation.base import Innervation, ReceptiveFields
from sensoryforge.skin.receptors.base import Receptors
from sensoryforge.skin.receptors.grid import MAX_SIDE, Grid

WINDOW_SIGMAS = 4.0
"""Half the side of the window in standard deviations; outside lies 0.01% of the Gaussian."""
_LARGEST_MASS = 2**19
"""Mass of the nearest receptor along one axis: 2^19 x 2^19 x 4096 x 4096 still fits an int64."""
_FARTHEST_SIGMAS = 1e150
"""Larger distances are taken for it: its square fits a float, and its mass is the smallest."""


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
        grid = _require_grid(receptors)
        size = min(self.connections, grid.count)
        stream = hash64(seed, "innervation")
        indices = np.empty((len(centres), size), np.int64)
        weights = np.empty((len(centres), size))
        places = np.asarray(centres, np.float64).tolist()
        for afferent, (x, y) in enumerate(places):
            drawn, drawn_weights = self._draw_row(grid, x, y, size, stream, afferent)
            ascending = np.argsort(drawn)
            indices[afferent] = drawn[ascending]
            weights[afferent] = drawn_weights[ascending]
        return ReceptiveFields(indices, weights)

    def _draw_row(
        self, grid: Grid, x: float, y: float, size: int, stream: int, afferent: int
    ) -> tuple[Ints, Floats]:
        """Draw one afferent's receptors and their weights, in no particular order."""
        reach = WINDOW_SIGMAS * self.sigma_mm / grid.spacing_mm
        columns, rows = _window(grid, x, y, reach, size)
        window = _shuffle_window(columns, rows, stream, afferent)
        across = self._masses(grid.x_mm(window.columns) - x)
        along = self._masses(grid.y_mm(window.rows) - y)
        if window.columns_are_inner:
            column, row, weights = _sample(across, along, size, window.start)
        else:
            row, column, weights = _sample(along, across, size, window.start)
        numbers = window.rows[row] * grid.columns + window.columns[column]
        return numbers, weights

    def _masses(self, distance_mm: Floats) -> Ints:
        """Return masses, 1 to 2^19, in proportion to the Gaussian of distance along one axis."""
        with np.errstate(over="ignore"):
            sigmas = np.abs(distance_mm) / self.sigma_mm
        sigmas = np.minimum(sigmas, _FARTHEST_SIGMAS)
        squares = sigmas * sigmas
        # The nearest gets the largest mass, wherever the afferent lies.
        gaussian = exp(-0.5 * (squares - squares.min()))
        masses = np.rint(_LARGEST_MASS * gaussian)
        masses = np.maximum(masses, 1.0)
        return masses.astype(np.int64)


@dataclass(frozen=True)
class _ShuffledWindow:
    """A window in random order, and where in it the sampling starts, a number of 64 bits.

    Columns or rows are the inner loop, at random: neither direction is sampled more evenly.
    """

    columns: Ints
    rows: Ints
    columns_are_inner: bool
    start: int


def _shuffle_window(columns: Ints, rows: Ints, stream: int, afferent: int) -> _ShuffledWindow:
    """Return a window shuffled by the random words of an afferent."""
    # A word for each column, each row, the direction, and the start of the sampling.
    width, height = len(columns), len(rows)
    words = random_bits(stream, afferent, size=width + height + 2)
    direction = int(words[-2])
    return _ShuffledWindow(
        columns=_shuffled(columns, words[:width]),
        rows=_shuffled(rows, words[width : width + height]),
        columns_are_inner=direction % 2 == 1,
        start=int(words[-1]),
    )


def _require_grid(receptors: Receptors) -> Grid:
    """Return the receptors where they form a grid, whose columns and rows are sampled."""
    if isinstance(receptors, Grid):
        return receptors
    raise ConfigError(f"Gaussian needs receptors on a grid, not {type(receptors).__name__}")


def _shuffled(numbers: Ints, words: npt.NDArray[np.uint64]) -> Ints:
    """Return numbers in the order of their random words."""
    order = np.argsort(words, kind="stable")
    return numbers[order]


def _window(grid: Grid, x: float, y: float, reach: float, size: int) -> tuple[Ints, Ints]:
    """Return the columns and rows within ``reach`` cells of a place.

    Where these have fewer than ``size`` receptors, as at an edge, the window grows until it has
    them.
    """
    column = x / grid.spacing_mm
    row = y / grid.spacing_mm
    # A square of this reach holds ``size`` receptors; no grid has more than MAX_SIDE in a row.
    least = (sqrt(size) - 1) / 2
    reach = max(reach, least)
    half = ceil(min(reach, MAX_SIDE))
    while True:
        columns = _nearby(column, grid.columns, half)
        rows = _nearby(row, grid.rows, half)
        if len(columns) * len(rows) >= size:
            return columns, rows
        half += 1


def _nearby(place: float, count: int, half: int) -> Ints:
    """Return the numbers, of ``count`` in a row, at most ``half`` from the one nearest to a place.

    The place is in cells from the middle of the row.
    """
    last = count - 1
    place_from_first = place + last / 2
    nearest = round(min(max(place_from_first, 0), last))
    low = max(nearest - half, 0)
    high = min(nearest + half, last)
    return np.arange(low, high + 1)


def _sample(inner: Ints, outer: Ints, size: int, start: int) -> tuple[Ints, Ints, Floats]:
    """Draw ``size`` distinct pairs (inner, outer), with chances that go with their masses.

    Pairs lie end to end on a line, each as long as its mass, the inner ones of one outer after
    those of the one before it. Evenly spaced marks on the line pick the pairs. No pair is longer
    than the step, so that none is picked twice. The line itself, with a pair for every receptor of
    the window, is never made.

    Returns the positions in inner and in outer, and the weights.
    """
    inner_total = int(inner.sum())
    outer_total = int(outer.sum())
    total = inner_total * outer_total
    longest = int(inner.max()) * int(outer.max())
    step_is_shorter = size * longest > total
    if step_is_shorter:
        return _sample_with_certain(inner, outer, size, start)
    marks = _marks(total, size, start)
    ends = np.cumsum(outer) * inner_total
    outer_at = np.searchsorted(ends, marks, side="right")
    outer_mass = outer[outer_at]
    starts = ends[outer_at] - outer_mass * inner_total
    # How far a mark lies in the stretch of its outer, in units of the masses of inner.
    within = (marks - starts) // outer_mass
    inner_at = np.searchsorted(np.cumsum(inner), within, side="right")
    weights = np.full(size, 1 / size)  # p / pi, with pi = size p
    return inner_at, outer_at, weights


def _sample_with_certain(
    inner: Ints, outer: Ints, size: int, start: int
) -> tuple[Ints, Ints, Floats]:
    """Do as ``_sample`` where some pairs are longer than the step: these are taken for certain."""
    masses = np.outer(outer, inner).reshape(-1)
    total = int(masses.sum())
    certain = _certain(masses, size)
    taken = np.flatnonzero(certain)
    taken_weights = masses[taken] / total  # p / pi, with pi = 1
    # The others are sampled as ever, on a line without the certain ones.
    left = total - int(masses[taken].sum())
    drawn = size - len(taken)
    line = np.cumsum(np.where(certain, 0, masses))
    marks = _marks(left, drawn, start)
    chosen = np.searchsorted(line, marks, side="right")
    chosen_weights = np.full(drawn, left / (total * drawn))  # p / pi, with pi = drawn mass / left
    pairs = np.concatenate([taken, chosen])
    weights = np.concatenate([taken_weights, chosen_weights])
    outer_at, inner_at = np.divmod(pairs, len(inner))
    return inner_at, outer_at, weights


def _certain(masses: Ints, size: int) -> Bools:
    """Return which of the masses are so heavy that ``size`` draws take them for certain."""
    certain = np.zeros(masses.size, dtype=bool)
    left = int(masses.sum())
    while True:
        # Taking the heavy ones leaves the others a smaller share, for which more may be heavy.
        draws = size - int(certain.sum())
        share = left // draws
        heavy = ~certain & (masses > share)
        if not heavy.any():
            return certain
        certain |= heavy
        left -= int(masses[heavy].sum())


def _marks(total: int, count: int, start: int) -> Ints:
    """Return ``count`` marks evenly spaced over ``0 .. total - 1``.

    ``start`` is a random number of 64 bits, which says where in the first step the first mark lies.
    """
    step, rest = divmod(total, count)
    first = (start * total) >> 64
    number = np.arange(count)
    # What whole steps leave is spread over the marks.
    extra = (number * rest + first) // count
    return number * step + extra
