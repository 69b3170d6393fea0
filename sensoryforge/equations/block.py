"""Equation blocks: a filter or a neuron model, written in YAML and checked whole.

A block has ``states`` (initial values), ``derivatives`` (per ms) and ``parameters``; a model also
``threshold`` and ``reset``, a filter ``output``. A state may have its value after a step in place
of a derivative (``next``), expressions may have names (``let``), and equations that were fitted at
one step say which (``step_ms``). Reserved names are the drive ``I``, its derivative
per ms ``dI`` (filters only), the time ``t`` and the integration step ``dt``, both in ms. A leaky
integrate-and-fire neuron:

    states: {v: 0.0}
    derivatives: {v: (I - v)/tau}
    threshold: v >= 1
    reset: {v: 0.0}
    parameters: {tau: 10.0}

Read, its expressions are graphs:

    >>> written = {
    ...     "states": {"v": 0.0},
    ...     "derivatives": {"v": "(I - v)/tau"},
    ...     "threshold": "v >= 1",
    ...     "reset": {"v": 0.0},
    ...     "parameters": {"tau": 10.0},
    ... }
    >>> lif = Block.from_config("model", written, "lif.yaml")
    >>> print(lif.derivatives["v"])
    div(sub(I, v), tau)
    >>> print(lif.threshold)
    ge(v, 1.0)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sensoryforge.core.errors import EquationError
from sensoryforge.core.messages import list_names, suggest
from sensoryforge.core.types import Floats
from sensoryforge.equations.graph import Node, names_in, op, substitute
from sensoryforge.equations.graph import name as input_named
from sensoryforge.equations.parameters import (
    Distribution,
    Parameter,
    PerNeuron,
    read_parameter,
)
from sensoryforge.equations.reader import BlockReader, Kind, unknown_name

__all__ = ["Block", "Kind"]

LOG_THRESHOLD = "log_threshold"
"""Parameter that a spread of thresholds adds to a model; ``_`` follows where the name is taken."""


@dataclass(frozen=True)
class Block:
    """A checked block of equations: a filter or a neuron model.

    Make one with :meth:`from_config`, or with :func:`sensoryforge.load_block` from a file.

    Parameters
    ----------
    kind
        ``filter`` or ``model``.
    source
        The file or key that it comes from, for messages.
    states
        State name -> initial value.
    derivatives
        State name -> its derivative per ms.
    parameters
        Parameter name -> a number that all neurons share, or a distribution over them.
    threshold
        A model's condition for a spike.
    reset
        State name -> what a model's spike sets it to.
    output
        A filter's output.
    drive_scale
        What a model's drive is multiplied with, for one whose current has another scale.
    next
        State name -> its value after a step, for those that have no derivative.
    step_ms
        The only integration step, in ms, that the equations are for; None where any will do.
    let
        Name -> the expression that stands in its place in all others.
    text
        The block as it was written.

    Examples
    --------
    >>> equations = {"states": {"x": 0}, "derivatives": {"x": "(I - x)/tau"}, "output": "x",
    ...              "parameters": {"tau": 5.0}}
    >>> low_pass = Block.from_config("filter", equations, "here")
    >>> low_pass.with_parameters(tau=10.0).parameters
    {'tau': 10.0}
    """

    kind: Kind
    source: str
    states: dict[str, Node]
    derivatives: dict[str, Node]
    parameters: dict[str, Parameter]
    threshold: Node | None = None
    reset: dict[str, Node] = field(default_factory=dict)
    output: Node | None = None
    drive_scale: float = 1.0
    next: dict[str, Node] = field(default_factory=dict)
    step_ms: float | None = None
    let: dict[str, Node] = field(default_factory=dict, repr=False)
    text: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_config(cls, kind: Kind, mapping: Mapping[str, Any], source: str) -> Block:
        """Read and check a block as it is composed from YAML.

        Parameters
        ----------
        kind
            ``filter`` or ``model``.
        mapping
            The block's sections.
        source
            What its file or key is called in messages.

        Raises
        ------
        EquationError
            With every problem, one line each.

        The module's head shows an example.
        """
        reader = BlockReader(kind, mapping, source)
        block = cls(
            kind=kind,
            source=source,
            parameters=reader.parameters,
            states=reader.states(),
            derivatives=reader.derivatives(),
            next=reader.next(),
            threshold=reader.threshold(),
            reset=reader.reset(),
            output=reader.output(),
            drive_scale=reader.drive_scale(),
            step_ms=reader.step_ms(),
            let=reader.let,
            text=dict(mapping),
        )
        reader.raise_problems()
        return block

    def with_parameters(self, /, **values: Any) -> Block:
        """Return the block with some parameters replaced.

        Parameters
        ----------
        **values
            Parameter name -> a number, ``{"mean": .., "std": ..}`` or ``{"low": .., "high": ..}``.

        Raises
        ------
        EquationError
            With a line for each unknown name and each value that is neither.

        Examples
        --------
        >>> written = {"states": {"x": 0}, "derivatives": {"x": "(I - x)/tau"}, "output": "x"}
        >>> slow = Block.from_config("filter", {**written, "parameters": {"tau": 5}}, "slow.yaml")
        >>> slow.with_parameters(tau={"low": 4, "high": 6}).parameters
        {'tau': Distribution(kind='uniform', first=4.0, second=6.0)}
        """
        where = f"{self.source}: parameters"
        problems: list[str] = []
        for name in values:
            if name not in self.parameters:
                problems.append(unknown_name(where, name, self.parameters))
        replaced: dict[str, Parameter] = {}
        for name, value in values.items():
            try:
                replaced[name] = read_parameter(value, f"{where}.{name}")
            except EquationError as error:
                problems += error.problems
        if problems:
            raise EquationError(problems)
        return replace(self, parameters={**self.parameters, **replaced})

    def with_values_of_neurons(self, values: Mapping[str, PerNeuron]) -> Block:
        """Return the block with parameters of which each neuron has its own.

        Parameters
        ----------
        values
            Parameter name -> the values; other names are left out.

        Examples
        --------
        >>> written = {"states": {"x": 0}, "derivatives": {"x": "(I - x)/tau"}, "output": "x"}
        >>> slow = Block.from_config("filter", {**written, "parameters": {"tau": 5}}, "slow.yaml")
        >>> slow.with_values_of_neurons({"tau": PerNeuron((4.0, 6.0))}).draw(2, seed=0)
        {'tau': array([4., 6.])}
        """
        known = {name: value for name, value in values.items() if name in self.parameters}
        return replace(self, parameters={**self.parameters, **known}) if known else self

    def with_threshold_spread(self, std: float) -> Block:
        """Return the model with a threshold of its own in every neuron.

        A neuron whose threshold is the factor s needs s times the current for the same spikes: its
        equations read ``I / s``. A leaky integrator that rests at its reset is then just one with
        its threshold s times as far away. The logarithm of s is normal around zero, so that half
        the neurons are more sensitive than the model, half of them less, and none is negative.

        Parameters
        ----------
        std
            Standard deviation of the logarithm; 0.2 is a spread of about 20%.

        Examples
        --------
        >>> equations = {"states": {"v": 0}, "derivatives": {"v": "I - v"}, "threshold": "v >= 1",
        ...              "reset": {"v": 0}}
        >>> leaky = Block.from_config("model", equations, "here")
        >>> print(leaky.with_threshold_spread(0.2).derivatives["v"])
        sub(div(I, exp(log_threshold)), v)
        """
        parameter = LOG_THRESHOLD
        while parameter in self.parameters or parameter in self.states:
            parameter += "_"
        factor = op("exp", input_named(parameter))
        own_drive = {"I": input_named("I") / factor}

        def divided(nodes: Mapping[str, Node]) -> dict[str, Node]:
            return {state: substitute(node, own_drive) for state, node in nodes.items()}

        spread = Distribution("normal", 0.0, std)
        return replace(
            self,
            derivatives=divided(self.derivatives),
            next=divided(self.next),
            reset=divided(self.reset),
            threshold=None if self.threshold is None else substitute(self.threshold, own_drive),
            parameters={**self.parameters, parameter: spread},
        )

    def unread(self) -> list[str]:
        """Return a line for each parameter that no equation reads: mistyped, or left over."""
        read = self._names_read()
        known = [name for name in self.parameters if name in read]
        lines = []
        for name in self.parameters:
            if name not in read:
                where = f"{self.source}: parameters.{name}"
                problem = "no equation reads it (null takes it away)"
                near = suggest(name, known)
                lines.append(f"{where}: {problem}; known: {list_names(known)}{near}")
        return lines

    def draw(self, count: int, seed: int, *names: str) -> dict[str, float | Floats]:
        """Return the parameters of ``count`` neurons.

        Parameters
        ----------
        count
            How many neurons.
        seed
            The seed of the experiment.
        names
            What they are for, such as the population: others have others.

        Returns
        -------
        dict
            Parameter name -> a number where all neurons share it, else one each, ``[count]``.

        Examples
        --------
        >>> written = {"states": {"x": 0}, "derivatives": {"x": "(I - x)/tau"}, "output": "x"}
        >>> written["parameters"] = {"tau": {"low": 4, "high": 6}}
        >>> slow = Block.from_config("filter", written, "slow.yaml")
        >>> slow.draw(3, seed=42)["tau"].shape
        (3,)
        """
        values: dict[str, float | Floats] = {}
        for name, value in self.parameters.items():
            if isinstance(value, Distribution | PerNeuron):
                values[name] = value.draw(count, seed, *names, name)
            else:
                values[name] = value
        return values

    def _names_read(self) -> set[str]:
        """Return the names that the equations read."""
        expressions = [*self.states.values(), *self.derivatives.values(), *self.next.values()]
        expressions += self.reset.values()
        expressions += [node for node in (self.threshold, self.output) if node is not None]
        names: set[str] = set()
        for expression in expressions:
            names |= names_in(expression)
        return names
