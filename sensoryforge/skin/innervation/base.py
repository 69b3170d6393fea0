"""What innervation is: which receptors each afferent pools, and with what weights.

A new kind of innervation is a subclass with ``draw``, best a frozen dataclass whose fields are its
parameters, and a YAML file in ``conf/innervation`` that names it in ``_target_`` and gives the
parameters their defaults.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from sensoryforge.core.types import Floats, Ints, Positions
from sensoryforge.skin.receptors.base import Receptors


@dataclass(frozen=True)
class ReceptiveFields:
    """Sparse weights from receptors to N afferents, C receptors each; a row is one receptive field.

    Parameters
    ----------
    indices
        Numbers of receptors, ``[N, C]``, ascending in each row.
    weights
        What each of them counts, ``[N, C]``; in the shipped kinds a row sums to one. An afferent
        that pools fewer than C receptors has weights of zero.

    Examples
    --------
    >>> import numpy as np
    >>> fields = ReceptiveFields(indices=np.array([[3, 4]]), weights=np.array([[0.25, 0.75]]))
    >>> fields.weights.sum(axis=1)
    array([1.])
    """

    indices: Ints
    weights: Floats


class Innervation(ABC):
    """A way to draw the receptive fields of afferents.

    A kind of your own is a frozen dataclass whose fields are its parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from sensoryforge.skin.innervation import Gaussian
    >>> from sensoryforge.skin.receptors import Grid
    >>> skin = Grid(rows=8, columns=8, spacing_mm=0.15)
    >>> centres = np.zeros((1, 2))
    >>> Gaussian(sigma_mm=0.3, connections=5).draw(skin, centres, seed=1).indices.shape
    (1, 5)
    """

    pools_receptors = True
    """Whether afferents pool receptors; others lie at a depth in a skin that deforms."""

    can_refuse = True
    """Whether drawing may refuse what it is given: it is then done before a run begins."""
    numbers_the_sheet = False
    """Whether it names receptors by their numbers in the whole sheet, also where it has an outline.

    Any other is drawn of the receptors inside the outline alone.
    """

    @abstractmethod
    def draw(self, receptors: Receptors, centres: Positions, seed: int) -> ReceptiveFields:
        """Return which receptors each afferent pools, and with what weights.

        Parameters
        ----------
        receptors
            The receptors of the skin.
        centres
            Where the afferents lie, ``[N, 2]`` in mm.
        seed
            What all randomness comes from: the same seed gives the same receptive fields.

        Returns
        -------
        ReceptiveFields
            A row an afferent, in the order of ``centres``. The class shows an example.
        """

    @property
    def field_sd_mm(self) -> float | None:
        """Standard deviation of a receptive field, for pictures; None where there is none."""
        return None
