"""Vibration: a sine on a pre-load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.core.numerics import divide, sin_turns
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.cautions import Caution
from sensoryforge.stimuli.profiles.profile import Profile, eased
from sensoryforge.stimuli.profiles.timing import slow_onset
from sensoryforge.stimuli.ranges import ANGLE, FRACTION, FREQUENCY, INSTANT, Allowed
from sensoryforge.stimuli.span import Span, too_fast


class Sine(Profile):
    """A vibration about a pre-load: ``1 + depth sin(2 pi f t + phase)``, eased in.

    The amplitude of the shape is the pre-load. It is never negative: skin is pressed, not pulled.

    Parameters
    ----------
    columns
        ``frequency_hz``, ``depth`` (of the vibration, part of the pre-load), ``phase`` (degrees),
        ``onset_ms`` (half a cosine from zero to the whole), each ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"frequency_hz": 250.0, "depth": 0.5, "phase": 0.0, "onset_ms": 0.0}
    >>> hum = Sine({name: np.array([value]) for name, value in values.items()})
    >>> hum.height(np.array([0.0, 1.0, 2.0, 3.0]), duration_ms=4.0).tolist()
    [[1.0, 1.5, 1.0, 0.5]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "frequency_hz": FREQUENCY,
        "depth": FRACTION,
        "phase": ANGLE,
        "onset_ms": INSTANT,
    }

    def height(self, t_ms: Floats, duration_ms: float) -> Floats:
        """Return the factor over time."""
        turns = divide(t_ms * self["frequency_hz"], 1000.0) + divide(self["phase"], 360.0)
        return eased(t_ms, self["onset_ms"]) * (1.0 + self["depth"] * sin_turns(turns))

    @classmethod
    def cautions_in_time(cls, columns: Columns, span: Span) -> list[Caution]:
        """Tell a vibration too fast for the samples, or that sets in too slowly."""
        frequency_hz, depth = columns["frequency_hz"], columns["depth"]
        return [too_fast("frequency_hz", frequency_hz, depth, span), slow_onset(columns, span)]
