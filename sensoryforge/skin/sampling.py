"""Systematic sampling with unequal chances, of many rows at once.

A row has things with masses, whole numbers, of which ``size`` distinct ones are drawn with chances
in proportion (Madow 1949, doi:10.1214/aoms/1177729988) and weighted by share over chance (Horvitz
and Thompson 1952, doi:10.1080/01621459.1952.10483446). The things lie end to end on a line, each as
long as its mass, and evenly spaced marks on the line pick them. One that is longer than the step
between marks is taken for certain instead, so that none is picked twice.

Masses are whole numbers so that a draw has no rounding to differ in. Those of a row sum to less
than 2^62.
"""

from __future__ import annotations

import numpy as np

from sensoryforge.core.philox import Words, high_product
from sensoryforge.core.types import Bools, Floats, Ints

_MOST_MASSES = 2**16
"""Masses worked on at a time: half a megabyte, which stays in the cache."""


def draw_products(inner: Ints, outer: Ints, size: int, starts: Words) -> tuple[Ints, Ints, Floats]:
    """Draw pairs whose masses are products, one factor of ``inner`` and one of ``outer``.

    The line of all pairs is only made for rows in which a pair is taken for certain.

    Parameters
    ----------
    inner, outer
        Factors, ``[N, K]`` and ``[N, L]``; on the line, the inner ones of one outer lie together.
        Rows of fewer factors end in zeros.
    size
        How many distinct pairs of each row; it has that many with a mass above zero.
    starts
        A random word for each row, ``[N]``: where in the first step the first mark lies.

    Returns
    -------
    tuple
        Positions in ``inner`` and in ``outer``, and the weights, ``[N, size]`` each, in no
        particular order.

    Examples
    --------
    >>> ones = np.ones((1, 2), np.int64)
    >>> inner_at, outer_at, weights = draw_products(ones, ones, 2, np.zeros(1, np.uint64))
    >>> inner_at.tolist(), outer_at.tolist(), weights.tolist()
    ([[0, 0]], [[0, 1]], [[0.5, 0.5]])
    """
    shape = (len(inner), size)
    inner_at, outer_at = np.empty(shape, np.int64), np.empty(shape, np.int64)
    weights = np.empty(shape)
    longest = inner.max(axis=1) * outer.max(axis=1)
    step_is_shorter = size * longest > inner.sum(axis=1) * outer.sum(axis=1)
    plain = np.flatnonzero(~step_is_shorter)
    if len(plain):
        drawn = _draw_plain_products(inner[plain], outer[plain], size, starts[plain])
        inner_at[plain], outer_at[plain] = drawn
        weights[plain] = 1 / size  # share over chance, which is size times the share
    heavy = np.flatnonzero(step_is_shorter)
    together = max(1, _MOST_MASSES // (inner.shape[1] * outer.shape[1]))
    for first in range(0, len(heavy), together):
        rows = heavy[first : first + together]
        masses = outer[rows][:, :, None] * inner[rows][:, None, :]
        line = masses.reshape(len(rows), -1)
        pairs, weights[rows] = draw_masses(line, size, starts[rows])
        outer_at[rows], inner_at[rows] = np.divmod(pairs, inner.shape[1])
    return inner_at, outer_at, weights


def _draw_plain_products(inner: Ints, outer: Ints, size: int, starts: Words) -> tuple[Ints, Ints]:
    """Return the positions of pairs in rows where none is longer than the step between marks."""
    inner_line = np.cumsum(inner, axis=1)
    inner_total = inner_line[:, -1:]
    ends = np.cumsum(outer, axis=1) * inner_total
    marks = _marks(ends[:, -1], np.full(len(ends), size), starts, size)
    outer_at = _find_in_rows(ends, marks)
    outer_mass = np.take_along_axis(outer, outer_at, axis=1)
    starts_of_outer = np.take_along_axis(ends, outer_at, axis=1) - outer_mass * inner_total
    # How far a mark lies in the stretch of its outer, in units of the masses of inner.
    within = (marks - starts_of_outer) // outer_mass
    return _find_in_rows(inner_line, within), outer_at


def draw_masses(masses: Ints, size: int, starts: Words) -> tuple[Ints, Floats]:
    """Draw things by their masses.

    Parameters
    ----------
    masses
        The masses, ``[N, M]``; a mass of zero is never drawn.
    size
        How many distinct things of each row; it has that many with a mass above zero.
    starts
        A random word for each row, ``[N]``: where in the first step the first mark lies.

    Returns
    -------
    tuple
        Positions in the row, and the weights, ``[N, size]`` each, in no particular order.

    Examples
    --------
    >>> at, weights = draw_masses(np.array([[6, 1, 1]]), 2, np.zeros(1, np.uint64))
    >>> at.tolist(), weights.tolist()
    ([[1, 0]], [[0.25, 0.75]])
    """
    certain = _certain(masses, size)
    total = masses.sum(axis=1)
    # Things that are left to chance are sampled on a line without the certain ones.
    line = np.cumsum(np.where(certain, 0, masses), axis=1)
    left = line[:, -1]
    drawn = size - certain.sum(axis=1)
    at = _find_in_rows(line, _marks(left, drawn, starts, size))
    # Exact fractions: a product with the total may have more bits than a float.
    fractions = zip(left.tolist(), total.tolist(), drawn.tolist(), strict=True)
    weight_of_drawn = [chance / (whole * count) for chance, whole, count in fractions]
    weights = np.repeat(np.array(weight_of_drawn)[:, None], size, axis=1)
    is_certain = np.arange(size) >= drawn[:, None]
    row, at[is_certain] = np.nonzero(certain)
    weights[is_certain] = masses[certain] / total[row]
    return at, weights


def _certain(masses: Ints, size: int) -> Bools:
    """Return which of the masses are so heavy that ``size`` draws take them for certain."""
    certain = np.zeros(masses.shape, dtype=bool)
    left = masses.sum(axis=1)
    draws = np.full(len(masses), size)
    rows = np.arange(len(masses))
    while len(rows):
        # Taking the heavy ones leaves the others a smaller share, for which more may be heavy.
        share = left // draws
        others = np.where(certain[rows], 0, masses[rows])
        heavy = others > share[:, None]
        count = heavy.sum(axis=1)
        certain[rows] |= heavy
        left = left - np.where(heavy, others, 0).sum(axis=1)
        draws = draws - count
        goes_on = count > 0
        rows, left, draws = rows[goes_on], left[goes_on], draws[goes_on]
    return certain


def _marks(totals: Ints, counts: Ints, starts: Words, size: int) -> Ints:
    """Return marks evenly spaced over ``0 .. total - 1`` of each row, ``[N, size]``.

    A row has as many as its count says, at least one; what follows them means nothing.
    """
    steps, rests = np.divmod(totals, counts)
    first = high_product(starts, totals.astype(np.uint64)).astype(np.int64)
    number = np.arange(size)
    # What whole steps leave is spread over the marks.
    extra = (number * rests[:, None] + first[:, None]) // counts[:, None]
    return number * steps[:, None] + extra


def _find_in_rows(ends: Ints, marks: Ints) -> Ints:
    """Return for each mark ``[N, C]`` how many ends ``[N, M]`` of its row are not beyond it.

    That is ``np.searchsorted(ends, marks, side="right")`` of each row, at most M - 1.
    """
    most = ends.shape[1] - 1
    at = np.zeros(marks.shape, np.int64)
    step = 1 << max(most.bit_length() - 1, 0)
    while step:
        farther = np.minimum(at + step, most)
        last_end = np.take_along_axis(ends, np.maximum(farther - 1, 0), axis=1)
        at = np.where((last_end <= marks) & (farther > at), farther, at)
        step >>= 1
    return at
