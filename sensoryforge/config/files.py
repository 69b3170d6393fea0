"""Files that layouts, innervations and units are read from, as part of what a configuration says.

A path alone does not say what was run: the file may have changed since. So the checksum of its
content stands beside it, in the configuration that is checked, compared and kept with a dataset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sensoryforge.core.instances import TARGET
from sensoryforge.core.paths import is_file
from sensoryforge.core.source_file import SourceFile

FILE = "file"
"""The key of a parameter that names a file."""
CHECKSUM = "checksum"
"""The key of the parameter that says what the file holds."""
PARTS_WITH_FILES = ("layout", "innervation", "units")
"""Parts of a population that may name a file."""


def note_checksums(plain: Mapping[str, Any]) -> None:
    """Put the checksum of each file of the populations beside its path, unless one stands there.

    Parameters
    ----------
    plain
        A configuration in plain containers, its options written out; it is changed. A kind of the
        user's gets a checksum where its option has the key ``checksum``.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "cells.csv"
    >>> _ = path.write_text("x_mm,y_mm\\n0.5,1\\n")
    >>> layout = {"_target_": "sensoryforge.skin.layouts.CellTable", "file": str(path)}
    >>> note_checksums({"neurons": {"populations": {"sa": {"layout": layout}}}})
    >>> layout["checksum"]
    'fe00ab5dcaaf59285b886bc50c629bbd'
    """
    for part, values in _parts_with_files(plain):
        file = values[FILE]
        takes_checksum = CHECKSUM in values or part == "units" or _is_shipped(values)
        is_noted = values.get(CHECKSUM) is not None
        if takes_checksum and not is_noted and isinstance(file, str) and is_file(file):
            values[CHECKSUM] = SourceFile(file, file).checksum


def _is_shipped(values: Mapping[str, Any]) -> bool:
    """Tell whether a mapping is of a class of this package, all of which take a checksum."""
    package = __name__.partition(".")[0]
    return str(values.get(TARGET)).startswith(f"{package}.")


def _parts_with_files(plain: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each part of a population that names a file, by the name of the part."""
    neurons = plain.get("neurons")
    populations = neurons.get("populations") if isinstance(neurons, Mapping) else None
    if not isinstance(populations, Mapping):
        return
    for population in populations.values():
        if not isinstance(population, Mapping):
            continue
        for part in PARTS_WITH_FILES:
            values = population.get(part)
            if isinstance(values, dict) and FILE in values:
                yield part, values
