"""Which stimuli a picture is of, in words: ``amplitude > 20 and sigma == 0.3``, as a shell says it.

A condition is a column of the table, a comparison, and a number or a text. Nothing is evaluated.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sensoryforge.analysis.selection import equals, unknown
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.core.types import Bools, Ints

_ORDERINGS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPARISONS = ("==", "=", "!=", *_ORDERINGS)
_CONDITION = re.compile(
    r"""\s*(?P<column>[\w.]+)
        \s*(?P<comparison>==|!=|<=|>=|=|<|>)
        \s*(?P<value>"[^"]*"|'[^']*'|[^\s"'<>=!]+)\s*""",
    re.VERBOSE,
)
_AND = re.compile(r"and\s", re.IGNORECASE)


class Stimuli(Protocol):
    """What stimuli are chosen from: a dataset, or a design before any run."""

    @property
    def table(self) -> pd.DataFrame:
        """A row a stimulus: its type and its parameters."""

    def __len__(self) -> int:
        """Return how many there are."""


@dataclass(frozen=True)
class Condition:
    """A comparison that a stimulus must meet; its text form is how it is written.

    Attributes
    ----------
    column
        A column of the table, such as ``amplitude``.
    comparison
        ``==``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``.
    value
        A number or a text.

    Examples
    --------
    >>> print(Condition("amplitude", ">", 20.0))
    amplitude > 20
    """

    column: str
    comparison: str
    value: float | str

    def __str__(self) -> str:
        return f"{self.column} {self.comparison} {_as_text(self.value)}"

    def met(self, dataset: Stimuli) -> Bools:
        """Tell for each stimulus, ``[B]``, whether it meets the condition.

        A stimulus without the parameter does not.
        """
        columns = [str(name) for name in dataset.table]
        if self.column not in columns:
            raise ConfigError(unknown("where", self.column, columns))
        column = dataset.table[self.column]
        value = self.value
        if column.dtype.kind not in "ifu":
            value = _as_text(value)  # texts stand in the column: a number is meant as one
        elif isinstance(value, str):
            raise ConfigError(f"where: {self.column} holds numbers, got {value!r}")
        has_value = np.asarray(column.notna())
        if self.comparison in _ORDERINGS:
            compare = _ORDERINGS[self.comparison]
            met = np.zeros(len(column), dtype=bool)
            met[has_value] = compare(column[has_value], value)
            return met
        is_equal = equals(column, value)
        return is_equal if self.comparison == "==" else has_value & ~is_equal


def parse_conditions(text: str) -> list[Condition]:
    """Return the conditions of a text, which ``and`` joins.

    Parameters
    ----------
    text
        Such as ``amplitude > 20 and type == grating``; a text with spaces stands in quotes.

    Raises
    ------
    ConfigError
        Where a part is no condition; the message has that part.

    Examples
    --------
    >>> [str(condition) for condition in parse_conditions("amplitude>20 and type = 'step'")]
    ['amplitude > 20', 'type == step']
    """
    conditions = []
    place = 0
    while True:
        match = _CONDITION.match(text, place)
        if match is None:
            raise ConfigError(_unreadable(text[place:].strip()))
        comparison = match["comparison"]
        if comparison == "=":
            comparison = "=="
        conditions.append(Condition(match["column"], comparison, _value(match["value"])))
        place = match.end()
        if place == len(text):
            return conditions
        joint = _AND.match(text, place)
        if joint is None:
            raise ConfigError(_unreadable(text[place:].strip()))
        place = joint.end()


@dataclass(frozen=True)
class Choice:
    """Which stimuli are meant: of some types, and that meet every condition.

    Attributes
    ----------
    types
        Types of stimuli; empty means all.
    conditions
        What each stimulus must meet.

    Examples
    --------
    >>> choice = Choice.from_words(["gaussian"], ["amplitude > 20"])
    >>> print(choice)
    type gaussian, amplitude > 20
    >>> choice.rows(results).tolist()
    [4, 5, 6, 7]
    """

    types: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @classmethod
    def from_words(cls, types: list[str], where: list[str]) -> Choice:
        """Return the choice that the options ``--type`` and ``--where`` say."""
        conditions: list[Condition] = []
        for text in where:
            conditions += parse_conditions(text)
        return cls(tuple(types), tuple(conditions))

    def __str__(self) -> str:
        words = [str(condition) for condition in self.conditions]
        if self.types:
            words.insert(0, f"type {list_names(self.types)}")
        return ", ".join(words)

    def rows(self, dataset: Stimuli) -> Ints:
        """Return the rows of the table that are meant; raises ConfigError where there are none."""
        there = dataset.table["type"].unique().tolist()
        for name in self.types:
            if name not in there:
                raise ConfigError(unknown("type", name, there))
        chosen = np.ones(len(dataset), dtype=bool)
        if self.types:
            chosen &= np.asarray(dataset.table["type"].isin(self.types))
        for condition in self.conditions:
            chosen &= condition.met(dataset)
        if not chosen.any():
            raise ConfigError(f"where: no stimulus has {self}{self._ranges(dataset)}")
        rows: Ints = np.flatnonzero(chosen)
        return rows

    def _ranges(self, dataset: Stimuli) -> str:
        """Return in words what the columns of the conditions hold."""
        ranges = ""
        names = [condition.column for condition in self.conditions]
        for name in dict.fromkeys(names):
            values = dataset.table[name].dropna()
            if len(values) and values.dtype.kind in "ifu":
                ranges += f"; {name} is {values.min():.6g} to {values.max():.6g}"
        return ranges


def _as_text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.10g}"


def _value(text: str) -> float | str:
    """Return a number, or the text between quotes or as it stands."""
    if text[0] in "\"'":
        return text[1:-1]
    try:
        return float(text)
    except ValueError:
        return text


def _unreadable(part: str) -> str:
    """Return the message for what is no condition."""
    allowed = f"a column, one of {' '.join(_COMPARISONS)}, and a number or a text"
    examples = "such as 'amplitude > 20', several joined by 'and'"
    return f"where: got {part!r}, allowed is {allowed}, {examples}"
