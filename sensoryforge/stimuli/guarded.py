"""Stimuli whose class may fail: the conditions that do are named, the others are computed.

A class of the user's own is code of any kind. It is called for all conditions at once; only when
that fails, condition by condition. A condition that fails alone presses on nothing, and its error
is kept. A GPU's lack of memory is no fault of a class and is passed on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from sensoryforge.core.messages import USERS_FAILURES, describe_failure
from sensoryforge.core.numerics import namespace
from sensoryforge.core.types import Columns, Floats, Frames, Positions, Space, Time
from sensoryforge.stimuli.base import Punches, Stimulus
from sensoryforge.stimuli.blend import Blend, blend_of_frames
from sensoryforge.stimuli.blended import BlendedStimulus
from sensoryforge.stimuli.recipe import Recipe

Arrays: TypeAlias = tuple[Any, ...]
"""Factors in space and in time, or frames; the first axis of each is the condition."""
Call: TypeAlias = Callable[[Stimulus], Arrays]
"""Asks a stimulus for its arrays, and checks them."""
ToDevice: TypeAlias = Callable[[Floats], Any]
"""Brings an array to where stimuli are shaped: on a GPU, as a tensor."""


class GuardedStimuli:
    """C conditions of a class of stimulus, some of which may fail.

    Parameters
    ----------
    recipe
        What they are made of: our classes, or the user's.
    columns
        Its parameters, ``[C]`` each.
    to_device
        Brings an array to a GPU. It is used where the class says that it works on ``tensors``; all
        others get arrays.

    Attributes
    ----------
    separable, is_blended
        Whether `factors` or `blend` tell the pressure; `frames` does so always.
    errors
        Number of a condition -> what went wrong with it, in one line. A condition is found to fail
        when its arrays are asked for; from then on they are zero.
    """

    def __init__(self, recipe: Recipe, columns: Columns, to_device: ToDevice | None = None) -> None:
        self.separable = recipe.separable
        self.is_blended = recipe.is_blended
        self.count = len(next(iter(columns.values())))
        self.errors: dict[int, str] = {}
        self._recipe = recipe
        self._to_device: ToDevice = _leave
        if to_device is not None and recipe.takes_tensors:
            self._to_device = to_device
        self._columns: Columns = {}
        for name, values in columns.items():
            is_text = values.dtype.kind == "U"
            self._columns[name] = values if is_text else self._to_device(values)
        self._together = self._make_together()
        self._alone: dict[int, Stimulus] = {}

    def factors(self, xy: Positions, t_ms: Floats, duration_ms: float) -> tuple[Space, Time]:
        """Return the factors in space ``[C, K, R]`` and in time ``[C, K, T]``."""
        receptors, samples = len(xy), len(t_ms)
        xy, t_ms = self._to_device(xy), self._to_device(t_ms)

        def factors_of(stimulus: Stimulus) -> Arrays:
            space = _checked("space", stimulus.space(xy), (stimulus.count, None, receptors))
            terms = space.shape[1]
            time = stimulus.time(t_ms, duration_ms)
            return space, _checked("time", time, (stimulus.count, terms, samples))

        space, time = self._call(factors_of, [(1, 1, receptors), (1, 1, samples)])
        return space, time

    def frames(self, xy: Positions, t_ms: Floats, duration_ms: float) -> Frames:
        """Return the pressure ``[C, T, R]``."""
        receptors, samples = len(xy), len(t_ms)
        call = self._call_of_frames(xy, t_ms, duration_ms)
        pressure: Frames
        (pressure,) = self._call(call, [(1, samples, receptors)])
        return pressure

    def frames_of(self, condition: int, xy: Positions, t_ms: Floats, duration_ms: float) -> Floats:
        """Return the pressure of one condition ``[T, R]``, without a look at the others."""
        arrays = self._call_alone(self._call_of_frames(xy, t_ms, duration_ms), condition)
        if arrays is None:
            return np.zeros((len(t_ms), len(xy)))
        (pressure,) = arrays
        of_condition: Floats = pressure[0]
        return of_condition

    def _call_of_frames(self, xy: Positions, t_ms: Floats, duration_ms: float) -> Call:
        """Return what asks a stimulus for its frames."""
        receptors, samples = len(xy), len(t_ms)
        xy, t_ms = self._to_device(xy), self._to_device(t_ms)

        def frames_of(stimulus: Stimulus) -> Arrays:
            pressure = stimulus.frames(xy, t_ms, duration_ms)
            shape = (stimulus.count, samples, receptors)
            return (_checked("frames", pressure, shape),)

        return frames_of

    def blend(self, condition: int, xy: Positions, t_ms: Floats, duration_ms: float) -> Blend:
        """Return the pressure of one condition as a blend."""
        receptors, samples = len(xy), len(t_ms)
        xy, t_ms = self._to_device(xy), self._to_device(t_ms)

        def blend_of(stimulus: Stimulus) -> Arrays:
            assert isinstance(stimulus, BlendedStimulus)
            blend = stimulus.blend(0, xy, t_ms, duration_ms)
            stills = _checked("the stills of blend", blend.stills, (None, receptors))
            weights = _checked("the weights of blend", blend.weights, (samples, None))
            numbers = _checked_numbers(blend.numbers, weights, len(stills))
            return stills, numbers, weights, blend.mixes

        arrays = self._call_alone(blend_of, condition)
        if arrays is None:
            return blend_of_frames(namespace(t_ms).zeros_like(t_ms[:, None] + xy[:, 0]))
        stills, numbers, weights, mixes = arrays
        return Blend(stills, numbers, weights, mixes)

    def punches(self) -> Punches | None:
        """Return the rigid flat probes that the stimuli are, where they are such."""
        return self._recipe.punches(self._columns)

    def _call(self, call: Call, shapes: list[tuple[int, ...]]) -> Arrays:
        """Return the arrays of all conditions; zeros of these ``shapes`` each, where all fail."""
        arrays = self._call_together(call)
        if arrays is not None:
            return arrays
        conditions = [self._call_alone(call, condition) for condition in range(self.count)]
        nothing = _zeros_like_first(conditions, shapes)
        rows = []
        for condition, arrays in enumerate(conditions):
            if arrays is not None and not _fit(arrays, nothing):
                self.errors[condition] = "its conditions have different numbers of terms"
                arrays = None
            rows.append(nothing if arrays is None else arrays)
        return tuple(_concatenate(several) for several in zip(*rows, strict=True))

    def _call_together(self, call: Call) -> Arrays | None:
        """Return the arrays of all conditions in one call, or None where one of them fails."""
        # Once a condition has failed, all are asked one by one.
        if self._together is None or self.errors:
            return None
        try:
            return call(self._together)
        except USERS_FAILURES as error:  # the calls one by one tell which condition it was
            _pass_on_lack_of_memory(error)
            return None

    def _call_alone(self, call: Call, condition: int) -> Arrays | None:
        """Return the arrays of one condition, or None where it fails or has failed before."""
        if condition in self.errors:
            return None
        try:
            if condition not in self._alone:
                self._alone[condition] = self._make_alone(condition)
            return call(self._alone[condition])
        except USERS_FAILURES as error:
            _pass_on_lack_of_memory(error)
            self.errors[condition] = describe_failure(error)
            return None

    def _make_together(self) -> Stimulus | None:
        """Return the stimulus of all conditions, or None where it cannot be made."""
        try:
            return self._recipe(self._columns)
        except USERS_FAILURES as error:  # the calls one by one tell which condition it was
            _pass_on_lack_of_memory(error)
            return None

    def _make_alone(self, condition: int) -> Stimulus:
        """Return the stimulus of one condition."""
        one = slice(condition, condition + 1)
        return self._recipe({name: values[one] for name, values in self._columns.items()})


def _leave(array: Floats) -> Floats:
    """Leave an array where it is."""
    return array


def _zeros_like_first(conditions: list[Arrays | None], shapes: list[tuple[int, ...]]) -> Arrays:
    """Return zeros like the arrays of the first condition that has any, or of these shapes."""
    for arrays in conditions:
        if arrays is not None:
            return tuple(namespace(array).zeros_like(array) for array in arrays)
    return tuple(np.zeros(shape) for shape in shapes)


def _fit(arrays: Arrays, others: Arrays) -> bool:
    """Tell whether two conditions have arrays of the same shapes."""
    return [array.shape for array in arrays] == [array.shape for array in others]


def _concatenate(arrays: Arrays) -> Floats:
    """Return arrays of conditions, or tensors, one after the other."""
    joined: Floats = namespace(arrays[0]).concatenate(arrays)
    return joined


def _pass_on_lack_of_memory(error: BaseException) -> None:
    """Raise a GPU's lack of memory again: the encoder then takes fewer stimuli at a time."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        raise error


