"""Conditions: the parameters of C stimuli, or of parts of them, as columns.

A stimulus, a profile and a motion all are conditions; what each does with its parameters differs.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from sensoryforge.core.numerics import namespace
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.cautions import Caution, Sheet
from sensoryforge.stimuli.ranges import Allowed, Range


class Conditions(ABC):
    """C conditions of one kind of thing, its parameters as columns.

    Parameters
    ----------
    columns
        Parameter -> its value in each condition, ``[C]``; every parameter in ``ranges``.

    Attributes
    ----------
    ranges
        Parameter -> what it may be, in the order in which a new configuration lists them.
    tensors
        Whether the methods take torch tensors as well as arrays, and give them the same bits, so
        that a GPU can shape the stimuli. A class says so for itself, not for its subclasses: those
        may compute with NumPy.
    count
        Number of conditions C.
    """

    ranges: ClassVar[Mapping[str, Allowed]]
    tensors: ClassVar[bool] = False

    def __init__(self, columns: Columns) -> None:
        lengths = [len(values) for values in columns.values()]
        self.count = lengths[0] if lengths else 1
        self._columns: Columns = {}
        self._texts: dict[str, list[str]] = {}
        for name, allowed in self.ranges.items():
            is_left_out = allowed.optional and name not in columns
            if not isinstance(allowed, Range):
                values = np.full(self.count, "") if is_left_out else np.asarray(columns[name])
                self._texts[name] = [str(text) for text in values.tolist()]
                continue
            numbers = _not_a_number(columns, self.count) if is_left_out else columns[name]
            xp = namespace(numbers)
            self._columns[name] = xp.asarray(numbers, dtype=xp.float64)

    def __getitem__(self, name: str) -> Floats:
        """Return a parameter as ``[C, 1]``, ready to meet receptors or samples.

        Raises KeyError for a parameter that is a word or a file, which `texts` returns.
        """
        if name in self._texts:
            raise KeyError(f"{name} is a word or a file; self.texts({name!r}) returns it")
        return self._columns[name][:, None]

    def texts(self, name: str) -> list[str]:
        """Return a parameter that is a word or a file, a text for each condition."""
        return self._texts[name]

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Return a line for each contradiction between parameters; none by default.

        Parameters
        ----------
        columns
            Parameter -> its value in each condition, ``[C]``, each in its range already.
        duration_ms
            How long the stimulus is.

        Examples
        --------
        >>> from sensoryforge.stimuli import Gaussian
        >>> Gaussian.check({"amplitude": np.array([30.0])}, duration_ms=300.0)
        []
        """
        return []

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Return why some conditions will hardly be felt; nothing by default.

        A run warns of them before it begins. A class says so for itself, not for its subclasses:
        those may press elsewhere.

        Parameters
        ----------
        columns
            Parameter -> its value in each condition, ``[C]``, each in its range already.
        sheet
            The extents of the skin, and how close receptors lie.

        Examples
        --------
        >>> from sensoryforge.stimuli import Sheet, Step
        >>> place = {"sigma": np.array([0.5]), "center_x": np.array([0.0])}
        >>> cautions = Step.cautions(place | {"center_y": np.array([9.0])}, Sheet(4.8, 4.8, 0.15))
        >>> [caution.parameter for caution in cautions if caution.conditions.any()]
        ['center_y']
        """
        return []


def _not_a_number(columns: Columns, count: int) -> Floats:
    """Return the column of a number that was left out: a tensor where another column is one."""
    for values in columns.values():
        if namespace(values) is not np:
            nothing: Floats = namespace(values).full_like(values, np.nan)
            return nothing
    return np.full(count, np.nan)
