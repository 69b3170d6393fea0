"""An oracle of the fitted afferents: SciPy's filters and a loop, in float64.

Written from the equations of Saal, Delhaye, Rayhaun, Bensmaia 2017 (doi:10.1073/pnas.1704856114),
and sharing nothing with the blocks and kernels of the package.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.signal import butter, lfilter

from sensoryforge.core.types import Floats

STEP_MS = 0.2
"""The step of the fits."""
REFRACTORY_SAMPLES = 6


def history_kernel(h_early: float, h_late: float, samples: int) -> Floats:
    """Return what a spike adds to the potential afterwards, ``[samples]``."""
    x = 1.5 * np.pi * np.log(1 + STEP_MS * np.arange(samples)) / np.log(9)
    early = np.where(x <= np.pi, 0.5 * (1 + np.cos(x)), 0.0)
    is_late = (x >= 0.5 * np.pi) & (x <= 2.5 * np.pi)
    late = np.where(is_late, 0.5 * (1 - np.sin(x)), 0.0)
    return h_early * early + h_late * late


def current(static: Floats, dynamic: Floats, unit: Mapping[str, float]) -> Floats:
    """Return the current of one afferent: stress in N/mm^2 and its dynamic part in N/s/mm^3."""
    low_pass = butter(3, unit["cutoff_hz"], fs=1000 / STEP_MS)
    slow = lfilter(*low_pass, static)
    fast = lfilter(*low_pass, dynamic)
    change = np.append(np.diff(fast), 0.0)
    total = np.zeros(len(fast))
    for signal, rising, falling in (
        (slow, "w_s", "w_sn"),
        (fast, "w_d", "w_dn"),
        (change, "w_dd", "w_ddn"),
    ):
        total += unit.get(rising, 0.0) * np.maximum(signal, 0)
        total += unit.get(falling, 0.0) * np.maximum(-signal, 0)
    most = unit.get("i_max", 0.0)
    return most * total / (most + np.abs(total)) if most > 0 else total


def spike_times_ms(static: Floats, dynamic: Floats, unit: Mapping[str, float]) -> Floats:
    """Return when an afferent fires, in ms from the start of the first sample, without noise."""
    history = np.append(history_kernel(unit["h_early"], unit["h_late"], 600), 0.0)
    potential, since = 0.0, len(history)
    times = []
    for sample, input_current in enumerate(current(static, dynamic, unit)):
        potential += input_current - potential / unit["tau"] + history[min(since, 600)]
        since += 1
        if potential > 1 and since > REFRACTORY_SAMPLES - 1:
            times.append((sample + 1) * STEP_MS)
            potential, since = 0.0, 0
    return np.array(times)
