"""A vibration whose frequency rises or falls."""

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


class Chirp(Profile):
    """A vibration about a pre-load whose frequency goes from one to another on a straight line.

    It takes the whole stimulus for it. The amplitude of the shape is the pre-load.

    Parameters
    ----------
    columns
        ``from_hz``, ``to_hz``, ``depth`` (part of the pre-load), ``phase`` (degrees), ``onset_ms``
        (half a cosine from zero to the whole), each ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"from_hz": 10.0, "to_hz": 10.0, "depth": 0.5, "phase": 0.0, "onset_ms": 0.0}
    >>> chirp = Chirp({name: np.array([value]) for name, value in values.items()})
    >>> chirp.height(np.array([0.0, 25.0, 50.0]), duration_ms=100.0).tolist()
    [[1.0, 1.5, 1.0]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "from_hz": FREQUENCY,
        "to_hz": FREQUENCY,
        "depth": FRACTION,
        "phase": ANGLE,
        "onset_ms": INSTANT,
    }

    def height(self, t_ms: Floats, duration_ms: float) -> Floats:
        """Return the factor over time."""
        # The phase is the integral of the frequency: f0 t + (f1 - f0) t^2 / (2 T).
        half_rise = (self["to_hz"] - self["from_hz"]) * (0.5 * divide(t_ms, duration_ms))
        turns = divide(t_ms * (self["from_hz"] + half_rise), 1000.0)
        wave = sin_turns(turns + divide(self["phase"], 360.0))
        return eased(t_ms, self["onset_ms"]) * (1.0 + self["depth"] * wave)

    @classmethod
    def cautions_in_time(cls, columns: Columns, span: Span) -> list[Caution]:
        """Tell a vibration too fast for the samples at either end, or that sets in too slowly."""
        depth = columns["depth"]
        return [
            too_fast("from_hz", columns["from_hz"], depth, span),
            too_fast("to_hz", columns["to_hz"], depth, span),
            slow_onset(columns, span),
        ]
