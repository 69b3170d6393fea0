"""Loaded, or unloaded, on a straight line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.core.numerics import namespace
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.cautions import Caution
from sensoryforge.stimuli.profiles.profile import Profile, risen
from sensoryforge.stimuli.profiles.timing import late_onsets
from sensoryforge.stimuli.ranges import DRIVE, INSTANT, Allowed, Range
from sensoryforge.stimuli.span import Span, cut_short


class RampProfile(Profile):
    """From ``initial`` to ``final``, parts of the amplitude, on a straight line.

    Parameters
    ----------
    columns
        ``initial``, ``final`` (parts of the amplitude), ``onset_ms``, ``ramp_ms`` (how long it
        takes; left out, until the stimulus ends), each ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"initial": 0.0, "final": 1.0, "onset_ms": 10.0}
    >>> ramp = RampProfile({name: np.array([value]) for name, value in values.items()})
    >>> ramp.height(np.array([0.0, 10.0, 20.0]), duration_ms=30.0).tolist()
    [[0.0, 0.0, 0.5]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "initial": DRIVE,
        "final": DRIVE,
        "onset_ms": INSTANT,
        "ramp_ms": Range("ms", low=0.0, optional=True),
    }

    def height(self, t_ms: Floats, duration_ms: float) -> Floats:
        """Return the factor over time."""
        xp = namespace(self["ramp_ms"])
        to_the_end = duration_ms - self["onset_ms"]
        ramp_ms = xp.where(xp.isnan(self["ramp_ms"]), to_the_end, self["ramp_ms"])
        part = risen(t_ms - self["onset_ms"], ramp_ms)
        return self["initial"] + (self["final"] - self["initial"]) * part

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse a ramp that starts when the stimulus is over."""
        return late_onsets(columns["onset_ms"], duration_ms)

    @classmethod
    def cautions_in_time(cls, columns: Columns, span: Span) -> list[Caution]:
        """Tell a ramp that is not over when the run is."""
        if "ramp_ms" not in columns:
            return []
        ends_ms = columns["onset_ms"] + columns["ramp_ms"]
        return [cut_short("ramp_ms", ends_ms, span, "has not come to its final height")]
