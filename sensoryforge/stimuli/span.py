"""What a run is too short for, or sampled too coarsely.

Profiles and motions tell it from parameters alone (`Profile.cautions_in_time`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sensoryforge.core.types import Floats
from sensoryforge.stimuli.base import TIME_TOLERANCE_MS
from sensoryforge.stimuli.cautions import Caution

__all__ = ["Span", "cut_short", "too_fast"]


@dataclass(frozen=True)
class Span:
    """The time that conditions have: the whole run, or for a part of a composite what is left.

    Parameters
    ----------
    run_ms
        How long the run is.
    dt_ms
        How far samples are apart.
    begins_ms
        When conditions begin, ``[C]``, or the same for all.

    Examples
    --------
    >>> span = Span(run_ms=300.0, dt_ms=0.5)
    >>> float(span.after(np.array([100.0])).duration_ms[0]), span.highest_hz
    (200.0, 1000.0)
    """

    run_ms: float
    dt_ms: float
    begins_ms: Floats | float = 0.0

    @property
    def duration_ms(self) -> Floats:
        """How long conditions last, ``[C]``, or one number for all."""
        return np.asarray(self.run_ms - self.begins_ms)

    @property
    def highest_hz(self) -> float:
        """Half of the sampling rate: samples tell no frequency as high or higher (Nyquist)."""
        return 500.0 / self.dt_ms

    def after(self, onset_ms: Floats) -> Span:
        """Return the time of parts that begin so much later, ``[C]``."""
        return replace(self, begins_ms=self.begins_ms + onset_ms)

    def sufficient_ms(self, needed_ms: float) -> float:
        """Return the shortest whole number of samples that lasts so long, in ms.

        Examples
        --------
        >>> Span(300.0, 0.5).sufficient_ms(312.2)
        312.5
        """
        samples = np.ceil(needed_ms / self.dt_ms - TIME_TOLERANCE_MS)
        return float(samples) * self.dt_ms


def cut_short(parameter: str, ends_ms: Floats, span: Span, state: str) -> Caution:
    """Return the caution of a course that the end of the run cuts off.

    Parameters
    ----------
    parameter
        The parameter that says how long the course takes.
    ends_ms
        When it is over, since the condition began, ``[C]``; ``.inf`` and NaN are never cut off.
    span
        The time that there is.
    state
        What it is like when the run is over, in words.

    Examples
    --------
    >>> caution = cut_short("ramp_ms", np.array([320.0, 90.0]), Span(300.0, 0.5), "is still rising")
    >>> caution.conditions.tolist()
    [True, False]
    >>> caution.reason
    'is still rising when the run is over, at 300 ms; pipeline.duration_ms=320 would do'
    """
    needed_ms = span.begins_ms + ends_ms
    is_cut = np.isfinite(needed_ms) & (needed_ms > span.run_ms + TIME_TOLERANCE_MS)
    longest_ms = span.sufficient_ms(float(needed_ms[is_cut].max(initial=0.0)))
    over = f"when the run is over, at {span.run_ms:g} ms"
    return Caution(
        parameter, is_cut, f"{state} {over}; pipeline.duration_ms={longest_ms:.10g} would do"
    )


def too_fast(parameter: str, frequency_hz: Floats, depth: Floats, span: Span) -> Caution:
    """Return the caution of a vibration that samples cannot tell from a slower one.

    Parameters
    ----------
    parameter
        The parameter that holds the frequency.
    frequency_hz
        How fast it is, ``[C]``.
    depth
        How deep it is, ``[C]``: one of zero is none.
    span
        The time, and how far samples are apart.

    Examples
    --------
    >>> hz, depth = np.array([1000.0, 999.0]), np.array([0.5, 0.5])
    >>> caution = too_fast("frequency_hz", hz, depth, Span(300.0, 0.5))
    >>> caution.conditions.tolist()
    [True, False]
    >>> print(caution.reason)
    not below 1000 Hz, half of the sampling rate: samples 0.5 ms apart show another frequency; \
pipeline.dt_ms below 0.5 would do
    """
    is_fast = (depth > 0) & (frequency_hz >= span.highest_hz)
    highest_hz = float(frequency_hz[is_fast].max(initial=span.highest_hz))
    limit = f"not below {span.highest_hz:.6g} Hz, half of the sampling rate"
    effect = f"samples {span.dt_ms:g} ms apart show another frequency"
    advice = f"pipeline.dt_ms below {500.0 / highest_hz:.4g} would do"
    return Caution(parameter, is_fast, f"{limit}: {effect}; {advice}")
