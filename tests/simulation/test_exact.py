"""Linear filters in exact steps: those of SciPy, whatever the step, with the same bits everywhere."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import test_numba_kernel as on_numba
import test_triton_kernel as on_triton
import torch
from helpers import warm
from helpers.blocks import CONF, load, shipped
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from test_numba_kernel import afferents, dense, draw, separable

import sensoryforge as sf
from sensoryforge.config.reading import check
from sensoryforge.equations.block import Block
from sensoryforge.equations.linear import ExactFilter, find_exact
from sensoryforge.running.dry_run import dry_run
from sensoryforge.running.estimate import estimate
from sensoryforge.running.preflight import stiffness_lines
from sensoryforge.simulation import Encoder, simulate
from sensoryforge.simulation.kernels import Afferents, Output
from sensoryforge.simulation.kernels.exact import (
    coefficients_of,
    matrix_exponential,
    step_exactly,
)
from sensoryforge.simulation.kernels.forecast import kernel_texts

pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")

Compare = Callable[..., Output]
COMPARE: list[Compare] = [on_numba.compare, on_triton.compare]
IDS = ["numba", "triton"]
LINEAR = ["sa", "ra", "sa2"]

CHAIN: dict[str, Any] = {
    "states": {"x": "k/4", "y": 0.1, "z": 0.0, "w": 0.3},
    "derivatives": {
        "x": "(k*abs(dI) - x)/tau + 0.1",
        "y": "where(k > 1, x - y, y)/(2*tau) - z*exp(-k)",
        "z": "(y - z)*0.5 + I/tau - sqrt(tau)*z",
        "w": "0.01*max(I, 0)",
    },
    "output": "z + 0.1*w",
    "parameters": {"k": 2.0, "tau": 5.0},
}


def block(**changes: Any) -> Block:
    return Block.from_config("filter", CHAIN | changes, "chain.yaml")


def exact(of: Block) -> ExactFilter:
    found = find_exact(of)
    assert found is not None
    return found


def numbers(of: Block) -> dict[str, float | torch.Tensor]:
    return {name: value for name, value in of.parameters.items() if isinstance(value, float)}


# --- the mathematics ---


@settings(max_examples=60, derandomize=True)
@given(st.integers(1, 5), st.integers(0, 10**6), st.sampled_from([1e-3, 0.1, 1.0, 20.0, 300.0]))
def test_the_matrix_exponential_is_scipys(size: int, seed: int, scale: float) -> None:
    generator = np.random.default_rng(seed)
    dense_matrix = scale * generator.normal(size=(size, size))
    dense_matrix -= scale * 2 * np.eye(size)  # most of what is stepped decays
    is_zero = generator.random((size, size)) < 0.3
    dense_matrix[is_zero] = 0.0
    entries = [
        [None if zero else torch.tensor(float(entry)).double() for entry, zero in zip(*row, strict=True)]
        for row in zip(np.float32(dense_matrix), is_zero, strict=True)
    ]  # fmt: skip
    wanted = expm(np.float32(dense_matrix).astype(np.float64))
    found = matrix_exponential(entries)
    ours = np.array([[0.0 if e is None else float(e) for e in row] for row in found])
    np.testing.assert_allclose(ours, wanted, rtol=1e-10, atol=1e-12 * np.abs(wanted).max())


def test_each_neuron_has_its_own_exponential() -> None:
    tau = draw(7, low=0.01, high=30.0).double()
    found = matrix_exponential([[-1 / tau]])[0][0]
    assert found is not None
    np.testing.assert_allclose(found.numpy(), np.exp(-1 / tau.numpy()), rtol=1e-13)


@pytest.mark.parametrize("dt_ms", [0.1, 0.5, 5.0])
def test_an_exact_step_is_the_solution_of_the_equations(dt_ms: float) -> None:
    """Against SciPy's integrator, sample after sample, from the equations as they are written."""
    of = block()
    samples = 12
    drive = draw(1, samples, 1, low=-1.0, name="drive").double()
    out = simulate(of, drive, dt_ms, integrator="exact", record=tuple(of.states))
    k, tau, before = 2.0, 5.0, 0.0
    state = np.array([k / 4, 0.1, 0.0, 0.3])
    for sample in range(samples):
        current = float(drive[0, sample, 0])
        slope = (current - before) / dt_ms
        before = current

        def derivatives(_: float, s: Any, current: float = current, slope: float = slope) -> Any:
            x, y, z, _w = s
            return [
                (k * abs(slope) - x) / tau + 0.1,
                (x - y) / (2 * tau) - z * math.exp(-k),
                (y - z) * 0.5 + current / tau - math.sqrt(tau) * z,
                0.01 * max(current, 0),
            ]

        solved = solve_ivp(derivatives, (0, dt_ms), state, method="DOP853", rtol=1e-11, atol=1e-13)
        state = solved.y[:, -1]
        found = np.array([float(out[name][0, sample, 0]) for name in of.states])
        np.testing.assert_allclose(found, state, rtol=2e-7, atol=2e-8)


