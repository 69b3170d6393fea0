"""Fitted afferents beside TouchSim, the field's reference (Saal et al. 2017), on the same task, turn about.

    python benchmarks/reference.py --touchsim-python touchsim/bin/python

A fingertip of SA1, RA1 and PC afferents at human densities under a probe of 1 mm that is ramped in, held for 300 ms and
withdrawn, 0.5 s in steps of 0.2 ms, with noise. Both have the same afferents, each at the same place and of the same unit,
and both count from the course of the probe to the spikes of all. The rate is afferent-seconds of simulated time a second.
Ours is also shown from the configuration to the closed HDF5 file. Compiling is not counted on either side.

TouchSim is not on PyPI and its repository has no licence; whoever wants to compare installs it, in an environment of its
own and from a clone, since it reads a picture that lies there:

    git clone https://github.com/hsaal/touchsim touchsim_source
    python -m venv touchsim && touchsim/bin/pip install -e touchsim_source

Without --touchsim-python ours runs alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

import sensoryforge as sf
from sensoryforge.config import check
from sensoryforge.design.experiment import Experiment
from sensoryforge.running.execute import run_experiment
from sensoryforge.simulation.encoder import Encoder

CLASSES = {"sa1": "SA1", "ra1": "RA", "pc": "PC"}
DIAMETER_MM = 1.0
DURATION_MS, DT_MS = 500.0, 0.2
RAMP = {"onset_ms": 50.0, "ramp_ms": 50.0, "hold_ms": 300.0, "release_ms": 50.0}
STIMULI = 32
"""Depths that ours takes at once, from 0.1 to 2 mm; theirs takes one at a time."""
TURNS_OF_THEIRS = 2
"""Depths that theirs takes in a turn."""


def experiment(folder: Path, threads: int) -> Experiment:
    """Return a fingertip under a probe at many depths."""
    populations: dict[str, Any] = {name: {"type": name} for name in CLASSES}
    config = {
        "pipeline": {
            "skin": "elastic",
            "outline": "fingertip",
            "grid_size": [60, 40],
            "spacing_mm": 0.4,
            "dt_ms": DT_MS,
            "duration_ms": DURATION_MS,
            "device": "cpu",
        },
        "neurons": {"populations": {"sa": None, "ra": None, **populations}},
        "stimuli": {
            "type": "disc",
            "diameter_mm": DIAMETER_MM,
            "amplitude": depths().tolist(),
            "profile": {"type": "trapezoid", **RAMP},
        },
        "batch": {"format": "hdf5", "output_dir": str(folder), "num_workers": threads},
    }
    return check(config)


def depths() -> np.ndarray:
    """Return how deep the probe goes, in mm."""
    return np.linspace(0.1, 2.0, STIMULI)


def course() -> np.ndarray:
    """Return the probe over time, a part of its depth."""
    onset, ramp, hold, release = RAMP.values()
    corners = np.cumsum([onset, ramp, hold, release])
    return np.interp(np.arange(0, DURATION_MS, DT_MS), corners, [0, 1, 1, 0])


def task_of(results: sf.Results) -> dict[str, Any]:
    """Return what theirs is to do: the afferents of a dataset, and the course of the probe."""
    afferents = {
        theirs: {
            "xy_mm": results.metadata[f"{ours}_xy_mm"].tolist(),
            "units": results.units(ours).tolist(),
        }
        for ours, theirs in CLASSES.items()
    }
    fs = 1000 / DT_MS
    return {
        "afferents": afferents, "course": course().tolist(), "fs": fs, "radius_mm": DIAMETER_MM / 2
    }  # fmt: skip


class Reference:
    """TouchSim in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def press(self, depth_mm: float) -> tuple[float, int]:
        """Return the seconds that a probe takes, and the spikes that it draws."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{depth_mm}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("TouchSim stopped; what it said stands above")
        answer = json.loads(line)
        return float(answer["seconds"]), int(answer["spikes"])


@contextmanager
def reference(python: Path, task: dict[str, Any], threads: int) -> Iterator[Reference]:
    """Start TouchSim, and end it."""
    script = str(Path(__file__).with_name("reference_worker.py"))
    with subprocess.Popen(
        [str(python), script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NUMBA_NUM_THREADS": str(threads), "PYTHONPATH": ""},
    ) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(task) + "\n")
        yield Reference(process)
        process.stdin.close()


def simulate(encoder: Encoder) -> tuple[float, int]:
    """Return the seconds that all depths take, from stimuli to spikes, and the spikes."""
    start = time.perf_counter()
    encoded = encoder([(0, STIMULI)])
    arrays = encoded.arrays
    seconds = time.perf_counter() - start
    return seconds, int(sum(spikes.sum() for spikes in arrays.values()))


def write(folder: Path, threads: int) -> float:
    """Return the seconds from the configuration to the closed file."""
    start = time.perf_counter()
    run_experiment(experiment(folder, threads), progress=False)
    return time.perf_counter() - start


def main() -> None:
    """Measure, and print the rates and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=7, help="of each side; the median counts")
    parser.add_argument(
        "--touchsim-python",
        type=Path,
        metavar="PATH",
        help="the Python of an environment with TouchSim",
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        results = run_experiment(experiment(folder / "first", options.threads), progress=False)
        assert results is not None
        neurons = sum(results.spikes(name).shape[2] for name in results.populations)
        afferent_seconds = neurons * DURATION_MS / 1000
        encoder = Encoder(experiment(folder / "never", options.threads), "numba")
        simulate(encoder)
        rates: dict[str, list[float]] = {"ours": [], "ours, to HDF5": []}
        spikes: dict[str, float] = {}

        def ours(turn: int) -> None:
            seconds, spikes["ours"] = simulate(encoder)
            rates["ours"].append(STIMULI * afferent_seconds / seconds)
            seconds = write(folder / f"turn{turn}", options.threads)
            rates["ours, to HDF5"].append(STIMULI * afferent_seconds / seconds)

        if options.touchsim_python is None:
            for turn in range(options.turns):
                ours(turn)
        else:
            rates["TouchSim"] = []
            task = task_of(results)
            with reference(options.touchsim_python, task, options.threads) as theirs:
                spikes["TouchSim"] = sum(theirs.press(depth)[1] for depth in depths())
                for turn in range(options.turns):
                    some = depths()[:: STIMULI // TURNS_OF_THEIRS]
                    seconds = sum(theirs.press(depth)[0] for depth in some)
                    rates["TouchSim"].append(len(some) * afferent_seconds / seconds)
                    ours(turn)
    print(f"{neurons} afferents, {STIMULI} depths, spikes in all: {spikes}")
    for name, of_turns in rates.items():
        low, high = min(of_turns), max(of_turns)
        print(f"{name:14} {median(of_turns):10,.0f} afferent-seconds/s ({low:,.0f} to {high:,.0f})")
    for name in ("ours", "ours, to HDF5") if "TouchSim" in rates else ():
        ratios = [a / b for a, b in zip(rates[name], rates["TouchSim"], strict=True)]
        low, high = min(ratios), max(ratios)
        print(f"{name:14} {median(ratios):10.1f} times TouchSim ({low:.1f} to {high:.1f})")


if __name__ == "__main__":
    main()
