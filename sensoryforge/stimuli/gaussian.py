"""A Gaussian indentation, on from the first sample to the last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.core.types import Columns, Floats, Positions, Space, Time
from sensoryforge.stimuli.base import DRIVE, LENGTH, PLACE, Range, Stimulus, footprint, steady
from sensoryforge.stimuli.cautions import Caution, Sheet, footprint_cautions


class Gaussian(Stimulus):
    """A static Gaussian indentation, ``amplitude exp(-r^2 / 2 sigma^2)``.

    r is the distance from ``center_x``, ``center_y``.

    Parameters
    ----------
    columns
        ``amplitude`` (model drive), ``sigma``, ``center_x``, ``center_y`` (mm), each ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"amplitude": 30.0, "sigma": 0.5, "center_x": 0.0, "center_y": 0.0}
    >>> press = Gaussian({name: np.array([value]) for name, value in values.items()})
    >>> press.space(np.zeros((1, 2))).tolist()
    [[[30.0]]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Range]] = {
        "amplitude": DRIVE,
        "sigma": LENGTH,
        "center_x": PLACE,
        "center_y": PLACE,
    }

    def space(self, xy: Positions) -> Space:
        """Return the footprint, as high as the amplitude."""
        return footprint(self, xy, self["amplitude"])

    def time(self, t_ms: Floats, duration_ms: float) -> Time:
        """Return ones."""
        return steady(self, t_ms)

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Tell a footprint that is off the sheet, between receptors, or flat."""
        return footprint_cautions(columns, sheet)
