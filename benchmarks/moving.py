"""What motion and recorded frames cost beside the same shape at rest, whole runs in one process.

    python benchmarks/moving.py

Each row runs the shape at rest, then moved, several times in turn, and prints the median of the
ratios: time per stimulus beyond the start-up, which a run of a few stimuli measures.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import sensoryforge as sf

FEW = 4
ROUNDS = 5
LINE = {"type": "line", "speed_mm_s": 20.0, "start_mm": -3.0}


def main() -> None:
    """Print a table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stimuli", type=int, default=100, help="stimuli of each run")
    stimuli = parser.parse_args().stimuli
    with tempfile.TemporaryDirectory() as folder:
        rows = make_rows(Path(folder))
        print(f"{'':28}{'ms/stimulus':>12}{'beside rest':>14}")
        for name, (rest, moved) in rows.items():
            time_run(rest, FEW, Path(folder))
            time_run(moved, FEW, Path(folder))
            pairs = [
                (
                    per_stimulus(rest, stimuli, Path(folder)),
                    per_stimulus(moved, stimuli, Path(folder)),
                )
                for _ in range(ROUNDS)
            ]
            ratio = median(of_moved / of_rest for of_rest, of_moved in pairs)
            cost = median(of_moved for _, of_moved in pairs) * 1000
            print(f"{name:28}{cost:12.2f}{ratio:13.2f}x", flush=True)


def make_rows(folder: Path) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Return for each row an entry at rest and the same moved."""
    heights = np.random.default_rng(0).random((80, 80))
    np.save(folder / "relief.npy", heights)
    np.save(folder / "frames.npy", np.random.default_rng(1).random((31, 32, 32)) * 30)
    shapes: dict[str, dict[str, Any]] = {
        "bar": {"type": "bar"},
        "braille": {"type": "braille", "letter": "g"},
        "texture": {"type": "texture"},
        "image": {"type": "image", "file": str(folder / "relief.npy")},
        "grating": {"type": "grating"},
        "gaussian": {"type": "gaussian"},
    }
    rows = {}
    for name, shape in shapes.items():
        rows[f"{name}, line 20 mm/s"] = (shape, {**shape, "motion": LINE})
    fast = {**LINE, "speed_mm_s": 80.0, "start_mm": -12.0}
    rows["bar, line 80 mm/s"] = (shapes["bar"], {**shapes["bar"], "motion": fast})
    for profile in ("trapezoid", "sine", "noise"):
        pressed = {**shapes["gaussian"], "profile": profile}
        rows[f"gaussian, {profile} at rest"] = (shapes["gaussian"], pressed)
    frames = {"type": "frames", "file": str(folder / "frames.npy"), "pixel_mm": 0.3}
    rows["frames, 10 ms"] = (shapes["image"], frames)
    return rows


def per_stimulus(entry: Mapping[str, Any], stimuli: int, folder: Path) -> float:
    """Return the seconds for each stimulus, the start-up apart."""
    few = time_run(entry, FEW, folder)
    return (time_run(entry, FEW + stimuli, folder) - few) / stimuli


def time_run(entry: Mapping[str, Any], stimuli: int, folder: Path) -> float:
    """Return the seconds of a run of as many stimuli as asked, each another amplitude."""
    config = {
        "pipeline": {"grid_size": 64, "duration_ms": 300.0, "dt_ms": 0.5, "device": "cpu"},
        "neurons": {"sa_neurons": 150, "ra_neurons": 200},
        "batch": {"output_dir": str(folder / "run"), "overwrite": True},
        "stimuli": [{**entry, "amplitude": [20.0 + number / 10 for number in range(stimuli)]}],
    }
    start = perf_counter()
    sf.run(config)
    return perf_counter() - start


if __name__ == "__main__":
    main()
