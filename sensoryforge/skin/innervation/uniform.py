"""Every receptor within a radius counts the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Positions
from sensoryforge.core.values import is_finite
from sensoryforge.skin.innervation.base import Innervation, ReceptiveFields
from sensoryforge.skin.innervation.links import links_within
from sensoryforge.skin.neighbours import Cloud
from sensoryforge.skin.receptors.base import Receptors


@dataclass(frozen=True)
class Uniform(Innervation):
    """All receptors within a radius, each with the same weight.

    A neuron with no receptor so near pools the nearest one. The seed is not used.

    Parameters
    ----------
    radius_mm
        How far a receptor may lie, above zero.

    Raises
    ------
    ConfigError
        Where the radius is not allowed.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> fields = Uniform(radius_mm=0.6).draw(Grid(1, 5, 0.5), np.zeros((1, 2)), seed=0)
    >>> fields.indices.tolist(), fields.weights.round(3).tolist()
    ([[1, 2, 3]], [[0.333, 0.333, 0.333]])
    """

    can_refuse = False

    radius_mm: float

    def __post_init__(self) -> None:
        if not (is_finite(self.radius_mm) and self.radius_mm > 0):
            raise ConfigError(f"radius_mm: got {self.radius_mm!r}, allowed is a number > 0 (mm)")

    def draw(self, receptors: Receptors, centres: Positions, seed: int) -> ReceptiveFields:
        """Return the receptive fields of afferents at ``centres`` ``[N, 2]`` in mm."""
        links = links_within(Cloud(receptors.xy()), centres, self.radius_mm)
        return links.with_values(np.ones(len(links.neuron))).normalised().as_fields(len(centres))
