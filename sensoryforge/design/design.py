"""The experimental design: which stimuli, in which order, and what identifies each.

Families come in order; the conditions of one are the Cartesian product of its axes, the last
fastest, and repetitions are innermost. A stimulus's id and seed derive from what it is (type,
parameters, repetition, base seed), never from where it stands: the same stimulus has the same id
and the same noise in every design.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from sensoryforge.core.axes import SEED_AXIS
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.source_file import SourceFile
from sensoryforge.core.types import Columns, Ints
from sensoryforge.design.family import Family, Span, Value, Values
from sensoryforge.design.sampling import GROWING, LATIN_HYPERCUBE
from sensoryforge.design.telling import describe_spread, families_lines, with_noun

MAX_CONDITIONS = 10_000_000
"""Most conditions of a design: they are compared with each other in memory."""
_BLOCK = 65_536
"""Stimuli whose ids are reckoned together."""
MAX_STIMULI = 1_000_000_000
"""Most stimuli of a design: a run knows them by their ids, in memory."""


@dataclass(frozen=True)
class Design:
    """All stimuli of an experiment, in order.

    Parameters
    ----------
    families
        Families of stimuli, a type each or the same type with other parameters.
    seed
        Base seed of the noise, from which the seed of every stimulus derives.
    follows_seed_axis
        Whether a condition that says the seed of the skin has it for its noise too.

    Examples
    --------
    >>> ramps = Family("ramp", "sensoryforge.stimuli.Ramp", {"final": (10, 20)}, repetitions=2)
    >>> design = Design((ramps,), seed=42)
    >>> len(design), design.parameters(3)
    (4, {'type': 'ramp', 'final': 20})
    """

    families: tuple[Family, ...]
    seed: int = 0
    follows_seed_axis: bool = False

    @cached_property
    def _starts(self) -> list[int]:
        """Position of the first stimulus of each family, then the number of all."""
        return list(accumulate((family.count for family in self.families), initial=0))

    def __len__(self) -> int:
        """Return the number of stimuli."""
        return self._starts[-1]

    def locate(self, start: int, stop: int) -> list[Span]:
        """Return stimuli ``start`` to ``stop`` (not included), a span for each family among them.

        Examples
        --------
        >>> design = Design((Family("ramp", "", {"final": (10, 20)}, repetitions=2),))
        >>> (span,) = design.locate(1, 4)
        >>> span.condition.tolist(), span.repetition.tolist()
        ([0, 1, 1], [1, 0, 1])
        """
        spans = []
        # From the family of the first stimulus on: a design may have 10,000 families.
        number = max(bisect_right(self._starts, start) - 1, 0)
        for family, first in zip(self.families[number:], self._starts[number:-1], strict=True):
            if first >= stop:
                break
            end = first + family.count
            index = np.arange(max(start, first), min(stop, end))
            if len(index):
                condition, repetition = np.divmod(index - first, family.repetitions)
                spans.append(Span(family, index, condition, repetition))
        return spans

    def columns(self, family: Family, conditions: Ints) -> Columns:
        """Return the parameters of the stimulus of some conditions of a family, ``[C]`` each.

        They are float64, or text; a file is the path at which it is found.
        """
        value_numbers = family.value_numbers(np.asarray(conditions, dtype=np.int64))
        columns = {}
        for name, numbers in value_numbers.items():
            if name not in family.of_neurons:
                columns[name] = column_of(family.axes[name])[numbers]
        return columns

    def columns_of_neurons(self, family: Family, conditions: Ints) -> Columns:
        """Return the numbers of afferents of some conditions of a family, float64 ``[C]`` each."""
        if not family.of_neurons:
            return {}
        value_numbers = family.value_numbers(np.asarray(conditions, dtype=np.int64))
        columns = {}
        for name in family.of_neurons:
            columns[name] = column_of(family.axes[name])[value_numbers[name]]
        return columns

    def parameters(self, index: int) -> dict[str, Any]:
        """Return the type and every parameter of a stimulus, numbers as written."""
        family, condition = self._find(index)
        parameters: dict[str, Any] = {"type": family.type}
        for name, number in family.value_numbers(np.array(condition)).items():
            parameters[name] = as_written(family.axes[name][int(number)])
        return parameters

    def id(self, index: int) -> str:
        """Return the id of a stimulus: 16 hexadecimal digits."""
        self._find(index)
        return self.ids(index, index + 1)[0]

    def ids(self, start: int, stop: int) -> list[str]:
        """Return the ids of stimuli ``start`` to ``stop`` (not included)."""
        return [digest[:8].hex() for digest in self._digests(start, stop, of_stimulus=False)]

    def seeds(self, start: int, stop: int) -> list[int]:
        """Return the seeds, 63 bits each, of stimuli ``start`` to ``stop`` (not included)."""
        # Numbers of afferents change nothing in the noise.
        digests = self._digests(start, stop, of_stimulus=True)
        return [int.from_bytes(digest[8:], "little") >> 1 for digest in digests]

    def table(self) -> dict[str, list[Any]]:
        """Return the design as columns, a row a stimulus.

        Returns
        -------
        dict
            ``index``, ``id``, ``seed``, ``repetition``, ``type`` and every parameter; None where a
            stimulus lacks a parameter that another has.
        """
        repetitions: list[int] = []
        types: list[str] = []
        parameters: dict[str, list[Value | None]] = {}
        for family in self.families:
            for name in family.axes:
                parameters[name] = []
        for span in self.locate(0, len(self)):
            repetitions += span.repetition.tolist()
            types += [span.family.type] * len(span.index)
            for name, column in parameters.items():
                column += _values_as_written(span, name)
        return {
            "index": list(range(len(self))),
            "id": self.ids(0, len(self)),
            "seed": self.seeds(0, len(self)),
            "repetition": repetitions,
            "type": types,
            **parameters,
        }

    @property
    def axes(self) -> list[dict[str, Any]]:
        """The design in plain containers, a dictionary for each family; results files keep it."""
        return [_describe(family) for family in self.families]

    @property
    def hint_at_growth(self) -> str:
        """Why a design of more samples may lack points that one of fewer has; empty where none.

        Examples
        --------
        >>> Design((Family("ramp", "", {"final": (10,)}),)).hint_at_growth
        ''
        """
        for family in self.families:
            if family.drawn is not None and family.drawn.plan.method == LATIN_HYPERCUBE:
                return (
                    f"; with another number of samples {LATIN_HYPERCUBE} is another design, "
                    f"{' and '.join(GROWING)} grow"
                )
        return ""

    def check(self) -> None:
        """Check that a run can hold the design and that no stimulus stands in it twice.

        Raises
        ------
        ConfigError
            Where the design is empty, too large, or holds the same stimulus twice.
        """
        stimuli = self._starts[-1]  # Python's len() fails beyond 63 bits
        conditions = sum(family.count_conditions for family in self.families)
        if stimuli == 0:
            raise ConfigError("stimuli: got none, allowed is at least one stimulus")
        if conditions > MAX_CONDITIONS or stimuli > MAX_STIMULI:
            raise ConfigError(
                f"stimuli: got {conditions} parameter combinations, {stimuli} stimuli; allowed are"
                f" at most {MAX_CONDITIONS} combinations and {MAX_STIMULI} stimuli"
            )
        repeated = self._repeated_conditions()
        if repeated:
            first, second = repeated[0]
            raise ConfigError(self._duplicate_line(first, second, others=len(repeated) - 1))

    def grid_lines(self) -> list[str]:
        """Return the lines in which a dry run tells the expansion of the grid.

        Examples
        --------
        >>> Design((Family("ramp", "", {"final": (10,)}, repetitions=5),)).grid_lines()
        ['→ 1 parameter combination × 5 repetitions = 5 stimuli']
        """
        lines = families_lines(self.families)
        if len(self.families) > 1:
            lines.append(f"Total: {with_noun(len(self), 'stimulus', 'stimuli')}")
        return lines

    def _find(self, index: int) -> tuple[Family, int]:
        """Return the family and the condition of a stimulus, or raise IndexError."""
        if not 0 <= index < len(self):
            raise IndexError(f"no stimulus {index} in a design of {len(self)}")
        number = bisect_right(self._starts, index) - 1
        family = self.families[number]
        return family, (index - self._starts[number]) // family.repetitions

    def _digests(self, start: int, stop: int, *, of_stimulus: bool) -> Iterator[bytes]:
        """Yield 16 bytes of BLAKE2b of what each stimulus is: 8 for its id, 8 for its seed."""
        for first in range(start, stop, _BLOCK):
            for span in self.locate(first, min(first + _BLOCK, stop)):
                yield from self._digests_of_span(span, of_stimulus=of_stimulus)

    def _digests_of_span(self, span: Span, *, of_stimulus: bool) -> Iterator[bytes]:
        conditions, repetitions = span.condition.tolist(), span.repetition.tolist()
        first = conditions[0]
        stop = conditions[-1] + 1
        # A condition is put in words once for all its repetitions.
        texts = list(span.family.texts(first, stop, of_stimulus=of_stimulus))
        seeds = self._base_seeds(span.family, first, stop)
        for condition, repetition in zip(conditions, repetitions, strict=True):
            text, seed = texts[condition - first], seeds[condition - first]
            content = f"{text};repetition={repetition};seed={seed}"
            yield blake2b(content.encode(), digest_size=16).digest()

    def _base_seeds(self, family: Family, first: int, stop: int) -> list[int]:
        """Return the base seed of the noise of some conditions."""
        if not self.follows_seed_axis or SEED_AXIS not in family.of_neurons:
            return [self.seed] * (stop - first)
        numbers = family.value_numbers(np.arange(first, stop))[SEED_AXIS]
        seeds = family.axes[SEED_AXIS]
        return [int(seeds[number]) for number in numbers.tolist()]

    def _repeated_conditions(self) -> list[tuple[int, int]]:
        """Return where a condition stands that stood before, and where that was, as positions."""
        first_index: dict[str, int] = {}
        repeated = []
        kinds = Counter(_kind(family) for family in self.families)
        for family, start in zip(self.families, self._starts[:-1], strict=True):
            if kinds[_kind(family)] == 1 and family.is_distinct:
                continue  # no other family can have one of its conditions
            for condition, text in enumerate(family.texts(0, family.count_conditions)):
                index = start + condition * family.repetitions
                first = first_index.setdefault(text, index)
                if first != index:
                    repeated.append((first, index))
        return repeated

    def _duplicate_line(self, first: int, second: int, *, others: int) -> str:
        """Return the message that names a stimulus standing twice."""
        parameters = self.parameters(first).items()
        stimulus = ", ".join(f"{name}={value}" for name, value in parameters)
        more = f" (and {others} more)" if others else ""
        return (
            f"stimuli: the same stimulus stands at positions {first} and {second}"
            f" ({stimulus}){more}; each is allowed once: use repetitions to have it several times"
        )


def column_of(values: Values) -> npt.NDArray[Any]:
    """Return the values of a parameter as an array: of float64, or of text.

    Examples
    --------
    >>> column_of((1, 2.5)).tolist(), column_of(("a", "b")).tolist()
    ([1.0, 2.5], ['a', 'b'])
    """
    if isinstance(values, np.ndarray) or not isinstance(values[0], str):
        return np.asarray(values, dtype=np.float64)
    paths = [value.path if isinstance(value, SourceFile) else value for value in values]
    return np.array(paths, dtype=np.str_)


def as_written(value: Value | np.generic) -> Value:
    """Return a value as a dataset keeps it: a file by its name alone, a drawn number as Python's.

    Examples
    --------
    >>> as_written(np.float64(0.5)), as_written("a")
    (0.5, 'a')
    """
    if isinstance(value, np.generic):
        number: Value = value.item()
        return number
    return str(value) if isinstance(value, SourceFile) else value


def _values_as_written(span: Span, name: str) -> list[Value | None]:
    """Return a parameter of each stimulus of a span, or None where the family lacks it."""
    values = span.family.axes.get(name)
    if values is None:
        return [None] * len(span.index)
    numbers = span.family.value_numbers(span.condition)[name]
    return [as_written(values[number]) for number in numbers.tolist()]


def _kind(family: Family) -> tuple[str, ...]:
    """Return what two families must have in common to have a condition in common."""
    return (family.type, *sorted(family.axes))


def _describe(family: Family) -> dict[str, Any]:
    """Return a family in plain containers; a parameter is a list where it was written as one."""
    parameters: dict[str, Any] = {}
    for name, values in family.axes.items():
        is_tied = family.drawn is not None and name in family.drawn.plan.tied
        if is_tied or isinstance(values, np.ndarray):
            parameters[name] = describe_spread(family, name)
            continue
        written = [as_written(value) for value in values]
        parameters[name] = written if name in family.listed else written[0]
    described = {
        "type": family.type,
        "parameters": parameters,
        "repetitions": family.repetitions,
        "conditions": family.count_conditions,
        "stimuli": family.count,
    }
    if family.drawn is not None:
        described["sampling"] = family.drawn.plan.method
    return described
