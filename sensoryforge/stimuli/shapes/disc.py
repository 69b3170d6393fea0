"""A flat round probe with a rounded rim."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.base import Punches
from sensoryforge.stimuli.cautions import Caution, Sheet, reach_cautions
from sensoryforge.stimuli.ranges import DRIVE, LENGTH, PLACE, RIM, Allowed
from sensoryforge.stimuli.shapes.shape import Shape, rim


class Disc(Shape):
    """A disc: ``amplitude`` within its border, zero outside, a smooth step between.

    Parameters
    ----------
    columns
        ``amplitude`` (model drive), ``diameter_mm``, ``edge_mm`` (width of the rim, whose middle
        is the border), ``center_x``, ``center_y`` (mm), each ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"amplitude": 30.0, "diameter_mm": 2.0, "edge_mm": 0.3}
    >>> values |= {"center_x": 0.0, "center_y": 0.0}
    >>> disc = Disc({name: np.array([value]) for name, value in values.items()})
    >>> disc.space(np.array([[0.0, 0.0], [1.0, 0.0], [1.5, 0.0]])).tolist()
    [[[30.0, 15.0, 0.0]]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "amplitude": DRIVE,
        "diameter_mm": LENGTH,
        "edge_mm": RIM,
        "center_x": PLACE,
        "center_y": PLACE,
    }

    def press(self, x: Floats, y: Floats) -> Floats:
        """Return the disc at places of the skin."""
        across = x - self["center_x"]
        along = y - self["center_y"]
        radius = 0.5 * self["diameter_mm"]
        # At the border this is the distance from it. Libraries round square roots differently.
        inside = (radius * radius - (across * across + along * along)) / self["diameter_mm"]
        return self["amplitude"] * rim(inside, self["edge_mm"])

    @classmethod
    def punches(cls, columns: Columns) -> Punches:
        """Return the discs as rigid probes, which have no rounded rim."""
        return Punches(
            depth_mm=columns["amplitude"],
            radius_mm=0.5 * columns["diameter_mm"],
            x_mm=columns["center_x"],
            y_mm=columns["center_y"],
        )

    def detail_mm(self) -> Floats:
        """Return the width of the rim."""
        return self["edge_mm"]

    def reach_mm(self) -> Floats:
        """Return the outer radius of the rim."""
        reach: Floats = 0.5 * (self["diameter_mm"] + self["edge_mm"])
        return reach

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Tell a disc that is off the sheet, or lies between receptors."""
        radius = 0.5 * (columns["diameter_mm"] + columns["edge_mm"])
        return reach_cautions(columns, radius, "diameter_mm", columns["diameter_mm"], sheet)
