"""Shaping: what stimuli are at receptors and samples, once for all repetitions of a condition.

A stimulus that separates is a sum of K products, space [C,K,R] x time [C,K,T], and its movie is
never built; any other gives its pressure as frames [C,T,R]. On a GPU it is shaped there, but for
stimuli whose class computes with NumPy: those are shaped on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np

from sensoryforge.core.types import Columns, Floats, Frames, Ints, Positions, Space, Time
from sensoryforge.design.design import Design
from sensoryforge.design.family import Span
from sensoryforge.stimuli import find_recipe
from sensoryforge.stimuli.blend import Blend
from sensoryforge.stimuli.guarded import GuardedStimuli

ToDevice: TypeAlias = Callable[[Any], Any]
"""Brings an array to where stimuli are shaped and innervated: on a GPU, as a tensor."""


@dataclass(frozen=True)
class Points:
    """Where and when stimuli are looked at.

    Parameters
    ----------
    xy_mm
        The receptors, [R,2].
    t_ms
        The samples, [T].
    duration_ms
        How long a stimulus is.
    """

    xy_mm: Positions
    t_ms: Floats
    duration_ms: float

    def factors(self, stimulus: GuardedStimuli) -> tuple[Space, Time]:
        """Return the factors of a stimulus in space [C,K,R] and in time [C,K,T]."""
        # What overflows is reported as a drive that is not finite; NumPy need not warn as well.
        with np.errstate(over="ignore", invalid="ignore"):
            return stimulus.factors(self.xy_mm, self.t_ms, self.duration_ms)

    def frames(self, stimulus: GuardedStimuli, first: int = 0, stop: int | None = None) -> Frames:
        """Return the pressure of a stimulus [C,T,R], of all samples or of some."""
        return stimulus.frames(self.xy_mm, self.t_ms[first:stop], self.duration_ms)

    def frames_of(self, stimulus: GuardedStimuli, condition: int, first: int, stop: int) -> Floats:
        """Return the pressure of one condition of a stimulus at some samples, [T,R]."""
        return stimulus.frames_of(condition, self.xy_mm, self.t_ms[first:stop], self.duration_ms)

    def blend(self, stimulus: GuardedStimuli, condition: int) -> Blend:
        """Return the pressure of one condition of a stimulus as a blend of stills [J,R]."""
        with np.errstate(over="ignore", invalid="ignore"):
            return stimulus.blend(condition, self.xy_mm, self.t_ms, self.duration_ms)


@dataclass(frozen=True)
class Shaped:
    """C conditions of one type of stimulus, and the B stimuli that repeat them.

    Parameters
    ----------
    stimulus
        The conditions.
    rows
        The condition of each stimulus, [B].
    space, time
        Their factors at the pooled receptors, [C,K,R] and [C,K,T]; None where they do not separate.
    of_neurons
        Numbers of afferents that the stimuli have, [B] each.
    """

    stimulus: GuardedStimuli
    rows: Ints
    space: Space | None = None
    time: Time | None = None
    of_neurons: Columns = field(default_factory=dict)

    @property
    def terms(self) -> int:
        """The number of separable terms K; 0 for frames."""
        return 0 if self.space is None else self.space.shape[1]


def shape_span(
    span: Span,
    design: Design,
    points: Points,
    to_device: ToDevice,
    *,
    most_terms: int | None = None,
) -> Shaped:
    """Return neighbouring stimuli of one family at some receptors and samples.

    Where there are more terms than ``most_terms``, what presses changes its shape: such stimuli
    are asked for frames.
    """
    conditions, rows = span.family.distinct_stimuli(span.condition)
    columns = design.columns(span.family, conditions)
    of_neurons = design.columns_of_neurons(span.family, span.condition)
    recipe = find_recipe(span.family.target, span.family.parts)
    stimulus = GuardedStimuli(recipe, columns, to_device)
    if not stimulus.separable:
        return Shaped(stimulus, rows, of_neurons=of_neurons)
    space, time = points.factors(stimulus)
    if most_terms is not None and space.shape[1] > most_terms:
        return Shaped(stimulus, rows, of_neurons=of_neurons)
    return Shaped(stimulus, rows, space, time, of_neurons)


def group_by_terms(shaped: Iterable[Shaped]) -> Iterator[list[Shaped]]:
    """Yield neighbours with equally many terms, which go through a kernel together.

    They are shaped one after the other, so that no more than a group of them is held.
    """
    for _, group in groupby(shaped, key=lambda conditions: conditions.terms):
        yield list(group)


def condition_rows(group: list[Shaped]) -> Ints:
    """Return the condition of each stimulus of a group, counted through the whole group, [B]."""
    rows = []
    conditions_before = 0
    for shaped in group:
        rows.append(shaped.rows + conditions_before)
        conditions_before += shaped.stimulus.count
    return np.concatenate(rows)


def failed_rows(group: list[Shaped]) -> dict[int, str]:
    """Return the stimuli of a group whose class failed: row -> what it raised."""
    failed: dict[int, str] = {}
    rows_before = 0
    for shaped in group:
        for condition, message in shaped.stimulus.errors.items():
            repetitions = np.flatnonzero(shaped.rows == condition).tolist()
            for row in repetitions:
                failed[rows_before + row] = message
        rows_before += len(shaped.rows)
    return failed
