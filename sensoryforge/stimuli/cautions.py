"""What keeps a stimulus from being felt: it lies off the sheet, is too fine, or is flat.

A class of stimuli tells it from parameters alone (`Stimulus.cautions`), so that it costs nothing.
What a run is too short for, or sampled too coarsely, is in `sensoryforge.stimuli.span`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensoryforge.core.types import Bools, Columns, Floats

REACH_SIGMAS = 3.0
"""How far a Gaussian footprint is felt: farther out it has less than 1.2% of its height."""
FLAT = 0.95
"""A drive whose smallest value on the sheet is this much of its largest counts as flat."""
FEWEST_PITCHES = 4
"""Sheets with fewer receptors along a side say nothing of what is flat: everything is."""


@dataclass(frozen=True)
class Sheet:
    """The skin as far as stimuli need to know it: a rectangle.

    Parameters
    ----------
    width_mm, height_mm
        Its extents along x and y.
    pitch_mm
        How far neighbouring receptors lie apart, on average.
    center_mm
        x and y of its middle.

    Examples
    --------
    >>> str(Sheet(width_mm=4.8, height_mm=4.8, pitch_mm=0.15))
    'the sheet of 4.8 x 4.8 mm'
    """

    width_mm: float
    height_mm: float
    pitch_mm: float
    center_mm: tuple[float, float] = (0.0, 0.0)

    def __str__(self) -> str:
        """Return the sheet with its extents, in words."""
        return f"the sheet of {self.width_mm:g} x {self.height_mm:g} mm"

    @property
    def is_small(self) -> bool:
        """Whether it has so few receptors that every stimulus is flat on it."""
        return min(self.width_mm, self.height_mm) < FEWEST_PITCHES * self.pitch_mm

    def from_middle(self, columns: Columns) -> tuple[Floats, Floats]:
        """Return how far from its middle stimuli lie along x and along y, ``[C]`` in mm each."""
        center_x, center_y = self.center_mm
        return np.abs(columns["center_x"] - center_x), np.abs(columns["center_y"] - center_y)


@dataclass(frozen=True)
class Caution:
    """A parameter with which some conditions will hardly be felt.

    Parameters
    ----------
    parameter
        Its name.
    conditions
        Which conditions, ``[C]``.
    reason
        Why, in words that follow the value of the parameter.
    path
        Where the parameter stands in a configuration, as in ``motion.speed_mm_s``; empty where
        that is its name.

    Examples
    --------
    >>> Caution("sigma", np.array([True, False]), "finer than the receptors").key
    'sigma'
    """

    parameter: str
    conditions: Bools
    reason: str
    path: str = ""

    @property
    def key(self) -> str:
        """Where the parameter stands in a configuration."""
        return self.path or self.parameter

    def within(self, prefix: str, path: str) -> Caution:
        """Return the caution of a piece or a part as one of the whole stimulus.

        Parameters
        ----------
        prefix
            What stands before the names of its parameters.
        path
            The key below which they stand.

        Examples
        --------
        >>> caution = Caution("sigma", np.array([True]), "finer than the receptors")
        >>> of_part = caution.within("left", "parts.left")
        >>> of_part.parameter, of_part.key
        ('left_sigma', 'parts.left.sigma')
        """
        return Caution(
            f"{prefix}_{self.parameter}", self.conditions, self.reason, f"{path}.{self.key}"
        )


def footprint_cautions(columns: Columns, sheet: Sheet) -> list[Caution]:
    """Return the cautions of a Gaussian footprint.

    Parameters
    ----------
    columns
        ``sigma``, ``center_x`` and ``center_y`` in mm, ``[C]`` each.
    sheet
        What it presses on.

    Examples
    --------
    >>> columns = {name: np.array([value]) for name, value in
    ...            {"sigma": 0.5, "center_x": 50.0, "center_y": 0.0}.items()}
    >>> caution, *_ = footprint_cautions(columns, Sheet(4.8, 4.8, 0.15))
    >>> caution.parameter, caution.reason
    ('center_x', 'off the sheet, whose x goes from -2.4 to 2.4 mm: no receptor feels it')
    """
    sigma = columns["sigma"]
    x, y = sheet.from_middle(columns)
    beyond_x = np.maximum(x - sheet.width_mm / 2, 0.0)
    beyond_y = np.maximum(y - sheet.height_mm / 2, 0.0)
    nearest = np.hypot(beyond_x, beyond_y)
    farthest = np.hypot(x + sheet.width_mm / 2, y + sheet.height_mm / 2)
    is_off = nearest > REACH_SIGMAS * sigma
    is_farther_in_x = beyond_x >= beyond_y
    is_fine = ~is_off & (sigma < sheet.pitch_mm / 2)
    # The drive at the farthest place over that at the nearest; differences of squares as products.
    with np.errstate(over="ignore"):
        fall = (farthest - nearest) * (farthest + nearest) / sigma / sigma / 2
    is_flat = ~is_off & (fall < -np.log(FLAT)) & (not sheet.is_small)
    return [
        *_off_cautions(is_off, is_farther_in_x, sheet),
        Caution("sigma", is_fine, _fine("half the distance of receptors", sheet.pitch_mm)),
        Caution("sigma", is_flat, _flat(sheet)),
    ]


def reach_cautions(
    columns: Columns, radius_mm: Floats, finest: str, finest_mm: Floats, sheet: Sheet
) -> list[Caution]:
    """Return the cautions of a shape that presses within a circle and nowhere else.

    Parameters
    ----------
    columns
        ``center_x`` and ``center_y`` in mm, ``[C]`` each.
    radius_mm
        How far from its centre the shape presses, ``[C]``.
    finest, finest_mm
        The parameter that says how fine the shape is, and its value, ``[C]``.
    sheet
        What it presses on.

    Examples
    --------
    >>> place = {"center_x": np.array([9.0]), "center_y": np.array([0.0])}
    >>> width = np.array([1.0])
    >>> cautions = reach_cautions(place, width, "width_mm", width, Sheet(4.8, 4.8, 0.15))
    >>> [caution.parameter for caution in cautions if caution.conditions.any()]
    ['center_x']
    """
    x, y = sheet.from_middle(columns)
    beyond_x = np.maximum(x - sheet.width_mm / 2, 0.0)
    beyond_y = np.maximum(y - sheet.height_mm / 2, 0.0)
    is_off = np.hypot(beyond_x, beyond_y) > radius_mm
    is_farther_in_x = beyond_x >= beyond_y
    is_fine = ~is_off & (finest_mm < sheet.pitch_mm)
    return [
        *_off_cautions(is_off, is_farther_in_x, sheet),
        Caution(finest, is_fine, _fine("the distance of receptors", sheet.pitch_mm)),
    ]


def edge_cautions(
    columns: Columns, normal: tuple[Floats, Floats], rim_mm: Floats, sheet: Sheet
) -> list[Caution]:
    """Return the cautions of a half-plane, which presses on one side of a line.

    Parameters
    ----------
    columns
        ``center_x`` and ``center_y`` in mm, a place on the line, ``[C]`` each.
    normal
        x and y of the direction from the line to where it presses, ``[C]`` each.
    rim_mm
        How far on the other side of the line it still presses, ``[C]``.
    sheet
        What it presses on.

    Examples
    --------
    >>> place = {"center_x": np.array([0.0, 0.0]), "center_y": np.array([9.0, -9.0])}
    >>> up = (np.zeros(2), np.ones(2))
    >>> cautions = edge_cautions(place, up, np.zeros(2), Sheet(4.8, 4.8, 0.15))
    >>> [caution.conditions.tolist() for caution in cautions]
    [[False, False], [True, False]]
    """
    normal_x, normal_y = normal
    center_x, center_y = sheet.center_mm
    middle = (center_x - columns["center_x"]) * normal_x
    middle = middle + (center_y - columns["center_y"]) * normal_y
    corner = np.abs(normal_x) * sheet.width_mm / 2 + np.abs(normal_y) * sheet.height_mm / 2
    is_off = middle + corner < -rim_mm
    is_farther_in_x = np.abs(normal_x) > np.abs(normal_y)
    return _off_cautions(is_off, is_farther_in_x, sheet)


def ridge_cautions(wavelength: Floats, sheet: Sheet) -> list[Caution]:
    """Return the cautions of ridges with that ``wavelength`` in mm, ``[C]``.

    Ridges need two receptors each (Nyquist), or they look like wider ones.

    Examples
    --------
    >>> fine, flat = ridge_cautions(np.array([0.2, 1.0, 900.0]), Sheet(4.8, 4.8, 0.15))
    >>> fine.conditions.tolist(), flat.conditions.tolist()
    ([True, False, False], [False, False, True])
    """
    center_x, center_y = np.abs(sheet.center_mm)
    farthest = np.hypot(center_x + sheet.width_mm / 2, center_y + sheet.height_mm / 2)
    smallest = (1 + np.cos(2 * np.pi * np.minimum(farthest / wavelength, 0.5))) / 2
    is_fine = wavelength < 2 * sheet.pitch_mm
    is_flat = (smallest > FLAT) & (not sheet.is_small)
    return [
        Caution("wavelength", is_fine, _fine("twice the distance of receptors", sheet.pitch_mm)),
        Caution("wavelength", is_flat, _flat(sheet)),
    ]


def texture_cautions(shortest_mm: Floats, sheet: Sheet) -> list[Caution]:
    """Return the caution of a surface whose finest waves are that long, ``[C]`` in mm.

    Examples
    --------
    >>> (fine,) = texture_cautions(np.array([0.2, 1.0]), Sheet(4.8, 4.8, 0.15))
    >>> fine.conditions.tolist()
    [True, False]
    """
    is_fine = shortest_mm < 2 * sheet.pitch_mm
    reason = _fine("twice the distance of receptors", sheet.pitch_mm)
    return [Caution("shortest_mm", is_fine, reason)]


def _off_cautions(is_off: Bools, is_farther_in_x: Bools, sheet: Sheet) -> list[Caution]:
    """Return the cautions of what lies beside the sheet, farther along x or along y."""
    reason_x = _off("x", sheet.width_mm, sheet.center_mm[0])
    reason_y = _off("y", sheet.height_mm, sheet.center_mm[1])
    return [
        Caution("center_x", is_off & is_farther_in_x, reason_x),
        Caution("center_y", is_off & ~is_farther_in_x, reason_y),
    ]


def _off(axis: str, extent_mm: float, middle_mm: float) -> str:
    low, high = middle_mm - extent_mm / 2, middle_mm + extent_mm / 2
    return f"off the sheet, whose {axis} goes from {low:g} to {high:g} mm: no receptor feels it"


def _fine(limit: str, pitch_mm: float) -> str:
    return f"less than {limit} ({pitch_mm:g} mm): it falls between them"


def _flat(sheet: Sheet) -> str:
    return f"so wide that the drive is the same all over {sheet}"
