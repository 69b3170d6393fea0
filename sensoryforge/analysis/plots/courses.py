"""The drive over time, at the receptors that tell most of a stimulus."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

import sensoryforge.analysis.plots.scene as scene
from sensoryforge.analysis.measures import sample_count

if TYPE_CHECKING:
    from sensoryforge.analysis.results import Results
    from sensoryforge.core.types import Floats, Ints

_UNTOUCHED = 0.02
"""Share of the highest drive up to which a receptor is not touched."""


def time_course(results: Results, row: int) -> Floats:
    """Return the drive over time, ``[T]``, at the receptor where it is highest at some time.

    Examples
    --------
    >>> time_course(results, 0).shape
    (60,)
    """
    of_receptors = _at_receptors(results, row)
    most_driven = of_receptors.max(axis=0).argmax()
    course: Floats = of_receptors[:, most_driven]
    return course


def highest_course(results: Results, row: int) -> Floats:
    """Return the highest drive on the sheet at each sample, ``[T]``."""
    total = sample_count(results)
    images = scene.frames(results, row, np.arange(total))
    strongest: Floats = np.abs(images).reshape(total, -1).max(axis=1)
    return strongest


def courses_on_its_way(results: Results, row: int, most: int = 5) -> tuple[Floats, Floats]:
    """Return the drive of a stimulus that moves: the highest on the sheet, and at receptors.

    The time during which it presses is cut into stretches; of each the receptor is taken that is
    pressed most, and has its highest drive then.

    Parameters
    ----------
    results
        The dataset.
    row
        Which stimulus: a row of ``results.table``.
    most
        How many receptors at most.

    Returns
    -------
    highest
        The highest drive on the sheet at each sample, ``[T]``.
    courses
        The drive at receptors along its way, ``[R, T]``, in the order in which they are touched.

    Examples
    --------
    >>> highest, courses = courses_on_its_way(results, 0)
    >>> highest.shape, bool((courses <= highest).all())
    ((60,), True)
    """
    of_receptors = _at_receptors(results, row)
    highest: Floats = of_receptors.max(axis=1)
    peaks = of_receptors.max(axis=0)
    # A drive that stays at its height for a while has its peak in the middle of it.
    is_high = of_receptors >= 0.98 * peaks
    peak_samples = (is_high * np.arange(len(highest))[:, None]).sum(axis=0) / is_high.sum(axis=0)
    is_touched = peaks > _UNTOUCHED * max(float(peaks.max()), 1e-12)
    pressed = np.flatnonzero(highest > _UNTOUCHED * max(float(highest.max()), 1e-12))
    if not len(pressed):
        return highest, of_receptors[:, :0].T
    edges = np.linspace(pressed[0], pressed[-1] + 1, most + 1)
    receptors = []
    for start, stop in pairwise(edges.tolist()):
        then = np.flatnonzero(is_touched & (peak_samples >= start) & (peak_samples < stop))
        if len(then):
            receptors.append(_most_pressed(then, peaks, peak_samples, (start + stop) / 2))
    return highest, of_receptors[:, receptors].T


def _most_pressed(receptors: Ints, peaks: Floats, peak_samples: Floats, middle: float) -> int:
    """Return the receptor with the highest drive; of several the one nearest to an instant."""
    highest = peaks[receptors].max()
    likewise = receptors[peaks[receptors] >= 0.98 * highest]
    nearest = np.abs(peak_samples[likewise] - middle).argmin()
    return int(likewise[nearest])


def _at_receptors(results: Results, row: int) -> Floats:
    """Return the drive at the receptors at every sample, ``[T, R]``; of a large grid, at some."""
    samples = np.arange(sample_count(results))
    return scene.at_receptors(results, row, samples)
