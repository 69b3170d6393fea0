"""Ramped up, held, and ramped down again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.cautions import Caution
from sensoryforge.stimuli.profiles.profile import Profile, risen
from sensoryforge.stimuli.profiles.step import HOLD
from sensoryforge.stimuli.profiles.timing import late_onsets
from sensoryforge.stimuli.ranges import INSTANT, Allowed
from sensoryforge.stimuli.span import Span, cut_short


class Trapezoid(Profile):
    """A ramp up, a hold, and a ramp down.

    Parameters
    ----------
    columns
        ``onset_ms`` (when the ramp starts), ``ramp_ms``, ``hold_ms`` (``.inf`` to the end),
        ``release_ms``, each ``[C]``. A ramp or a release of zero is a step.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"onset_ms": 1.0, "ramp_ms": 2.0, "hold_ms": 1.0, "release_ms": 2.0}
    >>> tap = Trapezoid({name: np.array([value]) for name, value in values.items()})
    >>> tap.height(np.arange(8.0), duration_ms=8.0).tolist()
    [[0.0, 0.0, 0.5, 1.0, 1.0, 0.5, 0.0, 0.0]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "onset_ms": INSTANT,
        "ramp_ms": INSTANT,
        "hold_ms": HOLD,
        "release_ms": INSTANT,
    }

    def height(self, t_ms: Floats, duration_ms: float) -> Floats:
        """Return the factor over time."""
        since_onset = t_ms - self["onset_ms"]
        loaded = risen(since_onset, self["ramp_ms"])
        since_release = since_onset - self["ramp_ms"] - self["hold_ms"]
        return loaded - risen(since_release, self["release_ms"])

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse a ramp that starts when the stimulus is over."""
        return late_onsets(columns["onset_ms"], duration_ms)

    @classmethod
    def cautions_in_time(cls, columns: Columns, span: Span) -> list[Caution]:
        """Tell a ramp that is not over when the run is, up or down."""
        loaded_ms = columns["onset_ms"] + columns["ramp_ms"]
        released_ms = loaded_ms + columns["hold_ms"]
        # To be held to the end, and not released at all, is as good a course as any.
        is_released = (columns["release_ms"] > 0) & (released_ms < span.duration_ms)
        ends_ms = np.where(is_released, released_ms + columns["release_ms"], np.inf)
        return [
            cut_short("ramp_ms", loaded_ms, span, "is still rising"),
            cut_short("release_ms", ends_ms, span, "is still being released"),
        ]
