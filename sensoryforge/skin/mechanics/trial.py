"""A skin of the user's, tried on a small contact before a run."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import numpy as np

from sensoryforge.core.messages import USERS_FAILURES, describe_failure
from sensoryforge.core.types import Floats
from sensoryforge.skin.mechanics.base import Skin
from sensoryforge.skin.mechanics.contact import Pins

_DISTANCES = np.array([[0.0, 0.3, 2.0], [0.3, 0.0, 1.7]])
_DEPTHS = np.array([0.2, 0.1])


def problems_of_use(skin: Skin) -> Iterator[str]:
    """Yield a line for each method that fails, or returns something else than it should.

    Parameters
    ----------
    skin
        The skin, of any class.

    Examples
    --------
    >>> from sensoryforge.skin.mechanics import Elastic
    >>> skin = Elastic(youngs_modulus_mpa=0.05, poisson_ratio=0.4, wave_speed=8.0, glued=True)
    >>> list(problems_of_use(skin))
    []
    """
    pins = Pins(np.array([[0.0, 0.0], [0.3, 0.0]]), radius_mm=0.15)
    name = type(skin).__name__
    try:
        forces = skin.forces(_DEPTHS, pins)
        yield from _problems_of_array(f"{name}.forces", forces, _DEPTHS.shape, least=0.0)
    except USERS_FAILURES as error:
        yield f"{name}.forces fails, {describe_failure(error)}"
    try:
        static, dynamic = skin.weights(_DISTANCES, 0.3, pins.radius_mm)
        yield from _problems_of_array(f"{name}.weights", static, _DISTANCES.shape)
        yield from _problems_of_array(f"{name}.weights", dynamic, _DISTANCES.shape)
    except USERS_FAILURES as error:
        yield f"{name}.weights fails, {describe_failure(error)}"
    try:
        delay_ms = skin.delay_ms(_DISTANCES[0], pins.radius_mm)
        yield from _problems_of_array(f"{name}.delay_ms", delay_ms, _DISTANCES[0].shape, least=0.0)
    except USERS_FAILURES as error:
        yield f"{name}.delay_ms fails, {describe_failure(error)}"


def _problems_of_array(
    method: str, values: Floats, shape: tuple[int, ...], least: float = -inf
) -> Iterator[str]:
    array = np.asarray(values)
    if array.shape != shape:
        yield f"{method} returned an array of shape {array.shape}, not {shape}"
    elif not np.isfinite(array.astype(np.float64)).all():
        yield f"{method} returned a number that is not finite"
    elif (array < least).any():
        yield f"{method} returned a number below zero"
