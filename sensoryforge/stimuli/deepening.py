"""Shapes of which more touches the deeper they are pressed in, brought to life."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sensoryforge.core.numerics import divide, namespace, root
from sensoryforge.core.types import Floats, Positions
from sensoryforge.stimuli.blend import Blend, blend_along, blend_of_frames, counted
from sensoryforge.stimuli.blended import BlendedStimulus
from sensoryforge.stimuli.motions.motion import Motion
from sensoryforge.stimuli.profiles.profile import Profile
from sensoryforge.stimuli.shapes.shape import Shape

LEVELS = 32.0
"""Stills from the first touch to the whole amplitude."""
MOST_STILLS = 1000
"""Where a profile goes so far beyond one that it would need more, each sample is worked out."""


class DeepeningShape(BlendedStimulus):
    """A shape that is not in proportion to its profile, such as a ball.

    At rest it is worked out at depths whose roots are equally far apart, and between them a cubic
    is drawn: the contact of a round body grows with the root of its depth, so that its force is
    smooth there. Where it moves, each sample is worked out.

    Parameters
    ----------
    shapes, profiles
        What presses, and how far over time: one of a single condition for each condition.
    motions
        Where over time; None where it stays where it is.

    Examples
    --------
    >>> import numpy as np
    >>> from sensoryforge.stimuli import RampProfile, Sphere
    >>> values = {"amplitude": 0.5, "radius_mm": 2.0, "center_x": 0.0, "center_y": 0.0}
    >>> ball = Sphere({name: np.array([value]) for name, value in values.items()})
    >>> values = {"initial": 0.0, "final": 1.0, "onset_ms": 0.0, "ramp_ms": 10.0}
    >>> ramp = RampProfile({name: np.array([value]) for name, value in values.items()})
    >>> press = DeepeningShape([ball], [ramp], None)
    >>> places = np.array([[0.0, 0.0], [1.0, 0.0]])
    >>> press.frames(places, np.array([0.0, 5.0, 10.0]), duration_ms=10.0).round(3).tolist()
    [[[0.0, 0.0], [0.25, -0.001], [0.5, 0.232]]]
    """

    ranges: ClassVar = {}

    def __init__(
        self,
        shapes: Sequence[Shape],
        profiles: Sequence[Profile],
        motions: Sequence[Motion] | None,
    ) -> None:
        self.count = len(shapes)
        self._shapes = shapes
        self._profiles = profiles
        self._motions = motions

    def blend(self, condition: int, xy: Positions, t_ms: Floats, duration_ms: float) -> Blend:
        """Return the shape at some depths, and where between them each sample lies."""
        shape = self._shapes[condition]
        xp = namespace(xy)
        height = xp.clip(self._profiles[condition].height(t_ms, duration_ms)[0], 0.0, None)
        if self._motions is not None:
            motion = self._motions[condition]
            x, y = motion.place(motion.distance(t_ms))
            across = xy[:, 0] - x[0, :, None]
            along = xy[:, 1] - y[0, :, None]
            return blend_of_frames(shape.pressed_by(height).press(across, along))
        places = LEVELS * root(height)
        if float(places.max()) > MOST_STILLS:
            return blend_of_frames(shape.pressed_by(height).space(xy)[:, 0])
        count = int(places.max()) + 4
        # One before the first touch, as deep as the one after it: the cubic is level there.
        numbers = counted(count, like=xy) - 1
        levels = divide(xp.asarray(numbers, dtype=xp.float64), LEVELS)
        stills = shape.pressed_by(levels * levels).space(xy)[:, 0]
        numbers, weights = blend_along(places, first=-1, count=count)
        return Blend(stills, numbers, weights)
