"""Units: fibres that were recorded, and which of them each afferent of a population is.

A unit is a row of numbers that were fitted together: of the filter, of the model, gain, noise and
latency. An afferent gets all numbers of one row, so that those of two fits are never mixed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import format_value, list_names, suggest, unknown_key
from sensoryforge.core.numerics import uniforms
from sensoryforge.core.types import Floats, Ints
from sensoryforge.core.values import is_finite, is_whole
from sensoryforge.skin.tables import read_table

ASSIGNMENTS = ("random", "cycle")
"""How afferents get their unit."""
LATENCY = "latency_ms"
"""The column that says how long a unit's spikes travel."""
KEYS = ("assign", "row", "latency", "columns", "rows", "file", "checksum")
"""Keys of a table in a configuration."""
_MOST = 3.0e38
"""Numbers beyond do not fit float32."""


@dataclass(frozen=True)
class UnitTable:
    """A table of units, and how afferents are assigned to them.

    Parameters
    ----------
    columns
        What the numbers of a row are: ``filter.NAME``, ``model.NAME``, ``gain``, ``noise_std`` or
        ``latency_ms``.
    rows
        A row a unit.
    assign
        ``random``, each afferent drawn by itself, or ``cycle``, afferent n being unit n modulo
        the number of units.
    latency
        Whether spikes travel for ``latency_ms``, where there is such a column.
    source
        What the table is called in messages.
    row
        The unit that all afferents are, whatever ``assign`` says; None for that.

    Raises
    ------
    ConfigError
        With a line for each number, row or column that is not allowed; each begins with its key.

    Examples
    --------
    >>> table = UnitTable(("model.tau", "gain"), ((5.0, 1.0), (9.0, 2.0)), assign="cycle")
    >>> drawn = table.draw(3, seed=0, population="sa")
    >>> drawn.tolist(), table.column("gain", drawn).tolist()
    ([0, 1, 0], [1.0, 2.0, 1.0])
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[float]]
    assign: str = "random"
    latency: bool = True
    source: str = field(default="rows", compare=False)
    row: int | None = None

    def __post_init__(self) -> None:
        problems = [*_problems_of_columns(self.columns), *_problems_of_assign(self.assign)]
        latency: object = self.latency
        if not isinstance(latency, bool):
            got = format_value(latency)
            problems.append(f"latency: got {got}, allowed are true, false")
        if not problems:
            problems += _problems_of_rows(self.columns, self.rows, self.source)
        if not problems and self.row is not None:
            problems += _problems_of_row(self.row, len(self.rows))
        if problems:
            raise ConfigError(problems)

    @classmethod
    def from_config(cls, values: Mapping[str, Any]) -> UnitTable:
        """Return the table of a mapping: with ``columns`` and ``rows``, or with a ``file``.

        Parameters
        ----------
        values
            ``columns`` and ``rows``; or ``file``, the path of a CSV file whose heading names the
            columns, and its ``checksum``; ``assign``, ``row`` and ``latency`` may be left out.

        Raises
        ------
        ConfigError
            With a line for each mistake; each begins with its key.

        Examples
        --------
        >>> path = getfixture("tmp_path") / "mine.csv"
        >>> _ = path.write_text("model.tau,gain\\n5,1\\n9,2\\n")
        >>> UnitTable.from_config({"file": str(path)}).column("gain", np.array([1])).tolist()
        [2.0]
        """
        problems = [unknown_key("", key, KEYS) for key in values if key not in KEYS]
        from_file = values.get("file") is not None
        inline = [key for key in ("columns", "rows") if values.get(key) is not None]
        if from_file and inline:
            problems.append(
                f"file: got a file and {list_names(inline)}, allowed is one of them; "
                "type: none leaves those of the option out"
            )
        elif not from_file and len(inline) < 2:
            missing = "rows" if "columns" in inline else "columns"
            problems.append(f"{missing}: missing, allowed are columns and rows, or a file")
        if problems:
            raise ConfigError(problems)
        columns, rows, source = values.get("columns"), values.get("rows"), "rows"
        if from_file:
            table = read_table(values["file"], None, checksum=values.get("checksum"))
            columns = list(table)
            rows = np.stack([table[name] for name in columns], axis=-1).tolist()
            source = f"file: {values['file']}"
        assign, latency = values.get("assign", "random"), values.get("latency", True)
        row = values.get("row")
        return cls(columns, rows, assign, latency, source, row)  # type: ignore[arg-type]

    def draw(self, count: int, seed: int, population: str) -> Ints:
        """Return the row of each afferent, ``[count]``, counted from zero.

        A larger count keeps the first ones.

        Parameters
        ----------
        count
            How many afferents.
        seed
            The base seed of the experiment.
        population
            The name of the population: others have others.
        """
        if self.row is not None:
            return np.full(count, self.row, dtype=np.int64)
        if self.assign == "cycle":
            return np.arange(count) % len(self.rows)
        draws = uniforms(seed, population, "unit", size=count)
        numbers = (draws * len(self.rows)).astype(np.int64)
        return np.minimum(numbers, len(self.rows) - 1)

    def column(self, name: str, units: Ints) -> Floats:
        """Return a number of some units, ``[N]``.

        Parameters
        ----------
        name
            The column.
        units
            The rows, ``[N]``.
        """
        values = np.array([row[list(self.columns).index(name)] for row in self.rows], dtype=float)
        chosen: Floats = values[units]
        return chosen

    def problems_of_columns(self, known: Sequence[str]) -> list[str]:
        """Return a line where columns are none of those that a population has.

        Parameters
        ----------
        known
            What there is: the parameters of its filter and of its model, with ``filter.`` or
            ``model.`` in front, and what every population has.
        """
        unknown = [name for name in self.columns if name not in known]
        if not unknown:
            return []
        others = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        hint = suggest(unknown[0], list(known))
        return [f"columns: got '{unknown[0]}'{others}, known are {list_names(known)}{hint}"]


def _problems_of_columns(columns: object) -> list[str]:
    """Return a line where columns are no list of names, none twice."""
    allowed = "allowed is a list of names such as filter.tau_d, model.a, gain, noise_std"
    if not isinstance(columns, list | tuple) or not columns:
        return [f"columns: got {format_value(columns)}, {allowed}"]
    strange = [name for name in columns if not isinstance(name, str)]
    if strange:
        return [f"columns: got {format_value(strange[0])} among them, {allowed}"]
    twice = [name for number, name in enumerate(columns) if name in columns[:number]]
    return [f"columns: got '{name}' twice, allowed is once" for name in dict.fromkeys(twice)]


def _problems_of_assign(assign: object) -> list[str]:
    """Return a line where it is no known way to assign units."""
    if assign in ASSIGNMENTS:
        return []
    hint = suggest(assign, list(ASSIGNMENTS)) if isinstance(assign, str) else ""
    return [f"assign: got {format_value(assign)}, allowed are {list_names(ASSIGNMENTS)}{hint}"]


def _problems_of_row(row: object, count: int) -> list[str]:
    """Return a line where it is no row of a table."""
    if is_whole(row) and 0 <= int(str(row)) < count:
        return []
    return [f"row: got {format_value(row)}, allowed is a whole number from 0 to {count - 1}"]


def _problems_of_rows(columns: Sequence[str], rows: object, source: str) -> list[str]:
    """Return a line for the first row that has something else than a number for each column."""
    if not isinstance(rows, list | tuple) or not rows:
        return [f"rows: got {format_value(rows)}, allowed is a list of at least one row"]
    for number, row in enumerate(rows):
        # Rows are counted as results count them: from zero.
        where = f"{source}: row {number}" if source == "rows" else f"{source}, line {number + 2}"
        if not isinstance(row, list | tuple):
            allowed = f"allowed is a list of {len(columns)} numbers"
            return [f"{where}: got {format_value(row)}, {allowed}"]
        if len(row) != len(columns):
            got = f"got {len(row)} numbers for {len(columns)} columns"
            return [f"{where}: {got}, allowed is one for each"]
        for name, value in zip(columns, row, strict=True):
            problem = _problem_of_value(name, value)
            if problem:
                return [f"{where}: {name}: {problem}"]
    return []


def _problem_of_value(name: str, value: object) -> str:
    """Return what is wrong with a number of a table, or an empty text."""
    got = f"got {format_value(value)}"
    if not is_finite(value) or abs(float(str(value))) > _MOST:
        return f"{got}, allowed is a finite number"
    if name in ("noise_std", LATENCY) and float(str(value)) < 0:
        return f"{got}, allowed is a number >= 0"
    return ""
