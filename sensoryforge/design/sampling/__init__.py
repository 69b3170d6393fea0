"""Designs beyond the grid: what parameters are drawn from, how, and on which conditions."""

from __future__ import annotations

from sensoryforge.design.sampling.condition import Condition
from sensoryforge.design.sampling.draw import GRID, PAIRED, SAMPLINGS, Drawn, Plan, draw
from sensoryforge.design.sampling.points import GROWING, LATIN_HYPERCUBE, METHODS, RANDOM, SOBOL
from sensoryforge.design.sampling.sobol import MOST_DIMENSIONS
from sensoryforge.design.sampling.spread import Choices, Normal, Spread, Uniform

__all__ = [
    "GRID",
    "GROWING",
    "LATIN_HYPERCUBE",
    "METHODS",
    "MOST_DIMENSIONS",
    "PAIRED",
    "RANDOM",
    "SAMPLINGS",
    "SOBOL",
    "Choices",
    "Condition",
    "Drawn",
    "Normal",
    "Plan",
    "Spread",
    "Uniform",
    "draw",
]
