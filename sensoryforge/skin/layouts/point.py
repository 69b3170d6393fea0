"""Afferents all at one place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Positions
from sensoryforge.core.values import is_finite
from sensoryforge.skin.layouts.base import Layout
from sensoryforge.skin.receptors.base import Receptors


@dataclass(frozen=True)
class Point(Layout):
    """Afferents that all lie at one place, as if each had been recorded under the same probe.

    The place is that of the skin, to the bit: ``pipeline.center_mm`` does not move it, and it may
    lie off the sheet. The seed is not used.

    Parameters
    ----------
    x_mm, y_mm
        The place.

    Raises
    ------
    ConfigError
        For a coordinate that is no finite number.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> Point(x_mm=0.5).place(Grid(4, 4, 1.0), count=2, seed=0).tolist()
    [[0.5, 0.0], [0.5, 0.0]]
    """

    x_mm: float = 0.0
    y_mm: float = 0.0

    spreads = False

    def __post_init__(self) -> None:
        problems = []
        for name in ("x_mm", "y_mm"):
            value = getattr(self, name)
            if not is_finite(value):
                problems.append(f"{name}: got {value!r}, allowed is a number (mm)")
        if problems:
            raise ConfigError(problems)

    def place(self, receptors: Receptors, count: int, seed: int) -> Positions:
        """Return where the afferents lie, ``[count, 2]`` in mm."""
        return np.tile(np.array([self.x_mm, self.y_mm], dtype=np.float64), (count, 1))
