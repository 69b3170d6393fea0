"""Conditions that the points of a design have to meet, as in ``sigma < 0.5*wavelength``.

They are written in the language of equations, over the numbers of an entry by their names in the
table, and reckoned in float64 with functions that have the same bits on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from sensoryforge.core.numerics import cos_turns, exp, log, sin_turns
from sensoryforge.core.types import Bools, Columns, Floats
from sensoryforge.equations.expressions import parse
from sensoryforge.equations.graph import Node, names_in, ordered

_TURN = float.fromhex("0x1.921fb54442d18p+2")


class Condition:
    """A condition on the parameters of an entry.

    Parameters
    ----------
    text
        As it is written.
    known
        The parameters that it may name.
    where
        Its key, for messages.

    Raises
    ------
    EquationError
        Where the text is no condition.

    Examples
    --------
    >>> fine = Condition("sigma < 0.5*wavelength", ["sigma", "wavelength"], "stimuli.where")
    >>> columns = {"sigma": np.array([0.3, 0.9]), "wavelength": np.array([1.0, 1.0])}
    >>> fine.holds(columns, 2).tolist()
    [True, False]
    """

    def __init__(self, text: str, known: Iterable[str], where: str) -> None:
        self.text = text
        self.root = parse(text, known, where, boolean=True)

    @property
    def names(self) -> set[str]:
        """The parameters that it names."""
        return names_in(self.root)

    def holds(self, columns: Columns, count: int) -> Bools:
        """Tell for each of ``count`` points whether it meets the condition.

        Parameters
        ----------
        columns
            Parameter -> ``[count]`` numbers.
        """
        values: dict[int, Any] = {}
        with np.errstate(all="ignore"):
            for node in ordered([self.root]):
                values[id(node)] = _value(node, values, columns)
        held: Bools = np.broadcast_to(np.asarray(values[id(self.root)], dtype=np.bool_), count)
        return held


def _value(node: Node, values: Mapping[int, Any], columns: Columns) -> Any:
    if node.op == "const":
        return np.float64(node.value)
    if node.op == "name":
        return np.asarray(columns[str(node.value)], dtype=np.float64)
    return _OPERATIONS[node.op](*(values[id(argument)] for argument in node.args))


def _log(x: Floats) -> Floats:
    """Return the logarithm of positive numbers, and of others what is no number."""
    is_positive = x > 0
    return np.where(is_positive, log(np.where(is_positive, x, 1.0)), np.nan)


def _tanh(x: Floats) -> Floats:
    part = exp(-2.0 * np.abs(x))
    return np.copysign((1.0 - part) / (1.0 + part), x)


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "exp": exp,
    "log": _log,
    "tanh": _tanh,
    "cos": lambda x: cos_turns(x / _TURN),
    "sin": lambda x: sin_turns(x / _TURN),
    "where": np.where,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
}
