"""Reading a block of equations: what is written in YAML, section by section, every mistake a line.

The reader goes on after a mistake, so that all of them are told at once. What it could not read is
left out, or replaced by a number that does no harm; nothing of it is used, since
:meth:`BlockReader.raise_problems` then raises.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

from sensoryforge.core.errors import EquationError
from sensoryforge.core.messages import format_value, list_names, suggest
from sensoryforge.equations.expressions import FUNCTIONS, parse
from sensoryforge.equations.graph import Node, constant
from sensoryforge.equations.parameters import Parameter, is_float32, read_parameter

Kind: TypeAlias = Literal["filter", "model"]

RESERVED = ("I", "dI", "t", "dt")
"""The drive, its derivative per ms, the time and the integration step, both in ms."""

INPUTS: dict[str, tuple[str, ...]] = {
    "filter": RESERVED,
    "model": ("I", "t", "dt"),
}
"""What the equations of a block may read besides its parameters and states."""

_OPTIONAL = ("let", "next", "step_ms")

SECTIONS: dict[str, tuple[str, ...]] = {
    "filter": ("states", "derivatives", "output", "parameters", *_OPTIONAL),
    "model": (
        "states",
        "derivatives",
        "threshold",
        "reset",
        "parameters",
        "drive_scale",
        *_OPTIONAL,
    ),
}
"""The keys of a block."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_TAKEN = (*RESERVED, *FUNCTIONS, "spike", "spikes", "output", "drive", "filtered")
_EXAMPLES = {"threshold": "threshold: v >= 30", "output": "output: y"}


