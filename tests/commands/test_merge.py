"""``sensoryforge merge`` as it is typed, and each mistake in one line before anything is written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
import torch
from helpers.joining import changed, copy_of, items
from helpers.runs import run

from sensoryforge.analysis.results import Results, load
from sensoryforge.commands import cli
from sensoryforge.running import merge_plan
from sensoryforge.store.lock import DirectoryLock

PIPELINES: dict[str, tuple[str, object]] = {
    "seed": ("pipeline.seed", 1),
    "noise": ("pipeline.noise_seed", 1),
    "skin": ("pipeline.skin", {"_target_": "sensoryforge.skin.mechanics.HalfSpace", "poisson": 0.4}),
    "gain": ("neurons.populations.ra.gain", 3.0),
    "populations": ("neurons.populations.pc", {"count": 9}),
    "tau": ("neurons.populations.sa.filter.parameters.tau_d", 7.0),
}  # fmt: skip
"""Datasets of other pipelines: by name the key that differs, and its value."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with many datasets, good and bad ones."""
    root = tmp_path_factory.mktemp("datasets")
    whole = run(root / "whole", "stimuli.amplitude=[10,20,30]", "batch.format=hdf5")
    copy_of(whole, root / "a", [0, 1])
    copy_of(whole, root / "b", [1, 2], format="pytorch")
    copy_of(whole, root / "old", [2], version="0.0.9")
    copy_of(whole, root / "unfinished", [0, 2], complete=False)
    for name, (key, value) in PIPELINES.items():
        copy_of(whole, root / name, [2], config=changed(whole, key, value))
    _sweep(whole, root / "sweep")
    _spoil(whole, root)
    return root


def _sweep(whole: Results, root: Path) -> None:
    copy_of(whole, root / "x=1", [0])
    copy_of(whole, root / "x=2", [1])
    (root / "multirun.yaml").write_text("")


