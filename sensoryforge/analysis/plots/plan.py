"""What is known of stimuli before a run, and which of them a picture shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

import sensoryforge.analysis.plots.instants as instants
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Columns, Ints

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.analysis.choice import Choice
    from sensoryforge.skin.outlines import Outline
    from sensoryforge.skin.places import Places
    from sensoryforge.skin.receptors import Receptors

_MOST_FAMILIES = 6
_MOST_CONDITIONS = 3
"""Of a family."""
_MOST_ROWS = 9
"""Of the picture: of many families fewer conditions are drawn."""


class PlannedFamily(Protocol):
    """What is drawn of a family of stimuli: see `sensoryforge.design.Family`."""

    @property
    def type(self) -> str:
        """Name of the stimulus type."""

    @property
    def target(self) -> str:
        """Dotted path of its class."""

    @property
    def parts(self) -> dict[str, str]:
        """What else it is made of."""

    @property
    def axes(self) -> Mapping[str, Any]:
        """Every parameter with its values."""

    @property
    def listed(self) -> tuple[str, ...]:
        """Names of the parameters that are written as lists."""

    @property
    def repetitions(self) -> int:
        """Noise realisations of each condition."""

    @property
    def count_conditions(self) -> int:
        """Number of conditions."""

    def value_numbers(self, conditions: Ints) -> dict[str, Ints]:
        """Return which value of each parameter the conditions have."""

    def distinct_stimuli(self, conditions: Ints) -> tuple[Ints, Ints]:
        """Return conditions whose stimuli differ, and which of them each condition is like."""


class PlannedDesign(Protocol):
    """What is drawn of a design: see `sensoryforge.design.Design`."""

    @property
    def families(self) -> Sequence[PlannedFamily]:
        """The families, in order."""

    def columns(self, family: Any, conditions: Ints) -> Columns:
        """Return the parameters of some conditions of a family."""

    def __len__(self) -> int:
        """Return the number of stimuli."""


class Planned(Protocol):
    """What is drawn of an experiment: see `sensoryforge.design.Experiment`."""

    @property
    def sheet(self) -> Receptors:
        """Receptors on the skin."""

    @property
    def outline(self) -> Outline | None:
        """How far the skin reaches; None for all of the sheet."""

    @property
    def duration_ms(self) -> float:
        """How long a stimulus is."""

    @property
    def dt_ms(self) -> float:
        """How long a sample is."""

    @property
    def samples(self) -> int:
        """How many samples a stimulus has."""

    @property
    def populations(self) -> Mapping[str, Any]:
        """Afferents by the name of their population."""

    @property
    def design(self) -> PlannedDesign:
        """The stimuli."""

    @property
    def amplitude_unit(self) -> str:
        """The unit of amplitudes."""

    def places(self, population: str) -> Places:
        """Return where the afferents of a population lie."""


def choose_conditions(
    design: PlannedDesign, index: int | None = None, choice: Choice | None = None
) -> tuple[list[tuple[PlannedFamily, int]], str]:
    """Return the conditions that are drawn, and in words of what they are.

    Parameters
    ----------
    design
        The stimuli.
    index
        Which stimulus; None is some of each family.
    choice
        What they must meet; None is nothing.

    Raises
    ------
    ConfigError
        For an index that is not there, and where no stimulus, or not this one, meets the choice.
    """
    families = design.families
    kept = [np.arange(family.count_conditions) for family in families]
    if choice is not None and str(choice):
        kept = _conditions_that_meet(families, choice)
    if index is not None:
        number, condition = _find(design, index)
        if condition not in kept[number]:
            raise ConfigError(f"stimulus: got {index}, which is none with {choice}")
        return [(families[number], condition)], f"Stimulus {index} of {len(design)}"
    having = [number for number in range(len(families)) if len(kept[number])]
    which = [having[place] for place in instants.spread(_MOST_FAMILIES, len(having)).tolist()]
    most = min(_MOST_CONDITIONS, max(1, _MOST_ROWS // len(which)))
    chosen = []
    for number in which:
        differing = np.sort(families[number].distinct_stimuli(kept[number])[0])
        for place in instants.spread(most, len(differing)).tolist():
            chosen.append((families[number], int(differing[place])))
    conditions = sum(len(of_family) for of_family in kept)
    words = "Stimuli before a run"
    if choice is not None and str(choice):
        words += f", only {choice}"
    words += f": {_how_many(len(chosen), conditions, 'condition')}"
    if len(families) > 1:
        words += f" of {_how_many(len(which), len(having), 'family', 'families')}"
    return chosen, f"{words}, {len(design)} stimuli in all"


@dataclass(frozen=True)
class _Conditions:
    """The conditions of a design as a choice of stimuli asks for them."""

    table: pd.DataFrame

    def __len__(self) -> int:
        return len(self.table)


def _conditions_that_meet(families: Sequence[PlannedFamily], choice: Choice) -> list[Ints]:
    """Return which conditions of each family meet a choice; raises ConfigError where none does."""
    import pandas as pd

    tables = []
    for family in families:
        numbers = family.value_numbers(np.arange(family.count_conditions))
        columns: dict[str, Any] = {"type": [family.type] * family.count_conditions}
        for name, values in family.axes.items():
            # A file is shown by its name.
            written = [str(value) if isinstance(value, str) else value for value in values]
            columns[name] = [written[number] for number in numbers[name].tolist()]
        tables.append(pd.DataFrame(columns))
    rows = choice.rows(_Conditions(pd.concat(tables, ignore_index=True)))
    starts = np.cumsum([0, *(family.count_conditions for family in families)])
    kept = []
    for start, stop in pairwise(starts.tolist()):
        kept.append(rows[(rows >= start) & (rows < stop)] - start)
    return kept


def _how_many(drawn: int, total: int, noun: str, nouns: str = "") -> str:
    """Return how many of a total are drawn.

    >>> _how_many(3, 12, "condition"), _how_many(1, 1, "condition")
    ('3 of 12 conditions', '1 condition')
    """
    nouns = nouns or f"{noun}s"
    if drawn < total:
        return f"{drawn} of {total} {nouns}"
    return f"{total} {noun if total == 1 else nouns}"


def _find(design: PlannedDesign, index: int) -> tuple[int, int]:
    """Return the number of the family and of the condition of a stimulus."""
    left = index
    for number, family in enumerate(design.families):
        count = family.count_conditions * family.repetitions
        if 0 <= left < count:
            return number, left // family.repetitions
        left -= count
    raise ConfigError(f"stimulus: got {index}, allowed is 0 to {len(design) - 1}")
