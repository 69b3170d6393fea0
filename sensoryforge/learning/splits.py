"""Which stimuli train a decoder, which choose its best epoch, and which test it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sensoryforge.analysis.selection import parameters
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import format_value, list_names, suggest
from sensoryforge.core.numerics import uniforms
from sensoryforge.core.values import is_number
from sensoryforge.learning.targets import Target

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.core.types import Bools, Floats, Ints

SPLITS = ("condition", "stimulus")
_MAPPING = "a mapping of parameters to values held out, such as {sigma: [0.5]}"
_TRAIN, _VAL, _TEST = 0, 1, 2
_TOLERANCE = 1e-9
"""Relative difference of numbers that count as equal: a value is written with fewer digits."""


@dataclass(frozen=True)
class Split:
    """Rows of the table for training, validation and test; together all of them, none twice."""

    train: Ints
    val: Ints
    test: Ints


def split(
    table: pd.DataFrame,
    target: Target,
    how: str | Mapping[str, Any],
    fractions: Sequence[float],
    seed: int,
) -> Split:
    """Return the parts of a dataset, the same for the same seed.

    Each value of the target gets its share of every part, as far as the numbers allow.

    Parameters
    ----------
    table
        ``Results.table``, a row a stimulus.
    target
        What is to be told of each row.
    how
        ``condition`` keeps the repetitions of a condition together, ``stimulus`` splits them too,
        and a mapping of parameters to values holds out for the test every stimulus that has one of
        them.
    fractions
        Shares of training, validation and test; with values held out, the third is not used.
    seed
        Of the draw.

    Raises
    ------
    ConfigError
        With a line for each argument that is wrong, or for a split that leaves nothing to train on.

    Examples
    --------
    >>> import pandas as pd
    >>> from sensoryforge.learning.targets import read_target
    >>> table = pd.DataFrame({"type": "gaussian", "amplitude": [10, 20, 30, 40, 50]})
    >>> target = read_target(table, "amplitude")
    >>> parts = split(table, target, {"amplitude": [30]}, (0.6, 0.2, 0.2), seed=0)
    >>> parts.test.tolist(), len(parts.train), len(parts.val)
    ([2], 3, 1)
    """
    _check_arguments(table, how, fractions)
    labels = target.labels
    conditions = _conditions(table)
    if isinstance(how, Mapping):
        part_of_row = np.full(len(table), _TEST)
        rows = np.flatnonzero(~_held_out(table, how))
        shares = [fractions[_TRAIN], fractions[_VAL], 0.0]
        _check_number_of_units(conditions[rows], how, int(np.count_nonzero(shares)))
        part_of_row[rows] = _draw_parts(conditions[rows], labels[rows], shares, seed)
    else:
        stimuli = np.arange(len(table), dtype=np.int64)
        units = stimuli if how == "stimulus" else conditions
        _check_number_of_units(units, how, int(np.count_nonzero(fractions)))
        part_of_row = _draw_parts(units, labels, fractions, seed)
    parts = Split(
        train=np.flatnonzero(part_of_row == _TRAIN),
        val=np.flatnonzero(part_of_row == _VAL),
        test=np.flatnonzero(part_of_row == _TEST),
    )
    _check_parts(parts, target, how, conditions)
    return parts


def _conditions(table: pd.DataFrame) -> Ints:
    """Return the number of each row's condition ``[S]``."""
    columns = ["type", *parameters(table)]
    numbers = table.groupby(columns, dropna=False, sort=False).ngroup()
    return np.asarray(numbers, dtype=np.int64)


def _draw_parts(units: Ints, labels: Ints, fractions: Sequence[float], seed: int) -> Ints:
    """Return the part of each row ``[S]``; rows of one unit stay together.

    Units are ordered so that every label is spread evenly over the order: its share of any piece of
    it is its share of the whole. The parts are pieces of that order, counted from its end.
    """
    _, first_row, unit_of_row = np.unique(units, return_index=True, return_inverse=True)
    count = len(first_row)
    draws = uniforms(seed, "split", size=count)
    ranks = _rank_within_labels(labels[first_row], draws)
    order = np.lexsort((draws, ranks))[::-1]  # by rank; among equal ranks by draw
    total = sum(fractions)
    tests = _size_of_part(fractions[_TEST], total, count)
    validations = _size_of_part(fractions[_VAL], total, count)
    part_of_unit: Ints = np.full(count, _TRAIN, np.int64)
    part_of_unit[order[:tests]] = _TEST
    part_of_unit[order[tests:][:validations]] = _VAL
    part_of_row: Ints = part_of_unit[unit_of_row.reshape(-1)]
    return part_of_row


def _rank_within_labels(labels: Ints, draws: Floats) -> Floats:
    """Return for each unit its rank by draw among those of its label, as a share from 0 to 1."""
    ranks = np.empty(len(labels))
    for label in np.unique(labels):
        units = np.flatnonzero(labels == label)
        count = len(units)
        units_by_draw = units[np.argsort(draws[units])]
        ranks[units_by_draw] = (np.arange(count) + 0.5) / count
    return ranks


def _size_of_part(fraction: float, total: float, count: int) -> int:
    """Return how many of some units are a fraction of them: one at least, unless it is zero."""
    least = 1 if fraction > 0 else 0
    return max(round(count * fraction / total), least)


def _held_out(table: pd.DataFrame, values: Mapping[str, Any]) -> Bools:
    """Return which rows have one of the values."""
    held_out = np.zeros(len(table), dtype=bool)
    for name, wanted in values.items():
        for value in _as_list(wanted):
            held_out |= _equal(table[name], value)
    return held_out


