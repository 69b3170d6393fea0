"""Noise of receptors, spread of thresholds, conduction delays: at work, reproducible, and absent where left out."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import sensoryforge as sf
from sensoryforge.config.kinds import option
from sensoryforge.config.reading import check, check_batch_file
from sensoryforge.core import kernel_cache as cache
from sensoryforge.core.errors import ConfigError
from sensoryforge.design.delay import Delay, read_delay
from sensoryforge.design.experiment import Experiment
from sensoryforge.equations.block import Block
from sensoryforge.equations.parameters import Distribution
from sensoryforge.running.estimate import choose_chunk_size, estimate
from sensoryforge.simulation.arrival import delay_spikes
from sensoryforge.simulation.encoder import Encoder
from sensoryforge.simulation.kernels import numba_kernel
from sensoryforge.simulation.kernels.forecast import kernel_texts

pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")

SMALL = (
    "pipeline.grid_size=16",
    "pipeline.duration_ms=60",
    "pipeline.device=cpu",
    "neurons.sa_neurons=12",
    "neurons.ra_neurons=9",
    "stimuli.amplitude=[10,30]",
    "stimuli.repetitions=2",
)
SA = "neurons.populations.sa."
OPTIONS = (
    "receptor_noise_std=5",
    "threshold_std=0.4",
    "delay_ms=5",
    "delay_ms={mean: 5, std: 2}",
    "delay_ms={low: 1, high: 9}",
    "delay_ms={distance_mm: 300, velocity_m_s: {low: 30, high: 60}}",
)
LEFT_OUT = ("receptor_noise_std", "threshold_std", "delay_ms")


def experiment(*overrides: str) -> Experiment:
    return check(sf.compose(*SMALL, *overrides))


def encode(
    *overrides: str, backend: str = "torch", ranges: tuple[tuple[int, int], ...] = ((0, 4),)
) -> dict[str, Tensor]:
    return Encoder(experiment(*overrides), backend)(ranges).arrays


# --- each does something, to its own population, the same everywhere ---


@pytest.mark.parametrize("given", OPTIONS)
def test_an_option_changes_its_own_population_and_no_other(given: str) -> None:
    plain, changed = encode(), encode(SA + given)
    assert not torch.equal(plain["sa_spikes"], changed["sa_spikes"])
    assert torch.equal(plain["ra_spikes"], changed["ra_spikes"])


@pytest.mark.parametrize("given", OPTIONS)
def test_it_is_drawn_from_the_seed_and_from_no_order_or_chunk(given: str) -> None:
    whole = encode(SA + given)
    assert torch.equal(whole["sa_spikes"], encode(SA + given)["sa_spikes"])
    last = encode(SA + given, ranges=((3, 4),))
    assert torch.equal(whole["sa_spikes"][3:], last["sa_spikes"])


@pytest.mark.parametrize("given", OPTIONS)
def test_it_has_the_same_bits_on_numba(given: str) -> None:
    saved = "batch.save=[drive,filtered,voltage]"
    torchs, numbas = (encode(SA + given, saved, backend=name) for name in ("torch", "numba"))
    assert list(torchs) == list(numbas)
    for name, array in torchs.items():
        assert torch.equal(array, numbas[name]), name


@pytest.mark.slow
@pytest.mark.parametrize("given", OPTIONS[:4])
def test_it_has_the_same_bits_on_triton(given: str) -> None:
    """On a GPU where there is one, else in Triton's interpreter."""
    pytest.importorskip("triton")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    encoder = Encoder(experiment(SA + given), "triton").to(device)
    triton = encoder([(0, 4)]).arrays
    for name, array in encode(SA + given).items():
        assert torch.equal(array, triton[name]), name


@pytest.mark.parametrize("given", OPTIONS)
def test_it_leaves_ids_and_seeds_of_stimuli_as_they_are(given: str) -> None:
    plain, changed = experiment().design, experiment(SA + given).design
    assert plain.ids(0, 4) == changed.ids(0, 4)
    assert plain.seeds(0, 4) == changed.seeds(0, 4)


# --- left out, or at zero ---


@pytest.mark.parametrize("key", LEFT_OUT)
def test_left_out_and_zero_are_the_same_experiment(key: str) -> None:
    config = sf.compose(*SMALL)
    plain: dict[str, Any] = check(config).config
    zero = check(plain).populations["sa"]
    del plain["neurons"]["populations"]["sa"][key]
    left_out = check(plain).populations["sa"]
    assert (left_out.receptor_noise_std, left_out.threshold_std) == (0.0, 0.0)
    assert left_out.delay is zero.delay is None
    assert list(left_out.model.parameters) == ["a", "b", "c", "d", "v_peak"]


