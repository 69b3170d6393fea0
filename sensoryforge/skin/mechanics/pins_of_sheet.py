"""The receptors of a sheet as pins that press on the skin."""

from __future__ import annotations

import numpy as np

from sensoryforge.skin.receptors import Receptors
from sensoryforge.skin.receptors.grid import Grid
from sensoryforge.skin.receptors.hex import Hex

LATTICES = ("grid", "hex")
"""Arrangements whose receptors all have as much skin: those that can be pins."""


def pin_radius_mm(receptors: Receptors) -> float:
    """Return the radius of the pins: half the distance of neighbouring receptors.

    Parameters
    ----------
    receptors
        Receptors that form a lattice.

    Examples
    --------
    >>> pin_radius_mm(Grid(rows=8, columns=8, spacing_mm=0.15))
    0.075
    """
    if isinstance(receptors, Grid):
        return 0.5 * receptors.spacing_mm
    assert isinstance(receptors, Hex)
    xy_mm = receptors.xy()
    squares = ((xy_mm[1:] - xy_mm[0]) ** 2).sum(axis=1)
    return 0.5 * float(np.sqrt(squares.min())) if len(squares) else 0.5 * receptors.width_mm
