"""Families of stimuli: one type, its parameters and their values, and the conditions these make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

import numpy as np

from sensoryforge.core.source_file import SourceFile
from sensoryforge.core.types import Floats, Ints
from sensoryforge.design.sampling import Drawn

Number = int | float
Value = int | float | str
"""What a parameter may be: a number, a word, or a file."""
Values = Sequence[Value] | Floats | Ints
"""The values of a parameter, as written; an array of those that were drawn."""
_BLOCK = 65_536
"""Conditions that are put in words together: a design may have millions."""


@dataclass(frozen=True)
class Family:
    """Stimuli of one type: combinations of its parameters' values, each repeated.

    A condition is one combination. Conditions are numbered in the order of the Cartesian product,
    the last parameter fastest; those of a design that is drawn, paired or thinned out in the order
    of its points.

    Parameters
    ----------
    type
        Name of the stimulus type, such as ``gaussian``.
    target
        Dotted path of its class.
    axes
        Every parameter in the order of the configuration, with its values, one or more, as written.
    parts
        What else the stimuli are made of: dotted paths of classes by ``profile``, ``motion`` or the
        name of a part; see `sensoryforge.stimuli.find_recipe`.
    listed
        Names of the parameters that were written as lists: those that a sweep is about.
    repetitions
        Noise realisations of each condition.
    drawn
        Which values belong together where the design is no plain product: it was drawn, paired or
        thinned out, or a parameter is equal to another.
    of_neurons
        Those of the axes that are numbers of afferents and not of the stimulus; see
        `sensoryforge.design.neuron_axis`.

    Examples
    --------
    >>> axes = {"amplitude": (10, 20), "sigma": (0.3, 0.5, 0.7)}
    >>> family = Family("gaussian", "sensoryforge.stimuli.Gaussian", axes, repetitions=4)
    >>> family.count_conditions, family.count
    (6, 24)
    """

    type: str
    target: str
    axes: Mapping[str, Values]
    listed: tuple[str, ...] = ()
    repetitions: int = 1
    parts: dict[str, str] = field(default_factory=dict)
    drawn: Drawn | None = field(default=None, compare=False)
    of_neurons: tuple[str, ...] = ()

    @cached_property
    def count_conditions(self) -> int:
        """Number of conditions."""
        if self.drawn is not None:
            return self.drawn.count
        return prod(len(values) for values in self.axes.values())

    @property
    def count(self) -> int:
        """Number of stimuli: conditions times repetitions."""
        return self.count_conditions * self.repetitions

    def value_numbers(self, conditions: Ints) -> dict[str, Ints]:
        """Return for each parameter which of its values the conditions have, counted from zero.

        Examples
        --------
        >>> family = Family("ramp", "", {"initial": (0, 5), "final": (10, 20, 30)})
        >>> family.value_numbers(np.array([1, 3]))
        {'initial': array([0, 1]), 'final': array([1, 0])}
        """
        if self.drawn is not None:
            return self._drawn_numbers(self.drawn, conditions)
        shape = tuple(len(values) for values in self.axes.values())
        if not shape:
            return {}
        return dict(zip(self.axes, np.unravel_index(conditions, shape), strict=True))

    def distinct_stimuli(self, conditions: Ints) -> tuple[Ints, Ints]:
        """Return conditions whose stimuli differ, and which of them each condition is like.

        Conditions that differ in numbers of afferents alone have the same stimulus.

        Parameters
        ----------
        conditions
            Some conditions, ``[n]``.

        Returns
        -------
        distinct
            The first condition with each stimulus, ``[m]``.
        rows
            Where among them the stimulus of each condition is, ``[n]``.

        Examples
        --------
        >>> axes = {"sa_gain": (20, 40), "final": (10, 20, 30)}
        >>> family = Family("ramp", "", axes, of_neurons=("sa_gain",))
        >>> [part.tolist() for part in family.distinct_stimuli(np.arange(6))]
        [[0, 1, 2], [0, 1, 2, 0, 1, 2]]
        """
        if not self.of_neurons:
            distinct, rows = np.unique(conditions, return_inverse=True)
            return distinct, rows
        numbers = self.value_numbers(conditions)
        of_stimulus = [column for name, column in numbers.items() if name not in self.of_neurons]
        # A stimulus without parameters is one for all conditions.
        table = np.stack([np.zeros_like(conditions), *of_stimulus], axis=1)
        _, first, rows = np.unique(table, axis=0, return_index=True, return_inverse=True)
        return conditions[first], rows.reshape(-1)

    def _drawn_numbers(self, drawn: Drawn, conditions: Ints) -> dict[str, Ints]:
        """Return which values conditions have that are points; what does not vary has its one."""
        numbers: dict[str, Ints] = {}
        for name in self.axes:
            of_name = drawn.numbers.get(name)
            if of_name is None:
                numbers[name] = np.zeros_like(conditions)
            else:
                numbers[name] = of_name[conditions]
        return numbers

    @cached_property
    def is_distinct(self) -> bool:
        """Whether no condition can stand in the family twice, as far as that is told quickly.

        Examples
        --------
        >>> Family("ramp", "", {"final": (10, 20)}).is_distinct
        True
        >>> Family("ramp", "", {"final": (10, 10.0)}).is_distinct
        False
        """
        if self.drawn is not None:
            return self.drawn.is_distinct
        for name, values in self.axes.items():
            words = {_words(name, value) for value in values}
            if len(words) < len(values):
                return False
        return True

    def texts(self, first: int, stop: int, *, of_stimulus: bool = False) -> Iterator[str]:
        """Return what each condition from ``first`` to ``stop`` (not included) is, in words.

        Those ``of_stimulus`` alone leave out the numbers of afferents.

        The words are canonical: parameters in alphabetical order, numbers as floats, files as the
        checksum of what they hold, names and texts with their length before them, so that no two
        conditions share a text. Ids and seeds derive from it, so that its form must never change.

        Examples
        --------
        >>> list(Family("ramp", "", {"final": (10, 20)}).texts(0, 2))
        ['4:ramp;5:final=10.0', '4:ramp;5:final=20.0']
        """
        for start in range(first, stop, _BLOCK):
            block = np.arange(start, min(start + _BLOCK, stop))
            yield from self._texts_of_block(block, self.of_neurons if of_stimulus else ())

    def _texts_of_block(self, conditions: Ints, left_out: tuple[str, ...]) -> Iterator[str]:
        type_text = f"{len(self.type)}:{self.type}"
        columns = [[type_text] * len(conditions)]
        numbers = self.value_numbers(conditions)
        for name in sorted(numbers.keys() - left_out):
            columns.append(_texts_of(name, self.axes[name], numbers[name]))
        return map(";".join, zip(*columns, strict=True))


@dataclass(frozen=True)
class Span:
    """Neighbouring stimuli of one family.

    Parameters
    ----------
    family
        Their family.
    index
        Their positions in the design, ``[b]``.
    condition, repetition
        What each of them is, ``[b]``.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> design = check(sf.compose("stimuli.amplitude=[10, 20]", "stimuli.repetitions=3")).design
    >>> design.locate(2, 5)[0].condition.tolist()
    [0, 1, 1]
    """

    family: Family
    index: Ints
    condition: Ints
    repetition: Ints


def _texts_of(name: str, values: Values, numbers: Ints) -> list[str]:
    """Return a parameter of some conditions in canonical words."""
    if isinstance(values, np.ndarray):
        return [_words(name, value) for value in values[numbers].tolist()]
    if len(values) > len(numbers):
        return [_words(name, values[number]) for number in numbers.tolist()]
    # Each value is put in words once, however many conditions have it.
    words = [_words(name, value) for value in values]
    return [words[number] for number in numbers.tolist()]


def _words(name: str, value: Value) -> str:
    """Return a parameter and its value in canonical words; a file is what it holds."""
    if isinstance(value, SourceFile):
        return f"{len(name)}:{name}=f{value.checksum}"
    if isinstance(value, str):
        return f"{len(name)}:{name}=s{len(value)}:{value}"
    number = float(value) + 0.0  # adding zero makes -0.0 and 0.0 the same
    return f"{len(name)}:{name}={number!r}"
