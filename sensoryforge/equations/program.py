"""Programs: graphs of equations as lists of operations, ordered by how often they must run.

A program is what backends see. Each instruction writes a register of its own and reads earlier
ones; equal operations are merged; and each has a level, that of the fastest input that it reads:

====== ============================= ================
level  it depends on                 it runs
====== ============================= ================
0      parameters alone              once a run
1      the drive ``I``, ``dI`` too   once a sample
2      states or the time            at every step
====== ============================= ================

Moving an operation to an outer loop changes no bit, since every operation rounds for itself.

A worked example, the filter ``tau dx/dt = k I - x``. A step of it is x + dt (k I - x)/tau:

    >>> written = {
    ...     "states": {"x": 0.0},
    ...     "derivatives": {"x": "(k*I - x)/tau"},
    ...     "output": "x",
    ...     "parameters": {"k": 2.0, "tau": 5.0},
    ... }
    >>> print(step_program(Block.from_config("filter", written, "example")))
    level 2: r0 = x
    level 0: r1 = dt
    level 0: r2 = k
    level 1: r3 = I
    level 1: r4 = mul(r2, r3)
    level 2: r5 = sub(r4, r0)
    level 0: r6 = tau
    level 2: r7 = div(r5, r6)
    level 2: r8 = mul(r1, r7)
    level 2: r9 = add(r0, r8)
    x = r9
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sensoryforge.equations.block import Block
from sensoryforge.equations.elementary import expand
from sensoryforge.equations.graph import (
    Node,
    constant,
    name,
    names_in,
    op,
    ordered,
    substitute,
    where,
)

SAMPLE_INPUTS = frozenset({"I", "dI"})
STEP_INPUTS = frozenset({"t"})
FAINT = 1e-30
"""A filter's float32 states and a drive that are smaller are set to 0.

A state decays, and a drive falls off with the distance, into subnormal numbers, with which
processors take three times as long.
"""
SETTLED_EVERY = 8
"""Samples from one look at :data:`FAINT` states to the next.

A power of two, from the first sample on, so that kernels find it in the lowest bits of the sample.
"""


@dataclass(frozen=True)
class Instruction:
    """One operation on registers.

    Parameters
    ----------
    op
        The operation, as in :class:`sensoryforge.equations.graph.Node`.
    out
        The register that it writes: its position in the program.
    args
        The registers that it reads.
    value
        The number of a ``const``, or the name of a ``name``.
    level
        How often it runs: 0 once a run, 1 once a sample, 2 at every step.
    """

    op: str
    out: int
    args: tuple[int, ...]
    value: float | str
    level: int

    @property
    def is_operation(self) -> bool:
        """Whether it computes something: it is neither a literal nor an input."""
        return self.op not in ("const", "name")

    def __str__(self) -> str:
        text = str(self.value)
        if self.is_operation:
            registers = ", ".join(f"r{register}" for register in self.args)
            text = f"{self.op}({registers})"
        return f"level {self.level}: r{self.out} = {text}"


@dataclass(frozen=True)
class Program:
    """Instructions in order, and the registers that hold the named outputs.

    Parameters
    ----------
    instructions
        Each writes one register from others.
    outputs
        Output name -> the register that holds it at the end.

    Examples
    --------
    >>> block = sf.load_block("filter/sa")
    >>> sorted(step_program(block).outputs)
    ['x', 'y']
    """

    instructions: tuple[Instruction, ...]
    outputs: dict[str, int]

    def at(self, level: int) -> tuple[Instruction, ...]:
        """Return the operations of one level, without constants and inputs.

        Parameters
        ----------
        level
            0, 1 or 2: once a run, once a sample, at every step.

        Examples
        --------
        >>> block = sf.load_block("filter/sa")
        >>> for operation in step_program(block).at(1):
        ...     print(operation)
        level 1: r4 = mul(r2, r3)
        level 1: r7 = mul(r5, r6)
        level 1: r8 = add(r4, r7)
        """
        return tuple(i for i in self.instructions if i.level == level and i.is_operation)

    def inputs(self) -> dict[str, int]:
        """Return input name -> register."""
        return {str(i.value): i.out for i in self.instructions if i.op == "name"}

    def constants(self) -> dict[int, float]:
        """Return register -> literal."""
        return {i.out: float(i.value) for i in self.instructions if i.op == "const"}

    def __str__(self) -> str:
        lines = [str(instruction) for instruction in self.instructions]
        for output, register in self.outputs.items():
            lines.append(f"{output} = r{register}")
        return "\n".join(lines)


# --- the programs of a block ---


def step_program(block: Block, *, exact: bool = True) -> Program:
    """Return the program of one integration step.

    Parameters
    ----------
    block
        A filter or a model.
    exact
        Whether exp, log, tanh, cos and sin become float32 operations with the same bits
        everywhere. Without it they stay, for float64.

    The module's head shows an example.
    """
    levels = dict.fromkeys(SAMPLE_INPUTS, 1)
    levels |= dict.fromkeys(STEP_INPUTS, 2)
    levels |= dict.fromkeys(block.states, 2)
    graph = _for_backend(step_graph(block), exact)
    return linearise(graph, levels)


def settled_program(block: Block) -> Program:
    """Return the program that sets those of a filter's states to 0 that are :data:`FAINT`."""
    graph: dict[str, Node] = {}
    for state in block.states:
        value = name(state)
        is_faint = op("abs", value) < FAINT
        graph[state] = where(is_faint, 0.0, value)
    return stepwise_program(graph)


