"""Thresholds: the amplitude that is found splits a population, whatever computes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from helpers.experiments import SHEET, checked

from sensoryforge.config.reading import check
from sensoryforge.core.errors import ConfigError
from sensoryforge.design.design import Design
from sensoryforge.design.experiment import Experiment
from sensoryforge.running.thresholds import (
    STEPS,
    Threshold,
    check_stimulus,
    find_threshold,
    ladder,
)
from sensoryforge.simulation.encoder import Encoder

WORDS = (*SHEET, "pipeline.duration_ms=100", "stimuli.sigma=0.5")
STIMULI: dict[str, tuple[str, ...]] = {
    "a Gaussian": (),
    "a shape that moves": ("stimuli=bar", "motion@stimuli.motion=line"),
    "repetitions": ("stimuli.repetitions=4", "neurons.populations.sa.noise_std=3"),
}


def words_of(name: str) -> list[str]:
    words = [word for word in WORDS if name != "a shape that moves" or "sigma" not in word]
    return [*words, *STIMULI[name]]


def found(experiment: Experiment, population: str = "sa", **options: Any) -> Threshold:
    return find_threshold(experiment, population, experiment.design.families[0], **options)


def fired(experiment: Experiment, population: str, amplitudes: list[float]) -> Any:
    """Return which neurons fire, [amplitudes, repetitions, N], as a run of them tells it."""
    (family,) = experiment.design.families
    wanted = replace(family, axes={**family.axes, "amplitude": tuple(amplitudes)})
    design = Design((wanted,), experiment.design.seed)
    encoded = Encoder(replace(experiment, design=design), "torch")([(0, len(design))])
    spikes = encoded.arrays[f"{population}_spikes"].any(dim=1).numpy()
    return spikes.reshape(len(amplitudes), family.repetitions, -1)


@pytest.mark.parametrize("population", ["sa", "ra"])
@pytest.mark.parametrize("fraction", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("name", STIMULI)
def test_the_threshold_splits_the_neurons_that_are_reached(
    name: str, fraction: float, population: str
) -> None:
    experiment = checked(*words_of(name))
    threshold = found(experiment, population, fraction=fraction)
    assert threshold.amplitude is not None, threshold
    steps = ladder(threshold.highest)
    below = steps[steps.index(threshold.amplitude) - 1]
    tried = [below, threshold.amplitude, threshold.highest]
    of_below, of_threshold, of_highest = fired(experiment, population, tried)
    reached = of_highest.any(axis=0)
    assert threshold.reached == reached.sum() > 1
    assert threshold.neurons == len(reached)
    assert of_threshold[:, reached].mean() >= fraction > of_below[:, reached].mean()


def test_the_same_threshold_is_found_in_any_chunks_by_any_kernel_beside_any_population() -> None:
    words = words_of("repetitions")
    expected = found(checked(*words))
    assert expected.amplitude is not None
    for other in (
        ("pipeline.chunk_size=1",),
        ("pipeline.chunk_size=7",),
        ("pipeline.backend=torch",),
        ("neurons.populations.ra=null",),
        ("neurons.populations.sa.delay_ms=99",),
        ("neurons.populations.sa.drive_per_mm=64", "neurons.populations.ra.drive_per_mm=8"),
    ):
        assert found(checked(*words, *other)) == expected, other


def test_another_seed_has_another_threshold() -> None:
    words = words_of("repetitions")
    assert found(checked(*words)).amplitude is not None
    assert found(checked(*words)) != found(checked(*words, "pipeline.noise_seed=8"))


def test_a_population_that_never_fires_has_none_and_says_up_to_where() -> None:
    silent = found(checked(*WORDS, "neurons.populations.sa.gain=0"))
    assert silent.amplitude is None
    assert (silent.reached, silent.highest) == (0, 30_000.0)
    assert silent.problem == "not one spike up to an amplitude of 30000"


def test_a_population_that_needs_more_is_tried_with_more() -> None:
    weak = found(checked(*WORDS, "neurons.populations.sa.gain=1.25"))
    usual = found(checked(*WORDS), highest=weak.highest / 32)
    assert weak.highest == 300.0
    assert weak.amplitude is not None
    assert usual.amplitude is not None
    assert weak.amplitude / usual.amplitude == pytest.approx(32, rel=0.5)


def test_a_population_that_fires_without_a_stimulus_has_none() -> None:
    noisy = found(checked(*WORDS, "neurons.populations.sa.noise_std=500"))
    assert noisy.amplitude is None
    assert noisy.problem.endswith("the lowest amplitude tried: without a stimulus")


def test_neurons_that_are_not_reached_do_not_count() -> None:
    experiment = checked("stimuli.sigma=0.2")
    threshold = found(experiment)
    assert 0 < threshold.reached < threshold.neurons / 2
    assert threshold.amplitude is not None


def test_the_first_value_of_a_list_counts() -> None:
    several = found(checked(*WORDS, "stimuli.sigma=[0.4, 0.5]", "stimuli.amplitude=[5, 6]"))
    assert several == found(checked(*WORDS, "stimuli.sigma=0.4"))


def test_a_stimulus_that_fails_is_named() -> None:
    experiment = checked(*WORDS)
    with pytest.raises(ConfigError, match=r"^amplitude: fails within .* up to 1e\+300; .*finite"):
        found(experiment, highest=1e300)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("stimuli=ramp",), "stimuli.0: a ramp has no amplitude to search, it has"),
        (("stimuli=sphere",), "stimuli.0: more of a sphere touches the deeper it is"),
    ],
)
def test_a_stimulus_without_an_amplitude_in_proportion_is_refused(
    words: tuple[str, ...], line: str
) -> None:
    (family,) = checked(*words).design.families
    with pytest.raises(ConfigError) as caught:
        check_stimulus(family, "stimuli.0", in_mm=False)
    assert str(caught.value).startswith(line)


def test_the_ladder_ascends_over_five_decades() -> None:
    amplitudes = np.array(ladder(30.0))
    assert len(amplitudes) == STEPS + 1
    assert (np.diff(amplitudes) > 0).all()
    assert amplitudes[-1] == 30.0
    assert amplitudes[0] == pytest.approx(30.0 / 1e5)


# --- fitted afferents, in mm ---

ONE_A_CYCLE = [("sa1", 10, 0.106), ("ra1", 30, 0.056), ("pc", 250, 0.0016)]
"""Population, frequency in Hz, and the median amplitude in mm at which its units fire once a cycle:
what the fits of Saal et al. 2017 do, measured on their equations by an independent program."""


def fitted(population: str, profile: dict[str, Any]) -> Experiment:
    """Return units of a fitted population, without noise, under a probe of 1 mm."""
    spec = {
        "type": population,
        "count": 36,
        "density_per_cm2": None,
        "units": {"type": population, "assign": "cycle"},
    }
    return check(
        {
            "pipeline": {
                "skin": "elastic",
                "dt_ms": 0.2,
                "grid_size": 4,
                "spacing_mm": 0.1,
                "duration_ms": 500,
            },
            "neurons": {"populations": {"sa": None, "ra": None, "one": spec}},
            "stimuli": [{"type": "disc", "diameter_mm": 1.0, "profile": profile}],
        }
    )


@pytest.mark.parametrize(("population", "frequency_hz", "one_a_cycle_mm"), ONE_A_CYCLE)
def test_the_first_spike_of_fitted_units_comes_somewhat_before_one_a_cycle(
    population: str, frequency_hz: float, one_a_cycle_mm: float
) -> None:
    sine = {"type": "sine", "frequency_hz": frequency_hz, "depth": 1.0}
    threshold = found(fitted(population, sine), "one")
    assert threshold.reached == 36
    assert threshold.amplitude is not None
    assert one_a_cycle_mm / 20 < threshold.amplitude < one_a_cycle_mm


def test_units_held_at_1_mm_fire_and_pc_is_the_most_sensitive() -> None:
    ramp = {"type": "trapezoid", "ramp_ms": 50.0, "hold_ms": 200.0}
    thresholds = {name: found(fitted(name, ramp), "one") for name in ("sa1", "ra1", "pc")}
    # All SA1 units, and at least 8 of 9 RA units, fire at the onset of 1 mm.
    assert thresholds["sa1"].reached == 36
    assert thresholds["ra1"].reached >= 32
    depths = {name: one.amplitude for name, one in thresholds.items()}
    assert all(depth is not None for depth in depths.values())
    assert 0.01 < depths["sa1"] < 0.3
    assert 0.01 < depths["ra1"] < 0.5
    assert depths["pc"] < min(depths["sa1"], depths["ra1"])


def test_no_gradient_is_needed() -> None:
    with torch.no_grad():
        assert found(checked(*WORDS)).amplitude is not None
