"""Receptive fields: what neurons pool, and the spike-triggered average beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sensoryforge as sf
from sensoryforge.analysis.receptive_fields import innervation_rows, spike_triggered_average
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Floats

SCAN = (
    "pipeline.grid_size=[6,8]",
    "pipeline.duration_ms=40",
    "pipeline.device=cpu",
    "neurons.sa_neurons=4",
    "neurons.ra_neurons=3",
    "stimuli=bar",
    "stimuli.width_mm=0.4",
    "stimuli.orientation=[0,60]",
    "stimuli.motion=line",
    "stimuli.motion.start_mm=-0.6",
    "stimuli.motion.speed_mm_s=30",
)
"""Two bars that move over a small sheet."""


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> sf.Results:
    folder = tmp_path_factory.mktemp("scan")
    results = sf.run(sf.compose(*SCAN, "batch.save=[stimulus]", f"batch.output_dir={folder}/scan"))
    assert results is not None
    return results


def correlations(averages: Floats, rows: Floats) -> list[float]:
    pairs = zip(averages, rows, strict=True)
    return [float(np.corrcoef(average.ravel(), row.ravel())[0, 1]) for average, row in pairs]


@pytest.mark.parametrize("lag_ms", [0.0, 5.0])
def test_the_average_is_that_of_the_frames_before_the_spikes(
    scan: sf.Results, lag_ms: float
) -> None:
    lag, first = round(lag_ms / 0.5), 20
    of_spikes = np.zeros((4, 6, 8))
    counts = np.zeros(4)
    of_samples = []
    for stimulus in scan:
        frames = stimulus["stimulus"].numpy().astype(float)
        of_samples.append(frames[first - lag : 80 - lag].mean(axis=0))
        for sample, neuron in stimulus["sa_spikes"].nonzero().tolist():
            if sample >= first:
                of_spikes[neuron] += frames[sample - lag]
                counts[neuron] += 1
    assert counts.all()
    expected = of_spikes / counts[:, None, None] - np.mean(of_samples, axis=0)
    average = spike_triggered_average(scan, "sa", lag_ms=lag_ms, start_ms=10.0)
    np.testing.assert_allclose(average, expected, atol=1e-9)


def test_the_first_row_lies_at_the_smallest_y(scan: sf.Results) -> None:
    rows = innervation_rows(scan, "sa")
    y_mm = np.arange(6) - 2.5
    lies_above = scan.metadata["sa_xy_mm"][:, 1].numpy() > 0
    pools_above = (rows.sum(axis=2) * y_mm).sum(axis=1) > 0
    assert (lies_above == pools_above).all()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_neuron_without_a_spike_has_no_average(tmp_path: Path) -> None:
    config = sf.compose(*SCAN, "neurons.populations.sa.gain=0", f"batch.output_dir={tmp_path}/a")
    results = sf.run(config)
    assert results is not None
    assert np.isnan(spike_triggered_average(results, "sa")).all()


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"population": "pc"}, "population: got 'pc', allowed are sa, ra"),
        ({"lag_ms": 40.0}, "lag_ms: got 40, allowed is 0 to less than 40 (ms)"),
        ({"lag_ms": -1.0}, "lag_ms: got -1, allowed is 0 to less than 40 (ms)"),
        ({"start_ms": 40.0}, "start_ms: got 40, allowed is 0 to less than 40 (ms)"),
    ],
)
def test_mistakes_are_refused_in_one_line(
    scan: sf.Results, wrong: dict[str, object], line: str
) -> None:
    arguments: dict[str, object] = {"population": "sa", **wrong}
    with pytest.raises(ConfigError) as refused:
        spike_triggered_average(scan, **arguments)  # type: ignore[arg-type]
    assert str(refused.value) == line


@pytest.mark.slow
def test_noise_maps_the_receptive_field_of_a_population_without_filter(tmp_path: Path) -> None:
    config = sf.compose("experiment=receptive_fields", f"batch.output_dir={tmp_path}/fields")
    results = sf.run(config)
    assert results is not None
    averages = spike_triggered_average(results, "linear")
    rows = innervation_rows(results, "linear")
    assert min(correlations(averages, rows)) > 0.9
