"""Where neurons lie and what they pool, as CSV files that layouts and innervations read again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sensoryforge.analysis.neurons import has_tags, has_units, tags, units
from sensoryforge.analysis.plots.scene import positions, receptive_fields
from sensoryforge.core.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from sensoryforge.analysis.results import Results


def cells_table(results: Results, population: str) -> pd.DataFrame:
    """Return where the neurons of a population lie: ``x_mm`` and ``y_mm``, a row a neuron.

    Neurons that are units of a table have a column ``unit``, its rows counted from zero; those on
    skin with regions a column ``tag``.

    Parameters
    ----------
    results
        The dataset.
    population
        Name of the population.

    Examples
    --------
    >>> cells_table(results, "sa").columns.tolist(), len(cells_table(results, "sa"))
    (['x_mm', 'y_mm'], 5)
    """
    import pandas as pd

    cells = pd.DataFrame(positions(results, population), columns=["x_mm", "y_mm"])
    if has_units(results, population):
        cells["unit"] = units(results, population)
    if has_tags(results, population):
        cells["tag"] = tags(results, population)
    return cells


def links_table(results: Results, population: str) -> pd.DataFrame:
    """Return what the neurons of a population pool: ``neuron``, ``receptor`` and ``weight``.

    Parameters
    ----------
    results
        The dataset.
    population
        Name of the population.

    Returns
    -------
    pandas.DataFrame
        A row a link whose weight is not zero, by neuron, then by receptor, counted from zero.

    Raises
    ------
    ConfigError
        Where the receptive fields cannot be drawn again, as those of a class that is not trusted.

    Examples
    --------
    >>> links = links_table(results, "sa")
    >>> links.columns.tolist(), len(links)
    (['neuron', 'receptor', 'weight'], 160)
    """
    import pandas as pd

    _, fields = receptive_fields(results, population)
    neuron, column = np.nonzero(fields.weights)
    receptor = fields.indices[neuron, column]
    weight = fields.weights[neuron, column]
    return pd.DataFrame({"neuron": neuron, "receptor": receptor, "weight": weight})


TABLES = {"cells": cells_table, "links": links_table}
"""What can be written, by the word of a command line."""


def write_tables(results: Results, folder: Path, names: list[str]) -> Iterator[Path]:
    """Write ``POPULATION_NAME.csv`` of each population, and yield each path once it is written.

    Parameters
    ----------
    results
        The dataset.
    folder
        Where to; it is made where it is not there.
    names
        Which tables: ``cells``, ``links``.

    Raises
    ------
    ConfigError
        Where a table cannot be made; then none is written.
    StorageError
        Where a file cannot be written.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> [path.name for path in write_tables(results, folder, ["cells"])]
    ['sa_cells.csv', 'ra_cells.csv']
    """
    tables: dict[Path, pd.DataFrame] = {}
    for population in results.populations:
        for name in names:
            path = folder / f"{population}_{name}.csv"
            tables[path] = TABLES[name](results, population)
    for path, table in tables.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            table.to_csv(path, index=False)
        except OSError as error:
            raise StorageError(f"{path}: cannot be written ({error.strerror})") from error
        yield path
