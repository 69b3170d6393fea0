"""What arrangements that are no grid share: the extent of one, and receptors at any places."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sensoryforge.core.types import Ints, Positions
from sensoryforge.skin.receptors.base import Receptors
from sensoryforge.skin.receptors.grid import Grid


@dataclass(frozen=True)
class Scattered(Receptors):
    """Receptors anywhere on the rectangle of a grid, one for each of its cells.

    Parameters
    ----------
    grid
        The grid whose extent the skin has, and as many receptors.
    seed
        What their places are drawn from.

    Examples
    --------
    >>> class Corner(Scattered):
    ...     def place(self):
    ...         return np.zeros((self.count, 2))
    >>> Corner(Grid(2, 2, 0.5), seed=0).xy(np.array([3])).tolist()
    [[-0.5, -0.5]]
    """

    grid: Grid
    seed: int

    @property
    def center_mm(self) -> tuple[float, float]:  # type: ignore[override]
        """x and y of the middle of the skin."""
        return self.grid.center_mm

    @property
    def count(self) -> int:
        """Number of receptors."""
        return self.grid.count

    @property
    def width_mm(self) -> float:
        """Extent of the skin along x."""
        return self.grid.width_mm

    @property
    def height_mm(self) -> float:
        """Extent of the skin along y."""
        return self.grid.height_mm

    @abstractmethod
    def place(self) -> Positions:
        """Return where receptors lie, ``[R, 2]`` in mm from the lower left corner of the skin."""

    @cached_property
    def _xy_mm(self) -> Positions:
        """Where all receptors lie, ``[R, 2]`` in mm."""
        corner = np.array([self.width_mm, self.height_mm]) / 2
        xy_mm: Positions = self.place() - corner + np.array(self.center_mm)
        return xy_mm

    def xy(self, indices: Ints | None = None) -> Positions:
        """Return where receptors lie, ``[R, 2]`` in mm: those of these numbers ``[R]``, or all."""
        return self._xy_mm if indices is None else self._xy_mm[indices]
