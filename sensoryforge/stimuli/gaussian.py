"""A Gaussian indentation: ``amplitude exp(-r^2 / 2 sigma^2)``, on from the first sample to the last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.stimuli.base import DRIVE, LENGTH, PLACE, Range, Stimulus, footprint, steady
from sensoryforge.types import Floats, Positions, Space, Time


class Gaussian(Stimulus):
    """A static Gaussian indentation."""

    tensors = True

    ranges: ClassVar[Mapping[str, Range]] = {
        "amplitude": DRIVE,
        "sigma": LENGTH,
        "center_x": PLACE,
        "center_y": PLACE,
    }

    def space(self, xy: Positions) -> Space:
        """Return the footprint, as high as the amplitude."""
        return footprint(self, xy, self["amplitude"])

    def time(self, t_ms: Floats, duration_ms: float) -> Time:
        """Return ones."""
        return steady(self, t_ms)
