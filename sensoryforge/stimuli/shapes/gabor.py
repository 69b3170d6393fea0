"""A Gabor patch: ridges under a Gaussian, raised so that it never pulls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.core.numerics import cos_turns, divide, exp, namespace
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.cautions import Caution, Sheet, footprint_cautions
from sensoryforge.stimuli.ranges import ANGLE, DRIVE, LENGTH, PLACE, Allowed
from sensoryforge.stimuli.shapes.shape import Shape, turned

THIRD = 1.0 / 3.0


class Gabor(Shape):
    """Raised-cosine ridges under a Gaussian.

    It is ``amplitude exp(-r^2 / 2 sigma^2) (1 + cos(2 pi u / wavelength + phase)) / 2``, where r is
    the distance from the centre and u the place across the ridges. A Gabor function itself is
    negative in places; skin is pressed, not pulled.

    Parameters
    ----------
    columns
        ``amplitude`` (model drive), ``sigma``, ``wavelength`` (mm), ``orientation`` (degrees;
        across the ridges, as for a grating), ``phase`` (degrees), ``center_x``, ``center_y`` (mm),
        each ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"amplitude": 30.0, "sigma": 0.8, "wavelength": 1.0, "orientation": 0.0}
    >>> values |= {"phase": 0.0, "center_x": 0.0, "center_y": 0.0}
    >>> patch = Gabor({name: np.array([value]) for name, value in values.items()})
    >>> patch.space(np.array([[0.0, 0.0], [0.5, 0.0]])).tolist()
    [[[30.0, 0.0]]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "amplitude": DRIVE,
        "sigma": LENGTH,
        "wavelength": LENGTH,
        "orientation": ANGLE,
        "phase": ANGLE,
        "center_x": PLACE,
        "center_y": PLACE,
    }

    def press(self, x: Floats, y: Floats) -> Floats:
        """Return the patch at places of the skin."""
        across, along = turned(x - self["center_x"], y - self["center_y"], self.axes)
        square = (across * across + along * along) / (self["sigma"] * self["sigma"])
        waves = across / self["wavelength"] + divide(self["phase"], 360.0)
        pressed = cos_turns(waves)
        pressed += 1.0
        pressed *= exp(-0.5 * square)
        pressed *= 0.5 * self["amplitude"]
        return pressed

    def detail_mm(self) -> Floats:
        """Return the standard deviation, or a third of the wavelength where that is less."""
        detail: Floats = namespace(self["sigma"]).minimum(self["sigma"], THIRD * self["wavelength"])
        return detail

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Tell a patch that is off the sheet, between receptors, or flat."""
        return footprint_cautions(columns, sheet)
