from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sensoryforge import batch
from sensoryforge.config import check, compose
from sensoryforge.design import Design
from sensoryforge.estimate import amount, chunk_size, duration, estimate, part_size
from sensoryforge.experiment import Experiment

FORMATS = {"pytorch": "results.pt", "hdf5": "results.h5"}


def experiment(directory: Path, *overrides: str) -> Experiment:
    small = ("pipeline.grid_size=16", "neurons.sa_neurons=30", "neurons.ra_neurons=40", "pipeline.duration_ms=100")
    return check(compose(*small, "stimuli.repetitions=20", f"batch.output_dir={directory}", *overrides))


def cost(directory: Path, *overrides: str, backend: str = "numba") -> Any:
    return estimate(experiment(directory, *overrides), backend)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("more", [(), ("batch.save=[voltage]",), ("pipeline.duration_ms=300", "neurons.sa_neurons=99")])
def test_the_disk_estimate_is_within_a_factor_of_two_of_the_file(
    tmp_path: Path, format: str, more: tuple[str, ...]
) -> None:
    this = experiment(tmp_path / "out", f"batch.format={format}", *more)
    batch.run(this, progress=False)
    size = (tmp_path / "out" / FORMATS[format]).stat().st_size
    assert size / 2 < estimate(this, "numba").disk_bytes < size * 2


def test_disk_and_time_grow_with_the_design_and_hdf5_memory_does_not(tmp_path: Path) -> None:
    one = cost(tmp_path, "batch.format=hdf5", "stimuli.repetitions=1000")
    ten = cost(tmp_path, "batch.format=hdf5", "stimuli.repetitions=10000")
    assert ten.disk_bytes == 10 * one.disk_bytes
    assert ten.seconds > one.seconds
    assert ten.memory_bytes == one.memory_bytes
    assert cost(tmp_path, "stimuli.repetitions=10000").memory_bytes > ten.memory_bytes


def test_more_steps_noise_and_fewer_workers_take_longer(tmp_path: Path) -> None:
    quiet = tuple(f"neurons.populations.{name}.noise_std=0" for name in ("sa", "ra"))
    plain = cost(tmp_path).seconds
    assert cost(tmp_path, "pipeline.substeps=10").seconds > plain
    assert cost(tmp_path, *quiet).seconds < plain
    assert cost(tmp_path, "batch.num_workers=1").seconds > cost(tmp_path, "batch.num_workers=2").seconds
    assert cost(tmp_path, backend="torch").seconds > plain


def test_a_run_that_goes_on_costs_the_time_of_what_is_left(tmp_path: Path) -> None:
    this = experiment(tmp_path)
    whole, half = estimate(this, "numba"), estimate(this, "numba", stimuli=10)
    assert (whole.stimuli, half.stimuli) == (20, 10)
    assert half.seconds < whole.seconds
    assert half.disk_bytes == whole.disk_bytes


def test_a_chunk_is_never_larger_than_a_part_and_fits_the_memory(tmp_path: Path) -> None:
    assert chunk_size(experiment(tmp_path, "batch.checkpoint_frequency=9")) == 5
    large = experiment(tmp_path, "batch.checkpoint_frequency=100000", "neurons.sa_neurons=1000")
    assert 1 <= chunk_size(large) < part_size(large)
    assert chunk_size(experiment(tmp_path, "pipeline.chunk_size=3")) == 3


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2.5e9, "2.5 GB"), (3e15, "3e+03 TB")]
)
def test_amounts_are_said_in_words(size: float, text: str) -> None:
    assert amount(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (600, "10 min"), (5399, "90 min"), (7260, "2 h 1 min")]
)
def test_times_are_said_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_dry_run_takes_no_longer_for_more_stimuli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Design, "ids", None)
    assert batch.dry_run(experiment(tmp_path / "out"))[-1].endswith("nothing was written")
