"""A raised-cosine grating over the whole sheet, on from the first sample to the last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.core.numerics import cos_turns, divide, sin_turns
from sensoryforge.core.types import Columns, Floats, Positions, Space, Time
from sensoryforge.stimuli.base import DRIVE, LENGTH, Range, Stimulus, steady
from sensoryforge.stimuli.cautions import Caution, Sheet, ridge_cautions


class Grating(Stimulus):
    """Ridges in the shape of a raised cosine, one of them through the centre of the sheet.

    ``amplitude (1 + cos(2 pi u / wavelength)) / 2``, where ``u = x cos o + y sin o`` is the place
    along the direction across the ridges, ``orientation`` o.

    Parameters
    ----------
    columns
        ``amplitude`` (model drive), ``wavelength`` (mm), ``orientation`` (degrees), each ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"amplitude": 30.0, "wavelength": 1.0, "orientation": 0.0}
    >>> ridges = Grating({name: np.array([value]) for name, value in values.items()})
    >>> ridges.space(np.array([[0.0, 0.0], [0.5, 0.0], [1.0, 2.0]])).tolist()
    [[[30.0, 0.0, 30.0]]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Range]] = {
        "amplitude": DRIVE,
        "wavelength": LENGTH,
        "orientation": Range("degrees"),
    }

    def space(self, xy: Positions) -> Space:
        """Return the ridges."""
        turns = divide(self["orientation"], 360.0)
        across = xy[:, 0] * cos_turns(turns) + xy[:, 1] * sin_turns(turns)
        ridges = cos_turns(across / self["wavelength"])
        ridges += 1.0
        ridges *= 0.5 * self["amplitude"]
        return ridges[:, None, :]

    def time(self, t_ms: Floats, duration_ms: float) -> Time:
        """Return ones."""
        return steady(self, t_ms)

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Tell ridges that are finer than the receptors, or flat."""
        return ridge_cautions(columns["wavelength"], sheet)
