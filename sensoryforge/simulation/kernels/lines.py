"""Programs as lines of Python source: the vocabulary that generated kernels are written in.

An operation becomes one assignment, ``model14 = divide(model12, model_tau_m)``. Its text is an
infix sign or a call, and each compiler brings the functions that are called (:mod:`.numba_ops`,
:mod:`.triton_ops`), so that the same lines serve both. Names of a kernel's variables are

- ``model14``: the result of the operation in register 14 of the program ``model``,
- ``model_v``, ``filter_tau_r``: a state or a parameter of that block,
- ``drive``, ``slope``, ``current``: the inputs ``I`` and ``dI`` of a filter, ``I`` of a model,
- ``C_0_5``, ``C_m2_000002``: the literals 0.5 and -2.000002.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from textwrap import indent

from sensoryforge.equations.program import Instruction, Program

TAB = "    "
_FORMS = {
    "add": "{} + {}",
    "sub": "{} - {}",
    "mul": "{} * {}",
    "div": "divide({}, {})",
    "neg": "-{}",
    "abs": "absolute({})",
    "sqrt": "root({})",
    "rint": "rint({})",
    "lt": "{} < {}",
    "le": "{} <= {}",
    "gt": "{} > {}",
    "ge": "{} >= {}",
    "eq": "{} == {}",
    "ne": "{} != {}",
    "and": "{} & {}",
    "or": "{} | {}",
    "not": "inverse({})",
    "where": "select({}, {}, {})",
    "exp2i": "exp2i({})",
    "exponent": "exponent({})",
    "mantissas": "mantissas({})",
}
_CONDITIONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"})


@dataclass(frozen=True)
class Line:
    """One assignment, and the names of the variables that it reads."""

    target: str
    text: str
    reads: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.target} = {self.text}"


@dataclass(frozen=True)
class Constant:
    """A number that stays the same through a run: computed before it, and given to the kernel.

    ``program`` and ``register`` say which operation makes it, ``boolean`` if it is a condition.
    """

    name: str
    program: str
    register: int
    boolean: bool = False


class ProgramLines:
    """A program as lines of source.

    Writing a line notes which constants and literals it reads; ``constants`` and ``literals`` are
    therefore complete when all lines have been written.

    Parameters
    ----------
    name
        What the program does: ``filter`` and ``model`` (one integration step), ``settled`` (faint
        filter states become 0), ``output`` (of the filter), ``normal`` (two normal numbers).
    owner
        The block that states and parameters belong to: ``filter``, ``model`` or ``normal``.
    program
        Its operations.
    """

    def __init__(self, name: str, owner: str, program: Program) -> None:
        self.name, self.owner, self.program = name, owner, program
        self.mantissas = find_mantissas(program)
        self.constants: dict[str, Constant] = {}
        self.literals: dict[str, float] = {}

    def lines(self, level: int, time: str) -> list[Line]:
        """Return the operations of a level; ``time`` is the variable that holds ``t``."""
        return [self._line(instruction, time) for instruction in self.program.at(level)]

    def step(self, time: str, may_have_fired: bool) -> list[Line]:
        """Return one integration step: level 2, then the states' new values.

        With ``may_have_fired``, a spike of an earlier step of the sample is kept.
        """
        lines = self.lines(2, time)
        outputs = self.program.outputs
        results = {name: self.operand(register, time) for name, register in outputs.items()}
        spike = results.pop("spike", None)
        if spike is not None and may_have_fired:
            lines.append(Line("fired", f"fired | {spike}", ("fired", spike)))
        elif spike is not None:
            lines.append(Line("fired", spike, (spike,)))
        # Only now, when every right-hand side has been computed from the old values.
        lines += self._moves({f"{self.owner}_{state}": end for state, end in results.items()})
        return lines

    def _moves(self, results: Mapping[str, str]) -> list[Line]:
        """Return the states' new values as assignments; all of them read the old values.

        A state may take over the value of another as it is (``next: {a: b, b: a}``), which must
        not have been overwritten by then: such values are kept first.
        """
        kept: dict[str, str] = {}
        for state, result in results.items():
            if result in results and result != state:
                kept[result] = f"old_{result}"
        lines = [Line(copy, state, (state,)) for state, copy in kept.items()]
        for state, result in results.items():
            value = result if result == state else kept.get(result, result)
            lines.append(Line(state, value, (value,)))
        return lines

    def operand(self, register: int, time: str) -> str:
        """Return the name of the variable that holds a register's value."""
        instruction = self.program.instructions[register]
        if instruction.op == "const":
            return self._literal(float(instruction.value))
        name = self._variable(instruction, time)
        if instruction.level == 0:
            is_condition = instruction.op in _CONDITIONS
            self.constants[name] = Constant(name, self.name, register, is_condition)
        return name

    def reads(self, name: str) -> bool:
        """Whether the program has this input."""
        return name in self.program.inputs()

    def _line(self, instruction: Instruction, time: str) -> Line:
        operation, arguments = instruction.op, instruction.args
        if instruction.out in self.mantissas:
            operation, arguments = "mantissas", (self.mantissas[instruction.out],)
        target = f"{self.name}{instruction.out}"
        names = tuple(self.operand(register, time) for register in arguments)
        return Line(target, _FORMS[operation].format(*names), names)

    def _variable(self, instruction: Instruction, time: str) -> str:
        if instruction.op != "name":
            return f"{self.name}{instruction.out}"
        name = str(instruction.value)
        if name == "I":
            return "current" if self.owner == "model" else "drive"
        inputs = {"dI": "slope", "t": time}
        return inputs.get(name, f"{self.owner}_{name}")

    def _literal(self, value: float) -> str:
        digits = repr(value).replace("-", "m").replace("+", "").replace(".", "_")
        name = f"C_{digits}"
        self.literals[name] = value
        return name


def nested(head: str, lines: Iterable[str]) -> str:
    """Return lines as the body of a loop, a condition or a function that begins with ``head``."""
    return "\n".join([head, indent("\n".join(lines), TAB)])


def find_mantissas(program: Program) -> dict[int, int]:
    """Return the products that are twice the mantissa of a number: product's register -> number's.

    The logarithm and the normal transform (``equations/elementary.py``) take a number x apart into
    mantissa and exponent, and write twice the mantissa as ``x * exp2i(1 - exponent(x))``, from
    operations that torch has too. But the bits of that product are those of x with another
    exponent: a kernel replaces the product by ``mantissas(x)``, two operations on whole numbers in
    place of arithmetic on the critical path, and the bits stay the same.

    They stay the same for positive normal x only. The two writers of that form set the product
    aside for any other x, and users cannot write it: ``exp2i`` and ``exponent`` are not in the
    grammar.
    """
    mantissas = {}
    for product in program.instructions:
        if product.op != "mul":
            continue
        number, factor = product.args
        if _brings_to_exponent_one(program, factor, number):
            mantissas[product.out] = number
    return mantissas


def _brings_to_exponent_one(program: Program, factor: int, number: int) -> bool:
    """Whether the register ``factor`` is ``exp2i(1 - exponent(number))``."""
    power = program.instructions[factor]
    if power.op != "exp2i":
        return False
    difference = program.instructions[power.args[0]]
    if difference.op != "sub":
        return False
    minuend, subtrahend = (program.instructions[register] for register in difference.args)
    is_exponent = subtrahend.op == "exponent" and subtrahend.args == (number,)
    return is_exponent and minuend.value == 1.0
