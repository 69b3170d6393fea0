"""Stiffness: how fast the states of a block decay, and how many steps that takes.

A state that decays at the rate k, dx/dt = -k x, becomes x (1 - k h) in a step h of forward Euler.
With k h above 1 it jumps over its resting value at every step, and above 2 it grows without bound.
What counts is the part of a state's derivative that is linear in the state itself: minus its
partial derivative, where the block starts and without a drive. Of a choice (``where``, ``min``,
``max``) the branch that changes faster counts, as any of them may be taken later. The refractory
current of the silicon neuron decays in 4.6 microseconds:

    >>> from sensoryforge import load_block
    >>> silicon = load_block("model/sa_silicon")
    >>> stiffest = find_stiffest(silicon, silicon.parameters, step_ms=0.1)
    >>> stiffest.state, round(stiffest.time_constant_ms, 5), stiffest.substeps(0.1)
    ('I_ref', 0.00464, 22)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from sensoryforge.equations.block import Block
from sensoryforge.equations.graph import Node, ordered, substitute

Dual: TypeAlias = tuple[Any, Any]
"""A value and its derivative with respect to one state: numbers, or one of each neuron."""

_ROUNDING = 1e-9  # a step that is just as long as the time constant is not too long


@dataclass(frozen=True)
class Stiffest:
    """The state of a block that decays fastest.

    Parameters
    ----------
    state
        Its name.
    rate
        How fast it decays, in 1/ms, in the fastest neuron.

    Examples
    --------
    >>> Stiffest("y", rate=25.0).substeps(dt_ms=0.5)
    13
    """

    state: str
    rate: float

    @property
    def time_constant_ms(self) -> float:
        """In how many ms it decays to 1/e."""
        return 1 / self.rate

    def is_too_fast_for(self, step_ms: float) -> bool:
        """Return whether it decays faster than steps of this length can follow."""
        return self.rate * step_ms > 1 + _ROUNDING

    def substeps(self, dt_ms: float) -> int:
        """Return the fewest steps in a sample of ``dt_ms`` that follow it."""
        return max(1, math.ceil(self.rate * dt_ms - _ROUNDING))


def find_stiffest(block: Block, values: Mapping[str, Any], step_ms: float) -> Stiffest | None:
    """Return the state of a block that decays fastest; None where none decays.

    Parameters
    ----------
    block
        A filter or a model.
    values
        Its parameters: numbers, or one of each neuron, [N].
    step_ms
        The integration step, which equations may read as ``dt``.
    """
    inputs = {"I": 0.0, "dI": 0.0, "t": 0.0, "dt": step_ms, **values}
    initial: dict[str, Node] = {}
    for state, node in block.states.items():
        initial[state] = substitute(node, initial)
    states = {state: _evaluate(node, inputs)[0] for state, node in initial.items()}
    stiffest: Stiffest | None = None
    for state, derivative in block.derivatives.items():
        _, slope = _evaluate(derivative, inputs | states, state)
        rate = -float(np.min(slope))
        if rate > 0 and math.isfinite(rate) and (stiffest is None or rate > stiffest.rate):
            stiffest = Stiffest(state, rate)
    return stiffest


def describe_stiffness(block: Block, values: Mapping[str, Any], dt_ms: float, substeps: int) -> str:
    """Return what is to be said of a block that is too stiff for its steps, or an empty text.

    Parameters
    ----------
    block, values
        As `find_stiffest` takes them.
    dt_ms, substeps
        Length of a sample, and its integration steps.

    Examples
    --------
    >>> from sensoryforge import load_block
    >>> quick = load_block("filter/ra", tau_ra=0.05)
    >>> describe_stiffness(quick, quick.parameters, dt_ms=0.5, substeps=5)
    'state y decays in 0.05 ms, faster than steps of 0.1 ms can follow; set substeps to 10 or more'
    """
    step_ms = dt_ms / substeps
    stiffest = find_stiffest(block, values, step_ms)
    if stiffest is None or not stiffest.is_too_fast_for(step_ms):
        return ""
    decays = f"state {stiffest.state} decays in {stiffest.time_constant_ms:.3g} ms"
    follow = f"faster than steps of {step_ms:g} ms can follow"
    return f"{decays}, {follow}; set substeps to {stiffest.substeps(dt_ms)} or more"


def _evaluate(root: Node, inputs: Mapping[str, Any], state: str = "") -> Dual:
    """Return the value of an expression, and its derivative with respect to a state."""
    duals: dict[int, Dual] = {}
    with np.errstate(all="ignore"):  # an infinity or a nan is left out by the caller
        for node in ordered([root]):
            if node.op == "const":
                duals[id(node)] = (float(node.value), 0.0)
            elif node.op == "name":
                own = 1.0 if node.value == state else 0.0
                duals[id(node)] = (np.asarray(inputs[str(node.value)], dtype=float), own)
            else:
                arguments = [duals[id(argument)] for argument in node.args]
                duals[id(node)] = _RULES[node.op](*arguments)
    return duals[id(root)]


# --- how each operation carries a derivative on ---


def _divide(a: Dual, b: Dual) -> Dual:
    quotient = a[0] / np.asarray(b[0], dtype=float)
    return quotient, (a[1] - quotient * b[1]) / b[0]


def _sqrt(a: Dual) -> Dual:
    root = np.sqrt(a[0])
    return root, a[1] / (2 * root)


def _tanh(a: Dual) -> Dual:
    value = np.tanh(a[0])
    return value, (1 - value * value) * a[1]


def _choose(condition: Dual, a: Dual, b: Dual) -> Dual:
    chosen = np.where(condition[0], a[0], b[0])
    faster = np.where(np.abs(a[1]) >= np.abs(b[1]), a[1], b[1])
    return chosen, faster


def _condition(compare: Callable[..., Any]) -> Callable[..., Dual]:
    return lambda *arguments: (compare(*[argument[0] for argument in arguments]), 0.0)


_RULES: dict[str, Callable[..., Dual]] = {
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "sub": lambda a, b: (a[0] - b[0], a[1] - b[1]),
    "mul": lambda a, b: (a[0] * b[0], a[1] * b[0] + a[0] * b[1]),
    "div": _divide,
    "neg": lambda a: (-a[0], -a[1]),
    "abs": lambda a: (np.abs(a[0]), np.sign(a[0]) * a[1]),
    "sqrt": _sqrt,
    "exp": lambda a: (np.exp(a[0]), np.exp(a[0]) * a[1]),
    "log": lambda a: (np.log(a[0]), a[1] / a[0]),
    "tanh": _tanh,
    "cos": lambda a: (np.cos(a[0]), -np.sin(a[0]) * a[1]),
    "sin": lambda a: (np.sin(a[0]), np.cos(a[0]) * a[1]),
    "where": _choose,
    "lt": _condition(np.less),
    "le": _condition(np.less_equal),
    "gt": _condition(np.greater),
    "ge": _condition(np.greater_equal),
    "eq": _condition(np.equal),
    "ne": _condition(np.not_equal),
    "and": _condition(np.logical_and),
    "or": _condition(np.logical_or),
    "not": _condition(np.logical_not),
}
"""Operation -> its value and derivative, from those of its arguments."""