@pytest.mark.parametrize("name", ["sa", "ra"])
def test_the_presets_leave_them_at_zero(name: str) -> None:
    assert [option("population", name)[key] for key in LEFT_OUT] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("key", LEFT_OUT)
def test_a_dataset_from_before_there_was_the_key_goes_on(tmp_path: Path, key: str) -> None:
    config: Any = sf.compose(*SMALL, f"batch.output_dir={tmp_path / 'out'}")
    written = copy.deepcopy(check(config).config)
    for population in written["neurons"]["populations"].values():
        del population[key]
    sf.run(written)
    config.stimuli.amplitude = [10, 30, 50]
    results = sf.run(config)
    assert results is not None
    assert len(results) == 6


@pytest.mark.parametrize("given", OPTIONS)
def test_a_dataset_made_without_it_is_not_gone_on_with_it(tmp_path: Path, given: str) -> None:
    where = f"batch.output_dir={tmp_path / 'out'}"
    sf.run(sf.compose(*SMALL, where))
    with pytest.raises(ConfigError, match=r"neurons\.populations\.sa\."):
        sf.run(sf.compose(*SMALL, where, SA + given))


# --- noise of the receptors ---


QUIET = (
    "neurons.populations.sa.noise_std=0",
    "neurons.populations.ra.noise_std=0",
    "stimuli.amplitude=0.001",
    "stimuli.repetitions=40",
    "batch.save=[drive]",
)


def test_afferents_that_share_receptors_are_correlated_and_others_are_not() -> None:
    given = experiment(*QUIET, SA + "receptor_noise_std=5")
    encoder = Encoder(given)
    drive = encoder([(0, 40)]).arrays["sa_drive"].double()
    found = np.corrcoef(drive.flatten(0, 1).T.numpy())
    population = encoder.populations["sa"]
    weights = np.zeros((12, 256))
    np.put_along_axis(weights, population.indices, population.weights, axis=1)
    shared = weights @ weights.T
    sizes = np.sqrt(np.diag(shared))
    expected = shared / np.outer(sizes, sizes)
    np.testing.assert_allclose(found, expected, atol=0.08)  # of 4,800 samples
    neighbours = expected[~np.eye(12, dtype=bool)]
    assert neighbours.max() > 0.2
    assert (neighbours == 0).any()


def test_its_power_is_as_written_and_does_not_depend_on_dt() -> None:
    """A receptor's noise held for a sample of dt has the std over the root of dt."""
    for dt_ms in (0.5, 0.25):
        given = experiment(*QUIET, SA + "receptor_noise_std=5", f"pipeline.dt_ms={dt_ms}")
        encoder = Encoder(given)
        drive = encoder([(0, 40)]).arrays["sa_drive"].double()
        weights = encoder.populations["sa"].weights
        expected = 5 / np.sqrt(dt_ms) * np.sqrt((weights**2).sum(axis=1))
        np.testing.assert_allclose(drive.std(dim=(0, 1)).numpy(), expected, rtol=0.06)


def test_two_populations_on_the_same_receptors_have_the_same_noise() -> None:
    given = experiment(
        *QUIET,
        SA + "receptor_noise_std=5",
        "+population@neurons.populations.twin=sa",
        "neurons.populations.twin.count=12",
        "neurons.populations.twin.receptor_noise_std=5",
    )
    encoder = Encoder(given)
    encoder.populations["twin"].indices = encoder.populations["sa"].indices
    encoder.populations["twin"].weights = encoder.populations["sa"].weights
    encoder._connect()
    arrays = encoder([(0, 2)]).arrays
    assert torch.equal(arrays["sa_drive"], arrays["twin_drive"])


def test_repetitions_have_other_noise_and_other_populations_change_nothing() -> None:
    given = SA + "receptor_noise_std=5"
    drive = encode(*QUIET, given)["sa_drive"]
    assert not torch.equal(drive[0], drive[1])
    alone = encode(*QUIET, given, "~neurons.populations.ra")["sa_drive"]
    assert torch.equal(drive, alone)


def test_it_is_added_to_a_stimulus_that_does_not_separate(tmp_path: Path) -> None:
    """Noise and drive add up, whichever way the drive came."""
    clean = encode(*QUIET)["sa_drive"]
    noisy = encode(*QUIET, SA + "receptor_noise_std=5")["sa_drive"]
    stronger = encode(*QUIET, SA + "receptor_noise_std=10")["sa_drive"]
    torch.testing.assert_close(stronger - clean, 2 * (noisy - clean), rtol=1e-4, atol=1e-4)


# --- spread of thresholds ---


