"""The integration step: how long it may be, and how many a sample needs.

Equations are integrated by forward Euler. Long steps lose spikes: Izhikevich's fast-spiking neuron
at a drive of 20 fires 315 spikes per s with steps of 0.01 ms, 304 with 0.1 ms, 251 with 0.5 ms and
201 with 1 ms. Equations that were fitted to recordings are another matter: their numbers include
the step that they were fitted at, and they name it (``step_ms``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from sensoryforge.equations.block import Block

STEP_MS = 0.1
"""The longest integration step that loses next to no spikes, in ms; automatic steps keep to it."""
INTEGRATORS = ("euler", "exact")
"""How filters are stepped: see :mod:`sensoryforge.equations.linear`."""

_ROUNDING = 1e-9  # 1.1 / 0.1 is a little more than 11 in binary, and still takes 11 steps


def auto_substeps(dt_ms: float, step_ms: float | None = None) -> int:
    """Return the fewest steps in a sample that keep each at 0.1 ms or below.

    Parameters
    ----------
    dt_ms
        Length of a sample in ms.
    step_ms
        The step that the equations were fitted at, where they were: then it is that one.

    Examples
    --------
    >>> auto_substeps(0.5), auto_substeps(0.01), auto_substeps(0.6, step_ms=0.2)
    (5, 1, 3)
    """
    if step_ms is not None:
        return max(1, round(dt_ms / step_ms))
    return max(1, math.ceil(dt_ms / STEP_MS - _ROUNDING))


def is_coarse(step_ms: float) -> bool:
    """Return whether an integration step is so long that it loses spikes.

    Examples
    --------
    >>> is_coarse(0.5), is_coarse(0.1)
    (True, False)
    """
    return step_ms > STEP_MS + _ROUNDING


def is_multiple(dt_ms: float, step_ms: float) -> bool:
    """Return whether a sample is a whole number of steps.

    Examples
    --------
    >>> is_multiple(0.6, 0.2), is_multiple(0.5, 0.2), is_multiple(0.1, 0.2)
    (True, False, False)
    """
    steps = dt_ms / step_ms
    return steps > 0.5 and abs(steps - round(steps)) <= _ROUNDING * steps


def fitted_step_ms(blocks: Iterable[Block]) -> float | None:
    """Return the step in ms that equations were fitted at; None where any will do.

    Parameters
    ----------
    blocks
        Filter and model of one population; those that name a step name the same.
    """
    for block in blocks:
        if block.step_ms is not None:
            return block.step_ms
    return None


def loses_spikes(blocks: Iterable[Block], step_ms: float) -> bool:
    """Return whether an integration step is too long for equations that were not fitted at it."""
    unfitted = [block for block in blocks if block.step_ms is None and block.derivatives]
    return is_coarse(step_ms) and bool(unfitted)
