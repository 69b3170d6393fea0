"""Vibration without a pre-load: a sine that pulls as much as it presses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from sensoryforge.core.numerics import divide, sin_turns
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.cautions import Caution
from sensoryforge.stimuli.profiles.profile import Profile, eased
from sensoryforge.stimuli.profiles.timing import slow_onset
from sensoryforge.stimuli.ranges import ANGLE, FREQUENCY, INSTANT, Allowed
from sensoryforge.stimuli.span import Span, too_fast


class Oscillation(Profile):
    """A vibration about the skin at rest: ``sin(2 pi f t + phase)``, eased in.

    The amplitude of the shape is that of the vibration. Half of each cycle pulls, so that the shape
    has to be a probe that is glued to the skin, as in recordings of fibres that are tuned to
    vibration (`sensoryforge.skin.mechanics`).

    Parameters
    ----------
    columns
        ``frequency_hz``, ``phase`` (degrees), ``onset_ms`` (half a cosine from zero to the whole),
        each ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"frequency_hz": 250.0, "phase": 0.0, "onset_ms": 0.0}
    >>> hum = Oscillation({name: np.array([value]) for name, value in values.items()})
    >>> hum.height(np.array([0.0, 1.0, 3.0]), duration_ms=4.0).tolist()
    [[0.0, 1.0, -1.0]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "frequency_hz": FREQUENCY,
        "phase": ANGLE,
        "onset_ms": INSTANT,
    }

    def height(self, t_ms: Floats, duration_ms: float) -> Floats:
        """Return the factor over time."""
        turns = divide(t_ms * self["frequency_hz"], 1000.0) + divide(self["phase"], 360.0)
        return eased(t_ms, self["onset_ms"]) * sin_turns(turns)

    @classmethod
    def cautions_in_time(cls, columns: Columns, span: Span) -> list[Caution]:
        """Tell a vibration too fast for the samples, or that sets in too slowly."""
        frequency_hz = columns["frequency_hz"]
        ones = np.ones_like(frequency_hz)
        return [too_fast("frequency_hz", frequency_hz, ones, span), slow_onset(columns, span)]

    @classmethod
    def pulls(cls, columns: Columns) -> list[str]:
        """Say that it pulls, whatever its parameters."""
        needed = "a disc at rest, under a skin that it is glued to (pipeline.skin: elastic)"
        return [f"type: got one that pulls the skin, allowed is that of {needed}"]
