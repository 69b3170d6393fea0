"""Pressed at once and held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.core.numerics import namespace
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.base import TIME_TOLERANCE_MS
from sensoryforge.stimuli.profiles.profile import Profile
from sensoryforge.stimuli.profiles.timing import late_onsets
from sensoryforge.stimuli.ranges import INSTANT, Allowed, Range

HOLD = Range("ms", low=0.0, low_open=True, infinite=True)


class StepProfile(Profile):
    """The whole amplitude for ``onset_ms <= t < onset_ms + hold_ms``, zero before and after.

    Parameters
    ----------
    columns
        ``onset_ms``, ``hold_ms`` (``.inf`` to the end), each ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> step = StepProfile({"onset_ms": np.array([1.0]), "hold_ms": np.array([2.0])})
    >>> step.height(np.arange(5.0), duration_ms=5.0).tolist()
    [[0.0, 1.0, 1.0, 0.0, 0.0]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {"onset_ms": INSTANT, "hold_ms": HOLD}

    def height(self, t_ms: Floats, duration_ms: float) -> Floats:
        """Return one while the step is on."""
        start = self["onset_ms"] - TIME_TOLERANCE_MS
        is_on = (t_ms >= start) & (t_ms < start + self["hold_ms"])
        xp = namespace(is_on)
        height: Floats = xp.asarray(is_on, dtype=xp.float64)
        return height

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse a step that starts when the stimulus is over."""
        return late_onsets(columns["onset_ms"], duration_ms)
