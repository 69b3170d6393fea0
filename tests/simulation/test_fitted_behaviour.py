"""What the fitted units do under a probe of 1 mm: depth curves, tuning to vibration, receptive fields.

The numbers are those of a study of the units of Saal, Delhaye, Rayhaun and Bensmaia 2017
(doi:10.1073/pnas.1704856114), without noise; they are how docs/afferents.md describes the
populations. Best frequencies are also those of recordings, where impulses a cycle were counted: RA
8 to 64 Hz, PC above 64 (Johansson, Landström and Lundström 1982,
doi:10.1016/0006-8993(82)90899-X).
"""

from __future__ import annotations

from itertools import pairwise
from math import pi, sin
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.fitted import run_quiet

import sensoryforge as sf
from sensoryforge.analysis.receptive_fields import field_areas
from sensoryforge.analysis.thresholds import entrainment, median_threshold, thresholds
from sensoryforge.core.types import Floats

FITTED = ("sa1", "ra1", "pc")
A_DECIBEL = 10 ** (1 / 20)
PROBE = {"type": "disc", "diameter_mm": 1.0}


def decibels(lowest_mm: float, highest_mm: float) -> list[float]:
    """Return amplitudes from one to another, each a decibel above the one before."""
    steps = round(20 * np.log10(highest_mm / lowest_mm))
    return [lowest_mm * A_DECIBEL**step for step in range(steps + 1)]


# --- ramp and hold ---

DEPTHS_MM = [0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]
ONSET = (50.0, 120.0)
HOLD = (200.0, 600.0)
"""In ms: the ramp in with what follows at once, and the hold when that is over."""


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> sf.Results:
    """Every unit under a probe that is ramped in over 50 ms and held for 500."""
    profile = {"type": "trapezoid", "onset_ms": 50, "ramp_ms": 50, "hold_ms": 500, "release_ms": 50}
    stimulus = {**PROBE, "amplitude": DEPTHS_MM, "profile": profile}
    return run_quiet(tmp_path_factory.mktemp("held") / "out", stimulus, 700.0, FITTED)


def test_sa1_fire_in_the_hold_in_proportion_to_depth(held: sf.Results) -> None:
    rates = held.rates("sa1", *HOLD)
    assert (rates[0] == 0).all()
    mean = rates.mean(axis=1)
    slope, _ = np.polyfit(DEPTHS_MM, mean, 1)
    assert slope == pytest.approx(47.2, abs=0.5)
    assert np.corrcoef(DEPTHS_MM, mean)[0, 1] ** 2 > 0.998
    slopes = [np.polyfit(DEPTHS_MM, of_unit, 1)[0] for of_unit in rates.T]
    assert slopes == pytest.approx([34, 43, 59, 52], abs=2)


def test_ra1_fire_in_the_ramps_and_not_in_the_hold(held: sf.Results) -> None:
    assert not held.counts("ra1", *HOLD).any()
    at_one_mm = held.counts("ra1", *ONSET)[DEPTHS_MM.index(1.0)]
    assert set(at_one_mm.tolist()) <= {0, 1, 2, 3, 4}
    assert (at_one_mm > 0).sum() >= 8
    assert held.counts("ra1", 600.0, 700.0)[DEPTHS_MM.index(1.0)].any()


def test_pc_fire_when_velocity_changes(held: sf.Results) -> None:
    at_one_mm = held.counts("pc", *ONSET)[DEPTHS_MM.index(1.0)]
    assert at_one_mm.tolist() == [2, 2, 0, 2]
    assert not held.counts("pc", *HOLD).any()


# --- vibration ---

SET_IN_MS = 100.0
LASTS_MS = 1100.0


def vibration(frequencies_hz: list[float], amplitudes_mm: list[float]) -> dict[str, Any]:
    """Return a probe that vibrates about rest; a second of it counts, which is whole cycles."""
    oscillation = {
        "type": "oscillation",
        "frequency_hz": frequencies_hz,
        "onset_ms": SET_IN_MS,
    }
    return {**PROBE, "amplitude": amplitudes_mm, "profile": oscillation}


