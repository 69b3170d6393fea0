"""One block on a drive: the order of a step, what is recorded, gradients, messages."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from helpers.blocks import DTYPES, Real, held, shipped
from torch import Tensor

from sensoryforge.core.errors import ConfigError
from sensoryforge.equations.block import Block
from sensoryforge.simulation.kernels import Afferents, Drive, kernel
from sensoryforge.simulation.one_block import simulate

pytestmark = pytest.mark.usefixtures("one_thread")


def model(**changes: Any) -> Block:
    """Return x with dx/dt = I, cut at 3."""
    written = {
        "states": {"x": 0},
        "derivatives": {"x": "I"},
        "threshold": "x >= 3",
        "reset": {"x": 0},
    }
    return Block.from_config("model", written | changes, "mine.yaml")


@pytest.mark.parametrize("backend", ["torch", "numba"])
@pytest.mark.parametrize("state", ["self", "times", "inputs", "block", "np"])
def test_no_name_of_the_grammar_is_a_word_of_ours(state: str, backend: str) -> None:
    changes = {
        "states": {state: 0},
        "derivatives": {state: "I*k"},
        "threshold": f"{state} >= 3",
        "reset": {state: 0},
    }
    named = model(**changes, parameters={"key": 1.0, "k": 2.0}).with_parameters(k=1.0)
    drive = torch.full((1, 40, 2), 3.0)
    out = simulate(named, drive, 0.1, backend=backend, record=[state])
    usual = simulate(model(), drive, 0.1, record=["x"])
    assert torch.equal(out["spikes"], usual["spikes"])
    assert torch.equal(out[state], usual["x"])


@pytest.mark.parametrize("backend", ["torch", "numba"])
def test_a_filter_and_its_parameter_may_be_named_self(backend: str) -> None:
    for block in (
        {"states": {"self": 0}, "parameters": {"k": 2.0}},
        {"states": {"k": 0}, "parameters": {"self": 2.0}},
    ):
        (state,) = block["states"]
        block |= {"derivatives": {state: "I - self*k"}, "output": "self + k"}
        drive = torch.ones(1, 9, 1)
        out = simulate(
            Block.from_config("filter", block, "mine.yaml"), drive, 0.1, backend=backend
        )["output"]
        assert out[0, -1].item() == pytest.approx(2 + (1 - 0.8**9) / 2, rel=1e-5)


# The order of a step. A step of 1/16 ms is exact in binary.
STEP = 0.0625


def test_a_reset_costs_no_time() -> None:
    """One unit a step, cut at 3: x is 0 again in the step that spiked, and the next step moves it."""
    out = simulate(model(), held(16.0, 9), STEP, record=("x",))
    assert out["x"].ravel().tolist() == [1, 2, 0] * 3
    assert out["spikes"].ravel().tolist() == [False, False, True] * 3


def test_a_reset_happens_in_the_substep_that_crossed() -> None:
    out = simulate(model(), held(16.0, 4), 4 * STEP, substeps=4, record=("x",))
    assert out["x"].ravel().tolist() == [1, 2, 0, 1]
    assert out["spikes"].ravel().tolist() == [True, True, True, True]


def test_right_hand_sides_read_old_values_and_resets_the_moved_ones() -> None:
    block = model(
        states={"x": 1, "y": 0},
        derivatives={"x": "16*y", "y": "16*x"},
        threshold="y > 1",
        reset={"x": "y", "y": "-x"},
    )
    out = simulate(block, held(0.0, 3, np.float64), STEP, record=("x", "y"))
    assert list(zip(out["x"].ravel().tolist(), out["y"].ravel().tolist(), strict=True)) == [
        (1, 1),
        (2, -2),
        (0, 0),
    ]
    assert out["spikes"].ravel().tolist() == [False, True, False]


def test_a_state_without_a_reset_goes_on() -> None:
    block = model(states={"x": 0, "n": 0}, derivatives={"x": "I", "n": 16})
    assert simulate(block, held(16.0, 6), STEP, record=("n",))["n"].ravel().tolist() == [
        1,
        2,
        3,
        4,
        5,
        6,
    ]


def test_time_is_that_at_the_start_of_the_step() -> None:
    block = model(derivatives={"x": 0}, threshold="t >= 0.25 and t < 0.5")
    assert simulate(block, held(0.0, 12), STEP)["spikes"].ravel().tolist() == [
        4 <= k < 8 for k in range(12)
    ]


def test_every_neuron_and_stimulus_has_its_own_drive() -> None:
    drive = torch.tensor([[16.0, 0.0, 48.0], [8.0, 24.0, -1.0]])[:, None, :].expand(2, 12, 3)
    assert simulate(model(), drive, STEP)["spikes"].sum(1).tolist() == [[4, 0, 12], [2, 6, 0]]


def test_a_sample_is_split_into_steps_of_at_most_a_tenth_of_a_millisecond() -> None:
    """By default 0.5 ms takes five steps, with the same bits as a drive written at 0.1 ms."""
    block = shipped("model", "izhikevich")
    drive = torch.rand(2, 300, 3, generator=torch.Generator().manual_seed(2)) * 30
    coarse = simulate(block, drive, 0.5, record=("v",))
    fine = simulate(block, drive.repeat_interleave(5, 1), 0.1, record=("v",))
    assert torch.equal(coarse["v"], fine["v"][:, 4::5])
    assert torch.equal(coarse["spikes"], fine["spikes"].unflatten(1, (300, 5)).any(2))
    assert torch.equal(coarse["v"], simulate(block, drive, 0.5, substeps=5, record=("v",))["v"])


@pytest.mark.parametrize(
    ("dt_ms", "steps"), [(0.05, 1), (0.1, 1), (0.3, 3), (0.5, 5), (1.0, 10), (0.25, 3)]
)
def test_the_default_never_warns_and_takes_the_fewest_steps(dt_ms: float, steps: int) -> None:
    count = model(states={"x": 0, "n": 0}, derivatives={"x": 0, "n": "1/dt"})
    assert simulate(count, held(0.0, 1), dt_ms, record=("n",))["n"].item() == pytest.approx(steps)


def test_a_step_above_a_tenth_of_a_millisecond_is_warned_of_with_the_number() -> None:
    with pytest.warns(
        UserWarning,
        match=r"^an integration step of 0\.25 ms loses spikes; set substeps to 5 or more$",
    ):
        simulate(model(), held(0.0, 2), 0.5, substeps=2)


def test_recorded_states_have_the_shape_of_the_drive_and_end_at_the_last_step() -> None:
    out = simulate(shipped("model", "lif"), torch.zeros(2, 5, 3), 0.5, record=("r", "v"))
    assert list(out) == ["spikes", "r", "v"]
    assert out["spikes"].dtype == torch.bool
    assert all(values.shape == (2, 5, 3) for values in out.values())
    leaking = simulate(
        shipped("model", "lif"), held(10.0, 3, np.float64), 0.5, substeps=5, record=("v",)
    )["v"].ravel()
    np.testing.assert_allclose(leaking, [-65 + 10 * (1 - 0.99 ** (5 * k)) for k in (1, 2, 3)])


@pytest.mark.parametrize(("kind", "name"), [("model", "lif"), ("filter", "sa")])
def test_only_what_was_asked_for_is_returned(kind: str, name: str) -> None:
    assert list(simulate(shipped(kind, name), torch.zeros(1, 2, 1), 0.1)) == [
        {"model": "spikes", "filter": "output"}[kind]
    ]


@pytest.mark.parametrize("real", DTYPES)
def test_the_drive_sets_the_precision(real: Real) -> None:
    out = simulate(shipped("model", "adex"), held(300.0, 10, real), 0.1, record=("v",))
    assert out["v"].dtype == DTYPES[real]


def test_parameters_that_are_distributions_differ_between_neurons_and_follow_the_seed() -> None:
    block = shipped("model", "lif", v_th={"low": -55, "high": -45})
    first, again, other = (
        simulate(block, held([30.0] * 20, 500), 0.1, seed=seed)["spikes"] for seed in (1, 1, 2)
    )
    assert len(first.sum(1).unique()) > 3
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_drive_that_is_not_contiguous_gives_the_same_bits() -> None:
    drive = torch.rand(3, 4, 100).permute(1, 2, 0) * 30
    block = shipped("model", "izhikevich")
    assert torch.equal(
        simulate(block, drive, 0.1)["spikes"], simulate(block, drive.contiguous(), 0.1)["spikes"]
    )


# Gradients.


def filtered(block: Block, drive: Tensor, values: dict[str, Tensor]) -> Tensor:
    run = kernel("torch")(
        Afferents(block, None, values, dt_ms=0.1),
        Drive(torch.arange(2), frames=drive),
        None,
        ("output",),
    )
    return run.traces["output"]


@pytest.mark.parametrize("name", ["sa", "ra"])
def test_gradients_flow_from_a_filters_output_to_drive_and_parameters(name: str) -> None:
    block = shipped("filter", name)
    drive = (
        torch.rand(2, 6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).cumsum(
            1
        )
        + 1
    )
    values = [
        torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in block.parameters.values()
    ]
    inputs = (drive.requires_grad_(), *values)
    assert torch.autograd.gradcheck(
        lambda d, *v: filtered(block, d, dict(zip(block.parameters, v, strict=True))), inputs
    )


@pytest.mark.parametrize("real", DTYPES)
def test_gradients_flow_through_simulate(real: Real) -> None:
    drive = held(3.0, 20, real).clone().requires_grad_()
    simulate(shipped("filter", "sa"), drive, 0.1)["output"][:, -1].sum().backward()
    assert drive.grad is not None
    assert drive.grad.isfinite().all()
    assert (drive.grad != 0).any()


def test_gradients_of_a_float32_membrane_agree_with_float64() -> None:
    """The exponential of adex is a polynomial in float32 and the library's in float64."""
    gradients = []
    for real in DTYPES:
        drive = held([250.0, 400.0], 120, real).clone().requires_grad_()
        simulate(shipped("model", "adex"), drive, 0.1, record=("v",))["v"][:, -1].sum().backward()
        assert drive.grad is not None
        gradients.append(drive.grad.double())
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-3, atol=1e-7)


