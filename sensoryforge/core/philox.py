"""Random words of many streams at once: Philox4x64-10 with a key for each row, in NumPy.

The words are those of `sensoryforge.core.numerics.random_bits`, stream by stream. Making a
generator for each of 100,000 streams costs more than drawing from all of them together.

Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3",
doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from sensoryforge.core.numerics import stream_key

Words = npt.NDArray[np.uint64]

_ROUNDS = 10
_MULTIPLIERS = (np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157))
_KEY_STEPS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B))
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_WORDS_OF_A_BLOCK = 4


def random_bit_rows(seed: int, numbers: Iterable[int], size: int) -> Words:
    """Return raw 64-bit words of the streams named by a seed and a number, a row a number.

    Parameters
    ----------
    seed, numbers
        Row i is what ``random_bits(seed, numbers[i], size=size)`` returns.
    size
        How many words of each stream.

    Returns
    -------
    numpy.ndarray
        ``[N, size]`` of uint64.

    Examples
    --------
    >>> from sensoryforge.core.numerics import random_bits
    >>> rows = random_bit_rows(7, [3, 4], size=5)
    >>> rows[1].tolist() == random_bits(7, 4, size=5).tolist()
    True
    """
    whole_keys = [stream_key(seed, number) for number in numbers]
    low = [key & 0xFFFFFFFFFFFFFFFF for key in whole_keys]
    high = [key >> 64 for key in whole_keys]
    keys = (np.array(low, np.uint64)[:, None], np.array(high, np.uint64)[:, None])
    blocks = -(-size // _WORDS_OF_A_BLOCK)
    # NumPy counts up before it draws: the first block is number one.
    counter = np.arange(1, blocks + 1, dtype=np.uint64)
    words = _philox(keys, counter)
    return words.reshape(len(whole_keys), blocks * _WORDS_OF_A_BLOCK)[:, :size]


def high_product(a: Words, b: Words | np.uint64) -> Words:
    """Return the upper 64 of the 128 bits of a product, elementwise.

    Examples
    --------
    >>> high_product(np.array([2**63], np.uint64), np.uint64(6)).tolist()
    [3]
    """
    a_low, a_high = a & _LOW_HALF, a >> _HALF
    b_low, b_high = b & _LOW_HALF, b >> _HALF
    # Three products of halves overlap in the middle; none of the sums exceeds 64 bits.
    middle = a_high * b_low
    middle += (a_low * b_low) >> _HALF
    carried = a_low * b_high
    carried += middle & _LOW_HALF
    out = a_high * b_high
    out += middle >> _HALF
    out += carried >> _HALF
    return out


def _philox(keys: tuple[Words, Words], counter: Words) -> Words:
    """Return the words of blocks ``[B]`` of each key ``[N, 1]``: ``[N, B, 4]``."""
    shape = (len(keys[0]), len(counter))
    first: Words = np.broadcast_to(counter, shape)
    second, third, fourth = (np.zeros(shape, np.uint64) for _ in range(3))
    key, other_key = keys
    for _ in range(_ROUNDS):
        high = high_product(first, _MULTIPLIERS[0])
        low = first * _MULTIPLIERS[0]
        other_high = high_product(third, _MULTIPLIERS[1])
        other_low = third * _MULTIPLIERS[1]
        first = other_high ^ second ^ key
        second = other_low
        third = high ^ fourth ^ other_key
        fourth = low
        key = key + _KEY_STEPS[0]
        other_key = other_key + _KEY_STEPS[1]
    return np.stack([first, second, third, fourth], axis=-1)
