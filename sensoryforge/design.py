"""The experimental design: families of stimuli, their axes, and every condition and repetition in order.

Families come in order; the conditions of one are the Cartesian product of its axes, the last fastest, and
repetitions are innermost. A stimulus's id and seed derive from what it is (type, parameters, repetition, base
seed), never from where it stands.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from sensoryforge.errors import ConfigError
from sensoryforge.types import Columns, Ints

Number = int | float

MAX_CONDITIONS, MAX_STIMULI = 10_000_000, 1_000_000_000
"""What fits a memory: conditions are compared with each other, stimuli are known by their ids."""
SHOWN_VALUES = 20
"""The longest axis that a dry run prints whole."""


@dataclass(frozen=True)
class Family:
    """Stimuli of one type.

    ``axes`` holds every parameter in the order of the configuration, one value or more, as written; ``listed``
    names those written as lists.
    """

    type: str
    target: str
    axes: dict[str, tuple[Number, ...]]
    listed: tuple[str, ...] = ()
    repetitions: int = 1

    @cached_property
    def count_conditions(self) -> int:
        """Number of parameter combinations."""
        return prod(len(values) for values in self.axes.values())

    @property
    def count(self) -> int:
        """Number of stimuli: conditions times repetitions."""
        return self.count_conditions * self.repetitions

    def places(self, conditions: Ints) -> dict[str, Ints]:
        """Return for each parameter which of its values each condition has."""
        shape = tuple(len(values) for values in self.axes.values())
        if not shape:
            return {}
        return dict(zip(self.axes, np.unravel_index(conditions, shape), strict=True))

    def texts(self, first: int, stop: int) -> Iterator[str]:
        """Return what each condition is in canonical words: names in alphabetical order, numbers as floats."""
        head = f"{len(self.type)}:{self.type}"
        conditions = np.arange(first, stop)
        places = self.places(conditions)
        if not places:
            return iter([head] * len(conditions))
        pieces = []
        for name in sorted(places):
            # Adding zero makes -0.0 and 0.0 the same.
            words = [f"{len(name)}:{name}={float(value) + 0.0!r}" for value in self.axes[name]]
            pieces.append([words[place] for place in places[name].tolist()])
        return map(";".join, zip([head] * len(conditions), *pieces, strict=True))


@dataclass(frozen=True)
class Span:
    """Neighbouring stimuli of one family: position in the design, condition and repetition, each ``[b]``."""

    family: Family
    index: Ints
    condition: Ints
    repetition: Ints


@dataclass(frozen=True)
class Design:
    """All stimuli of an experiment, in order; ``seed`` is the base seed."""

    families: tuple[Family, ...]
    seed: int = 0

    @cached_property
    def _starts(self) -> list[int]:
        """Position of the first stimulus of each family, then the number of all."""
        return list(accumulate((family.count for family in self.families), initial=0))

    def __len__(self) -> int:
        """Return the number of stimuli."""
        return self._starts[-1]

    def _find(self, index: int) -> tuple[Family, int, int]:
        """Return the family, condition and repetition of one stimulus."""
        if not 0 <= index < len(self):
            raise IndexError(f"no stimulus {index} in a design of {len(self)}")
        number = bisect_right(self._starts, index) - 1
        family = self.families[number]
        condition, repetition = divmod(index - self._starts[number], family.repetitions)
        return family, condition, repetition

    def locate(self, start: int, stop: int) -> list[Span]:
        """Return stimuli ``start`` to ``stop`` (not included), a span for each family that has some."""
        spans = []
        for family, first in zip(self.families, self._starts, strict=False):
            index = np.arange(max(start, first), min(stop, first + family.count))
            if len(index):
                condition, repetition = np.divmod(index - first, family.repetitions)
                spans.append(Span(family, index, condition, repetition))
        return spans

    def columns(self, family: Family, conditions: Ints) -> Columns:
        """Return the parameters of some conditions of a family as float64 ``[C]``."""
        places = family.places(np.asarray(conditions, dtype=np.int64))
        return {name: np.array(family.axes[name], dtype=np.float64)[place] for name, place in places.items()}

    def parameters(self, index: int) -> dict[str, Any]:
        """Return the type and every parameter of a stimulus, numbers as written."""
        family, condition, _ = self._find(index)
        places = family.places(np.array(condition))
        return {"type": family.type} | {name: family.axes[name][int(place)] for name, place in places.items()}

    def id(self, index: int) -> str:
        """Return the id of a stimulus: 16 hexadecimal digits."""
        self._find(index)
        return self.ids(index, index + 1)[0]

    def seed_of(self, index: int) -> int:
        """Return the seed of a stimulus: 63 bits."""
        self._find(index)
        return self.seeds(index, index + 1)[0]

    def ids(self, start: int, stop: int) -> list[str]:
        """Return the ids of stimuli ``start`` to ``stop`` (not included)."""
        return [digest[:8].hex() for digest in self._digests(start, stop)]

    def seeds(self, start: int, stop: int) -> list[int]:
        """Return the seeds of stimuli ``start`` to ``stop`` (not included)."""
        return [int.from_bytes(digest[8:], "little") >> 1 for digest in self._digests(start, stop)]

    def _digests(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield 16 bytes of BLAKE2b of what each stimulus is: 8 for its id, 8 for its seed."""
        for span in self.locate(start, stop):
            first, last = int(span.condition[0]), int(span.condition[-1])
            texts = list(span.family.texts(first, last + 1))
            for condition, repetition in zip(span.condition.tolist(), span.repetition.tolist(), strict=True):
                content = f"{texts[condition - first]};repetition={repetition};seed={self.seed}"
                yield blake2b(content.encode(), digest_size=16).digest()

    def table(self) -> dict[str, list[Any]]:
        """Return the design as columns: index, id, seed, repetition, type, every parameter (None for one it lacks)."""
        spans = self.locate(0, len(self))
        names = list(dict.fromkeys(name for family in self.families for name in family.axes))
        table: dict[str, list[Any]] = {
            "index": list(range(len(self))),
            "id": self.ids(0, len(self)),
            "seed": self.seeds(0, len(self)),
            "repetition": [number for span in spans for number in span.repetition.tolist()],
            "type": [span.family.type for span in spans for _ in span.index],
        }
        return table | {name: [value for span in spans for value in _written(span, name)] for name in names}

    @property
    def axes(self) -> list[dict[str, Any]]:
        """The design as plain containers, a dictionary for each family."""
        return [
            {
                "type": family.type,
                "parameters": {
                    name: list(values) if name in family.listed else values[0] for name, values in family.axes.items()
                },
                "repetitions": family.repetitions,
                "conditions": family.count_conditions,
                "stimuli": family.count,
            }
            for family in self.families
        ]

    def check(self) -> None:
        """Raise ConfigError where the design is empty, too large, or holds the same stimulus twice."""
        conditions, stimuli = sum(family.count_conditions for family in self.families), self._starts[-1]
        if not stimuli:
            raise ConfigError("stimuli: got none, allowed is at least one stimulus")
        if conditions > MAX_CONDITIONS or stimuli > MAX_STIMULI:
            raise ConfigError(
                f"stimuli: got {conditions} parameter combinations, {stimuli} stimuli; allowed are at most "
                f"{MAX_CONDITIONS} combinations and {MAX_STIMULI} stimuli"
            )
        seen: dict[str, int] = {}
        twice: list[tuple[int, int]] = []
        for family, start in zip(self.families, self._starts, strict=False):
            for condition, text in enumerate(family.texts(0, family.count_conditions)):
                index = start + condition * family.repetitions
                first = seen.setdefault(text, index)
                if first != index:
                    twice.append((first, index))
        if twice:
            raise ConfigError(self._duplicate(*twice[0], len(twice) - 1))

    def _duplicate(self, first: int, second: int, others: int) -> str:
        """Return the line that names a stimulus standing twice."""
        what = ", ".join(f"{name}={value}" for name, value in self.parameters(first).items())
        more = f" (and {others} more)" if others else ""
        return (
            f"stimuli: the same stimulus stands at positions {first} and {second} ({what}){more};"
            " each is allowed once: use repetitions to have it several times"
        )

    def grid_lines(self) -> list[str]:
        """Return the lines in which a dry run tells the expansion of the grid."""
        several = len(self.families) > 1
        lines = [line for family in self.families for line in _family_lines(family, several)]
        return [*lines, f"Total: {_counted(len(self), 'stimulus', 'stimuli')}"] if several else lines


