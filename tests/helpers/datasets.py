"""Small real datasets, for the tests of what is done with one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from helpers.experiments import SMALL, checked
from sensoryforge.analysis.results import Results, load
from sensoryforge.running import execute as batch
from sensoryforge.store.formats import Hdf5
from sensoryforge.store.writer import DatasetWriter

GRID = ("stimuli.amplitude=[30, 10, 60]", "stimuli.sigma=[0.3, 0.6]", "stimuli.repetitions=2")
MIXTURE = (
    "~stimuli",
    "+stimuli@stimuli.gaussian=gaussian",
    "+stimuli@stimuli.step=step",
    "stimuli.gaussian.amplitude=[20, 60]",
    "stimuli.step.amplitude=60",
    "stimuli.step.step_time=[5, 10]",
    "stimuli.step.repetitions=2",
)


def run(directory: Path, *overrides: str) -> Path:
    """Run a small experiment, and return the directory of its dataset."""
    batch.run_experiment(
        checked(*SMALL, *overrides, f"batch.output_dir={directory}"), progress=False
    )
    return directory


def part_of(
    results: Results, directory: Path, rows: Sequence[int], failed: Sequence[int] = ()
) -> Results:
    """Return the dataset as an interrupted run would have left it: some rows, of which some failed."""
    writer = DatasetWriter.begin(
        directory, Hdf5(), results.table["id"].tolist(), results.metadata["config"]
    )
    for row in rows:
        item = results[row]
        arrays = {name: item.pop(name)[None] for name in results.names}
        if row in failed:
            item["error"] = "its drive is not finite"
            arrays = {name: torch.zeros_like(array) for name, array in arrays.items()}
        writer.commit([item], arrays)
    return load(directory)


def dense(results: Results, population: str) -> Any:
    """Return the spikes of every item, ``[B, T, N]``, taken the long way."""
    return torch.stack([item[f"{population}_spikes"] for item in results]).numpy()
