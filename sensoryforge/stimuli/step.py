"""A step: a Gaussian footprint pressed at ``step_time`` and held for ``hold_ms``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.core.numerics import namespace
from sensoryforge.core.types import Columns, Floats, Positions, Space, Time
from sensoryforge.stimuli.base import (
    DRIVE,
    LENGTH,
    PLACE,
    TIME_TOLERANCE_MS,
    Range,
    Stimulus,
    footprint,
)
from sensoryforge.stimuli.cautions import Caution, Sheet, footprint_cautions


class Step(Stimulus):
    """A Gaussian footprint that is on for ``step_time <= t < step_time + hold_ms``.

    Parameters
    ----------
    columns
        ``amplitude`` (model drive), ``step_time``, ``hold_ms`` (ms), ``sigma``, ``center_x``,
        ``center_y`` (mm), each ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> footprint = {"amplitude": 30.0, "sigma": 0.5, "center_x": 0.0, "center_y": 0.0}
    >>> values = {**footprint, "step_time": 1.0, "hold_ms": 2.0}
    >>> step = Step({name: np.array([value]) for name, value in values.items()})
    >>> step.time(np.arange(5.0), duration_ms=5.0).tolist()
    [[[0.0, 1.0, 1.0, 0.0, 0.0]]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Range]] = {
        "amplitude": DRIVE,
        "step_time": Range("ms", low=0.0),
        "hold_ms": Range("ms", low=0.0, low_open=True, infinite=True),
        "sigma": LENGTH,
        "center_x": PLACE,
        "center_y": PLACE,
    }

    def space(self, xy: Positions) -> Space:
        """Return the footprint, as high as the amplitude."""
        return footprint(self, xy, self["amplitude"])

    def time(self, t_ms: Floats, duration_ms: float) -> Time:
        """Return one while the step is on, zero before and after."""
        start = self["step_time"] - TIME_TOLERANCE_MS
        is_on = (t_ms >= start) & (t_ms < start + self["hold_ms"])
        xp = namespace(is_on)
        ones: Time = xp.asarray(is_on[:, None, :], dtype=xp.float64)
        return ones

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse a step that starts when the stimulus is over."""
        times = columns["step_time"]
        late = sorted(set(times[times >= duration_ms - TIME_TOLERANCE_MS].tolist()))
        if not late:
            return []
        more = f" and {len(late) - 1} more" if len(late) > 1 else ""
        allowed = f"allowed is less than duration_ms, {duration_ms:g} (ms)"
        return [f"step_time: got {late[0]:g}{more}, {allowed}"]

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Tell a footprint that is off the sheet, between receptors, or flat."""
        return footprint_cautions(columns, sheet)
