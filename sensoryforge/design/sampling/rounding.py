"""Numbers rounded to a few decimal digits, the same on every machine."""

from __future__ import annotations

import numpy as np

from sensoryforge.core.types import Floats, Ints

DIGITS = 12
"""Digits that a drawn number has: it is written in a file as it is, and read as it was."""
_LEAST, _MOST = -300, 300
"""Powers of ten between which numbers are rounded; others stay as they are."""
_EXACT = 22
"""Powers of ten up to here are exact in float64."""
_POWERS = np.array([float(f"1e{exponent}") for exponent in range(_LEAST, _MOST + 1)])


def round_to_digits(values: Floats, digits: int = DIGITS) -> Floats:
    """Return numbers with that many significant decimal digits.

    Each is a whole number times or over a power of ten, which IEEE 754 rounds one way; where that
    power is exact, it is the very number that the digits are read as.

    Parameters
    ----------
    values
        Finite numbers, of any shape.

    Examples
    --------
    >>> round_to_digits(np.array([1 / 3, -200 / 3, 0.0]), digits=3).tolist()
    [0.333, -66.7, 0.0]
    """
    size = np.abs(values)
    exponent = np.searchsorted(_POWERS, size, side="right") - 1 + _LEAST
    shift = digits - 1 - exponent
    is_exact = (np.abs(shift) <= _EXACT) & (size > 0)
    power = _power_of_ten(np.where(is_exact, np.abs(shift), 0))
    rounded = np.where(shift >= 0, np.rint(values * power) / power, np.rint(values / power) * power)
    return np.where(is_exact, rounded, values)


def _power_of_ten(exponent: Ints) -> Floats:
    powers: Floats = _POWERS[exponent - _LEAST]
    return powers
