"""Methods of sampling: points in a cube, a coordinate for each parameter that is drawn.

``random``: independent of each other. ``sobol``: they fill the cube evenly, however many there are.
``latin_hypercube``: each parameter in turn is covered evenly, one point in each N-th of it.

A coordinate depends on the seed, the name of its parameter and the number of the point alone
(`latin_hypercube` on N as well), so that a longer draw of the first two starts with a shorter one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sensoryforge.core.numerics import random_bits
from sensoryforge.core.types import Floats
from sensoryforge.design.sampling.sobol import shifted_words, sobol_words

RANDOM = "random"
LATIN_HYPERCUBE = "latin_hypercube"
SOBOL = "sobol"
METHODS = (RANDOM, LATIN_HYPERCUBE, SOBOL)
"""Methods that draw."""
GROWING = (RANDOM, SOBOL)
"""Those of whose points more begin with fewer."""
_JITTER_BITS = 24
"""Digits of a place within a stratum, in base two: it never reaches the next one."""


def coordinates(
    method: str, names: Sequence[str], start: int, stop: int, seed: int, total: int
) -> list[Floats]:
    """Return the coordinates of some points.

    Parameters
    ----------
    method
        One of ``METHODS``.
    names
        The parameters that are drawn, in order.
    start, stop
        The points, counted from zero, the last not included.
    seed
        What the points derive from.
    total
        How many points a Latin hypercube has.

    Returns
    -------
    list of numpy.ndarray
        For each parameter ``[n]`` numbers between zero and one, neither of which is reached.

    Examples
    --------
    >>> (x,) = coordinates("latin_hypercube", ["sigma"], 0, 4, seed=0, total=4)
    >>> sorted(np.floor(4 * x).tolist())
    [0.0, 1.0, 2.0, 3.0]
    """
    columns: list[Floats] = []
    for dimension, name in enumerate(names):
        if method == LATIN_HYPERCUBE:
            columns.append(_strata(name, seed, total)[start:stop])
        elif method == SOBOL:
            words = sobol_words(start, stop, dimension)
            columns.append(_between_zero_and_one(shifted_words(words, seed, name)))
        else:
            words = random_bits(seed, "sampling", RANDOM, name, size=stop - start, start=start)
            columns.append(_between_zero_and_one(words >> np.uint64(12)))
    return columns


def _strata(name: str, seed: int, total: int) -> Floats:
    """Return a coordinate of a Latin hypercube: the strata in random order, a place in each.

    McKay, Beckman and Conover 1979, doi:10.1080/00401706.1979.10489755.
    """
    names = ("sampling", LATIN_HYPERCUBE, total, name)
    order = np.argsort(random_bits(seed, *names, "order", size=total), kind="stable")
    words = random_bits(seed, *names, "place", size=total)
    steps = 2 * (words >> np.uint64(64 - _JITTER_BITS)) + np.uint64(1)
    places = steps.astype(np.float64) * 2.0 ** -(_JITTER_BITS + 1)
    strata: Floats = (order + places) / total
    return strata


def _between_zero_and_one(words: npt.NDArray[np.uint64]) -> Floats:
    """Return words of 52 bits as numbers, each in the middle of its 2**-52."""
    odd = 2 * words + np.uint64(1)
    return odd.astype(np.float64) * 2.0**-53
