"""Motions: how a shape moves over the skin, a file a kind."""

from __future__ import annotations

from sensoryforge.stimuli.motions.circle import Circle
from sensoryforge.stimuli.motions.line import Line
from sensoryforge.stimuli.motions.motion import Motion
from sensoryforge.stimuli.motions.path import Path

__all__ = ["Circle", "Line", "Motion", "Path"]
