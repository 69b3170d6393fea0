"""Whatever the grammar allows has the same bits on the numba backend as on torch: random filters and models."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import conditions, expressions
from test_numba_kernel import afferents, compare, dense, separable

from sensoryforge.equations.block import Block, Kind
from sensoryforge.equations.expressions import MAX_POWER
from sensoryforge.simulation.kernels import Drive

pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")

PARAMETERS = {"p": 0.7, "q": 3.0}


@st.composite
def random_blocks(draw: st.DrawFn, kind: Kind, count: int) -> Block:
    """A block of ``count`` states: some start at expressions, some go by what they become next."""
    states = [f"x{k}" for k in range(count)]
    inputs = [*states[:4], *PARAMETERS, "I", "t", "dt", *(["dI"] if kind == "filter" else [])]
    named = {"w": draw(expressions(*inputs)), "z": draw(expressions(*inputs, "w"))}
    known = expressions(*inputs, *named)
    initial = [draw(expressions(*PARAMETERS, *states[:k])) for k in range(3)]
    block: dict[str, Any] = {
        "states": dict(zip(states, [*initial, *(0.1 * k for k in range(count - 3))], strict=True)),
        "let": named,
        "next": {state: draw(known) for state in states[1::5]},
        "derivatives": {state: draw(known) for state in states if state not in states[1::5]},
        "parameters": PARAMETERS,
    }
    if kind == "filter":
        block["output"] = draw(known)
    else:
        block |= {
            "threshold": draw(conditions(known)),
            "reset": {state: draw(known) for state in states[:3]},
        }
    return Block.from_config(kind, block, f"random {kind}")


def drives(varied: bool) -> Drive:
    return separable([0, 1, 0], 2, 12, 33) if varied else dense([0, 1, 1], 12, 33)


@pytest.mark.slow
@settings(max_examples=4, derandomize=True)
@given(random_blocks("model", 17), st.booleans())
def test_random_models_have_the_bits_of_torch(model: Block, varied: bool) -> None:
    compare(
        afferents(None, model, varied=33 * varied, gain=1.0, noise_std=1.0),
        drives(varied),
        noise=True,
    )


@pytest.mark.slow
@settings(max_examples=3, derandomize=True)
@given(random_blocks("filter", 19), st.booleans())
def test_random_filters_have_the_bits_of_torch(filter: Block, varied: bool) -> None:
    compare(afferents(filter, None, varied=33 * varied, gain=1.0, substeps=2), drives(varied))


@pytest.mark.slow
@settings(max_examples=3, derandomize=True)
@given(random_blocks("filter", 8), random_blocks("model", 8), st.booleans())
def test_random_filters_and_models_together_have_the_bits_of_torch(
    filter: Block, model: Block, varied: bool
) -> None:
    a = afferents(filter, model, varied=33 * varied, gain=1.0, noise_std=1.0, substeps=2)
    compare(a, drives(not varied), noise=True)


@pytest.mark.parametrize(
    "exponent",
    [
        *(1, 2, MAX_POWER),
        *(pytest.param(power, marks=pytest.mark.slow) for power in range(3, MAX_POWER)),
    ],
)
def test_every_power_has_the_bits_of_torch(exponent: int) -> None:
    block = {
        "states": {"v": 0},
        "derivatives": {"v": f"I**{exponent} - v/dt"},
        "threshold": "v > 9",
        "reset": {"v": 0},
    }
    compare(
        afferents(None, Block.from_config("model", block, "power"), gain=1.0), dense([0, 1], 12, 33)
    )
