"""Afferents where a file says."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Positions
from sensoryforge.skin.layouts.base import Layout
from sensoryforge.skin.receptors.base import Receptors
from sensoryforge.skin.tables import read_table

COLUMNS = ("x_mm", "y_mm")


@dataclass(frozen=True)
class CellTable(Layout):
    """Afferents at the places of a CSV file with the columns ``x_mm`` and ``y_mm``.

    Places are those of the skin, to the bit: ``pipeline.center_mm`` does not move them, and they
    may lie off the sheet. The file has one row an afferent; the seed is not used.

    Parameters
    ----------
    file
        Path of the file, as ``sensoryforge export --cells`` writes it.
    checksum
        What its content has to have; None for any. A configuration that is checked notes it here,
        so that a dataset tells when the file has changed.

    Raises
    ------
    ConfigError
        Where the file cannot be read, and when placing, where it has more or fewer rows than there
        are afferents.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> path = getfixture("tmp_path") / "cells.csv"
    >>> _ = path.write_text("x_mm,y_mm\\n0.5,1\\n-0.25,0\\n")
    >>> CellTable(str(path)).place(Grid(4, 4, 1.0), count=2, seed=0).tolist()
    [[0.5, 1.0], [-0.25, 0.0]]
    """

    file: str
    checksum: str | None = field(default=None, compare=False)

    spreads = False

    def __post_init__(self) -> None:
        self._read()

    def _read(self) -> Positions:
        """Return the places of the file, ``[L, 2]`` in mm."""
        table = read_table(self.file, COLUMNS, checksum=self.checksum)
        return np.stack([table[name] for name in COLUMNS], axis=-1)

    def place(self, receptors: Receptors, count: int, seed: int) -> Positions:
        """Return where the afferents lie, ``[count, 2]`` in mm."""
        xy_mm = self._read()
        if len(xy_mm) != count:
            got = f"got {count} neurons for the {len(xy_mm)} of {self.file}"
            raise ConfigError(f"file: {got}, allowed is count: {len(xy_mm)}")
        return xy_mm
