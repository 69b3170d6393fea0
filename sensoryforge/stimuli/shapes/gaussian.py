"""A Gaussian footprint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.core.numerics import namespace
from sensoryforge.core.types import Columns, Floats, Positions, Space
from sensoryforge.stimuli.base import bell, footprint
from sensoryforge.stimuli.cautions import Caution, Sheet, footprint_cautions
from sensoryforge.stimuli.ranges import DRIVE, LENGTH, PLACE, Allowed
from sensoryforge.stimuli.shapes.shape import Shape


class Gaussian(Shape):
    """A Gaussian footprint, ``amplitude exp(-r^2 / 2 sigma^2)``.

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

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "amplitude": DRIVE,
        "sigma": LENGTH,
        "center_x": PLACE,
        "center_y": PLACE,
    }

    def space(self, xy: Positions) -> Space:
        """Return the footprint, as high as the amplitude."""
        return footprint(self, xy, self["amplitude"])

    def press(self, x: Floats, y: Floats) -> Floats:
        """Return the footprint at places of the skin."""
        across = self["amplitude"] * bell(x, self["center_x"], self["sigma"])
        return across * bell(y, self["center_y"], self["sigma"])

    def detail_mm(self) -> Floats:
        """Return the standard deviation."""
        return self["sigma"]

    def stills(self, xy: Positions, x: Floats, y: Floats) -> Floats:
        """Return the footprint at several places, as the product of its factors along x and y.

        On a lattice each needs only as many exponentials as there are columns or rows.
        """
        xp = namespace(xy)
        xs, column = xp.unique(xy[:, 0], return_inverse=True)
        ys, row = xp.unique(xy[:, 1], return_inverse=True)
        across = bell(xs - x[:, None], self["center_x"], self["sigma"])
        along = bell(ys - y[:, None], self["center_y"], self["sigma"])
        pressed: Floats = (self["amplitude"] * across)[:, column]
        pressed *= along[:, row]
        return pressed

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Tell a footprint that is off the sheet, between receptors, or flat."""
        return footprint_cautions(columns, sheet)