@pytest.mark.parametrize("name", LINEAR)
def test_many_euler_steps_come_to_the_exact_one(name: str) -> None:
    of = shipped("filter", name)
    drive = draw(1, 60, 4, name="drive").double()
    wanted = simulate(of, drive, 0.5, integrator="exact")["output"]
    errors = []
    for substeps in (50, 500):
        found = simulate(of, drive, 0.5, substeps=substeps)["output"]
        errors.append(float((found - wanted).abs().max()))
    assert errors[0] < 0.02 * float(wanted.abs().max())
    assert errors[1] == pytest.approx(errors[0] / 10, rel=0.1)  # the error of Euler's is its step


def test_a_filter_far_too_stiff_for_its_steps_is_exact() -> None:
    quick = shipped("filter", "ra", tau_ra=0.003)
    out = simulate(quick, torch.linspace(0, 3, 7).reshape(1, 7, 1), 0.5, integrator="exact")
    np.testing.assert_allclose(out["output"].flatten()[1:], [1.0] * 6, rtol=1e-6)


# --- which filters are linear ---


NOT_LINEAR: list[dict[str, Any]] = [
    {"derivatives": {**CHAIN["derivatives"], "x": "-x*y"}},
    {"derivatives": {**CHAIN["derivatives"], "x": "-x*I"}},
    {"derivatives": {**CHAIN["derivatives"], "x": "-x*x/tau"}},
    {"derivatives": {**CHAIN["derivatives"], "x": "max(x, 0)"}},
    {"derivatives": {**CHAIN["derivatives"], "x": "where(I > 0, x, y)"}},
    {"derivatives": {**CHAIN["derivatives"], "x": "I/x"}},
    {"derivatives": {**CHAIN["derivatives"], "x": "sin(x)"}},
    {"derivatives": {**CHAIN["derivatives"], "x": "t - x"}},
    {"derivatives": {**CHAIN["derivatives"], "x": "-x/dt"}},
    {"step_ms": 0.1},
    {"derivatives": {k: v for k, v in CHAIN["derivatives"].items() if k != "w"}, "next": {"w": "I"}},
    {"states": {}, "derivatives": {}, "output": "I"},
]  # fmt: skip


@pytest.mark.parametrize("changes", NOT_LINEAR, ids=str)
def test_what_is_not_linear_keeps_eulers_steps(changes: dict[str, Any]) -> None:
    of = block(**{"parameters": {}} | changes) if "states" in changes else block(**changes)
    assert find_exact(of) is None
    drive = draw(1, 6, 3)
    euler = simulate(of, drive, 0.1)["output"]
    assert torch.equal(simulate(of, drive, 0.1, integrator="exact")["output"], euler)


def test_no_model_is_stepped_exactly() -> None:
    assert find_exact(shipped("model", "lif")) is None


def test_a_state_reads_only_what_reaches_it() -> None:
    of_states = set(exact(block()).of_states.values())
    assert ("x", "y") not in of_states
    assert ("y", "x") in of_states
    assert ("z", "x") in of_states
    assert ("w", "w") in of_states
    assert ("w", "z") not in of_states


def test_names_of_the_users_are_left_to_them() -> None:
    written = {
        "states": {"x": 0.0},
        "derivatives": {"x": "step_x_x*(I - x)"},
        "output": "x",
        "parameters": {"step_x_x": 0.25},
    }
    of = Block.from_config("filter", written, "here")
    out = simulate(of, torch.ones(1, 3, 1), 1.0, integrator="exact")["output"].flatten()
    np.testing.assert_allclose(out, 1 - np.exp(-0.25 * np.arange(1, 4)), rtol=1e-6)


# --- the same bits on every backend ---


