"""Small runs, for the tests of whole batches."""

from __future__ import annotations

from pathlib import Path

import torch

from helpers.experiments import SMALL
from sensoryforge.analysis.results import Results
from sensoryforge.config.reading import check, compose
from sensoryforge.design.experiment import Experiment
from sensoryforge.running import execute as batch


def experiment(
    directory: Path, *overrides: str, entry: dict[str, object] | None = None
) -> Experiment:
    """Return a small experiment in a directory; ``entry`` stands in place of its stimuli."""
    places = (f"batch.output_dir={directory}", "batch.checkpoint_frequency=4")
    config = compose(*SMALL, *places, *overrides)
    if entry is not None:
        config["stimuli"] = [entry]
    return check(config)


def run(
    directory: Path,
    *overrides: str,
    entry: dict[str, object] | None = None,
    says: list[str] | None = None,
) -> Results:
    """Run a small experiment, and return its dataset; ``says`` gets the lines that it prints."""
    lines = says if says is not None else []
    planned = experiment(directory, *overrides, entry=entry)
    results = batch.run_experiment(planned, progress=False, echo=lines.append)
    assert results is not None
    return results


def bits(results: Results) -> list[object]:
    """Return everything that a dataset says of its stimuli, to be compared bit for bit."""
    stimuli: list[object] = []
    for stimulus in results:
        plain = {
            key: value.tolist() if isinstance(value, torch.Tensor) else value
            for key, value in stimulus.items()
        }
        stimuli.append(plain)
    return stimuli
