"""The shipped neuron models do what their sources say: numbers, and what the figures show."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from helpers.blocks import held

import sensoryforge as sf
from sensoryforge.simulation.one_block import simulate

pytestmark = pytest.mark.usefixtures("one_thread")
Array = npt.NDArray[Any]
STEP_MS = 0.1


def spike_times(name: str, drive: Array, substeps: int = 1, **parameters: Any) -> Array:
    """Return when a model spikes, in ms, on a drive with samples of 0.1 ms."""
    block = sf.load_block(f"model/{name}", **parameters)
    frames = torch.as_tensor(drive, dtype=torch.float32).reshape(1, -1, 1)
    spikes = simulate(block, frames, STEP_MS, substeps=substeps)["spikes"]
    return np.flatnonzero(spikes.numpy()) * STEP_MS


def pulses(duration_ms: float, *parts: tuple[float, float, float]) -> Array:
    """Return a drive that is 0 but for some parts, each from and to when (ms), and how high."""
    drive = np.zeros(round(duration_ms / STEP_MS))
    for start, stop, height in parts:
        drive[round(start / STEP_MS) : round(stop / STEP_MS)] = height
    return drive


# --- Izhikevich's, by name ---

NAMED_2003 = {
    "izhikevich": (0.02, 0.2, -65.0, 8.0),
    "izhikevich_ib": (0.02, 0.2, -55.0, 4.0),
    "izhikevich_ch": (0.02, 0.2, -50.0, 2.0),
    "izhikevich_fs": (0.1, 0.2, -65.0, 2.0),
    "izhikevich_tc": (0.02, 0.25, -65.0, 0.05),
    "izhikevich_rz": (0.1, 0.26, -65.0, 2.0),
    "izhikevich_lts": (0.02, 0.25, -65.0, 2.0),
}
"""a, b, c, d of Izhikevich 2003, doi:10.1109/TNN.2003.820440, figure 2."""
NAMED_2004 = {
    "izhikevich_latency": (0.02, 0.2, -65.0, 6.0),
    "izhikevich_phasic_spiking": (0.02, 0.25, -65.0, 6.0),
    "izhikevich_phasic_bursting": (0.02, 0.25, -55.0, 0.05),
    "izhikevich_adapting": (0.01, 0.2, -65.0, 8.0),
    "izhikevich_class1": (0.02, -0.1, -55.0, 6.0),
    "izhikevich_class2": (0.2, 0.26, -65.0, 0.0),
    "izhikevich_resonator": (0.1, 0.26, -60.0, -1.0),
    "izhikevich_rebound_spike": (0.03, 0.25, -60.0, 4.0),
    "izhikevich_rebound_burst": (0.03, 0.25, -52.0, 0.0),
    "izhikevich_bistable": (0.1, 0.26, -60.0, 0.0),
    "izhikevich_accommodating": (0.02, 1.0, -55.0, 4.0),
    "izhikevich_subthreshold": (0.05, 0.26, -60.0, 0.0),
    "izhikevich_inhibited_spiking": (-0.02, -1.0, -60.0, 8.0),
    "izhikevich_inhibited_bursting": (-0.026, -1.0, -45.0, 0.0),
}
"""Those of Izhikevich 2004, doi:10.1109/TNN.2004.832719, figure 1, as its program has them."""


@pytest.mark.parametrize(("name", "numbers"), [*NAMED_2003.items(), *NAMED_2004.items()])
def test_a_named_behaviour_has_the_published_numbers(name: str, numbers: tuple[float, ...]) -> None:
    parameters = sf.load_block(f"model/{name}").parameters
    assert tuple(parameters[key] for key in "abcd") == numbers


def test_every_named_behaviour_is_looked_at_here() -> None:
    shipped = {option for option in options_of_models() if option.startswith("izhikevich")}
    assert shipped == {*NAMED_2003, *NAMED_2004}


def options_of_models() -> list[str]:
    from sensoryforge.config.kinds import option_names

    return option_names("model")


@pytest.mark.parametrize("name", options_of_models())
def test_a_model_without_a_drive_is_at_rest(name: str) -> None:
    block = sf.load_block(f"model/{name}")
    dt_ms = block.step_ms or STEP_MS
    substeps = 25 if name == "sa_silicon" else 1
    at_rest = torch.zeros(1, round(500 / dt_ms), 1)
    assert not simulate(block, at_rest, dt_ms, substeps=substeps)["spikes"].any()


SPIKES_IN_A_SECOND = {
    "izhikevich": 23,
    "izhikevich_ib": 34,
    "izhikevich_ch": 87,
    "izhikevich_fs": 131,
    "izhikevich_lts": 77,
}
"""At I = 10 in steps of 0.1 ms, by an independent simulator (tests/simulation/test_physics.py)."""


@pytest.mark.parametrize(("name", "count"), SPIKES_IN_A_SECOND.items())
def test_the_types_of_2003_fire_as_often_as_an_independent_simulator_says(
    name: str, count: int
) -> None:
    assert abs(len(spike_times(name, np.full(10_000, 10.0))) - count) <= 2


def test_intrinsically_bursting_begins_with_a_burst_and_goes_on_with_single_spikes() -> None:
    intervals = np.diff(spike_times("izhikevich_ib", pulses(500, (20, 500, 10))))
    assert intervals[0] < 5
    assert intervals[3:].min() > 15


def test_chattering_bursts_again_and_again() -> None:
    intervals = np.diff(spike_times("izhikevich_ch", pulses(500, (20, 500, 10))))
    assert (intervals > 15).sum() >= 5  # between bursts
    assert (intervals < 6).sum() >= 15  # within them


def test_low_threshold_spiking_fires_at_a_current_that_leaves_regular_spiking_silent() -> None:
    weak = pulses(1000, (0, 1000, 2))
    assert len(spike_times("izhikevich_lts", weak)) > 0
    assert len(spike_times("izhikevich", weak)) == 0


def test_thalamo_cortical_is_tonic_when_pushed_and_bursts_when_let_go_of() -> None:
    tonic = spike_times("izhikevich_tc", pulses(600, (100, 600, 2)))
    assert len(tonic) > 15
    rebound = spike_times("izhikevich_tc", pulses(600, (100, 300, -20)))
    assert len(rebound) >= 3
    assert rebound.min() > 300
    assert rebound.max() < 400


@pytest.mark.parametrize(
    ("name", "current", "spikes"),
    [
        ("izhikevich_phasic_spiking", 0.5, (1, 1)),
        ("izhikevich_phasic_bursting", 0.6, (4, 12)),
    ],
)
def test_a_phasic_neuron_answers_an_onset_and_no_hold(
    name: str, current: float, spikes: tuple[int, int]
) -> None:
    times = spike_times(name, pulses(600, (40, 600, current)))
    fewest, most = spikes
    assert fewest <= len(times) <= most
    assert times.max() < 100


def test_adapting_intervals_grow() -> None:
    intervals = np.diff(spike_times("izhikevich_adapting", pulses(400, (20, 400, 30))))
    assert (np.diff(intervals[:5]) > 0).all()
    assert intervals[-1] > 10 * intervals[0]


def test_class_1_begins_with_a_low_rate_and_class_2_with_a_high_one() -> None:
    """The slowest lasting rates on a fine ladder of currents."""

    def slowest(name: str, currents: Array) -> int:
        spikes = simulate(sf.load_block(f"model/{name}"), held(currents, 10_000), STEP_MS)["spikes"]
        rates = spikes[0].sum(dim=0).tolist()
        return min(rate for rate in rates if rate > 3)

    assert slowest("izhikevich_class1", np.arange(3.0, 6.0, 0.25)) < 12
    assert slowest("izhikevich_class2", np.arange(0.5, 1.0, 0.05)) > 25


def test_class_1_sums_inputs_the_closer_the_better() -> None:
    fires = [
        len(spike_times("izhikevich_class1", pulses(200, (50, 52, 9), (50 + gap, 52 + gap, 9))))
        for gap in (5, 10, 15)
    ]
    assert fires == [1, 0, 0]


def test_a_resonator_answers_two_inputs_one_period_apart_and_not_half_a_period() -> None:
    fires = []
    for gap in (20, 40):
        pair = pulses(400, (200, 204, 0.65), (200 + gap, 204 + gap, 0.65))
        fires.append(len(spike_times("izhikevich_resonator", pair)))
    assert fires == [0, 1]


def test_a_spike_is_the_later_the_weaker_the_input_was() -> None:
    latencies = []
    for height in (7.9, 8.5, 10.0):
        (time,) = spike_times("izhikevich_latency", pulses(100, (20, 23, height)))
        latencies.append(time - 20)
    assert latencies[0] > latencies[1] > latencies[2]


def test_rebounds_follow_inhibition() -> None:
    released = pulses(400, (100, 105, -15))
    assert len(spike_times("izhikevich_rebound_spike", released)) == 1
    burst = spike_times("izhikevich_rebound_burst", released)
    assert len(burst) >= 5
    assert np.diff(burst).max() < 10


def test_inhibition_before_an_input_lowers_the_threshold_for_it() -> None:
    """Threshold variability, figure 1O: the neuron of the rebound spike."""
    alone = pulses(300, (200, 205, 1))
    assert len(spike_times("izhikevich_rebound_spike", alone)) == 0
    inhibited = pulses(300, (190, 195, -6), (200, 205, 1))
    assert len(spike_times("izhikevich_rebound_spike", inhibited)) == 1


def test_a_bistable_neuron_is_switched_on_and_off_by_brief_inputs() -> None:
    switched_on = spike_times("izhikevich_bistable", pulses(800, (200, 205, 1)))
    assert switched_on.min() > 200
    assert switched_on.max() > 700
    switched_off = spike_times("izhikevich_bistable", pulses(800, (200, 205, 1), (409, 414, 1)))
    assert 300 < switched_off.max() < 410


def test_accommodation_is_silent_on_a_slow_ramp_and_fires_on_a_quick_one_half_as_high() -> None:
    t = np.arange(0, 500, STEP_MS)
    slow = np.where(t < 200, t / 25, 0.0)
    quick = np.where((t >= 300) & (t < 312.5), (t - 300) / 12.5 * 4, 0.0)
    assert slow.max() > 1.9 * quick.max()
    (time,) = spike_times("izhikevich_accommodating", slow + quick)
    assert 300 < time < 315


def test_inhibition_makes_spikes_and_bursts() -> None:
    """Held at 80 they are silent; 5 less makes one fire singly, the other in bursts."""
    inhibited = pulses(400, (50, 250, -5))
    single = spike_times("izhikevich_inhibited_spiking", inhibited)
    assert 3 <= len(single) <= 6
    assert np.diff(single).min() > 30
    intervals = np.diff(spike_times("izhikevich_inhibited_bursting", inhibited))
    assert (intervals < 4).sum() >= 20
    assert (intervals > 50).sum() == 2


def test_subthreshold_oscillations_follow_a_spike() -> None:
    """After it v swings around -62.5, 40 to 60 ms a wave, the waves smaller and smaller."""
    block = sf.load_block("model/izhikevich_subthreshold")
    drive = torch.as_tensor(pulses(400, (100, 105, 2)), dtype=torch.float32).reshape(1, -1, 1)
    out = simulate(block, drive, STEP_MS, record=["v"])
    assert int(out["spikes"].sum()) == 1
    v = out["v"].flatten().numpy()[1300:]
    peaks = np.flatnonzero((v[1:-1] > v[:-2]) & (v[1:-1] >= v[2:])) + 1
    heights = v[peaks][:3]
    assert (np.diff(heights) < 0).all()
    assert 40 < np.diff(peaks[:3]).mean() * STEP_MS < 60


# --- quadratic and exponential ---


@pytest.mark.parametrize(("current", "count"), [(10, 5), (20, 14), (50, 34), (100, 62)])
def test_mqif_fires_as_often_as_its_equations_do(current: float, count: int) -> None:
    """10 v' = 0.04 (v+60)(v+40) - u + I, 100 u' = 0.2 (v+60) - u; v >= 30: v = -60, u += 2."""
    assert len(spike_times("mqif", np.full(5000, float(current)))) == count
    assert mqif_spikes(float(current)) == count


def mqif_spikes(current: float) -> int:
    """Count the spikes in 500 ms by forward Euler of 0.1 ms in plain Python."""
    v, u, count = -60.0, 0.0, 0
    for _ in range(5000):
        dv = (0.04 * (v + 60) * (v + 40) - u + current) / 10
        du = (0.2 * (v + 60) - u) / 100
        v, u = v + 0.1 * dv, u + 0.1 * du
        if v >= 30:
            v, u, count = -60.0, u + 2, count + 1
    return count


def test_qif_fires_at_the_rate_of_its_closed_form() -> None:
    """tau v' = k (v - v_rest)(v - v_crit) + I, from v_reset to v_peak; within 1%."""
    currents = np.array([3.0, 5.0, 10.0, 40.0])
    k, rest, crit, tau = 0.04, -65.0, -50.0, 10.0
    middle, half = (rest + crit) / 2, (crit - rest) / 2
    root = np.sqrt(k * currents - (k * half) ** 2)
    turned = np.arctan(k * (30.0 - middle) / root) - np.arctan(k * (-65.0 - middle) / root)
    block = sf.load_block("model/qif")
    spikes = simulate(block, held(currents, 20_000, np.float64), 0.02)["spikes"][0].numpy()
    intervals = [np.diff(np.flatnonzero(train)).mean() * 0.02 for train in spikes.T]
    np.testing.assert_allclose(intervals, tau / root * turned, rtol=0.01)