@pytest.mark.parametrize("compare", COMPARE, ids=IDS)
@pytest.mark.parametrize("varied", [0, 67])
@pytest.mark.parametrize("substeps", [1, 5])
@pytest.mark.parametrize("of", [*LINEAR, "chain"])
def test_exact_steps_have_the_bits_of_torch(
    compare: Compare, of: str, varied: int, substeps: int
) -> None:
    filter = block() if of == "chain" else shipped("filter", of)
    a = afferents(filter, shipped("model", "izhikevich"), varied=varied, substeps=substeps)
    out = compare(step_exactly(a, exact(filter)), separable([0, 1, 0], 2, 41, 67))
    assert out.finite.all()


@pytest.mark.parametrize("compare", COMPARE, ids=IDS)
def test_a_filter_alone_and_one_of_many_operations_have_the_bits_of_torch(compare: Compare) -> None:
    compare(step_exactly(afferents(block(), None), exact(block())), dense([0, 1], 21, 30))
    stiff = shipped("model", "sa_silicon")
    a = afferents(block(), stiff, substeps=25)
    compare(step_exactly(a, exact(block())), dense([0, 1], 9, 30))


def test_coefficients_are_those_of_float64_rounded_once() -> None:
    of = shipped("filter", "sa")
    found = coefficients_of(exact(of), numbers(of), 0.5)
    assert float(found["step_x_x"]) == np.float32(math.exp(-0.1))
    assert float(found["input_x_x"]) == np.float32(5 * -math.expm1(-0.1))
    system = np.zeros((4, 4))
    system[:2, :2] = [[-1 / 5, 0], [1 / 30, -1 / 30]]
    system[:2, 2:] = np.eye(2)
    wanted = expm(system * 0.5).astype(np.float32)
    places = {"x": 0, "y": 1}
    for name, (state, other) in exact(of).of_states.items():
        assert float(found[name]) == wanted[places[state], places[other]]
    for name, (state, other) in exact(of).of_inputs.items():
        assert float(found[name]) == wanted[places[state], 2 + places[other]]


def test_neurons_with_the_same_numbers_have_the_bits_of_a_number_that_they_share() -> None:
    of = block()
    shared = coefficients_of(exact(of), numbers(of), 0.5)
    each = {name: torch.full((3,), float(value)) for name, value in numbers(of).items()}
    own = coefficients_of(exact(of), each, 0.5)
    assert list(shared) == list(own)
    for name, value in own.items():
        assert (torch.as_tensor(value) == torch.as_tensor(shared[name])).all()


def test_time_constants_can_be_learned_through_exact_steps() -> None:
    of = shipped("filter", "ra")
    tau = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    decay = coefficients_of(exact(of), {**numbers(of), "tau_ra": tau}, 0.5)["step_y_y"]
    assert isinstance(decay, torch.Tensor)
    decay.backward()
    assert tau.grad is not None
    assert float(tau.grad) == pytest.approx(0.5 / 9 * math.exp(-0.5 / 3), rel=1e-6)


# --- pipeline.integrator ---

SMALL = ("neurons.sa_neurons=6", "neurons.ra_neurons=6", "pipeline.duration_ms=60",
         "pipeline.grid_size=16", "stimuli.amplitude=[10, 30]")  # fmt: skip
EXACT = "pipeline.integrator=exact"


def encoded(*overrides: str, backend: str = "numba") -> dict[str, torch.Tensor]:
    experiment = check(sf.compose(*SMALL, *overrides))
    return Encoder(experiment, backend)([(0, 2)]).arrays


def test_the_default_is_euler() -> None:
    assert check(sf.compose()).integrator == "euler"
    ours, named = encoded(), encoded("pipeline.integrator=euler")
    assert all(torch.equal(ours[name], named[name]) for name in ours)


def test_an_experiment_with_exact_steps_is_the_same_on_torch_and_numba() -> None:
    save = "batch.save=[filtered]"
    ours, theirs = encoded(EXACT, save), encoded(EXACT, save, backend="torch")
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    euler = encoded(save)
    assert not torch.equal(ours["sa_filtered"], euler["sa_filtered"])
    np.testing.assert_allclose(ours["sa_filtered"], euler["sa_filtered"], atol=0.05)
    assert ours["sa_spikes"].any()


def test_substeps_of_the_model_do_not_change_an_exact_filter() -> None:
    save = "batch.save=[filtered]"
    few, many = (encoded(EXACT, save, f"pipeline.substeps={n}") for n in (5, 9))
    assert torch.equal(few["ra_filtered"], many["ra_filtered"])


