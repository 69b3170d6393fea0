"""What an arrangement of receptors is: points on the skin, numbered from zero."""

from __future__ import annotations

from abc import ABC, abstractmethod

from sensoryforge.core.types import Ints, Positions


class Receptors(ABC):
    """Mechanoreceptor sample points on a rectangle of skin, centred on the origin; in mm.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> skin: Receptors = Grid(rows=2, columns=3, spacing_mm=0.5)
    >>> skin.count, skin.width_mm, skin.height_mm
    (6, 1.5, 1.0)
    """

    @property
    @abstractmethod
    def count(self) -> int:
        """Number of receptors."""

    @property
    @abstractmethod
    def width_mm(self) -> float:
        """Extent of the skin along x."""

    @property
    @abstractmethod
    def height_mm(self) -> float:
        """Extent of the skin along y."""

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
