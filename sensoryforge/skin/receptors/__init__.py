"""Arrangements of receptors, a file each."""

from __future__ import annotations

from sensoryforge.skin.receptors.arrangements import ARRANGEMENTS, receptors_of
from sensoryforge.skin.receptors.base import Receptors
from sensoryforge.skin.receptors.blue_noise import BlueNoise
from sensoryforge.skin.receptors.grid import MAX_SIDE, Grid
from sensoryforge.skin.receptors.hex import Hex
from sensoryforge.skin.receptors.jittered import MOST_JITTER, Jittered
from sensoryforge.skin.receptors.random import Random

__all__ = [
    "ARRANGEMENTS",
    "MAX_SIDE",
    "MOST_JITTER",
    "BlueNoise",
    "Grid",
    "Hex",
    "Jittered",
    "Random",
    "Receptors",
    "receptors_of",
]
