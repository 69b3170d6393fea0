"""The encoder: bits that depend on nothing but the stimulus, and responses that look like touch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from helpers.experiments import QUIET, SMALL, assert_same
from helpers.experiments import checked as experiment

from sensoryforge.config.reading import check, compose
from sensoryforge.design.experiment import Experiment
from sensoryforge.simulation.encoder import Encoder
from sensoryforge.simulation.kernels import Output, numba_kernel
from sensoryforge.stimuli.base import PLACE, Range, Stimulus


def encode(
    e: Experiment, *chunks: Sequence[tuple[int, int]], backend: str = "torch"
) -> dict[str, torch.Tensor]:
    encoder = Encoder(e, backend)
    parts = [encoder(chunk).arrays for chunk in chunks]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


@pytest.mark.parametrize("name", ["self", "keys", "forward", "training"])
def test_a_population_may_have_any_name(name: str) -> None:
    spikes = encode(experiment(*SMALL, f"+population@neurons.populations.{name}=sa"), [(0, 1)])[
        f"{name}_spikes"
    ]
    assert spikes.any()


@pytest.fixture(scope="module")
def hundred() -> Experiment:
    amplitudes = list(range(10, 60, 10))
    sigmas = [0.3, 0.5, 0.7, 0.9, 1.1]
    e = experiment(
        *SMALL, f"stimuli.amplitude={amplitudes}", f"stimuli.sigma={sigmas}", "stimuli.repetitions=4",
        "batch.save=[drive,filtered,voltage]",
    )  # fmt: skip
    assert len(e.design) == 100
    return e


@pytest.mark.parametrize("backend", ["torch", "numba"])
@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 7])
def test_a_chunk_size_changes_no_bit(hundred: Experiment, size: int, backend: str) -> None:
    whole = encode(hundred, [(0, 100)], backend=backend)
    cut = encode(
        hundred, *[[(i, min(i + size, 100))] for i in range(0, 100, size)], backend=backend
    )
    assert_same(whole, cut)


@pytest.mark.parametrize("workers", [1, 3])
def test_the_kernels_get_as_many_threads_as_there_are_workers(
    monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    given: list[object] = []

    def kernel(backend: str) -> Callable[..., Output]:
        def run(*arguments: Any, **more: Any) -> Output:
            given.append(
                inspect.signature(numba_kernel.run)
                .bind(*arguments, **more)
                .arguments.get("threads")
            )
            return numba_kernel.run(*arguments, **more)

        return run

    monkeypatch.setattr("sensoryforge.simulation.encoder.kernel", kernel)
    encode(experiment(*SMALL, f"batch.num_workers={workers}"), [(0, 1)])
    assert given == [workers, workers]


def test_a_stimulus_alone_has_the_bits_that_it_has_among_others(hundred: Experiment) -> None:
    whole = encode(hundred, [(0, 100)])
    for i in (0, 37, 99):
        assert_same(encode(hundred, [(i, i + 1)]), {n: a[i : i + 1] for n, a in whole.items()})


def test_another_order_changes_no_bit(hundred: Experiment) -> None:
    whole = encode(hundred, [(0, 100)])
    turned = encode(hundred, [(60, 100), (0, 60)])
    assert_same(whole, {n: torch.cat([a[40:], a[:40]]) for n, a in turned.items()})


def test_a_stimulus_has_the_same_bits_in_another_design(hundred: Experiment) -> None:
    other = experiment(
        *SMALL,
        "stimuli.amplitude=[30, 10]",
        "stimuli.sigma=0.7",
        "batch.save=[drive,filtered,voltage]",
    )
    ids, whole = hundred.design.ids(0, 100), encode(hundred, [(0, 100)])
    for row, name in enumerate(other.design.ids(0, 2)):
        there = ids.index(name)
        alone = encode(other, [(row, row + 1)])
        assert_same(alone, {n: a[there : there + 1] for n, a in whole.items()})


def test_threads_change_no_bit(hundred: Experiment) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = encode(hundred, [(0, 100)])
        torch.set_num_threads(2)
        assert_same(one, encode(hundred, [(0, 100)]))
    finally:
        torch.set_num_threads(before)


def test_repetitions_share_the_drive_and_differ_in_noise(hundred: Experiment) -> None:
    out = encode(hundred, [(0, 4)])
    assert torch.equal(out["sa_filtered"][0], out["sa_filtered"][3])
    assert not torch.equal(out["sa_voltage"][0], out["sa_voltage"][3])


def test_noise_off_makes_repetitions_equal() -> None:
    out = encode(
        experiment(*SMALL, *QUIET, "stimuli.repetitions=3", "batch.save=[voltage]"), [(0, 3)]
    )
    assert torch.equal(out["sa_voltage"][0], out["sa_voltage"][2])
    assert torch.equal(out["ra_voltage"][0], out["ra_voltage"][1])


def test_spikes_are_bool_time_by_neurons_for_each_population() -> None:
    out = encode(experiment("neurons.sa_neurons=60", "pipeline.duration_ms=20"), [(0, 1)])
    assert out["sa_spikes"].dtype == torch.bool
    assert out["sa_spikes"].shape == (1, 40, 60)
    assert out["ra_spikes"].shape == (1, 40, 80)


def test_populations_have_exactly_the_neurons_asked_for_inside_the_sheet() -> None:
    e = experiment("neurons.sa_neurons=61", "pipeline.grid_size=[20, 40]")
    xy = e.places("sa").xy_mm
    assert len(xy) == 61
    assert np.all(np.abs(xy) <= [e.sheet.width_mm / 2, e.sheet.height_mm / 2])


def test_several_types_in_one_chunk_have_the_bits_that_they_have_alone() -> None:
    config = compose(*SMALL)
    types: list[dict[str, Any]] = [{"type": t} for t in ("gaussian", "step", "ramp", "grating")]
    types[1]["step_time"] = 10.0
    mixed = check({**config, "stimuli": types})
    whole = encode(mixed, [(0, 4)])
    assert_same(whole, encode(mixed, [(0, 1)], [(1, 2)], [(2, 3)], [(3, 4)]))


def test_a_parameter_may_differ_from_neuron_to_neuron() -> None:
    spread = "neurons.populations.sa.model.parameters.d={low: 2, high: 12}"
    a, b = (
        encode(experiment(*SMALL, *QUIET, "batch.save=[voltage]", *extra), [(0, 1)])
        for extra in ((), (spread,))
    )
    assert not torch.equal(a["sa_voltage"], b["sa_voltage"])
    assert torch.equal(a["ra_voltage"], b["ra_voltage"])
    assert torch.equal(
        b["sa_voltage"],
        encode(experiment(*SMALL, *QUIET, "batch.save=[voltage]", spread), [(0, 1)])["sa_voltage"],
    )


def test_a_filter_and_a_model_can_be_exchanged_by_name() -> None:
    out = encode(
        experiment(
            *SMALL,
            "filter@neurons.populations.sa.filter=none",
            "model@neurons.populations.ra.model=lif",
            "batch.save=[filtered,drive]",
        ),
        [(0, 1)],
    )
    assert torch.equal(out["sa_filtered"], out["sa_drive"])


class Travelling(Stimulus):
    """A ridge that moves over the sheet: space and time do not separate."""

    ranges: ClassVar[dict[str, Range]] = {"amplitude": Range(low=0.0), "start": PLACE}
    separable = False

    def frames(self, xy: np.ndarray, t_ms: np.ndarray, duration_ms: float) -> np.ndarray:
        place = self["start"][:, :, None] + 0.02 * t_ms[None, :, None]
        inside = np.abs(xy[None, None, :, 0] - place) < 0.3
        return np.where(inside, self["amplitude"][:, :, None], 0.0)


def test_a_stimulus_that_does_not_separate_is_encoded_in_slices_of_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = compose(*SMALL, *QUIET, "batch.save=[drive,stimulus]")
    entry = {
        "_target_": f"{__name__}.Travelling", "type": "travelling", "repetitions": 2,
        "amplitude": [20.0, 40.0], "start": -0.5,
    }  # fmt: skip
    e = check({**config, "stimuli": [entry]})
    whole = encode(e, [(0, 4)])
    assert whole["stimulus"].shape == (4, 60, 12, 12)
    assert whole["sa_drive"].amax() > 0
    assert torch.allclose(whole["sa_drive"][2], 2 * whole["sa_drive"][0])
    monkeypatch.setattr("sensoryforge.simulation.driving.FRAME_BYTES", 1)
    assert_same(whole, encode(e, [(0, 4)]))


@pytest.mark.parametrize(
    "extra", [(), tuple(f"filter@neurons.populations.{p}.filter=none" for p in ("sa", "ra"))]
)
def test_a_stimulus_that_overflows_is_reported_and_the_rest_goes_on(extra: tuple[str, ...]) -> None:
    out = Encoder(experiment(*SMALL, *QUIET, "stimuli.amplitude=[30, 1e39, 20]", *extra))([(0, 3)])
    assert list(out.errors) == [1]
    assert "not finite" in out.errors[1]
    assert not out.arrays["sa_spikes"][1].any()
    assert out.arrays["sa_spikes"][0].any()


def test_a_stimulus_that_fails_in_one_population_has_no_spikes_in_any() -> None:
    """A failed stimulus is told by its error alone: spikes of one population would be counted."""
    huge = "neurons.populations.sa.filter.parameters.k1=1e38"
    out = Encoder(experiment(*SMALL, *QUIET, "stimuli.amplitude=[0, 30]", huge))([(0, 2)])
    assert list(out.errors) == [1]
    assert out.errors[1].startswith("population sa:")
    usual = Encoder(experiment(*SMALL, *QUIET, "stimuli.amplitude=[0, 30]"))([(0, 2)])
    assert usual.arrays["ra_spikes"][1].any()
    assert not out.arrays["ra_spikes"][1].any()


AMPLITUDES = [5, 10, 20, 30, 40, 50]
ON, OFF = 100, 400


@pytest.fixture(scope="module")
def steps() -> dict[str, torch.Tensor]:
    e = experiment("stimuli=step", *QUIET, f"stimuli.amplitude={AMPLITUDES}", "stimuli.hold_ms=150")
    return encode(e, [(0, len(e.design))])


class TestPhysiology:
    """The default sheet under a step held for 150 ms, noise off, as the table of docs/physiology.md shows it."""

    def test_the_most_driven_sa_neuron_fires_faster_with_every_amplitude_and_stays_under_150_hz(
        self, steps: dict[str, torch.Tensor]
    ) -> None:
        hold = steps["sa_spikes"][:, ON + 100 : OFF]
        rates = hold.sum(1).amax(1).double() / (hold.shape[1] * 0.5e-3)
        assert torch.all(rates.diff() > 0), rates
        assert rates[0] > 0
        assert rates[-1] < 150

    def test_ra_fires_one_to_five_spikes_at_onset_and_at_offset_and_none_in_the_hold(
        self, steps: dict[str, torch.Tensor]
    ) -> None:
        ra = steps["ra_spikes"]
        for window in (slice(ON, ON + 50), slice(OFF, OFF + 50)):
            best = ra[:, window].sum(1).amax(1)
            assert torch.all((best >= 1) & (best <= 5)), best
        assert not ra[:, ON + 50 : OFF].any()
        assert not ra[:, :ON].any()

    def test_the_sa_response_grows_with_sigma(self) -> None:
        e = experiment(
            "stimuli=step", *QUIET, "stimuli.sigma=[0.3, 0.5, 0.7, 0.9]", "stimuli.hold_ms=150"
        )
        counts = encode(e, [(0, 4)])["sa_spikes"].sum((1, 2))
        assert torch.all(counts.diff() > 0), counts

    def test_default_noise_makes_no_spontaneous_spikes(self) -> None:
        out = encode(experiment("stimuli.amplitude=0", "stimuli.repetitions=20"), [(0, 20)])
        assert not out["sa_spikes"].any()
        assert not out["ra_spikes"].any()