def one_a_cycle(results: sf.Results, population: str) -> pd.DataFrame:
    return thresholds(results, entrainment(results, population, start_ms=SET_IN_MS))


NEAR_BEST = [
    # population, frequency (Hz), median threshold (mm), amplitudes (mm)
    ("sa1", 10.0, 0.106, decibels(0.05, 0.25)),
    ("ra1", 30.0, 0.056, decibels(0.018, 0.09)),
    ("pc", 250.0, 0.0016, decibels(0.0005, 0.02)),
]


@pytest.mark.parametrize(
    ("population", "frequency_hz", "wanted_mm", "amplitudes_mm"),
    NEAR_BEST,
    ids=[f"{population} at {frequency:g} Hz" for population, frequency, *_ in NEAR_BEST],
)
def test_thresholds_are_those_of_the_fits(
    tmp_path: Path,
    population: str,
    frequency_hz: float,
    wanted_mm: float,
    amplitudes_mm: list[float],
) -> None:
    """One spike a cycle, the median over units, to the decibel of the study."""
    stimulus = vibration([frequency_hz], amplitudes_mm)
    results = run_quiet(tmp_path / "out", stimulus, LASTS_MS, [population])
    (median_mm,) = median_threshold(one_a_cycle(results, population))
    assert 1 / A_DECIBEL < median_mm / wanted_mm < A_DECIBEL


BEST = {
    # population: best frequencies by one spike a cycle, by the first spike; plateaus in dB
    "sa1": ((5, 10), (64, 80), (2, 7)),
    "ra1": ((16, 40), (60, 150), (3, 12)),
    "pc": ((200, 250), (150, 400), (4, 62)),
}
"""The study had PC's plateaus from 4 to 48 dB, over a narrower range of amplitudes."""


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> sf.Results:
    """Every unit under 19 frequencies and 81 amplitudes."""
    frequencies = [5, 8, 10, 13, 16, 20, 25, 30, 40, 50, 64, 80, 100, 125, 150, 200, 250, 300, 400]
    stimulus = vibration([float(hz) for hz in frequencies], decibels(1e-4, 1.0))
    return run_quiet(tmp_path_factory.mktemp("tuned") / "out", stimulus, LASTS_MS, FITTED)


def best_hz(lowest: pd.DataFrame) -> list[float]:
    """Return the frequency at which each unit needs least."""
    return [float(hz) for hz in lowest.idxmin(axis=0)]


@pytest.mark.slow
@pytest.mark.parametrize("population", FITTED)
def test_best_frequencies_are_those_of_the_class(tuned: sf.Results, population: str) -> None:
    by_cycle, by_first, _ = BEST[population]
    of_units = best_hz(one_a_cycle(tuned, population))
    assert by_cycle[0] <= min(of_units) <= max(of_units) <= by_cycle[1]
    counts = tuned.counts(population, SET_IN_MS).astype(np.float64)
    of_units = best_hz(thresholds(tuned, counts))
    assert by_first[0] <= min(of_units) <= max(of_units) <= by_first[1]


@pytest.mark.slow
@pytest.mark.parametrize("population", FITTED)
def test_one_spike_a_cycle_holds_over_a_plateau(tuned: sf.Results, population: str) -> None:
    *_, (least_db, most_db) = BEST[population]
    a_cycle = entrainment(tuned, population, start_ms=SET_IN_MS)
    for unit, hz in enumerate(best_hz(one_a_cycle(tuned, population))):
        at_best = (tuned.table["profile_frequency_hz"] == hz).to_numpy()
        is_one = np.abs(a_cycle[at_best, unit] - 1) < 0.02
        assert least_db <= longest_run(is_one) - 1 <= most_db, unit


