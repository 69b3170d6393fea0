"""A batch against one stimulus at a time, through the same code: ``python benchmarks/batching.py``.

The dataset is the third of the tutorial: 120 stimuli of three types on a 64 x 64 sheet with 350 neurons, on the CPU.
One at a time means one run a stimulus, each with its own output directory, in one process; ``--singles`` of them are
timed, evenly spread over the batch.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sensoryforge.config.reading import check, compose
from sensoryforge.running import execute as batch
from sensoryforge.simulation import kernels

STIMULI: list[dict[str, Any]] = [
    {"type": "gaussian", "amplitude": [15, 25, 35, 45], "sigma": [0.4, 0.6, 0.8], "repetitions": 5},
    {
        "type": "step",
        "amplitude": [20, 30, 40],
        "step_time": [50.0, 100.0, 150.0],
        "repetitions": 5,
    },
    {"type": "ramp", "initial": 0.0, "final": [30, 40, 50], "repetitions": 5},
]
SIZE = (
    "pipeline.grid_size=64",
    "neurons.sa_neurons=150",
    "neurons.ra_neurons=200",
    "batch.checkpoint_frequency=50",
)


def seconds(
    directory: Path, backend: str, stimuli: list[dict[str, Any]], more: Sequence[str] = ()
) -> float:
    """Return how long one run takes, from the checked configuration to the results file."""
    options = (f"batch.output_dir={directory}", "batch=hdf5", f"pipeline.backend={backend}", *more)
    experiment = check({**compose(*SIZE, *options), "stimuli": stimuli})
    start = time.perf_counter()
    batch.run_experiment(experiment, progress=False)
    return time.perf_counter() - start


def singles(count: int) -> list[list[dict[str, Any]]]:
    """Return designs of one stimulus each, spread evenly over the dataset."""
    alone = [
        {k: v[i % len(v)] if isinstance(v, list) else v for k, v in family.items()}
        | {"repetitions": 1}
        for family in STIMULI
        for i in range(12)
    ]
    return [[alone[i * len(alone) // count]] for i in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--singles", type=int, default=8)
    parser.add_argument("--backend", choices=kernels.BACKENDS, action="append")
    options = parser.parse_args()
    print(
        "| backend | 120 together, ms a stimulus | one by one, ms a stimulus | ratio |\n|---|---|---|---|"
    )
    for backend in options.backend or ["torch", "numba"]:
        with tempfile.TemporaryDirectory() as place:
            seconds(Path(place) / "warm", backend, singles(1)[0])
            together = seconds(Path(place) / "batch", backend, STIMULI) / 120
            each = [
                seconds(Path(place) / f"single{i}", backend, s)
                for i, s in enumerate(singles(options.singles))
            ]
        alone = sum(each) / len(each)
        print(f"| {backend} | {together * 1e3:.2f} | {alone * 1e3:.0f} | {alone / together:.0f} |")


if __name__ == "__main__":
    main()
