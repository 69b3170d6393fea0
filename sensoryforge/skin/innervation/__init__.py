"""Which receptors each afferent pools, a file a kind."""

from __future__ import annotations

from sensoryforge.skin.innervation.base import Innervation, ReceptiveFields
from sensoryforge.skin.innervation.gaussian import Gaussian

__all__ = ["Gaussian", "Innervation", "ReceptiveFields"]
