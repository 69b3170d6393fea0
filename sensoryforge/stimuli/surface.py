"""Surfaces: height maps on a lattice, and how high they are between its points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensoryforge.core.numerics import (
    cos_turns,
    divide,
    exp,
    like,
    log,
    namespace,
    normals,
    sin_turns,
)
from sensoryforge.core.types import Floats, Ints

TILE_WAVES = 4
"""A tile of a texture is this many of its longest waves wide; then it comes again."""
POINTS_OF_WAVE = 8
"""Points of the lattice for each of its shortest waves."""


@dataclass(frozen=True)
class Surface:
    """A height map on a lattice, with a border, so that every place has four points around it.

    Parameters
    ----------
    heights
        The map with its border, ``[H + 1, W + 1]`` of a tile, ``[H + 2, W + 2]`` of an island.
    is_tile
        Whether it comes again at its end; else it is zero outside.
    """

    heights: Floats
    is_tile: bool

    @classmethod
    def tile(cls, heights: Floats) -> Surface:
        """Return a map ``[H, W]`` that comes again in all directions."""
        return cls(np.pad(heights, (0, 1), mode="wrap"), is_tile=True)

    @classmethod
    def island(cls, heights: Floats) -> Surface:
        """Return a map ``[H, W]`` with nothing around it."""
        return cls(np.pad(heights, 1), is_tile=False)

    def at(self, column: Floats, row: Floats) -> Floats:
        """Return the height between the points of the lattice, by bilinear patches.

        Parameters
        ----------
        column, row
            Places in steps of the lattice, of any shape; point ``[0, 0]`` is at zero.

        Examples
        --------
        >>> heights = np.array([[0.0, 4.0]])
        >>> Surface.island(heights).at(np.array([0.5, 1.5]), np.array([0.0, 0.0])).tolist()
        [2.0, 2.0]
        >>> Surface.tile(heights).at(np.array([1.75]), np.array([0.0])).tolist()
        [1.0]
        """
        xp = namespace(column)
        lines, columns = self.heights.shape
        left, right_part = self._cell(column, columns)
        corner, upper_part = self._cell(row, lines)
        corner *= columns
        corner += left
        point = xp.asarray(corner, dtype=xp.int64)
        flat = like(self.heights.ravel(), column)
        lower = flat[point]
        point += 1
        _draw_towards(lower, flat[point], right_part)
        point += columns - 1
        upper = flat[point]
        point += 1
        _draw_towards(upper, flat[point], right_part)
        _draw_towards(lower, upper, upper_part)
        height: Floats = lower
        return height

    def _cell(self, place: Floats, points: int) -> tuple[Floats, Floats]:
        """Return the number of the point before each place, and how far the place is beyond it."""
        xp = namespace(place)
        if self.is_tile:
            period = points - 1
            turns = xp.floor(divide(place, float(period)))
            turns *= period
            place = place - turns
        else:  # the border is as high as all that lies farther out
            place = place + 1.0
            xp.clip(place, 0.0, points - 1.0, out=place)
        before = xp.floor(place)
        xp.clip(before, 0.0, points - 2.0, out=before)
        place -= before
        return before, place


def _draw_towards(height: Floats, other: Floats, part: Floats) -> None:
    """Change heights to those a part of the way towards others, which are used up."""
    other -= height
    other *= part
    height += other


def make_texture(beta: float, shortest_mm: float, longest_mm: float, seed: int) -> Floats:
    """Return a tile of a random surface, ``[P, P]``, from zero at its lowest to one at its highest.

    It is a sum of plane waves of random phase and direction whose power falls as ``1/f^beta``.
    Zero is white between the two wavelengths; many natural and worked surfaces have spectra of this
    form (Persson et al. 2005, doi:10.1088/0953-8984/17/1/R01).

    Parameters
    ----------
    beta
        How steeply the power falls with the spatial frequency f.
    shortest_mm, longest_mm
        Wavelengths of the finest and the coarsest waves.
    seed
        Freezes the surface.

    Returns
    -------
    Floats
        ``TILE_WAVES longest_mm`` wide; its points lie ``shortest_mm / POINTS_OF_WAVE`` apart, or
        a little closer.
    """
    side_mm = TILE_WAVES * longest_mm
    points = int(np.ceil(side_mm / shortest_mm * POINTS_OF_WAVE))
    most = int(np.floor(side_mm / shortest_mm + 1e-9))
    # Whole numbers of waves over the tile, half of the plane: the other half is the same waves.
    kx = np.arange(0, most + 1)
    ky = np.arange(-most, most + 1)
    square = (kx[:, None] ** 2 + ky[None, :] ** 2).astype(np.float64)
    fewest = TILE_WAVES - 1e-9
    is_wave = (square >= fewest * fewest) & (square <= (most + 1e-9) ** 2)
    is_wave &= (kx[:, None] > 0) | (ky[None, :] > 0)
    amplitude = np.where(is_wave, exp(-0.25 * beta * log(np.maximum(square, 1.0))), 0.0)
    drawn = normals(seed, "texture", size=2 * square.size).reshape(2, *square.shape)
    real, imaginary = amplitude * drawn
    return _scaled(_sum_waves(real, imaginary, kx, ky, points))


def _sum_waves(real: Floats, imaginary: Floats, kx: Ints, ky: Ints, points: int) -> Floats:
    """Return the sum over all waves of ``Re[(real + i imaginary) exp(2 pi i (kx x + ky y))]``.

    Waves are added in a fixed order, first along y and then along x, so that the bits are the same
    everywhere; a product of matrices would leave the order to a library.
    """
    place = np.arange(points) / points
    along_real = np.zeros((len(kx), points))
    along_imaginary = np.zeros((len(kx), points))
    for number, k in enumerate(ky.tolist()):
        cosine, sine = cos_turns(k * place), sin_turns(k * place)
        along_real += real[:, number, None] * cosine - imaginary[:, number, None] * sine
        along_imaginary += real[:, number, None] * sine + imaginary[:, number, None] * cosine
    surface = np.zeros((points, points))  # rows along y, columns along x
    for number, k in enumerate(kx.tolist()):
        cosine, sine = cos_turns(k * place), sin_turns(k * place)
        surface += along_real[number, :, None] * cosine - along_imaginary[number, :, None] * sine
    return surface


def _scaled(surface: Floats) -> Floats:
    lowest, highest = surface.min(), surface.max()
    if lowest == highest:
        return np.full_like(surface, 0.5)
    scaled: Floats = (surface - lowest) / (highest - lowest)
    return scaled
