"""Programs: equation graphs as straight lines of operations, ordered by how often they must run.

A program is what backends see. Equal operations are merged, and each instruction has a level: 0 when it depends on
parameters alone (once a run), 1 on the drive too (once a sample), 2 on states or time (every step). Moving an operation
to an outer loop changes no bit, since every operation rounds for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sensoryforge.equations import Block
from sensoryforge.expressions import Node, constant, name, op, ordered, substitute
from sensoryforge.functions import expand

SAMPLE_INPUTS = frozenset({"I", "dI"})
STEP_INPUTS = frozenset({"t"})
FAINT = 1e-30
"""Float32 filter states below it are 0: they would decay into subnormal numbers, which take three times as long."""
SETTLED_EVERY = 8
"""Samples from one look at :data:`FAINT` states to the next: a power of two, from the first sample on."""


@dataclass(frozen=True)
class Instruction:
    """One operation, ``out = op(*args)`` on numbered registers; ``value`` belongs to const and name."""

    op: str
    out: int
    args: tuple[int, ...]
    value: float | str
    level: int


@dataclass(frozen=True)
class Program:
    """Instructions in order, and the registers that hold the named outputs."""

    instructions: tuple[Instruction, ...]
    outputs: dict[str, int]

    def at(self, level: int) -> tuple[Instruction, ...]:
        """Return the operations of one level, without constants and inputs."""
        return tuple(i for i in self.instructions if i.level == level and i.op not in ("const", "name"))

    def inputs(self) -> dict[str, int]:
        """Return input name -> register."""
        return {str(i.value): i.out for i in self.instructions if i.op == "name"}

    def constants(self) -> dict[int, float]:
        """Return register -> literal."""
        return {i.out: float(i.value) for i in self.instructions if i.op == "const"}


def linear(roots: Mapping[str, Node], levels: Mapping[str, int]) -> Program:
    """Number the nodes of a graph; ``levels`` gives the level of each input name, 0 where it is not listed."""
    numbers: dict[int, int] = {}
    known: dict[tuple[object, ...], int] = {}
    made: list[Instruction] = []
    for node in ordered(roots.values()):
        args = tuple(numbers[id(a)] for a in node.args)
        key = (node.op, repr(node.value), args)
        if key not in known:
            known[key] = len(made)
            own = levels.get(str(node.value), 0) if node.op == "name" else 0
            level = max((made[a].level for a in args), default=own)
            made.append(Instruction(node.op, len(made), args, node.value, level))
        numbers[id(node)] = known[key]
    return Program(tuple(made), {key: numbers[id(root)] for key, root in roots.items()})


def step_graph(block: Block) -> dict[str, Node]:
    """Return one step of a block as a graph: forward Euler on all states, then threshold and reset.

    Inputs are the states, the parameters, ``I``, ``dI``, ``t`` and ``dt``; outputs the states' new values (by name),
    and ``spike`` for a model. Right-hand sides and resets read the old values.
    """
    moved = {s: op("add", name(s), op("mul", name("dt"), rhs)) for s, rhs in block.derivatives.items()}
    if block.threshold is None:
        return moved
    after = substitute({"spike": block.threshold, **{f"reset {s}": e for s, e in block.reset.items()}}, moved)
    spike = after["spike"]
    states = {s: op("where", spike, after[f"reset {s}"], v) if s in block.reset else v for s, v in moved.items()}
    return {**states, "spike": spike}


def step_program(block: Block, *, exact: bool = True) -> Program:
    """Return the program of one integration step; ``exact`` expands exp, log and tanh into float32 operations."""
    graph = step_graph(block)
    levels = dict.fromkeys(SAMPLE_INPUTS, 1) | dict.fromkeys([*STEP_INPUTS, *block.states], 2)
    return linear(expand(graph) if exact else graph, levels)


def settled_program(block: Block) -> Program:
    """Return the program of the look at a filter's states: one that has decayed below :data:`FAINT` becomes 0."""
    return plain({s: op("where", op("lt", op("abs", name(s)), FAINT), 0.0, name(s)) for s in block.states})


def output_program(block: Block, *, exact: bool = True) -> Program:
    """Return the program of a filter's output, read once a sample from the states after its last step."""
    graph = {"output": block.output or constant(0.0)}
    levels = dict.fromkeys([*SAMPLE_INPUTS, *STEP_INPUTS, *block.states], 2)
    return linear(expand(graph) if exact else graph, levels)


def initial_program(block: Block, *, exact: bool = True) -> Program:
    """Return the program of the initial values: a state may read the parameters and the states before it."""
    graph: dict[str, Node] = {}
    for state, value in block.states.items():
        graph |= substitute({state: value}, graph)
    return linear(expand(graph) if exact else graph, {})


def plain(roots: Mapping[str, Node]) -> Program:
    """Return the program of a graph whose inputs all change at every step."""
    return linear(roots, {str(n.value): 2 for n in ordered(roots.values()) if n.op == "name"})
