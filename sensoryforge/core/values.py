"""Numbers as a configuration writes them: ``true`` and ``false`` are not among them."""

from __future__ import annotations

from sys import float_info
from typing import Any, TypeGuard


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell whether a value is a number.

    Python counts ``True`` as 1; in a configuration it is a mistake.

    Examples
    --------
    >>> is_number(0.5), is_number(3), is_number(True), is_number("3")
    (True, True, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Tell whether a value is a number that a float can hold: not infinite, not NaN, not too large.

    Examples
    --------
    >>> is_finite(1e300), is_finite(float("inf")), is_finite(float("nan")), is_finite(10**400)
    (True, False, False, False)
    """
    return is_number(value) and abs(value) <= float_info.max


def is_whole(value: object) -> TypeGuard[int]:
    """Tell whether a value is a whole number, written without a point.

    Examples
    --------
    >>> is_whole(3), is_whole(3.0), is_whole(True)
    (True, False, False)
    """
    return isinstance(value, int) and not isinstance(value, bool)
