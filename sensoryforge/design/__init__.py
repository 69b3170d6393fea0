"""Which stimuli, in which order: families, ids, seeds, and the experiment that holds them."""

from __future__ import annotations

from sensoryforge.design.design import Design
from sensoryforge.design.experiment import BatchSpec, Experiment, PopulationSpec
from sensoryforge.design.family import Family, Span

__all__ = ["BatchSpec", "Design", "Experiment", "Family", "PopulationSpec", "Span"]
