"""The published physics: neurons against independent simulators, filters against their closed forms."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from helpers.blocks import DTYPES, Real, held, shipped
from torch import Tensor

from sensoryforge.simulation.one_block import simulate

pytestmark = pytest.mark.usefixtures("one_thread")
Array = npt.NDArray[Any]

# Izhikevich 2003, doi:10.1109/TNN.2003.820440, figure 2; spikes in 1 s at I = 10, dt 0.1 ms.
IZHIKEVICH: dict[str, tuple[dict[str, float], int]] = {
    "RS": ({"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0}, 23),
    "IB": ({"a": 0.02, "b": 0.2, "c": -55.0, "d": 4.0}, 34),
    "CH": ({"a": 0.02, "b": 0.2, "c": -50.0, "d": 2.0}, 87),
    "FS": ({"a": 0.1, "b": 0.2, "c": -65.0, "d": 2.0}, 131),
    "LTS": ({"a": 0.02, "b": 0.25, "c": -65.0, "d": 2.0}, 77),
}
# Naud et al. 2008, doi:10.1007/s00422-008-0264-7, table 1, tonic spiking: pF, nS, mV, ms, pA.
TONIC = {
    "C": 200.0, "g_L": 10.0, "E_L": -70.0, "v_T": -50.0, "delta_T": 2.0, "a": 2.0,
    "tau_w": 30.0, "b": 0.0, "v_reset": -58.0, "v_peak": 0.0,
}  # fmt: skip
# Brette and Gerstner 2005, doi:10.1152/jn.00686.2005, table 1.
BRETTE_GERSTNER = {
    "C": 281.0, "g_L": 30.0, "E_L": -70.6, "v_T": -50.4, "a": 4.0, "tau_w": 144.0, "b": 80.5,
    "v_reset": -70.6, "v_peak": 20.0,
}  # fmt: skip
LIF = {"tau_m": 10.0, "R": 1.0, "E_L": -65.0, "v_th": -50.0, "v_reset": -65.0, "t_ref": 2.0}


def spike_times(spikes: Tensor | Array) -> list[Array]:
    """Return the samples with a spike, neuron by neuron, from [T, N]."""
    raster = np.asarray(spikes)
    return [np.flatnonzero(raster[:, n]) for n in range(raster.shape[1])]


# The reference simulators: the papers' equations in plain NumPy, forward Euler, every state moved before any reset.


def izhikevich(
    current: float, steps: int, dt: float, sets: list[dict[str, float]], real: Real
) -> Array:
    a, b, c, d = (np.array([p[n] for p in sets], real) for n in "abcd")
    v = np.full(len(sets), -65, real)
    u, step, drive, spikes = b * v, real(dt), real(current), np.zeros((steps, len(sets)), bool)
    for k in range(steps):
        dv = real(0.04) * (v * v) + real(5) * v + real(140) - u + drive
        v, u = v + step * dv, u + step * (a * (b * v - u))
        spikes[k] = v >= 30
        v, u = np.where(spikes[k], c, v), np.where(spikes[k], u + d, u)
    return spikes


def adex(currents: Array, steps: int, dt: float, p: dict[str, float]) -> Array:
    v, w = np.full(len(currents), p["E_L"]), np.zeros(len(currents))
    spikes = np.zeros((steps, len(currents)), bool)
    for k in range(steps):
        leak, onset = (
            p["g_L"] * (p["E_L"] - v),
            p["g_L"] * p["delta_T"] * np.exp((v - p["v_T"]) / p["delta_T"]),
        )
        dw = (p["a"] * (v - p["E_L"]) - w) / p["tau_w"]
        v, w = v + dt * (leak + onset - w + currents) / p["C"], w + dt * dw
        spikes[k] = v >= p["v_peak"]
        v, w = np.where(spikes[k], p["v_reset"], v), np.where(spikes[k], w + p["b"], w)
    return spikes


def lif(currents: Array, steps: int, dt: float, p: dict[str, float]) -> Array:
    v, waiting = np.full(len(currents), p["E_L"]), np.zeros(len(currents), int)
    spikes = np.zeros((steps, len(currents)), bool)
    for k in range(steps):
        moved = v + dt * (p["E_L"] - v + p["R"] * currents) / p["tau_m"]
        v, waiting = np.where(waiting > 0, v, moved), np.maximum(waiting - 1, 0)
        spikes[k] = v >= p["v_th"]
        v = np.where(spikes[k], p["v_reset"], v)
        waiting = np.where(spikes[k], round(p["t_ref"] / dt), waiting)
    return spikes


@pytest.fixture(scope="module")
def izhikevich_references() -> dict[Real, list[Array]]:
    """Spike times of the five types in one second at I = 10."""
    sets = [parameters for parameters, _ in IZHIKEVICH.values()]
    return {real: spike_times(izhikevich(10.0, 10_000, 0.1, sets, real)) for real in DTYPES}


@pytest.mark.parametrize("real", DTYPES)
@pytest.mark.parametrize("firing", IZHIKEVICH)
def test_izhikevich_types_fire_as_published_and_as_an_independent_simulator(
    firing: str, real: Real, izhikevich_references: dict[Real, list[Array]]
) -> None:
    """Its whole train in the same precision; FS is chaotic, so that float32 and float64 part after 15 spikes."""
    parameters, count = IZHIKEVICH[firing]
    times = np.flatnonzero(
        simulate(shipped("model", "izhikevich", **parameters), held(10, 10_000, real), 0.1)[
            "spikes"
        ]
    )
    assert abs(len(times) - count) <= max(2, 0.01 * count)
    for reference in izhikevich_references.values():
        expected = reference[[*IZHIKEVICH].index(firing)]
        np.testing.assert_array_equal(times[:15], expected[:15])
        assert abs(len(times) - len(expected)) <= max(2, 0.01 * count)
    np.testing.assert_array_equal(times, izhikevich_references[real][[*IZHIKEVICH].index(firing)])


def test_the_shipped_izhikevich_and_adex_and_lif_have_the_published_numbers() -> None:
    assert shipped("model", "izhikevich").parameters == {**IZHIKEVICH["RS"][0], "v_peak": 30.0}
    assert shipped("model", "adex").parameters == TONIC
    assert shipped("model", "lif").parameters == LIF


def test_regular_spiking_needs_a_current_of_3_80() -> None:
    """Sustained firing, in the second half of 1 s."""
    spikes = simulate(shipped("model", "izhikevich"), held([3.75, 3.85], 10_000), 0.1)["spikes"]
    assert spikes[0, 5000:].any(0).tolist() == [False, True]


@pytest.mark.parametrize(("dt_ms", "count"), [(1.0, 201), (0.5, 251), (0.1, 304)])
def test_coarse_steps_lose_the_known_number_of_spikes(dt_ms: float, count: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        block = shipped("model", "izhikevich", **IZHIKEVICH["FS"][0])
        spikes = simulate(block, held(20, round(1000 / dt_ms)), dt_ms, substeps=1)["spikes"]
    assert abs(int(spikes.sum()) - count) <= 1


@pytest.mark.parametrize("real", DTYPES)
def test_adex_spikes_when_an_independent_simulator_does(real: Real) -> None:
    """To the sample in float64, within one sample in float32."""
    currents = np.array([900.0, 1000.0, 1500.0])
    for changes in ({}, BRETTE_GERSTNER):
        spikes = simulate(shipped("model", "adex", **changes), held(currents, 3000, real), 0.1)[
            "spikes"
        ][0]
        pairs = zip(
            spike_times(spikes),
            spike_times(adex(currents, 3000, 0.1, TONIC | changes)),
            strict=True,
        )
        for got, expected in pairs:
            assert len(expected) > 1
            assert len(got) == len(expected)
            assert np.abs(got[:20] - expected[:20]).max() <= (1 if real is np.float32 else 0)


@pytest.mark.parametrize(
    ("changes", "rheobase"),
    [({}, 220.4), (BRETTE_GERSTNER, 627.0)],
    ids=["tonic", "Brette and Gerstner"],
)
def test_adex_fires_above_its_rheobase_within_1_pa(
    changes: dict[str, float], rheobase: float
) -> None:
    """Sustained: in the second half of 2 s."""
    drive = held([rheobase - 1, rheobase + 1], 20_000, np.float64)
    spikes = simulate(shipped("model", "adex", **changes), drive, 0.1)["spikes"]
    assert spikes[0, 10_000:].any(0).tolist() == [False, True]


@pytest.mark.parametrize("real", DTYPES)
def test_lif_spikes_when_an_independent_simulator_does(real: Real) -> None:
    currents = np.array([15.5, 17.0, 30.0, 100.0])
    spikes = simulate(shipped("model", "lif"), held(currents, 2000, real), 0.1)["spikes"][0]
    for got, expected in zip(
        spike_times(spikes), spike_times(lif(currents, 2000, 0.1, LIF)), strict=True
    ):
        np.testing.assert_array_equal(got[:20], expected[:20])
        assert len(got) == len(expected) > 1


@pytest.mark.parametrize("t_ref", [0.0, 2.0, 5.0])
def test_lif_rates_follow_their_formula(t_ref: float) -> None:
    """1/(t_ref + tau ln((RI - (v_reset - E_L))/(RI - (v_th - E_L)))), within 1%."""
    currents = np.array([15.5, 16.0, 18.0, 20.0, 25.0, 30.0])
    spikes = simulate(shipped("model", "lif", t_ref=t_ref), held(currents, 8000), 0.05)["spikes"][0]
    intervals = np.array([np.diff(times).mean() * 0.05 for times in spike_times(spikes)])
    np.testing.assert_allclose(
        intervals, t_ref + 10 * np.log(currents / (currents - 15)), rtol=0.01
    )


def test_lif_is_silent_below_its_threshold() -> None:
    assert not simulate(shipped("model", "lif"), held([0, 14.9, -50], 3000), 0.1)["spikes"].any()


@pytest.mark.parametrize("dt_ms", [0.1, 0.05, 0.025, 0.3])
def test_a_refractory_period_lasts_exactly_as_long_as_written(dt_ms: float) -> None:
    """Driven so hard that it fires at each step it may."""
    spikes = simulate(
        shipped("model", "lif", t_ref=3.0), held(1e5, round(60 / dt_ms)), dt_ms, substeps=3
    )["spikes"]
    steps = np.diff(spike_times(spikes[0])[0]) * dt_ms
    np.testing.assert_allclose(steps, 3.0, atol=dt_ms + 1e-6)


# Closed forms of the filters' response to a step of height A at t = 0; a sample's output is that at its end.


def sa_step(
    t: Array, tau_r: float = 5.0, tau_d: float = 30.0, k1: float = 0.05, k2: float = 3.0
) -> Array:
    slow, fast = np.exp(-t / tau_d), np.exp(-t / tau_r)
    return np.asarray(k1 * (1 - slow) + (k2 / tau_r - k1) * tau_r / (tau_d - tau_r) * (slow - fast))


def ra_step(t: Array, tau_ra: float = 3.0, k3: float = 1.0) -> Array:
    return np.asarray(k3 / tau_ra * np.exp(-t / tau_ra))


FILTERS: dict[str, Callable[[Array], Array]] = {"sa": sa_step, "ra": ra_step}


def filter_error(name: str, dt_ms: float, real: Real = np.float64, onset: int = 0) -> float:
    """Return the largest error of a step response over 150 ms, relative to the closed form's peak."""
    samples = round(150 / dt_ms)
    drive = torch.zeros(1, samples + onset, 1, dtype=DTYPES[real])
    drive[:, onset:] = 7.0
    output = simulate(shipped("filter", name), drive, dt_ms, substeps=1)["output"].ravel().numpy()
    assert not output[:onset].any()
    exact = 7 * FILTERS[name](np.arange(1, samples + 1) * dt_ms)
    return float(np.abs(output[onset:] - exact).max() / exact.max())


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_is_its_closed_form_and_its_error_halves_with_dt(name: str) -> None:
    errors = [filter_error(name, dt_ms) for dt_ms in (0.1, 0.05, 0.025)]
    assert errors[0] < 0.04
    assert errors[1] / errors[0] == pytest.approx(0.5, abs=0.02)
    assert errors[2] / errors[1] == pytest.approx(0.5, abs=0.02)
    assert filter_error(name, 0.1, np.float32) == pytest.approx(errors[0], abs=1e-4)


