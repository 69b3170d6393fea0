"""The table that every file carries as JSON: its entries, and the shapes of its arrays.

It is what makes a file of 100,000 stimuli open at once: neither a pickle nor 100,000 groups have to be walked through.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sensoryforge.store.base import COLUMNS, Entry, Shapes


@dataclass(frozen=True)
class Table:
    """Entries row by row, shape of each array of one stimulus, and what else a format keeps."""

    entries: list[Entry]
    shapes: Shapes
    more: dict[str, Any] = field(default_factory=dict)


def to_json(entries: Sequence[Entry], shapes: Shapes, more: Mapping[str, Any] | None = None) -> str:
    """Return the table as JSON; a column each, since that is smaller and quicker than an object each."""
    columns = {name: [entry[name] for entry in entries] for name in COLUMNS}
    errors = {row: entry["error"] for row, entry in enumerate(entries) if "error" in entry}
    table = {"columns": columns, "errors": errors, "arrays": shapes, "more": more or {}}
    return json.dumps(table, separators=(",", ":"))


def from_json(text: str | bytes) -> Table:
    """Return the table; raises LookupError, TypeError or ValueError for anything that ``to_json`` did not write."""
    data = json.loads(text)
    columns = data["columns"]
    entries = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for row, error in data["errors"].items():
        entries[int(row)]["error"] = str(error)
    for name, kind in COLUMNS.items():
        if any(type(value) is not kind for value in columns[name]):
            raise TypeError(f"a value of {name} is no {kind.__name__}")
    shapes = {name: tuple(int(side) for side in shape) for name, shape in data["arrays"].items()}
    return Table(entries, shapes, dict(data["more"]))


def joined(tables: Iterable[Table]) -> Table:
    """Return the first table, with the entries of all."""
    first, *others = tables
    return Table([*first.entries, *(entry for table in others for entry in table.entries)], first.shapes, first.more)
