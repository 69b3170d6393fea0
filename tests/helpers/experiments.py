"""A small experiment: quick to run, and large enough that its afferents fire."""

from __future__ import annotations

import torch

from sensoryforge.config.reading import check, compose
from sensoryforge.design.experiment import Experiment

SHEET = ("pipeline.grid_size=12", "neurons.sa_neurons=5", "neurons.ra_neurons=7")
"""A sheet of 12 x 12 receptors with 5 SA and 7 RA afferents."""
SMALL = (*SHEET, "pipeline.duration_ms=30")
QUIET = ("neurons.populations.sa.noise_std=0", "neurons.populations.ra.noise_std=0")
RESULTS = {"pytorch": "results.pt", "hdf5": "results.h5"}
"""The results file of each format."""
FORMATS = tuple(RESULTS)


def checked(*overrides: str) -> Experiment:
    """Return the experiment of a command line."""
    return check(compose(*overrides))


def assert_same(arrays: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> None:
    """Compare two sets of arrays bit for bit."""
    assert arrays.keys() == others.keys()
    for name in arrays:
        assert torch.equal(arrays[name], others[name]), name
