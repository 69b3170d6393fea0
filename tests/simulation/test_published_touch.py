"""From a configuration to published spike counts: the skin's drive, and an oracle of the neurons.

The anchors are those of the tests of the reference (Saal, Delhaye, Rayhaun, Bensmaia 2017,
doi:10.1073/pnas.1704856114): the first unit of each class under a probe of 1 mm radius, 0.5 mm for
afferents far away. What is driven here is this project's; what fires is `helpers.neuron_oracle`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from helpers.fitted import without_noise
from helpers.neuron_oracle import STEP_MS, spike_times_ms
from simulation.test_pressing import felt

import sensoryforge as sf
from sensoryforge.config.reading import check, compose
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


@dataclass(frozen=True)
class Anchor:
    """What the first unit of a class is published to fire under a probe, for a second."""

    kind: str
    stimulus: str
    course: Floats
    depth_mm: float
    radius_mm: float
    distance_mm: float
    spikes: int
    first_ms: float

    def write_files(self, folder: Path) -> tuple[Path, Path]:
        """Return the files with its course in time, and with the place of the one afferent."""
        course, cells = folder / "course.npy", folder / "cells.csv"
        np.save(course, self.course)
        cells.write_text("x_mm,y_mm\n0,0\n")
        return course, cells

    def assert_fired(self, times_ms: Floats) -> None:
        """Expect the published count and latency, as closely as the reference's own tests."""
        assert len(times_ms) == pytest.approx(self.spikes, abs=1)
        assert times_ms[0] == pytest.approx(self.first_ms, abs=0.25)


def named(anchor: Anchor) -> str:
    return f"{anchor.kind} {anchor.stimulus}"


RAMP = ramped(np.ones(SAMPLES))
ANCHORS = [
    # class, stimulus, course, depth (mm), radius (mm), distance (mm), spikes, the first (ms)
    Anchor("sa1", "ramp", RAMP, 1.0, 1.0, 0.0, 22, 6.2),
    Anchor("sa1", "10 Hz", sine(10), 0.5, 1.0, 0.0, 43, 13.0),
    Anchor("ra", "ramp", RAMP, 1.0, 1.0, 0.0, 7, 9.2),
    Anchor("ra", "25 Hz", sine(25), 0.5, 1.0, 0.0, 119, 12.6),
    Anchor("pc", "ramp", RAMP, 1.0, 1.0, 0.0, 3, 0.4),
    Anchor("pc", "250 Hz", sine(250), 0.005, 1.0, 0.0, 247, 4.2),
    Anchor("pc", "250 Hz, 25 mm away", sine(250), 0.01, 0.5, 25.0, 40, 23.8),
    Anchor("pc", "250 Hz, 50 mm away", sine(250), 0.01, 0.5, 50.0, 29, 43.0),
]


@pytest.mark.parametrize("anchor", ANCHORS, ids=named)
def test_the_published_counts_and_latencies_come_out(anchor: Anchor, tmp_path: Path) -> None:
    course, cells = anchor.write_files(tmp_path)
    experiment = check(
        compose(
            "pipeline.skin=elastic",
            "~neurons.populations.ra",
            "innervation@neurons.populations.sa.innervation=elastic",
            f"neurons.populations.sa.innervation.depth_mm={DEPTH_MM[anchor.kind]}",
            f"neurons.populations.sa.layout={{type:table,file:'{cells}'}}",
            "neurons.sa_neurons=1",
            f"pipeline.dt_ms={STEP_MS}",
            "pipeline.duration_ms=1000",
            "stimuli=disc",
            f"stimuli.amplitude={anchor.depth_mm}",
            f"stimuli.diameter_mm={2 * anchor.radius_mm}",
            f"stimuli.center_x={anchor.distance_mm}",
            "stimuli.profile=trace",
            f"stimuli.profile.file={course}",
        )
    )
    static, dynamic = felt(experiment)
    anchor.assert_fired(spike_times_ms(static[:, 0], 1000 * dynamic[:, 0], UNITS[anchor.kind]))


OPTIONS = {"sa1": "sa1", "ra": "ra1", "pc": "pc"}
"""The population that holds the units of each class."""
FROM_REST = [anchor for anchor in ANCHORS if named(anchor) != "pc ramp"]
"""All but the ramp of PC, which fires at once where a probe moves in the very first sample: for
the reference nothing was before that sample, for the populations the skin was at rest."""


@pytest.mark.parametrize("anchor", FROM_REST, ids=named)
def test_the_shipped_populations_fire_what_is_published(anchor: Anchor, tmp_path: Path) -> None:
    course, cells = anchor.write_files(tmp_path)
    population = OPTIONS[anchor.kind]
    fitted = {
        "type": population,
        "count": 1,
        "density_per_cm2": None,
        "layout": {"type": "table", "file": str(cells)},
        "units": without_noise(population, slice(1)),
    }
    stimulus = {
        "type": "disc",
        "amplitude": anchor.depth_mm,
        "diameter_mm": 2 * anchor.radius_mm,
        "center_x": anchor.distance_mm,
        "profile": {"type": "trace", "file": str(course)},
    }
    results = sf.run(
        {
            "pipeline": {"skin": "elastic", "dt_ms": STEP_MS, "duration_ms": 1000, "device": "cpu"},
            "neurons": {"populations": {"sa": None, "ra": None, "fitted": fitted}},
            "stimuli": stimulus,
            "batch": {"output_dir": str(tmp_path / "out")},
        }
    )
    spikes = np.asarray(results[0]["fitted_spikes"])[:, 0]
    anchor.assert_fired(np.flatnonzero(spikes) * STEP_MS)