def test_a_leaky_neuron_is_as_one_with_its_threshold_further_away() -> None:
    model = sf.load_block("model/lif")
    spread = model.with_threshold_spread(0.3)
    factors = np.exp(spread.draw(5, 0, "model")["log_threshold"])
    current = torch.full((1, 3000, 5), 40.0)
    spikes = sf.simulate(spread, current, 0.1)["spikes"]
    for n, factor in enumerate(factors):
        further = sf.load_block("model/lif", v_th=-65 + 15 * float(factor))
        alone = sf.simulate(further, current[:, :, :1], 0.1)["spikes"]
        assert abs(int(spikes[0, :, n].sum()) - int(alone.sum())) <= 1
    assert len(set(spikes[0].sum(dim=0).tolist())) > 2


def test_thresholds_spread_as_written() -> None:
    spread = sf.load_block("model/izhikevich").with_threshold_spread(0.2)
    logarithms = spread.draw(20_000, 1, "sa", "model")["log_threshold"]
    assert np.mean(logarithms) == pytest.approx(0, abs=0.01)
    assert np.std(logarithms) == pytest.approx(0.2, rel=0.02)


def test_neurons_are_recruited_one_after_the_other() -> None:
    """Of equal neurons all fire or none; with a spread some fire at a current, and more at a higher one."""
    currents = [3.0, 3.5, 4.0, 4.5, 5.0]
    equal, spread = (
        [
            int(sf.simulate(block, torch.full((1, 5000, 40), c), 0.1)["spikes"].any(1).sum())
            for c in currents
        ]
        for block in (
            sf.load_block("model/izhikevich"),
            sf.load_block("model/izhikevich").with_threshold_spread(0.2),
        )
    )
    assert set(equal) <= {0, 40}
    assert spread == sorted(spread)
    assert len(set(spread)) >= 4


def test_the_spread_of_a_level_crossing_neuron_is_that_of_its_level() -> None:
    model = sf.load_block("model/fa_silicon")
    spread = model.with_threshold_spread(0.3)
    (factor,) = np.exp(spread.draw(1, 0, "model")["log_threshold"])
    drive = torch.zeros(1, 1000, 1)
    drive[:, 200:] = 2.0
    other = sf.load_block("model/fa_silicon", theta=float(factor))
    mine, theirs = (sf.simulate(block, drive, 0.1)["spikes"].sum() for block in (spread, other))
    assert abs(int(mine) - int(theirs)) <= 1


def test_a_model_that_has_the_name_already_keeps_it() -> None:
    written = {
        "states": {"v": 0},
        "derivatives": {"v": "I - log_threshold*v"},
        "threshold": "v >= 1",
        "reset": {"v": 0},
        "parameters": {"log_threshold": 2.0},
    }
    model = Block.from_config("model", written, "mine").with_threshold_spread(0.1)
    assert model.parameters["log_threshold"] == 2.0
    assert isinstance(model.parameters["log_threshold_"], Distribution)


# --- conduction ---


def test_a_delay_moves_spikes_by_its_samples_and_drops_what_comes_too_late() -> None:
    plain, late = encode()["sa_spikes"], encode(SA + "delay_ms=7.5")["sa_spikes"]
    assert torch.equal(late[:, 15:], plain[:, :-15])
    assert not late[:, :15].any()


def test_delays_that_differ_move_each_neuron_by_its_own() -> None:
    given = SA + "delay_ms={low: 1, high: 9}"
    plain, late = encode()["sa_spikes"], encode(given)["sa_spikes"]
    samples = experiment(given).populations["sa"].delay.draw_samples(12, 0, "sa", 0.5)  # type: ignore[union-attr]
    assert len(set(samples.tolist())) > 3
    for n, shift in enumerate(samples.tolist()):
        assert torch.equal(late[:, shift:, n], plain[:, : plain.shape[1] - shift, n])
        assert not late[:, :shift, n].any()


def test_what_is_recorded_at_the_neuron_is_not_delayed() -> None:
    saved = "batch.save=[drive,filtered,voltage]"
    plain, late = encode(saved), encode(saved, SA + "delay_ms=7.5")
    for name in ("sa_drive", "sa_filtered", "sa_voltage"):
        assert torch.equal(plain[name], late[name])


def test_a_delay_can_be_a_distance_at_a_velocity() -> None:
    delay = read_delay({"distance_mm": 300, "velocity_m_s": 60})
    assert delay is not None
    assert delay.draw(2, 0, "sa").tolist() == [5.0, 5.0]


def test_no_delay_is_negative_and_no_velocity_stands_still() -> None:
    wide = Delay(Distribution("normal", 1.0, 5.0))
    assert wide.draw(1000, 0, "sa").min() == 0
    slow = Delay(100.0, Distribution("normal", 50.0, 50.0))
    assert 0 < slow.draw(1000, 0, "sa").max() <= 100 / 5


