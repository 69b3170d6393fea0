"""Stiffness is said before a run, with the number of steps that are needed."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.blocks import SHIPPED, held, label, load, shipped

import sensoryforge as sf
from sensoryforge.config.reading import check
from sensoryforge.equations.block import Block
from sensoryforge.equations.stiffness import describe_stiffness, find_stiffest
from sensoryforge.running.preflight import stiffness_lines

pytestmark = pytest.mark.usefixtures("one_thread")


def block_of(derivative: str, start: float = 0.0, **parameters: float) -> Block:
    written = {
        "states": {"x": start},
        "derivatives": {"x": derivative},
        "output": "x",
        "parameters": parameters,
    }
    return Block.from_config("filter", written, "test")


@pytest.mark.parametrize(
    ("derivative", "rate"),
    [
        ("-4*x", 4.0),
        ("(I - x)/0.25", 4.0),
        ("I - x*2 - (x + x)", 4.0),
        ("-x**2", 6.0),  # at x = 3: the slope is 2x
        ("x*(1 - x)", 5.0),
        ("where(x > 5, 0, -4*x)", 4.0),
        ("where(x > 0, 0, -4*x)", 4.0),  # a branch that is not taken at the start
        ("max(-4*x, -100)", 4.0),
        ("-2*abs(x)", 2.0),
        ("-sqrt(x*12)", 1.0),
        ("1 - exp(x - 3)", 1.0),
        ("-6*log(x)", 2.0),
        ("-4*tanh(x - 3)", 4.0),
        ("-4*sin(x - 3)", 4.0),
        ("4*cos(x - 3 + 1.5707963267948966)", 4.0),
        ("where(not (x > 1 and I == 0) or x != 3, -9, -x)", 1.0),
        ("-x/(1 + x)", 1 / 16),
    ],
)
def test_the_rate_is_the_slope_of_the_derivative_in_its_own_state(
    derivative: str, rate: float
) -> None:
    stiffest = find_stiffest(block_of(derivative, start=3.0), {}, step_ms=0.1)
    assert stiffest is not None
    assert stiffest.rate == pytest.approx(rate)


@pytest.mark.parametrize("derivative", ["0", "I", "3*x", "log(0*x)", "exp(999 + x)"])
def test_what_does_not_decay_is_not_stiff(derivative: str) -> None:
    assert find_stiffest(block_of(derivative), {}, step_ms=0.1) is None


def test_the_fastest_neuron_decides() -> None:
    block = block_of("-x/tau", tau=1.0)
    stiffest = find_stiffest(block, {"tau": np.array([1.0, 0.02, 5.0])}, step_ms=0.1)
    assert stiffest is not None
    assert stiffest.substeps(0.1) == 5


def test_a_step_as_long_as_the_time_constant_is_not_too_long() -> None:
    block = block_of("-x/tau", tau=0.1)
    assert describe_stiffness(block, block.parameters, dt_ms=0.5, substeps=5) == ""
    assert "set substeps to 5 or more" in describe_stiffness(block, block.parameters, 0.5, 4)


@pytest.mark.parametrize("file", SHIPPED, ids=label)
def test_only_the_silicon_neuron_among_the_shipped_ones_is_stiff(file: Path) -> None:
    block = load(file)
    line = describe_stiffness(block, block.parameters, dt_ms=0.5, substeps=5)
    assert bool(line) == (file.stem == "sa_silicon")


# --- simulate ---


def test_simulate_says_stiffness_before_it_runs_and_then_that_states_are_not_finite() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sf.simulate(shipped("model", "sa_silicon"), held(600.0, 2000), 0.1)
    lines = [str(warning.message) for warning in caught]
    assert lines == [
        "state I_ref decays in 0.00464 ms, faster than steps of 0.1 ms can follow; "
        "set substeps to 22 or more",
        "stimulus 0 of 1: the drive or the states are not finite, what is returned means nothing; "
        "a smaller drive or more substeps may help",
    ]


def test_simulate_with_the_steps_that_it_asked_for_says_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = sf.simulate(shipped("model", "sa_silicon"), held(600.0, 20), 0.1, substeps=22)
    assert out["spikes"].any()


@pytest.mark.parametrize("bad", [torch.inf, torch.nan])
def test_simulate_names_the_stimulus_whose_drive_is_not_finite(bad: float) -> None:
    drive = torch.zeros(3, 5, 2)
    drive[1, 2, 0] = bad
    with pytest.warns(UserWarning, match=r"^stimulus 1 of 3: the drive or the states are not"):
        sf.simulate(shipped("model", "izhikevich"), drive, 0.1)
    drive[2] = bad
    with pytest.warns(UserWarning, match=r"^2 stimuli of 3: "):
        sf.simulate(shipped("filter", "sa"), drive, 0.1)


# --- runs ---


def test_a_run_says_it_of_each_block_with_its_key() -> None:
    experiment = check(
        sf.compose(
            "model@neurons.populations.sa.model=sa_silicon",
            "neurons.populations.ra.filter.parameters.tau_ra={low: 0.01, high: 0.02}",
        )
    )
    assert stiffness_lines(experiment)[0] == (
        "neurons.populations.sa.model: state I_ref decays in 0.00464 ms, faster than steps of "
        "0.1 ms can follow; set pipeline.substeps to 108 or more"
    )
    assert stiffness_lines(experiment)[1].startswith("neurons.populations.ra.filter: state y dec")
    assert len(stiffness_lines(experiment)) == 2


@pytest.mark.parametrize("dry", [True, False])
def test_the_line_comes_before_anything_is_run(tmp_path: Path, dry: bool) -> None:
    config = sf.compose(
        "model@neurons.populations.sa.model=sa_silicon",
        "pipeline.duration_ms=2",
        "neurons.sa_neurons=2",
        "~neurons.populations.ra",
        f"batch.output_dir={tmp_path / 'out'}",
        f"batch.dry_run={str(dry).lower()}",
    )
    with pytest.warns(UserWarning, match=r"set pipeline\.substeps to 108 or more"):
        sf.run(config)


def test_with_the_steps_that_it_names_the_silicon_neuron_runs(tmp_path: Path) -> None:
    results = sf.run(
        sf.compose(
            "model@neurons.populations.sa.model=sa_silicon",
            "pipeline.substeps=108",
            "pipeline.duration_ms=20",
            "neurons.sa_neurons=9",
            "~neurons.populations.ra",
            f"batch.output_dir={tmp_path / 'out'}",
        )
    )
    assert results is not None
    assert bool(results[0]["sa_spikes"].any())
