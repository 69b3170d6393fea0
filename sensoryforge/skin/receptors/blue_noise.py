"""Receptors at random places that keep their distance."""

from __future__ import annotations

from dataclasses import dataclass

from sensoryforge.core.types import Positions
from sensoryforge.skin.blue_noise import scatter_evenly
from sensoryforge.skin.receptors.scattered import Scattered


@dataclass(frozen=True)
class BlueNoise(Scattered):
    """Receptors at random places, no two closer than 0.72 of their mean pitch: a Poisson disc.

    References
    ----------
    Cook 1986, doi:10.1145/7529.8927.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> BlueNoise(Grid(8, 8, 0.15), seed=1).xy().shape
    (64, 2)
    """

    def place(self) -> Positions:
        """Return where receptors lie, ``[R, 2]`` in mm from the lower left corner of the skin."""
        return scatter_evenly(self.width_mm, self.height_mm, self.count, self.seed)
