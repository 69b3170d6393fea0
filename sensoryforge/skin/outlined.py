"""Skin inside an outline: which receptors it has, and how afferents are laid out in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from math import isqrt

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.numerics import hash64
from sensoryforge.core.types import Bools, Ints, Positions
from sensoryforge.skin.layouts.base import Layout
from sensoryforge.skin.outlines.base import MM2_A_CM2, Outline
from sensoryforge.skin.receptors.base import Receptors

Density = float | Mapping[str, float]
"""Afferents a cm2: everywhere the same, or by the tag of a region."""
_MOST_TRIES = 64


class Inside(Receptors):
    """The receptors of a sheet inside an outline; its extent is that of the outline.

    Parameters
    ----------
    sheet
        All receptors.
    outline
        How far the skin reaches.

    Examples
    --------
    >>> from sensoryforge.skin.outlines import Rectangle
    >>> from sensoryforge.skin.receptors import Grid
    >>> skin = Inside(Grid(4, 4, 1.0), Rectangle(2.0, 1.0, center_mm=(1.0, 0.5)))
    >>> skin.count, skin.numbers.tolist(), skin.center_mm
    (2, [10, 11], (1.0, 0.5))
    """

    def __init__(self, sheet: Receptors, outline: Outline) -> None:
        self.sheet = sheet
        self.outline = outline
        middle_x, middle_y = sheet.center_mm
        x, y = outline.center_mm
        self.center_mm = (middle_x + x, middle_y + y)

    @property
    def width_mm(self) -> float:
        """Extent of the skin along x."""
        return self.outline.width_mm

    @property
    def height_mm(self) -> float:
        """Extent of the skin along y."""
        return self.outline.height_mm

    @cached_property
    def numbers(self) -> Ints:
        """The numbers of its receptors in the sheet, ascending, ``[R]``."""
        return np.flatnonzero(inside(self.outline, self.sheet, self.sheet.xy()))

    @property
    def count(self) -> int:
        """Number of receptors."""
        return len(self.numbers)

    def xy(self, indices: Ints | None = None) -> Positions:
        """Return where receptors lie, ``[R, 2]`` in mm: those of these numbers ``[R]``, or all."""
        return self.sheet.xy(self.numbers if indices is None else self.numbers[indices])


def inside(outline: Outline, sheet: Receptors, xy_mm: Positions) -> Bools:
    """Tell which places on a sheet lie inside an outline, bool ``[N]``.

    Examples
    --------
    >>> from sensoryforge.skin.outlines import Rectangle
    >>> from sensoryforge.skin.receptors import Grid
    >>> sheet = Grid(4, 4, 1.0, center_mm=(10.0, 0.0))
    >>> inside(Rectangle(2.0, 2.0), sheet, np.array([[10.5, 0.0], [0.5, 0.0]])).tolist()
    [True, False]
    """
    return outline.contains(xy_mm - np.asarray(sheet.center_mm))


# --- how many ---


def area_cm2(outline: Outline | None, sheet: Receptors) -> float:
    """Return how much skin there is: inside the outline, or all of the sheet.

    Examples
    --------
    >>> from sensoryforge.skin.outlines import Fingertip
    >>> from sensoryforge.skin.receptors import Grid
    >>> round(area_cm2(Fingertip(), Grid(48, 32, 0.5)), 2), area_cm2(None, Grid(10, 10, 1.0))
    (3.43, 1.0)
    """
    if outline is None:
        return sheet.width_mm * sheet.height_mm / MM2_A_CM2
    return outline.area_mm2 / MM2_A_CM2


def region_counts(
    outline: Outline | None, sheet: Receptors, density: Density | None, count: int | None = None
) -> list[int]:
    """Return how many afferents each region has.

    Parameters
    ----------
    outline, sheet
        The skin; without an outline all of the sheet is one region.
    density
        Afferents a cm2. By tag, each region has as many as its own density says.
    count
        How many in all, where the density is none or one for all: regions share them by area.

    Examples
    --------
    >>> from sensoryforge.skin.outlines import Rectangle, Regions
    >>> from sensoryforge.skin.receptors import Grid
    >>> two = {"tip": Rectangle(10.0, 10.0), "pad": Rectangle(10.0, 20.0, (0.0, -15.0))}
    >>> region_counts(Regions(two), Grid(50, 20, 1.0), {"tip": 70, "pad": 30})
    [70, 60]
    >>> region_counts(Regions(two), Grid(50, 20, 1.0), density=10.0)
    [10, 20]
    """
    regions = {"": outline} if outline is None else outline.regions
    areas = [area_cm2(region, sheet) for region in regions.values()]
    if isinstance(density, Mapping):
        return [round(density[tag] * area) for tag, area in zip(regions, areas, strict=True)]
    if count is None:
        assert density is not None
        count = round(density * sum(areas))
    shares = [count * area / sum(areas) for area in areas]
    counts = [int(share) for share in shares]
    by_rest = sorted(range(len(shares)), key=lambda number: counts[number] - shares[number])
    for number in by_rest[: count - sum(counts)]:
        counts[number] += 1
    return counts


# --- where ---


def place_in_regions(
    layout: Layout, sheet: Receptors, outline: Outline, counts: list[int], seed: int
) -> tuple[Positions, Ints]:
    """Return where afferents lie, ``[N, 2]`` in mm, and the number of the region of each, ``[N]``.

    Parameters
    ----------
    layout
        How they are laid out in each region.
    sheet, outline
        The skin.
    counts
        How many lie in each region.
    seed
        What the layout is drawn from.

    Raises
    ------
    ConfigError
        Where a layout of places that are given has some outside.
    """
    if not layout.spreads:
        return _given_places(layout, sheet, outline, counts, seed)
    places: list[Positions] = []
    tags: list[Ints] = []
    for number, (tag, region) in enumerate(outline.regions.items()):
        own_seed = hash64("region", seed, tag) if tag else seed
        if counts[number]:
            places.append(_spread(layout, Inside(sheet, region), counts[number], own_seed))
        tags.append(np.full(counts[number], number, dtype=np.int64))
    return np.concatenate(places), np.concatenate(tags)


def _given_places(
    layout: Layout, sheet: Receptors, outline: Outline, counts: list[int], seed: int
) -> tuple[Positions, Ints]:
    """Return the places that a layout gives; each has to lie in one of the regions."""
    xy_mm = layout.place(sheet, sum(counts), seed)
    tags = np.full(len(xy_mm), -1, dtype=np.int64)
    for number, region in enumerate(outline.regions.values()):
        is_free = tags < 0
        tags[inside(region, sheet, xy_mm) & is_free] = number
    outside = np.flatnonzero(tags < 0)
    if len(outside):
        x, y = xy_mm[outside[0]]
        first = f"neuron {outside[0]} at ({x:g}, {y:g}) mm"
        got = f"got {len(outside)} of {len(xy_mm)} neurons outside pipeline.outline, {first} first"
        raise ConfigError(f"{got}; allowed are places inside")
    return xy_mm, tags


def _spread(layout: Layout, skin: Inside, count: int, seed: int) -> Positions:
    """Return exactly ``count`` places inside an outline.

    The layout is made on the rectangle around it, with so many that ``count`` lie inside. Where no
    number of a lattice gives just that, the surplus is taken away where it is nearest to the rim.
    """
    best: Positions | None = None
    for number in _tries(skin, count):
        xy_mm = np.asarray(layout.place(skin, number, seed), dtype=np.float64)
        if xy_mm.shape != (number, 2):
            raise ValueError(f"place returned an array of shape {xy_mm.shape}, not [{number}, 2]")
        kept = xy_mm[inside(skin.outline, skin.sheet, xy_mm)]
        if len(kept) == count:
            return kept
        if len(kept) > count and (best is None or len(kept) < len(best)):
            best = kept
    if best is None:
        raise ConfigError(f"lays out fewer than {count} neurons inside pipeline.outline")
    return _without_outermost(best, skin, len(best) - count)


def _tries(skin: Inside, count: int) -> Iterator[int]:
    """Yield how many to lay out on the rectangle: the likely number, then others around it."""
    yield count
    share = skin.outline.area_mm2 / (skin.width_mm * skin.height_mm)
    likely = max(count, round(count / share))
    yield likely
    widest = max(_MOST_TRIES // 2, 4 * isqrt(likely))
    step = max(1, widest // (_MOST_TRIES // 2))
    for away in range(1, widest + 1, step):
        yield likely + away
        if likely - away > count:
            yield likely - away


def _without_outermost(xy_mm: Positions, skin: Inside, surplus: int) -> Positions:
    """Return places without those that lie farthest out, as the rectangle measures it."""
    away = (xy_mm - np.asarray(skin.center_mm)) / (skin.width_mm, skin.height_mm)
    outermost = np.argsort(-(away * away).sum(axis=1), kind="stable")[:surplus]
    left: Positions = np.delete(xy_mm, outermost, axis=0)
    return left
