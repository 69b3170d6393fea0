"""Parameters of equations: a number that all neurons share, or one each, drawn or given.

tau: 5.0                        5.0 for every neuron
tau: {mean: 5.0, std: 0.5}      normal, a number for each neuron
tau: {low: 4.0, high: 6.0}      uniform
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from sensoryforge.core import numerics
from sensoryforge.core.errors import EquationError
from sensoryforge.core.messages import format_value
from sensoryforge.core.types import Floats
from sensoryforge.core.values import is_number
from sensoryforge.equations.expressions import MAX_NUMBER


@dataclass(frozen=True)
class Distribution:
    """A parameter that differs from neuron to neuron.

    Parameters
    ----------
    kind
        ``normal`` or ``uniform``.
    first, second
        Mean and standard deviation of a normal distribution, bounds of a uniform one.

    Examples
    --------
    >>> Distribution("uniform", 4.0, 6.0).draw(3, seed=0).round(2)
    array([5.29, 4.03, 5.3 ])
    """

    kind: Literal["normal", "uniform"]
    first: float
    second: float

    def draw(self, size: int, seed: int, *names: str) -> Floats:
        """Return one value a neuron, ``[size]``, the same on every machine.

        Parameters
        ----------
        size
            How many neurons.
        seed
            The seed of the experiment.
        names
            What the values are for, such as population, block and parameter: others have others.
        """
        if self.kind == "normal":
            mean, std = self.first, self.second
            normals = numerics.normals(seed, *names, size=size)
            return mean + std * normals
        low, high = self.first, self.second
        uniforms = numerics.uniforms(seed, *names, size=size)
        return low + (high - low) * uniforms


@dataclass(frozen=True)
class PerNeuron:
    """A parameter of which each neuron has its own, from a table of units.

    Parameters
    ----------
    values
        One value a neuron.

    Examples
    --------
    >>> PerNeuron((4.0, 6.0)).draw(2, seed=0)
    array([4., 6.])
    """

    values: tuple[float, ...]

    def draw(self, size: int, seed: int, *names: str) -> Floats:
        """Return the values, ``[size]``; they are drawn already."""
        if size != len(self.values):
            raise ValueError(f"got {size} neurons, allowed are {len(self.values)}")
        return np.array(self.values)


Parameter: TypeAlias = float | Distribution | PerNeuron


def largest(value: float | PerNeuron) -> float:
    """Return a number that all neurons share, or the largest of those that they have.

    Examples
    --------
    >>> largest(2.0), largest(PerNeuron((1.0, 3.0)))
    (2.0, 3.0)
    """
    return max(value.values) if isinstance(value, PerNeuron) else value


def read_parameter(value: Any, where: str) -> Parameter:
    """Read a parameter: a finite number, ``{mean, std}`` or ``{low, high}``.

    Parameters
    ----------
    value
        What is written.
    where
        What the parameter is called in messages.

    Raises
    ------
    EquationError
        With one line, for anything else.

    Examples
    --------
    >>> read_parameter({"mean": 5, "std": 1}, "parameters.tau")
    Distribution(kind='normal', first=5.0, second=1.0)
    """
    if is_float32(value):
        return float(value)
    distribution = _read_distribution(value)
    if distribution is None:
        got = format_value(value)
        allowed = "a number, {mean: .., std: .. >= 0} or {low: .., high: .. >= low}"
        raise EquationError(f"{where}: got {got}; allowed: {allowed}")
    return distribution


def is_float32(value: Any) -> bool:
    """Tell whether a value, NumPy's too, is a number that fits float32."""
    number = value.item() if isinstance(value, np.generic) else value
    return is_number(number) and abs(number) <= MAX_NUMBER


def _read_distribution(value: Any) -> Distribution | None:
    """Return ``{mean, std}`` or ``{low, high}`` as a distribution, None for anything else."""
    if not isinstance(value, Mapping):
        return None
    if not all(is_float32(number) for number in value.values()):
        return None
    keys = set(value)
    if keys == {"mean", "std"}:
        mean, std = float(value["mean"]), float(value["std"])
        return Distribution("normal", mean, std) if std >= 0 else None
    if keys == {"low", "high"}:
        low, high = float(value["low"]), float(value["high"])
        return Distribution("uniform", low, high) if low <= high else None
    return None
