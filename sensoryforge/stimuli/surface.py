"""Surfaces: height maps on a lattice, and how high they are between its points."""

from __future__ import annotations

import numpy as np

from sensoryforge.core.numerics import cos_turns, exp, like, log, namespace, normals, sin_turns
from sensoryforge.core.types import Floats, Ints

TILE_WAVES = 4
"""A tile of a texture is this many of its longest waves wide; then it comes again."""
POINTS_OF_WAVE = 8
"""Points of the lattice for each of its shortest waves."""


def height_at(heights: Floats, column: Floats, row: Floats, *, is_tile: bool) -> Floats:
    """Return the height between the points of a lattice, by a bilinear patch.

    Parameters
    ----------
    heights
        The lattice, ``[H, W]``.
    column, row
        Places in steps of the lattice, of any shape; point ``[0, 0]`` is at zero.
    is_tile
        Whether the lattice comes again at its end; else it is zero outside.

    Examples
    --------
    >>> heights = np.array([[0.0, 4.0]])
    >>> height_at(heights, np.array([0.5, 1.5]), np.array([0.0, 0.0]), is_tile=False).tolist()
    [2.0, 2.0]
    >>> height_at(heights, np.array([1.75]), np.array([0.0]), is_tile=True).tolist()
    [1.0]
    """
    xp = namespace(column)
    if not is_tile:
        # A border of zeros: what lies farther out is as high as its outermost points.
        padded = np.pad(heights, 1)
        column, row = column + 1.0, row + 1.0
        lines, columns = padded.shape
        column = xp.clip(column, 0.0, columns - 1.0)
        row = xp.clip(row, 0.0, lines - 1.0)
    else:
        padded = heights
        lines, columns = padded.shape
    left, below = xp.floor(column), xp.floor(row)
    right_part, upper_part = column - left, row - below
    left_number = _number(left, columns)
    below_number = _number(below, lines)
    right_number = _next(left_number, columns)
    above_number = _next(below_number, lines)
    flat = like(padded.ravel(), column)
    below_start, above_start = below_number * columns, above_number * columns
    lower = flat[below_start + left_number]
    lower += right_part * (flat[below_start + right_number] - lower)
    upper = flat[above_start + left_number]
    upper += right_part * (flat[above_start + right_number] - upper)
    height: Floats = lower + upper_part * (upper - lower)
    return height


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


def _number(place: Floats, count: int) -> Ints:
    """Return the number of the lattice line at or below a place, counted round the tile."""
    xp = namespace(place)
    number: Ints = xp.asarray(place, dtype=xp.int64)
    number %= count
    return number


def _next(number: Ints, count: int) -> Ints:
    """Return the number of the next line, the first after the last."""
    following = number + 1
    following[following == count] = 0
    return following
