"""A ``next`` reads the values before the step, whatever stands on its right, on every backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import test_numba_kernel as on_numba
import test_triton_kernel as on_triton
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_numba_kernel import afferents, dense, separable

from sensoryforge.equations.block import Block
from sensoryforge.simulation.kernels import Afferents, Drive, Output, kernel

pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")

Compare = Callable[..., Output]
COMPARE: list[Compare] = [on_numba.compare, on_triton.compare]
IDS = ["numba", "triton"]

SHUFFLES: dict[str, dict[str, str]] = {
    "swap": {"a": "b", "b": "a", "c": "c"},
    "rotation": {"a": "b", "b": "c", "c": "a"},
    "other rotation": {"a": "c", "b": "a", "c": "b"},
    "delay line": {"a": "I", "b": "a", "c": "b"},
    "backward delay line": {"c": "I", "b": "c", "a": "b"},
    "all one": {"a": "b", "b": "b", "c": "b"},
    "all two": {"a": "a", "b": "a", "c": "a"},
}


def shuffle(moves: dict[str, str]) -> Block:
    written = {
        "states": {"a": 1.0, "b": 2.0, "c": 3.0},
        "next": moves,
        "output": "a + 10*b + 100*c",
    }
    return Block.from_config("filter", written, "shuffle")


def expected(moves: dict[str, str], drive: np.ndarray[Any, Any], substeps: int) -> list[float]:
    """Return the outputs of a neuron, by a loop that puts the old values aside."""
    states = {"a": 1.0, "b": 2.0, "c": 3.0}
    outputs = []
    for current in drive:
        for _ in range(substeps):
            old = {**states, "I": float(current)}
            states = {state: old[source] for state, source in moves.items()}
        outputs.append(states["a"] + 10 * states["b"] + 100 * states["c"])
    return outputs


@pytest.mark.parametrize("compare", COMPARE, ids=IDS)
@pytest.mark.parametrize("substeps", [1, 2, 3])
@pytest.mark.parametrize("moves", SHUFFLES.values(), ids=SHUFFLES)
def test_a_bare_state_on_the_right_has_its_old_value(
    compare: Compare, moves: dict[str, str], substeps: int
) -> None:
    drive = dense([0, 1], 9, 20)
    out = compare(afferents(shuffle(moves), None, substeps=substeps), drive)
    assert drive.frames is not None
    for condition in range(2):
        wanted = expected(moves, drive.frames[condition, :, 3].numpy(), substeps)
        found = out.traces["filtered"][condition, :, 3]
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("compare", COMPARE, ids=IDS)
def test_every_way_to_take_over_three_states_reads_the_old_values(compare: Compare) -> None:
    for number in range(27):
        sources = ["abc"[number // 9], "abc"[number // 3 % 3], "abc"[number % 3]]
        moves = dict(zip("abc", sources, strict=True))
        out = compare(afferents(shuffle(moves), None, substeps=2), dense([0], 4, 3))
        wanted = expected(moves, np.zeros(4), 2)
        assert out.traces["filtered"][0, :, 0].tolist() == wanted


SWAPPING = {
    "states": {"v": 0.0, "w": 0.5, "n": 0.0, "k": 0.0, "at": 0.0, "held": 0.0},
    "let": {"push": "I + w"},
    "derivatives": {"w": "(push - w)/tau"},
    "next": {
        "v": "v - v/tau + 0.1*push",
        "n": "k",
        "k": "n + 1",
        "at": "t",
        "held": "tau",
    },
    "threshold": "v >= 1 and n < 1e9",
    "reset": {"v": "0.1*w", "n": "k", "k": "n"},
    "parameters": {"tau": 5.0},
}


@pytest.mark.parametrize("compare", COMPARE, ids=IDS)
@pytest.mark.parametrize("substeps", [1, 3])
@pytest.mark.parametrize("varied", [0, 20])
def test_recurrences_beside_derivatives_and_resets_have_the_bits_of_torch(
    compare: Compare, substeps: int, varied: int
) -> None:
    model = Block.from_config("model", SWAPPING, "swapping")
    a = afferents(shuffle(SHUFFLES["swap"]), model, varied=varied, gain=0.02, substeps=substeps)
    out = compare(a, separable([0, 1, 0], 2, 41, 20))
    assert out.spikes is not None
    assert out.spikes.any()


def test_resets_read_what_next_made_and_all_of_them_the_same() -> None:
    """After a spike n and k are swapped, from the values after the step."""
    model = Block.from_config("model", SWAPPING | {"threshold": "k >= 3"}, "swapping")
    out = kernel("torch")(
        Afferents(None, model, model_values={"tau": 5.0}), dense([0], 6, 1), None, ("n", "k")
    )
    n, k, swapped = 0, 0, []
    for _ in range(6):
        n, k = k, n + 1
        if k >= 3:
            n, k = k, n
        swapped.append((n, k))
    assert (
        list(zip(*(out.traces[s].flatten().int().tolist() for s in "nk"), strict=True)) == swapped
    )


def test_a_recurrence_has_gradients() -> None:
    written = {
        "states": {"x": 0.0, "y": 0.0},
        "next": {"x": "k*x + I", "y": "x"},
        "output": "y",
        "parameters": {"k": 0.5},
    }
    k = torch.tensor(0.5, requires_grad=True)
    a = Afferents(Block.from_config("filter", written, "x"), None, filter_values={"k": k})
    ones = Drive(torch.tensor([0]), frames=torch.ones(1, 4, 1))
    kernel("torch")(a, ones, None, ("output",)).traces["output"][0, -1].backward()
    # y after four steps is x after three: 1 + k + k**2.
    assert k.grad is not None
    assert float(k.grad) == pytest.approx(1 + 2 * 0.5)


@st.composite
def recurrences(draw_value: st.DrawFn) -> dict[str, str]:
    """Return the next values of four states: others, the current, or an operation on them."""
    sources = st.sampled_from(["a", "b", "c", "d", "I", "t", "p", "0.5"])
    combined = st.builds("0.5*({} - {})".format, sources, sources)
    waves = st.builds("{}({})".format, st.sampled_from(["cos", "sin"]), sources)
    values = st.one_of(sources, sources, combined, waves)
    return {state: draw_value(values) for state in "abcd"}


@pytest.mark.slow
@pytest.mark.parametrize("compare", COMPARE, ids=IDS)
@pytest.mark.parametrize("kind", ["filter", "model"])
@settings(max_examples=6, derandomize=True, deadline=None)
@given(moves=recurrences(), substeps=st.sampled_from([1, 2]))
def test_random_recurrences_have_the_bits_of_torch(
    compare: Compare, kind: str, moves: dict[str, str], substeps: int
) -> None:
    written: dict[str, Any] = {
        "states": {"a": 0.1, "b": 0.2, "c": "p", "d": -0.5},
        "next": moves,
        "parameters": {"p": 0.3},
    }
    if kind == "filter":
        block = Block.from_config("filter", written | {"output": "a - b + c - d"}, "random")
        a = afferents(block, None, varied=20, substeps=substeps)
    else:
        fires = {"threshold": "a > b", "reset": {"a": "b", "b": "a", "c": "d"}}
        block = Block.from_config("model", written | fires, "random")
        a = afferents(None, block, varied=20, gain=1.0, noise_std=0.1, substeps=substeps)
    compare(a, dense([0, 1], 9, 20), noise=kind == "model")


def test_states_that_become_one_number_are_traced_for_every_neuron() -> None:
    block = Block.from_config(
        "filter",
        {"states": {"x": 0.0}, "next": {"x": "2"}, "output": "x"},
        "constant",
    )
    out = kernel("torch")(Afferents(block, None), dense([0, 1], 3, 4), None, ("x",))
    assert out.traces["x"].shape == (2, 3, 4)
    assert (out.traces["x"] == 2).all()
