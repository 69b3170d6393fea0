"""What a stimulus is: pressure on the sheet over time, computed for many conditions at once.

A new stimulus is a subclass with ``ranges``, ``space`` and ``time`` (or, where space and time do not
separate, ``separable = False`` and ``frames``), and a YAML file in ``conf/stimuli`` with its defaults.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from sys import float_info
from typing import ClassVar, TypeGuard

import numpy as np

from sensoryforge.numerics import exp, namespace
from sensoryforge.types import Columns, Floats, Frames, Positions, Space, Time

TIME_TOLERANCE_MS = 1e-6
"""Samples lie at multiples of dt, which round: instants closer than this are the same."""


@dataclass(frozen=True)
class Range:
    """The numbers that a parameter may be: from ``low`` to ``high``, finite unless ``infinite``."""

    unit: str = ""
    low: float = -inf
    high: float = inf
    low_open: bool = False
    infinite: bool = False

    def allows(self, value: object) -> TypeGuard[int | float]:
        """Tell whether a value is a number in this range."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        finite = abs(value) <= float_info.max  # False for nan, and for a whole number that no float can hold
        above = value > self.low if self.low_open else value >= self.low
        return above and value <= self.high and (finite or (self.infinite and abs(value) == inf))

    def __str__(self) -> str:
        """Return the range in words, as in "a number > 0 (mm)"."""
        low = "" if self.low == -inf else f" {'>' if self.low_open else '>='} {self.low:g}"
        high = "" if self.high == inf else f"{' and' if low else ''} <= {self.high:g}"
        return f"a number{low}{high}{' or .inf' if self.infinite else ''}{f' ({self.unit})' if self.unit else ''}"


DRIVE = Range(low=0.0)
PLACE = Range("mm")
LENGTH = Range("mm", low=0.0, low_open=True)


class Stimulus(ABC):
    """A family of stimuli; an instance holds C conditions of it as columns of parameters.

    ``tensors``: whether the methods take torch tensors as well as arrays, and give them the same bits, so that a GPU
    can shape the stimuli. A class says so for itself, not for its subclasses: those may compute with NumPy.
    """

    ranges: ClassVar[Mapping[str, Range]]
    separable: ClassVar[bool] = True
    tensors: ClassVar[bool] = False

    def __init__(self, columns: Columns) -> None:
        given = {name: columns[name] for name in self.ranges}
        self._columns: Columns = {n: namespace(v).asarray(v, dtype=namespace(v).float64) for n, v in given.items()}
        self.count = len(next(iter(self._columns.values())))

    def __getitem__(self, name: str) -> Floats:
        """Return a parameter as ``[C, 1]``, ready to meet receptors or samples."""
        return self._columns[name][:, None]

    def space(self, xy: Positions) -> Space:
        """Return the spatial factors ``[C, K, R]`` at receptors ``xy`` ``[R, 2]`` in mm."""
        raise NotImplementedError(f"{type(self).__name__} does not separate: use frames")

    def time(self, t_ms: Floats, duration_ms: float) -> Time:
        """Return the temporal factors ``[C, K, T]`` at the starts of samples ``t_ms`` ``[T]``, the first at 0."""
        raise NotImplementedError(f"{type(self).__name__} does not separate: use frames")

    def frames(self, xy: Positions, t_ms: Floats, duration_ms: float) -> Frames:
        """Return the pressure ``[C, T, R]``: the products of space and time, added in order."""
        space, time = self.space(xy), self.time(t_ms, duration_ms)
        out = time[:, 0, :, None] * space[:, 0, None, :]
        for term in range(1, space.shape[1]):
            out += time[:, term, :, None] * space[:, term, None, :]
        return out

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Return one line for each contradiction between parameters; none by default."""
        return []


def footprint(stimulus: Stimulus, xy: Positions, height: Floats | float = 1.0) -> Space:
    """Return ``height exp(-r^2 / 2 sigma^2)`` around ``center_x, center_y`` as ``[C, 1, R]``.

    It is formed as a product of one factor along x and one along y: on a lattice each needs only as many
    exponentials as there are columns or rows.
    """
    xp = namespace(xy)
    xs, column = xp.unique(xy[:, 0], return_inverse=True)
    ys, row = xp.unique(xy[:, 1], return_inverse=True)
    across = height * _profile(xs, stimulus["center_x"], stimulus["sigma"])
    along = _profile(ys, stimulus["center_y"], stimulus["sigma"])
    if xp is not np:
        out: Space = (across[:, column] * along[:, row])[:, None]
        return out
    out = np.empty((stimulus.count, 1, len(xy)))
    for condition in range(stimulus.count):
        np.multiply(across[condition].take(column), along[condition].take(row), out=out[condition, 0])
    return out


def steady(stimulus: Stimulus, t_ms: Floats) -> Time:
    """Return ones, for a stimulus that does not change: ``[C, 1, T]``."""
    column = stimulus[next(iter(stimulus.ranges))]
    out: Time = namespace(t_ms).ones_like(column + t_ms)[:, None, :]
    return out


def _profile(place: Floats, center: Floats, sigma: Floats) -> Floats:
    """Return ``exp(-(place - center)^2 / 2 sigma^2)``: ``[C, 1]`` parameters at ``[P]`` places as ``[C, P]``."""
    with np.errstate(over="ignore"):
        z = (place - center) / sigma
        return exp(-0.5 * (z * z))
