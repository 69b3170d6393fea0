from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from helpers.experiments import QUIET

from sensoryforge.config.reading import check, compose
from sensoryforge.design.design import Design
from sensoryforge.design.experiment import Experiment
from sensoryforge.running import execute as batch
from sensoryforge.running.estimate import (
    SECONDS_A_KERNEL,
    START_S,
    choose_chunk_size,
    choose_part_size,
    estimate,
    format_bytes,
    format_duration,
)
from sensoryforge.simulation.kernels import forecast as kernel_forecast


def experiment(directory: Path, *overrides: str) -> Experiment:
    small = (
        "pipeline.grid_size=16",
        "neurons.sa_neurons=30",
        "neurons.ra_neurons=40",
        "pipeline.duration_ms=100",
    )
    return check(
        compose(*small, "stimuli.repetitions=20", f"batch.output_dir={directory}", *overrides)
    )


def cost(directory: Path, *overrides: str, backend: str = "numba") -> Any:
    return estimate(experiment(directory, *overrides), backend)


KINDS = ("drive", "filtered", "voltage", "stimulus")
CASES: list[tuple[str, ...]] = [
    (),
    ("pipeline.duration_ms=300", "neurons.sa_neurons=99"),
    *((f"batch.save=[{kind}]",) for kind in KINDS),
    (f"batch.save=[{','.join(KINDS)}]",),
    ("batch.save=[drive]", "neurons.populations.sa.noise_std=0"),
    ("batch.save=[voltage]", *QUIET, "pipeline.duration_ms=600"),
    ("batch.save=[filtered]", "pipeline.duration_ms=900"),
    *((f"stimuli={name}", "pipeline.duration_ms=300") for name in ("grating", "ramp", "step")),
    *(("stimuli=ramp", f"batch.save=[{kind}]") for kind in KINDS),
    ("stimuli=grating", "batch.save=[drive,stimulus]"),
    ("stimuli.sigma=2", "pipeline.duration_ms=300"),
    ("stimuli.amplitude=5", "stimuli.sigma=2", "pipeline.duration_ms=300"),
]


def slow(case: tuple[str, ...]) -> Any:
    """Return a case that takes long."""
    return pytest.param(case, marks=pytest.mark.slow)


def size_of_file(this: Experiment) -> int:
    """Run an experiment, and return the size of its results file."""
    batch.run_experiment(this, progress=False)
    return (this.batch.output_dir / this.batch.format.results_name).stat().st_size


@pytest.mark.parametrize("more", [CASES[0], *map(slow, CASES[1:])], ids=" ".join)
def test_the_disk_estimate_is_within_a_factor_of_two_of_a_plain_file(
    tmp_path: Path, more: tuple[str, ...]
) -> None:
    this = experiment(tmp_path, "batch.format=pytorch", *more)
    size = size_of_file(this)
    assert size / 2 < estimate(this, "numba").disk_bytes < size * 2


TINY = (
    "pipeline.grid_size=2",
    "neurons.sa_neurons=1",
    "neurons.ra_neurons=1",
    "pipeline.duration_ms=1",
)


@pytest.mark.parametrize(
    "more",
    [CASES[0], TINY, *map(slow, CASES[1:]), slow((*TINY, "batch.save=[drive,filtered,voltage]"))],
    ids=" ".join,
)
def test_a_compressed_file_is_never_larger_than_was_estimated(
    tmp_path: Path, more: tuple[str, ...]
) -> None:
    this = experiment(tmp_path, "batch.format=hdf5", *more)
    assert size_of_file(this) < estimate(this, "numba").disk_bytes


def test_what_is_compressed_is_said_to_be_a_bound(tmp_path: Path) -> None:
    exact, bound = (
        cost(tmp_path, f"batch.format={name}").lines()[1] for name in ("pytorch", "hdf5")
    )
    assert re.fullmatch(r"Estimated memory: \S+ MB, disk: \S+ kB, time: \S+ s", exact)
    assert re.fullmatch(r"Estimated memory: \S+ MB, disk: at most \S+ kB, time: \S+ s", bound)


PEAKS = [  # MB, the largest resident size of a process that ran it; parts of 50 stimuli, 600 samples
    (874, "pytorch", 20, 48), (877, "hdf5", 20, 48), (1100, "pytorch", 40, 48), (1104, "hdf5", 40, 48),
    (2082, "pytorch", 120, 48), (1557, "hdf5", 120, 48), (3338, "pytorch", 240, 48), (1585, "hdf5", 240, 48),
    (1457, "pytorch", 40, 64), (1462, "hdf5", 40, 64), (845, "pytorch", 40, 32), (848, "hdf5", 40, 32),
]  # fmt: skip


