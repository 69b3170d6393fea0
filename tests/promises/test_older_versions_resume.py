"""What version 0.1.0 left goes on today: its interrupted runs resume to the same bits, its datasets draw and report.

``tests/data/v0.1.0`` was made by that version of ``small.yml`` there: a finished run and one stopped after two parts, in
both formats.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

import sensoryforge as sf
from sensoryforge.commands.cli import main

DATA = Path(__file__).parents[1] / "data" / "v0.1.0"
BEFORE = DATA / "whole_pt"


@pytest.fixture
def left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with what the version before left, to go on in."""
    shutil.copytree(DATA, tmp_path / "before")
    monkeypatch.chdir(tmp_path / "before")
    return tmp_path / "before"


def assert_same_dataset(directory: Path) -> None:
    """The stimuli, their ids and seeds, every spike and every place of an afferent are those of before."""
    ours, before = sf.load(directory), sf.load(BEFORE)
    assert ours.complete
    assert ours.table.equals(before.table)
    assert ours.metadata["design"] == before.metadata["design"]
    assert ours.metadata["populations"] == before.metadata["populations"]
    for population in ("sa", "ra"):
        assert torch.equal(ours.spikes(population)[:], before.spikes(population)[:])
        name = f"{population}_xy_mm"
        assert torch.equal(ours.metadata[name], before.metadata[name])
    assert before.spikes("sa")[:].any()


@pytest.mark.parametrize("format", ["pytorch", "hdf5"])
def test_an_interrupted_run_of_the_version_before_resumes_to_the_same_bits(
    left_behind: Path, format: str
) -> None:
    directory = left_behind / f"stopped_{format}"
    assert not sf.load(directory).complete
    overrides = [f"batch.output_dir={directory.name}", f"batch.format={format}"]
    assert main(["batch", "small.yml", "--resume", *overrides]) == 0
    assert sf.load(directory).metadata["stimuli_computed"] == 9
    assert_same_dataset(directory)


@pytest.mark.parametrize("name", ["whole_pt", "whole_h5"])
def test_a_finished_run_of_the_version_before_has_nothing_to_do_and_may_grow(
    left_behind: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    format = {"whole_pt": "pytorch", "whole_h5": "hdf5"}[name]
    overrides = [f"batch.output_dir={name}", f"batch.format={format}"]
    assert main(["batch", "small.yml", "--resume", *overrides]) == 0
    assert "Nothing to do" in capsys.readouterr().out
    grown = "stimuli.ramp.final=[40,60]"
    assert main(["batch", "small.yml", "--resume", *overrides, grown]) == 0
    results = sf.load(left_behind / name)
    assert len(results) == 14
    kept = results.table["id"].isin(sf.load(BEFORE).table["id"])
    rows = [row for row, is_kept in enumerate(kept) if is_kept]
    for population in ("sa", "ra"):
        expected = sf.load(BEFORE).spikes(population)[:]
        assert torch.equal(results.take(rows).spikes(population)[:], expected)


def test_the_same_batch_file_gives_the_bits_of_the_version_before(left_behind: Path) -> None:
    assert main(["batch", "small.yml", "batch.output_dir=anew"]) == 0
    assert_same_dataset(left_behind / "anew")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["whole_pt", "whole_h5"])
def test_a_dataset_of_the_version_before_is_shown_drawn_and_reported(
    left_behind: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", name]) == 0
    assert "80 x 6" in capsys.readouterr().out
    assert main(["plot", name]) == 0
    drawn = {path.stem for path in (left_behind / name / "plots").iterdir()}
    assert {"sheet", "response_step", "movie_grating", "tuning_gaussian"} <= drawn
    assert main(["report", name]) == 0
    page = (left_behind / name / "report.html").read_text(encoding="utf-8")
    assert page.count("<img") >= 5
    assert "data:image" in page
