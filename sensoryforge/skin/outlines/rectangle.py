"""A rectangle of skin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sensoryforge.core.types import Bools, Positions
from sensoryforge.skin.outlines.base import Outline, check_outline


@dataclass(frozen=True)
class Rectangle(Outline):
    """A rectangle, most often as one of several regions.

    Parameters
    ----------
    width_mm, height_mm
        Extent along x and along y.
    center_mm
        Where its middle lies, from the middle of the sheet.

    Raises
    ------
    ConfigError
        For a length that is not above zero.

    Examples
    --------
    >>> pad = Rectangle(4.0, 2.0, center_mm=(1.0, 0.0))
    >>> pad.area_mm2, pad.contains(np.array([[3.0, 1.0], [-1.5, 0.0]])).tolist()
    (8.0, [True, False])
    """

    width_mm: float = 4.0
    height_mm: float = 4.0
    center_mm: Sequence[float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        check_outline(self.center_mm, width_mm=self.width_mm, height_mm=self.height_mm)

    @property
    def area_mm2(self) -> float:
        """How much skin it holds, in mm2."""
        return self.width_mm * self.height_mm

    def contains(self, xy_mm: Positions) -> Bools:
        """Tell which places lie inside, ``[N]``."""
        x = xy_mm[:, 0] - self.center_mm[0]
        y = xy_mm[:, 1] - self.center_mm[1]
        inside: Bools = (abs(x) <= 0.5 * self.width_mm) & (abs(y) <= 0.5 * self.height_mm)
        return inside

    def rims(self) -> list[Positions]:
        """Return the rim as closed lines for pictures, ``[P, 2]`` each, in mm."""
        x, y = 0.5 * self.width_mm, 0.5 * self.height_mm
        corners = np.array([[-x, -y], [x, -y], [x, y], [-x, y], [-x, -y]])
        return [corners + np.asarray(self.center_mm, dtype=np.float64)]
