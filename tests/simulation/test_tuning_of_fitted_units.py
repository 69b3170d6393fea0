"""What the fitted units do under a probe: depths, frequencies, thresholds, fields.

The numbers are those of the reference's units (Saal, Delhaye, Rayhaun, Bensmaia 2017,
doi:10.1073/pnas.1704856114) under its own mechanics, without noise, on a flat probe 1 mm wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from simulation.test_published_touch import sine

import sensoryforge as sf
from sensoryforge.analysis.results import Results
from sensoryforge.analysis.thresholds import thresholds
from sensoryforge.config.sources import conf_dir
from sensoryforge.core.types import Floats

COUNTS = {"sa1": 4, "ra1": 9, "pc": 4}
"""Units of each class, one afferent each."""
HELD_MS = (120.0, 900.0)
"""From a little after the ramp until shortly before the release."""
SETTLED_MS = (100.0, 900.0)
"""Without the ramps of a vibration."""
RADIUS_MM = 0.5


def units_without_noise(population: str) -> dict[str, Any]:
    """Return a shipped table, a neuron a unit, that adds no noise."""
    shipped: dict[str, Any] = yaml.safe_load((conf_dir() / f"units/{population}.yaml").read_text())
    column = shipped["columns"].index("noise_std")
    for row in shipped["rows"]:
        row[column] = 0.0
    return {**shipped, "assign": "cycle"}


def run_units(
    folder: Path, stimuli: dict[str, Any], distances_mm: Sequence[float] = (0.0,)
) -> Results:
    """Run every unit, at each of some distances from the middle of the probe, for a second."""
    populations: dict[str, Any] = {"sa": None, "ra": None}
    for name, count in COUNTS.items():
        cells = folder / f"{name}.csv"
        places = [f"{distance:.6f},0" for distance in distances_mm for _ in range(count)]
        cells.write_text("\n".join(["x_mm,y_mm", *places]) + "\n")
        populations[name] = {
            "type": name,
            "count": len(places),
            "density_per_cm2": None,
            "layout": {"type": "table", "file": str(cells)},
            "units": units_without_noise(name),
        }
    results = sf.run(
        {
            "pipeline": {"skin": "elastic", "dt_ms": 0.2, "duration_ms": 1000, "device": "cpu"},
            "neurons": {"populations": populations},
            "stimuli": {"type": "disc", "diameter_mm": 2 * RADIUS_MM, **stimuli},
            "batch": {"output_dir": str(folder / "out"), "format": "hdf5"},
        },
        progress=False,
    )
    assert results is not None
    return results


# --- depth ---


@pytest.fixture(scope="module")
def pressed(tmp_path_factory: pytest.TempPathFactory) -> Results:
    hold = {"type": "trapezoid", "ramp_ms": 50, "hold_ms": 880, "release_ms": 50}
    depths = [0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]
    folder = tmp_path_factory.mktemp("pressed")
    return run_units(folder, {"amplitude": depths, "profile": {**hold, "onset_ms": 20}})


def test_sa1_fires_in_proportion_to_depth_while_a_probe_is_held(pressed: Results) -> None:
    depths = pressed.table["amplitude"].to_numpy(float)
    rates = pressed.rates("sa1", *HELD_MS)
    assert (rates[depths == 0.1] == 0).all()
    slope, _ = np.polyfit(depths, rates.mean(axis=1), 1)
    assert slope == pytest.approx(47.2, abs=1.0)
    assert np.corrcoef(depths, rates.mean(axis=1))[0, 1] ** 2 >= 0.999
    of_units = []
    for rate in rates.T:
        fires = rate > 0
        of_units.append(np.polyfit(depths[fires], rate[fires], 1)[0])
    assert of_units == pytest.approx([34, 43, 59, 52], abs=1.5)


def test_ra1_fires_while_a_probe_moves_and_never_while_it_is_held(pressed: Results) -> None:
    assert (pressed.counts("ra1", *HELD_MS) == 0).all()
    (row,) = np.flatnonzero(pressed.table["amplitude"] == 1.0)
    onset = pressed.counts("ra1", 0.0, 90.0)[row]
    assert onset.max() <= 4
    assert np.count_nonzero(onset) >= 8


def test_pc_fires_when_the_velocity_changes(pressed: Results) -> None:
    assert (pressed.counts("pc", *HELD_MS) == 0).all()
    (row,) = np.flatnonzero(pressed.table["amplitude"] == 1.0)
    assert pressed.counts("pc", 0.0, 90.0)[row].tolist() == [2, 2, 0, 2]


# --- frequency ---


def run_vibrations(
    folder: Path, frequencies_hz: Sequence[int], amplitudes_mm: Sequence[float]
) -> Results:
    """Run sines about the skin at rest; the column ``frequency_hz`` is added to the table."""
    files = []
    for frequency in frequencies_hz:
        files.append(str(folder / f"{frequency}.npy"))
        np.save(files[-1], sine(frequency))
    vibration = {"type": "trace", "file": files}
    results = run_units(folder, {"amplitude": list(amplitudes_mm), "profile": vibration})
    names = results.table["profile_file"]
    results.table["frequency_hz"] = [float(Path(name).stem) for name in names]
    return results


def lowest_um(results: Results, population: str, frequency_hz: float, spikes: float) -> Floats:
    """Return the least amplitude, in micrometres, at which each unit fires so often when settled."""
    of_frequency = np.flatnonzero(results.table["frequency_hz"] == frequency_hz)
    amplitudes = results.table["amplitude"].to_numpy(float)[of_frequency]
    counts = results.counts(population, *SETTLED_MS)[of_frequency]
    lowest = []
    for count in counts.T:
        enough = amplitudes[count >= spikes]
        lowest.append(1000 * enough.min() if len(enough) else np.nan)
    return np.array(lowest)


def spike_a_cycle(frequency_hz: float) -> float:
    """Return a spike for every cycle of the settled vibration; the one that is cut may lack it."""
    start_ms, stop_ms = SETTLED_MS
    return frequency_hz * (stop_ms - start_ms) / 1000 - 0.5


ANCHORS = {"sa1": (10, 106.0), "ra1": (30, 56.0), "pc": (250, 1.6)}
"""Population -> frequency (Hz), median threshold for a spike a cycle (micrometres)."""


@pytest.mark.parametrize("population", COUNTS)
def test_thresholds_at_the_frequencies_of_each_class_are_the_reference_s(
    population: str, tmp_path: Path
) -> None:
    frequency_hz, threshold_um = ANCHORS[population]
    # Twenty steps a decade: each is 12 % above the one before.
    amplitudes = threshold_um / 1000 * 10 ** (np.arange(-24, 25) / 20)
    results = run_vibrations(tmp_path, [frequency_hz], amplitudes.round(7).tolist())
    found = lowest_um(results, population, frequency_hz, spike_a_cycle(frequency_hz))
    assert np.nanmedian(found) == pytest.approx(threshold_um, rel=0.1)


FREQUENCIES_HZ = (5, 8, 10, 16, 20, 25, 30, 40, 50, 64, 80, 100, 125, 150, 200, 250, 300, 400)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Results:
    amplitudes = 10 ** np.linspace(-4, 0, 81)
    folder = tmp_path_factory.mktemp("swept")
    return run_vibrations(folder, FREQUENCIES_HZ, amplitudes.round(7).tolist())


BEST_OF_CYCLES = {"sa1": (5, 10), "ra1": (16, 40), "pc": (200, 250)}
BEST_OF_SPIKES = {"sa1": (64, 80), "ra1": (60, 150), "pc": (150, 400)}


@pytest.mark.slow
@pytest.mark.parametrize("population", COUNTS)
def test_each_class_is_best_where_the_reference_is(population: str, swept: Results) -> None:
    cycles, spikes = [], []
    for frequency in FREQUENCIES_HZ:
        cycles.append(lowest_um(swept, population, frequency, spike_a_cycle(frequency)))
        spikes.append(lowest_um(swept, population, frequency, 1))
    for lowest, (slowest, fastest) in (
        (cycles, BEST_OF_CYCLES[population]),
        (spikes, BEST_OF_SPIKES[population]),
    ):
        best = np.array(FREQUENCIES_HZ)[np.nanargmin(np.array(lowest), axis=0)]
        assert (best >= slowest).all()
        assert (best <= fastest).all()


PLATEAUS = {"sa1": (10, 3, 7), "ra1": (30, 4, 12), "pc": (250, 4, 48)}
"""Population -> frequency (Hz), narrowest and widest plateau (dB)."""


@pytest.mark.slow
@pytest.mark.parametrize("population", COUNTS)
def test_each_class_has_a_plateau_of_one_spike_a_cycle(population: str, swept: Results) -> None:
    frequency_hz, narrowest, widest = PLATEAUS[population]
    once = lowest_um(swept, population, frequency_hz, spike_a_cycle(frequency_hz))
    cycles = frequency_hz * (SETTLED_MS[1] - SETTLED_MS[0]) / 1000
    more = lowest_um(swept, population, frequency_hz, cycles + 1)
    width_db = 20 * np.log10(more / once)
    assert np.nanmin(width_db) >= narrowest - 0.1  # the steps are of 1 dB
    assert np.nanmax(width_db) <= widest + 0.1


def test_thresholds_of_a_dataset_are_those_counted_by_hand(tmp_path: Path) -> None:
    results = run_vibrations(tmp_path, [25], [0.02, 0.04, 0.08, 0.16])
    lowest = thresholds(results, "ra1", start_ms=SETTLED_MS[0], stop_ms=SETTLED_MS[1])
    by_hand = lowest_um(results, "ra1", 25, 1)
    np.testing.assert_allclose(1000 * lowest.to_numpy()[0], by_hand)
    assert len(set(by_hand)) > 1


# --- receptive fields ---


TIMES = 4.0
"""A field reaches to where this many times the least amplitude is asked for."""
DISTANCES_MM = np.round(np.arange(0.9, 1.6, 0.01), 2)
CLOSED_FORM_MM2 = np.pi * (RADIUS_MM / np.sin(np.pi / (2 * TIMES))) ** 2
"""Where the surface sinks a quarter as much as under the probe: (2/pi) asin(a/r) = 1/4."""
FIELDS = {
    "sa1": (10, 0.05, (3.4, 5.2)),
    "ra1": (30, 0.02, (0.9 * CLOSED_FORM_MM2, 1.1 * CLOSED_FORM_MM2)),
    "pc": (250, 0.0005, (0.9 * CLOSED_FORM_MM2, 1.1 * CLOSED_FORM_MM2)),
}
"""Population -> frequency (Hz), a low amplitude (mm), between which areas its fields lie (mm2)."""


@pytest.mark.slow
@pytest.mark.parametrize("population", COUNTS)
def test_fields_are_as_wide_as_the_mechanics_makes_them(population: str, tmp_path: Path) -> None:
    frequency_hz, low_mm, (smallest, largest) = FIELDS[population]
    assert pytest.approx(5.36, abs=0.01) == CLOSED_FORM_MM2
    amplitudes = low_mm * 10 ** (np.arange(170) / 100)
    np.save(tmp_path / "sine.npy", sine(frequency_hz))
    vibration = {"type": "trace", "file": str(tmp_path / "sine.npy")}
    stimulus = {"amplitude": amplitudes.round(8).tolist(), "profile": vibration}
    results = run_units(tmp_path, stimulus, [0.0, *DISTANCES_MM])
    counts = results.counts(population, *SETTLED_MS)
    is_enough = counts >= spike_a_cycle(frequency_hz)
    lowest = np.where(is_enough.any(axis=0), amplitudes[is_enough.argmax(axis=0)], np.inf)
    below, *around = lowest.reshape(-1, COUNTS[population])
    areas = []
    for of_unit, least in zip(np.array(around).T, below, strict=True):
        within = of_unit <= TIMES * least * (1 + 1e-6)
        if within.any():
            areas.append(np.pi * DISTANCES_MM[within].max() ** 2)
    assert len(areas) >= COUNTS[population] - 1
    assert min(areas) >= smallest
    assert max(areas) <= largest
