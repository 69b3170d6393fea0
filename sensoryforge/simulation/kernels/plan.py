"""What a kernel is written for: the equations and everything else that decides on its text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sensoryforge.equations.block import Block
from sensoryforge.equations.program import (
    Program,
    initial_program,
    output_program,
    settled_program,
    step_program,
)

OWNERS = {"filter": "filter", "settled": "filter", "output": "filter", "model": "model"}
"""The programs of a kernel, in the order in which a sample runs them, and the block of each."""


@dataclass(frozen=True, eq=False)
class KernelPlan:
    """What decides on a kernel's text; numbers do not, they are given to the kernel.

    Two plans are equal when they have the same block *objects* and equal numbers: comparing ids is
    quick, and blocks of one experiment are the same objects from chunk to chunk.

    Parameters
    ----------
    filter, model
        The equations; either may be missing.
    terms
        Of how many products K the drive is the sum; 0 where it is read from frames.
    substeps
        Integration steps a sample.
    noisy
        Whether noise is added to the model's current.
    record
        Names of the traces that are kept.
    exact_rate
        Whether dt is a power of two. Then 1/dt is exact, and the slope of the drive is a product,
        which has the bits of the quotient and is quicker.
    rates
        How many of the last terms sum to ``dI``; without terms, 1 where ``dI`` is read from frames
        too. With 0 it is the difference of the drive.
    delayed
        Whether the rate terms reach each neuron at a time of its own.
    filter_substeps
        Integration steps of the filter, where it takes others than the model.
    varied
        Whether numbers differ between stimuli, and not between neurons alone.
    """

    filter: Block | None
    model: Block | None
    terms: int
    substeps: int
    noisy: bool = False
    record: tuple[str, ...] = ()
    exact_rate: bool = False
    rates: int = 0
    delayed: bool = False
    filter_substeps: int | None = None
    varied: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What tells plans apart."""
        blocks = (id(self.filter), id(self.model))
        numbers = (self.terms, self.substeps, self.noisy, self.record, self.exact_rate)
        return (*blocks, *numbers, self.rates, self.delayed, self.filter_substeps, self.varied)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KernelPlan) and self.key == other.key

    @cached_property
    def programs(self) -> dict[str, Program]:
        """The programs that run in a sample, by name (:data:`OWNERS` says whose they are)."""
        programs: dict[str, Program] = {}
        if self.filter is not None:
            programs["filter"] = step_program(self.filter)
            programs["settled"] = settled_program(self.filter)
            programs["output"] = output_program(self.filter)
        if self.model is not None:
            programs["model"] = step_program(self.model)
        return programs

    @cached_property
    def initials(self) -> dict[str, Program]:
        """The programs of the initial states, by the name of the block."""
        return {name: initial_program(block) for name, block in self.blocks.items()}

    @property
    def blocks(self) -> dict[str, Block]:
        """The blocks of equations by name, the filter first."""
        both = {"filter": self.filter, "model": self.model}
        return {name: block for name, block in both.items() if block is not None}

    @property
    def states(self) -> tuple[str, ...]:
        """The variables of all states, the filter's first."""
        names: list[str] = []
        for owner, block in self.blocks.items():
            names += [f"{owner}_{state}" for state in block.states]
        return tuple(names)

    @property
    def title(self) -> str:
        """One line of comment that says which equations a kernel is written for."""
        blocks = [f"{block.kind} {block.source}" for block in self.blocks.values()]
        equations = ", ".join(blocks) or "no equations"
        title = f"# {equations}; {self.substeps} steps a sample"
        if self.filter_substeps is not None:
            title += f", {self.filter_substeps} of the filter"
        return title.replace("\n", " ")

    def substeps_of(self, name: str) -> int:
        """Return the integration steps a sample of a program, ``filter`` or ``model``."""
        if name == "filter" and self.filter_substeps is not None:
            return self.filter_substeps
        return self.substeps

    def trace(self, name: str) -> str:
        """Return the variable that holds a recorded trace."""
        if name == "drive":
            return "drive"
        if name in ("filtered", "output"):
            return "filtered"
        owner = "filter" if self.model is None else "model"
        return f"{owner}_{name}"
