"""What a layout is: where the afferents of a population lie on the skin.

A new layout is a subclass with ``place``, best a frozen dataclass whose fields are its parameters,
and a YAML file in ``conf/layout`` that names it in ``_target_`` and gives the parameters their
defaults.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from sensoryforge.core.types import Positions
from sensoryforge.skin.receptors.base import Receptors


class Layout(ABC):
    """A way to spread the afferents of a population over the skin.

    Examples
    --------
    >>> import numpy as np
    >>> class Corner(Layout):
    ...     def place(self, receptors, count, seed):
    ...         return np.tile([receptors.width_mm / 2, receptors.height_mm / 2], (count, 1))
    """

    can_refuse = True
    """Whether placing may refuse what it is given: it is then done before a run begins."""
    spreads = True
    """Whether it fills whatever skin it is given with as many afferents as are wanted.

    Such a layout is made on the rectangle around an outline, and what lies inside is kept. One that
    places afferents where a file says has to have them all inside.
    """

    @abstractmethod
    def place(self, receptors: Receptors, count: int, seed: int) -> Positions:
        """Return where the afferents lie.

        Parameters
        ----------
        receptors
            The receptors of the skin; their width and height say how far it reaches.
        count
            Number of afferents, at least 1.
        seed
            What all randomness comes from: the same seed gives the same places.

        Returns
        -------
        Positions
            x and y of each afferent in mm, ``[count, 2]``.
        """
