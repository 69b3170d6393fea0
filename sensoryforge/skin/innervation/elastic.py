"""Afferents at a depth in a skin that deforms, which pool no receptors."""

from __future__ import annotations

from dataclasses import dataclass

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Positions
from sensoryforge.core.values import is_finite
from sensoryforge.skin.innervation.base import Innervation, ReceptiveFields
from sensoryforge.skin.receptors.base import Receptors


@dataclass(frozen=True)
class Elastic(Innervation):
    """Afferents that feel stress and its changes at their depth.

    Their receptive fields come of the mechanics of the skin (`sensoryforge.skin.mechanics`), which
    ``pipeline.skin`` has to choose.

    Parameters
    ----------
    depth_mm
        How deep the afferents lie, above zero.

    Raises
    ------
    ConfigError
        For a depth that is not allowed; when drawing, since there is nothing to draw.

    Examples
    --------
    >>> Elastic(depth_mm=0.3).pools_receptors
    False
    """

    pools_receptors = False
    can_refuse = False

    depth_mm: float

    def __post_init__(self) -> None:
        if not (is_finite(self.depth_mm) and self.depth_mm > 0):
            allowed = "allowed is a number > 0 (mm)"
            raise ConfigError(f"depth_mm: got {self.depth_mm!r}, {allowed}")

    def draw(self, receptors: Receptors, centres: Positions, seed: int) -> ReceptiveFields:
        """Raise ConfigError: no receptors are pooled."""
        raise ConfigError("elastic pools no receptors, what is felt comes of pipeline.skin")