def test_a_delay_far_beyond_the_end_is_no_spike_and_no_warning() -> None:
    late = encode(SA + "delay_ms={mean: 5, std: 1e30}")["sa_spikes"]
    drawn = Delay(Distribution("normal", 5.0, 1e30)).draw_samples(12, 0, "sa", 0.5)
    assert 0 < (drawn > 0).sum() < 12
    assert not late[:, :, torch.from_numpy(drawn > 0)].any()
    assert late.any()


def test_delays_are_in_the_metadata_where_there_are_any(tmp_path: Path) -> None:
    given = SA + "delay_ms={low: 1, high: 9}"
    for format in ("pytorch", "hdf5"):
        where = f"batch.output_dir={tmp_path / format}"
        results = sf.run(sf.compose(*SMALL, given, where, f"batch={format}"))
        assert results is not None
        delays = sf.load(tmp_path / format).metadata["sa_delay_ms"]
        assert delays.shape == (12,)
        assert 1 <= delays.min() <= delays.max() <= 9
        assert "ra_delay_ms" not in results.metadata


def test_spikes_that_have_a_gradient_keep_it() -> None:
    spikes = torch.rand(2, 6, 3, requires_grad=True)
    late = delay_spikes(spikes, torch.tensor([0, 2, 9]))
    late.sum().backward()
    assert spikes.grad is not None
    assert spikes.grad[0].sum(dim=0).tolist() == [6.0, 4.0, 0.0]


# --- what a run expects of it ---


def test_the_kernels_that_a_run_compiles_are_those_foretold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = experiment("neurons=sa_ra_refractory")
    texts: set[str] = set()

    def note(text: str) -> Any:
        texts.add(text)
        return cache.load(text)

    monkeypatch.setattr(numba_kernel, "load", note)
    _ = Encoder(given, "numba")([(0, 1)]).arrays
    assert texts == kernel_texts(given)


def test_noise_of_receptors_is_in_the_estimate() -> None:
    plain, noisy = experiment(), experiment(SA + "receptor_noise_std=5")
    assert estimate(noisy, "numba").seconds > estimate(plain, "numba").seconds
    assert choose_chunk_size(noisy) <= choose_chunk_size(plain)


def test_a_population_with_all_of_them_can_be_trained() -> None:
    given = experiment(SA + "threshold_std=0.3", SA + "receptor_noise_std=5", SA + "delay_ms=3")
    encoder = Encoder(given)
    gain = encoder.populations["sa"].learn("gain")
    encoder([(0, 2)]).arrays["sa_spikes"].sum().backward()
    assert gain.grad is not None
    assert gain.grad.isfinite().all()
    assert gain.grad.any()


# --- mistakes ---

A_DELAY = (
    "is a number >= 0 (ms), {mean: .., std: ..}, {low: .., high: ..}, "
    "or {distance_mm: .., velocity_m_s: ..} of numbers or distributions, the velocity > 0"
)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("receptor_noise_std: -1", "receptor_noise_std: got -1, allowed is a number >= 0 (drive x sqrt(ms))"),
        ("receptor_noise_std: much", "receptor_noise_std: got 'much', allowed is a number >= 0 (drive x sqrt(ms))"),
        ("threshold_std: -0.1", "threshold_std: got -0.1, allowed is a number >= 0 (-)"),
        ("threshold_std: .nan", "threshold_std: got nan, allowed is a number >= 0 (-)"),
        ("treshold_std: 0.1", "treshold_std: unknown key"),
        ("delay_ms: -2", f"delay_ms: got -2, allowed {A_DELAY}"),
        ("delay_ms: {mean: 5}", f"delay_ms: got {{'mean': 5}}, allowed {A_DELAY}"),
        ("delay_ms: {low: -1, high: 5}", "delay_ms: got {'low': -1, 'high': 5}, allowed is"),
        ("delay_ms: {distance_mm: 300}", "delay_ms: got {'distance_mm': 300}, allowed is"),
        ("delay_ms: {distance_mm: 300, velocity_m_s: 0}", "delay_ms: got {'distance_mm': 300, 'velocity_m_s': 0}, allowed is"),
        ("delay_ms: 60", "delay_ms: got 60, allowed is less than pipeline.duration_ms, which is 60 (ms)"),
        ("delay_ms: {distance_mm: 300, velocity_m_s: 2}", "delay_ms: got 150, allowed is less than pipeline.duration_ms"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_line(tmp_path: Path, given: str, said: str) -> None:
    text = (
        "pipeline: {duration_ms: 60, device: cpu}\n"
        f"neurons: {{populations: {{sa: {{{given}}}}}}}\n"
        "stimuli: [{type: gaussian}]\n"
    )
    (tmp_path / "wrong.yml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        check_batch_file(tmp_path / "wrong.yml")
    (line,) = caught.value.problems
    assert line.startswith(f"neurons.populations.sa.{said}")
