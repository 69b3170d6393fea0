"""A crash at any point of the commit protocol loses nothing that was committed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from helpers import warm
from helpers.store import FORMATS, arrays, commit_all, design, entry, resume, run, writer_of

from sensoryforge.analysis.results import load
from sensoryforge.store import files
from sensoryforge.store.checkpoint import Checkpoint, scan
from sensoryforge.store.formats import locate_format

PER_PART = 3
POINTS = {
    *(
        f"{kind}.{step}"
        for kind in ("part", "checkpoint", "results", "table")
        for step in ("begun", "written", "synced", "renamed", "published")
    ),
    *(f"clear.{step}" for step in ("begun", "removed", "done")),
}
SCENES = {"new": (0, 8), "grown": (5, 8), "again": (8, 8)}
KILLED = """
import json, os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from sensoryforge.store import files
from sensoryforge.store.checkpoint import scan
from helpers.store import design, run, writer_of
left = int(sys.argv[4])
def crash_point(name):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
files.crash_point = crash_point
directory = Path(sys.argv[2])
run(directory, sys.argv[3], design(8), committed=scan(directory))
"""


class Crashed(BaseException):
    """Stands for the end of the process: nothing in the package catches it."""


def play(directory: Path, format: str, scene: str) -> None:
    """Run over what an earlier run left: nothing, a smaller design that this one extends, or a dataset to replace."""
    committed = scan(directory) if scene == "grown" else None
    run(directory, format, design(SCENES[scene][1]), committed=committed)


def prepared(directory: Path, format: str, scene: str) -> Path:
    if SCENES[scene][0]:
        run(directory, format, [*design(8)[1:4], *design(8)[6:]] if scene == "grown" else design(8))
    return directory


def counted(monkeypatch: pytest.MonkeyPatch, last: int | None = None) -> list[str]:
    """Record the crash points that are passed, and crash at one of them."""
    passed: list[str] = []

    def crash_point(name: str) -> None:
        passed.append(name)
        if last is not None and len(passed) > last:
            raise Crashed(name)

    monkeypatch.setattr(files, "crash_point", crash_point)
    return passed


def assert_whole(directory: Path, format: str, count: int = 8) -> None:
    results, ids = load(directory), design(count)
    assert results.complete
    assert list(results.table["id"]) == ids
    assert list(results.table["index"]) == list(range(count))
    assert all(
        torch.equal(results.spikes(name)[:], arrays(ids)[f"{name}_spikes"]) for name in ("sa", "ra")
    )
    assert sorted(path.name for path in directory.iterdir()) == [
        "checkpoint.pt",
        locate_format(format).results_name,
        "stimuli.csv",
    ]
    table = pd.read_csv(directory / "stimuli.csv")
    assert table["id"].tolist() == results.table["id"].tolist()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("scene", SCENES)
def test_a_crash_at_any_point_loses_nothing_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str, scene: str
) -> None:
    first = prepared(tmp_path / "first", format, scene)
    monkeypatch.setattr(
        os, "fsync", lambda handle: None
    )  # a process that ends loses nothing that the system was given
    with monkeypatch.context() as patch:
        shutil.copytree(first, tmp_path / "whole") if first.exists() else None
        passed = counted(patch)
        play(tmp_path / "whole", format, scene)
    assert set(passed) == POINTS
    for last, name in enumerate(passed):
        directory = tmp_path / f"{last}-{name}"
        shutil.copytree(first, directory) if first.exists() else None
        crash(monkeypatch, directory, format, scene, last)
        assert len(scan(directory).ids) == committed_by(scene, passed[: last + 1])
        assert scan(directory).problems == ()
        assert scene == "new" or (directory / locate_format(format).results_name).exists()
        resume(directory, format, design(8))
        assert_whole(directory, format)
        shutil.rmtree(directory)


def crash(
    monkeypatch: pytest.MonkeyPatch, directory: Path, format: str, scene: str, last: int
) -> None:
    with monkeypatch.context() as patch:
        counted(patch, last)
        with pytest.raises(Crashed):
            play(directory, format, scene)


def committed_by(scene: str, passed: list[str]) -> int:
    """Return how many stimuli are safe: the first checkpoint begins the run, each further one records a part."""
    records = passed.count("checkpoint.renamed")
    before = SCENES[scene][0]
    start = before if scene == "grown" or not records else 0
    return min(8, start + PER_PART * max(0, records - 1))


@pytest.mark.parametrize("format", FORMATS)
def test_crash_after_crash_still_ends_in_the_same_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    rounds = 0
    with monkeypatch.context() as patch:
        while not scan(tmp_path).finished:
            counted(patch, 22)
            rounds += 1
            with suppress(Crashed):
                resume(tmp_path, format, design(8))
    assert rounds > 2
    resume(tmp_path, format, design(8))
    assert_whole(tmp_path, format)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_a_killed_process_resumes_to_the_same_dataset(tmp_path: Path, format: str) -> None:
    for number in (3, 12, 37, 56):
        directory = tmp_path / f"{number}"
        arguments = [
            warm.python(),
            "-c",
            KILLED,
            str(Path(__file__).parents[1]),
            str(directory),
            format,
            str(number),
        ]
        assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
        resume(directory, format, design(8))
        assert_whole(directory, format)


@pytest.mark.parametrize("format", FORMATS)
def test_only_new_stimuli_are_computed_when_a_design_grows(tmp_path: Path, format: str) -> None:
    ids = design(8)
    run(tmp_path, format, ids[::2])
    writer = writer_of(tmp_path, format, ids, {}, scan(tmp_path))
    assert writer.todo.tolist() == [1, 3, 5, 7]
    assert load_quietly(tmp_path)
    commit_all(writer, ids)
    writer.finish({})
    assert_whole(tmp_path, format)


def load_quietly(directory: Path) -> bool:
    with pytest.warns(UserWarning, match="a newer run stopped at 4 of 8 stimuli"):
        return load(directory).complete


@pytest.mark.parametrize("format", FORMATS)
def test_a_design_in_another_order_computes_nothing_and_is_put_in_order(
    tmp_path: Path, format: str
) -> None:
    run(tmp_path, format, design(8)[::-1])
    writer = writer_of(tmp_path, format, design(8), {}, scan(tmp_path))
    assert len(writer.todo) == 0
    assert not writer.finished
    writer.finish({})
    assert_whole(tmp_path, format)


@pytest.mark.parametrize("format", FORMATS)
def test_a_finished_run_has_nothing_to_do(tmp_path: Path, format: str) -> None:
    run(tmp_path, format, design(8))
    state = scan(tmp_path)
    assert state.finished
    writer = writer_of(tmp_path, format, design(8), {}, state)
    assert writer.finished
    assert writer.finish({}) == tmp_path / locate_format(format).results_name


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("hurt", "word"),
    [(flip, "damaged"), (Path.unlink, "missing"), (lambda p: p.write_bytes(b""), "damaged")],
)
def test_a_damaged_or_missing_part_is_named_and_computed_again(
    tmp_path: Path, format: str, hurt: Callable[[Path], Any], word: str
) -> None:
    ids = design(8)
    commit_all(writer_of(tmp_path, format, ids, {}), ids)
    name = f"parts/part_000001.{locate_format(format).suffix}"
    hurt(tmp_path / name)
    state = scan(tmp_path)
    assert state.problems == (f"{name} is {word}: its 3 stimuli have to be computed again",)
    assert writer_of(tmp_path, format, ids, {}, state).todo.tolist() == [3, 4, 5]
    resume(tmp_path, format, ids)
    assert_whole(tmp_path, format)


def test_a_new_run_leaves_the_last_results_until_it_is_complete(tmp_path: Path) -> None:
    run(tmp_path, "pytorch", design(4))
    writer = writer_of(tmp_path, "hdf5", design(8), {})
    with pytest.warns(
        UserWarning, match="results.pt is older than checkpoint.pt: a newer run stopped at 0 of 8"
    ):
        assert len(load(tmp_path)) == 4
    commit_all(writer, design(8))
    writer.finish({})
    assert_whole(tmp_path, "hdf5")


def test_the_checkpoint_shows_what_users_look_for(tmp_path: Path) -> None:
    ids = design(8)
    writer = writer_of(tmp_path, "pytorch", ids, {"batch": {"format": "pytorch"}})
    made = [3, 4]
    writer.commit(
        [entry(place, ids[place]) for place in made], arrays([ids[place] for place in made])
    )
    plain = torch.load(tmp_path / "checkpoint.pt")
    assert [plain[name] for name in ("num_completed", "total_stimuli", "next_index")] == [2, 8, 0]
    assert plain["config"]["batch"] == {"format": "pytorch"}
    assert plain["parts"].split()[:2] == ["parts/part_000000.pt", "3+2"]
    read = Checkpoint.read(tmp_path)
    assert read is not None
    assert read.to_dict() == plain
    json.dumps(plain)


def test_files_that_are_not_ours_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir(parents=True)
    mine = [
        tmp_path / "parts" / "notes.txt",
        tmp_path / "part_of_my_thesis.tex",
        tmp_path / "my_results.pt",
    ]
    for path in mine:
        path.write_text("mine")
    stale = tmp_path / "parts" / "part_000007.pt"
    stale.write_text("rest of a crash")
    run(tmp_path, "pytorch", design(4))
    assert all(path.read_text() == "mine" for path in mine)
    assert not stale.exists()
