"""A ramp: a Gaussian footprint loaded linearly from ``initial`` to ``final`` over the whole duration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.numerics import divided
from sensoryforge.stimuli.base import DRIVE, LENGTH, PLACE, Range, Stimulus, footprint
from sensoryforge.types import Floats, Positions, Space, Time


class Ramp(Stimulus):
    """A Gaussian indentation whose height is ``initial + (final - initial) t / duration``."""

    tensors = True

    ranges: ClassVar[Mapping[str, Range]] = {
        "initial": DRIVE,
        "final": DRIVE,
        "sigma": LENGTH,
        "center_x": PLACE,
        "center_y": PLACE,
    }

    def space(self, xy: Positions) -> Space:
        """Return the footprint, of height one."""
        return footprint(self, xy)

    def time(self, t_ms: Floats, duration_ms: float) -> Time:
        """Return the height over time."""
        height = self["initial"] + (self["final"] - self["initial"]) * divided(t_ms, duration_ms)
        return height[:, None, :]
