"""Which stimuli of a dataset are meant, and along which axes of the design they lie.

All of it is told from the table alone: no array is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sensoryforge.analysis.units import stimulus_entries
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names, suggest
from sensoryforge.core.values import is_number
from sensoryforge.stimuli.recipe import flat_values

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.core.types import Bools, Floats, Ints
    from sensoryforge.store.dataset import Dataset

FIXED = ("index", "id", "seed", "repetition", "type", "error")
"""Columns of the table that are no parameters."""
_TOLERANCE = 1e-9
_NOT_DRAWN = (None, "grid")


def matching_rows(dataset: Dataset, conditions: Mapping[str, Any]) -> Ints:
    """Return the rows of the table that meet every condition.

    Parameters
    ----------
    dataset
        Whose table.
    conditions
        Column to a value, several values, or a test of one. Numbers that are not whole match to
        nine digits, so that ``0.1 + 0.2`` finds 0.3.

    Raises
    ------
    ConfigError
        For columns that are not there, each with the nearest that is.

    Examples
    --------
    >>> matching_rows(results, {"amplitude": 30, "sigma": [0.3, 0.6], "repetition": 0}).tolist()
    [4, 6]
    """
    columns = [str(name) for name in dataset.table]
    problems = [unknown("where", name, columns) for name in conditions if name not in columns]
    if problems:
        raise ConfigError(problems)
    chosen = np.ones(len(dataset), dtype=bool)
    for name, wanted in conditions.items():
        chosen &= _meets(dataset.table[name], wanted)
    return np.flatnonzero(chosen)


def parameters(table: pd.DataFrame) -> list[str]:
    """Return the names of the parameters, in the order of the configuration.

    Examples
    --------
    >>> parameters(results.table)
    ['amplitude', 'sigma', 'center_x', 'center_y']
    """
    return [str(name) for name in table if name not in FIXED]


def axes(dataset: Dataset) -> dict[str, list[Any]]:
    """Return the axes of the design with their values ascending.

    An axis is a parameter that the configuration writes as a list, or that differs.

    Examples
    --------
    >>> axes(results)
    {'amplitude': [10, 30], 'sigma': [0.3, 0.6]}
    """
    table = dataset.table
    listed = _listed_parameters(dataset, set(table["type"]))
    levels = {}
    for name in parameters(table):
        values = table[name].dropna().unique().tolist()
        is_listed = name in listed and len(values) > 0
        if is_listed or len(values) > 1:
            levels[name] = sorted(values)
    return levels


def is_drawn(results: Dataset) -> bool:
    """Tell whether conditions of a dataset were drawn or paired, and are no plain grid.

    Examples
    --------
    >>> is_drawn(results)
    False
    """
    types = set(results.table["type"])
    for entry in stimulus_entries(results):
        if entry.get("type") in types and entry.get("sampling") not in _NOT_DRAWN:
            return True
    return False


def check_column(dataset: Dataset, name: str, key: str) -> str:
    """Return the name of a parameter, or of ``type`` or ``repetition``.

    Raises
    ------
    ConfigError
        For another name; ``key`` is what the message calls it.
    """
    columns = [*parameters(dataset.table), "type", "repetition"]
    if name not in columns:
        raise ConfigError(unknown(key, name, columns))
    return name


def check_population(dataset: Dataset, name: str) -> str:
    """Return the name of a population; raises ConfigError for another."""
    dataset.spikes(name)
    return name


def failed(dataset: Dataset) -> Bools:
    """Tell for each stimulus, ``[B]``, whether it failed and so has no spikes.

    Examples
    --------
    >>> failed(results).sum().item()
    0
    """
    table = dataset.table
    if "error" not in table:
        return np.zeros(len(table), dtype=bool)
    return np.asarray(table["error"].notna())


def unknown(key: str, name: str, allowed: Sequence[str]) -> str:
    """Return the message for a name that is not there.

    Examples
    --------
    >>> unknown("axis", "sigm", ["amplitude", "sigma"])
    "axis: got 'sigm', allowed are amplitude, sigma; did you mean 'sigma'?"
    """
    nearest = suggest(name, allowed)
    return f"{key}: got {name!r}, allowed are {list_names(allowed)}{nearest}"


def level_codes(column: pd.Series[Any], levels: Sequence[Any]) -> Ints:
    """Return for each stimulus which of some ascending values it has.

    Examples
    --------
    >>> level_codes(results.table["amplitude"], [10, 30]).tolist()
    [0, 0, 0, 0, 1, 1, 1, 1]
    """
    ascending = np.asarray(levels)
    codes = np.searchsorted(ascending, column.to_numpy())
    return codes.astype(np.int64)


def as_numbers(values: Sequence[Any]) -> Floats | None:
    """Return values as finite numbers, or None where one is not.

    Examples
    --------
    >>> as_numbers([1, 2.5])
    array([1. , 2.5])
    >>> as_numbers(["gaussian", "step"]) is None
    True
    """
    if not all(isinstance(value, int | float) for value in values):
        return None
    numbers = np.asarray(values, dtype=np.float64)
    if not np.isfinite(numbers).all():
        return None
    return numbers


def equals(column: pd.Series[Any], value: Any) -> Bools:
    """Tell where a parameter has a value; numbers that are not whole to nine digits.

    Examples
    --------
    >>> int(equals(results.table["sigma"], 0.1 + 0.2).sum())
    4
    """
    numeric = is_number(value) or isinstance(value, np.number)
    if numeric and column.dtype.kind == "f":
        close: Bools = np.isclose(column.to_numpy(), float(value), rtol=_TOLERANCE, atol=0.0)
        return close
    return np.asarray(column == value, dtype=bool)


def _meets(column: pd.Series[Any], wanted: Any) -> Bools:
    """Tell for each stimulus whether it meets a condition."""
    if isinstance(wanted, slice):
        bounds = f"lambda v: {wanted.start!r} <= v < {wanted.stop!r}"
        raise ConfigError(
            f"where: {column.name}: got a slice, allowed are a value, a list of values or a test, "
            f"such as {column.name}={bounds}"
        )
    if callable(wanted):
        return _passes(column, wanted)
    several = isinstance(wanted, Iterable) and not isinstance(wanted, str)
    values = wanted if several else [wanted]
    met = np.zeros(len(column), dtype=bool)
    for value in values:
        met |= equals(column, value)
    return met


def _passes(column: pd.Series[Any], test: Callable[[Any], bool]) -> Bools:
    """Tell where a parameter passes a test; a stimulus without the parameter does not."""
    passed = np.zeros(len(column), dtype=bool)
    has_value = column.notna()
    for row, value in enumerate(column):
        if has_value.iloc[row]:
            passed[row] = bool(test(value))
    return passed


def _listed_parameters(dataset: Dataset, types: set[str]) -> set[str]:
    """Return the parameters that the configuration writes as lists, for some types."""
    listed = set()
    for entry in stimulus_entries(dataset):
        if entry.get("type") not in types:
            continue
        for name, value in flat_values(entry).items():
            if isinstance(value, list):
                listed.add(name)
    return listed
