"""Which loops over neurons a sample has on the CPU.

LLVM turns a loop over neurons into vector instructions when it is short enough to be understood.

- One step a sample, few operations: one loop does everything, values stay in registers.
- Several steps: each step waits for the result of the one before, and the processor would wait
  with it. Filter and model have a loop each, and a round takes *two* neurons, whose steps do not
  wait for each other: 30 to 40% faster. (With four neurons a round the compiler gives up on
  vectors.)
- Many operations (:data:`FUSED`): a loop for each stage, and the steps of a sample are a loop
  around it, so that compiling takes seconds whatever the equations.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensoryforge.simulation.kernels.body import Body
from sensoryforge.simulation.kernels.lines import Line
from sensoryforge.simulation.kernels.plan import OWNERS

FUSED = 500
"""Operations up to which all the steps of a sample are spelled out."""
NOISE = "at_noise[phase, i]"
"""Where the noise of the sample stands, for neuron i: see ``numba_writer``."""


@dataclass
class Loop:
    """Lines that are run for every neuron of a tile.

    Parameters
    ----------
    lines
        What is done for a neuron.
    steps
        How many steps of a sample it is run for, one after the other; 0 for a loop that is not
        about a single step.
    paired
        Whether a round takes two neurons, one from either half of the tile.
    """

    lines: list[Line]
    steps: int = 0
    paired: bool = False

    @property
    def targets(self) -> set[str]:
        """The variables that the loop sets."""
        return {line.target for line in self.lines}

    @property
    def needs(self) -> list[str]:
        """The variables that the loop reads before it sets them, in order."""
        set_before: set[str] = set()
        needs: dict[str, None] = {}  # a set that keeps the order
        for line in self.lines:
            needs |= {name: None for name in line.reads if name not in set_before}
            set_before.add(line.target)
        return list(needs)


def loops_of_sample(body: Body) -> list[Loop]:
    """Return the loops of a sample, in order."""
    if _operations_a_sample(body) > FUSED:
        return _staged(body)
    return _spelled_out(body)


def _operations_a_sample(body: Body) -> int:
    operations = 0
    for name, program in body.programs.items():
        is_step = name == OWNERS[name]
        if is_step:
            operations += body.plan.substeps_of(name) * len(program.program.at(2))
    return operations


def _spelled_out(body: Body) -> list[Loop]:
    filtering = body.drive()
    if "filter" in body.programs:
        filtering += body.steps("filter")
    filtering += body.filtered(NOISE)
    firing = body.steps("model") if body.has_model else []
    if body.plan.substeps == 1:
        return [Loop(filtering + firing)]
    return [Loop(lines, paired=True) for lines in (filtering, firing) if lines]


def _staged(body: Body) -> list[Loop]:
    loops = [Loop([*body.drive(), Line("fired", "False")])]
    if "filter" in body.programs:
        loops.append(_loop_of_steps(body, "filter"))
    loops.append(Loop(body.filtered(NOISE)))
    if body.has_model:
        loops.append(_loop_of_steps(body, "model"))
    return [loop for loop in loops if loop.lines]  # a filter may have no states


def _loop_of_steps(body: Body, name: str) -> Loop:
    # What depends on the drive alone is computed again in every step, which spares its rows.
    once_a_sample = body.programs[name].lines(1, "")
    return Loop(once_a_sample + body.repeated_step(name), steps=body.plan.substeps_of(name))
