"""Thresholds, spikes a cycle and areas of receptive fields: what is counted, and how it is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.fitted import run_quiet

import sensoryforge as sf
from sensoryforge.analysis import plots
from sensoryforge.analysis.receptive_fields import field_areas
from sensoryforge.analysis.thresholds import entrainment, median_threshold, thresholds
from sensoryforge.commands import cli
from sensoryforge.core.errors import ConfigError

PROBE = {"type": "disc", "diameter_mm": 1.0}
SET_IN_MS = 20.0
FREQUENCIES_HZ = [30.0, 45.0]
AMPLITUDES_MM = [0.01, 0.1, 0.3, 0.4]


@pytest.fixture(scope="module")
def vibrated(tmp_path_factory: pytest.TempPathFactory) -> sf.Results:
    """Nine RA units under eight vibrations of 130 ms."""
    oscillation = {"type": "oscillation", "frequency_hz": FREQUENCIES_HZ, "onset_ms": SET_IN_MS}
    stimulus = {**PROBE, "amplitude": AMPLITUDES_MM, "profile": oscillation}
    return run_quiet(tmp_path_factory.mktemp("vibrated") / "out", stimulus, 130.0, ["ra1"])


def test_spikes_a_cycle_are_those_of_whole_cycles_by_their_number(vibrated: sf.Results) -> None:
    """110 ms hold 3 cycles of 30 Hz, of 100 ms, and 4 of 45 Hz, of 88.9 ms."""
    a_cycle = entrainment(vibrated, "ra1", start_ms=SET_IN_MS)
    assert a_cycle.shape == (8, 9)
    for row, frequency in enumerate(vibrated.table["profile_frequency_hz"]):
        cycles, samples = (3, 500) if frequency == 30 else (4, 444)
        spikes = vibrated.spikes("ra1")[row].numpy()[100 : 100 + samples]
        np.testing.assert_array_equal(a_cycle[row], spikes.sum(axis=0) / cycles)
    assert a_cycle.max() >= 1.0


def test_a_window_without_a_whole_cycle_has_no_number(vibrated: sf.Results) -> None:
    a_cycle = entrainment(vibrated, "ra1", start_ms=0.0, stop_ms=25.0)
    is_slow = (vibrated.table["profile_frequency_hz"] == 30).to_numpy()
    assert np.isnan(a_cycle[is_slow]).all()
    assert np.isfinite(a_cycle[~is_slow]).all()


def test_a_threshold_is_the_least_amplitude_that_is_enough(vibrated: sf.Results) -> None:
    """The second neuron answers from 0.1 mm on, less at 0.3; the third never does."""
    amplitude = vibrated.table["amplitude"].to_numpy()
    responses = np.stack([amplitude >= 0.3, amplitude > 0.05, amplitude > 9], axis=1).astype(float)
    responses[:, 1] -= 0.5 * (amplitude == 0.3)
    lowest = thresholds(vibrated, responses)
    assert lowest.index.tolist() == FREQUENCIES_HZ
    np.testing.assert_array_equal(lowest, [[0.3, 0.1, np.nan]] * 2)
    np.testing.assert_array_equal(thresholds(vibrated, responses, at_least=0.5), lowest)
    np.testing.assert_array_equal(median_threshold(lowest), [0.3, 0.3])


def test_responses_are_averaged_over_repetitions(tmp_path: Path) -> None:
    oscillation = {"type": "oscillation", "frequency_hz": 30.0}
    stimulus = {**PROBE, "amplitude": [0.1, 0.2], "profile": oscillation, "repetitions": 2}
    twice = run_quiet(tmp_path / "out", stimulus, 20.0, ["ra1"])
    half = np.array([[1.0], [0.0], [1.0], [1.0]])
    lowest = thresholds(twice, half, by="profile_frequency_hz")
    assert lowest.to_numpy().tolist() == [[0.2]]
    assert thresholds(twice, half, at_least=0.5).to_numpy().tolist() == [[0.1]]


def test_the_picture_has_both_rules_and_its_window(vibrated: sf.Results) -> None:
    figure = plots.thresholds(vibrated)
    (axis,) = figure.axes
    assert axis.get_xlabel() == "profile_frequency_hz (Hz)"
    assert axis.get_ylabel() == "threshold, amplitude (mm)"
    solid, dashed = axis.get_lines()[0], axis.get_lines()[-1]
    wanted = thresholds(vibrated, entrainment(vibrated, "ra1", start_ms=SET_IN_MS))
    np.testing.assert_array_equal(solid.get_ydata(), median_threshold(wanted))
    by_first = thresholds(vibrated, vibrated.counts("ra1", SET_IN_MS).astype(np.float64))
    np.testing.assert_array_equal(dashed.get_ydata(), median_threshold(by_first))
    assert len(axis.get_lines()) == 2 + 9
    assert "20 to 130 ms" in figure.get_suptitle()
    assert "50 to 100 ms" in plots.thresholds(vibrated, window=(50, 100)).get_suptitle()


def test_the_command_draws_it_where_it_is_asked_for(
    vibrated: sf.Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = str(vibrated.directory)
    assert cli.main(["plot", directory, "thresholds", "--output", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["thresholds.png"]
    assert cli.main(["plot", directory, "tuning", "--output", str(tmp_path)]) == 0
    assert {path.stem for path in tmp_path.iterdir()} == {"thresholds", "tuning"}
    capsys.readouterr()
    assert cli.main(["plot", directory, "threshold", "--output", str(tmp_path)]) == 2
    assert "did you mean 'thresholds'?" in capsys.readouterr().err


@pytest.fixture(scope="module")
def tapped(tmp_path_factory: pytest.TempPathFactory) -> sf.Results:
    """RA units when a probe taps at twelve places, at two depths."""
    stimulus = {
        **PROBE,
        "amplitude": [0.3, 0.5],
        "center_x": [-0.5, 0.0, 0.5, 1.0],
        "center_y": [0.0, 1.0, 2.0],
        "profile": {"type": "trapezoid", "onset_ms": 5, "ramp_ms": 20, "hold_ms": 10},
    }
    return run_quiet(tmp_path_factory.mktemp("tapped") / "out", stimulus, 60.0, ["ra1"])


def test_a_place_has_the_area_of_a_cell_of_the_lattice(tapped: sf.Results) -> None:
    deep = tapped.where(amplitude=0.5)
    fires = deep.counts("ra1") > 0
    np.testing.assert_allclose(field_areas(deep, "ra1"), 0.5 * fires.sum(axis=0))
    assert 0 < fires.sum() < fires.size
    strict = field_areas(deep, "ra1", at_least=2, start_ms=5, stop_ms=30)
    counted = deep.counts("ra1", 5, 30) >= 2
    np.testing.assert_allclose(strict, 0.5 * counted.sum(axis=0))


def test_places_that_are_no_lattice_are_told(tapped: sf.Results, vibrated: sf.Results) -> None:
    with pytest.raises(ConfigError, match="amplitude: got 2 values, allowed is one"):
        field_areas(tapped, "ra1")
    deep = tapped.where(amplitude=0.5)
    with pytest.raises(ConfigError, match=r"center_x: got values 0.5 to 1 apart, allowed is one"):
        field_areas(deep.where(center_x=[-0.5, 0.0, 1.0]), "ra1")
    with pytest.raises(ConfigError, match="got 11 places with center_y, allowed are all, 12"):
        field_areas(deep.take(range(11)), "ra1")
    with pytest.raises(ConfigError, match="center_y: got 1 value, allowed are several"):
        field_areas(vibrated.where(amplitude=0.1, profile_frequency_hz=30), "ra1")


def test_what_is_not_there_is_told(vibrated: sf.Results) -> None:
    with pytest.raises(ConfigError, match=r"frequency: got 'hz', allowed are .*"):
        entrainment(vibrated, "ra1", "hz")
    with pytest.raises(ConfigError, match=r"axis: got 'depth', allowed are .*"):
        thresholds(vibrated, np.zeros((8, 1)), amplitude="depth")
    with pytest.raises(ConfigError, match=r"responses: got 3 stimuli, allowed are .*, 8"):
        thresholds(vibrated, np.zeros((3, 1)))
    with pytest.raises(ConfigError, match=r"axis: got 'profile_depth', allowed are .*"):
        plots.thresholds(vibrated, "profile_depth")
