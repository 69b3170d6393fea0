"""What a decoder is to tell of a stimulus: parameters or the type, as numbers or as classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sensoryforge.errors import ConfigError, listing, quote, suggest
from sensoryforge.selection import parameters

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.types import Ints

TASKS = ("auto", "classification", "regression")


@dataclass(frozen=True)
class Target:
    """The target of every stimulus.

    ``values``: class numbers int64 [S], or float32 [S, K], one column for each of ``names``. ``classes``: what each
    class number means, values ascending (of several parameters: tuples); None for regression.
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
        return len(self.classes) if self.classes else len(self.names)

    def numbers(self) -> Ints:
        """Return a number for each stimulus, equal where the target is."""
        if self.classes:
            return self.values.numpy()
        return np.unique(self.values.numpy(), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def read_target(table: pd.DataFrame, target: str | Sequence[str], task: str = "auto") -> Target:
    """Return the target of every row of a table; ``auto`` classifies text and regresses on numbers.

    Raises ConfigError with a line for each problem.
    """
    names = (target,) if isinstance(target, str) else tuple(target)
    known = ["type", *parameters(table)]
    problems = [
        f"target: got {quote(name)}, allowed are {listing(known)}{suggest(str(name), known)}"
        for name in names
        if name not in known
    ]
    problems += [] if names else ["target: got none, allowed are " + listing(known)]
    problems += [f"target: {name} is there twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    if task not in TASKS:
        problems.append(f"task: got {quote(task)}, allowed are {listing(TASKS)}{suggest(str(task), TASKS)}")
    problems = problems or [line for name in names for line in _column_problems(table, name, task)]
    if problems:
        raise ConfigError(problems)
    text = any(_is_text(table[name]) for name in names)
    if task == "classification" or text:
        return _classes(table, names)
    return Target(names, torch.tensor(table[list(names)].to_numpy(np.float32)), None)


def _is_text(column: pd.Series[Any]) -> bool:
    return any(isinstance(value, str) for value in column)


def _column_problems(table: pd.DataFrame, name: str, task: str) -> list[str]:
    """Return the lines for a column that cannot be learned."""
    column = table[name]
    lacking = sorted(set(table["type"][column.isna()]))
    if lacking:
        return [f"target: {name} is missing in stimuli of type {listing(lacking)}; leave them out with where"]
    if column.nunique() < 2:
        return [f"target: {name} is {quote(column.tolist()[0])} in every stimulus; choose one that differs"]
    if task == "regression" and _is_text(column):
        return [f"task: got 'regression', but {name} is text; use 'classification'"]
    return []


def _classes(table: pd.DataFrame, names: tuple[str, ...]) -> Target:
    values = [table[name].tolist() for name in names]
    rows = values[0] if len(names) == 1 else list(zip(*values, strict=True))
    classes = sorted(set(rows))
    numbers = {value: number for number, value in enumerate(classes)}
    return Target(names, torch.tensor([numbers[row] for row in rows]), tuple(classes))
