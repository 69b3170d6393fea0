"""Cut-offs of filters that are too high for the steps in which equations are integrated.

A filter in steps of dt knows no frequency from half their rate on: where a cut-off is to lie there,
it becomes another filter, whose output may even grow without bound.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sensoryforge.design.experiment import Experiment, PopulationSpec
from sensoryforge.running.extremes import extremes

HZ = "_hz"
"""How the names of frequencies end."""


def cutoff_lines(experiment: Experiment) -> list[str]:
    """Return a line for each frequency of a filter that its steps are too coarse for.

    Frequencies are the parameters of filters whose name ends in ``_hz``.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> cutoff_lines(check(sf.compose()))
    []
    """
    lines: list[str] = []
    for name, population in experiment.populations.items():
        if experiment.steps_exactly(population):
            continue  # as if in steps without end
        lines += _lines_of(experiment, name, population)
    return lines


def _lines_of(experiment: Experiment, name: str, population: PopulationSpec) -> Iterator[str]:
    block = population.filter
    step_ms = experiment.dt_ms / experiment.substeps_of(population)
    limit_hz = 500.0 / step_ms
    for parameter, highest_hz in _frequencies(experiment, name, population).items():
        if highest_hz < limit_hz:
            continue
        got = f"neurons.populations.{name}.filter.{parameter}: got {highest_hz:g}"
        limit = f"not below {limit_hz:g} Hz, half the rate of steps of {step_ms:g} ms"
        advice = "lower it"
        if block.step_ms is None:
            needed = int(experiment.dt_ms * highest_hz / 500.0) + 1
            advice += f", or set pipeline.substeps={needed}"
        yield f"{got}, {limit}: the filter becomes another one; {advice}"


def _frequencies(experiment: Experiment, name: str, population: PopulationSpec) -> dict[str, float]:
    """Return each frequency of a filter, the highest of its neurons and of its axes."""
    highest: dict[str, float] = {}
    for _, block in extremes(experiment, name, population.filter):
        drawn = block.draw(population.count, experiment.seed, name, block.kind)
        for parameter, value in drawn.items():
            if parameter.endswith(HZ):
                highest[parameter] = max(float(np.max(value)), highest.get(parameter, 0.0))
    return highest
