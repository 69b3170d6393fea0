"""Who the neurons of a dataset are: the unit of each, and the region that it lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sensoryforge.analysis.selection import check_population
from sensoryforge.core.axes import ROW, SEED_AXIS
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names
from sensoryforge.core.types import Ints
from sensoryforge.skin.units import UnitTable

if TYPE_CHECKING:
    from sensoryforge.store.dataset import Dataset

Texts = npt.NDArray[np.str_]


def of_skin(dataset: Dataset, key: str) -> Any:
    """Return what a dataset says of neurons or receptors, None where it says nothing.

    Parameters
    ----------
    dataset
        The dataset.
    key
        A key of the metadata, such as ``sa_xy_mm``.

    Raises
    ------
    ConfigError
        Where it differs between the skins that the dataset's stimuli are felt by.

    Examples
    --------
    >>> of_skin(results, "sa_xy_mm").shape
    torch.Size([5, 2])
    """
    stored = dataset.metadata.get(key)
    if stored is None or key not in dataset.metadata.get("of_seeds", ()):
        return stored
    return stored[dataset.metadata["seeds"].index(seed_of(dataset))]


def seed_of(dataset: Dataset) -> int:
    """Return the seed of the skin that a dataset's stimuli are felt by.

    Raises
    ------
    ConfigError
        Where there are several: it is an axis, and stimuli of one have to be chosen.

    Examples
    --------
    >>> seed_of(results)
    0
    """
    if SEED_AXIS not in dataset.table:
        seed: int = dataset.metadata["config"]["pipeline"]["seed"]
        return seed
    seeds = sorted({int(seed) for seed in dataset.table[SEED_AXIS]})
    if len(seeds) > 1:
        raise ConfigError(
            f"{dataset.directory}: its afferents are drawn anew for each {SEED_AXIS}, "
            f"{list_names(map(str, seeds))}; take one, results.where({SEED_AXIS}={seeds[0]}), "
            f"or in plot --where {SEED_AXIS}={seeds[0]}"
        )
    return seeds[0]


def has_one_skin(dataset: Dataset, key: str) -> bool:
    """Tell whether neurons or receptors are the same for all stimuli of a dataset.

    Examples
    --------
    >>> has_one_skin(results, "sa_xy_mm")
    True
    """
    if key not in dataset.metadata.get("of_seeds", ()):
        return True
    return int(dataset.table[SEED_AXIS].nunique()) == 1


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
    stored = of_skin(dataset, f"{population}_unit")
    if stored is not None:
        return np.asarray(stored, dtype=np.int64)
    values = _population(dataset, population)
    if values.get("units") is None:
        where = f"{dataset.directory}: population {population}"
        raise ConfigError(f"{where} has no table of units (neurons.populations.{population}.units)")
    column = f"{population}_units_{ROW}"
    if column in dataset.table:
        raise ConfigError(
            f"{dataset.directory}: all neurons of {population} are one unit, in each condition "
            f"another; the column {column} says which"
        )
    # An interrupted run has only its configuration.
    seed = seed_of(dataset)
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
    numbers = of_skin(dataset, f"{population}_tag")
    if numbers is None:
        raise ConfigError(f"{dataset.directory}: its skin has no regions (pipeline.outline)")
    names: Texts = np.array(dataset.metadata["tags"])
    return names[np.asarray(numbers, dtype=np.int64)]


def _population(dataset: Dataset, population: str) -> dict[str, Any]:
    """Return what the configuration says of a population, nothing where it is not known."""
    config = dataset.metadata.get("config") or {}
    populations = (config.get("neurons") or {}).get("populations") or {}
    return populations.get(population) or {}