def longest_run(is_one: Any) -> int:
    """Return how many in a row are true, at most."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_one, [False]])))
    return max((stop - start for start, stop in list(pairwise(edges))[::2]), default=0)


# --- receptive fields ---

TIMES = 4.0
"""A field is mapped at so many times the threshold in its middle."""
CLOSED_FORM_MM2 = pi * (0.5 / sin(pi / (2 * TIMES))) ** 2
"""Of a unit that feels the velocity of the skin alone: the surface beside a probe of radius a moves
(2/pi) asin(a/r) as fast as the probe (Sneddon 1946)."""
RAMP_MS = {"sa1": 20, "ra1": 50, "pc": 50}


def taps(
    folder: Path, population: str, amplitudes_mm: list[float], **places: list[float]
) -> sf.Results:
    """Return what every unit fires when the probe is tapped in at some places."""
    ramp_ms = RAMP_MS[population]
    tap = {"type": "trapezoid", "onset_ms": 20, "ramp_ms": ramp_ms, "hold_ms": 40}
    stimulus = {**PROBE, "amplitude": amplitudes_mm, "profile": tap, **places}
    return run_quiet(folder, stimulus, 140.0, [population])


def thresholds_in_the_middle(folder: Path, population: str, least_mm: float) -> Floats:
    """Return the least tap that each unit feels in the middle of its field, in mm, to a percent."""
    amplitudes = [least_mm * 1.01**step for step in range(300)]
    results = taps(folder, population, amplitudes)
    counts = results.counts(population).astype(np.float64)
    lowest: Floats = thresholds(results, counts, by="center_x").to_numpy()[0]
    return lowest


def widths_of_fields(folder: Path, population: str, least_mm: float) -> Floats:
    """Return how far from its middle each unit is felt at four times its threshold, in mm."""
    lowest = thresholds_in_the_middle(folder / "middle", population, least_mm)
    away = [0.02 * step for step in range(150)]
    results = taps(folder / "away", population, np.unique(TIMES * lowest).tolist(), center_x=away)
    fires = results.counts(population) > 0
    widths = np.full(len(lowest), np.nan)
    for unit, amplitude in enumerate(TIMES * lowest):
        if np.isfinite(amplitude):
            rows = np.isclose(results.table["amplitude"], amplitude, rtol=1e-9)
            widths[unit] = results.table["center_x"][rows & fires[:, unit]].max()
    return widths


FIELDS = [
    # population, least amplitude (mm), areas from and to (mm2)
    ("ra1", 0.04, 0.9 * CLOSED_FORM_MM2, 1.1 * CLOSED_FORM_MM2),
    ("pc", 0.004, 0.9 * CLOSED_FORM_MM2, 1.1 * CLOSED_FORM_MM2),
    ("sa1", 0.03, 3.6, 4.9),
]
"""Of SA1 the stress counts too, the more the slower the ramp is: their fields are smaller."""


@pytest.mark.parametrize(("population", "least_mm", "low", "high"), FIELDS)
def test_fields_are_as_wide_as_the_mechanics_make_them(
    tmp_path: Path, population: str, least_mm: float, low: float, high: float
) -> None:
    areas = pi * widths_of_fields(tmp_path, population, least_mm) ** 2
    assert np.isfinite(areas).all()
    assert low <= areas.min() <= areas.max() <= high


def test_the_area_of_a_field_is_that_of_the_places_it_is_felt_at(tmp_path: Path) -> None:
    """The first RA unit, at four times its threshold, on a lattice of 0.2 mm."""
    (lowest, *_) = thresholds_in_the_middle(tmp_path / "middle", "ra1", 0.04)
    lattice = [0.2 * step for step in range(-8, 9)]
    amplitudes = [float(TIMES * lowest)]
    results = taps(tmp_path / "out", "ra1", amplitudes, center_x=lattice, center_y=lattice)
    assert field_areas(results, "ra1")[0] == pytest.approx(CLOSED_FORM_MM2, rel=0.1)
