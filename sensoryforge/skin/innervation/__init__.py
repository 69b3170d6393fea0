"""Which receptors each afferent pools, a file a kind."""

from __future__ import annotations

from sensoryforge.skin.innervation.base import Innervation, ReceptiveFields
from sensoryforge.skin.innervation.decay import Decay
from sensoryforge.skin.innervation.elastic import Elastic
from sensoryforge.skin.innervation.gaussian import Gaussian
from sensoryforge.skin.innervation.nearest import Nearest
from sensoryforge.skin.innervation.one_to_one import OneToOne
from sensoryforge.skin.innervation.table import LinkTable
from sensoryforge.skin.innervation.uniform import Uniform

__all__ = [
    "Decay",
    "Elastic",
    "Gaussian",
    "Innervation",
    "LinkTable",
    "Nearest",
    "OneToOne",
    "ReceptiveFields",
    "Uniform",
]
