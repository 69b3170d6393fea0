"""Which stimuli train a decoder, which choose its best epoch, and which test it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sensoryforge.errors import ConfigError, listing, quote, suggest
from sensoryforge.lightning.targets import Target
from sensoryforge.numerics import uniforms
from sensoryforge.selection import parameters

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.types import Ints

SPLITS = ("condition", "stimulus")
Fractions = tuple[float, float, float]
_MAPPING = "a mapping of parameters to values held out, such as {sigma: [0.5]}"


@dataclass(frozen=True)
class Split:
    """Rows of the table for training, validation and test; together all of them, none twice."""

    train: Ints
    val: Ints
    test: Ints


def split(
    table: pd.DataFrame, target: Target, how: str | Mapping[str, Any], fractions: Sequence[float], seed: int
) -> Split:
    """Return the parts of a dataset, the same for the same seed.

    ``how``: ``condition`` keeps the repetitions of a condition together, ``stimulus`` splits them too, and a mapping
    of parameters to values holds out for the test every stimulus with one of them. ``fractions``: of training,
    validation and test; each value of the target gets its share as far as it goes round. Raises ConfigError.
    """
    _check(table, how, fractions)
    parts: Ints = np.full(len(table), 2)
    if isinstance(how, str):
        units = _conditions(table) if how == "condition" else np.arange(len(table), dtype=np.int64)
        parts = _drawn(units, target.numbers(), fractions, seed)
    else:
        rest = np.flatnonzero(~_held_out(table, how))
        parts[rest] = _drawn(_conditions(table)[rest], target.numbers()[rest], (*fractions[:2], 0.0), seed)
    made = Split(*(np.flatnonzero(parts == part) for part in range(3)))
    _check_parts(made, target, how)
    return made


def _conditions(table: pd.DataFrame) -> Ints:
    """Return the number of each row's condition."""
    numbers = table.groupby(["type", *parameters(table)], dropna=False, sort=False).ngroup()
    return np.asarray(numbers, dtype=np.int64)


def _drawn(units: Ints, labels: Ints, fractions: Sequence[float], seed: int) -> Ints:
    """Return the part of each row: 0, 1 or 2; rows of one unit stay together."""
    _, first, unit = np.unique(units, return_index=True, return_inverse=True)
    draws, labels = uniforms(seed, "split", size=len(first)), labels[first]
    shares = np.empty(len(first))
    for label in np.unique(labels):
        same = np.flatnonzero(labels == label)
        shares[same[np.argsort(draws[same])]] = (np.arange(len(same)) + 0.5) / len(same)
    order = np.lexsort((draws, shares))[::-1]
    total = sum(fractions)
    test, val = (max(round(len(first) * f / total), int(f > 0)) for f in (fractions[2], fractions[1]))
    parts = np.zeros(len(first), np.int64)
    parts[order[:test]], parts[order[test : test + val]] = 2, 1
    return np.asarray(parts[unit.reshape(-1)], np.int64)


def _held_out(table: pd.DataFrame, values: Mapping[str, Any]) -> Any:
    """Return which rows have one of the values."""
    chosen = np.zeros(len(table), dtype=bool)
    for name, wanted in values.items():
        for value in wanted if isinstance(wanted, Sequence) and not isinstance(wanted, str) else [wanted]:
            chosen |= _equal(table[name], value)
    return chosen


def _equal(column: pd.Series[Any], value: Any) -> Any:
    if isinstance(value, str):
        return (column == value).to_numpy()
    numbers = np.array([np.nan if isinstance(one, str) or one is None else float(one) for one in column])
    return np.isclose(numbers, float(value), rtol=1e-9, atol=0)


# --- checks ---


def _check(table: pd.DataFrame, how: Any, fractions: Sequence[float]) -> None:
    problems = []
    if not (
        len(fractions) == 3
        and all(isinstance(f, int | float) and 0 <= f < 1 for f in fractions)
        and fractions[0] > 0
        and abs(sum(fractions) - 1) < 1e-6
    ):
        problems.append(f"fractions: got {quote(fractions)}, allowed are those of train, val and test, in sum 1")
    if isinstance(how, str) and how not in SPLITS:
        problems.append(f"split: got {quote(how)}, allowed are {listing(SPLITS)}, or {_MAPPING}{suggest(how, SPLITS)}")
    elif not isinstance(how, str | Mapping) or not how:
        problems.append(f"split: got {quote(how)}, allowed are {listing(SPLITS)}, or {_MAPPING}")
    elif isinstance(how, Mapping):
        problems += [line for name, values in how.items() for line in _value_problems(table, str(name), values)]
    if problems:
        raise ConfigError(problems)


def _value_problems(table: pd.DataFrame, name: str, values: Any) -> list[str]:
    """Return a line for each value to hold out that no stimulus has."""
    known = ["type", *parameters(table)]
    if name not in known:
        return [f"split.{name}: unknown parameter, known are {listing(known)}{suggest(name, known)}"]
    there = sorted(table[name].dropna().unique().tolist())
    wanted = values if isinstance(values, Sequence) and not isinstance(values, str) else [values]
    alike = str if isinstance(there[0], str) else (int, float)
    return [
        f"split.{name}: got {quote(value)}, allowed are {listing(there)}"
        for value in wanted
        if not isinstance(value, alike) or not _equal(table[name], value).any()
    ]


def _check_parts(made: Split, target: Target, how: Any) -> None:
    for name, part in (("training", made.train), ("validation", made.val)):
        if not len(part):
            raise ConfigError(f"split: {quote(how)} leaves no stimulus for {name}; use 'stimulus' or other fractions")
    if target.classes is None:
        return
    numbers = target.numbers()
    unseen = sorted((set(numbers[made.test]) | set(numbers[made.val])) - set(numbers[made.train]))
    if unseen:
        missing = listing([quote(target.classes[number]) for number in unseen[:3]])
        raise ConfigError(
            f"split: {quote(how)} keeps {target.name} = {missing} out of training, and a class that was never seen "
            "cannot be told; use split='stimulus' or task='regression'"
        )
