"""What every kernel does in a sample, as lines: both writers put them into loops of their own.

A sample runs drive -> filter steps -> output of the filter -> gain and noise -> model steps. The
steps of filter and model are lines of their programs; what joins them is written here.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensoryforge.equations.elementary import normal_pair
from sensoryforge.equations.program import stepwise_program
from sensoryforge.simulation.kernels.lines import Constant, Line, ProgramLines
from sensoryforge.simulation.kernels.plan import OWNERS, KernelPlan

OUTSIDE_EQUATIONS = ("rate", "gain", "scale")
"""Constants that no program has: dt or its inverse, the gain, the noise's standard deviation."""


@dataclass(frozen=True)
class KernelSource:
    """A kernel's text, and the constants that it wants: shared by all neurons, and one for each."""

    text: str
    shared: tuple[Constant, ...]
    each: tuple[Constant, ...]


class Body:
    """The lines of a sample."""

    def __init__(self, plan: KernelPlan) -> None:
        self.plan = plan
        self.programs: dict[str, ProgramLines] = {}
        for name, program in plan.programs.items():
            self.programs[name] = ProgramLines(name, OWNERS[name], program)
        self.normal = ProgramLines("normal", "normal", stepwise_program(normal_pair()))

    @property
    def has_model(self) -> bool:
        """Whether there are spikes."""
        return self.plan.model is not None

    @property
    def wants_slope(self) -> bool:
        """Whether an equation reads ``dI``."""
        return any(program.reads("dI") for program in self.programs.values())

    @property
    def takes_differences(self) -> bool:
        """Whether ``dI`` is the difference of the drive: an equation reads it, it is not given."""
        return self.wants_slope and self.plan.rates == 0

    @property
    def last_time(self) -> str:
        """The variable of the time at which the sample's last step starts."""
        return f"t{self.plan.substeps - 1}"

    @property
    def literals(self) -> dict[str, float]:
        """The literals by name; complete once all lines have been written."""
        literals: dict[str, float] = {}
        for program in [*self.programs.values(), self.normal]:
            literals |= program.literals
        return dict(sorted(literals.items()))

    def split_constants(
        self, differing: frozenset[tuple[str, int]]
    ) -> tuple[tuple[Constant, ...], tuple[Constant, ...]]:
        """Return the constants that all neurons share, and those of which each has its own.

        ``differing`` names the latter by program and register. Call it once all lines are written.
        """
        shared: list[Constant] = []
        each: list[Constant] = []
        for constant in self._constants().values():
            if (constant.program, constant.register) in differing:
                each.append(constant)
            else:
                shared.append(constant)
        return tuple(shared), tuple(each)

    def _constants(self) -> dict[str, Constant]:
        # Programs of one block name its parameters alike: each stands once, for the last program
        # that reads it.
        constants: dict[str, Constant] = {}
        for program in self.programs.values():
            constants |= program.constants
        wanted = {
            "rate": self.takes_differences,
            "gain": self.has_model,
            "scale": self.plan.noisy,
        }
        for register, name in enumerate(OUTSIDE_EQUATIONS):
            if wanted[name]:
                constants[name] = Constant(name, "run", register)
        return constants

    def drive(self) -> list[Line]:
        """Return the drive of a sample, and its slope where an equation reads it."""
        lines = []
        if self.plan.terms == 0:
            lines.append(Line("drive", "frame", ("frame",)))
        else:
            lines.append(Line("drive", "space0 * now0", ("space0",)))
        own_terms = self.plan.terms - self.plan.rates
        for k in range(1, own_terms):
            lines.append(Line("drive", f"drive + space{k} * now{k}", ("drive", f"space{k}")))
        if self.wants_slope and self.plan.rates:
            lines += self._given_rate(own_terms)
        elif self.wants_slope:
            change = "drive - before"
            slope = f"({change}) * rate" if self.plan.exact_rate else f"divide({change}, rate)"
            lines.append(Line("slope", slope, ("drive", "before", "rate")))
            lines.append(Line("before", "drive", ("drive",)))
        return lines

    def _given_rate(self, first: int) -> list[Line]:
        """Return ``dI`` as the sum of the terms from the first rate on, or as a frame."""
        if self.plan.terms == 0:
            return [Line("slope", "rate_frame", ("rate_frame",))]
        lines = []
        for k in range(first, self.plan.terms):
            reads = [f"space{k}"]
            if self.plan.delayed:
                reads.append(f"now{k}")  # each neuron has its own
            product = f"space{k} * now{k}"
            if k > first:
                product = f"slope + {product}"
                reads.append("slope")
            lines.append(Line("slope", product, tuple(reads)))
        return lines

    def settle(self) -> list[Line]:
        """Return the look at a filter's states before some samples: faint ones become 0."""
        if "settled" not in self.programs:
            return []
        return self.programs["settled"].step("", may_have_fired=False)

    def filtered(self, noise: str) -> list[Line]:
        """Return the filter's output and the model's current; ``noise`` is the sample's noise."""
        lines: list[Line] = []
        filtered = "drive"
        output = self.programs.get("output")
        if output is not None:
            lines = output.lines(2, self.last_time)
            filtered = output.operand(output.program.outputs["output"], self.last_time)
        lines.append(Line("filtered", filtered, (filtered,)))
        if self.has_model:
            lines.append(Line("current", "filtered * gain", ("filtered", "gain")))
        if self.plan.noisy:
            lines.append(Line("current", f"current + {noise}", ("current",)))
        return lines

    def steps(self, name: str) -> list[Line]:
        """Return the steps of a program one after the other, the sample's k-th at time ``t<k>``."""
        program = self.programs[name]
        lines = program.lines(1, "")
        for k in range(self.plan.substeps_of(name)):
            lines += program.step(f"t{k}", may_have_fired=k > 0)
        return lines

    def repeated_step(self, name: str) -> list[Line]:
        """Return one step of a program at time ``t``, for a loop over the steps of a sample."""
        return self.programs[name].step("t", may_have_fired=True)

    def normals(self) -> tuple[list[Line], tuple[str, str]]:
        """Return the lines that make two normals of two random words, and where the two stand."""
        lines = self.normal.lines(2, "")
        outputs = self.normal.program.outputs
        first, second = (self.normal.operand(outputs[name], "") for name in ("z0", "z1"))
        return lines, (first, second)
