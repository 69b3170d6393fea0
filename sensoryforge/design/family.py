"""Families of stimuli: one type, its parameters and their values, and the conditions these make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

import numpy as np

from sensoryforge.core.source_file import SourceFile
from sensoryforge.core.types import Ints

Number = int | float
Value = int | float | str
"""What a parameter may be: a number, a word, or a file."""


@dataclass(frozen=True)
class Family:
    """Stimuli of one type: every combination of its parameters' values, each repeated.

    A condition is one combination. Conditions are numbered in the order of the Cartesian product,
    the last parameter fastest.

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

    Examples
    --------
    >>> axes = {"amplitude": (10, 20), "sigma": (0.3, 0.5, 0.7)}
    >>> family = Family("gaussian", "sensoryforge.stimuli.Gaussian", axes, repetitions=4)
    >>> family.count_conditions, family.count
    (6, 24)
    """

    type: str
    target: str
    axes: dict[str, tuple[Value, ...]]
    listed: tuple[str, ...] = ()
    repetitions: int = 1
    parts: dict[str, str] = field(default_factory=dict)

    @cached_property
    def count_conditions(self) -> int:
        """Number of conditions."""
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
        shape = tuple(len(values) for values in self.axes.values())
        if not shape:
            return {}
        return dict(zip(self.axes, np.unravel_index(conditions, shape), strict=True))

    def texts(self, first: int, stop: int) -> Iterator[str]:
        """Return what each condition from ``first`` to ``stop`` (not included) is, in words.

        The words are canonical: parameters in alphabetical order, numbers as floats, files as the
        checksum of what they hold, names and texts with their length before them, so that no two
        conditions share a text. Ids and seeds derive from it, so that its form must never change.

        Examples
        --------
        >>> list(Family("ramp", "", {"final": (10, 20)}).texts(0, 2))
        ['4:ramp;5:final=10.0', '4:ramp;5:final=20.0']
        """
        type_text = f"{len(self.type)}:{self.type}"
        conditions = np.arange(first, stop)
        columns = [[type_text] * len(conditions)]
        numbers = self.value_numbers(conditions)
        for name in sorted(numbers):
            # Each value is put in words once, however many conditions have it.
            words = [_words(name, value) for value in self.axes[name]]
            columns.append([words[number] for number in numbers[name].tolist()])
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


def _words(name: str, value: Value) -> str:
    """Return a parameter and its value in canonical words; a file is what it holds."""
    if isinstance(value, SourceFile):
        return f"{len(name)}:{name}=f{value.checksum}"
    if isinstance(value, str):
        return f"{len(name)}:{name}=s{len(value)}:{value}"
    number = float(value) + 0.0  # adding zero makes -0.0 and 0.0 the same
    return f"{len(name)}:{name}={number!r}"
