"""Equation blocks: a filter or a neuron model as it is written in YAML, parsed and checked.

A block has ``states`` (initial values), ``derivatives`` (per ms) and ``parameters``; a model also ``threshold`` and
``reset``, a filter ``output``. Reserved names are the drive ``I``, its derivative per ms ``dI`` (filters only), the
time ``t`` and the integration step ``dt``, both in ms.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np

from sensoryforge import numerics
from sensoryforge.errors import EquationError, listing, quote, suggest
from sensoryforge.expressions import FUNCTIONS, MAX_NUMBER, Node, names_in, parse
from sensoryforge.types import Floats

Kind: TypeAlias = Literal["filter", "model"]

RESERVED = ("I", "dI", "t", "dt")
_KEYS: dict[str, tuple[str, ...]] = {
    "filter": ("states", "derivatives", "output", "parameters"),
    "model": ("states", "derivatives", "threshold", "reset", "parameters", "drive_scale"),
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_TAKEN = (*RESERVED, *FUNCTIONS, "spike", "spikes", "output", "drive", "filtered")


@dataclass(frozen=True)
class Distribution:
    """A parameter that differs from neuron to neuron: ``normal`` (mean, std) or ``uniform`` (low, high)."""

    kind: Literal["normal", "uniform"]
    first: float
    second: float

    def draw(self, size: int, seed: int, *names: str) -> Floats:
        """Return ``[size]`` values, the same on every machine for the same seed and names."""
        if self.kind == "normal":
            return self.first + self.second * numerics.normals(seed, *names, size=size)
        return self.first + (self.second - self.first) * numerics.uniforms(seed, *names, size=size)


Parameter: TypeAlias = float | Distribution


@dataclass(frozen=True)
class Block:
    """A checked block of equations; expressions are graphs over states, parameters and reserved names."""

    kind: Kind
    source: str
    states: dict[str, Node]
    derivatives: dict[str, Node]
    parameters: dict[str, Parameter]
    threshold: Node | None = None
    reset: dict[str, Node] = field(default_factory=dict)
    output: Node | None = None
    drive_scale: float = 1.0
    text: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_config(cls, kind: Kind, mapping: Mapping[str, Any], source: str) -> Block:
        """Check a block as composed from YAML; ``source`` names its file or key in messages.

        Raises EquationError with every problem, one line each.
        """
        return _Reader(kind, mapping, source).block()

    def with_parameters(self, /, **values: Any) -> Block:
        """Return the block with some parameters replaced, by numbers or distributions."""
        where = f"{self.source}: parameters"
        problems = [_unknown(where, n, self.parameters) for n in values if n not in self.parameters]
        read: dict[str, Parameter] = {}
        for n, value in values.items():
            try:
                read[n] = parameter(value, f"{where}.{n}")
            except EquationError as error:
                problems += error.problems
        if problems:
            raise EquationError(problems)
        return replace(self, parameters={**self.parameters, **read})

    def unread(self) -> list[str]:
        """Return a line for each parameter that no equation reads: it was mistyped, or is left over."""
        ends = [node for node in (self.threshold, self.output) if node is not None]
        nodes = [*self.states.values(), *self.derivatives.values(), *self.reset.values(), *ends]
        names = set().union(*map(names_in, nodes))
        known = [n for n in self.parameters if n in names]
        return [
            f"{self.source}: parameters.{n}: no equation reads it (null takes it away); "
            f"known: {listing(known)}{suggest(n, known)}"
            for n in self.parameters
            if n not in names
        ]

    def draw(self, count: int, seed: int, *names: str) -> dict[str, float | Floats]:
        """Return the parameters for ``count`` neurons: a number where all share it, else ``[count]``."""
        return {
            n: p.draw(count, seed, *names, n) if isinstance(p, Distribution) else p for n, p in self.parameters.items()
        }


def parameter(value: Any, where: str) -> Parameter:
    """Read a parameter: a finite number, ``{mean, std}`` or ``{low, high}``. Raises EquationError."""
    if _is_number(value):
        return float(value)
    if isinstance(value, Mapping) and all(_is_number(v) for v in value.values()):
        keys = set(value)
        if keys == {"mean", "std"} and value["std"] >= 0:
            return Distribution("normal", float(value["mean"]), float(value["std"]))
        if keys == {"low", "high"} and value["low"] <= value["high"]:
            return Distribution("uniform", float(value["low"]), float(value["high"]))
    raise EquationError(
        f"{where}: got {quote(value)}; allowed: a number, {{mean: .., std: .. >= 0}} or {{low: .., high: .. >= low}}"
    )


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return number and bool(abs(value) <= MAX_NUMBER)


def _unknown(where: str, got: str, known: Iterable[str]) -> str:
    known = list(known)
    return f"{where}: unknown name {quote(got)}; known: {listing(known)}{suggest(got, known)}"


class _Reader:
    """Reads one block and collects every problem in it."""

    def __init__(self, kind: Kind, mapping: Mapping[str, Any], source: str) -> None:
        self.kind, self.mapping, self.source = kind, mapping, source
        self.problems: list[str] = []

    def block(self) -> Block:
        keys = _KEYS[self.kind]
        if not isinstance(self.mapping, Mapping):
            raise EquationError(
                f"{self.source}: got {quote(self.mapping)}; allowed: a {self.kind} with {listing(keys)}"
            )
        self.problems += [_unknown(self.source, str(k), keys) for k in self.mapping if k not in keys]
        parameters = self.parameters()
        states, reads = self.section("states"), [*parameters]
        self.check_names([*states], [*parameters])
        initial: dict[str, Node] = {}
        for state, text in states.items():
            initial |= self.expressions("states", {state: text}, reads)
            reads.append(state)
        known = [*reads, "I", *(["dI"] if self.kind == "filter" else []), "t", "dt"]
        block = Block(
            kind=self.kind,
            source=self.source,
            states=initial,
            derivatives=self.derivatives(states, known),
            parameters=parameters,
            threshold=self.condition("threshold", known) if self.kind == "model" else None,
            reset=self.resets(states, known) if self.kind == "model" else {},
            output=self.condition("output", known) if self.kind == "filter" else None,
            drive_scale=self.drive_scale(),
            text=dict(self.mapping),
        )
        if self.problems:
            raise EquationError(self.problems)
        return block

    def attempt(self, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except EquationError as error:
            self.problems += error.problems
            return None

    def section(self, key: str) -> dict[str, Any]:
        value = {} if self.mapping.get(key) is None else self.mapping[key]
        if not isinstance(value, Mapping):
            self.problems.append(
                f"{self.source}: {key}: got {quote(value)}; allowed: a mapping of names to expressions"
            )
            return {}
        removed = key == "parameters"  # so that a file can take one away whose equation it replaces
        empty = [k for k, v in value.items() if v is None and not (removed and _NAME.fullmatch(str(k)))]
        if empty:
            self.problems.append(
                f"{self.source}: {key}: {listing(empty)} without a value; an expression with a comma needs its own line"
            )
        return {str(k): v for k, v in value.items() if v is not None}

    def expressions(self, key: str, texts: Mapping[str, Any], known: Iterable[str]) -> dict[str, Node]:
        read = {n: self.attempt(partial(parse, v, known, f"{self.source}: {key}.{n}")) for n, v in texts.items()}
        return {n: node for n, node in read.items() if node is not None}

    def parameters(self) -> dict[str, Parameter]:
        read = {
            n: self.attempt(partial(parameter, v, f"{self.source}: parameters.{n}"))
            for n, v in self.section("parameters").items()
        }
        return {n: p if p is not None else 0.0 for n, p in read.items()}

    def check_names(self, states: list[str], parameters: list[str]) -> None:
        for n in [*states, *parameters]:
            if n in _TAKEN or keyword.iskeyword(n) or not _NAME.fullmatch(n):
                self.problems.append(
                    f"{self.source}: {quote(n)} cannot be a name; reserved: {listing(_TAKEN)} and Python's keywords"
                )
        twice = set(states) & set(parameters)
        self.problems += [f"{self.source}: {n!r} is both a state and a parameter" for n in sorted(twice)]
        if self.kind == "model" and not states:
            self.problems.append(f"{self.source}: a model needs at least one state, such as states: {{v: -65.0}}")

    def derivatives(self, states: Mapping[str, Any], known: list[str]) -> dict[str, Node]:
        texts = self.section("derivatives")
        self.problems += [_unknown(f"{self.source}: derivatives", n, states) for n in texts if n not in states]
        missing = [s for s in states if s not in texts]
        self.problems += [f"{self.source}: state {s!r} has no derivative; write 0 to keep it constant" for s in missing]
        return self.expressions("derivatives", {s: texts[s] for s in states if s in texts}, known)

    def resets(self, states: Mapping[str, Any], known: list[str]) -> dict[str, Node]:
        texts = self.section("reset")
        self.problems += [_unknown(f"{self.source}: reset", n, states) for n in texts if n not in states]
        if not texts:
            self.problems.append(f"{self.source}: a model needs a reset, such as reset: {{v: -65.0}}")
        return self.expressions("reset", {n: v for n, v in texts.items() if n in states}, known)

    def condition(self, key: str, known: list[str]) -> Node | None:
        value = self.mapping.get(key)
        if value is None:
            example = "threshold: v >= 30" if key == "threshold" else "output: y"
            self.problems.append(f"{self.source}: a {self.kind} needs {key}, such as {example}")
            return None
        where = f"{self.source}: {key}"
        node: Node | None = self.attempt(partial(parse, value, known, where, boolean=key == "threshold"))
        return node

    def drive_scale(self) -> float:
        value = self.mapping.get("drive_scale", 1.0)
        if _is_number(value):
            return float(value)
        self.problems.append(f"{self.source}: drive_scale: got {quote(value)}; allowed: a number")
        return 1.0
