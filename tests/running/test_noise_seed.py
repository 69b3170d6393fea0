"""`pipeline.noise_seed` draws other noise on the same skin; null is as it was before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sensoryforge as sf
from sensoryforge.config import check
from sensoryforge.core.errors import ConfigError
from sensoryforge.store.checkpoint import Checkpoint

TINY = (
    "pipeline.duration_ms=60",
    "neurons.sa_neurons=12",
    "neurons.ra_neurons=12",
    "neurons.populations.ra.layout=random",
    "neurons.populations.sa.model.parameters.a={mean: 0.02, std: 0.002}",
    "stimuli.amplitude=[10,30]",
)


def run(directory: Path, *overrides: str) -> Any:
    return sf.run(sf.compose(*TINY, f"batch.output_dir={directory}", *overrides))


def test_null_gives_the_ids_seeds_and_bits_that_there_always_were() -> None:
    """The id is that of version 0.1.0."""
    design = check(sf.compose()).design
    assert (design.ids(0, 1), design.seeds(0, 1)) == (["0b9d69ca6ab4b28b"], [1236059388907784785])
    for overrides in (["pipeline.seed=5"], ["pipeline.seed=5", "pipeline.noise_seed=5"]):
        other = check(sf.compose(*overrides)).design
        assert other.ids(0, 1) == check(sf.compose("pipeline.noise_seed=5")).design.ids(0, 1)
        assert other.ids(0, 1) != design.ids(0, 1)


def test_another_noise_seed_draws_other_noise_on_the_same_skin(tmp_path: Path) -> None:
    first = run(tmp_path / "first")
    second = run(tmp_path / "second", "pipeline.noise_seed=1")
    for name in ("sa", "ra"):
        assert torch.equal(first.metadata[f"{name}_xy_mm"], second.metadata[f"{name}_xy_mm"])
    assert not torch.equal(first.spikes("sa")[:], second.spikes("sa")[:])
    assert set(first.table["id"]).isdisjoint(second.table["id"])
    places = [
        check(sf.compose(*TINY, *more)).places("ra") for more in ((), ("pipeline.noise_seed=1",))
    ]
    assert np.array_equal(places[0].fields.weights, places[1].fields.weights)


def test_without_noise_another_noise_seed_changes_nothing(tmp_path: Path) -> None:
    quiet = ["neurons.populations.sa.noise_std=0", "neurons.populations.ra.noise_std=0"]
    first = run(tmp_path / "first", *quiet)
    second = run(tmp_path / "second", *quiet, "pipeline.noise_seed=1")
    assert torch.equal(first.spikes("sa")[:], second.spikes("sa")[:])


def test_a_dataset_of_a_version_without_the_key_is_gone_on_with(tmp_path: Path) -> None:
    run(tmp_path)
    checkpoint = Checkpoint.read(tmp_path)
    assert checkpoint is not None
    assert checkpoint.config["pipeline"].pop("noise_seed", 0) is None
    checkpoint.write(tmp_path)
    with pytest.raises(ConfigError, match="noise_seed"):
        run(tmp_path, "batch.resume=true", "pipeline.noise_seed=1")
    assert len(run(tmp_path, "batch.resume=true", "stimuli.amplitude=[10,30,50]")) == 3


def test_a_stored_configuration_without_the_key_is_run_as_it_was() -> None:
    config = check(sf.compose()).config
    del config["pipeline"]["noise_seed"]
    assert check(config).design.ids(0, 1) == check(sf.compose()).design.ids(0, 1)


@pytest.mark.parametrize("value", ["-1", "1.5", "other"])
def test_what_is_no_seed_is_refused_in_one_line(value: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check(sf.compose(f"pipeline.noise_seed={value}"))
    (line,) = refused.value.problems
    assert "allowed is null, which stands for pipeline.seed, or a whole number" in line
