"""A bar with rounded rims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from sensoryforge.core.numerics import namespace
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.cautions import Caution, Sheet, reach_cautions
from sensoryforge.stimuli.ranges import ANGLE, DRIVE, LENGTH, PLACE, RIM, Allowed
from sensoryforge.stimuli.shapes.shape import Shape, reach_of_rectangle, rim, turned


class Bar(Shape):
    """A flat bar: ``amplitude`` within its border, zero outside, a smooth step between.

    Parameters
    ----------
    columns
        ``amplitude`` (model drive), ``length_mm``, ``width_mm``, ``orientation`` (degrees; the
        direction of its length), ``edge_mm`` (width of the rim, whose middle is the border),
        ``center_x``, ``center_y`` (mm), each ``[C]``.

    Examples
    --------
    >>> values = {"amplitude": 30.0, "length_mm": 4.0, "width_mm": 1.0, "orientation": 90.0}
    >>> values |= {"edge_mm": 0.3, "center_x": 0.0, "center_y": 0.0}
    >>> bar = Bar({name: np.array([value]) for name, value in values.items()})
    >>> bar.space(np.array([[0.0, 1.5], [0.5, 1.5], [1.5, 0.0]])).tolist()
    [[[30.0, 15.0, 0.0]]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "amplitude": DRIVE,
        "length_mm": LENGTH,
        "width_mm": LENGTH,
        "orientation": ANGLE,
        "edge_mm": RIM,
        "center_x": PLACE,
        "center_y": PLACE,
    }

    def press(self, x: Floats, y: Floats) -> Floats:
        """Return the bar at places of the skin."""
        xp = namespace(x)
        along, across = turned(x - self["center_x"], y - self["center_y"], self.axes)
        pressed = rim(0.5 * self["width_mm"] - xp.abs(across), self["edge_mm"])
        pressed *= rim(0.5 * self["length_mm"] - xp.abs(along), self["edge_mm"])
        pressed *= self["amplitude"]
        return pressed

    def detail_mm(self) -> Floats:
        """Return the width of the rim."""
        return self["edge_mm"]

    def reach_mm(self) -> Floats:
        """Return the distances of its outer corners along x and y."""
        length = self["length_mm"] + self["edge_mm"]
        width = self["width_mm"] + self["edge_mm"]
        return reach_of_rectangle(length, width, self.axes)

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Tell a bar that is off the sheet, or lies between receptors."""
        length = columns["length_mm"] + columns["edge_mm"]
        width = columns["width_mm"] + columns["edge_mm"]
        radius = 0.5 * np.hypot(length, width)
        return reach_cautions(columns, radius, "width_mm", columns["width_mm"], sheet)
