"""Programs as lines of Python source: the vocabulary that generated kernels are written in, whatever compiles them.

An operation is an infix sign or a call; each compiler brings the functions of these names (numba_ops, triton_ops).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sensoryforge.equations import Block
from sensoryforge.program import Instruction, Program, initial_program, output_program, settled_program, step_program

_FORMS = {
    "add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "divide({}, {})", "neg": "-{}", "abs": "absolute({})",
    "lt": "{} < {}", "le": "{} <= {}", "gt": "{} > {}", "ge": "{} >= {}", "eq": "{} == {}", "ne": "{} != {}",
    "and": "{} & {}", "or": "{} | {}", "not": "inverse({})", "where": "select({}, {}, {})",
    "sqrt": "root({})", "rint": "rint({})", "exp2i": "exp2i({})", "exponent": "exponent({})",
    "mantissas": "mantissas({})",
}  # fmt: skip
RUN_VALUES = ("rate", "gain", "scale")
"""Values of the run itself: dt or its inverse, the gain, the noise's standard deviation."""
BOOLEAN = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"})


@dataclass(frozen=True)
class Line:
    """One assignment, and the names that it reads."""

    target: str
    text: str
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Value:
    """A number that does not change in a run: its name, its register in ``part``'s program, and how it comes."""

    name: str
    part: str
    register: int
    boolean: bool = False


@dataclass
class Part:
    """A program as lines of source; ``name`` is filter, settled, output or model, ``owner`` the block of its names."""

    name: str
    owner: str
    program: Program
    states: tuple[str, ...]

    def __post_init__(self) -> None:
        self.by_register = {i.out: i for i in self.program.instructions}
        self.mantissas = _mantissas(self.program)
        self.used: dict[str, Value] = {}
        self.literals: dict[str, float] = {}

    def operand(self, register: int, t: str) -> str:
        """Return the name of a register's value in the source."""
        made = self.by_register[register]
        if made.op == "const":
            return self.literal(float(made.value))
        known = {"I": "current" if self.owner == "model" else "drive", "dI": "slope", "t": t}
        if made.op == "name" and made.value in known:
            return known[str(made.value)]
        name = f"{self.owner}_{made.value}" if made.op == "name" else f"{self.name}{register}"
        if made.level == 0:
            self.used[name] = Value(name, self.name, register, made.op in BOOLEAN)
        return name

    def literal(self, value: float) -> str:
        """Return the name of a literal's float32 constant."""
        name = "C_" + repr(value).replace("-", "m").replace("+", "").replace(".", "_")
        self.literals[name] = value
        return name

    def lines(self, level: int, t: str) -> list[Line]:
        """Return the operations of a level."""
        return [self.line(i, t) for i in self.program.at(level)]

    def line(self, made: Instruction, t: str) -> Line:
        """Return one operation."""
        source = self.mantissas.get(made.out)
        op, args = (made.op, made.args) if source is None else ("mantissas", (source,))
        names = tuple(self.operand(a, t) for a in args)
        return Line(f"{self.name}{made.out}", _FORMS[op].format(*names), names)

    def step(self, t: str, spiked: bool) -> list[Line]:
        """Return one integration step's level 2; ``spiked``: whether an earlier step of the sample may have spiked."""
        lines = self.lines(2, t)
        new = {n: self.operand(r, t) for n, r in self.program.outputs.items()}
        if "spike" in new:
            spike = new.pop("spike")
            either = Line("fired", f"fired | {spike}", ("fired", spike))
            lines.append(either if spiked else Line("fired", spike, (spike,)))
        return lines + [Line(f"{self.owner}_{n}", v, (v,)) for n, v in new.items()]

    @property
    def cost(self) -> int:
        """How many operations a step takes."""
        return len(self.program.at(2))

    def reads(self, name: str) -> bool:
        """Whether the program has this input."""
        return name in self.program.inputs()


def _mantissas(program: Program) -> dict[int, int]:
    """Return register -> x for every ``x * exp2i(1 - exponent(x))``, twice the mantissa of a positive normal x.

    Only log and the normal transform write this, and both set aside its value for any other x.
    """
    made = {i.out: i for i in program.instructions}
    found = {}
    for i in program.instructions:
        scale = made[i.args[1]] if i.op == "mul" else i
        shift = made[scale.args[0]] if scale.op == "exp2i" else i
        one, exponent = (made[a] for a in shift.args) if shift.op == "sub" else (i, i)
        if one.value == 1.0 and exponent.op == "exponent" and exponent.args[0] == i.args[0]:
            found[i.out] = i.args[0]
    return found


