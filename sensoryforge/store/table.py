"""The table that every file carries as JSON: its entries, and the shapes of its arrays.

It is what makes a file of 100,000 stimuli open at once: neither a pickle nor 100,000 groups have to be walked through.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import is_
from sys import intern
from typing import Any, overload

from sensoryforge.store.base import COLUMNS, Entry, Shapes

_KNOWN = 10_000
"""Numbers that are held once, however often they recur."""


class Entries(Sequence[Entry]):
    """Entries in a fifth of the memory that dictionaries take; an item is made when asked for."""

    def __init__(self) -> None:
        self._numbers = {name: array("q") for name, kind in COLUMNS.items() if kind is int}
        self._ids: list[str] = []
        self._parameters: list[tuple[tuple[str, ...], tuple[Any, ...]]] = []
        self.errors: dict[int, str] = {}
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}

    def add(self, columns: Mapping[str, Sequence[Any]], errors: Mapping[str, Any]) -> None:
        """Take rows in, a column each; raises LookupError, TypeError or ValueError where they are none."""
        for name, kind in COLUMNS.items():
            if any(type(value) is not kind for value in columns[name]):
                raise TypeError(f"a value of {name} is no {kind.__name__}")
        if len({len(columns[name]) for name in COLUMNS}) > 1:
            raise ValueError("columns of different lengths")
        self.errors |= {len(self) + int(row): str(error) for row, error in errors.items()}
        for name, numbers in self._numbers.items():
            numbers.extend(columns[name])
        self._ids += columns["id"]
        self._parameters += map(self._compact, columns["parameters"])

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, row: int) -> Entry: ...
    @overload
    def __getitem__(self, row: slice) -> list[Entry]: ...
    def __getitem__(self, row: int | slice) -> Entry | list[Entry]:
        if isinstance(row, slice):
            return [self[each] for each in range(*row.indices(len(self)))]
        row = range(len(self))[row]
        entry: Entry = {name: numbers[row] for name, numbers in self._numbers.items()}
        entry |= {"id": self._ids[row], "parameters": dict(zip(*self._parameters[row], strict=True))}
        return {name: entry[name] for name in COLUMNS} | ({"error": self.errors[row]} if row in self.errors else {})

    def _compact(self, parameters: dict[str, Any]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """Return names and values, those of the row before where they are the same: not 1 for 1.0."""
        names = tuple(parameters)
        names = self._names.setdefault(names, names)
        values = tuple([intern(value) if type(value) is str else value for value in parameters.values()])
        last = self._parameters[-1] if self._parameters else None
        return last if last and last[0] is names and all(map(is_, last[1], values)) else (names, values)


class _Floats(dict[str, float]):
    """Makes floats of texts, the same object for the same text; the values of a design recur."""

    def __missing__(self, text: str) -> float:
        value = float(text)
        if len(self) < _KNOWN:
            self[text] = value
        return value


@dataclass(frozen=True)
class Table:
    """Entries row by row, shape of each array of one stimulus, and what else a format keeps."""

    entries: Entries
    shapes: Shapes
    more: dict[str, Any] = field(default_factory=dict)


def to_json(entries: Sequence[Entry], shapes: Shapes, more: Mapping[str, Any] | None = None) -> str:
    """Return the table as JSON; a column each, since that is smaller and quicker than an object each."""
    columns = {name: [entry[name] for entry in entries] for name in COLUMNS}
    errors = {row: entry["error"] for row, entry in enumerate(entries) if "error" in entry}
    table = {"columns": columns, "errors": errors, "arrays": shapes, "more": more or {}}
    return json.dumps(table, separators=(",", ":"))


def from_json(texts: Iterable[str | bytes]) -> Table:
    """Return the first text's table, with the entries of all.

    Raises LookupError, TypeError or ValueError for anything that ``to_json`` did not write.
    """
    entries, first, floats = Entries(), None, _Floats()
    for text in texts:
        data = json.loads(text, parse_float=floats.__getitem__)
        entries.add(data["columns"], data["errors"])
        first = first or {name: data[name] for name in ("arrays", "more")}
    if first is None:
        raise ValueError("no table")
    shapes = {name: tuple(int(side) for side in shape) for name, shape in first["arrays"].items()}
    return Table(entries, shapes, dict(first["more"]))