def test_qif_is_silent_below_its_threshold_and_fires_above() -> None:
    """The threshold is k ((v_crit - v_rest) / 2)^2 = 2.25."""
    assert len(spike_times("qif", np.full(20_000, 2.2))) == 0
    assert len(spike_times("qif", np.full(20_000, 2.3))) == 2


@pytest.mark.parametrize("current_pa", [300.0, 500.0, 1000.0])
def test_adex_in_mv_spikes_when_adex_in_pa_does(current_pa: float) -> None:
    """Ten pA through 10 nS are one mV; float32 parts them by a sample at most."""
    in_pa = spike_times("adex", np.full(5000, current_pa))
    in_mv = spike_times("adex_mv", np.full(5000, current_pa / 10))
    assert len(in_pa) > 5
    np.testing.assert_allclose(in_mv, in_pa, atol=0.11)


# --- silicon ---


def test_sa_silicon_fires_146_times_in_200_ms_at_600_pa() -> None:
    """With the 22 steps in 0.1 ms that it needs and in any finer step; 20 will do, too."""
    drive = np.full(2000, 600.0)
    assert len(spike_times("sa_silicon", drive, 22)) == 146
    assert len(spike_times("sa_silicon", drive, 40)) == 146
    with pytest.warns(UserWarning, match="set substeps to 22 or more"):
        assert len(spike_times("sa_silicon", drive, 20)) == 146


