"""Receptors on a square lattice, each moved a little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.numerics import uniforms
from sensoryforge.core.types import Positions
from sensoryforge.core.values import is_finite
from sensoryforge.skin.receptors.scattered import Scattered

MOST_JITTER = 0.5
"""Pitches that a receptor may be moved at most: farther it would leave its cell."""


@dataclass(frozen=True)
class Jittered(Scattered):
    """Receptors of a grid, each moved at random along x and along y within its cell.

    Parameters
    ----------
    grid, seed
        The grid, and what the moves are drawn from.
    jitter
        How far at most, either way, in pitches: from 0 to 0.5.

    Raises
    ------
    ConfigError
        Where the jitter is not allowed.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> grid = Grid(8, 8, 0.15)
    >>> moved = Jittered(grid, seed=1, jitter=0.2).xy() - grid.xy()
    >>> bool(0.0 < np.abs(moved).max() <= 0.2 * 0.15)
    True
    """

    jitter: float

    def __post_init__(self) -> None:
        if not (is_finite(self.jitter) and 0 <= self.jitter <= MOST_JITTER):
            allowed = f"allowed is a number from 0 to {MOST_JITTER:g} (pitches)"
            raise ConfigError(f"jitter: got {self.jitter!r}, {allowed}")

    def place(self) -> Positions:
        """Return where receptors lie, ``[R, 2]`` in mm from the lower left corner of the skin."""
        row, column = np.divmod(np.arange(self.count), self.grid.columns)
        middle = np.stack([column, row], axis=-1) + 0.5
        pairs = uniforms(self.seed, "receptors", size=2 * self.count).reshape(-1, 2)
        moved = (2 * pairs - 1) * self.jitter
        return (middle + moved) * self.grid.spacing_mm
