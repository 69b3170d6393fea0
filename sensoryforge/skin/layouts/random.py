"""Afferents anywhere on the skin."""

from __future__ import annotations

from dataclasses import dataclass

from sensoryforge.core.numerics import uniforms
from sensoryforge.core.types import Positions
from sensoryforge.skin.layouts.base import Layout
from sensoryforge.skin.receptors.base import Receptors


@dataclass(frozen=True)
class Random(Layout):
    """Afferents at independent places, uniform over the skin; a larger count keeps the first ones.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> Random().place(Grid(4, 4, 1.0), count=2, seed=7).shape
    (2, 2)
    """

    can_refuse = False

    def place(self, receptors: Receptors, count: int, seed: int) -> Positions:
        """Return where the afferents lie, ``[count, 2]`` in mm."""
        pairs = uniforms(seed, "layout", size=2 * count).reshape(count, 2)
        x = pairs[:, 0] - 0.5
        y = pairs[:, 1] - 0.5
        return receptors.from_middle(x, y)
