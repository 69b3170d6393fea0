"""From a configuration to published spike counts: the skin's drive, and an oracle of the neurons.

The anchors are those of the tests of the reference (Saal, Delhaye, Rayhaun, Bensmaia 2017,
doi:10.1073/pnas.1704856114): the first unit of each class under a probe of 1 mm radius, 0.5 mm for
afferents far away. What is driven here is this project's; what fires is `helpers.neuron_oracle`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from helpers.neuron_oracle import STEP_MS, spike_times_ms
from simulation.test_pressing import felt

import sensoryforge as sf
from sensoryforge.config.reading import check, compose
from sensoryforge.config.sources import conf_dir
from sensoryforge.core.types import Floats

SAMPLES = 5000
UNITS: dict[str, dict[str, float]] = {
    "sa1": {
        "cutoff_hz": 101.317, "w_s": 0.434648, "w_sn": -0.31831, "w_d": 0.00580181, "w_dn": -0.00396896,
        "tau": 281.207, "h_early": -0.277023, "h_late": -7.37607e-06,
    },
    "ra": {
        "cutoff_hz": 101.855, "w_d": 0.338496, "w_dn": 0.254527, "w_dd": -11.3443, "w_ddn": 1.80301,
        "i_max": 279.795, "tau": 20.3965, "h_early": -1.88157, "h_late": -0.0787964,
    },
    "pc": {'cutoff_hz': 275.021, 'w_d': -257.797, 'w_dn': -185.656, 'w_dd': 1455.15, 'w_ddn': 592.889, 'i_max': 10.1969, 'tau': 8.96286, 'h_early': -11.3215, 'h_late': -0.586352},
}  # fmt: skip
"""The first unit of each class, as fitted: the reference's numbers."""
DEPTH_MM = {"sa1": 0.3, "ra": 1.6, "pc": 2.0}


def ramped(course: Floats) -> Floats:
    """Return a course under ramps of 50 ms, whose 250 samples reach the whole."""
    number = np.arange(len(course))
    return np.clip(np.minimum(number, number[::-1]) / 249, 0, 1) * course


def sine(frequency_hz: float) -> Floats:
    return ramped(np.sin(2 * np.pi * frequency_hz * np.arange(SAMPLES) * STEP_MS / 1000))


RAMP = ramped(np.ones(SAMPLES))
CASES: list[tuple[str, str, Floats, float, float, float, int, float]] = [
    # class, stimulus, course, depth (mm), radius (mm), distance (mm), spikes, the first (ms)
    ("sa1", "ramp", RAMP, 1.0, 1.0, 0.0, 22, 6.2),
    ("sa1", "10 Hz", sine(10), 0.5, 1.0, 0.0, 43, 13.0),
    ("ra", "ramp", RAMP, 1.0, 1.0, 0.0, 7, 9.2),
    ("ra", "25 Hz", sine(25), 0.5, 1.0, 0.0, 119, 12.6),
    ("pc", "ramp", RAMP, 1.0, 1.0, 0.0, 3, 0.4),
    ("pc", "250 Hz", sine(250), 0.005, 1.0, 0.0, 247, 4.2),
    ("pc", "250 Hz, 25 mm away", sine(250), 0.01, 0.5, 25.0, 40, 23.8),
    ("pc", "250 Hz, 50 mm away", sine(250), 0.01, 0.5, 50.0, 29, 43.0),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
def test_the_published_counts_and_latencies_come_out(
    case: tuple[str, str, Floats, float, float, float, int, float], tmp_path: Path
) -> None:
    kind, _, course, depth_mm, radius_mm, distance_mm, spikes, first_ms = case
    np.save(tmp_path / "course.npy", course)
    cells = tmp_path / "cells.csv"
    cells.write_text("x_mm,y_mm\n0,0\n")
    experiment = check(
        compose(
            "pipeline.skin=elastic",
            "~neurons.populations.ra",
            "innervation@neurons.populations.sa.innervation=elastic",
            f"neurons.populations.sa.innervation.depth_mm={DEPTH_MM[kind]}",
            f"neurons.populations.sa.layout={{type:table,file:'{cells}'}}",
            "neurons.sa_neurons=1",
            f"pipeline.dt_ms={STEP_MS}",
            "pipeline.duration_ms=1000",
            "stimuli=disc",
            f"stimuli.amplitude={depth_mm}",
            f"stimuli.diameter_mm={2 * radius_mm}",
            f"stimuli.center_x={distance_mm}",
            "stimuli.profile=trace",
            f"stimuli.profile.file={tmp_path / 'course.npy'}",
        )
    )
    static, dynamic = felt(experiment)
    times = spike_times_ms(static[:, 0], 1000 * dynamic[:, 0], UNITS[kind])
    assert len(times) == pytest.approx(spikes, abs=1)
    assert times[0] == pytest.approx(first_ms, abs=0.25)


OPTIONS = {"sa1": "sa1", "ra": "ra1", "pc": "pc"}
"""The population that holds the units of each class."""
FROM_REST = [case for case in CASES if case[:2] != ("pc", "ramp")]
"""All but the ramp of PC, which fires at once where a probe moves in the very first sample: for
the reference nothing was before that sample, for the populations the skin was at rest."""


@pytest.mark.parametrize("case", FROM_REST, ids=[f"{case[0]} {case[1]}" for case in FROM_REST])
def test_the_shipped_populations_fire_what_is_published(
    case: tuple[str, str, Floats, float, float, float, int, float], tmp_path: Path
) -> None:
    kind, _, course, depth_mm, radius_mm, distance_mm, spikes, first_ms = case
    np.save(tmp_path / "course.npy", course)
    cells = tmp_path / "cells.csv"
    cells.write_text("x_mm,y_mm\n0,0\n")
    population = OPTIONS[kind]
    base: dict[str, Any] = yaml.safe_load((conf_dir() / f"units/{population}.yaml").read_text())
    noise = base["columns"].index("noise_std")
    first_unit = [0.0 if column == noise else value for column, value in enumerate(base["rows"][0])]
    run = sf.run(
        {
            "pipeline": {"skin": "elastic", "dt_ms": STEP_MS, "duration_ms": 1000, "device": "cpu"},
            "neurons": {
                "populations": {
                    "sa": None,
                    "ra": None,
                    "fitted": {
                        "type": population,
                        "count": 1,
                        "density_per_cm2": None,
                        "layout": {"type": "table", "file": str(cells)},
                        "units": {"columns": base["columns"], "rows": [first_unit]},
                    },
                }
            },
            "stimuli": {
                "type": "disc",
                "amplitude": depth_mm,
                "diameter_mm": 2 * radius_mm,
                "center_x": distance_mm,
                "profile": {"type": "trace", "file": str(tmp_path / "course.npy")},
            },
            "batch": {"output_dir": str(tmp_path / "out")},
        }
    )
    times = np.flatnonzero(np.asarray(run[0]["fitted_spikes"])[:, 0]) * STEP_MS
    assert len(times) == pytest.approx(spikes, abs=1)
    assert times[0] == pytest.approx(first_ms, abs=0.25)