def _spoil(whole: Results, root: Path) -> None:
    copy_of(whole, root / "cut", [2])
    content = (root / "cut" / "results.h5").read_bytes()
    (root / "cut" / "results.h5").write_bytes(content[: len(content) // 2])
    copy_of(whole, root / "flipped", [2])
    flipped = bytearray((root / "flipped" / "results.h5").read_bytes())
    flipped[len(flipped) // 2] ^= 1  # in an array
    (root / "flipped" / "results.h5").write_bytes(flipped)
    copy_of(whole, root / "partless", [0, 1, 2], complete=False)
    next((root / "partless" / "parts").iterdir()).unlink()
    narrow = run(root / "narrow", "neurons.sa_neurons=4")
    copy_of(narrow, root / "lying", [0], config=whole.metadata["config"])
    (root / "empty").mkdir()
    (root / "notes.txt").write_text("notes")


@pytest.fixture
def here(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a copy of that folder."""
    here = tmp_path / "here"
    shutil.copytree(folder, here)
    monkeypatch.chdir(here)
    return here


def test_two_datasets_become_one(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["merge", "a", "b", "--output", "all"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "Joining 2 datasets, 4 stimuli: 3 different ones"
    assert out.splitlines()[-1] == "✓ Results saved to all/results.h5"
    assert "Progress: 100% 3/3" in err
    assert items(load("all")) == items(load("whole"))
    assert cli.main(["merge", "a", "b", "--output", "all"]) == 0
    assert capsys.readouterr().out == "Nothing to do: all already holds all 3 stimuli\n"
    for command in (["show", "all"], ["show", "all", "--csv"], ["plot", "all", "tuning"]):
        assert cli.main(command) == 0
    assert cli.main(["report", "all/results.h5"]) == 0
    assert (here / "all" / "report.html").is_file()


def test_a_dry_run_says_what_would_be_joined_and_writes_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["merge", "a", "b", "--output", "all", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "From a: 2 stimuli"
    assert "From b: 2 stimuli, 1 of them taken from another dataset" in lines
    assert lines[-2:] == [
        "Joining 2 datasets, 4 stimuli: 3 different ones",
        "Would write all/results.h5; nothing was written",
    ]
    assert not (here / "all").exists()


def test_a_sweep_a_file_and_an_unfinished_run_are_joined(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["merge", "sweep", "b/results.pt", "unfinished", "--output", "all"]
    assert cli.main([*words, "--format", "pytorch"]) == 0
    assert items(load("all")) == items(load("whole"))
    assert "Joining 4 datasets, 5 stimuli: 3 different ones" in capsys.readouterr().out
    assert cli.main(["merge", "sweep", "--output", "sweeps"]) == 0
    assert len(load("sweeps")) == 2


@pytest.mark.parametrize("format", ["hdf5", "pytorch"])
def test_files_of_a_merge_are_read_without_this_package(here: Path, format: str) -> None:
    assert cli.main(["merge", "a", "b", "--output", "all", "--format", format]) == 0
    spikes = load("whole").spikes("sa")
    if format == "pytorch":
        stimuli = torch.load("all/results.pt")["stimuli"]
        assert [stimulus["index"] for stimulus in stimuli] == [0, 1, 2]
        assert torch.equal(stimuli[2]["sa_spikes"], spikes[2])
        return
    with h5py.File("all/results.h5") as file:
        assert list(file) == ["stimulus_0000", "stimulus_0001", "stimulus_0002"]
        assert [group.attrs["index"] for group in file.values()] == [0, 1, 2]
        assert torch.equal(torch.from_numpy(file["stimulus_0002/sa_spikes"][()]).bool(), spikes[2])


def test_any_version_joins_what_several_versions_made(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["merge", "a", "old", "--output", "all", "--any-version"]) == 0
    results = load("all")
    assert items(results) == items(load("whole"))
    versions = [one["versions"]["sensoryforge"] for one in results.facts["joined"]]
    assert versions[1] == "0.0.9"


ONE_PIPELINE = "; only datasets of one pipeline are joined"
BESIDE = "; allowed is a directory beside the datasets"
MISTAKES: list[tuple[str, int, str]] = [
    ("", 2, "merge: got no dataset, allowed are two or more"),
    ("a", 2, "merge: got one dataset, a, allowed are two or more"),
    ("a a", 2, "a: got twice, allowed is each dataset once"),
    ("a ./a", 2, "a: got twice, allowed is each dataset once"),
    ("a/results.h5 a", 2, "a: got twice, allowed is each dataset once"),
    ("sweep sweep/x=1", 2, "sweep/x=1: got twice, allowed is each dataset once"),
    ("a nowhere", 1, "nowhere: no such directory"),
    ("a empty", 1, "empty: no dataset here (none of results.h5, results.pt, checkpoint.pt)"),
    ("a notes.txt", 1, "notes.txt: a file; give its directory"),
    ("a b/checkpoint.pt", 1, "b/checkpoint.pt: a file; give its directory"),
    ("a seed", 2, f"seed: made with pipeline.seed: 1 (a: 0){ONE_PIPELINE}"),
    ("a noise", 2, f"noise: made with pipeline.noise_seed: 1 (a: null){ONE_PIPELINE}"),
    ("a skin", 2, f"skin: made with pipeline.skin: HalfSpace (a: 'none'){ONE_PIPELINE}"),
    ("a gain", 2, f"gain: made with neurons.populations.ra.gain: 3.0 (a: 12.0){ONE_PIPELINE}"),
    ("a tau", 2, f"tau: made with neurons.populations.sa.filter.parameters.tau_d: 7.0 (a: 30.0){ONE_PIPELINE}"),
    ("a populations", 2, f"populations: made with neurons.populations: sa, ra, pc (a: sa, ra){ONE_PIPELINE}"),
    ("a b seed tau", 2, f"seed: made with pipeline.seed: 1 (a: 0){ONE_PIPELINE}\ntau: *"),
    ("a lying", 2, "lying: does not go together with a, sa_spikes: 60 x 5 and 60 x 4"),
    ("a narrow", 2, f"narrow: made with neurons.populations.sa.count: 4 (a: 5), neurons.sa_neurons: 4 (a: 5){ONE_PIPELINE}"),
    ("a old", 2, "merge: got datasets of different versions of SensoryForge (a *, old 0.0.9); --any-version joins them, *"),
    ("a cut", 1, "cut/results.h5: truncated, *"),
    ("a flipped", 1, "flipped: results.h5 is damaged: its 1 stimuli *"),
    ("a partless", 1, "partless/parts/part_000000.h5: it does not exist"),
    ("a b --format hdf", 2, "--format: got 'hdf', allowed are hdf5, pytorch; did you mean 'hdf5'?"),
    ("a b --output a", 2, f"--output: got a, where a dataset that is joined lies{BESIDE}"),
    ("a b --output b/all", 2, f"--output: got b/all, inside it{BESIDE}"),
    ("sweep b --output sweep/all", 2, f"--output: got sweep/all, inside it{BESIDE}"),
    ("a/results.h5 b --output a", 2, f"--output: got a, where a dataset that is joined lies{BESIDE}"),
    ("a b --output notes.txt", 2, "--output: notes.txt is a file, allowed is a directory"),
    ("a b --output seed", 2, "seed: holds a dataset made with pipeline.seed: 1 (now 0); replace it with --overwrite, or choose another --output"),
    ("a old --any-version --output b", 2, "b: holds a dataset in the format pytorch; take --format pytorch, replace it with --overwrite, or choose another --output"),
    ("sweep a --output whole", 2, "whole: holds a dataset of 3 stimuli, 1 of which none of these has; replace it with --overwrite, or choose another --output"),
    ("a b --output unfinished", 2, "unfinished: holds an unfinished run (1 of 2 stimuli) of another dataset; discard it with --overwrite, or choose another --output"),
    ("a b --formt hdf5", 2, "sensoryforge: unknown argument *"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code", "expected"), MISTAKES)
def test_a_mistake_is_told_in_one_line_before_anything_is_written(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    code: int,
    expected: str,
) -> None:
    monkeypatch.chdir(folder)
    before = _contents(folder)
    output = [] if "--output" in words else ["--output", "all"]
    assert cli.main(["merge", *words.split(), *output]) == code
    told = capsys.readouterr().err.splitlines()
    lines = expected.splitlines()
    assert len(told) == len(lines), told
    for line, pattern in zip(told, lines, strict=True):
        start, star, _ = pattern.partition("*")
        assert line.startswith(start) if star else line == pattern
    assert _contents(folder) == before


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_output_has_to_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["merge", "a", "b"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("sensoryforge merge: the following arguments are required: --output")
    assert said.count("\n") == 1


@pytest.mark.parametrize("held", ["b", "all"])
def test_a_directory_in_which_a_run_is_writing_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], held: str
) -> None:
    with DirectoryLock(Path(held)):
        assert cli.main(["merge", "a", "b", "--output", "all"]) == 1
    assert capsys.readouterr().err.startswith(f"{held}: another run is writing here, process ")


def test_a_dataset_too_large_for_the_memory_as_one_object_is_refused(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    little: Callable[[], int] = lambda: 1000  # noqa: E731
    monkeypatch.setattr(merge_plan, "total_memory_bytes", little)
    assert cli.main(["merge", "b", "a", "--output", "all"]) == 2
    line = (
        "--format: pytorch keeps the dataset in memory, about 2.16 kB of 1 kB; take --format hdf5\n"
    )
    assert capsys.readouterr().err == line
    assert cli.main(["merge", "b", "a", "--output", "all", "--format", "hdf5"]) == 0


def test_overwrite_replaces_what_is_there(here: Path) -> None:
    for output in ("seed", "unfinished", "whole"):
        assert cli.main(["merge", "a", "b", "--output", output, "--overwrite"]) == 0
        assert load(output).table["amplitude"].tolist() == [10, 20, 30]
