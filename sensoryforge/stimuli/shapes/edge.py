"""An edge: a half-plane that presses on one side of a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.core.numerics import cos_turns, sin_turns
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.cautions import Caution, Sheet, edge_cautions
from sensoryforge.stimuli.ranges import ANGLE, DRIVE, PLACE, RIM, Allowed
from sensoryforge.stimuli.shapes.shape import Shape, rim, turned


class Edge(Shape):
    """A half-plane: ``amplitude`` on the left of a line, zero on its right, a smooth step between.

    Parameters
    ----------
    columns
        ``amplitude`` (model drive), ``orientation`` (degrees; the direction of the line, to the
        left of which lies the half-plane), ``edge_mm`` (width of the step), ``center_x``,
        ``center_y`` (mm; a place on the line), each ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"amplitude": 30.0, "orientation": 0.0, "edge_mm": 0.3}
    >>> values |= {"center_x": 0.0, "center_y": 0.0}
    >>> edge = Edge({name: np.array([value]) for name, value in values.items()})
    >>> edge.space(np.array([[0.0, 1.0], [0.0, 0.0], [0.0, -1.0]])).tolist()
    [[[30.0, 15.0, 0.0]]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "amplitude": DRIVE,
        "orientation": ANGLE,
        "edge_mm": RIM,
        "center_x": PLACE,
        "center_y": PLACE,
    }

    def press(self, x: Floats, y: Floats) -> Floats:
        """Return the half-plane at places of the skin."""
        _, inside = turned(x - self["center_x"], y - self["center_y"], self.axes)
        return self["amplitude"] * rim(inside, self["edge_mm"])

    def detail_mm(self) -> Floats:
        """Return the width of the step."""
        return self["edge_mm"]

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Tell a half-plane that begins beyond the sheet."""
        turns = columns["orientation"] / 360.0
        left_of_it = (-sin_turns(turns), cos_turns(turns))
        return edge_cautions(columns, left_of_it, 0.5 * columns["edge_mm"], sheet)