class BlockReader:
    """Reads one block and collects every problem in it.

    The sections must be read in the order of a block's fields, since problems are told in it.
    """

    def __init__(self, kind: Kind, mapping: Mapping[str, Any], source: str) -> None:
        _require_mapping(kind, mapping, source)
        self.kind = kind
        self.source = source
        self.mapping = mapping
        self.problems: list[str] = []
        self._check_keys()
        self.parameters = self._read_parameters()
        self._initial_values = self._section("states")
        self._state_names = list(self._initial_values)
        self._check_names()
        self._known = [*self.parameters, *self._state_names, *INPUTS[kind]]
        self.let = self._read_let()

    def raise_problems(self) -> None:
        """Raise EquationError where anything was wrong."""
        if self.problems:
            raise EquationError(self.problems)

    # --- the sections ---

    def states(self) -> dict[str, Node]:
        """Return the initial values; one may read the parameters and the states before it."""
        states: dict[str, Node] = {}
        known = list(self.parameters)
        for state, text in self._initial_values.items():
            states |= self._expressions("states", {state: text}, known)
            known.append(state)
        return states

    def derivatives(self) -> dict[str, Node]:
        """Return the right-hand side of every state that has a derivative."""
        texts = self._section("derivatives")
        self._check_known("derivatives", texts)
        recurrences = self._section("next")
        of_states: dict[str, Any] = {}
        for state in self._state_names:
            if state in texts and state in recurrences:
                self._report(f"state {state!r} has a derivative and a next; allowed: one of them")
            elif state in texts:
                of_states[state] = texts[state]
            elif state not in recurrences:
                self._report(f"state {state!r} has no derivative; write 0 to keep it constant")
        return self._expressions("derivatives", of_states, self._known)

    def next(self) -> dict[str, Node]:
        """Return the value after a step of every state that has no derivative."""
        texts = self._section("next")
        self._check_known("next", texts)
        of_states = {state: texts[state] for state in self._state_names if state in texts}
        return self._expressions("next", of_states, self._known)

    def step_ms(self) -> float | None:
        """Return the step in ms that the equations are for; None where any will do."""
        value = self.mapping.get("step_ms")
        if value is None:
            return None
        if is_float32(value) and value > 0:
            return float(value)
        self._report(f"step_ms: got {format_value(value)}; allowed: a number > 0, in ms")
        return None

    def threshold(self) -> Node | None:
        """Return a model's condition for a spike; None for a filter."""
        if self.kind == "filter":
            return None
        return self._required("threshold", boolean=True)

    def reset(self) -> dict[str, Node]:
        """Return what a model's spike sets states to; empty for a filter."""
        if self.kind == "filter":
            return {}
        texts = self._section("reset")
        self._check_known("reset", texts)
        if not texts:
            self._report("a model needs a reset, such as reset: {v: -65.0}")
        of_states = {name: text for name, text in texts.items() if name in self._state_names}
        return self._expressions("reset", of_states, self._known)

    def output(self) -> Node | None:
        """Return a filter's output; None for a model."""
        if self.kind == "model":
            return None
        return self._required("output", boolean=False)

    def drive_scale(self) -> float:
        """Return what the drive is multiplied with."""
        value = self.mapping.get("drive_scale", 1.0)
        if is_float32(value):
            return float(value)
        self._report(f"drive_scale: got {format_value(value)}; allowed: a number")
        return 1.0

    def _read_parameters(self) -> dict[str, Parameter]:
        parameters: dict[str, Parameter] = {}
        for name, value in self._section("parameters").items():
            parameters[name] = 0.0  # so that equations may read it, whatever is wrong with it
            where = f"{self.source}: parameters.{name}"
            try:
                parameters[name] = read_parameter(value, where)
            except EquationError as error:
                self.problems += error.problems
        return parameters

    def _read_let(self) -> dict[str, Node]:
        """Return the named expressions; one may read those above it.

        They stand in the place of their names wherever these are read: no backend sees a name.
        """
        texts = self._section("let")
        taken = [*self.parameters, *self._state_names]
        expressions: dict[str, Node] = {}
        for name, text in texts.items():
            if name in taken:
                owner = "parameter" if name in self.parameters else "state"
                self._report(f"let.{name}: {name!r} is a {owner} already; give one another name")
                continue
            if not _is_free(name):
                self._report_taken(name)
                continue
            where = f"{self.source}: let.{name}"
            expressions[name] = constant(1.0)  # so that equations may read it, whatever is wrong
            try:
                above = {other: node for other, node in expressions.items() if other != name}
                expressions[name] = parse(text, self._known, where, boolean=None, named=above)
            except EquationError as error:
                self.problems += _in_order(error.problems, where, name, texts)
        return expressions

    # --- checks ---

    def _check_keys(self) -> None:
        sections = SECTIONS[self.kind]
        for key in self.mapping:
            if key not in sections:
                problem = unknown_name(self.source, str(key), sections)
                self.problems.append(problem)

    def _check_names(self) -> None:
        for name in [*self._state_names, *self.parameters]:
            if not _is_free(name):
                self._report_taken(name)
        twice = set(self._state_names) & set(self.parameters)
        for name in sorted(twice):
            self._report(f"{name!r} is both a state and a parameter")
        if self.kind == "model" and not self._state_names:
            self._report("a model needs at least one state, such as states: {v: -65.0}")

    def _check_known(self, key: str, texts: Mapping[str, Any]) -> None:
        """Report equations of states that do not exist."""
        where = f"{self.source}: {key}"
        for name in texts:
            if name not in self._state_names:
                problem = unknown_name(where, name, self._state_names)
                self.problems.append(problem)

    def _report_taken(self, name: str) -> None:
        reserved = f"reserved: {list_names(_TAKEN)} and Python's keywords"
        self._report(f"{format_value(name)} cannot be a name; {reserved}")

    # --- reading ---

    def _section(self, key: str) -> dict[str, Any]:
        """Return a section as names and what is written for each."""
        section = self.mapping.get(key)
        if section is None:
            return {}
        if not isinstance(section, Mapping):
            got = format_value(section)
            self._report(f"{key}: got {got}; allowed: a mapping of names to expressions")
            return {}
        written: dict[str, Any] = {}
        empty: list[str] = []
        for name, value in section.items():
            # Null takes a parameter away, so that a file can replace the equation that reads it.
            is_taken_away = key == "parameters" and _NAME.fullmatch(str(name))
            if value is not None:
                written[str(name)] = value
            elif not is_taken_away:
                empty.append(name)
        if empty:
            names = list_names(empty)
            hint = "an expression with a comma needs its own line"
            self._report(f"{key}: {names} without a value; {hint}")
        return written

    def _expressions(
        self, key: str, texts: Mapping[str, Any], known: Iterable[str]
    ) -> dict[str, Node]:
        """Return the expressions of a section that can be read."""
        nodes: dict[str, Node] = {}
        for name, text in texts.items():
            where = f"{self.source}: {key}.{name}"
            try:
                nodes[name] = parse(text, known, where, named=self._named(key))
            except EquationError as error:
                self.problems += error.problems
        return nodes

    def _required(self, key: str, *, boolean: bool) -> Node | None:
        """Return the single expression of a section, or None where it cannot be read."""
        text = self.mapping.get(key)
        if text is None:
            example = _EXAMPLES[key]
            self._report(f"a {self.kind} needs {key}, such as {example}")
            return None
        where = f"{self.source}: {key}"
        try:
            return parse(text, self._known, where, boolean=boolean, named=self.let)
        except EquationError as error:
            self.problems += error.problems
            return None

    def _named(self, key: str) -> Mapping[str, Node]:
        """Return what ``let`` names for a section; initial values are there before it."""
        return {} if key == "states" else self.let

    def _report(self, problem: str) -> None:
        self.problems.append(f"{self.source}: {problem}")


def unknown_name(where: str, name: str, known: Iterable[str]) -> str:
    """Return the message for a name that is not among the known ones."""
    known = list(known)
    near = suggest(name, known)
    unknown = format_value(name)
    return f"{where}: unknown name {unknown}; known: {list_names(known)}{near}"


def _in_order(
    problems: Iterable[str], where: str, name: str, texts: Mapping[str, Any]
) -> list[str]:
    """Return problems of an expression of ``let``, in other words where the order is at fault."""
    lines = []
    for problem in problems:
        line = problem
        for other in texts:
            is_unknown = f"has the unknown name {format_value(other)};" in problem
            if is_unknown and other == name:
                line = f"{where}: reads itself; a value that goes from step to step is a state"
            elif is_unknown:
                line = f"{where}: reads {format_value(other)}, which is not above it"
        lines.append(line)
    return lines


def _require_mapping(kind: Kind, value: object, source: str) -> None:
    if not isinstance(value, Mapping):
        got = format_value(value)
        sections = list_names(SECTIONS[kind])
        raise EquationError(f"{source}: got {got}; allowed: a {kind} with {sections}")


def _is_free(name: str) -> bool:
    """Return whether a state or a parameter may have this name."""
    if name in _TAKEN or keyword.iskeyword(name):
        return False
    return bool(_NAME.fullmatch(name))
