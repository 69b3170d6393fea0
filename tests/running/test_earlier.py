"""A finished dataset is never replaced in silence."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from helpers.runs import bits, experiment, run

from sensoryforge.analysis.plots import book
from sensoryforge.analysis.results import load
from sensoryforge.core.errors import ConfigError, FailedStimuliError
from sensoryforge.running.dry_run import dry_run
from sensoryforge.running.outdated import drawn_files

FORMATS = ("pytorch", "hdf5")
TWO_WAYS = (
    r"; replace it with --overwrite \(batch\.overwrite=true\) or choose another batch\.output_dir$"
)
SMALL = "stimuli.amplitude=[10,20]"
GROWN = "stimuli.amplitude=[5,10,20]"


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_design_again_has_nothing_to_do(tmp_path: Path, form: str) -> None:
    whole = bits(run(tmp_path, f"batch.format={form}", SMALL))
    says: list[str] = []
    assert bits(run(tmp_path, f"batch.format={form}", SMALL, says=says)) == whole
    assert says == [f"Nothing to do: {tmp_path} already holds all 2 stimuli"]
    assert dry_run(experiment(tmp_path, f"batch.format={form}", SMALL))[-1:] == says


@pytest.mark.parametrize("form", FORMATS)
def test_a_design_that_grew_extends_its_dataset_and_computes_only_the_rest(
    tmp_path: Path, form: str
) -> None:
    run(tmp_path / "there", f"batch.format={form}", SMALL)
    there = experiment(tmp_path / "there", f"batch.format={form}", GROWN)
    assert "Resuming: 2 done, 1 to go" in dry_run(there)
    says: list[str] = []
    extended = run(tmp_path / "there", f"batch.format={form}", GROWN, says=says)
    assert says[:2] == ["Batch execution: 3 stimuli total", "Resuming: 2 done, 1 to go"]
    assert bits(extended) == bits(run(tmp_path / "anew", f"batch.format={form}", GROWN))


@pytest.mark.parametrize(
    ("other", "names"),
    [
        (("stimuli.amplitude=30",), "of 2 stimuli, 2 of which this design lacks"),
        (("stimuli.amplitude=[20,30]",), "of 2 stimuli, 1 of which this design lacks"),
        ((SMALL, "pipeline.seed=1"), r"made with pipeline\.seed: 0 \(now 1\)"),
        ((SMALL, "batch.format=hdf5"), r"made with batch\.format: 'pytorch' \(now 'hdf5'\)"),
        ((SMALL, "batch.save=[drive]"), r"made with batch\.save: \[\] \(now \['drive'\]\)"),
        ((SMALL, "neurons.sa_neurons=4"), "made with neurons"),
        (
            (SMALL, "pipeline.seed=1", "pipeline.dt_ms=0.25", "pipeline.grid_size=9", "batch.save=[drive]"),
            r"made with pipeline\.dt_ms.*pipeline\.grid_size.*pipeline\.seed.*, and 1 more",
        ),
    ],
)  # fmt: skip
def test_another_dataset_is_refused_in_a_line_that_names_what_differs(
    tmp_path: Path, other: tuple[str, ...], names: str
) -> None:
    whole = bits(run(tmp_path, SMALL))
    for attempt in (run, lambda *given: dry_run(experiment(*given))):
        with pytest.raises(ConfigError, match=f"holds a finished dataset {names}.*{TWO_WAYS}"):
            attempt(tmp_path, *other)
    assert bits(load(tmp_path)) == whole


def test_overwrite_replaces_a_dataset_with_its_pictures_once_its_successor_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, SMALL)
    (tmp_path / "plots").mkdir()
    drawn = [tmp_path / "report.html", tmp_path / "report.csv", tmp_path / "plots" / "sheet.svg"]
    mine = [tmp_path / "notes.html", tmp_path / "plots" / "mine.png"]
    for path in [*drawn, *mine]:
        path.write_text("")
    other = ("stimuli.amplitude=[30,40,50,60,70]", "batch.overwrite=true")
    line = dry_run(experiment(tmp_path, *other))[-1]
    assert "in place of the 2 stimuli there with its pictures and reports" in line
    with monkeypatch.context() as patch:
        patch.setattr("sensoryforge.running.execute.run_metadata", _stop)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, *other)
    assert all(path.exists() for path in drawn)
    says: list[str] = []
    run(tmp_path, other[0], "batch.resume=true", says=says)
    told = f"Removed 1 picture in {tmp_path / 'plots'}, report.html, report.csv: of the dataset"
    assert any(line.startswith(told) for line in says)
    assert not any(path.exists() for path in drawn)
    assert all(path.exists() for path in mine)


def test_pictures_of_a_dataset_that_grew_are_named_and_stay(tmp_path: Path) -> None:
    run(tmp_path, SMALL)
    (tmp_path / "report.html").write_text("")
    says: list[str] = []
    run(tmp_path, GROWN, says=says)
    assert any(line.startswith("report.html: of the dataset before it grew") for line in says)
    assert (tmp_path / "report.html").exists()


def test_every_picture_that_is_drawn_is_known_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "plots").mkdir()
    names = [f"{kind}{tag}.{format}" for kind in book.KINDS for tag in ("", "_step", "_step_center_x") for format in book.FORMATS]  # fmt: skip
    for name in names:
        (tmp_path / "plots" / name).write_text("")
    assert sorted(path.name for path in drawn_files(tmp_path)) == sorted(names)


def test_a_dataset_without_its_checkpoint_is_as_safe(tmp_path: Path) -> None:
    run(tmp_path, SMALL)
    (tmp_path / "checkpoint.pt").unlink()
    with pytest.raises(ConfigError, match="2 of which this design lacks"):
        run(tmp_path, "stimuli.amplitude=30")
    says: list[str] = []
    run(tmp_path, SMALL, says=says)
    assert says == [f"Nothing to do: {tmp_path} already holds all 2 stimuli"]


def test_a_file_that_is_no_dataset_is_not_replaced_either(tmp_path: Path) -> None:
    (tmp_path / "results.pt").write_text("another program's")
    with pytest.raises(ConfigError, match=rf"holds results\.pt, and nothing tells.*{TWO_WAYS}"):
        run(tmp_path, SMALL)
    assert (tmp_path / "results.pt").read_text() == "another program's"


def test_a_dataset_whose_successor_was_stopped_at_once_is_still_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, SMALL)
    with monkeypatch.context() as patch:
        patch.setattr("sensoryforge.running.execute._predict", _stop)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, "stimuli.amplitude=30", "batch.overwrite=true")
    with pytest.raises(ConfigError, match="2 of which this design lacks"):
        run(tmp_path, "stimuli.amplitude=30")
    says: list[str] = []
    run(tmp_path, SMALL, says=says)
    assert says == [f"Nothing to do: {tmp_path} already holds all 2 stimuli"]


def _stop(*given: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("hurt", [Path.unlink, lambda path: path.write_bytes(changed(path))])
def test_a_results_file_that_changed_is_computed_again_only_when_asked(
    tmp_path: Path, hurt: Callable[[Path], object]
) -> None:
    whole = bits(run(tmp_path, SMALL))
    path = tmp_path / "results.pt"
    hurt(path)
    if path.exists():
        with pytest.raises(ConfigError, match="damaged, or changed since it was written; --resume"):
            run(tmp_path, SMALL)
    assert bits(run(tmp_path, SMALL, *["batch.resume=true"] * path.exists())) == whole


def changed(path: Path) -> bytes:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    return bytes(data)


def test_the_table_has_every_digit_of_a_seed_and_the_document_says_how_to_keep_them(
    tmp_path: Path,
) -> None:
    results = run(tmp_path, "stimuli.amplitude=[10,20,30]")
    seeds = results.table["seed"].tolist()
    assert any(int(float(seed)) != seed for seed in seeds)  # what R and Octave make of them
    with (tmp_path / "stimuli.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["seed"]) for row in rows] == seeds
    assert [row["id"] for row in rows] == results.table["id"].tolist()
    document = (Path(__file__).parents[2] / "docs/files.md").read_text(encoding="utf-8")
    assert 'colClasses = c(id = "character", seed = "character")' in document
    assert '"%f %s %s %f %s ' in document
    assert "index,id,seed,repetition,type," in document


@pytest.mark.parametrize("form", FORMATS)
def test_the_table_of_stimuli_stands_beside_the_results(tmp_path: Path, form: str) -> None:
    with pytest.raises(FailedStimuliError):
        run(tmp_path, f"batch.format={form}", "stimuli.amplitude=[0.1,1e39,3]")
    written = pd.read_csv(tmp_path / "stimuli.csv")
    pd.testing.assert_frame_equal(written, load(tmp_path).table, check_dtype=False)
    run(tmp_path, f"batch.format={form}", "stimuli.amplitude=[7]", "batch.overwrite=true")
    assert pd.read_csv(tmp_path / "stimuli.csv")["amplitude"].tolist() == [7]