def _checked(method: str, values: object, shape: tuple[int | None, ...]) -> Any:
    """Return what a method of a stimulus returned as an array of floats, or a tensor of doubles.

    ``shape`` is what it has to be; None stands for any length above zero, the number of terms K.
    Raises ValueError where the values are something else.
    """
    xp = namespace(values)
    array: Any = xp.asarray(values)
    if not _has_shape(array, shape):
        sides = ["K" if side is None else str(side) for side in shape]
        wanted = ", ".join(sides)
        raise ValueError(f"{method} returned an array of shape {array.shape}, not [{wanted}]")
    is_tensor = xp is not np
    holds_numbers = not array.is_complex() if is_tensor else array.dtype.kind in "fiub"
    if not holds_numbers:
        raise ValueError(f"{method} returned {array.dtype}, not numbers")
    if is_tensor:
        doubles: Floats = array.detach().double()
        return doubles
    # Torch takes no views that run backwards or are read-only.
    return np.require(array, np.float64, ["C", "W"])


def _checked_numbers(numbers: Any, weights: Any, stills: int) -> Any:
    """Return which stills a blend takes; ValueError where there is none of such a number."""
    shape, wanted = list(numbers.shape), list(weights.shape)
    if shape != wanted:
        raise ValueError(f"the numbers of blend are of shape {shape}, not {wanted}")
    if isinstance(numbers, np.ndarray) and numbers.dtype.kind not in "iu":
        raise ValueError(f"the numbers of blend are {numbers.dtype}, not whole numbers")
    for number in (int(numbers.min()), int(numbers.max())):
        if not 0 <= number < stills:
            raise ValueError(f"the numbers of blend hold {number}, there are {stills} stills")
    return numbers


def _has_shape(array: Any, shape: tuple[int | None, ...]) -> bool:
    """Tell whether an array is of a shape and has values; None stands for any length."""
    if array.ndim != len(shape) or 0 in array.shape:
        return False
    return all(wanted in (None, side) for side, wanted in zip(array.shape, shape, strict=True))