# Messages.


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"drive": torch.zeros(3, 4)}, "drive: got torch.float32 [3, 4]; allowed: float32 or float64 [B,T,N]"),
        ({"drive": torch.zeros(1, 0, 4)}, "drive: got torch.float32 [1, 0, 4]; allowed: float32 or float64 [B,T,N]"),
        ({"drive": torch.zeros(1, 2, 4).int()}, "drive: got torch.int32 [1, 2, 4]; allowed: float32 or float64"),
        ({"drive": torch.zeros(1, 2, 4).half()}, "drive: got torch.float16 [1, 2, 4]; allowed: float32 or float64"),
        ({"drive": np.zeros((1, 2, 4))}, "drive: got ndarray; allowed: a tensor, float32 or float64 [B,T,N]"),
        ({"dt_ms": 0}, "dt_ms: got 0; allowed: a number > 0"),
        ({"dt_ms": math.nan}, "dt_ms: got nan; allowed: a number > 0"),
        ({"dt_ms": math.inf}, "dt_ms: got inf; allowed: a number > 0"),
        ({"dt_ms": "0.1"}, "dt_ms: got '0.1'; allowed: a number > 0"),
        ({"substeps": 0}, "substeps: got 0; allowed: None or a whole number >= 1"),
        ({"substeps": 1.5}, "substeps: got 1.5; allowed: None or a whole number >= 1"),
        ({"record": ("v", "tau")}, "record: unknown state 'tau'; known: v, u"),
        ({"record": ("V",)}, "record: unknown state 'V'; known: v, u"),
        ({"backend": "toch"}, "backend: got 'toch'; allowed: auto, "),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_one_line(changes: dict[str, Any], line: str) -> None:
    arguments: dict[str, Any] = {"drive": torch.zeros(1, 2, 4), "dt_ms": 0.1} | changes
    with pytest.raises(ConfigError) as caught:
        simulate(shipped("model", "izhikevich"), **arguments)
    (found,) = caught.value.problems
    assert line in found


def test_all_wrong_arguments_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        simulate(shipped("model", "lif"), torch.zeros(2), -1.0, substeps=-1, record=("w",))
    assert [line.partition(":")[0] for line in caught.value.problems] == [
        "drive",
        "dt_ms",
        "substeps",
        "record",
    ]


def test_a_known_backend_is_suggested_for_a_mistyped_one() -> None:
    with pytest.raises(ConfigError, match="did you mean 'torch'"):
        simulate(model(), torch.zeros(1, 2, 1), 0.1, backend="troch")
