"""Thresholds are the least amplitudes that neurons answer, in every cycle or at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.datasets import run

from sensoryforge.analysis import plots
from sensoryforge.analysis.plots.book import pages
from sensoryforge.analysis.results import Results, load
from sensoryforge.analysis.thresholds import frequency_column, thresholds
from sensoryforge.core.errors import ConfigError

VIBRATION = [
    "stimuli=disc",
    "stimuli.diameter_mm=2",
    "stimuli.profile=sine",
    "stimuli.profile.frequency_hz=[20,50,400]",
    "stimuli.amplitude=[5,10,20]",
    "pipeline.duration_ms=200",
    "stimuli.repetitions=2",
]


@pytest.fixture(scope="module")
def vibrated(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return load(run(tmp_path_factory.mktemp("vibrated"), *VIBRATION))


def by_hand(results: Results, population: str, frequency_hz: float, spikes: float) -> list[float]:
    """Return the least amplitude with so many spikes on average, a stimulus after the other."""
    found = []
    for neuron in range(results.counts(population).shape[1]):
        enough = []
        for amplitude in (5, 10, 20):
            chosen = results.where(profile_frequency_hz=frequency_hz, amplitude=amplitude)
            if chosen.counts(population, 50, 200)[:, neuron].mean() >= spikes:
                enough.append(float(amplitude))
        found.append(min(enough, default=np.nan))
    return found


@pytest.mark.parametrize("population", ["sa", "ra"])
def test_a_threshold_is_the_least_amplitude_with_a_spike_in_every_cycle(
    vibrated: Results, population: str
) -> None:
    lowest = thresholds(vibrated, population, start_ms=50, stop_ms=200)
    assert lowest.index.tolist() == [20, 50, 400]
    assert lowest.index.name == "profile_frequency_hz"
    for frequency in (20, 50, 400):
        # In 150 ms; half a spike is forgiven.
        expected = by_hand(vibrated, population, frequency, frequency * 0.15 - 0.5)
        np.testing.assert_array_equal(lowest.loc[frequency].to_numpy(), expected)
    assert lowest.isna().to_numpy().any()
    assert lowest.notna().to_numpy().any()


def test_against_another_parameter_a_single_spike_is_asked_for(tmp_path: Path) -> None:
    results = load(run(tmp_path, "stimuli.sigma=[0.3,0.6]", "stimuli.amplitude=[1,4,16]"))
    lowest = thresholds(results, "sa", "sigma")
    table, counts = results.table, results.counts("sa")
    for sigma in (0.3, 0.6):
        of_sigma = (table["sigma"] == sigma).to_numpy()
        fires = counts[of_sigma] > 0
        amplitudes = table["amplitude"].to_numpy(float)[of_sigma]
        expected = [min(amplitudes[fired], default=np.nan) for fired in fires.T]
        np.testing.assert_array_equal(lowest.loc[sigma].to_numpy(), expected)


def test_the_frequency_is_found_and_the_picture_is_among_a_dataset_s(vibrated: Results) -> None:
    assert frequency_column(vibrated) == "profile_frequency_hz"
    assert "thresholds" in [page.name for page in pages(vibrated)]
    figure = plots.thresholds(vibrated, "profile_frequency_hz", window=(50, 200))
    assert "a spike in every cycle, 50 to 200 ms" in figure.get_suptitle()
    for axis, population in zip(figure.axes, ("sa", "ra"), strict=True):
        *neurons, median = axis.lines
        lowest = thresholds(vibrated, population, start_ms=50, stop_ms=200)
        drawn = np.stack([line.get_ydata() for line in neurons], axis=1)
        np.testing.assert_array_equal(drawn, lowest.to_numpy())
        rarely = lowest.notna().mean(axis=1) < 0.5
        assert np.isnan(np.asarray(median.get_ydata())[rarely]).all()


@pytest.mark.parametrize(
    ("words", "by", "line"),
    [
        (["stimuli.sigma=[0.3,0.6]"], "sigma", "the design has one amplitude, allowed are several"),
        (
            ["stimuli.amplitude=[10,20]", "stimuli.sigma=[0.3,0.6]"],
            None,
            "the design also varies sigma; narrow it with where",
        ),
    ],
)
def test_a_design_without_thresholds_is_refused_in_a_line(
    tmp_path: Path, words: list[str], by: str | None, line: str
) -> None:
    results = load(run(tmp_path, *words))
    with pytest.raises(ConfigError) as error:
        thresholds(results, "sa", by)
    assert str(error.value) == f"thresholds: {line}"
    assert "thresholds" not in [page.name for page in pages(results)]