def output_program(block: Block, *, exact: bool = True) -> Program:
    """Return the program of a filter's output.

    It is read once a sample, from the states after the sample's last step.
    """
    output = block.output or constant(0.0)
    graph = _for_backend({"output": output}, exact)
    changing = [*SAMPLE_INPUTS, *STEP_INPUTS, *block.states]
    return linearise(graph, dict.fromkeys(changing, 2))


def initial_program(block: Block, *, exact: bool = True) -> Program:
    """Return the program of the initial values.

    A state may read the parameters and the states before it.
    """
    graph: dict[str, Node] = {}
    for state, value in block.states.items():
        graph[state] = substitute(value, graph)
    return linearise(_for_backend(graph, exact), {})


def step_graph(block: Block) -> dict[str, Node]:
    """Return one step of a block as a graph: all states move, then threshold and reset.

    A state with a derivative takes a step of forward Euler, one with a ``next`` has that value.
    Right-hand sides read the values before the step; threshold and resets read those after it,
    all of them before any is reset.

    Returns
    -------
    dict of str to Node
        The states' new values by name, and ``spike`` for a model. Inputs are the states, the
        parameters, ``I``, ``dI``, ``t`` and ``dt``.
    """
    stepped: dict[str, Node] = {}
    for state in block.states:
        if state in block.next:
            stepped[state] = block.next[state]
        else:
            change = name("dt") * block.derivatives[state]
            stepped[state] = name(state) + change
    if block.threshold is None:
        return stepped
    spike = substitute(block.threshold, stepped)
    graph = dict(stepped)
    for state, reset in block.reset.items():
        value_after_spike = substitute(reset, stepped)
        graph[state] = where(spike, value_after_spike, stepped[state])
    graph["spike"] = spike
    return graph


def _for_backend(graph: Mapping[str, Node], exact: bool) -> Mapping[str, Node]:
    return expand(graph) if exact else graph


# --- graphs as programs ---


def linearise(roots: Mapping[str, Node], levels: Mapping[str, int]) -> Program:
    """Return a graph as a program, equal operations merged.

    Parameters
    ----------
    roots
        The graph's outputs by name.
    levels
        The level of each input by name, 0 where it is not listed.
    """
    instructions: list[Instruction] = []
    register_of_operation: dict[tuple[object, ...], int] = {}
    register_of_node: dict[int, int] = {}
    for node in ordered(roots.values()):
        args = tuple(register_of_node[id(arg)] for arg in node.args)
        # repr tells 0.0 from -0.0, and a nan is equal to itself.
        operation = (node.op, repr(node.value), args)
        if operation not in register_of_operation:
            level = max((instructions[arg].level for arg in args), default=0)
            if node.op == "name":
                level = levels.get(str(node.value), 0)
            out = len(instructions)
            instruction = Instruction(node.op, out, args, node.value, level)
            instructions.append(instruction)
            register_of_operation[operation] = out
        register_of_node[id(node)] = register_of_operation[operation]
    outputs = {output: register_of_node[id(root)] for output, root in roots.items()}
    return Program(tuple(instructions), outputs)


def stepwise_program(roots: Mapping[str, Node]) -> Program:
    """Return a graph as a program whose inputs all change at every step.

    Examples
    --------
    >>> print(stepwise_program({"y": name("x") * name("x")}))
    level 2: r0 = x
    level 2: r1 = mul(r0, r0)
    y = r1
    """
    inputs: set[str] = set()
    for root in roots.values():
        inputs |= names_in(root)
    return linearise(roots, dict.fromkeys(inputs, 2))
