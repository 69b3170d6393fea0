"""Blends: a pressure that does not separate, as a few stills and what each sample takes of them.

Innervation is linear, so that stills can be pooled instead of samples: a shape that moves by a
hundredth of a millimetre a sample, or a recording with a frame every 10 ms, needs far fewer of
them than there are samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sensoryforge.core.numerics import namespace
from sensoryforge.core.types import Floats, Ints


@dataclass(frozen=True)
class Blend:
    """The pressure of one condition: J stills, of which each sample is a sum of M, weighted.

    Parameters
    ----------
    stills
        Pressure at each receptor, ``[J, R]``, or what neurons feel of it, ``[J, N]``.
    numbers
        Which stills each sample is made of, ``[T, M]``.
    weights
        How much of each it takes, ``[T, M]``.
    mixes
        Whether stills of different things are added, such as parts or waves; otherwise each is what
        presses at some instant, and samples between are drawn through them.

    Examples
    --------
    Halfway between two stills:

    >>> stills = np.array([[0.0, 0.0], [10.0, 20.0]])
    >>> Blend(stills, np.array([[0, 1]]), np.array([[0.5, 0.5]])).frames().tolist()
    [[5.0, 10.0]]
    """

    stills: Floats
    numbers: Ints
    weights: Floats
    mixes: bool = False

    def frames(self) -> Floats:
        """Return the pressure at each sample, ``[T, R]``: the weighted stills, added in order."""
        total: Floats = self.stills[self.numbers[:, 0]] * self.weights[:, 0, None]
        for term in range(1, self.numbers.shape[1]):
            total += self.stills[self.numbers[:, term]] * self.weights[:, term, None]
        return total

    def of(self, stills: Floats) -> Blend:
        """Return the same blend of other stills, such as those that neurons feel."""
        return Blend(stills, self.numbers, self.weights, self.mixes)


def blend_of_factors(space: Floats, time: Floats) -> Blend:
    """Return a sum of K products as a blend.

    Parameters
    ----------
    space, time
        The factors of one condition, ``[K, R]`` and ``[K, T]``.

    Examples
    --------
    >>> blend_of_factors(np.ones((1, 2)), np.array([[0.0, 3.0]])).frames().tolist()
    [[0.0, 0.0], [3.0, 3.0]]
    """
    xp = namespace(time)
    terms, samples = time.shape
    numbers = xp.tile(counted(terms, like=time), (samples, 1))
    return Blend(space, numbers, time.T, mixes=terms > 1)


def blend_of_frames(frames: Floats) -> Blend:
    """Return frames ``[T, R]`` as a blend: each sample is a still of its own.

    Examples
    --------
    >>> blend_of_frames(np.array([[1.0], [2.0]])).frames().tolist()
    [[1.0], [2.0]]
    """
    numbers = counted(len(frames), like=frames)[:, None]
    weights = namespace(frames).ones_like(frames[:, :1])
    return Blend(frames, numbers, weights)


def blend_along(places: Floats, first: int, count: int) -> tuple[Ints, Floats]:
    """Return which stills lie around each sample, and the weights of a cubic through them.

    Stills stand at whole numbers from ``first`` on. The cubic is that of Catmull and Rom 1974
    (doi:10.1016/B978-0-12-079050-0.50020-5): it passes through each still, and is exact where the
    pressure is a polynomial of second degree along the way.

    Parameters
    ----------
    places
        Where each sample lies between the stills, ``[T]``.
    first, count
        The place of the first still, and how many there are.

    Returns
    -------
    numbers, weights
        ``[T, 4]`` each.

    Examples
    --------
    >>> numbers, weights = blend_along(np.array([1.0, 1.5]), first=0, count=4)
    >>> numbers.tolist(), weights.tolist()
    ([[0, 1, 2, 3], [0, 1, 2, 3]], [[-0.0, 1.0, 0.0, -0.0], [-0.0625, 0.5625, 0.5625, -0.0625]])
    """
    xp = namespace(places)
    lower = xp.floor(places)
    f = places - lower
    before = -0.5 * f * (1.0 - f) * (1.0 - f)
    at = 1.0 + f * f * (1.5 * f - 2.5)
    after = f * (0.5 + f * (2.0 - 1.5 * f))
    beyond = -0.5 * f * f * (1.0 - f)
    nearest = xp.asarray(lower, dtype=xp.int64) - first
    numbers = xp.stack([nearest + step for step in (-1, 0, 1, 2)], 1)
    numbers = xp.clip(numbers, 0, count - 1)
    weights = xp.stack([before, at, after, beyond], 1)
    return numbers, weights


def add_blends(blends: Sequence[Blend]) -> Blend:
    """Return the sum of several blends.

    Examples
    --------
    >>> one = blend_of_frames(np.array([[1.0], [2.0]]))
    >>> add_blends([one, one]).frames().tolist()
    [[2.0], [4.0]]
    """
    xp: Any = namespace(blends[0].stills)
    numbers = []
    stills_before = 0
    for blend in blends:
        numbers.append(blend.numbers + stills_before)
        stills_before += len(blend.stills)
    return Blend(
        stills=xp.concatenate([blend.stills for blend in blends]),
        numbers=xp.concatenate(numbers, 1),
        weights=xp.concatenate([blend.weights for blend in blends], 1),
        mixes=len(blends) > 1 or blends[0].mixes,
    )


def counted(count: int, like: Floats) -> Ints:
    """Return 0, 1, ... ``[count]``, an array, or a tensor where ``like`` is one.

    Examples
    --------
    >>> counted(3, like=np.zeros(1)).tolist()
    [0, 1, 2]
    """
    xp = namespace(like)
    if xp is np:
        return np.arange(count)
    tensor: Ints = xp.arange(count, device=like.device)
    return tensor
