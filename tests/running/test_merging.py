"""A merge writes datasets of one pipeline as one, which is a dataset like any other."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from helpers.joining import changed, copy_of, items
from helpers.runs import bits, experiment, run

from sensoryforge.analysis.plots import book
from sensoryforge.analysis.results import Results, load
from sensoryforge.commands.show import dataset_lines
from sensoryforge.config.reading import check
from sensoryforge.core.errors import ConfigError, DamagedError
from sensoryforge.running import execute, merge_stimuli, merging
from sensoryforge.running.merging import merge
from sensoryforge.store import files
from sensoryforge.store.formats.pytorch import PytorchReader

FORMATS = {"hdf5": "results.h5", "pytorch": "results.pt"}
OLD = Path(__file__).parents[1] / "data" / "v0.1.0"
GRID = ("stimuli.amplitude=[10,20,30]", "stimuli.repetitions=2", "batch.save=[drive]")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return the dataset that others are parts of: six stimuli, three amplitudes twice."""
    return run(tmp_path_factory.mktemp("whole"), *GRID, "batch.format=hdf5")


@pytest.fixture(scope="module")
def parts(whole: Results, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return two datasets in different formats that have two stimuli in common."""
    root = tmp_path_factory.mktemp("parts")
    (entry,) = whole.metadata["config"]["stimuli"]
    first = changed(whole, "stimuli", [{**entry, "amplitude": [10, 20]}])
    second = changed(whole, "stimuli", [{**entry, "amplitude": [20, 30]}])
    return [
        copy_of(whole, root / "first", range(4), config=first),
        copy_of(whole, root / "second", range(2, 6), config=second, format="pytorch"),
    ]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the disk: a process that ends loses nothing that the system was given."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def merged(places: list[Path], output: Path, says: list[str] | None = None, **how: Any) -> Results:
    lines = says if says is not None else []
    results = merge(places, output, progress=False, echo=lines.append, **how)
    assert results is not None
    return results


@pytest.mark.parametrize("format", FORMATS)
def test_a_merged_dataset_is_that_of_one_run(
    whole: Results, parts: list[Path], tmp_path: Path, format: str
) -> None:
    says: list[str] = []
    output = tmp_path / "all"
    results = merged(parts, output, says, format=format)
    assert bits(results) == bits(whole)
    assert results.table.equals(whole.table)
    assert results.complete
    assert results.total_spikes == whole.total_spikes
    assert sorted(path.name for path in output.iterdir()) == sorted(
        ["checkpoint.pt", FORMATS[format], "stimuli.csv"]
    )
    assert (output / "stimuli.csv").read_bytes() == (whole.directory / "stimuli.csv").read_bytes()
    spikes = ", ".join(f"{name} {count}" for name, count in (whole.total_spikes or {}).items())
    assert says == [
        "Joining 2 datasets, 8 stimuli: 6 different ones",
        f"Spikes: {spikes}",
        f"✓ Results saved to {output / FORMATS[format]}",
    ]


def test_the_format_is_that_of_the_first_dataset(parts: list[Path], tmp_path: Path) -> None:
    assert merged(parts, tmp_path / "one").format.name == "hdf5"
    assert merged(parts[::-1], tmp_path / "other").format.name == "pytorch"


def test_a_merged_dataset_says_of_itself_what_a_run_says(
    whole: Results, parts: list[Path], tmp_path: Path
) -> None:
    results = merged(parts, tmp_path / "all")
    assert set(whole.metadata) < set(results.metadata)
    for name in ("sa_xy_mm", "ra_xy_mm"):
        assert torch.equal(results.metadata[name], whole.metadata[name])
    assert results.metadata["config"]["stimuli"] == whole.metadata["config"]["stimuli"]
    assert results.metadata["config"]["batch"]["output_dir"] == str(tmp_path / "all")
    assert [one["taken"] for one in results.facts["joined"]] == [4, 2]
    lines = list(dataset_lines(results))
    assert lines[0] == f"{tmp_path / 'all'}: 6 stimuli, complete"
    assert f"  From {parts[0]}: 4 stimuli" in lines
    drawn = book.write(results, tmp_path / "plots", ["heatmap"])
    assert drawn


def test_files_of_the_format_are_copied_whole_and_no_array_passes_through_memory(
    whole: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [copy_of(whole, tmp_path / "a", range(4)), copy_of(whole, tmp_path / "b", [4, 5])]
    monkeypatch.setattr(merge_stimuli, "read_stimuli", None)
    assert items(merged(places, tmp_path / "all")) == items(whole)


def test_others_are_read_a_few_at_a_time(
    parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    usual = merge_stimuli.read_stimuli

    def watched(joint: Results, rows: list[int]) -> Any:
        read.append(len(rows))
        return usual(joint, rows)

    monkeypatch.setattr(merge_stimuli, "read_stimuli", watched)
    monkeypatch.setattr(merging, "MOST_TOGETHER", 1)
    merged(parts, tmp_path / "all")
    assert read == [1, 1]


# --- interrupted runs ---


def test_interrupted_runs_are_joined_by_what_they_committed(whole: Results, tmp_path: Path) -> None:
    places = [
        copy_of(whole, tmp_path / "a", [0, 1, 2, 5], complete=False),
        copy_of(whole, tmp_path / "b", [3, 4, 5, 0], complete=False),
    ]
    says: list[str] = []
    results = merged(places, tmp_path / "all", says)
    assert bits(results) == bits(whole)
    assert says[0] == "Joining 2 datasets: 6 stimuli"
    for name in ("sa_xy_mm", "ra_xy_mm"):
        assert torch.equal(results.metadata[name], whole.metadata[name])
    for name in ("design", "units", "populations", "dt_ms", "samples", "substeps"):
        assert results.metadata[name] == whole.metadata[name]


def test_datasets_of_an_earlier_version_are_joined(tmp_path: Path) -> None:
    places = []
    for name in ("stopped_pytorch", "whole_h5"):
        places.append(tmp_path / name)
        shutil.copytree(OLD / name, places[-1])
    results = merged(places, tmp_path / "all")
    assert results.format.name == "pytorch"
    assert items(results) == items(load(places[1]))
    text = results.facts["design_text"]
    assert text[0] == f"From {places[0]}: 4 stimuli of an interrupted run, " + (
        "4 of them taken from another dataset"
    )
    assert text.count("  Total: 13 stimuli") == 2


# --- what is there already ---


def test_the_same_merge_again_has_nothing_to_do(parts: list[Path], tmp_path: Path) -> None:
    first = bits(merged(parts, tmp_path))
    says: list[str] = []
    assert bits(merged(parts, tmp_path, says)) == first
    assert says == [f"Nothing to do: {tmp_path} already holds all 6 stimuli"]
    assert merge(parts, tmp_path, dry_run=True, echo=says.append) is None
    assert says[1:] == says[:1]


def test_a_merge_of_more_datasets_adds_what_is_new(whole: Results, tmp_path: Path) -> None:
    places = [copy_of(whole, tmp_path / str(row), [row]) for row in range(3)]
    output = tmp_path / "all"
    merged(places[:2], output)
    (output / "report.html").write_text("")
    says: list[str] = []
    assert items(merged(places, output, says)) == items(whole.take([0, 1, 2]))
    assert "Resuming: 2 done, 1 to go" in says
    assert any("of the dataset before it grew" in line for line in says)


def test_a_dataset_there_is_replaced_only_when_told_to(
    whole: Results, parts: list[Path], tmp_path: Path
) -> None:
    output = copy_of(whole, tmp_path / "all", [0, 5])
    places = [copy_of(whole, tmp_path / "a", [1, 2]), copy_of(whole, tmp_path / "b", [3])]
    (output / "report.html").write_text("")
    line = r"all: holds a dataset of 2 stimuli, 2 of which none of these has; replace it with"
    with pytest.raises(ConfigError, match=line):
        merged(places, output)
    assert items(load(output)) == items(whole.take([0, 5]))
    says: list[str] = []
    assert items(merged(places, output, says, overwrite=True)) == items(whole.take([1, 2, 3]))
    assert not (output / "report.html").exists()


def test_a_run_goes_on_from_a_merged_dataset_or_is_refused(
    whole: Results, parts: list[Path], tmp_path: Path
) -> None:
    output = tmp_path / "all"
    merged(parts, output)
    says: list[str] = []
    run(output, *GRID, "batch.format=hdf5", says=says)
    assert says == [f"Nothing to do: {output} already holds all 6 stimuli"]
    run(output, *GRID, "batch.format=hdf5", "batch.resume=true", says=says)
    assert says[1:] == says[:1]
    with pytest.raises(ConfigError, match="6 stimuli, 2 of which this design lacks"):
        run(output, *GRID, "batch.format=hdf5", "stimuli.amplitude=[10,20]")
    grown = run(output, *GRID, "batch.format=hdf5", "stimuli.amplitude=[10,15,20,30]", says=says)
    assert "Resuming: 6 done, 2 to go" in says
    assert items(grown.where(amplitude=[10, 20, 30])) == items(whole)


def test_the_configuration_of_a_merged_dataset_runs(
    whole: Results, parts: list[Path], tmp_path: Path
) -> None:
    results = merged(parts, tmp_path / "all")
    again = experiment(tmp_path / "anew", *GRID, "batch.format=hdf5")
    config = {**again.config, "stimuli": results.metadata["config"]["stimuli"]}
    says: list[str] = []
    execute.run_experiment(check(results.metadata["config"]), progress=False, echo=says.append)
    assert says == [f"Nothing to do: {tmp_path / 'all'} already holds all 6 stimuli"]
    assert bits(execute.run_experiment(check(config), progress=False)) == bits(whole)  # type: ignore[arg-type]


def test_a_configuration_in_which_a_stimulus_stands_twice_is_refused_by_a_run(
    whole: Results, tmp_path: Path
) -> None:
    (entry,) = whole.metadata["config"]["stimuli"]
    paired = {**entry, "amplitude": [20, 30], "sigma": [0.5, 0.5], "sampling": "paired"}
    config = changed(whole, "stimuli", [paired])
    other = copy_of(whole, tmp_path / "paired", [2, 3, 4, 5], config=config)
    first = copy_of(
        whole,
        tmp_path / "first",
        range(4),
        config=changed(whole, "stimuli", [{**entry, "amplitude": [10, 20]}]),
    )
    results = merged([first, other], tmp_path / "all")
    with pytest.raises(ConfigError, match="the same stimulus stands at positions 2 and 4"):
        check(results.metadata["config"])


# --- crashes and signals ---


class Crashed(BaseException):
    """Stands for the end of the process: nothing in the package catches it."""


def crashing(monkeypatch: pytest.MonkeyPatch, last: int | None = None) -> list[str]:
    """Record the crash points that are passed, and crash at one of them."""
    passed: list[str] = []

    def crash_point(name: str) -> None:
        passed.append(name)
        if last is not None and len(passed) > last:
            raise Crashed(name)

    monkeypatch.setattr(files, "crash_point", crash_point)
    return passed


def test_killed_anywhere_the_same_command_again_finishes(
    whole: Results, parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    format = "hdf5"
    with monkeypatch.context() as patch:
        passed = crashing(patch)
        merged(parts, tmp_path / "whole", format=format)
    assert passed.count("part.renamed") == 2
    places = {name: last for last, name in enumerate(passed)}
    for name, last in places.items():
        output = tmp_path / f"{last}-{name}"
        with monkeypatch.context() as patch:
            crashing(patch, last)
            with pytest.raises(Crashed):
                merged(parts, output, format=format)
        assert not (output / FORMATS[format]).exists() or load(output).complete
        results = merged(parts, output, format=format)
        assert bits(results) == bits(whole)
        assert not (output / "parts").exists()
        assert pd.read_csv(output / "stimuli.csv")["id"].tolist() == whole.ids
        shutil.rmtree(output)


@pytest.mark.parametrize("format", FORMATS)
def test_crash_after_crash_ends_in_the_same_dataset(
    whole: Results, parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    monkeypatch.setattr(merging, "MOST_TOGETHER", 1)
    output = tmp_path / "all"
    rounds = 0
    while not (output / FORMATS[format]).exists():
        rounds += 1
        with monkeypatch.context() as patch, suppress(Crashed):
            crashing(patch, 25)
            merged(parts, output, format=format)
    assert rounds > 1
    assert bits(merged(parts, output, format=format)) == bits(whole)


def test_ctrl_c_says_what_is_left_and_the_same_command_goes_on(
    whole: Results, parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> Iterator[None]:
        signal.raise_signal(signal.SIGINT)
        raise AssertionError

    says: list[str] = []
    output = tmp_path / "all"
    with monkeypatch.context() as patch:
        patch.setattr(merge_stimuli, "read_stimuli", interrupted)
        with pytest.raises(KeyboardInterrupt):
            merged(parts, output, says)
    left = f"2 stimuli left in {output}; the same command goes on"
    assert says[-1] == f"Interrupted: {left}"
    assert bits(merged(parts, output, says)) == bits(whole)
    assert "Resuming: 4 done, 2 to go" in says


# --- what is damaged ---


def test_a_damaged_dataset_is_one_line_before_anything_is_written(
    whole: Results, parts: list[Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad"
    shutil.copytree(parts[1], bad)
    content = bytearray((bad / "results.pt").read_bytes())
    place = content.index(b"PK\x03\x04", 2000) - 40  # the bytes of an array, not of the table
    content[place] ^= 1
    (bad / "results.pt").write_bytes(content)
    with pytest.raises(DamagedError, match=r"bad: results.pt is damaged: its 4 stimuli") as caught:
        merged([parts[0], bad], tmp_path / "all")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "all").exists()


def test_a_stimulus_that_is_not_the_same_in_two_datasets_is_refused(
    whole: Results, tmp_path: Path
) -> None:
    def change(item: dict[str, Any]) -> None:
        item["ra_spikes"] = ~item["ra_spikes"]

    places = [
        copy_of(whole, tmp_path / "a", range(4)),
        copy_of(whole, tmp_path / "b", [3, 4], change=change),
    ]
    line = rf"b: stimulus {whole.ids[3]} \(type=gaussian, amplitude=20.* another ra_spikes than in "
    with pytest.raises(DamagedError, match=line):
        merged(places, tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_a_damaged_part_of_an_unfinished_merge_is_written_again(
    whole: Results, parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "all"
    with monkeypatch.context() as patch:
        patch.setattr(merging, "MOST_TOGETHER", 1)
        patch.setattr(PytorchReader, "array", _crash_at_second(PytorchReader.array))
        with pytest.raises(Crashed):
            merged(parts, output)
    (part, *_) = (output / "parts").iterdir()
    part.write_bytes(b"damaged")
    says: list[str] = []
    assert bits(merged(parts, output, says)) == bits(whole)
    assert any("is damaged" in line for line in says)


def _crash_at_second(usual: Any) -> Any:
    """Return a reader's method that fails at the second stimulus that it is not to compare."""
    count = 0

    def array(self: Any, row: int, name: str) -> Any:
        nonlocal count
        count += row >= 2
        if count > 3:
            raise Crashed
        return usual(self, row, name)

    return array
