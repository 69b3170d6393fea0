"""The table that every file carries: what is known of each stimulus, and shapes of arrays.

It is JSON, and what makes a file of 100,000 stimuli open at once: neither a pickle nor 100,000
groups have to be walked through.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import is_
from sys import intern
from typing import Any, TypeAlias, overload

Entry: TypeAlias = dict[str, Any]
"""What is known of a stimulus: a value for each of ``COLUMNS``, and ``error`` only if it failed."""
Shapes: TypeAlias = dict[str, tuple[int, ...]]
"""Array name -> shape of one stimulus, in the order written."""

COLUMNS: dict[str, type] = {
    "index": int,
    "id": str,
    "seed": int,
    "repetition": int,
    "parameters": dict,
}
"""What every entry has, and its type."""
FAILURE_KEYS = ("index", "id", "parameters", "error")
"""What the metadata of a results file say of a stimulus that failed."""
_NUMBERS = tuple(name for name, kind in COLUMNS.items() if kind is int)
_HELD_ONCE = 10_000
"""Numbers that are held once, however often they recur; a design's values do."""

_Parameters: TypeAlias = tuple[tuple[str, ...], tuple[Any, ...]]
"""The names of a stimulus's parameters, and their values."""


class Entries(Sequence[Entry]):
    """Entries in a fifth of the memory that dictionaries take; an item is made when asked for."""

    def __init__(self) -> None:
        self.errors: dict[int, str] = {}
        self._numbers = {name: array("q") for name in _NUMBERS}
        self._ids: list[str] = []
        self._parameters: list[_Parameters] = []
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}

    def add(self, columns: Mapping[str, Sequence[Any]], errors: Mapping[str, Any]) -> None:
        """Take rows in, a column each.

        Raises LookupError, TypeError or ValueError where they are none.
        """
        _check_columns(columns)
        first = len(self)
        for row, error in errors.items():
            self.errors[first + int(row)] = str(error)
        for name, numbers in self._numbers.items():
            numbers.extend(columns[name])
        self._ids += columns["id"]
        for parameters in columns["parameters"]:
            self._parameters.append(self._compact(parameters))

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, row: int) -> Entry: ...
    @overload
    def __getitem__(self, row: slice) -> list[Entry]: ...
    def __getitem__(self, row: int | slice) -> Entry | list[Entry]:
        if isinstance(row, slice):
            return [self[number] for number in range(*row.indices(len(self)))]
        row = range(len(self))[row]  # raises IndexError, and counts negative rows from the end
        names, values = self._parameters[row]
        entry: Entry = dict.fromkeys(COLUMNS)
        for name, numbers in self._numbers.items():
            entry[name] = numbers[row]
        entry["id"] = self._ids[row]
        entry["parameters"] = dict(zip(names, values, strict=True))
        if row in self.errors:
            entry["error"] = self.errors[row]
        return entry

    def _compact(self, parameters: dict[str, Any]) -> _Parameters:
        """Return names and values, those of the row before where they are the same.

        The same objects, not equal ones: 1 and 1.0 are equal and must stay what they are.
        """
        names = tuple(parameters)
        names = self._names.setdefault(names, names)
        # a list first, and no function: this runs for every parameter of every stimulus
        values = tuple([intern(v) if type(v) is str else v for v in parameters.values()])
        if self._parameters:
            last_names, last_values = self._parameters[-1]
            if last_names is names and all(map(is_, last_values, values)):
                return self._parameters[-1]
        return names, values


def _check_columns(columns: Mapping[str, Sequence[Any]]) -> None:
    """Raise LookupError, TypeError or ValueError unless these are the columns of a table."""
    for name, kind in COLUMNS.items():
        if any(type(value) is not kind for value in columns[name]):
            raise TypeError(f"a value of {name} is no {kind.__name__}")
    lengths = {len(columns[name]) for name in COLUMNS}
    if len(lengths) > 1:
        raise ValueError("columns of different lengths")


class _Floats(dict[str, float]):
    """Makes floats of texts, the same object for the same text; the values of a design recur."""

    def __missing__(self, text: str) -> float:
        value = float(text)
        if len(self) < _HELD_ONCE:
            self[text] = value
        return value


@dataclass(frozen=True)
class Table:
    """Entries row by row, shape of each array of one stimulus, and what else a format keeps."""

    entries: Entries
    shapes: Shapes
    more: dict[str, Any] = field(default_factory=dict)


def to_json(entries: Sequence[Entry], shapes: Shapes, more: Mapping[str, Any] | None = None) -> str:
    """Return the table as JSON.

    It has a column for each name, which is smaller and quicker than an object for each row.
    """
    columns: dict[str, list[Any]] = {}
    for name in COLUMNS:
        columns[name] = [entry[name] for entry in entries]
    errors = {row: entry["error"] for row, entry in enumerate(entries) if "error" in entry}
    table = {"columns": columns, "errors": errors, "arrays": shapes, "more": more or {}}
    return json.dumps(table, separators=(",", ":"))


def from_json(texts: Iterable[str | bytes]) -> Table:
    """Return the first text's table, with the entries of all.

    Raises LookupError, TypeError or ValueError for anything that ``to_json`` did not write.
    """
    entries = Entries()
    floats = _Floats()
    shapes: Shapes | None = None
    more: dict[str, Any] = {}
    for text in texts:
        table = json.loads(text, parse_float=floats.__getitem__)
        entries.add(table["columns"], table["errors"])
        if shapes is None:
            shapes = _shapes(table["arrays"])
            more = dict(table["more"])
    if shapes is None:
        raise ValueError("no table")
    return Table(entries, shapes, more)


def _shapes(arrays: Mapping[str, Sequence[int]]) -> Shapes:
    shapes: Shapes = {}
    for name, sides in arrays.items():
        shapes[name] = tuple(int(side) for side in sides)
    return shapes
