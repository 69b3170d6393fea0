"""A step: a Gaussian footprint pressed at ``step_time`` and held for ``hold_ms``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.numerics import namespace
from sensoryforge.stimuli.base import DRIVE, LENGTH, PLACE, TIME_TOLERANCE_MS, Range, Stimulus, footprint
from sensoryforge.types import Columns, Floats, Positions, Space, Time


class Step(Stimulus):
    """A Gaussian indentation that is on for ``step_time <= t < step_time + hold_ms``."""

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
        on = (t_ms >= start) & (t_ms < start + self["hold_ms"])
        xp = namespace(on)
        out: Time = xp.asarray(on[:, None, :], dtype=xp.float64)
        return out

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse a step that starts when the stimulus is over."""
        late = sorted({value for value in columns["step_time"].tolist() if value >= duration_ms - TIME_TOLERANCE_MS})
        more = f" and {len(late) - 1} more" if len(late) > 1 else ""
        allowed = f"allowed is less than duration_ms, {duration_ms:g} (ms)"
        return [f"step_time: got {late[0]:g}{more}, {allowed}"] if late else []