@pytest.mark.parametrize("name", FILTERS)
def test_a_stimulus_on_at_the_first_sample_is_an_onset_like_any_other(name: str) -> None:
    assert filter_error(name, 0.1, onset=40) == pytest.approx(filter_error(name, 0.1), rel=1e-9)


def test_the_sa_filter_peaks_and_holds_where_its_closed_form_does() -> None:
    output = simulate(shipped("filter", "sa"), held(1.0, 6000, np.float64), 0.05)["output"].ravel()
    assert output.max().item() == pytest.approx(0.08095, rel=0.01)
    assert output.argmax().item() * 0.05 == pytest.approx(14.387, abs=0.1)
    assert output[-1].item() == pytest.approx(0.05, rel=1e-3)


def test_the_ra_filter_answers_onset_and_offset_alike_and_forgets_the_hold() -> None:
    drive = torch.zeros(1, 4000, 1, dtype=torch.float64)
    drive[:, 1000:2500] = 5.0
    output = simulate(shipped("filter", "ra"), drive, 0.1)["output"].ravel()
    torch.testing.assert_close(output[1000:1500], output[2500:3000])
    assert output[2499] < 1e-9


def test_the_sa_output_is_clamped_and_its_states_are_not() -> None:
    drive = torch.zeros(1, 2000, 1)
    drive[:, :200] = 1.0
    out = simulate(shipped("filter", "sa"), drive, 0.1, record=("y",))
    assert out["output"].min() == 0
    assert out["y"].min() < 0
    assert torch.equal(out["output"], out["y"].clamp(min=0))


def test_the_filter_that_is_none_passes_the_drive() -> None:
    drive = torch.randn(2, 30, 3)
    assert torch.equal(simulate(shipped("filter", "none"), drive, 0.5)["output"], drive)
