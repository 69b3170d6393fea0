"""Afferents at random places that keep their distance."""

from __future__ import annotations

from dataclasses import dataclass

from sensoryforge.core.types import Positions
from sensoryforge.skin.blue_noise import scatter_evenly
from sensoryforge.skin.layouts.base import Layout
from sensoryforge.skin.receptors.base import Receptors


@dataclass(frozen=True)
class BlueNoise(Layout):
    """Afferents at random places, no two closer than 0.72 of their mean pitch: a Poisson disc.

    References
    ----------
    Cook 1986, doi:10.1145/7529.8927.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> BlueNoise().place(Grid(4, 4, 1.0), count=7, seed=7).shape
    (7, 2)
    """

    can_refuse = False

    def place(self, receptors: Receptors, count: int, seed: int) -> Positions:
        """Return where the afferents lie, ``[count, 2]`` in mm."""
        width, height = receptors.width_mm, receptors.height_mm
        points = scatter_evenly(width, height, count, seed)
        return receptors.from_middle(points[:, 0] / width - 0.5, points[:, 1] / height - 0.5)
