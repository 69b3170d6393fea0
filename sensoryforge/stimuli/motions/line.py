"""Along a straight line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.core.numerics import cos_turns, divide, sin_turns
from sensoryforge.core.types import Floats
from sensoryforge.stimuli.motions.motion import Motion
from sensoryforge.stimuli.ranges import ANGLE, INSTANT, PLACE, SPEED, Allowed


class Line(Motion):
    """Along a straight line at a steady speed.

    Parameters
    ----------
    columns
        ``speed_mm_s``, ``direction`` (degrees from the x axis), ``start_mm`` (where it starts,
        along the direction; at zero where it rests), ``onset_ms`` (when it starts to move), each
        ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"speed_mm_s": 20.0, "direction": 90.0, "start_mm": -2.0, "onset_ms": 0.0}
    >>> line = Line({name: np.array([value]) for name, value in values.items()})
    >>> x, y = line.place(line.distance(np.array([0.0, 100.0])))
    >>> x.tolist(), y.tolist()
    ([[0.0, -0.0]], [[-2.0, 0.0]])
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "speed_mm_s": SPEED,
        "direction": ANGLE,
        "start_mm": PLACE,
        "onset_ms": INSTANT,
    }

    def place(self, distance_mm: Floats) -> tuple[Floats, Floats]:
        """Return where the shape is."""
        turns = divide(self["direction"], 360.0)
        along = self["start_mm"] + distance_mm
        return along * cos_turns(turns), along * sin_turns(turns)
