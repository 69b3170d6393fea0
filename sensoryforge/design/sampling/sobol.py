"""Sobol's sequence: points that fill a cube evenly, however many of them there are.

Sobol 1967, doi:10.1016/0041-5553(67)90144-9, in the order of Antonov and Saleev 1979,
doi:10.1016/0041-5553(79)90085-5, with the direction numbers of ``joe_kuo.py``.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from sensoryforge.core.numerics import random_bits
from sensoryforge.design.sampling.joe_kuo import DIRECTIONS

Words = npt.NDArray[np.uint64]

BITS = 30
"""Digits of a coordinate, in base two: the sequence has ``2**BITS`` points."""
MOST_DIMENSIONS = len(DIRECTIONS) + 1
"""Parameters that can be drawn together."""
_WORD_BITS = 52
"""Digits that are left after the shift, in base two."""


def sobol_words(start: int, stop: int, dimension: int) -> Words:
    """Return a coordinate of some points of the sequence, before any shift.

    Parameters
    ----------
    start, stop
        The points, counted from zero, the last not included.
    dimension
        Which coordinate, counted from zero.

    Returns
    -------
    numpy.ndarray
        ``[n]`` whole numbers; divided by ``2**BITS`` they are the coordinates.

    Examples
    --------
    >>> (sobol_words(0, 5, dimension=1) / 2**BITS).tolist()
    [0.0, 0.5, 0.25, 0.75, 0.375]
    """
    index = np.arange(start, stop, dtype=np.uint64)
    gray = index ^ (index >> np.uint64(1))
    words = np.zeros(len(index), np.uint64)
    one = np.uint64(1)
    for bit, direction in enumerate(_directions(dimension)[: max(stop - 1, 1).bit_length()]):
        is_set = (gray >> np.uint64(bit)) & one
        words ^= is_set * direction
    return words


def shifted_words(words: Words, seed: int, name: str) -> Words:
    """Return coordinates shifted digitally, each dimension by a random word of its own.

    The shift flips the same digits in every point, which keeps the sequence as even as it is.

    Parameters
    ----------
    words
        What `sobol_words` returns, ``[n]``.
    seed, name
        They say which shift.

    Returns
    -------
    numpy.ndarray
        ``[n]`` whole numbers of 52 bits.
    """
    (random_word,) = random_bits(seed, "sampling", "sobol", name, size=1)
    shift = random_word >> np.uint64(64 - _WORD_BITS)
    shifted: Words = (words << np.uint64(_WORD_BITS - BITS)) ^ shift
    return shifted


@cache
def _directions(dimension: int) -> tuple[np.uint64, ...]:
    """Return the direction numbers of a dimension, that of the fastest digit first."""
    numbers = _first_dimension() if dimension == 0 else _recurrence(*DIRECTIONS[dimension - 1])
    return tuple(np.uint64(m << (BITS - 1 - bit)) for bit, m in enumerate(numbers))


def _first_dimension() -> list[int]:
    return [1] * BITS


def _recurrence(polynomial: int, first: tuple[int, ...]) -> list[int]:
    """Return the numbers m of a dimension, the later ones made of the first (Joe and Kuo)."""
    degree = len(first)
    numbers = list(first)
    for k in range(degree, BITS):
        number = numbers[k - degree] ^ (numbers[k - degree] << degree)
        for back in range(1, degree):
            if polynomial >> (degree - back) & 1:
                number ^= numbers[k - back] << back
        numbers.append(number)
    return numbers
