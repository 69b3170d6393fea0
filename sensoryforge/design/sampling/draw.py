"""The points of a design that is more than the product of its lists: drawn, paired or thinned out.

A *plan* says what each parameter is drawn from and by which method; what comes out says for each
condition which value every parameter has. It knows names and numbers, not what they are of: an axis
of neurons is drawn together with those of stimuli.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import format_value
from sensoryforge.core.source_file import SourceFile
from sensoryforge.core.types import Bools, Columns, Ints
from sensoryforge.design.sampling.condition import Condition
from sensoryforge.design.sampling.points import GROWING, LATIN_HYPERCUBE, METHODS, coordinates
from sensoryforge.design.sampling.spread import Choices, Numbers, Spread, Value

GRID = "grid"
PAIRED = "paired"
SAMPLINGS = (GRID, PAIRED, *METHODS)
"""Every way to make conditions of the values of parameters."""
MOST_DRAWN = 100
"""Points that are drawn for each that is wanted, before a condition is said to keep too few."""
LEAST_DRAWN = 10_000
"""Points that are drawn in any case before that is said."""
_LEAST_BLOCK, _BLOCK = 1024, 1 << 20
"""Points that are drawn at a time."""


@dataclass(frozen=True)
class Plan:
    """What the conditions of an entry are made of.

    Parameters
    ----------
    where
        The key of the entry, for messages.
    method
        One of ``SAMPLINGS``.
    spreads
        Each parameter that varies by itself -> what it is drawn from, in order.
    fixed
        Parameter -> its number, of those that do not vary.
    tied
        Parameter -> the one that it is equal to, of those in ``spreads``.
    samples
        How many points are wanted; a grid and pairs have as many as their lists make.
    seed
        What the points derive from.
    condition
        What they have to meet.
    """

    where: str
    method: str
    spreads: Mapping[str, Spread]
    fixed: Mapping[str, Value] = field(default_factory=dict)
    tied: Mapping[str, str] = field(default_factory=dict)
    samples: int = 0
    seed: int = 0
    condition: Condition | None = None


@dataclass(frozen=True)
class Drawn:
    """The conditions that a plan makes.

    Attributes
    ----------
    plan
        The plan.
    values
        Parameter that varies -> its values.
    numbers
        Parameter that varies -> which of its values each condition has, ``[C]``.
    count
        How many conditions there are, C.
    tried
        How many points were looked at for them.
    """

    plan: Plan
    values: dict[str, Sequence[Value] | Numbers]
    numbers: dict[str, Ints]
    count: int
    tried: int

    @property
    def is_random(self) -> bool:
        """Whether points were drawn."""
        return self.plan.method in METHODS

    @property
    def is_distinct(self) -> bool:
        """Whether no two conditions are the same, as far as that is known."""
        return self.is_random and not any(map(_names_files, self.plan.spreads.values()))


def draw(plan: Plan) -> Drawn:
    """Return the conditions that a plan makes.

    Raises
    ------
    ConfigError
        Where the plan has too few conditions, or none.

    Examples
    --------
    >>> from sensoryforge.design.sampling import Uniform
    >>> plan = Plan("stimuli", "sobol", {"sigma": Uniform(0.0, 1.0)}, samples=4, seed=3)
    >>> drawn = draw(plan)
    >>> sorted(np.floor(4 * drawn.values["sigma"]).tolist())
    [0.0, 1.0, 2.0, 3.0]
    """
    if plan.method in METHODS:
        return _draw_points(plan)
    return _combine(plan)


# --- the values of lists, combined ---


def _combine(plan: Plan) -> Drawn:
    """Return the product of lists, or their pairs, without the conditions that are dropped."""
    items: dict[str, Sequence[Value]] = {}
    for name, spread in plan.spreads.items():
        assert isinstance(spread, Choices)
        items[name] = spread.items
    lengths = [len(values) for values in items.values()]
    if plan.method == PAIRED:
        tried = lengths[0]
        numbers = {name: np.arange(tried) for name in items}
    else:
        tried = prod(lengths)
        shape = np.unravel_index(np.arange(tried), lengths) if lengths else ()
        numbers = dict(zip(items, shape, strict=True))
    kept = _meet(plan, numbers, tried)
    count = int(kept.sum())
    if count == 0:
        assert plan.condition is not None
        raise ConfigError(
            f"{plan.where}.where: got {format_value(plan.condition.text)}, which keeps none of"
            f" {tried} combinations; allowed is a condition that keeps one at least"
        )
    if count < tried:
        numbers = {name: column[kept] for name, column in numbers.items()}
    return _with_ties(plan, Drawn(plan, {**items}, numbers, count, tried))


def _names_files(spread: Spread) -> bool:
    return isinstance(spread, Choices) and isinstance(spread.items[0], SourceFile)


# --- points that are drawn ---


def _draw_points(plan: Plan) -> Drawn:
    """Return as many points as are wanted, in order; those that are not allowed are drawn anew."""
    wanted = plan.samples
    most = wanted if plan.method == LATIN_HYPERCUBE else max(MOST_DRAWN * wanted, LEAST_DRAWN)
    places = np.zeros(0, np.int64)
    kept: dict[str, Any] = {name: [] for name in plan.spreads}
    start = 0
    while len(places) < wanted:
        if start == most:
            raise ConfigError(_too_few_line(plan, len(places), start))
        stop = most
        if plan.method != LATIN_HYPERCUBE:
            stop = min(start + _next_block(start, len(places), wanted), most)
        block = _block(plan, start, stop)
        meets = np.flatnonzero(_meet(plan, block, stop - start))
        places = np.concatenate([places, start + meets])
        for name, column in block.items():
            drawn = column[meets]
            kept[name] = np.concatenate([kept[name], drawn]) if start else drawn
        is_first = _first_of_each(plan, kept)
        places = places[is_first]
        kept = {name: column[is_first] for name, column in kept.items()}
        start = stop
    kept = {name: column[:wanted] for name, column in kept.items()}
    return _with_ties(plan, _of_columns(plan, kept, int(places[wanted - 1]) + 1))


def _next_block(tried: int, kept: int, wanted: int) -> int:
    """Return how many points to draw next; of them about as many are kept as of those before."""
    if tried == 0:
        return min(wanted, _BLOCK)
    likely = tried * (wanted - kept) // max(kept, 1)
    return min(max(likely, _LEAST_BLOCK), _BLOCK)


def _block(plan: Plan, start: int, stop: int) -> dict[str, Any]:
    """Return for each parameter the values of some points, or which of its list they have."""
    points = coordinates(
        plan.method, list(plan.spreads), start, stop, plan.seed, total=plan.samples
    )
    columns: dict[str, Any] = {}
    for (name, spread), u in zip(plan.spreads.items(), points, strict=True):
        columns[name] = spread.numbers(u) if isinstance(spread, Choices) else spread.values(u)
    return columns


def _of_columns(plan: Plan, columns: Mapping[str, Any], tried: int) -> Drawn:
    """Return the drawn points: every number that was drawn is a value of its own."""
    values: dict[str, Sequence[Value] | Numbers] = {}
    numbers: dict[str, Ints] = {}
    in_order = np.arange(plan.samples)
    for name, spread in plan.spreads.items():
        if isinstance(spread, Choices):
            values[name] = spread.items
            numbers[name] = columns[name]
        else:
            values[name] = columns[name]
            numbers[name] = in_order
    return Drawn(plan, values, numbers, plan.samples, tried)


def _with_ties(plan: Plan, drawn: Drawn) -> Drawn:
    """Return conditions in which parameters that are equal to another have its values."""
    for name, source in plan.tied.items():
        drawn.values[name] = drawn.values[source]
        drawn.numbers[name] = drawn.numbers[source]
    return drawn


def _too_few_line(plan: Plan, kept: int, tried: int) -> str:
    """Return the message for a plan of which too few points are left."""
    if plan.method == LATIN_HYPERCUBE:
        return (
            f"{plan.where}.samples: got {plan.samples}, of which {tried - kept} stand there twice:"
            f" latin_hypercube takes ranges; of lists alone take {' or '.join(GROWING)}"
        )
    if plan.condition is None:
        return (
            f"{plan.where}.samples: got {plan.samples}, allowed is at most {kept}: of {tried}"
            " points that were drawn no more differ; use repetitions to have one several times"
        )
    return (
        f"{plan.where}.where: got {format_value(plan.condition.text)}, which keeps {kept} of"
        f" {tried} points; allowed is a condition that keeps one in {MOST_DRAWN}"
    )


# --- what points have to meet ---


def _meet(plan: Plan, columns: Mapping[str, Any], count: int) -> Bools:
    """Tell which points meet the condition of a plan, ``[count]``."""
    if plan.condition is None:
        return np.ones(count, dtype=np.bool_)
    values: Columns = {}
    for name in plan.condition.names:
        source = plan.tied.get(name, name)
        spread = plan.spreads.get(source)
        if spread is None:
            values[name] = np.asarray(plan.fixed[name], dtype=np.float64)
        elif isinstance(spread, Choices):
            values[name] = np.asarray(spread.items, dtype=np.float64)[columns[source]]
        else:
            values[name] = columns[source]
    return plan.condition.holds(values, count)


def _first_of_each(plan: Plan, columns: Mapping[str, Any]) -> Bools:
    """Tell for each point whether none before it is the same, ``[n]``."""
    count = len(next(iter(columns.values())))
    same = np.zeros(count, dtype=np.int64)
    for name, column in columns.items():
        spread = plan.spreads[name]
        if isinstance(spread, Choices):
            column = _codes(spread.items)[column]
        levels, codes = np.unique(column, return_inverse=True)
        if len(levels) == count:  # one parameter that differs everywhere is enough
            return np.ones(count, dtype=np.bool_)
        same = np.unique(same * len(levels) + codes, return_inverse=True)[1]
    _, first = np.unique(same, return_index=True)
    is_first = np.zeros(count, dtype=np.bool_)
    is_first[first] = True
    return is_first


def _codes(items: Sequence[Value]) -> Ints:
    """Return for each item of a list a number, the same for the same item."""
    codes: dict[float | str, int] = {}
    for item in items:
        codes.setdefault(_key(item), len(codes))
    return np.array([codes[_key(item)] for item in items], dtype=np.int64)


def _key(item: Value) -> float | str:
    return str(item) if isinstance(item, str) else float(item)
