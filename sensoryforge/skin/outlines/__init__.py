"""Outlines of the skin, a file each."""

from __future__ import annotations

from sensoryforge.skin.outlines.base import Outline
from sensoryforge.skin.outlines.fingertip import Fingertip
from sensoryforge.skin.outlines.rectangle import Rectangle
from sensoryforge.skin.outlines.regions import Regions

__all__ = ["Fingertip", "Outline", "Rectangle", "Regions"]
