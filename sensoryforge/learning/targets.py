"""What a decoder is to tell of a stimulus: parameters or the type, as numbers or as classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sensoryforge.analysis.selection import parameters
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import format_value, list_names, suggest
from sensoryforge.learning.settings import TASKS

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.core.types import Ints


@dataclass(frozen=True)
class Target:
    """What is to be told of every stimulus of a dataset.

    Attributes
    ----------
    names
        The parameters, or ``type``.
    values
        Class numbers int64 ``[S]``, or float32 ``[S, K]``, one column for each of ``names`` in the
        parameter's own unit.
    classes
        What each class number means, ascending; of several parameters tuples of their values. None
        for regression.
    """

    names: tuple[str, ...]
    values: Tensor
    classes: tuple[Any, ...] | None

    @property
    def name(self) -> str:
        """The names as one text."""
        return ", ".join(self.names)

    @property
    def size(self) -> int:
        """How many numbers a decoder gives for a stimulus: one a class, or one a parameter."""
        if self.classes:
            return len(self.classes)
        return len(self.names)

    @property
    def labels(self) -> Ints:
        """A whole number for each stimulus ``[S]``, equal where the target is equal."""
        values = self.values.numpy()
        if self.classes:
            return values
        _, labels = np.unique(values, axis=0, return_inverse=True)
        return labels.reshape(-1).astype(np.int64)


def read_target(table: pd.DataFrame, target: str | Sequence[str], task: str = "auto") -> Target:
    """Return the target of every row of a table of stimuli.

    Parameters
    ----------
    table
        ``Results.table``, a row a stimulus.
    target
        A parameter, ``type``, or several of them.
    task
        ``classification``, ``regression``, or ``auto``, which classifies text and regresses on
        numbers.

    Raises
    ------
    ConfigError
        With a line for each problem.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"type": ["gaussian", "step"], "amplitude": [10, 20]})
    >>> read_target(table, "type").classes
    ('gaussian', 'step')
    >>> read_target(table, "amplitude").values.tolist()
    [[10.0], [20.0]]
    """
    names = (target,) if isinstance(target, str) else tuple(target)
    problems = _argument_problems(table, names, task)
    if not problems:
        for name in names:
            problems += _column_problems(table, name, task)
    if problems:
        raise ConfigError(problems)
    if task == "classification" or any(_is_text(table[name]) for name in names):
        return _read_classes(table, names)
    numbers = table[list(names)].to_numpy(np.float32)
    return Target(names, torch.tensor(numbers), None)


def _read_classes(table: pd.DataFrame, names: tuple[str, ...]) -> Target:
    columns = [table[name].tolist() for name in names]
    values = columns[0] if len(names) == 1 else list(zip(*columns, strict=True))
    classes = sorted(set(values))
    number_of_class = {value: number for number, value in enumerate(classes)}
    labels = torch.tensor([number_of_class[value] for value in values])
    return Target(names, labels, tuple(classes))


def _argument_problems(table: pd.DataFrame, names: tuple[str, ...], task: str) -> list[str]:
    """Return a line for each name or task that does not exist."""
    known = ["type", *parameters(table)]
    allowed = f"allowed are {list_names(known)}"
    problems = []
    for name in names:
        if name not in known:
            hint = suggest(str(name), known)
            problems.append(f"target: got {format_value(name)}, {allowed}{hint}")
    if not names:
        problems.append(f"target: got none, {allowed}")
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            problems.append(f"target: {name} is there twice")
    if task not in TASKS:
        hint = suggest(str(task), TASKS)
        problems.append(f"task: got {format_value(task)}, allowed are {list_names(TASKS)}{hint}")
    return problems


def _column_problems(table: pd.DataFrame, name: str, task: str) -> list[str]:
    """Return the line for a parameter that cannot be learned, if there is one."""
    column = table[name]
    types_without = sorted(set(table["type"][column.isna()]))
    if types_without:
        types = list_names(types_without)
        return [f"target: {name} is missing in stimuli of type {types}; leave them out with where"]
    if column.nunique() < 2:
        value = format_value(column.tolist()[0])
        return [f"target: {name} is {value} in every stimulus; choose one that differs"]
    if task == "regression" and _is_text(column):
        return [f"task: got 'regression', but {name} is text; use 'classification'"]
    return []


def _is_text(column: pd.Series[Any]) -> bool:
    return any(isinstance(value, str) for value in column)
