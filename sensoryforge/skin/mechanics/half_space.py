"""An elastic half space under a flat round punch: surface, stress and rate, in closed form.

The skin is a half space of Young's modulus E and Poisson's ratio nu, without friction. A flat rigid
punch of radius a that is pressed in by S takes the force ``P = 2 a E S / (1 - nu^2)``, and outside
it the surface sinks by ``S (2 / pi) asin(a / r)`` (Sneddon 1946, doi:10.1017/S0305004100022982).

Every function here is made of ``+ - * /``, square roots and our own `asin`, so that it has the same
bits on every machine. Lengths in mm, forces in N, stress and E in MPa, which are N/mm^2.
"""

from __future__ import annotations

import numpy as np

from sensoryforge.core.numerics import asin
from sensoryforge.core.types import Floats

_TWO_OVER_PI = float.fromhex("0x1.45f306dc9c883p-1")
_TAU = float.fromhex("0x1.921fb54442d18p+2")


def sink(distance_mm: Floats, radius_mm: float) -> Floats:
    """Return how far the surface sinks at a distance from a punch: one under it, less farther out.

    Parameters
    ----------
    distance_mm
        From the middle of the punch, of any shape.
    radius_mm
        The radius of the punch.

    Examples
    --------
    >>> sink(np.array([0.0, 1.0, 2.0]), radius_mm=1.0).round(6).tolist()
    [1.0, 1.0, 0.333333]
    """
    ratio = radius_mm / np.maximum(distance_mm, radius_mm)
    return _TWO_OVER_PI * asin(ratio)


def stress_weight(distance_mm: Floats, depth_mm: float, radius_mm: float) -> Floats:
    """Return the vertical stress in the skin for one newton on a punch, in 1/mm^2.

    With ``rho = r / a``, ``xi = z / a`` and the complex root ``s = sqrt(rho^2 + (xi - i)^2)`` it is
    ``(Im 1/s + xi Im (xi - i)/s^3) / (2 pi a^2)``: the solution of Sneddon 1946
    (doi:10.1017/S0305004100022982) without its trigonometric functions.

    Parameters
    ----------
    distance_mm
        From the middle of the punch, of any shape.
    depth_mm
        How deep below the surface.
    radius_mm
        The radius of the punch.

    Examples
    --------
    In the middle, at the depth of a radius, the stress is half the mean pressure of the punch:

    >>> mean_pressure = 1.0 / np.pi
    >>> float((stress_weight(np.array([0.0]), 1.0, 1.0)[0] / mean_pressure).round(6))
    0.5
    """
    rho = distance_mm / radius_mm
    xi = depth_mm / radius_mm
    # s^2 = real + imaginary i, and its root u + v i with u > 0 and v < 0. Of the two parts the
    # larger is a root, and the other a quotient: no two numbers nearly equal are subtracted.
    real = rho * rho + (xi * xi - 1.0)
    imaginary = -2.0 * xi
    modulus = np.sqrt(real * real + imaginary * imaginary)
    larger = np.sqrt(0.5 * (modulus + np.abs(real)))
    smaller = (0.5 * -imaginary) / larger
    is_right = real >= 0.0
    u = np.where(is_right, larger, smaller)
    v = -np.where(is_right, smaller, larger)
    first = -v / modulus
    # (xi - i) / s^3 = (xi - i) conj(s^3) / |s|^6
    cube_real = u * real - v * imaginary
    cube_imaginary = u * imaginary + v * real
    second = (-cube_real - xi * cube_imaginary) / (modulus * modulus * modulus)
    weight: Floats = (first + xi * second) / (_TAU * radius_mm * radius_mm)
    return weight


def rate_weight(distance_mm: Floats, depth_mm: float, radius_mm: float) -> Floats:
    """Return what a newton a second on a punch is worth to an afferent, in 1/mm^3.

    It is the velocity of the surface above the afferent, in units of force, over the square of its
    depth (Saal, Delhaye, Rayhaun, Bensmaia 2017, doi:10.1073/pnas.1704856114).

    Parameters
    ----------
    distance_mm
        From the middle of the punch, of any shape.
    depth_mm
        How deep the afferent lies.
    radius_mm
        The radius of the punch.

    Examples
    --------
    >>> rate_weight(np.array([0.0]), depth_mm=0.5, radius_mm=1.0).tolist()
    [2.0]
    """
    return sink(distance_mm, radius_mm) / (2.0 * radius_mm) / (depth_mm * depth_mm)


def central_difference(values: Floats, dt_ms: float) -> Floats:
    """Return the rate of change of the last axis, per ms; the ends have that of their neighbours.

    Of fewer than three samples nothing is known of a rate: it is zero.

    Examples
    --------
    >>> central_difference(np.array([0.0, 1.0, 4.0, 9.0]), dt_ms=0.5).tolist()
    [4.0, 4.0, 8.0, 8.0]
    """
    rate = np.zeros_like(values)
    if values.shape[-1] < 3:
        return rate
    rate[..., 1:-1] = (values[..., 2:] - values[..., :-2]) / (2.0 * dt_ms)
    rate[..., 0] = rate[..., 1]
    rate[..., -1] = rate[..., -2]
    return rate