def _as_list(values: Any) -> Sequence[Any]:
    """Return several values as they are, and a single one as a list."""
    if isinstance(values, Sequence) and not isinstance(values, str):
        return values
    return [values]


def _equal(column: pd.Series[Any], value: Any) -> Bools:
    if isinstance(value, str):
        return (column == value).to_numpy()
    close: Bools = np.isclose(_numbers(column), float(value), rtol=_TOLERANCE, atol=0)
    return close


def _numbers(column: pd.Series[Any]) -> Floats:
    """Return a column as numbers, NaN where a type of stimulus has text or no such parameter."""
    numbers = np.full(len(column), np.nan)
    for row, entry in enumerate(column):
        if entry is not None and not isinstance(entry, str):
            numbers[row] = float(entry)
    return numbers


# --- checks ---


def _check_arguments(table: pd.DataFrame, how: Any, fractions: Sequence[float]) -> None:
    problems = []
    if not _are_fractions(fractions):
        problems.append(
            f"fractions: got {format_value(fractions)}, "
            "allowed are those of train, val and test, in sum 1"
        )
    problems += _split_problems(table, how)
    if problems:
        raise ConfigError(problems)


def _are_fractions(fractions: Sequence[float]) -> bool:
    if len(fractions) != 3:
        return False
    if not all(is_number(fraction) and 0 <= fraction < 1 for fraction in fractions):
        return False
    return fractions[_TRAIN] > 0 and abs(sum(fractions) - 1) < 1e-6


def _split_problems(table: pd.DataFrame, how: Any) -> list[str]:
    allowed = f"split: got {format_value(how)}, allowed are {list_names(SPLITS)}, or {_MAPPING}"
    if isinstance(how, str):
        return [] if how in SPLITS else [allowed + suggest(how, SPLITS)]
    if not isinstance(how, Mapping) or not how:
        return [allowed]
    problems = []
    for name, values in how.items():
        problems += _held_out_problems(table, str(name), values)
    return problems


def _held_out_problems(table: pd.DataFrame, name: str, values: Any) -> list[str]:
    """Return a line for each value to hold out that no stimulus has."""
    known = ["type", *parameters(table)]
    if name not in known:
        hint = suggest(name, known)
        return [f"split.{name}: unknown parameter, known are {list_names(known)}{hint}"]
    existing = sorted(table[name].dropna().unique().tolist())
    comparable = str if isinstance(existing[0], str) else (int, float)
    problems = []
    for value in _as_list(values):
        if not isinstance(value, comparable) or not _equal(table[name], value).any():
            allowed = list_names(existing)
            problems.append(f"split.{name}: got {format_value(value)}, allowed are {allowed}")
    return problems


def _check_number_of_units(units: Ints, how: Any, parts: int) -> None:
    """Raise ConfigError where there are fewer conditions or stimuli than parts to give them to."""
    count = len(np.unique(units))
    if count >= parts:
        return
    if how == "stimulus":
        raise ConfigError(
            f"split: got 'stimulus', but there {_are(count, 'stimulus', 'stimuli')} to split in "
            f"{parts}; more repetitions or conditions are needed"
        )
    kept_apart = "" if how == "condition" else " beside the values held out"
    raise ConfigError(
        f"split: got {format_value(how)}, which keeps the repetitions of a condition together, but "
        f"there {_are(count, 'condition', 'conditions')}{kept_apart} to split in {parts}; "
        "use split=stimulus, or a dataset of more conditions"
    )


def _are(count: int, one: str, many: str) -> str:
    return f"is 1 {one}" if count == 1 else f"are {count} {many}"


def _check_parts(parts: Split, target: Target, how: Any, conditions: Ints) -> None:
    """Raise ConfigError where nothing trains the decoder, or a class is tested but not trained."""
    for name, rows in (("training", parts.train), ("validation", parts.val)):
        if not len(rows):
            raise ConfigError(
                f"split: {format_value(how)} leaves no stimulus for {name}; "
                "use split=stimulus or other fractions"
            )
    if target.classes is None:
        return
    trained = set(target.labels[parts.train])
    judged = set(target.labels[parts.val]) | set(target.labels[parts.test])
    unseen = sorted(judged - trained)
    if unseen:
        raise ConfigError(_describe_unseen(unseen, target, how, conditions))


def _describe_unseen(unseen: Sequence[int], target: Target, how: Any, conditions: Ints) -> str:
    """Return the line for classes that would be tested and were never trained."""
    assert target.classes is not None
    missing = list_names([format_value(target.classes[label]) for label in unseen[:3]])
    ways = "use split=stimulus"
    if not any(isinstance(value, str) for value in _values_of(target.classes)):
        ways += " or task=regression"
    single = all(len(np.unique(conditions[target.labels == label])) == 1 for label in unseen)
    if how == "condition" and single:
        have = "has a single condition" if len(unseen) == 1 else "have a single condition each"
        return (
            "split: got 'condition', which keeps the repetitions of a condition together, but "
            f"{target.name} = {missing} {have}, which cannot be both trained on and tested; {ways}"
        )
    return (
        f"split: {format_value(how)} keeps {target.name} = {missing} out of training, "
        f"and a class that was never seen cannot be told; {ways}"
    )


def _values_of(classes: Sequence[Any]) -> Iterator[Any]:
    """Yield every value that a class stands for: of several parameters it has one of each."""
    for value in classes:
        yield from value if isinstance(value, tuple) else (value,)