@dataclass(frozen=True, eq=False)
class Plan:
    """What a kernel is written for; equal to another one of the same block objects and numbers.

    ``terms``: products that the drive is the sum of, 0 where it is read from frames. ``halving``: whether dt is a power
    of two, so that 1/dt is exact.
    """

    filter: Block | None
    model: Block | None
    terms: int
    substeps: int
    noisy: bool = False
    record: tuple[str, ...] = ()
    halving: bool = False

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.key == other.key

    @property
    def key(self) -> tuple[object, ...]:
        """Return what tells plans apart."""
        blocks = id(self.filter), id(self.model)
        return (*blocks, self.terms, self.substeps, self.noisy, self.record, self.halving)

    @cached_property
    def initials(self) -> dict[str, Program]:
        """Return the programs of the initial states, by the states' owner."""
        owners = {"filter": self.filter, "model": self.model}
        return {n: initial_program(block) for n, block in owners.items() if block is not None}

    @cached_property
    def parts(self) -> dict[str, Part]:
        """Return the programs by name."""
        made: dict[str, Part] = {}
        if self.filter is not None:
            states = tuple(self.filter.states)
            made["filter"] = Part("filter", "filter", step_program(self.filter), states)
            made["settled"] = Part("settled", "filter", settled_program(self.filter), states)
            made["output"] = Part("output", "filter", output_program(self.filter), states)
        if self.model is not None:
            made["model"] = Part("model", "model", step_program(self.model), tuple(self.model.states))
        return made

    @property
    def states(self) -> tuple[str, ...]:
        """Return the names of all states' rows, the filter's first."""
        return tuple(f"{n}_{s}" for n, p in self.parts.items() if n == p.owner for s in p.states)

    def trace(self, name: str) -> str:
        """Return the name of a recorded trace's values."""
        if name in ("drive", "filtered", "output"):
            return "drive" if name == "drive" else "filtered"
        return f"{'model' if self.model is not None else 'filter'}_{name}"


@dataclass(frozen=True)
class Source:
    """A kernel's text, and the values it wants: shared by the neurons, and one for each."""

    text: str
    shared: tuple[Value, ...]
    each: tuple[Value, ...]


class Body:
    """What every kernel does in a sample, as lines: the drive, the filter's output, the model's current."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.parts = plan, plan.parts

    @property
    def wants_slope(self) -> bool:
        """Whether an equation reads ``dI``."""
        return any(p.reads("dI") for p in self.parts.values())

    def run_values(self) -> list[Value]:
        """Return the values of the run that the lines read."""
        wanted = {"rate": self.wants_slope, "gain": self.plan.model is not None, "scale": self.plan.noisy}
        return [Value(n, "run", k) for k, n in enumerate(RUN_VALUES) if wanted[n]]

    def values(self) -> dict[str, Value]:
        """Return every value that does not change in a run, by name; complete once all lines are made."""
        return {n: v for p in self.parts.values() for n, v in p.used.items()} | {v.name: v for v in self.run_values()}

    def divided(self, each: frozenset[tuple[str, int]]) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
        """Return the values that differ between neurons, which ``each`` names, and those that all share."""
        values = self.values().values()
        differ = tuple(v for v in values if (v.part, v.register) in each)
        return differ, tuple(v for v in values if v not in differ)

    def drive(self) -> list[Line]:
        """Return the drive of a sample, and its slope where an equation reads it."""
        lines = [Line("drive", "frame", ("frame",))]
        if self.plan.terms:
            lines = [Line("drive", "space0 * now0", ("space0",))]
        for k in range(1, self.plan.terms):
            lines.append(Line("drive", f"drive + space{k} * now{k}", ("drive", f"space{k}")))
        if self.wants_slope:
            change = "(drive - before) * rate" if self.plan.halving else "divide(drive - before, rate)"
            lines.append(Line("slope", change, ("drive", "before", "rate")))
            lines.append(Line("before", "drive", ("drive",)))
        return lines

    def settled(self) -> list[Line]:
        """Return what is done before some samples, if there is a filter: its faint states become 0."""
        return self.parts["settled"].step("", spiked=False) if "settled" in self.parts else []

    def filtered(self, noise: str) -> list[Line]:
        """Return the filter's output and the model's current; ``noise`` is where the sample's noise stands."""
        lines, result, part = [], "drive", self.parts.get("output")
        if part is not None:
            lines = part.lines(2, f"t{self.plan.substeps - 1}")
            result = part.operand(part.program.outputs["output"], f"t{self.plan.substeps - 1}")
        lines.append(Line("filtered", result, (result,)))
        if self.plan.model is not None:
            lines.append(Line("current", "filtered * gain", ("filtered", "gain")))
        if self.plan.noisy:
            lines.append(Line("current", f"current + {noise}", ("current",)))
        return lines
