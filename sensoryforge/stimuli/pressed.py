"""Shapes brought to life: pressed in by a profile, carried over the skin by a motion."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from sensoryforge.core.numerics import namespace
from sensoryforge.core.types import Floats, Positions, Space, Time
from sensoryforge.stimuli.base import Stimulus
from sensoryforge.stimuli.blend import Blend, blend_along, counted
from sensoryforge.stimuli.blended import BlendedStimulus
from sensoryforge.stimuli.motions.motion import Motion
from sensoryforge.stimuli.profiles.profile import Profile
from sensoryforge.stimuli.shapes.shape import Shape

BLOCK = 16_384
"""Places times receptors worked on at a time."""
MOST_STILLS = 1000
"""Where a path would need more, each sample has a still of its own."""
STILLS_OF_DETAIL = 4.0
"""Stills along the way for the size of a shape's finest detail."""


class PressedShape(Stimulus):
    """A shape that stays where it is: ``height(t) shape(x, y)``.

    Parameters
    ----------
    shape
        The shape, C conditions.
    profile
        How far it is pressed in over time.

    Examples
    --------
    >>> import numpy as np
    >>> from sensoryforge.stimuli import Gaussian, StepProfile
    >>> values = {"amplitude": 30.0, "sigma": 1.0, "center_x": 0.0, "center_y": 0.0}
    >>> shape = Gaussian({name: np.array([value]) for name, value in values.items()})
    >>> profile = StepProfile({"onset_ms": np.array([1.0]), "hold_ms": np.array([1.0])})
    >>> press = PressedShape(shape, profile)
    >>> press.frames(np.zeros((1, 2)), np.arange(3.0), duration_ms=3.0).tolist()
    [[[0.0], [30.0], [0.0]]]
    """

    ranges: ClassVar = {}

    def __init__(self, shape: Shape, profile: Profile) -> None:
        self.count = shape.count
        self._shape = shape
        self._profile = profile

    def space(self, xy: Positions) -> Space:
        """Return the shape."""
        return self._shape.space(xy)

    def time(self, t_ms: Floats, duration_ms: float) -> Time:
        """Return the profile."""
        height = self._profile.height(t_ms, duration_ms)
        return self._shape.time(t_ms, duration_ms) * height[:, None]


class MovingShape(BlendedStimulus):
    """A shape that moves: ``height(t) shape(x - x(t), y - y(t))``.

    A shape is worked out at places along its path that lie a quarter of its finest detail apart,
    and between them a cubic is drawn. The places are counted from the start of the path, so that
    they are the same at any speed. A shape with sharp rims is worked out at each sample.

    Parameters
    ----------
    shapes, profiles, motions
        What presses, how far over time, and where over time: one of a single condition for each
        condition.

    Examples
    --------
    >>> import numpy as np
    >>> from sensoryforge.stimuli import Gaussian, Hold, Line
    >>> values = {"amplitude": 30.0, "sigma": 1.0, "center_x": 0.0, "center_y": 0.0}
    >>> shape = Gaussian({name: np.array([value]) for name, value in values.items()})
    >>> values = {"speed_mm_s": 20.0, "direction": 0.0, "start_mm": 0.0, "onset_ms": 0.0}
    >>> motion = Line({name: np.array([value]) for name, value in values.items()})
    >>> scan = MovingShape([shape], [Hold({})], [motion])
    >>> scan.frames(np.zeros((1, 2)), np.array([0.0, 50.0]), 100.0).round(2).tolist()
    [[[30.0], [18.2]]]
    """

    ranges: ClassVar = {}

    def __init__(self, shapes: list[Shape], profiles: list[Profile], motions: list[Motion]) -> None:
        self.count = len(shapes)
        self._shapes = shapes
        self._profiles = profiles
        self._motions = motions

    def blend(self, condition: int, xy: Positions, t_ms: Floats, duration_ms: float) -> Blend:
        """Return the shape at places along its path, and where between them each sample lies."""
        shape, motion = self._shapes[condition], self._motions[condition]
        height = self._profiles[condition].height(t_ms, duration_ms)[0, :, None]
        distance = motion.distance(t_ms)[0]
        spacing = float(shape.detail_mm()[0, 0]) / STILLS_OF_DETAIL
        xp: Any = namespace(distance)
        whole_way = motion.distance(xp.full_like(t_ms[:1], duration_ms))
        if float(whole_way) > spacing * MOST_STILLS:
            stills = _stills(shape, motion, xy, distance)
            return Blend(stills, counted(len(t_ms), distance)[:, None], height)
        places = distance / spacing
        first = int(xp.floor(places.min())) - 1
        count = int(xp.floor(places.max())) + 3 - first
        numbers, weights = blend_along(places, first, count)
        stops: Any = spacing * (first + counted(count, distance))
        return Blend(_stills(shape, motion, xy, stops), numbers, weights * height)


def _stills(shape: Shape, motion: Motion, xy: Positions, distance: Floats) -> Floats:
    """Return the shape at places along its path, ``[J, R]``.

    A few places at a time, so that what is in work stays in the processor's cache.
    """
    x, y = motion.place(distance[None])
    xp: Any = namespace(x)
    if xp is not np:
        return shape.stills(xy, x[0], y[0])
    at_a_time = max(1, BLOCK // len(xy))
    stills = np.empty((len(distance), len(xy)))
    for start in range(0, len(distance), at_a_time):
        some = slice(start, start + at_a_time)
        stills[some] = shape.stills(xy, x[0, some], y[0, some])
    return stills
