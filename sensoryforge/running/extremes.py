"""Equations at the ends of the axes of neurons, for what is looked at before a run."""

from __future__ import annotations

from collections.abc import Iterator

from sensoryforge.design.experiment import Experiment
from sensoryforge.equations.block import Block


def extremes(experiment: Experiment, population: str, block: Block) -> Iterator[tuple[str, Block]]:
    """Yield a block as it is, and with the least and the largest value of each of its axes."""
    yield "", block
    for axis in experiment.neuron_axes:
        kind, _, number = axis.path.partition(".")
        if axis.population != population or kind != block.kind:
            continue
        values = [float(v) for family in experiment.design.families for v in family.axes[axis.name]]
        for value in (min(values), max(values)):
            yield f" (where {axis.name} is {value:g})", block.with_parameters(**{number: value})
