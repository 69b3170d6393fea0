"""Several regions of skin, each with a tag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.instances import TARGET, make_instance
from sensoryforge.core.messages import format_value
from sensoryforge.core.types import Bools, Positions
from sensoryforge.skin.outlines.base import Outline

_PROBES = 64
"""Places along x and y of a region at which it is told whether it overlaps another."""


@dataclass(frozen=True)
class Regions(Outline):
    """Outlines that lie beside each other, by tag; a population has a density in each.

    Parameters
    ----------
    parts
        Tag -> an outline, or the mapping that one is made of, with ``_target_``.

    Raises
    ------
    ConfigError
        Where there is none, where one is no outline or has regions itself, and where two overlap.

    Examples
    --------
    >>> from sensoryforge.skin.outlines import Rectangle
    >>> left, right = Rectangle(2.0, 2.0, (-1.0, 0.0)), Rectangle(1.0, 2.0, (1.0, 0.0))
    >>> hand = Regions({"left": left, "right": right})
    >>> list(hand.regions), hand.area_mm2, (hand.width_mm, hand.center_mm)
    (['left', 'right'], 6.0, (3.5, (-0.25, 0.0)))
    """

    parts: Mapping[str, Outline | Mapping[str, Any]]
    _regions: dict[str, Outline] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.parts, Mapping) or not self.parts:
            allowed = "allowed is a mapping of tags to outlines, each with a type"
            raise ConfigError(f"parts: got {format_value(self.parts)}, {allowed}")
        regions = {str(tag): _as_outline(str(tag), part) for tag, part in self.parts.items()}
        object.__setattr__(self, "_regions", regions)
        _check_apart(regions)

    @property
    def regions(self) -> Mapping[str, Outline]:
        """The parts by tag."""
        return self._regions

    @property
    def _extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top."""
        left, right, bottom, top = zip(*map(_extent_of, self._regions.values()), strict=True)
        return min(left), max(right), min(bottom), max(top)

    @property
    def width_mm(self) -> float:
        """Extent along x."""
        left, right, _, _ = self._extent
        return right - left

    @property
    def height_mm(self) -> float:
        """Extent along y."""
        _, _, bottom, top = self._extent
        return top - bottom

    @property
    def center_mm(self) -> tuple[float, float]:  # type: ignore[override]
        """x and y of the middle of all of them."""
        left, right, bottom, top = self._extent
        return 0.5 * (left + right), 0.5 * (bottom + top)

    @property
    def area_mm2(self) -> float:
        """How much skin they hold, in mm2."""
        return sum(region.area_mm2 for region in self._regions.values())

    def contains(self, xy_mm: Positions) -> Bools:
        """Tell which places lie inside one of them, ``[N]``."""
        inside = np.zeros(len(xy_mm), dtype=bool)
        for region in self._regions.values():
            inside |= region.contains(xy_mm)
        return inside

    def rims(self) -> list[Positions]:
        """Return the rims as closed lines for pictures, ``[P, 2]`` each, in mm."""
        rims: list[Positions] = []
        for region in self._regions.values():
            rims += region.rims()
        return rims


def _as_outline(tag: str, part: object) -> Outline:
    """Return a part as an outline in one piece."""
    where = f"parts.{tag}"
    if isinstance(part, Mapping):
        if TARGET not in part:
            allowed = "allowed is a mapping with a type"
            raise ConfigError(f"{where}: got {format_value(dict(part))}, {allowed}")
        part = make_instance(where, part, "a class of outline", Outline)
    if not isinstance(part, Outline):
        allowed = "allowed is a mapping with a type"
        raise ConfigError(f"{where}: got {format_value(part)}, {allowed}")
    if list(part.regions) != [""]:
        raise ConfigError(f"{where}: got an outline with regions, allowed is one in one piece")
    return part


def _extent_of(outline: Outline) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of an outline."""
    x, y = outline.center_mm
    half_width, half_height = 0.5 * outline.width_mm, 0.5 * outline.height_mm
    return x - half_width, x + half_width, y - half_height, y + half_height


def _check_apart(regions: Mapping[str, Outline]) -> None:
    """Refuse regions that overlap: skin in two of them would have the afferents of both."""
    tags = list(regions)
    for number, tag in enumerate(tags):
        left, right, bottom, top = _extent_of(regions[tag])
        # The middles of cells: regions that only touch share none.
        steps = (np.arange(_PROBES) + 0.5) / _PROBES
        x, y = np.meshgrid(left + (right - left) * steps, bottom + (top - bottom) * steps)
        probes = np.stack([x.ravel(), y.ravel()], axis=-1)
        probes = probes[regions[tag].contains(probes)]
        for other in tags[:number] + tags[number + 1 :]:
            if regions[other].contains(probes).any():
                raise ConfigError(f"parts.{tag}: overlaps {other}, allowed are regions apart")
