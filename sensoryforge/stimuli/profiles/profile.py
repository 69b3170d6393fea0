"""What a profile is: how far a shape is pressed in, over time.

A new profile is a subclass of `Profile` with ``ranges`` and ``height``, and a YAML file in
``conf/profile`` with its defaults.
"""

from __future__ import annotations

from abc import abstractmethod

from sensoryforge.core.numerics import cos_turns, namespace
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.base import TIME_TOLERANCE_MS
from sensoryforge.stimuli.cautions import Caution
from sensoryforge.stimuli.conditions import Conditions
from sensoryforge.stimuli.span import Span

SHORTEST_MS = 1e-9
"""A rise that takes less is over at once."""


class Profile(Conditions):
    """Profiles of one kind: a factor over time, with which the amplitude of a shape is multiplied.

    Examples
    --------
    A decay, as a user would write it:

    >>> import numpy as np
    >>> from sensoryforge.stimuli import Range
    >>> class Decay(Profile):
    ...     ranges = {"half_ms": Range("ms", low=0.0, low_open=True)}
    ...     def height(self, t_ms, duration_ms):
    ...         return 0.5 ** (t_ms / self["half_ms"])
    >>> Decay({"half_ms": np.array([10.0])}).height(np.array([0.0, 20.0]), 30.0).tolist()
    [[1.0, 0.25]]
    """

    @abstractmethod
    def height(self, t_ms: Floats, duration_ms: float) -> Floats:
        """Return the factor at each sample, ``[C, T]``; one is the whole amplitude.

        Parameters
        ----------
        t_ms
            When each sample starts, ``[T]``, the first at 0.
        duration_ms
            How long the stimulus is.
        """

    @classmethod
    def pulls(cls, columns: Columns) -> list[str]:
        """Return a line for each profile that would pull the skin; by default none does.

        Only a rigid probe that is glued to the skin can (`sensoryforge.skin.mechanics`).

        Parameters
        ----------
        columns
            Parameter -> its value in each condition, ``[C]``, each in its range already.

        Examples
        --------
        >>> from sensoryforge.stimuli import Hold
        >>> Hold.pulls({})
        []
        """
        return []

    @classmethod
    def cautions_in_time(cls, columns: Columns, span: Span) -> list[Caution]:
        """Return which courses the run cuts off, or samples too coarsely; nothing by default.

        A run warns of them before it begins. A class says so for itself, not for its subclasses:
        those may take another course.

        Parameters
        ----------
        columns
            Parameter -> its value in each condition, ``[C]``, each in its range already.
        span
            How long the run is, when conditions begin, and how far samples are apart.

        Examples
        --------
        >>> import numpy as np
        >>> from sensoryforge.stimuli import Sine, Span
        >>> hum = {"frequency_hz": np.array([2000.0]), "depth": np.ones(1), "onset_ms": np.ones(1)}
        >>> cautions = Sine.cautions_in_time(hum, Span(run_ms=300.0, dt_ms=0.5))
        >>> [caution.parameter for caution in cautions if caution.conditions.any()]
        ['frequency_hz']
        """
        return []


def risen(since_ms: Floats, rise_ms: Floats) -> Floats:
    """Return how far something has risen on a straight line, from zero to one.

    Parameters
    ----------
    since_ms
        Time since it began to rise; before that it is negative, ``[C, T]``.
    rise_ms
        How long it takes; zero is at once.

    Examples
    --------
    >>> import numpy as np
    >>> risen(np.array([[-1.0, 0.0, 5.0, 20.0]]), np.array([[10.0]])).tolist()
    [[0.0, 0.0, 0.5, 1.0]]
    >>> risen(np.array([[-1.0, 0.0, 5.0]]), np.array([[0.0]])).tolist()
    [[0.0, 1.0, 1.0]]
    """
    xp = namespace(since_ms)
    part = xp.clip(since_ms / xp.clip(rise_ms, SHORTEST_MS, None), 0.0, 1.0)
    # Samples lie at multiples of dt, which round: a step is not to be missed by a hair.
    at_once = xp.asarray(since_ms >= -TIME_TOLERANCE_MS, dtype=xp.float64)
    height: Floats = xp.where(rise_ms > SHORTEST_MS, part, at_once)
    return height


def eased(t_ms: Floats, onset_ms: Floats) -> Floats:
    """Return a rise from zero to one along half a cosine, which starts and ends level.

    Parameters
    ----------
    t_ms
        Time, ``[T]`` or ``[C, T]``.
    onset_ms
        How long the rise takes, ``[C, 1]``; zero is at once.

    Examples
    --------
    >>> import numpy as np
    >>> eased(np.array([0.0, 5.0, 10.0]), np.array([[10.0]])).tolist()
    [[0.0, 0.5, 1.0]]
    """
    return 0.5 * (1.0 - cos_turns(0.5 * risen(t_ms + 0.0 * onset_ms, onset_ms)))
