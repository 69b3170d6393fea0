"""Stimuli whose class may fail: the conditions that do are found and named, the others are computed.

A class of the user's own is code of any kind. It is called for all conditions at once; only when that fails, condition
by condition. A condition that fails alone presses on nothing, and its error is kept. A GPU's lack of memory is no fault
of a class and is passed on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from sensoryforge.errors import USERS_FAILURES, failure
from sensoryforge.numerics import namespace
from sensoryforge.stimuli.base import Stimulus
from sensoryforge.types import Columns, Floats, Frames, Positions, Space, Time

Call = Callable[[Stimulus], Any]
Place = Callable[[Floats], Any]
"""Puts an array where stimuli are shaped: on a GPU, as a tensor."""


class Guarded:
    """C conditions of a class of stimulus; ``errors`` maps the number of a condition to what went wrong.

    ``place`` is taken for a class that says it works on ``tensors``; all others get arrays.
    """

    def __init__(self, cls: type[Stimulus], columns: Columns, place: Place | None = None) -> None:
        self.separable = cls.separable
        self.count = len(next(iter(columns.values())))
        self.errors: dict[int, str] = {}
        self._place = place if place and cls.__dict__.get("tensors") else _same
        self._cls, self._columns = cls, {n: self._place(v) for n, v in columns.items()}
        self._alone: dict[int, Stimulus] = {}
        self._whole = self._tried(self._columns)

    def shape(self, xy: Positions, t_ms: Floats, duration_ms: float) -> tuple[Space, Time]:
        """Return the factors in space ``[C, K, R]`` and in time ``[C, K, T]``."""
        receptors, samples = len(xy), len(t_ms)
        xy, t_ms = self._place(xy), self._place(t_ms)

        def call(stimulus: Stimulus) -> tuple[Floats, Floats]:
            space = _array("space", stimulus.space(xy), (stimulus.count, None, receptors))
            return space, _array("time", stimulus.time(t_ms, duration_ms), (*space.shape[:2], samples))

        space, time = self._called(call, [(1, receptors), (1, samples)])
        return space, time

    def frames(self, xy: Positions, t_ms: Floats, duration_ms: float) -> Frames:
        """Return the pressure ``[C, T, R]``."""
        shape = (len(t_ms), len(xy))
        xy, t_ms = self._place(xy), self._place(t_ms)

        def call(stimulus: Stimulus) -> tuple[Floats]:
            return (_array("frames", stimulus.frames(xy, t_ms, duration_ms), (stimulus.count, *shape)),)

        frames: Frames = self._called(call, [shape])[0]
        return frames

    def _called(self, call: Call, shapes: list[tuple[int, ...]]) -> Any:
        """Return what a call gives for all conditions; ``shapes`` are those of a condition that gives nothing."""
        if self._whole is not None and not self.errors:
            try:
                return call(self._whole)
            except USERS_FAILURES as error:  # which condition it was is found out below
                _pass_on(error)
        found = {condition: self._called_alone(call, condition) for condition in range(self.count)}
        good = [result for result in found.values() if result is not None]
        empty = [np.zeros((1, *shape)) for shape in shapes]
        if good:
            empty = [namespace(array).zeros_like(array) for array in good[0]]
        for condition, result in found.items():
            if result is not None and any(a.shape != b.shape for a, b in zip(result, empty, strict=True)):
                self.errors[condition] = "its conditions have different numbers of terms"
                found[condition] = None
        rows = [empty if result is None else result for result in found.values()]
        return tuple(namespace(arrays[0]).concatenate(arrays) for arrays in zip(*rows, strict=True))

    def _called_alone(self, call: Call, condition: int) -> Any:
        """Return what a call gives for one condition, or None where it fails or has failed before."""
        if condition in self.errors:
            return None
        try:
            if condition not in self._alone:
                columns = {name: values[condition : condition + 1] for name, values in self._columns.items()}
                self._alone[condition] = self._cls(columns)
            return call(self._alone[condition])
        except USERS_FAILURES as error:
            _pass_on(error)
            self.errors[condition] = failure(error)
            return None

    def _tried(self, columns: Columns) -> Stimulus | None:
        """Return the stimulus of all conditions, or None where it cannot be made."""
        try:
            return self._cls(columns)
        except USERS_FAILURES as error:  # which condition it was is found out when it is called
            _pass_on(error)
            return None


def _same(array: Floats) -> Floats:
    return array


def _pass_on(error: BaseException) -> None:
    """Raise a GPU's lack of memory again."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        raise error


def _array(method: str, values: object, shape: tuple[int | None, ...]) -> Floats:
    """Return an array of floats, or raise ValueError where it is none of this shape; None stands for any length > 0."""
    array: Any = namespace(values).asarray(values)
    fits = array.ndim == len(shape) and all(n in (m, None) for m, n in zip(array.shape, shape, strict=True))
    if not fits or 0 in array.shape:
        wanted = ", ".join("K" if side is None else str(side) for side in shape)
        raise ValueError(f"{method} returned an array of shape {array.shape}, not [{wanted}]")
    if array.is_complex() if namespace(array) is not np else array.dtype.kind not in "fiub":
        raise ValueError(f"{method} returned {array.dtype}, not numbers")
    if namespace(array) is np:
        return np.require(array, np.float64, ["C", "W"])  # torch takes no views that run backwards or are read-only
    floats: Floats = array.detach().double()
    return floats
