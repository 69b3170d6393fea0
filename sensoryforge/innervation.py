"""Which receptors each neuron pools, and with what weights.

A neuron's receptive field is a Gaussian of distance: ``p`` proportional to ``exp(-d^2 / 2 sigma^2)`` over the
receptors of a square window, summing to one. Of these, ``connections`` distinct receptors are drawn with
inclusion probabilities ``pi`` proportional to p (those that would exceed one are taken for certain), by
systematic sampling in a random order (Madow 1949, doi:10.1214/aoms/1177729988), and weighted ``p / pi``
(Horvitz and Thompson 1952, doi:10.1080/01621459.1952.10483446). Weights then sum to one and the expected
drive is ``sum(p * s)``, for any resolution of the sheet and any number of connections. Masses and thresholds
are whole numbers, so that a draw has no rounding to differ in.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from sys import float_info

import numpy as np

from sensoryforge.errors import ConfigError
from sensoryforge.numerics import exp, hash64, random_bits
from sensoryforge.receptors import MAX_SIDE, Sheet
from sensoryforge.types import Floats, Ints, Positions

WINDOW_SIGMAS = 4.0
# Mass of the nearest receptor along one axis: 2^19 x 2^19 x 4096 x 4096 still fits an int64.
_UNIT = 2**19


@dataclass(frozen=True)
class Innervation:
    """Sparse weights from receptors to neurons.

    ``indices`` ``[N, C]``: flat receptor indices, ascending in each row; ``weights`` ``[N, C]``: rows sum to one.
    """

    indices: Ints
    weights: Floats


@dataclass(frozen=True)
class GaussianInnervation:
    """Receptors drawn around each neuron with a Gaussian of distance.

    ``sigma_mm``: standard deviation of the receptive field; ``connections``: distinct receptors a neuron pools
    (all of them on a sheet with fewer). Raises ConfigError for values that are not above zero.
    """

    sigma_mm: float
    connections: int

    def __post_init__(self) -> None:
        problems = []
        if not _is_positive(self.sigma_mm):
            problems.append(f"sigma_mm: got {self.sigma_mm!r}, allowed is a number > 0 (mm)")
        if not isinstance(self.connections, int) or isinstance(self.connections, bool) or self.connections < 1:
            problems.append(f"connections: got {self.connections!r}, allowed is a whole number >= 1 (receptors)")
        if problems:
            raise ConfigError(problems)

    def draw(self, sheet: Sheet, centres: Positions, seed: int) -> Innervation:
        """Return the innervation of neurons at ``centres`` ``[N, 2]``; a row depends on its place and number only."""
        size = min(self.connections, sheet.count)
        stream = hash64(seed, "innervation")
        indices, weights = np.empty((len(centres), size), np.int64), np.empty((len(centres), size))
        for neuron, (x, y) in enumerate(np.asarray(centres, np.float64).tolist()):
            flat, weight = self._row(sheet, x, y, size, stream, neuron)
            order = np.argsort(flat)
            indices[neuron], weights[neuron] = flat[order], weight[order]
        return Innervation(indices, weights)

    def _row(self, sheet: Sheet, x: float, y: float, size: int, stream: int, neuron: int) -> tuple[Ints, Floats]:
        """Draw one neuron's receptors and their weights, in no particular order."""
        columns, rows = _window(sheet, x, y, WINDOW_SIGMAS * self.sigma_mm / sheet.spacing_mm, size)
        width = len(columns)
        bits = random_bits(stream, neuron, size=width + len(rows) + 2)
        columns = columns[np.argsort(bits[:width], kind="stable")]
        rows = rows[np.argsort(bits[width:-2], kind="stable")]
        across = self._masses(sheet.x_mm(columns) - x)
        along = self._masses(sheet.y_mm(rows) - y)
        # Rows or columns as the outer loop, at random: neither direction is sampled more evenly than the other.
        if bits[-2] & np.uint64(1):
            column, row, weights = _sample(across, along, size, int(bits[-1]))
        else:
            row, column, weights = _sample(along, across, size, int(bits[-1]))
        return rows[row] * sheet.columns + columns[column], weights

    def _masses(self, distance_mm: Floats) -> Ints:
        """Return whole numbers from 1 to 2^19 in proportion to the Gaussian of distance along one axis."""
        with np.errstate(over="ignore"):
            z = np.minimum(np.abs(distance_mm) / self.sigma_mm, 1e150)
        return np.maximum(np.rint(_UNIT * exp(-0.5 * (z * z - (z * z).min()))), 1.0).astype(np.int64)


def _window(sheet: Sheet, x: float, y: float, reach: float, size: int) -> tuple[Ints, Ints]:
    """Return the columns and rows within ``reach`` cells of a place, or farther until they hold ``size`` receptors."""
    half = ceil(min(max(reach, (sqrt(size) - 1) / 2), MAX_SIDE))
    while True:
        columns = _nearby(x / sheet.spacing_mm, sheet.columns, half)
        rows = _nearby(y / sheet.spacing_mm, sheet.rows, half)
        if len(columns) * len(rows) >= size:
            return columns, rows
        half += 1


def _nearby(place: float, count: int, half: int) -> Ints:
    """Return the numbers, of ``count`` in a row, at most ``half`` from the one nearest to a place."""
    nearest = round(min(max(place + (count - 1) / 2, 0), count - 1))
    return np.arange(max(nearest - half, 0), min(nearest + half + 1, count))


def _sample(inner: Ints, outer: Ints, size: int, random: int) -> tuple[Ints, Ints, Floats]:
    """Draw ``size`` distinct pairs (inner, outer) with probabilities in proportion to their product of masses.

    Pairs lie end to end on a line, the inner ones of one outer after those of the one before it.
    Returns the positions in inner and in outer, and the weights.
    """
    total = int(inner.sum()) * int(outer.sum())
    if size * int(inner.max()) * int(outer.max()) > total:
        return _sample_capped(inner, outer, size, random)
    marks = _marks(total, size, random)
    ends = np.cumsum(outer) * inner.sum()
    at = np.searchsorted(ends, marks, side="right")
    within = marks - (ends[at] - outer[at] * inner.sum())
    return np.searchsorted(np.cumsum(inner), within // outer[at], side="right"), at, np.full(size, 1 / size)


def _sample_capped(inner: Ints, outer: Ints, size: int, random: int) -> tuple[Ints, Ints, Floats]:
    """Do as ``_sample`` where some pairs are so heavy that they are taken for certain."""
    masses = np.outer(outer, inner).reshape(-1)
    total = left = int(masses.sum())
    certain = np.zeros(masses.size, dtype=bool)
    while (heavy := ~certain & (masses > left // (size - int(certain.sum())))).any():
        certain |= heavy
        left = total - int(masses[certain].sum())
    drawn = size - int(certain.sum())
    line = np.cumsum(np.where(certain, 0, masses))
    chosen = np.searchsorted(line, _marks(left, drawn, random), side="right")
    at = np.concatenate([np.flatnonzero(certain), chosen])
    weights = np.concatenate([masses[certain] / total, np.full(drawn, left / (total * drawn))])
    row, column = np.divmod(at, len(inner))
    return column, row, weights


def _marks(total: int, count: int, random: int) -> Ints:
    """Return ``count`` marks evenly spaced over ``0 .. total - 1``, the first at random from a 64-bit number."""
    step, rest = divmod(total, count)
    start = (random * total) >> 64
    number = np.arange(count)
    return number * step + (number * rest + start) // count


def _is_positive(value: object) -> bool:
    """Tell whether a value is a finite number above zero."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= float_info.max
