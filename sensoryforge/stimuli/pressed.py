"""Shapes brought to life: pressed in by a profile, carried over the skin by a motion."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from sensoryforge.core.numerics import divide, namespace
from sensoryforge.core.types import Floats, Ints, Positions, Space, Time
from sensoryforge.stimuli.base import Stimulus
from sensoryforge.stimuli.blend import Blend, blend_along, counted
from sensoryforge.stimuli.blended import BlendedStimulus
from sensoryforge.stimuli.motions.motion import Motion
from sensoryforge.stimuli.profiles.profile import Profile
from sensoryforge.stimuli.shapes.shape import Shape

BLOCK = 65_536
"""Places times receptors worked on at a time."""
STILLS_OF_REACH = 12
"""Places worked on at a time of a shape that reaches only some receptors."""
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
    they are the same at any speed. Beside a rim, and where a path turns a corner, the cubic goes
    up to 2 % of the amplitude over or under the shape. A shape with sharp rims, whose detail is
    zero, is worked out at each sample.

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
        height = height * _course(shape, t_ms, duration_ms)[:, None]
        distance = motion.distance(t_ms)[0]
        x, y = _place(motion, distance)
        moved = shape.moved(xy, x, y)
        if moved is not None:
            return Blend(moved.stills, moved.numbers, moved.weights * height, moved.mixes)
        spacing = float(shape.detail_mm()[0, 0]) / STILLS_OF_DETAIL
        way_mm = _longest_way(motion, distance, duration_ms)
        if spacing <= 0.0 or way_mm > spacing * MOST_STILLS:
            return Blend(_stills(shape, xy, x, y), counted(len(t_ms), distance)[:, None], height)
        path = _StopsAlong(distance, spacing)
        stills, numbers = _stills_along(shape, motion, path, xy)
        return Blend(stills, numbers, path.weights * height)


class _StopsAlong:
    """The places along a path at which a shape is worked out, and those around each sample."""

    def __init__(self, distance_mm: Floats, spacing_mm: float) -> None:
        xp: Any = namespace(distance_mm)
        places = divide(distance_mm, spacing_mm)
        # A cubic takes one stop before and two after the place of a sample.
        first = int(xp.floor(places.min())) - 1
        self.count = int(xp.floor(places.max())) + 3 - first
        self.numbers, self.weights = blend_along(places, first, self.count)
        # Whole numbers of torch would become single precision when multiplied.
        stops = xp.asarray(first + counted(self.count, distance_mm), dtype=xp.float64)
        self.distance_mm: Floats = stops * spacing_mm


def _stills_along(
    shape: Shape, motion: Motion, path: _StopsAlong, xy: Positions
) -> tuple[Floats, Ints]:
    """Return the shape at the stops of a path, and which of these stills each sample takes.

    One still of zeros stands for all stops from which the shape touches no receptor.
    """
    x, y = _place(motion, path.distance_mm)
    touching = _touching(shape, xy, x, y)
    if touching is None:
        return _stills(shape, xy, x, y), path.numbers
    stills = np.zeros((1 + len(touching), len(xy)))
    _draw_stills(stills[1:], shape, xy, x[touching], y[touching])
    number_of_stop = np.zeros(path.count, dtype=np.int64)
    number_of_stop[touching] = 1 + np.arange(len(touching))
    return stills, number_of_stop[path.numbers]


def _place(motion: Motion, distance_mm: Floats) -> tuple[Floats, Floats]:
    """Return where a single condition is at some distances along its path, ``[J]`` each."""
    x, y = motion.place(distance_mm[None])
    return x[0], y[0]


def _longest_way(motion: Motion, distance_mm: Floats, duration_ms: float) -> float:
    """Return how long the stretch of the path is from where it rests to the end of its time."""
    at_end = motion.distance(namespace(distance_mm).full_like(distance_mm[:1], duration_ms))
    farthest = max(float(at_end.max()), float(distance_mm.max()))
    return farthest - min(0.0, float(distance_mm.min()))


def _course(shape: Shape, t_ms: Floats, duration_ms: float) -> Floats:
    """Return the course in time that a shape has of itself, ``[T]``; ones for all but users'."""
    course = shape.time(t_ms, duration_ms)[0]
    if len(course) != 1:
        raise ValueError(f"time returned {len(course)} terms, a shape that moves has one")
    own: Floats = course[0]
    return own


def _touching(shape: Shape, xy: Positions, x: Floats, y: Floats) -> Ints | None:
    """Return from which places a shape reaches some receptor; None where it may from all."""
    reach = shape.reach_mm()
    if namespace(x) is not np or reach is None:
        return None
    center_x, center_y = x + shape["center_x"][0], y + shape["center_y"][0]
    left, bottom = xy.min(axis=0) - reach[0]
    right, top = xy.max(axis=0) + reach[0]
    is_near = (center_x >= left) & (center_x <= right) & (center_y >= bottom) & (center_y <= top)
    return None if is_near.all() else np.flatnonzero(is_near)


def _stills(shape: Shape, xy: Positions, x: Floats, y: Floats) -> Floats:
    """Return the shape at some places, ``[J, R]``."""
    if namespace(x) is not np:
        return shape.stills(xy, x, y)
    stills = np.zeros((len(x), len(xy)))
    _draw_stills(stills, shape, xy, x, y)
    return stills


def _draw_stills(stills: Floats, shape: Shape, xy: Positions, x: Floats, y: Floats) -> None:
    """Draw the shape at some places onto zeros, ``[J, R]``.

    A few places at a time, so that what is in work stays in the processor's cache, and only at
    receptors that the shape can reach from there.
    """
    reach = shape.reach_mm()
    at_a_time = max(1, BLOCK // len(xy)) if reach is None else STILLS_OF_REACH
    for start in range(0, len(x), at_a_time):
        some = slice(start, start + at_a_time)
        if reach is None:
            stills[some] = shape.stills(xy, x[some], y[some])
            continue
        near = _within_reach(shape, reach, xy, x[some], y[some])
        if len(near):
            stills[some, near] = shape.stills(xy[near], x[some], y[some])


def _within_reach(shape: Shape, reach: Floats, xy: Positions, x: Floats, y: Floats) -> Ints:
    """Return the numbers of the receptors that a shape can reach from any of some places."""
    along_x, along_y = reach[0, 0], reach[0, -1]
    left = x.min() + shape["center_x"] - along_x
    right = x.max() + shape["center_x"] + along_x
    bottom = y.min() + shape["center_y"] - along_y
    top = y.max() + shape["center_y"] + along_y
    across, along = xy[:, 0], xy[:, 1]
    is_near = (across >= left) & (across <= right) & (along >= bottom) & (along <= top)
    return np.flatnonzero(is_near)
