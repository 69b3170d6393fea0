"""A rigid ball, which touches more skin the deeper it is pressed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.core.numerics import namespace, root
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.cautions import Caution, Sheet, reach_cautions
from sensoryforge.stimuli.ranges import DRIVE, LENGTH, PLACE, Allowed
from sensoryforge.stimuli.shapes.shape import Shape


class Sphere(Shape):
    """A ball, ``amplitude - (R - sqrt(R^2 - r^2))`` where that is above zero.

    Its amplitude is how deep its lowest point is below the skin at rest. It is a geometry in mm:
    without a skin that deforms its drive is that depth, as a plain number.

    Parameters
    ----------
    columns
        ``amplitude`` (depth in mm), ``radius_mm``, ``center_x``, ``center_y`` (mm), each ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"amplitude": 0.5, "radius_mm": 2.0, "center_x": 0.0, "center_y": 0.0}
    >>> ball = Sphere({name: np.array([value]) for name, value in values.items()})
    >>> ball.space(np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])).round(3).tolist()
    [[[0.5, 0.232, 0.0]]]
    """

    tensors = True
    separable: ClassVar[bool] = False
    in_proportion: ClassVar[bool] = False

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "amplitude": DRIVE,
        "radius_mm": LENGTH,
        "center_x": PLACE,
        "center_y": PLACE,
    }

    def press(self, x: Floats, y: Floats) -> Floats:
        """Return how deep the ball is at places of the skin."""
        across = x - self["center_x"]
        along = y - self["center_y"]
        radius = self["radius_mm"]
        square = radius * radius - (across * across + along * along)
        xp = namespace(square)
        rise = radius - root(xp.clip(square, 0.0, None))
        sunk = xp.clip(self["amplitude"] - rise, 0.0, None)
        depth: Floats = xp.where(square > 0.0, sunk, 0.0)
        return depth

    def reach_mm(self) -> Floats:
        """Return the radius: farther out the ball never touches."""
        return self["radius_mm"]

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Tell a ball that is off the sheet, or is smaller than the distance of receptors."""
        radius = columns["radius_mm"]
        return reach_cautions(columns, radius, "radius_mm", 2.0 * radius, sheet)
