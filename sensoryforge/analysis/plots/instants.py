"""At which instants a stimulus is shown: while it presses, and when it presses most."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from sensoryforge.core.types import Bools, Floats, Ints

_BLANK = 0.02
"""Share of the highest drive up to which a sheet is blank."""
_MOST_BLANK = 0.5
"""Share of frames that may be blank before others are chosen."""
_FAINT = 0.5
"""Share of the highest drive of its time below which an instant is replaced by the highest."""


def is_pressed(course: Floats) -> Bools:
    """Tell at which samples there is anything on the sheet.

    Parameters
    ----------
    course
        The highest drive on the sheet, ``[T]``, in whatever unit.

    Examples
    --------
    >>> is_pressed(np.array([0.0, 0.1, 30.0, 20.0])).tolist()
    [False, False, True, True]
    """
    strength = np.abs(course)
    pressed: Bools = strength > _BLANK * max(float(strength.max()), 1e-12)
    return pressed


def spread(count: int, total: int) -> Ints:
    """Return some samples of a total, evenly spaced from the first to the last.

    >>> spread(3, 60).tolist()
    [0, 30, 59]
    """
    evenly = np.linspace(0, total - 1, min(count, total))
    return np.rint(evenly).astype(np.int64)


def telling(course: Floats, count: int) -> Ints:
    """Return the samples at which a stimulus is seen best, ascending.

    The time from the first to the last sample with anything on the sheet is cut into parts. Of each
    it is the middle, or the highest where the middle shows less than half of it: between two
    pulses, or where a vibration passes zero.

    Parameters
    ----------
    course
        The highest drive on the sheet, ``[T]``.
    count
        How many, at most; of a short touch there are fewer.

    Examples
    --------
    >>> telling(np.array([0, 0, 9, 9, 9, 9, 9, 9, 0.0]), 3).tolist()
    [3, 5, 7]
    >>> telling(np.zeros(60), 3).tolist()
    [0, 30, 59]
    """
    pressed = np.flatnonzero(is_pressed(course))
    if not len(pressed):
        return spread(count, len(course))
    strength = np.abs(course)
    first, end = int(pressed[0]), int(pressed[-1]) + 1
    edges = np.linspace(first, end, min(count, end - first) + 1).astype(np.int64)
    chosen = []
    for start, stop in pairwise(edges.tolist()):
        middle = (start + stop) // 2
        highest = start + int(strength[start:stop].argmax())
        is_faint = strength[middle] < _FAINT * strength[highest]
        chosen.append(highest if is_faint else middle)
    return np.array(chosen, dtype=np.int64)


def of_movie(course: Floats, count: int) -> Ints:
    """Return the samples of a movie's frames.

    They are evenly spaced from the first sample to the last; where half of the frames would be
    blank, for a shape has left the sheet or vibrates, they are the telling ones.

    Parameters
    ----------
    course
        The highest drive on the sheet, ``[T]``.
    count
        How many frames, at most T.

    Examples
    --------
    >>> of_movie(np.ones(60), 3).tolist()
    [0, 30, 59]
    >>> of_movie(np.array([0, 0, 0, 0, 0, 7.0, 7, 7, 7, 0, 0, 0]), 4).tolist()
    [5, 6, 7, 8]
    """
    evenly = spread(count, len(course))
    blank = ~is_pressed(course)[evenly]
    if not is_pressed(course).any() or blank.mean() < _MOST_BLANK:
        return evenly
    return telling(course, count)
