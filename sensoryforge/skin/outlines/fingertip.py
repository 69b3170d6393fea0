"""The pad of a fingertip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.numerics import cos_turns, sin_turns
from sensoryforge.core.types import Bools, Positions
from sensoryforge.skin.outlines.base import Outline, check_outline

_POINTS_OF_TIP = 65


@dataclass(frozen=True)
class Fingertip(Outline):
    """A rectangle with half an ellipse at its end, which is the tip and points along y.

    With the shipped numbers 16 x 24 mm and 3.43 cm2, about an adult's index finger from the crease
    to the tip.

    Parameters
    ----------
    width_mm, length_mm
        Extent along x and along y.
    straight_mm
        How long the rectangle is; the half ellipse has the rest of the length.
    center_mm
        Where the middle of the rectangle around it all lies, from the middle of the sheet.

    Raises
    ------
    ConfigError
        For a length that is not above zero, and a straight part that is longer than the whole.

    Examples
    --------
    >>> tip = Fingertip()
    >>> tip.contains(np.array([[0.0, 11.9], [7.9, 11.9], [7.9, -11.9]])).tolist()
    [True, False, True]
    """

    width_mm: float = 16.0
    length_mm: float = 24.0
    straight_mm: float = 12.0
    center_mm: Sequence[float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        lengths = {"width_mm": self.width_mm, "length_mm": self.length_mm}
        check_outline(self.center_mm, **lengths, straight_mm=self.straight_mm)
        if self.straight_mm >= self.length_mm:
            allowed = f"allowed is less than length_mm, {self.length_mm:g} (mm)"
            raise ConfigError(f"straight_mm: got {self.straight_mm:g}, {allowed}")

    @property
    def height_mm(self) -> float:
        """Extent along y."""
        return self.length_mm

    @property
    def tip_mm(self) -> float:
        """How long the half ellipse is."""
        return self.length_mm - self.straight_mm

    @property
    def area_mm2(self) -> float:
        """How much skin it holds, in mm2."""
        half_ellipse = pi / 4 * self.width_mm * self.tip_mm
        return self.width_mm * self.straight_mm + half_ellipse

    def contains(self, xy_mm: Positions) -> Bools:
        """Tell which places lie inside, ``[N]``."""
        x = (xy_mm[:, 0] - self.center_mm[0]) / (0.5 * self.width_mm)
        y = xy_mm[:, 1] - self.center_mm[1]
        above = (y - self._end_of_straight) / self.tip_mm
        is_straight = (y >= -0.5 * self.length_mm) & (above <= 0) & (abs(x) <= 1)
        is_tip = (above > 0) & (x * x + above * above <= 1)
        inside: Bools = is_straight | is_tip
        return inside

    @property
    def _end_of_straight(self) -> float:
        """Where the half ellipse begins, from the middle."""
        return self.straight_mm - 0.5 * self.length_mm

    def rims(self) -> list[Positions]:
        """Return the rim as closed lines for pictures, ``[P, 2]`` each, in mm."""
        turns = np.linspace(0.0, 0.5, _POINTS_OF_TIP)
        half_width = 0.5 * self.width_mm
        x = half_width * cos_turns(turns)
        y = self._end_of_straight + self.tip_mm * sin_turns(turns)
        bottom = -0.5 * self.length_mm
        corners = [[-half_width, bottom], [half_width, bottom], [half_width, y[0]]]
        rim = np.concatenate([np.stack([x, y], axis=-1), corners])
        return [rim + np.asarray(self.center_mm, dtype=np.float64)]
