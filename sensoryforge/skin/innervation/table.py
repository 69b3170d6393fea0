"""Links that a file lists."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Positions
from sensoryforge.skin.innervation.base import Innervation, ReceptiveFields
from sensoryforge.skin.innervation.links import Links
from sensoryforge.skin.receptors.base import Receptors
from sensoryforge.skin.tables import read_table

_IS_ONE = 1e-9
"""How far from one the weights of a neuron may sum and still stay as they are."""


@dataclass(frozen=True)
class LinkTable(Innervation):
    """Receptive fields from a CSV file with the columns ``neuron``, ``receptor`` and ``weight``.

    Numbers count from zero, as ``sensoryforge export --links`` writes them. Weights of a neuron
    that sum to one stay as they are, to the bit; others are divided by their sum. The seed is not
    used.

    Parameters
    ----------
    file
        Path of the file.
    checksum
        What its content has to have; None for any. A configuration that is checked notes it here,
        so that a dataset tells when the file has changed.

    Raises
    ------
    ConfigError
        Where the file cannot be read, and when drawing, where it does not fit the neurons and the
        receptors.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> path = getfixture("tmp_path") / "links.csv"
    >>> _ = path.write_text("neuron,receptor,weight\\n0,4,1\\n1,0,3\\n1,8,1\\n")
    >>> fields = LinkTable(str(path)).draw(Grid(3, 3, 0.5), np.zeros((2, 2)), seed=0)
    >>> fields.indices.tolist(), fields.weights.tolist()
    ([[4, 4], [0, 8]], [[1.0, 0.0], [0.75, 0.25]])
    """

    file: str
    checksum: str | None = field(default=None, compare=False)

    numbers_the_sheet = True

    def __post_init__(self) -> None:
        self._read()

    def _read(self) -> Links:
        """Return the links of the file, in its order."""
        table = read_table(self.file, ("weight",), ("neuron", "receptor"), self.checksum)
        links = Links(table["neuron"], table["receptor"], table["weight"])
        is_negative = links.value < 0
        if is_negative.any():
            line = int(np.flatnonzero(is_negative)[0])
            got = f"{links.value[line]:g}, allowed is a number >= 0"
            raise ConfigError(f"file: {self.file}, line {line + 2}: weight: got {got}")
        return links

    def draw(self, receptors: Receptors, centres: Positions, seed: int) -> ReceptiveFields:
        """Return the receptive fields of afferents at ``centres`` ``[N, 2]`` in mm."""
        links = self._read()
        self._check_numbers("neuron", int(links.neuron.max()), len(centres))
        self._check_numbers("receptor", int(links.receptor.max()), receptors.count)
        links = links.without_zeros().sorted()
        again = (np.diff(links.neuron) == 0) & (np.diff(links.receptor) == 0)
        if again.any():
            first = int(np.flatnonzero(again)[0])
            pair = f"neuron {links.neuron[first]} and receptor {links.receptor[first]}"
            raise ConfigError(f"file: {self.file} links {pair} twice, allowed is once")
        links_of = np.bincount(links.neuron, minlength=len(centres))
        if not links_of.all():
            first = int(np.flatnonzero(links_of == 0)[0])
            allowed = "allowed is a weight above zero for each"
            raise ConfigError(f"file: {self.file} has no link of neuron {first}, {allowed}")
        sums = np.bincount(links.neuron, weights=links.value)
        divisors = np.where(np.abs(sums - 1.0) <= _IS_ONE, 1.0, sums)
        return links.with_values(links.value / divisors[links.neuron]).as_fields(len(centres))

    def _check_numbers(self, name: str, highest: int, count: int) -> None:
        """Refuse a number beyond what there is."""
        if highest >= count:
            got = f"has the {name} {highest}"
            raise ConfigError(f"file: {self.file} {got}, allowed are 0 to {count - 1}")
