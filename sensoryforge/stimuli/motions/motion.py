"""What a motion is: how a shape moves over the skin.

A new motion is a subclass of `Motion` with ``ranges`` and ``place`` (its speed and its start in
time are as for any other), and a YAML file in ``conf/motion`` with its defaults.
"""

from __future__ import annotations

from abc import abstractmethod

from sensoryforge.core.numerics import divide, namespace
from sensoryforge.core.types import Columns, Floats
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
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse a motion that starts when the stimulus is over."""
        if "onset_ms" not in columns:
            return []
        return late_onsets(columns["onset_ms"], duration_ms)