def _written(span: Span, name: str) -> list[Number | None]:
    """Return the values of a parameter over a span, as written, or None where the family has no such parameter."""
    values = span.family.axes.get(name)
    if values is None:
        return [None] * len(span.index)
    return [values[place] for place in span.family.places(span.condition)[name].tolist()]


def _family_lines(family: Family, several: bool) -> list[str]:
    """Return a family's axes, where it has any or stands among others, and its count."""
    axes = ", ".join(f"{name}={_listed(values)}" for name, values in family.axes.items() if name in family.listed)
    label = f"Grid expansion ({family.type})" if several else "Grid expansion"
    combinations = _counted(family.count_conditions, "parameter combination", "parameter combinations")
    repetitions = _counted(family.repetitions, "repetition", "repetitions")
    count = f"→ {combinations} × {repetitions} = {_counted(family.count, 'stimulus', 'stimuli')}"
    return [f"{label}: {axes or 'no lists'}", count] if axes or several else [count]


def _listed(values: tuple[Number, ...]) -> str:
    """Return an axis as a list, its middle left out where it is long."""
    if len(values) <= SHOWN_VALUES:
        return str(list(values))
    first = ", ".join(map(str, values[:3]))
    return f"[{first}, ..., {values[-1]}] ({len(values)} values)"


def _counted(count: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{count} {one if count == 1 else many}"
