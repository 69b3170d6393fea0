"""What a motion is: how a shape moves over the skin.

A new motion is a subclass of `Motion` with ``ranges`` and ``place`` (its speed and its start in
time are as for any other), and a YAML file in ``conf/motion`` with its defaults.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from sensoryforge.core.numerics import divide, namespace
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.cautions import Sheet
from sensoryforge.stimuli.conditions import Conditions
from sensoryforge.stimuli.profiles.timing import late_onsets


class Motion(Conditions):
    """Motions of one kind: a path, and how far along it a shape is at each instant.

    Examples
    --------
    A zigzag, as a user would write it:

    >>> import numpy as np
    >>> from sensoryforge.stimuli import INSTANT, SPEED
    >>> class Zigzag(Motion):
    ...     ranges = {"speed_mm_s": SPEED, "onset_ms": INSTANT}
    ...     def place(self, distance_mm):
    ...         return distance_mm, abs(distance_mm % 2.0 - 1.0)
    >>> values = {"speed_mm_s": np.array([20.0]), "onset_ms": np.array([0.0])}
    >>> zigzag = Zigzag(values)
    >>> x, y = zigzag.place(zigzag.distance(np.array([0.0, 50.0])))
    >>> x.tolist(), y.tolist()
    ([[0.0, 1.0]], [[1.0, 0.0]])
    """

    leads: ClassVar[tuple[str, ...]] = ()
    """The parameters that say where its way lies, for the advice where that misses the sheet."""
    unfinished: ClassVar[str] = "is not through"
    """What it is like before `ends_ms`, in words."""

    @abstractmethod
    def place(self, distance_mm: Floats) -> tuple[Floats, Floats]:
        """Return where the shape is, from where it rests.

        Parameters
        ----------
        distance_mm
            How far along its path it is, ``[C, J]``. A shape is worked out a little beyond both
            ends of its way too, so that it may be below zero by half of the shape's finest detail.

        Returns
        -------
        x, y
            ``[C, J]`` each, in mm.
        """

    def distance(self, t_ms: Floats) -> Floats:
        """Return how far along its path the shape is at each sample, ``[C, T]`` in mm.

        By default it stands until ``onset_ms`` and then moves at ``speed_mm_s``.
        """
        moving_ms = namespace(t_ms).clip(t_ms - self["onset_ms"], 0.0, None)
        return divide(moving_ms, 1000.0) * self["speed_mm_s"]

    @classmethod
    def ends_ms(cls, columns: Columns, x_mm: Floats, y_mm: Floats, sheet: Sheet) -> Floats:
        """Return when a motion is through, ``[C]`` since it began; by default it never is.

        A run that is over before warns of it. A class says so for itself, not for its subclasses:
        those may take another way.

        Parameters
        ----------
        columns
            Parameter -> its value in each condition, ``[C]``, each in its range already.
        x_mm, y_mm
            Where the shape rests, ``[C]``; NaN for one that has no place, as a texture.
        sheet
            What it presses on.

        Examples
        --------
        >>> from sensoryforge.stimuli import Circle, Sheet
        >>> place = np.zeros(1)
        >>> Circle.ends_ms({"speed_mm_s": np.ones(1)}, place, place, Sheet(4.8, 4.8, 0.15)).tolist()
        [inf]
        """
        return np.full(len(x_mm), np.inf)

    @classmethod
    def arrives_ms(cls, columns: Columns, x_mm: Floats, y_mm: Floats, sheet: Sheet) -> Floats:
        """Return from when on a motion may be cut off, ``[C]``: by default when it is through.

        Where the end of a run is later, the motion is taken to end where it was meant to, and no
        run warns of it. Parameters and what is returned are those of `ends_ms`.
        """
        return cls.ends_ms(columns, x_mm, y_mm, sheet)

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse a motion that starts when the stimulus is over."""
        if "onset_ms" not in columns:
            return []
        return late_onsets(columns["onset_ms"], duration_ms)
