"""Receptors anywhere on the skin."""

from __future__ import annotations

from dataclasses import dataclass

from sensoryforge.core.numerics import uniforms
from sensoryforge.core.types import Positions
from sensoryforge.skin.receptors.scattered import Scattered


@dataclass(frozen=True)
class Random(Scattered):
    """Receptors at independent places, uniform over the skin.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> Random(Grid(8, 8, 0.15), seed=1).xy().shape
    (64, 2)
    """

    def place(self) -> Positions:
        """Return where receptors lie, ``[R, 2]`` in mm from the lower left corner of the skin."""
        pairs = uniforms(self.seed, "receptors", size=2 * self.count).reshape(-1, 2)
        return pairs * (self.width_mm, self.height_mm)
