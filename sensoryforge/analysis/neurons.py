"""Who the neurons of a dataset are: the unit of each, and the region that it lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sensoryforge.analysis.selection import check_population
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Ints
from sensoryforge.skin.units import UnitTable

if TYPE_CHECKING:
    from sensoryforge.store.dataset import Dataset

Texts = npt.NDArray[np.str_]


def has_units(dataset: Dataset, population: str) -> bool:
    """Tell whether the neurons of a population are units of a table.

    Examples
    --------
    >>> has_units(results, "sa")
    False
    """
    return _population(dataset, population).get("units") is not None


def units(dataset: Dataset, population: str) -> Ints:
    """Return the unit of each neuron, the row of its table counted from zero, ``[N]``.

    Parameters
    ----------
    dataset
        The dataset.
    population
        The name of the population.

    Raises
    ------
    ConfigError
        For a population that is not there, or has no table of units.
    """
    check_population(dataset, population)
    stored = dataset.metadata.get(f"{population}_unit")
    if stored is not None:
        return np.asarray(stored, dtype=np.int64)
    values = _population(dataset, population)
    if values.get("units") is None:
        where = f"{dataset.directory}: population {population}"
        raise ConfigError(f"{where} has no table of units (neurons.populations.{population}.units)")
    # An interrupted run has only its configuration.
    seed = dataset.metadata["config"]["pipeline"]["seed"]
    return UnitTable.from_config(values["units"]).draw(values["count"], seed, population)


def has_tags(dataset: Dataset, population: str) -> bool:
    """Tell whether the neurons of a population lie in regions with tags.

    Examples
    --------
    >>> has_tags(results, "sa")
    False
    """
    return f"{population}_tag" in dataset.metadata


def tags(dataset: Dataset, population: str) -> Texts:
    """Return the tag of the region that each neuron lies in, ``[N]``.

    Parameters
    ----------
    dataset
        The dataset, of a run that is complete.
    population
        The name of the population.

    Raises
    ------
    ConfigError
        For a population that is not there, and for skin without regions.
    """
    check_population(dataset, population)
    numbers = dataset.metadata.get(f"{population}_tag")
    if numbers is None:
        raise ConfigError(f"{dataset.directory}: its skin has no regions (pipeline.outline)")
    names: Texts = np.array(dataset.metadata["tags"])
    return names[np.asarray(numbers, dtype=np.int64)]


def _population(dataset: Dataset, population: str) -> dict[str, Any]:
    """Return what the configuration says of a population, nothing where it is not known."""
    config = dataset.metadata.get("config") or {}
    populations = (config.get("neurons") or {}).get("populations") or {}
    return populations.get(population) or {}
