"""Weights that fall off with distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names, suggest
from sensoryforge.core.numerics import exp
from sensoryforge.core.types import Floats, Positions
from sensoryforge.core.values import is_finite
from sensoryforge.skin.innervation.base import Innervation, ReceptiveFields
from sensoryforge.skin.innervation.links import links_within
from sensoryforge.skin.neighbours import Cloud
from sensoryforge.skin.receptors.base import Receptors

FALLOFFS = ("exponential", "linear", "inverse_square")
"""How weights may fall off."""


@dataclass(frozen=True)
class Decay(Innervation):
    """All receptors within a reach, weighted by how far they lie.

    With the distance ``d``, a weight is in proportion to ``exp(-d / length)`` (exponential),
    ``1 - d / reach`` (linear) or ``1 / (1 + (d / length)^2)`` (inverse_square), which is the
    inverse square of the distance with a finite value at the neuron itself. A neuron with no
    receptor within reach pools the nearest one. The seed is not used.

    Parameters
    ----------
    falloff
        ``exponential``, ``linear`` or ``inverse_square``.
    length_mm
        Distance over which weights fall off, above zero; a linear one falls off over its reach.
    reach_mm
        How far a receptor may lie, above zero.

    Raises
    ------
    ConfigError
        Where a parameter is not allowed; all are named at once.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> decay = Decay(falloff="linear", length_mm=0.3, reach_mm=1.0)
    >>> decay.draw(Grid(1, 3, 0.5), np.zeros((1, 2)), seed=0).weights.tolist()
    [[0.25, 0.5, 0.25]]
    """

    can_refuse = False

    falloff: str
    length_mm: float
    reach_mm: float

    def __post_init__(self) -> None:
        problems = []
        if self.falloff not in FALLOFFS:
            hint = suggest(self.falloff, FALLOFFS) if isinstance(self.falloff, str) else ""
            allowed = f"allowed are {list_names(FALLOFFS)}"
            problems.append(f"falloff: got {self.falloff!r}, {allowed}{hint}")
        for name in ("length_mm", "reach_mm"):
            value = getattr(self, name)
            if not (is_finite(value) and value > 0):
                problems.append(f"{name}: got {value!r}, allowed is a number > 0 (mm)")
        if problems:
            raise ConfigError(problems)

    def draw(self, receptors: Receptors, centres: Positions, seed: int) -> ReceptiveFields:
        """Return the receptive fields of afferents at ``centres`` ``[N, 2]`` in mm."""
        cloud = Cloud(receptors.xy())
        links = links_within(cloud, centres, self.reach_mm).sorted()
        distance = np.sqrt(links.value)
        # The nearest one counts most, however far that is, so that something is always felt.
        first = np.searchsorted(links.neuron, np.arange(len(centres)))
        nearest = np.minimum.reduceat(distance, first)
        weights = self._weights(distance, nearest[links.neuron])
        weighted = links.with_values(weights).without_zeros().normalised()
        return weighted.without_zeros().as_fields(len(centres))

    def _weights(self, distance: Floats, nearest: Floats) -> Floats:
        """Return what receptors count, up to a factor that is the same for all of a neuron."""
        if self.falloff == "exponential":
            return exp((nearest - distance) / self.length_mm)
        if self.falloff == "linear":
            left = np.maximum(self.reach_mm - distance, 0.0)
            # One at the very end of the reach, or beyond it, counts only where there is no other.
            is_all = (nearest >= self.reach_mm) & (distance == nearest)
            return np.where(is_all, 1.0, left)
        lengths = np.minimum(distance / self.length_mm, 1e150)
        weights: Floats = 1.0 / (1.0 + lengths * lengths)
        return weights
