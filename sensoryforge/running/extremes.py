"""Equations at the ends of the axes of neurons, for what is looked at before a run."""

from __future__ import annotations

from collections.abc import Iterator

from sensoryforge.design.experiment import Experiment
from sensoryforge.equations.block import Block


def extremes(experiment: Experiment, population: str, block: Block) -> Iterator[tuple[str, Block]]:
    """Yield a block as it is, and with the least and the largest value of each of its axes."""
    yield "", block
    for number in block.parameters:
        values = experiment.values_of_axes(population, f"{block.kind}.{number}")
        for value in {min(values): None, max(values): None} if values else ():
            yield f" (where {number} is {value:g})", block.with_parameters(**{number: value})
