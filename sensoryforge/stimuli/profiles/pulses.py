"""Taps: pulses at a steady rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from sensoryforge.core.numerics import namespace
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.base import TIME_TOLERANCE_MS
from sensoryforge.stimuli.cautions import Caution
from sensoryforge.stimuli.profiles.profile import Profile
from sensoryforge.stimuli.profiles.timing import late_onsets
from sensoryforge.stimuli.ranges import COUNT, INSTANT, Allowed, Range
from sensoryforge.stimuli.span import Span, cut_short


class Pulses(Profile):
    """Pulses of the whole amplitude: ``count`` of them, ``period_ms`` apart, ``width_ms`` long.

    Parameters
    ----------
    columns
        ``onset_ms`` (of the first), ``period_ms``, ``width_ms``, ``count``, each ``[C]``.

    Examples
    --------
    >>> values = {"onset_ms": 1.0, "period_ms": 3.0, "width_ms": 1.0, "count": 2}
    >>> taps = Pulses({name: np.array([value]) for name, value in values.items()})
    >>> taps.height(np.arange(9.0), duration_ms=9.0).tolist()
    [[0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "onset_ms": INSTANT,
        "period_ms": Range("ms", low=0.0, low_open=True),
        "width_ms": Range("ms", low=0.0, low_open=True),
        "count": COUNT,
    }

    def height(self, t_ms: Floats, duration_ms: float) -> Floats:
        """Return one during each pulse."""
        xp = namespace(t_ms)
        since_onset = t_ms - (self["onset_ms"] - TIME_TOLERANCE_MS)
        pulse = xp.floor(since_onset / self["period_ms"])
        since_pulse = since_onset - pulse * self["period_ms"]
        is_on = (pulse >= 0) & (pulse < self["count"]) & (since_pulse < self["width_ms"])
        height: Floats = xp.asarray(is_on, dtype=xp.float64)
        return height

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse pulses that run into each other, and a first one when the stimulus is over."""
        problems = late_onsets(columns["onset_ms"], duration_ms)
        is_wide = columns["width_ms"] > columns["period_ms"]
        if is_wide.any():
            first = int(np.argmax(is_wide))
            got, period = columns["width_ms"][first], columns["period_ms"][first]
            problems.append(f"width_ms: got {got:g}, allowed is at most period_ms, {period:g} (ms)")
        return problems

    @classmethod
    def cautions_in_time(cls, columns: Columns, span: Span) -> list[Caution]:
        """Tell pulses that the end of the run cuts off, and those that fall between samples."""
        last_ms = columns["onset_ms"] + (columns["count"] - 1) * columns["period_ms"]
        gap_ms = columns["period_ms"] - columns["width_ms"]
        close = span.dt_ms - TIME_TOLERANCE_MS
        between = f"less than pipeline.dt_ms, {span.dt_ms:g} ms"
        gap = f"its gap from tap to tap is {between}"
        advice = "fall between samples; a smaller pipeline.dt_ms would do"
        is_wide_enough = columns["width_ms"] >= close
        is_dense = is_wide_enough & (gap_ms > TIME_TOLERANCE_MS) & (gap_ms < close)
        return [
            cut_short("count", last_ms + columns["width_ms"], span, "has taps to come"),
            Caution("width_ms", ~is_wide_enough, f"{between}: some taps {advice}"),
            Caution("period_ms", is_dense, f"{gap}: some gaps {advice}"),
        ]
