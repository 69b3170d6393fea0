"""Arrangements of receptors, a file each."""

from __future__ import annotations

from sensoryforge.skin.receptors.base import Receptors
from sensoryforge.skin.receptors.grid import MAX_SIDE, Grid

__all__ = ["MAX_SIDE", "Grid", "Receptors"]
