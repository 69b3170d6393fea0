"""Linear filters: derivatives that are linear in the states, whose steps can be exact.

A filter is linear where each derivative is a sum of states, each times something that parameters
make, and of what ``I``, ``dI`` and parameters make in any way: dx/dt = A x + b. The drive is held
over a sample of h ms, and b with it, so that the states after it are

    x(t + h) = exp(A h) x(t) + (integral of exp(A s) ds from 0 to h) b

whatever h is, stiff or not. Both matrices are blocks of one exponential, that of [[A, 1], [0, 0]] h
(Van Loan 1978, doi:10.1109/TAC.1978.1101743). Here is what they are made of, and the filter that is
stepped with them, in the language itself: a ``next`` whose coefficients are parameters. Their
numbers are prepared once a run (:mod:`sensoryforge.simulation.kernels.exact`).

    >>> written = {"states": {"x": 0}, "derivatives": {"x": "(abs(dI) - x)/tau"}, "output": "x"}
    >>> written["parameters"] = {"tau": 5.0}
    >>> exact = find_exact(Block.from_config("filter", written, "quick.yaml"))
    >>> print(exact.rates["x", "x"])
    div(neg(1.0), tau)
    >>> print(exact.block.next["x"])
    add(mul(step_x_x, x), mul(input_x_x, div(abs(dI), tau)))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from sensoryforge.equations.block import Block
from sensoryforge.equations.graph import Node, constant, name, names_in, op, ordered, where
from sensoryforge.equations.parameters import Parameter

_REST = ""
"""What the part of a form that reads no state stands under."""
_CHANGING = frozenset({"I", "dI", "t", "dt"})

Form: TypeAlias = dict[str, Node]
"""State -> what it is multiplied with; the part without states stands under an empty name."""


@dataclass(frozen=True, eq=False)
class ExactFilter:
    """A linear filter, ready to be stepped exactly.

    Parameters
    ----------
    block
        The filter with a ``next`` for each state, whose coefficients are parameters.
    rates
        (State, other state) -> what the other is multiplied with in the state's derivative: A, in
        1/ms, without what is zero.
    of_states, of_inputs
        Parameter of the block -> the entry (state, other state) of exp(A h), and of its integral.
    """

    block: Block
    rates: dict[tuple[str, str], Node]
    of_states: dict[str, tuple[str, str]]
    of_inputs: dict[str, tuple[str, str]]


def find_exact(block: Block) -> ExactFilter | None:
    """Return a filter in the form that is stepped exactly; None for one that cannot be.

    It cannot where a derivative is not linear in the states, or reads the time or the step, where a
    state has a ``next``, and where the equations were fitted at a step of Euler's (``step_ms``).

    Examples
    --------
    >>> [find_exact(sf.load_block(f"filter/{name}")) is not None for name in ("sa", "ra", "none")]
    [True, True, False]
    """
    if block.kind != "filter" or block.next or block.step_ms is not None or not block.derivatives:
        return None
    rates: dict[tuple[str, str], Node] = {}
    inputs: dict[str, Node] = {}
    for state, derivative in block.derivatives.items():
        form = linear_form(derivative, block.states)
        if form is None:
            return None
        for factor, node in form.items():
            if factor == _REST:
                inputs[state] = node
            else:
                rates[state, factor] = node
    return _stepped(block, rates, inputs)


def _stepped(
    block: Block, rates: dict[tuple[str, str], Node], inputs: Mapping[str, Node]
) -> ExactFilter:
    """Return the filter with a ``next`` in place of its derivatives."""
    names = list(block.states)
    reached = {state: _states_that_reach(state, names, rates) for state in names}
    taken = {*block.states, *block.parameters}
    of_states: dict[str, tuple[str, str]] = {}
    of_inputs: dict[str, tuple[str, str]] = {}
    steps: dict[str, Node] = {}
    for state in block.states:
        products_of_states = []
        products_of_inputs = []
        for other in reached[state]:
            coefficient = _free_name(f"step_{state}_{other}", taken)
            of_states[coefficient] = (state, other)
            products_of_states.append(name(coefficient) * name(other))
            if other in inputs:
                coefficient = _free_name(f"input_{state}_{other}", taken)
                of_inputs[coefficient] = (state, other)
                products_of_inputs.append(name(coefficient) * inputs[other])
        steps[state] = _sum(products_of_states)
        if products_of_inputs:  # one sum of their own, which is made once a sample
            steps[state] = steps[state] + _sum(products_of_inputs)
    parameters = dict(block.parameters)
    for coefficient, entry in {**of_states, **of_inputs}.items():
        parameters[coefficient] = _placeholder(entry, rates, reached, block.parameters)
    stepped = replace(block, derivatives={}, next=steps, parameters=parameters)
    return ExactFilter(stepped, rates, of_states, of_inputs)


def linear_form(root: Node, states: Iterable[str]) -> Form | None:
    """Return an expression as a sum of states, each times what parameters make, and of the rest.

    Parameters
    ----------
    root
        The expression.
    states
        The names that it is to be linear in.

    Returns
    -------
    dict of str to Node, or None
        None where it is not such a sum, or where a factor of a state is not constant over a run, or
        the rest not over a sample.

    Examples
    --------
    >>> x, I = name("x"), name("I")
    >>> form = linear_form((I - x) * 3.0, ["x"])
    >>> print(form["x"], form[""])
    mul(neg(1.0), 3.0) mul(I, 3.0)
    >>> linear_form(x * x, ["x"]) is None
    True
    """
    names = set(states)
    forms: dict[int, Form | None] = {}
    for node in ordered([root]):
        if node.op == "name" and node.value in names:
            forms[id(node)] = {str(node.value): constant(1.0)}
        elif not node.args:
            forms[id(node)] = {_REST: node}
        else:
            arguments = [forms[id(argument)] for argument in node.args]
            forms[id(node)] = _combined(node, arguments)
    form = forms[id(root)]
    if form is None or not all(_is_held(state, node) for state, node in form.items()):
        return None
    return form


def _is_held(state: str, node: Node) -> bool:
    """Whether a part of a form does not change within a sample, a factor of a state never."""
    changing = names_in(node) & _CHANGING
    if state == _REST:
        return not changing & {"t", "dt"}
    return not changing


def _combined(node: Node, arguments: Sequence[Form | None]) -> Form | None:
    """Return the form of an operation, of those of its arguments."""
    forms = [form for form in arguments if form is not None]
    if len(forms) < len(arguments):
        return None
    stateless = [set(form) == {_REST} for form in forms]
    if all(stateless):
        return {_REST: node}
    if node.op == "neg":
        return {state: -factor for state, factor in forms[0].items()}
    if node.op in ("add", "sub"):
        return _joined(node.op, *forms)
    if node.op == "mul" and any(stateless):
        linear, by = (forms[1], forms[0]) if stateless[0] else (forms[0], forms[1])
        return {state: factor * by[_REST] for state, factor in linear.items()}
    if node.op == "div" and stateless[1]:
        return {state: factor / forms[1][_REST] for state, factor in forms[0].items()}
    if node.op == "where" and stateless[0]:
        return _chosen(*forms)
    return None


def _joined(sign: str, left: Form, right: Form) -> Form:
    """Return the sum or the difference of two forms."""
    joined = dict(left)
    for state, factor in right.items():
        if state in left:
            joined[state] = op(sign, left[state], factor)
        else:
            joined[state] = factor if sign == "add" else -factor
    return joined


def _chosen(condition: Form, then: Form, otherwise: Form) -> Form:
    """Return the form of a choice whose condition reads no state."""
    zero = constant(0.0)
    chosen: Form = {}
    for state in dict.fromkeys([*then, *otherwise]):
        of_then, of_otherwise = then.get(state, zero), otherwise.get(state, zero)
        chosen[state] = where(condition[_REST], of_then, of_otherwise)
    return chosen


def _states_that_reach(
    state: str, states: Sequence[str], rates: Mapping[tuple[str, str], Node]
) -> list[str]:
    """Return the states that one depends on after a while, itself among them."""
    reached = {state}
    waiting = [state]
    while waiting:
        reader = waiting.pop()
        for target, other in rates:
            if target == reader and other not in reached:
                reached.add(other)
                waiting.append(other)
    return [other for other in states if other in reached]


def _sum(nodes: Sequence[Node]) -> Node:
    total = nodes[0]
    for node in nodes[1:]:
        total = total + node
    return total


def _free_name(wanted: str, taken: set[str]) -> str:
    """Return a name for a parameter that nothing else has; from now on it is taken."""
    while wanted in taken:
        wanted += "_"
    taken.add(wanted)
    return wanted


def _placeholder(
    entry: tuple[str, str],
    rates: Mapping[tuple[str, str], Node],
    reached: Mapping[str, Sequence[str]],
    parameters: Mapping[str, Parameter],
) -> Parameter:
    """Return what says whether an entry differs between neurons; it is never drawn.

    It does where a rate on the way from one state to the other is made of a parameter that does.
    """
    state, other = entry
    read: set[str] = set()
    for (target, source), rate in rates.items():
        if target in reached[state] and other in reached[source]:
            read |= names_in(rate)
    for parameter, value in parameters.items():
        if parameter in read and not isinstance(value, float):
            return value
    return 0.0
