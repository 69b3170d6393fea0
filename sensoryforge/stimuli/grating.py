"""A raised-cosine grating over the whole sheet, on from the first sample to the last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.numerics import cos_turns, divided, sin_turns
from sensoryforge.stimuli.base import DRIVE, LENGTH, Range, Stimulus, steady
from sensoryforge.types import Floats, Positions, Space, Time


class Grating(Stimulus):
    """Ridges ``amplitude (1 + cos(2 pi (x cos o + y sin o) / wavelength)) / 2``, a ridge through the centre."""

    tensors = True

    ranges: ClassVar[Mapping[str, Range]] = {
        "amplitude": DRIVE,
        "wavelength": LENGTH,
        "orientation": Range("degrees"),
    }

    def space(self, xy: Positions) -> Space:
        """Return the ridges."""
        turns = divided(self["orientation"], 360.0)
        across = xy[:, 0] * cos_turns(turns) + xy[:, 1] * sin_turns(turns)
        ridges = cos_turns(across / self["wavelength"])
        ridges += 1.0
        ridges *= 0.5 * self["amplitude"]
        return ridges[:, None, :]

    def time(self, t_ms: Floats, duration_ms: float) -> Time:
        """Return ones."""
        return steady(self, t_ms)
