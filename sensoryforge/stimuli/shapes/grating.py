"""A grating over the whole sheet: a raised cosine, or ridges with grooves between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.core.numerics import cos_turns, namespace, sin_turns
from sensoryforge.core.types import Columns, Floats, Positions
from sensoryforge.stimuli.blend import Blend, blend_of_factors
from sensoryforge.stimuli.cautions import Caution, Sheet, ridge_cautions
from sensoryforge.stimuli.ranges import ANGLE, DRIVE, LENGTH, Allowed, Range
from sensoryforge.stimuli.shapes.shape import Shape, rim

RIM_OF_WAVELENGTH = 0.2
"""The rims of ridges are this part of the wavelength wide."""


class Grating(Shape):
    """Ridges across the sheet, which extend without end.

    Without ``duty`` they are a raised cosine, ``amplitude (1 + cos(2 pi u / wavelength)) / 2``,
    where ``u = x cos o + y sin o`` is the place along the direction across the ridges,
    ``orientation`` o. With ``duty`` they are flat, that part of the wavelength wide, with rounded
    rims.

    Parameters
    ----------
    columns
        ``amplitude`` (model drive), ``wavelength`` (mm), ``orientation`` (degrees), ``duty`` (part
        of the wavelength; it may be left out), each ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"amplitude": 30.0, "wavelength": 1.0, "orientation": 0.0}
    >>> ridges = Grating({name: np.array([value]) for name, value in values.items()})
    >>> ridges.space(np.array([[0.0, 0.0], [0.5, 0.0], [1.0, 2.0]])).tolist()
    [[[30.0, 0.0, 30.0]]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "amplitude": DRIVE,
        "wavelength": LENGTH,
        "orientation": ANGLE,
        "duty": Range(low=0.0, high=1.0, low_open=True, optional=True),
    }

    def press(self, x: Floats, y: Floats) -> Floats:
        """Return the ridges at places of the skin."""
        cosine, sine = self.axes
        across = x * cosine + y * sine
        waves = across / self["wavelength"]
        xp = namespace(waves)
        is_cosine = xp.isnan(self["duty"])
        if not bool(is_cosine.any()):
            return self["amplitude"] * self._flat_ridges(waves)
        ridges = cos_turns(waves)
        ridges += 1.0
        ridges *= 0.5 * self["amplitude"]
        if bool(is_cosine.all()):
            return ridges
        mixed: Floats = xp.where(is_cosine, ridges, self["amplitude"] * self._flat_ridges(waves))
        return mixed

    def moved(self, xy: Positions, x: Floats, y: Floats) -> Blend | None:
        """Return a cosine as three stills: ``cos(a - b) = cos a cos b + sin a sin b``."""
        xp = namespace(x)
        if not bool(xp.isnan(self["duty"]).all()):
            return None
        cosine, sine = self.axes
        place = (xy[:, 0] * cosine + xy[:, 1] * sine) / self["wavelength"]
        shift = (x * cosine + y * sine) / self["wavelength"]
        half = 0.5 * self["amplitude"]
        stills = [xp.ones_like(place), cos_turns(place), sin_turns(place)]
        weights = [xp.ones_like(shift), cos_turns(shift), sin_turns(shift)]
        time: Floats = half * xp.concatenate(weights)
        return blend_of_factors(xp.concatenate(stills), time)

    def detail_mm(self) -> Floats:
        """Return half a ridge of a cosine, or the rim of a flat one."""
        is_cosine = namespace(self["duty"]).isnan(self["duty"])
        quarter = 0.25 * self["wavelength"]
        edge = RIM_OF_WAVELENGTH * self["wavelength"]
        detail: Floats = namespace(quarter).where(is_cosine, quarter, edge)
        return detail

    def _flat_ridges(self, waves: Floats) -> Floats:
        """Return flat ridges of height one; ``waves`` is the place in wavelengths."""
        xp = namespace(waves)
        from_ridge = xp.abs(waves - xp.round(waves))
        inside = 0.5 * self["duty"] - from_ridge
        return rim(inside, xp.full_like(self["duty"], RIM_OF_WAVELENGTH))

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Tell ridges that are finer than the receptors, or flat."""
        return ridge_cautions(columns["wavelength"], sheet)
