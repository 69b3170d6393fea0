"""Entries of several configurations as one list, in which no stimulus stands twice if that can be.

Two grids that differ in the values of one parameter are one grid of both: 10, 20 and 20, 30 are 10,
20, 30. Others stay as they are, and a run of them says which stimulus stands there twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_NO_PARAMETERS = ("type", "_target_", "sampling", "samples", "sampling_seed", "where")
_DRAWING = ("samples", "where")
_GRIDS = (None, "grid")
_REPETITIONS = "repetitions"
_MISSING = object()


def different_entries(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return entries in their order, equal ones once.

    Examples
    --------
    >>> different_entries([{"type": "step"}, {"type": "ramp"}, {"type": "step"}])
    [{'type': 'step'}, {'type': 'ramp'}]
    """
    different: list[dict[str, Any]] = []
    for entry in entries:
        if entry not in different:
            different.append(entry)
    return different


def fold_entries(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return entries of which those are one that are a grid together.

    Examples
    --------
    >>> step = {"type": "step", "amplitude": [10, 20], "profile": {"hold_ms": 5}}
    >>> fold_entries([step, {**step, "amplitude": [20, 30]}, {**step, "profile": {"hold_ms": 9}}])
    [{'type': 'step', 'amplitude': [10, 20, 30], 'profile': {'hold_ms': 5}},
     {'type': 'step', 'amplitude': [10, 20], 'profile': {'hold_ms': 9}}]
    """
    folded: list[dict[str, Any]] = []
    for entry in entries:
        for number, before in enumerate(folded):
            both = _fold(before, entry)
            if both is not None:
                folded[number] = both
                break
        else:
            folded.append(entry)
    return folded


def _fold(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any] | None:
    """Return the grid that two entries are together; None where they are none."""
    if one == other:
        return one
    if not (_is_grid(one) and _is_grid(other)):
        return None
    differing = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    if len(differing) != 1:
        return None
    key = differing[0]
    here, there = one.get(key, _MISSING), other.get(key, _MISSING)
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        inner = _fold(dict(here), dict(there))
        return None if inner is None else {**one, key: inner}
    if key == _REPETITIONS:
        return {**one, key: max(one.get(key, 1), other.get(key, 1))}
    values = _values_of_both(here, there)
    if key in _NO_PARAMETERS or values is None:
        return None
    return {**one, key: values}


def _is_grid(entry: Mapping[str, Any]) -> bool:
    is_drawn = any(entry.get(key) is not None for key in _DRAWING)
    return entry.get("sampling") in _GRIDS and not is_drawn


def _values_of_both(one: Any, other: Any) -> list[Any] | None:
    """Return the values of a parameter in either entry; None where it is not of plain values."""
    values: list[Any] = []
    for value in [*_listed(one), *_listed(other)]:
        is_plain = isinstance(value, int | float | str) and not isinstance(value, bool)
        is_reference = isinstance(value, str) and "${" in value
        if not is_plain or is_reference:
            return None
        if value not in values:
            values.append(value)
    return values


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