def test_sa_silicon_is_silent_below_its_operating_current_and_adapts_above() -> None:
    assert len(spike_times("sa_silicon", np.full(1000, 490.0), 25)) == 0
    without = len(spike_times("sa_silicon", np.full(1000, 700.0), 25, I_jump_ahp=0.0))
    with_adaptation = len(spike_times("sa_silicon", np.full(1000, 700.0), 25))
    assert 0 < with_adaptation < without


def test_fa_silicon_answers_onset_and_offset_and_forgets_the_hold() -> None:
    """A step of 1.5 stays above the level of 1 for 50 ln 1.5 = 20.3 ms: ten events 2 ms apart."""
    times = spike_times("fa_silicon", pulses(500, (50, 250, 1.5)))
    onset, offset = times[times < 200], times[times >= 200]
    assert 10 <= len(onset) <= 11
    assert 10 <= len(offset) <= 11
    assert onset.max() < 72
    assert offset.min() == pytest.approx(250)
    np.testing.assert_allclose(np.diff(onset), 2.0, atol=1e-9)


def test_fa_silicon_does_not_see_what_moves_slowly() -> None:
    slow = np.linspace(0, 9, 10_000)  # 9 in a second: 50 ms behind it is 0.45
    assert len(spike_times("fa_silicon", slow)) == 0
    assert len(spike_times("fa_silicon", 4 * slow)) > 10
