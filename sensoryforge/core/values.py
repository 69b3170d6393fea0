"""Numbers as a configuration writes them: ``true`` and ``false`` are not among them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
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


def plain_python(value: Any) -> Any:
    """Return a value as a configuration holds it: NumPy's and Python's own kinds made plain.

    Parameters
    ----------
    value
        A mapping, sequence, array, range, path, number or text, nested as it may be.

    Examples
    --------
    >>> import numpy as np
    >>> plain_python({"amplitude": np.linspace(10, 30, 3), "repetitions": np.int64(2)})
    {'amplitude': [10.0, 20.0, 30.0], 'repetitions': 2}
    >>> plain_python(range(3))
    [0, 1, 2]
    """
    if type(value).__module__.startswith("omegaconf"):  # it may hold ${...}
        return value
    if isinstance(value, Mapping):
        return {key: plain_python(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range | set | frozenset):
        return [plain_python(item) for item in value]
    if isinstance(value, PurePath):
        return str(value)
    to_list = getattr(value, "tolist", None)  # arrays and numbers of NumPy, torch and pandas
    return value if to_list is None else to_list()
