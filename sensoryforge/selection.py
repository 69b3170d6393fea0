"""Which stimuli of a dataset are meant, and along which axes they lie; told from the table alone, no array is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sensoryforge.errors import ConfigError, listing, suggest

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.store.results import Results
    from sensoryforge.types import Bools, Floats, Ints

FIXED = ("index", "id", "seed", "repetition", "type", "error")
"""Columns of the table that are no parameters."""
_TOLERANCE = 1e-9


def places(results: Results, conditions: dict[str, Any]) -> Ints:
    """Return the rows of the table that meet every condition: column -> a value, several, or a test of one.

    Numbers that are not whole match to nine digits, so that ``0.1 + 0.2`` finds 0.3. Raises ConfigError for a column
    that is not there.
    """
    found = np.ones(len(results), dtype=bool)
    problems = [unknown("where", name, map(str, results.table)) for name in conditions if name not in results.table]
    if problems:
        raise ConfigError(problems)
    for name, wanted in conditions.items():
        found &= _meets(results.table[name], wanted)
    return np.flatnonzero(found)


def parameters(table: pd.DataFrame) -> list[str]:
    """Return the names of the parameters, in the order of the configuration."""
    return [str(name) for name in table if name not in FIXED]


def axes(results: Results) -> dict[str, list[Any]]:
    """Return the axes of the design with their values ascending: parameters written as lists, or that differ."""
    table = results.table
    listed = _listed(results, set(table["type"]))
    values = {name: sorted(table[name].dropna().unique().tolist()) for name in parameters(table)}
    return {name: found for name, found in values.items() if found and (name in listed or len(found) > 1)}


def check_column(results: Results, name: str, key: str) -> str:
    """Return the name of a parameter, or of ``type`` or ``repetition``; raises ConfigError for another."""
    known = [*parameters(results.table), "type", "repetition"]
    if name not in known:
        raise ConfigError(unknown(key, name, known))
    return name


def check_population(results: Results, name: str) -> str:
    """Return the name of a population; raises ConfigError for another."""
    results.spikes(name)
    return name


def failed(results: Results) -> Bools:
    """Tell for each stimulus whether it failed, and so has no spikes."""
    table = results.table
    return np.asarray(table["error"].notna()) if "error" in table else np.zeros(len(table), dtype=bool)


def unknown(key: str, name: str, known: Iterable[str]) -> str:
    """Return the line for a name that is not there."""
    known = list(known)
    return f"{key}: got {name!r}, allowed are {listing(known)}{suggest(name, known)}"


def _meets(column: pd.Series[Any], wanted: Any) -> Bools:
    if callable(wanted):
        return _tested(column, wanted)
    several = isinstance(wanted, Iterable) and not isinstance(wanted, str)
    found = np.zeros(len(column), dtype=bool)
    for value in wanted if several else [wanted]:
        found |= _equal(column, value)
    return found


def _tested(column: pd.Series[Any], test: Callable[[Any], bool]) -> Bools:
    """Return where a parameter passes a test; a stimulus without the parameter does not."""
    return np.array([value == value and value is not None and bool(test(value)) for value in column], dtype=bool)


def _equal(column: pd.Series[Any], value: Any) -> Bools:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if number and column.dtype.kind == "f":
        close: Bools = np.isclose(column.to_numpy(), float(value), rtol=_TOLERANCE, atol=0.0)
        return close
    return np.asarray(column == value, dtype=bool)


def _listed(results: Results, types: set[str]) -> set[str]:
    """Return the parameters that the configuration writes as lists, for some types."""
    entries = (results.metadata.get("config") or {}).get("stimuli") or []
    found = [entry for entry in entries if isinstance(entry, dict) and entry.get("type") in types]
    return {name for entry in found for name, value in entry.items() if isinstance(value, list)}


def codes(column: pd.Series[Any], values: Sequence[Any]) -> Ints:
    """Return for each stimulus which of some ascending values it has."""
    return np.searchsorted(np.asarray(values), column.to_numpy()).astype(np.int64)


def numbers(values: Sequence[Any]) -> Floats | None:
    """Return values as finite numbers, or None where one is not."""
    if not all(isinstance(value, int | float) for value in values):
        return None
    found = np.asarray(values, dtype=np.float64)
    return found if np.isfinite(found).all() else None
