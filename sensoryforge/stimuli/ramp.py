"""A ramp: a Gaussian footprint loaded linearly over the whole duration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.core.numerics import divide
from sensoryforge.core.types import Columns, Floats, Positions, Space, Time
from sensoryforge.stimuli.base import DRIVE, LENGTH, PLACE, Range, Stimulus, footprint
from sensoryforge.stimuli.cautions import Caution, Sheet, footprint_cautions


class Ramp(Stimulus):
    """A Gaussian footprint whose height is ``initial + (final - initial) t / duration``.

    Parameters
    ----------
    columns
        ``initial``, ``final`` (model drive), ``sigma``, ``center_x``, ``center_y`` (mm), each
        ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"initial": 0.0, "final": 30.0, "sigma": 0.5, "center_x": 0.0, "center_y": 0.0}
    >>> ramp = Ramp({name: np.array([value]) for name, value in values.items()})
    >>> ramp.time(np.array([0.0, 50.0]), duration_ms=100.0).tolist()
    [[[0.0, 15.0]]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Range]] = {
        "initial": DRIVE,
        "final": DRIVE,
        "sigma": LENGTH,
        "center_x": PLACE,
        "center_y": PLACE,
    }

    def space(self, xy: Positions) -> Space:
        """Return the footprint, of height one."""
        return footprint(self, xy)

    def time(self, t_ms: Floats, duration_ms: float) -> Time:
        """Return the height over time."""
        rise = self["final"] - self["initial"]
        height = self["initial"] + rise * divide(t_ms, duration_ms)
        return height[:, None, :]

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Tell a footprint that is off the sheet, between receptors, or flat."""
        return footprint_cautions(columns, sheet)