def test_a_stiff_filter_asks_for_no_more_steps_where_it_is_exact() -> None:
    quick = "neurons.populations.ra.filter.parameters.tau_ra=0.01"
    (line,) = stiffness_lines(check(sf.compose(quick)))
    assert "neurons.populations.ra.filter: state y decays" in line
    assert stiffness_lines(check(sf.compose(quick, EXACT))) == []


def test_exact_filters_cost_less_and_are_what_will_be_compiled() -> None:
    euler, ours = (check(sf.compose(*SMALL, *more)) for more in ((), (EXACT,)))
    seconds = []
    for more in ((), (EXACT,)):
        fine = check(sf.compose("pipeline.substeps=50", *more))  # so that writing takes less
        seconds.append(estimate(fine, "numba", 10**5).seconds)
    assert seconds[1] < 0.8 * seconds[0]
    assert not kernel_texts(euler) & kernel_texts(ours)
    assert all("1 of the filter" in text.splitlines()[0] for text in kernel_texts(ours))


@pytest.mark.parametrize("spread", ["5.0", "{mean: 5.0, std: 0.5}"])
def test_the_kernels_foretold_are_those_that_run(
    spread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sensoryforge.simulation.kernels import numba_kernel

    loaded: set[str] = set()
    load_kernel = numba_kernel.load

    def keep(text: str) -> Any:
        loaded.add(text)
        return load_kernel(text)

    monkeypatch.setattr(numba_kernel, "load", keep)
    tau = f"neurons.populations.sa.filter.parameters.tau_r={spread}"
    experiment = check(sf.compose(*SMALL, EXACT, tau))
    Encoder(experiment, "numba")([(0, 1)])
    assert loaded == kernel_texts(experiment)


def test_a_dry_run_says_which_filters_keep_eulers_steps(tmp_path: Path) -> None:
    directory = f"batch.output_dir={tmp_path}"
    mixed = check(sf.compose("filter@neurons.populations.ra.filter=none", EXACT, directory))
    said = [line for line in dry_run(mixed) if "exact" in line]
    assert said == []  # a filter without states has no steps
    bent = "neurons.populations.ra.filter.derivatives.y='(k3*abs(dI) - y*y)/tau_ra'"
    said = [line for line in dry_run(check(sf.compose(bent, EXACT, directory))) if "exact" in line]
    assert said == ["Not linear, stepped by euler and not exact: the filter of ra"]
    assert not any("exact" in line for line in dry_run(check(sf.compose(bent, directory))))


@pytest.mark.parametrize("file", sorted(CONF.glob("filter/*.yaml")), ids=lambda f: f.stem)
def test_every_shipped_filter_runs_under_exact(file: Path) -> None:
    of = load(file)
    out = simulate(of, torch.rand(1, 9, 3), of.step_ms or 0.5, substeps=None, integrator="exact")
    assert out["output"].isfinite().all()


def test_lapack_is_not_asked(tmp_path: Path) -> None:
    """Its last bits differ between processors."""
    text = (
        "import torch, sensoryforge as sf\n"
        "from sensoryforge.equations.linear import find_exact\n"
        "from sensoryforge.simulation.kernels.exact import coefficients_of\n"
        "def no(*args, **more): raise AssertionError\n"
        "torch.matrix_exp = torch.linalg.matrix_exp = torch.matmul = torch.mm = torch.exp = no\n"
        "of = sf.load_block('filter/sa')\n"
        "print(len(coefficients_of(find_exact(of), dict(of.parameters), 0.5)))\n"
    )
    done = subprocess.run(
        [warm.python(), "-c", text], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout == "5\n"


def test_a_population_prepares_its_numbers_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from sensoryforge.simulation import population

    prepared: list[Afferents] = []

    def count(a: Afferents, of: ExactFilter) -> Afferents:
        prepared.append(a)
        return step_exactly(a, of)

    monkeypatch.setattr(population, "step_exactly", count)
    encoder = Encoder(check(sf.compose(*SMALL, EXACT)), "numba")
    encoder([(0, 1)])
    encoder([(1, 2)])
    assert len(prepared) == 2  # of sa and of ra
    encoder.populations["sa"].learn("filter.tau_r")
    encoder([(0, 1)])
    encoder([(1, 2)])
    assert len(prepared) == 4
