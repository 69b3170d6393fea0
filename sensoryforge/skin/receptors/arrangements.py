"""The receptors that the section ``pipeline`` of a configuration describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sensoryforge.core.numerics import hash64
from sensoryforge.skin.receptors.base import Receptors
from sensoryforge.skin.receptors.blue_noise import BlueNoise
from sensoryforge.skin.receptors.grid import Grid
from sensoryforge.skin.receptors.hex import Hex
from sensoryforge.skin.receptors.jittered import Jittered
from sensoryforge.skin.receptors.random import Random

_MADE_OF_GRID: dict[str, Callable[[Grid, int, float], Receptors]] = {
    "grid": lambda grid, seed, jitter: grid,
    "hex": lambda grid, seed, jitter: Hex(grid, seed),
    "jittered": Jittered,
    "random": lambda grid, seed, jitter: Random(grid, seed),
    "blue_noise": lambda grid, seed, jitter: BlueNoise(grid, seed),
}
ARRANGEMENTS = tuple(_MADE_OF_GRID)
"""What ``pipeline.arrangement`` may be."""
DEFAULTS: dict[str, Any] = {
    "arrangement": "grid",
    "jitter": 0.25,
    "center_mm": [0.0, 0.0],
    "outline": "none",
}
"""What keys of the pipeline are in a configuration of an earlier version, which lacks them."""


def receptors_of(pipeline: Mapping[str, Any]) -> Receptors:
    """Return the receptors of a section ``pipeline``.

    Parameters
    ----------
    pipeline
        ``grid_size``, ``spacing_mm`` and ``seed``; ``arrangement``, ``jitter`` and ``center_mm``
        have their default where they are left out.

    Raises
    ------
    ConfigError
        For a value that is not allowed.

    Examples
    --------
    >>> skin = receptors_of(
    ...     {"grid_size": 8, "spacing_mm": 0.15, "seed": 0, "arrangement": "random"}
    ... )
    >>> type(skin).__name__, skin.count
    ('Random', 64)
    """
    values = {**DEFAULTS, **pipeline}
    grid = Grid.from_config(values["grid_size"], values["spacing_mm"], values["center_mm"])
    seed = hash64("receptors", values["seed"])
    return _MADE_OF_GRID[values["arrangement"]](grid, seed, values["jitter"])