@pytest.mark.parametrize(("peak", "format", "stimuli", "side"), PEAKS)
def test_the_memory_estimate_is_within_a_factor_of_two_of_what_was_measured(
    tmp_path: Path, peak: int, format: str, stimuli: int, side: int
) -> None:
    given = (
        f"pipeline.grid_size={side}",
        f"batch.format={format}",
        f"stimuli.repetitions={stimuli}",
    )
    found = check(compose(*given, "batch.save=[stimulus]", f"batch.output_dir={tmp_path}"))
    assert peak / 2 < estimate(found, "numba").memory_bytes / 1e6 < peak * 2


def test_torch_costs_time_for_every_operation_it_starts(tmp_path: Path) -> None:
    def seconds(*more: str) -> float:
        return float(cost(tmp_path, "pipeline.duration_ms=1000", *more, backend="torch").seconds)

    assert seconds("pipeline.chunk_size=1") > 5 * seconds()
    assert seconds("pipeline.substeps=10") > 1.5 * seconds("pipeline.substeps=5") - 4.5
    assert seconds() - seconds("stimuli.repetitions=1") < seconds("stimuli.repetitions=1") - 4.5


def test_disk_and_time_grow_with_the_design_and_hdf5_memory_does_not(tmp_path: Path) -> None:
    one = cost(tmp_path, "batch.format=hdf5", "stimuli.repetitions=1000")
    ten = cost(tmp_path, "batch.format=hdf5", "stimuli.repetitions=10000")
    assert ten.disk_bytes == pytest.approx(10 * one.disk_bytes, rel=1e-2)
    plain, tenfold = (cost(tmp_path, f"stimuli.repetitions={n}").disk_bytes for n in (1000, 10000))
    assert tenfold == 10 * plain
    assert ten.seconds > one.seconds
    assert ten.memory_bytes == one.memory_bytes
    assert cost(tmp_path, "stimuli.repetitions=10000").memory_bytes > ten.memory_bytes


def test_what_is_not_compiled_yet_takes_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_forecast, "is_compiled", lambda text: True)
    compiled = cost(tmp_path).seconds
    monkeypatch.setattr(kernel_forecast, "is_compiled", lambda text: False)
    assert cost(tmp_path).seconds == compiled + 2 * SECONDS_A_KERNEL
    done = estimate(experiment(tmp_path), "numba", stimuli=0)
    assert done.seconds < SECONDS_A_KERNEL + START_S


def test_more_steps_noise_and_fewer_workers_take_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_forecast, "is_compiled", lambda text: True)
    plain = cost(tmp_path).seconds
    assert cost(tmp_path, "pipeline.substeps=10").seconds > plain
    assert cost(tmp_path, *QUIET).seconds < plain
    assert (
        cost(tmp_path, "batch.num_workers=1").seconds
        > cost(tmp_path, "batch.num_workers=2").seconds
    )
    assert cost(tmp_path, backend="torch").seconds > plain


def test_a_run_that_goes_on_costs_the_time_of_what_is_left(tmp_path: Path) -> None:
    this = experiment(tmp_path)
    whole, half = estimate(this, "numba"), estimate(this, "numba", stimuli=10)
    assert (whole.stimuli, half.stimuli) == (20, 10)
    assert half.seconds < whole.seconds
    assert half.disk_bytes == whole.disk_bytes


def test_a_chunk_is_never_larger_than_a_part_and_fits_the_memory(tmp_path: Path) -> None:
    assert choose_chunk_size(experiment(tmp_path, "batch.checkpoint_frequency=9")) == 5
    large = experiment(tmp_path, "batch.checkpoint_frequency=100000", "neurons.sa_neurons=1000")
    assert 1 <= choose_chunk_size(large) < choose_part_size(large)
    assert choose_chunk_size(experiment(tmp_path, "pipeline.chunk_size=3")) == 3


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2.5e9, "2.5 GB"), (3e15, "3e+03 TB")],
)
def test_amounts_are_said_in_words(size: float, text: str) -> None:
    assert format_bytes(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (89, "89 s"), (600, "10 min"), (5399, "90 min"), (7260, "2 h 1 min")],
)
def test_times_are_said_in_words(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_a_dry_run_takes_no_longer_for_more_stimuli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Design, "ids", None)
    assert batch.dry_run(experiment(tmp_path / "out"))[-1].endswith("nothing was written")
