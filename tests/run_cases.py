"""Small runs for the tests of whole batches."""

from __future__ import annotations

from pathlib import Path

import torch

from sensoryforge import batch
from sensoryforge.config import check, compose
from sensoryforge.experiment import Experiment
from sensoryforge.store.results import Results

SMALL = ("pipeline.grid_size=12", "neurons.sa_neurons=5", "neurons.ra_neurons=7", "pipeline.duration_ms=30")
FORMATS = ("pytorch", "hdf5")


def experiment(directory: Path, *overrides: str, entry: dict[str, object] | None = None) -> Experiment:
    config = compose(*SMALL, f"batch.output_dir={directory}", "batch.checkpoint_frequency=4", *overrides)
    return check({**config, "stimuli": [entry]} if entry else config)


def run(
    directory: Path, *overrides: str, entry: dict[str, object] | None = None, says: list[str] | None = None
) -> Results:
    echo = (says if says is not None else []).append
    results = batch.run(experiment(directory, *overrides, entry=entry), progress=False, echo=echo)
    assert results is not None
    return results


def bits(results: Results) -> list[object]:
    return [{k: v.tolist() if isinstance(v, torch.Tensor) else v for k, v in stimulus.items()} for stimulus in results]
