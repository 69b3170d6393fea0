"""Round a circle."""

from __future__ import annotations

from collections.abc import Mapping
from math import pi
from typing import ClassVar

from sensoryforge.core.numerics import cos_turns, divide, sin_turns
from sensoryforge.core.types import Floats
from sensoryforge.stimuli.motions.motion import Motion
from sensoryforge.stimuli.ranges import ANGLE, INSTANT, LENGTH, SPEED, Allowed


class Circle(Motion):
    """Counter-clockwise round a circle whose centre is where the shape rests; it does not turn.

    Parameters
    ----------
    columns
        ``radius_mm``, ``speed_mm_s``, ``direction`` (degrees from the x axis; in which direction
        from the centre it starts), ``onset_ms`` (when it starts to move), each ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"radius_mm": 1.0, "speed_mm_s": 20.0, "direction": 0.0, "onset_ms": 0.0}
    >>> circle = Circle({name: np.array([value]) for name, value in values.items()})
    >>> x, y = circle.place(np.array([[0.0, 0.5 * np.pi]]))
    >>> x.round(9).tolist(), y.round(9).tolist()
    ([[1.0, -0.0]], [[0.0, 1.0]])
    """

    tensors = True
    leads = ("radius_mm",)

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "radius_mm": LENGTH,
        "speed_mm_s": SPEED,
        "direction": ANGLE,
        "onset_ms": INSTANT,
    }

    def place(self, distance_mm: Floats) -> tuple[Floats, Floats]:
        """Return where the shape is."""
        turns = distance_mm / (self["radius_mm"] * (2.0 * pi)) + divide(self["direction"], 360.0)
        return self["radius_mm"] * cos_turns(turns), self["radius_mm"] * sin_turns(turns)
