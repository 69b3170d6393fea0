"""Afferents on a lattice, each moved a little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.numerics import normals
from sensoryforge.core.types import Floats, Positions
from sensoryforge.core.values import is_finite
from sensoryforge.skin.layouts.base import Layout
from sensoryforge.skin.layouts.even import Even
from sensoryforge.skin.receptors.base import Receptors


@dataclass(frozen=True)
class Jittered(Layout):
    """Afferents on the lattice of ``even``, each moved by a normal draw along x and along y.

    With a standard deviation of 0.2 of the spacing it is how TouchSim lays out afferents (Saal et
    al. 2017, doi:10.1073/pnas.1704856114). One that would leave the skin is mirrored at its edge.

    Parameters
    ----------
    sd
        Standard deviation of a move, in mean spacings.

    Raises
    ------
    ConfigError
        For one that is below zero.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> skin = Grid(10, 10, 1.0)
    >>> moved = Jittered(sd=0.2).place(skin, 400, seed=1) - Even().place(skin, 400, seed=1)
    >>> moved.std(axis=0).round(2).tolist()  # of a spacing of 0.5 mm
    [0.1, 0.1]
    """

    sd: float = 0.2

    def __post_init__(self) -> None:
        if not is_finite(self.sd) or self.sd < 0:
            raise ConfigError(f"sd: got {self.sd!r}, allowed is a number >= 0 (spacings)")

    can_refuse = False

    def place(self, receptors: Receptors, count: int, seed: int) -> Positions:
        """Return where the afferents lie, ``[count, 2]`` in mm."""
        extent = np.array([receptors.width_mm, receptors.height_mm])
        spacing_mm = np.sqrt(extent[0] * extent[1] / count)
        lattice = Even().place(receptors, count, seed)
        moves = normals(seed, "layout", size=2 * count).reshape(count, 2)
        from_middle = lattice - np.asarray(receptors.center_mm) + self.sd * spacing_mm * moves
        fractions = _mirrored(from_middle / extent)
        return receptors.from_middle(fractions[:, 0], fractions[:, 1])


def _mirrored(fractions: Floats) -> Floats:
    """Return places, in fractions of the skin from its middle, mirrored at the edges."""
    # Edges are half a skin from the middle: unfolded, the pattern repeats every two skins.
    unfolded = np.mod(fractions + 0.5, 2.0)
    folded: Floats = np.where(unfolded > 1.0, 2.0 - unfolded, unfolded) - 0.5
    return folded
