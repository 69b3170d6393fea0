"""Conduction delays: how long a spike travels from the skin to where it is recorded.

A delay is a time, or the time that a distance takes at a velocity. Each may be a number or a
distribution over the neurons:

    delay_ms: 5.0
    delay_ms: {mean: 6.0, std: 0.5}
    delay_ms: {distance_mm: 300.0, velocity_m_s: {low: 35.0, high: 70.0}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sensoryforge.core.errors import EquationError
from sensoryforge.core.types import Floats, Ints
from sensoryforge.equations.parameters import (
    Distribution,
    Parameter,
    PerNeuron,
    read_parameter,
)

SLOWEST = 0.1
"""A velocity that is drawn is this part of the mean at least."""
LATEST = 2.0**30
"""The most samples that a spike is late: more than any run has, and a whole number for sure."""


@dataclass(frozen=True)
class Delay:
    """How long the spikes of a population travel.

    Parameters
    ----------
    distance_mm
        How far they travel, in mm.
    velocity_m_s
        How fast, in m/s, which are mm/ms. A plain time in ms is the distance in mm that is covered
        in it at 1 m/s.

    Examples
    --------
    >>> Delay(distance_mm=300.0, velocity_m_s=50.0).draw(3, seed=0, population="sa")
    array([6., 6., 6.])
    """

    distance_mm: Parameter
    velocity_m_s: Parameter = 1.0

    @property
    def mean_ms(self) -> float:
        """The delay of a neuron with the mean distance and the mean velocity, in ms."""
        return _mean(self.distance_mm) / _mean(self.velocity_m_s)

    @property
    def is_zero(self) -> bool:
        """Whether no spike is late."""
        return self.distance_mm == 0

    def draw(self, count: int, seed: int, population: str) -> Floats:
        """Return the delay of each neuron in ms, [count].

        None is below zero: what a normal distribution would draw there is zero, and a velocity is
        a tenth of its mean at least.

        Parameters
        ----------
        count
            How many neurons.
        seed
            The seed of the experiment.
        population
            The name of the population: others have others.
        """
        distance = _draw(self.distance_mm, count, seed, population, "distance")
        velocity = _draw(self.velocity_m_s, count, seed, population, "velocity")
        slowest = SLOWEST * _mean(self.velocity_m_s)
        return np.maximum(distance, 0.0) / np.maximum(velocity, slowest)

    def draw_samples(self, count: int, seed: int, population: str, dt_ms: float) -> Ints:
        """Return the delay of each neuron to the nearest sample of ``dt_ms``, [count].

        Examples
        --------
        >>> Delay(1.3).draw_samples(2, seed=0, population="sa", dt_ms=0.5).tolist()
        [3, 3]
        """
        late = self.draw(count, seed, population) / dt_ms
        return np.rint(np.minimum(late, LATEST)).astype(np.int64)


def read_delay(value: Any) -> Delay | None:
    """Return a delay as it is written; None where it cannot be one.

    Parameters
    ----------
    value
        A number in ms, a distribution, or a mapping with ``distance_mm`` and ``velocity_m_s``.

    Examples
    --------
    >>> read_delay({"distance_mm": 300, "velocity_m_s": 50})
    Delay(distance_mm=300.0, velocity_m_s=50.0)
    >>> read_delay(-1) is None
    True
    """
    if isinstance(value, Mapping) and set(value) == {"distance_mm", "velocity_m_s"}:
        distance = _read(value["distance_mm"])
        velocity = _read(value["velocity_m_s"])
        if distance is None or velocity is None or _least(velocity) <= 0:
            return None
        return Delay(distance, velocity) if _least(distance) >= 0 else None
    time = _read(value)
    return Delay(time) if time is not None and _least(time) >= 0 else None


def _read(value: Any) -> Parameter | None:
    try:
        return read_parameter(value, "")
    except EquationError:
        return None


def _least(value: Parameter) -> float:
    """Return what must not be negative: a number, a lower bound, the mean of a normal one."""
    if isinstance(value, PerNeuron):
        return min(value.values)
    return value.first if isinstance(value, Distribution) else value


def _mean(value: Parameter) -> float:
    if isinstance(value, PerNeuron):
        return sum(value.values) / len(value.values)
    if not isinstance(value, Distribution):
        return value
    if value.kind == "uniform":
        return (value.first + value.second) / 2
    return value.first


def _draw(value: Parameter, count: int, seed: int, *names: str) -> Floats:
    if isinstance(value, Distribution | PerNeuron):
        return value.draw(count, seed, *names, "delay")
    return np.full(count, value)
