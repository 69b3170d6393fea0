"""What profiles and motions check of their times."""

from __future__ import annotations

from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.base import TIME_TOLERANCE_MS
from sensoryforge.stimuli.cautions import Caution
from sensoryforge.stimuli.span import Span, cut_short


def late_onsets(onset_ms: Floats, duration_ms: float, key: str = "onset_ms") -> list[str]:
    """Return the line for onsets at which the stimulus is over already; none where all is well.

    Examples
    --------
    >>> import numpy as np
    >>> late_onsets(np.array([10.0, 400.0]), duration_ms=300.0)
    ['onset_ms: got 400, allowed is less than duration_ms, 300 (ms)']
    """
    late = sorted(set(onset_ms[onset_ms >= duration_ms - TIME_TOLERANCE_MS].tolist()))
    if not late:
        return []
    more = f" and {len(late) - 1} more" if len(late) > 1 else ""
    allowed = f"allowed is less than duration_ms, {duration_ms:g} (ms)"
    return [f"{key}: got {late[0]:g}{more}, {allowed}"]


def slow_onset(columns: Columns, span: Span) -> Caution:
    """Return the caution of a vibration that takes longer than the run to set in.

    Examples
    --------
    >>> import numpy as np
    >>> caution = slow_onset({"onset_ms": np.array([20.0, 400.0])}, Span(300.0, 0.5))
    >>> caution.conditions.tolist()
    [False, True]
    """
    return cut_short("onset_ms", columns["onset_ms"], span, "is still setting in")
