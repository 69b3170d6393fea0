"""What a parameter is drawn from: a range, a normal distribution, or a list of choices.

Each turns numbers that are even between zero and one, which a method of sampling makes, into
values. So every method goes with every spread, and a spread of numbers has the same values on
every machine: exponentials, logarithms and quantiles are our own, and what comes out is rounded to
12 digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from sensoryforge.core.numerics import exp, log
from sensoryforge.core.types import Floats, Ints
from sensoryforge.design.sampling.normal import normal_quantile
from sensoryforge.design.sampling.rounding import round_to_digits

Value: TypeAlias = int | float | str
Numbers: TypeAlias = Floats | Ints

SHOWN_CHOICES = 20
"""The longest list that is told whole."""


@dataclass(frozen=True)
class Uniform:
    """Numbers from ``low`` to ``high``, all alike.

    Parameters
    ----------
    low, high
        The least and the largest.
    is_log
        Whether their logarithms are alike: as many from 1 to 10 as from 10 to 100.
    is_whole
        Whether only whole numbers are drawn, both ends included.

    Examples
    --------
    >>> Uniform(5, 50).values(np.array([0.0, 0.5])).tolist()
    [5.0, 27.5]
    >>> Uniform(0.1, 10, is_log=True).values(np.array([0.5])).tolist()
    [1.0]
    >>> Uniform(1, 3, is_whole=True).values(np.array([0.1, 0.5, 0.9])).tolist()
    [1, 2, 3]
    """

    low: float
    high: float
    is_log: bool = False
    is_whole: bool = False

    @property
    def example(self) -> float:
        """A number that it may draw."""
        return int(self.low) if self.is_whole else self.low

    def values(self, u: Floats) -> Numbers:
        """Return a number for each of ``u``, which lie between zero and one, ``[n]``."""
        # A whole number has a stretch of the line as long as that of any other.
        top = self.high + 1 if self.is_whole else self.high
        if self.is_log:
            ends = log(np.array([self.low, top], dtype=np.float64))
            values = exp(ends[0] + (ends[1] - ends[0]) * u)
        else:
            values = self.low + (top - self.low) * u
        if self.is_whole:
            whole = np.floor(values).astype(np.int64)
            return np.clip(whole, int(self.low), int(self.high))
        # Rounding may not lead out of the range.
        return np.clip(round_to_digits(values), self.low, self.high)

    def __str__(self) -> str:
        """Return the range in words."""
        words = [f"from {self.low:g} to {self.high:g}"]
        if self.is_whole:
            words.append("whole")
        if self.is_log:
            words.append("log scale")
        return ", ".join(words)


@dataclass(frozen=True)
class Normal:
    """Numbers about a mean.

    Parameters
    ----------
    mean, std
        Mean and standard deviation.

    Examples
    --------
    >>> Normal(10, 2).values(np.array([0.5, 0.975])).round(2).tolist()
    [10.0, 13.92]
    """

    mean: float
    std: float

    @property
    def example(self) -> float:
        """A number that it may draw."""
        return self.mean

    def values(self, u: Floats) -> Numbers:
        """Return a number for each of ``u``, which lie between zero and one, ``[n]``."""
        return round_to_digits(self.mean + self.std * normal_quantile(u))

    def __str__(self) -> str:
        """Return the distribution in words."""
        return f"mean {self.mean:g}, std {self.std:g}"


@dataclass(frozen=True)
class Choices:
    """Values out of a list, all alike.

    Parameters
    ----------
    items
        Numbers, texts or files.

    Examples
    --------
    >>> Choices(("a", "b", "c")).numbers(np.array([0.1, 0.5, 0.9])).tolist()
    [0, 1, 2]
    """

    items: tuple[Value, ...]

    def numbers(self, u: Floats) -> Ints:
        """Return which of the items each of ``u`` stands for, ``[n]``, counted from zero."""
        numbers = np.floor(u * len(self.items)).astype(np.int64)
        return np.minimum(numbers, len(self.items) - 1)

    def __str__(self) -> str:
        """Return the list, its middle left out where it is long."""
        return list_values(self.items)


Spread: TypeAlias = Uniform | Normal | Choices
"""What a parameter is drawn from."""


def list_values(values: Sequence[Value]) -> str:
    """Return values as a list, its middle left out where it is long.

    Examples
    --------
    >>> list_values((1, 2))
    '[1, 2]'
    >>> list_values(range(1000))
    '[0, 1, 2, ..., 999] (1000 values)'
    """
    if len(values) <= SHOWN_CHOICES:
        return str(list(values))
    first = ", ".join(str(value) for value in values[:3])
    return f"[{first}, ..., {values[-1]}] ({len(values)} values)"
