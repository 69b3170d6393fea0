"""How strong the stimuli of a design are and how much of their time they change: what an estimate rests on.

A few conditions are looked at on a coarse lattice and a coarse time axis, so that it costs milliseconds for any design.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from sensoryforge.design import Design, Family
from sensoryforge.errors import USERS_FAILURES
from sensoryforge.experiment import Experiment
from sensoryforge.stimuli import stimulus_class
from sensoryforge.types import Floats, Positions

SETTLE_MS = 250.0
"""Until the shipped filters have settled, to the last bit of a float32, on a drive that no longer changes."""
CONDITIONS, SIDE, INSTANTS = 16, 24, 4096
"""Of a family; of the lattice; of the time axis: how many are looked at, at most."""


@dataclass(frozen=True)
class Survey:
    """Averages over stimuli, sheet and time, each as a number.

    ``strength`` is of the square root of the pressure, which spikes grow with; ``moving`` and ``settling`` are shares
    of the time: when the pressure changes, and when it has in the last :data:`SETTLE_MS`.
    """

    strength: float
    moving: float
    settling: float


UNKNOWN = Survey(5.0, 1.0, 1.0)
"""What is assumed of a stimulus that does not separate, or whose class fails."""


def survey(experiment: Experiment) -> Survey:
    """Return the averages over all stimuli of an experiment."""
    families = experiment.design.families
    found = np.array([astuple(_family(family, experiment)) for family in families])
    strength, moving, settling = np.average(found, axis=0, weights=[family.count for family in families]).tolist()
    return Survey(strength, moving, settling)


def _family(family: Family, experiment: Experiment) -> Survey:
    """Return the averages over a family, as far as its class can tell them."""
    chosen = np.unique(np.linspace(0, family.count_conditions - 1, CONDITIONS).astype(np.int64))
    stride = -(-experiment.samples // INSTANTS)
    t_ms: Floats = np.arange(0.0, experiment.samples, stride) * experiment.dt_ms
    try:
        stimulus = stimulus_class(family.target)(Design((family,)).columns(family, chosen))
        if not stimulus.separable:
            return UNKNOWN
        with np.errstate(all="ignore"):
            space = np.nan_to_num(stimulus.space(_lattice(experiment)))
            time = np.nan_to_num(stimulus.time(t_ms, experiment.duration_ms))
    except USERS_FAILURES:
        return UNKNOWN
    strength = float((np.sqrt(np.abs(space)).mean(axis=2) * np.sqrt(np.abs(time)).mean(axis=2)).sum(axis=1).mean())
    changes = (np.diff(time, axis=2, prepend=0.0) != 0).any(axis=1)
    places = np.arange(len(t_ms))
    last = np.maximum.accumulate(np.where(changes, places, -np.inf), axis=1)
    settling = (places - last) * stride * experiment.dt_ms < SETTLE_MS
    return Survey(strength, float(changes.mean()), float(settling.mean()))


def _lattice(experiment: Experiment) -> Positions:
    """Return points all over the sheet, as receptors are, ``[R, 2]`` in mm."""
    sheet = experiment.sheet
    x, y = (np.linspace(-extent / 2, extent / 2, 2 * SIDE + 1)[1::2] for extent in (sheet.width_mm, sheet.height_mm))
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
