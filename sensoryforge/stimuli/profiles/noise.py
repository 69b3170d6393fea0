"""Vibration at random, within a band of frequencies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from sensoryforge.core.numerics import cos_turns, divide, namespace, uniforms
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.cautions import Caution
from sensoryforge.stimuli.profiles.profile import Profile, eased
from sensoryforge.stimuli.profiles.timing import slow_onset
from sensoryforge.stimuli.ranges import FREQUENCY, INSTANT, SEED, Allowed, Range
from sensoryforge.stimuli.span import Span, too_fast

WAVES = 64
"""Sines of which the noise is the sum: enough for values that look normal."""
_NAMES = ("low_hz", "high_hz", "seed")


class Noise(Profile):
    """Band-limited noise about a pre-load, frozen by a seed.

    It is the sum of 64 sines, one at a random frequency in each 64th of the band, of random phase.
    Its standard deviation is ``depth`` times the pre-load; where it would pull, it is zero.

    Parameters
    ----------
    columns
        ``low_hz``, ``high_hz`` (the band), ``depth``, ``seed``, ``onset_ms`` (half a cosine from
        zero to the whole), each ``[C]``.

    Examples
    --------
    >>> values = {"low_hz": 50.0, "high_hz": 100.0, "depth": 0.2, "seed": 1, "onset_ms": 0.0}
    >>> noise = Noise({name: np.array([value]) for name, value in values.items()})
    >>> height = noise.height(np.arange(10_000.0), duration_ms=1e4)
    >>> round(float(height.mean()), 2), round(float(height.std()), 2)
    (1.0, 0.2)
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "low_hz": FREQUENCY,
        "high_hz": FREQUENCY,
        "depth": Range(low=0.0),
        "seed": SEED,
        "onset_ms": INSTANT,
    }

    def height(self, t_ms: Floats, duration_ms: float) -> Floats:
        """Return the factor over time: a function of the time alone, whatever the samples."""
        xp = namespace(t_ms)
        # Conditions often have the same noise: it is made once.
        made: dict[tuple[float, float, int], Floats] = {}
        rows = []
        for condition in range(self.count):
            low, high, seed = (float(self[name][condition, 0]) for name in _NAMES)
            key = (low, high, int(seed))
            if key not in made:
                made[key] = _noise(t_ms, *key)
            rows.append(made[key])
        noise = xp.stack(rows)
        height = xp.clip(1.0 + self["depth"] * noise, 0.0, None)
        eased_in: Floats = eased(t_ms, self["onset_ms"]) * height
        return eased_in

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse a band that ends below its start."""
        is_wrong = columns["high_hz"] < columns["low_hz"]
        if not is_wrong.any():
            return []
        first = int(np.argmax(is_wrong))
        got, low = columns["high_hz"][first], columns["low_hz"][first]
        return [f"high_hz: got {got:g}, allowed is at least low_hz, {low:g} (Hz)"]

    @classmethod
    def cautions_in_time(cls, columns: Columns, span: Span) -> list[Caution]:
        """Tell a band too fast for the samples, or that sets in too slowly."""
        depth = columns["depth"]
        return [too_fast("high_hz", columns["high_hz"], depth, span), slow_onset(columns, span)]


def _noise(t_ms: Floats, low_hz: float, high_hz: float, seed: int) -> Floats:
    """Return the noise, of a standard deviation of one, at each sample, ``[T]``."""
    noise: Floats = namespace(t_ms).zeros_like(t_ms)
    drawn = uniforms(seed, "noise profile", size=2 * WAVES).reshape(2, WAVES).tolist()
    for wave, (place, phase) in enumerate(zip(*drawn, strict=True)):
        frequency = low_hz + (high_hz - low_hz) * ((wave + place) / WAVES)
        noise += cos_turns(divide(t_ms * frequency, 1000.0) + phase)
    # A sine has a variance of one half.
    noise *= float(np.sqrt(2.0 / WAVES))
    return noise
