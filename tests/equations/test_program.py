"""Programs: operations merged and moved out of loops, and no bit changed by it or by the company a stimulus has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from helpers.blocks import SHIPPED, label, load, needed_substeps, shipped
from torch import Tensor

from sensoryforge.equations.block import Block
from sensoryforge.equations.elementary import expand
from sensoryforge.equations.expressions import parse
from sensoryforge.equations.graph import name, names_in, op
from sensoryforge.equations.program import (
    Program,
    initial_program,
    linearise,
    output_program,
    step_graph,
    step_program,
    stepwise_program,
)
from sensoryforge.simulation.kernels import Afferents, Drive, Output, kernel
from sensoryforge.simulation.kernels.machine import Machine
from sensoryforge.simulation.kernels.noise import keys

CPU = torch.device("cpu")

pytestmark = pytest.mark.usefixtures("one_thread")
every_block = pytest.mark.parametrize("file", SHIPPED, ids=label)


def parameters(block: Block) -> dict[str, Tensor]:
    return {n: torch.tensor(v) for n, v in block.parameters.items()}


@every_block
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    "make", [step_program, output_program, initial_program], ids=lambda make: make.__name__
)
def test_equal_operations_are_merged_and_come_after_what_they_read(
    file: Path, exact: bool, make: Callable[..., Program]
) -> None:
    made = make(load(file), exact=exact).instructions
    assert len({(i.op, repr(i.value), i.args) for i in made}) == len(made)
    assert [i.out for i in made] == list(range(len(made)))
    assert all(a < i.out and made[a].level <= i.level for i in made for a in i.args)


@every_block
def test_each_operation_has_the_level_of_the_fastest_input_that_it_reads(file: Path) -> None:
    block = load(file)
    made = step_program(block).instructions
    reads: list[set[str]] = []
    for i in made:
        reads.append({str(i.value)} if i.op == "name" else set().union(*(reads[a] for a in i.args)))
        fast, sample = {"t", *block.states} & reads[-1], {"I", "dI"} & reads[-1]
        assert i.level == (2 if fast else 1 if sample else 0)


def test_operations_on_parameters_alone_run_once_a_run() -> None:
    program = step_program(shipped("model", "adex"))
    assert [i.op for i in program.at(0)] == ["mul"]  # g_L*delta_T
    assert len(program.at(2)) < len(program.instructions)


def test_an_expression_written_twice_is_computed_once() -> None:
    text = "exp(v/tau)*exp(v/tau) + where(v/tau > 0, exp(v/tau), v/tau)"
    program = linearise({"y": parse(text, ["v", "tau"], "test")}, {"v": 2})
    assert [i.op for i in program.at(2)] == ["div", "exp", "mul", "gt", "where", "add"]


def test_literals_of_different_signs_of_zero_are_not_merged() -> None:
    program = stepwise_program({"y": op("div", op("div", 1.0, 0.0), op("div", 1.0, -0.0))})
    assert Machine(program, torch.float32, CPU).run()["y"].item() != 1


def registers(program: Program, block: Block, shape: tuple[int, int], steps: int) -> list[Tensor]:
    """Run steps level by level, as a kernel does, on a drive that changes every fifth step."""
    machine = Machine(program, torch.float32, CPU)
    draw = torch.Generator().manual_seed(0)
    initial = Machine(initial_program(block), torch.float32, CPU).run(**parameters(block))
    states = {n: v.expand(shape) for n, v in initial.items()}
    step_ms = 0.1 / needed_substeps(block, 0.1)
    machine.set(dt=step_ms, **parameters(block))
    machine.level(0)
    seen: list[Tensor] = []
    for k in range(steps):
        if k % 5 == 0:
            machine.set(
                I=block.drive_scale * 30 * torch.rand(shape, generator=draw),
                dI=torch.randn(shape, generator=draw),
            )
            machine.level(1)
        machine.set(t=step_ms * k, **states)
        machine.level(2)
        states = machine.values()
        seen += [v.float() for v in states.values()]
        states = {n: v for n, v in states.items() if n != "spike"}
    return seen


@every_block
def test_moving_operations_out_of_loops_changes_no_bit(file: Path) -> None:
    block = load(file)
    graph = expand(step_graph(block))
    levels = {n: 2 for root in graph.values() for n in names_in(root)}
    everything_each_step = linearise(graph, levels)
    assert not everything_each_step.at(1)
    moved, unmoved = (
        registers(p, block, (3, 7), 400) for p in (step_program(block), everything_each_step)
    )
    assert all(torch.equal(a, b) for a, b in zip(moved, unmoved, strict=True))
    if block.kind == "model":
        assert any(spike.any() for spike in moved[len(block.states) :: len(block.states) + 1])


def test_the_step_reads_old_values_and_resets_read_the_moved_ones() -> None:
    swap = {
        "states": {"x": 1, "y": 2},
        "derivatives": {"x": "y", "y": "x"},
        "threshold": "x > 2",
        "reset": {"x": "10*y", "y": "x"},
    }
    machine = Machine(step_program(Block.from_config("model", swap, "test")), torch.float64, CPU)
    x, y = (torch.tensor(v, dtype=torch.float64) for v in (1.0, 2.0))
    out = machine.run(x=x, y=y, dt=torch.tensor(0.5, dtype=torch.float64))
    assert (out["x"].item(), out["y"].item(), out["spike"].item()) == (2.0, 2.5, False)
    out = machine.run(x=x, y=y, dt=torch.tensor(1.0, dtype=torch.float64))
    assert (out["x"].item(), out["y"].item(), out["spike"].item()) == (30.0, 3.0, True)


def test_names_that_a_program_does_not_read_are_passed_over() -> None:
    machine = Machine(stepwise_program({"y": op("add", name("v"), 1.0)}), torch.float32, CPU)
    assert machine.run(v=2.0, w=3.0)["y"].item() == 3


CONDITIONS, NEURONS, SAMPLES, TERMS = 25, 12, 150, 2
STIMULI = 100
DRAW = torch.Generator().manual_seed(1)
SPACE = torch.rand(CONDITIONS, TERMS, NEURONS, generator=DRAW) * 30
TIME = torch.rand(CONDITIONS, TERMS, SAMPLES, generator=DRAW)
ROWS = torch.arange(CONDITIONS).repeat_interleave(STIMULI // CONDITIONS)
SEEDS = [9000 + 7 * k for k in range(STIMULI)]


def simulated(stimuli: Sequence[int], model: str, separable: bool = True) -> Output:
    """Run some of the stimuli through SA filter, noise and a model, with a parameter that differs between neurons."""
    sa, block = shipped("filter", "sa"), shipped("model", model)
    spread = torch.linspace(4, 6, NEURONS)
    afferents = Afferents(
        sa, block, {**parameters(sa), "tau_r": spread}, parameters(block),
        gain=40 * block.drive_scale, noise_std=3 * block.drive_scale, dt_ms=0.5, substeps=2,
    )  # fmt: skip
    conditions, rows = torch.unique(ROWS[list(stimuli)], return_inverse=True)
    space, time = SPACE[conditions], TIME[conditions]
    frames = (space[:, :, None] * time[..., None]).unbind(1)
    drive = Drive(rows, space, time) if separable else Drive(rows, frames=frames[0] + frames[1])
    return kernel("torch")(
        afferents, drive, keys([SEEDS[s] for s in stimuli], "sa"), ("drive", "filtered", "v")
    )


@pytest.fixture(scope="module", params=["izhikevich", "adex", "lif"])
def whole(request: pytest.FixtureRequest) -> tuple[str, Output]:
    return request.param, simulated(range(STIMULI), request.param)


def same_bits(part: Output, whole: Output, stimuli: Sequence[int]) -> bool:
    assert part.spikes is not None
    assert whole.spikes is not None
    traces = all(
        torch.equal(part.traces[n], trace[list(stimuli)]) for n, trace in whole.traces.items()
    )
    return traces and torch.equal(part.spikes, whole.spikes[list(stimuli)])


@pytest.mark.parametrize(
    "stimuli",
    [[0], [57], [99], range(40, 47), range(99, -1, -1), [3, 98, 51, 2, 50]],
    ids=["first", "one", "last", "chunk of 7", "reversed", "scattered"],
)
def test_a_stimulus_has_the_same_bits_alone_in_a_chunk_and_in_any_order(
    whole: tuple[str, Output], stimuli: Sequence[int]
) -> None:
    model, everything = whole
    assert same_bits(simulated(stimuli, model), everything, stimuli)


def test_separable_drive_and_frames_have_the_same_bits(whole: tuple[str, Output]) -> None:
    model, everything = whole
    assert same_bits(simulated(range(STIMULI), model, separable=False), everything, range(STIMULI))


def test_the_batch_fires_differently_from_stimulus_to_stimulus(whole: tuple[str, Output]) -> None:
    spikes = whole[1].spikes
    assert spikes is not None
    assert whole[1].finite.all()
    assert len(spikes.flatten(1).unique(dim=0)) == STIMULI
    assert 0 < spikes.float().mean() < 0.5


def test_repetitions_share_the_drive_and_differ_in_noise_alone(whole: tuple[str, Output]) -> None:
    traces = whole[1].traces
    assert torch.equal(traces["filtered"][0], traces["filtered"][1])
    assert not torch.equal(traces["v"][0], traces["v"][1])
