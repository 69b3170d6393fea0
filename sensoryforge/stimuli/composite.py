"""Composites: several stimuli at once, or one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sensoryforge.core.numerics import namespace
from sensoryforge.core.types import Columns, Floats, Ints, Positions, Space, Time
from sensoryforge.stimuli.base import TIME_TOLERANCE_MS, Stimulus
from sensoryforge.stimuli.blend import Blend, add_blends, blend_of_frames
from sensoryforge.stimuli.blended import BlendedStimulus, blend_of
from sensoryforge.stimuli.ranges import Allowed, Choice

COMBINE = Choice(("add", "larger"))
"""How parts meet: their pressures are added, or the larger one is felt."""


class Composite(Stimulus):
    """Marks a configuration as one of several parts; `Recipe` makes it of them.

    Parameters of a part carry its name: ``left_amplitude``. ``combine`` says how parts meet.
    """

    ranges: ClassVar[Mapping[str, Allowed]] = {"combine": COMBINE}


@dataclass(frozen=True)
class Part:
    """A part of a composite: what it is made of, its parameters, and when each condition starts.

    Attributes
    ----------
    recipe
        Makes stimuli of columns.
    columns
        Its own parameters, ``[C]`` each.
    onset_ms
        When it starts, ``[C]`` in ms.
    """

    recipe: Callable[[Columns], Stimulus]
    columns: Columns
    onset_ms: Floats

    def of(self, conditions: Ints) -> Stimulus:
        """Return the stimulus of some conditions."""
        return self.recipe({name: values[conditions] for name, values in self.columns.items()})

    def space(self, xy: Positions) -> Space:
        """Return its factors in space."""
        return self.recipe(self.columns).space(xy)

    def time(self, t_ms: Floats, duration_ms: float) -> Time:
        """Return its factors in time: zero until it starts, then as if its time began there."""
        xp: Any = namespace(t_ms)
        onsets = np.asarray(self.onset_ms.tolist())
        time: Any = None
        for onset in np.unique(onsets).tolist():
            conditions = np.flatnonzero(onsets == onset)
            begun = t_ms >= onset - TIME_TOLERANCE_MS
            course = self.of(conditions).time(t_ms[begun] - onset, duration_ms - onset)
            first = len(t_ms) - len(t_ms[begun])
            _check_samples("time", course.shape[2], len(t_ms) - first)
            if time is None:
                time = xp.tile(xp.zeros_like(t_ms), (len(onsets), course.shape[1], 1))
            time[conditions, :, first:] = course
        whole: Time = time
        return whole

    def blend(self, condition: int, xy: Positions, t_ms: Floats, duration_ms: float) -> Blend:
        """Return its pressure in one condition: nothing until it starts."""
        onset = float(self.onset_ms[condition])
        begun = t_ms >= onset - TIME_TOLERANCE_MS
        samples_before = len(t_ms) - len(t_ms[begun])
        if samples_before == len(t_ms):
            # It starts after the last sample, within the last step of time.
            return blend_of_frames(namespace(xy).zeros_like(t_ms[:, None] + xy[:, 0]))
        stimulus = self.of(np.array([condition]))
        blend = blend_of(stimulus, xy, t_ms[begun] - onset, duration_ms - onset)
        _check_samples("blend", len(blend.numbers), len(t_ms) - samples_before)
        return Blend(
            stills=blend.stills,
            numbers=_after_zeros(blend.numbers, samples_before),
            weights=_after_zeros(blend.weights, samples_before),
            mixes=blend.mixes,
        )


class AddedParts(Stimulus):
    """Parts that all separate, and are added: a sum of all their products."""

    ranges: ClassVar[Mapping[str, Allowed]] = {}

    def __init__(self, parts: Sequence[Part]) -> None:
        self.count = len(parts[0].onset_ms)
        self._parts = parts

    def space(self, xy: Positions) -> Space:
        """Return the factors of all parts, one after the other."""
        factors = [part.space(xy) for part in self._parts]
        space: Space = namespace(factors[0]).concatenate(factors, 1)
        return space

    def time(self, t_ms: Floats, duration_ms: float) -> Time:
        """Return the factors of all parts, one after the other."""
        factors = [part.time(t_ms, duration_ms) for part in self._parts]
        time: Time = namespace(factors[0]).concatenate(factors, 1)
        return time


class BlendedParts(BlendedStimulus):
    """Parts of which some move, or of which the larger one is felt."""

    ranges: ClassVar[Mapping[str, Allowed]] = {}

    def __init__(self, parts: Sequence[Part], combine: str) -> None:
        self.count = len(parts[0].onset_ms)
        self._parts = parts
        self._combine = combine

    def blend(self, condition: int, xy: Positions, t_ms: Floats, duration_ms: float) -> Blend:
        """Return the parts together."""
        blends = [part.blend(condition, xy, t_ms, duration_ms) for part in self._parts]
        if self._combine == "add":
            return add_blends(blends)
        largest = blends[0].frames()
        for blend in blends[1:]:
            largest = namespace(largest).maximum(largest, blend.frames())
        return blend_of_frames(largest)


def _check_samples(method: str, got: int, wanted: int) -> None:
    """Raise ValueError where what a part returned is of another length than its time."""
    if got != wanted:
        raise ValueError(f"{method} returned {got} samples, not {wanted}")


def _after_zeros(rows: Any, count: int) -> Any:
    """Return rows with some of zeros before them."""
    xp: Any = namespace(rows)
    zeros = xp.zeros_like(rows[:1])
    return xp.concatenate([*[zeros] * count, rows])
