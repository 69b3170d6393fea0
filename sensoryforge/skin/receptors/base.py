"""What an arrangement of receptors is: points on the skin, numbered from zero."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from sensoryforge.core.types import Floats, Ints, Positions
from sensoryforge.core.values import is_finite


class Receptors(ABC):
    """Mechanoreceptor sample points on a rectangle of skin; in mm.

    The middle of the rectangle is the origin, unless ``center_mm`` says otherwise.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> skin: Receptors = Grid(rows=2, columns=3, spacing_mm=0.5)
    >>> skin.count, skin.width_mm, skin.height_mm
    (6, 1.5, 1.0)
    """

    center_mm: tuple[float, float] = (0.0, 0.0)
    """x and y of the middle of the skin."""

    @property
    @abstractmethod
    def count(self) -> int:
        """Number of receptors."""

    @property
    def shape(self) -> Sequence[int]:
        """Receptors along each axis of a saved stimulus; where they form no grid it has one."""
        return (self.count,)

    @property
    @abstractmethod
    def width_mm(self) -> float:
        """Extent of the skin along x."""

    @property
    @abstractmethod
    def height_mm(self) -> float:
        """Extent of the skin along y."""

    def from_middle(self, x: Floats, y: Floats) -> Positions:
        """Return places on the skin, ``[N, 2]`` in mm, given as fractions of it from its middle.

        Parameters
        ----------
        x, y
            From -0.5 at the left and lower edges to 0.5 at the right and upper ones, ``[N]`` each.

        Examples
        --------
        >>> import numpy as np
        >>> from sensoryforge.skin.receptors import Grid
        >>> skin = Grid(rows=2, columns=3, spacing_mm=0.5, center_mm=(10.0, 0.0))
        >>> skin.from_middle(np.array([-0.5]), np.array([0.5])).tolist()
        [[9.25, 0.5]]
        """
        center_x, center_y = self.center_mm
        return np.stack([x * self.width_mm + center_x, y * self.height_mm + center_y], axis=-1)

    @abstractmethod
    def xy(self, indices: Ints | None = None) -> Positions:
        """Return where receptors lie.

        Parameters
        ----------
        indices
            Numbers of receptors, ``[R]``; all of them where it is left out.

        Returns
        -------
        Positions
            x and y in mm, ``[R, 2]``.

        Examples
        --------
        >>> import numpy as np
        >>> from sensoryforge.skin.receptors import Grid
        >>> Grid(rows=2, columns=3, spacing_mm=0.5).xy(np.array([0, 5])).tolist()
        [[-0.5, -0.25], [0.5, 0.25]]
        """


def center_problems(center_mm: object) -> list[str]:
    """Return a line where the middle of the skin is not two finite numbers.

    Examples
    --------
    >>> center_problems((0.0, 2.5))
    []
    """
    values = center_mm if isinstance(center_mm, list | tuple) else ()
    if len(values) == 2 and all(is_finite(value) for value in values):
        return []
    return [f"center_mm: got {center_mm!r}, allowed are two finite numbers, [x, y] (mm)"]
