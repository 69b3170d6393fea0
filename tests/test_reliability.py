"""What happens to a dataset when the process, the disk, a stimulus or another run does not do what it should."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

from sensoryforge import batch, cli, preflight, signals
from sensoryforge.config import check, compose
from sensoryforge.errors import ConfigError, FailedStimuliError, LockedError, StorageError
from sensoryforge.experiment import Experiment
from sensoryforge.stimuli import Range, Stimulus
from sensoryforge.stimuli.base import DRIVE
from sensoryforge.store import files
from sensoryforge.store.lock import DirectoryLock
from sensoryforge.store.results import Results, load

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
SMALL = ("pipeline.grid_size=12", "neurons.sa_neurons=5", "neurons.ra_neurons=7", "pipeline.duration_ms=30")
FORMATS = ("pytorch", "hdf5")
YAML = """
batch: {output_dir: out, checkpoint_frequency: 4}
pipeline: {grid_size: 12, duration_ms: 30}
neurons: {sa_neurons: 5, ra_neurons: 7}
stimuli: [{type: gaussian, amplitude: [10, 20, 30], repetitions: 4}]
"""


def experiment(directory: Path, *overrides: str, entry: dict[str, object] | None = None) -> Experiment:
    config = compose(*SMALL, f"batch.output_dir={directory}", "batch.checkpoint_frequency=4", *overrides)
    return check({**config, "stimuli": [entry]} if entry else config)


def run(
    directory: Path, *overrides: str, entry: dict[str, object] | None = None, says: list[str] | None = None
) -> Results:
    echo = (says if says is not None else []).append
    results = batch.run(experiment(directory, *overrides, entry=entry), progress=False, echo=echo)
    assert results is not None
    return results


def bits(results: Results) -> list[object]:
    return [{k: v.tolist() if isinstance(v, torch.Tensor) else v for k, v in stimulus.items()} for stimulus in results]


def script(name: str, *words: str) -> str:
    """Return what a script of the benchmarks writes; it fails the test when the script fails."""
    command = [sys.executable, str(BENCHMARKS / name), *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


# --- ended by signals ---


def test_kills_at_random_times_and_at_named_points_lose_nothing() -> None:
    said = script("faults.py", "--rounds", "3", "--points", "--step", "16")
    assert "every dataset equal, bit for bit" in said
    assert said.count("stimuli lost: 0") == 2


def test_a_signal_that_was_swallowed_is_raised_again_at_the_next_check() -> None:
    with signals.caught() as caught:
        with suppress(signals.Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)  # a second one disturbs nothing
        with pytest.raises(signals.Interrupted, match="SIGTERM"):
            caught.check()


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.caught() as caught:
            os.kill(os.getpid(), signal.SIGHUP)
            caught.check()
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("sensoryforge.store.lock.probe", "Interrupted: nothing was begun"),
        ("sensoryforge.batch._metadata", "Interrupted: every stimulus is computed, only the results file is missing"),
    ],
)
def test_a_signal_before_the_first_and_after_the_last_stimulus_ends_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, line: str
) -> None:
    says: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(where, lambda *given: (os.kill(os.getpid(), signal.SIGTERM), time.sleep(1)))
        with pytest.raises(SystemExit) as ended:
            run(tmp_path / "cut", says=says)
    assert ended.value.code == 143
    assert says[-1].startswith(line)
    assert bits(run(tmp_path / "cut", "batch.resume=true")) == bits(run(tmp_path / "whole"))


def test_a_signal_during_the_imports_ends_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(YAML)
    code = "import os, signal, sys; from sensoryforge import batch, cli; import sensoryforge.config as c\n"
    code += "c.check_batch_file = lambda *a: os.kill(os.getpid(), signal.SIGTERM)\n"
    code += "sys.exit(cli.main(['batch', 'b.yml']))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (143, "", "Interrupted: nothing was begun\n")


def test_a_terminal_that_hangs_up_ends_the_run_with_its_work_saved(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(YAML.replace("repetitions: 4", "repetitions: 4000"))
    process, terminal = pty.fork()
    if not process:
        os.chdir(tmp_path)
        os.execv(sys.executable, [sys.executable, "-m", "sensoryforge", "batch", "b.yml"])
    termios.tcsetwinsize(terminal, (24, 80))
    while not list(tmp_path.glob("out/parts/part_000001.*")):
        os.read(terminal, 4096)  # the bar
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 129
    assert not load(tmp_path / "out").complete


# --- the disk ---


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB, where the machine lets us mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine mounts nothing")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("form", FORMATS)
def test_a_disk_that_fills_up_is_one_line_and_the_run_goes_on_when_there_is_room(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    overrides = (f"batch.format={form}", "stimuli.repetitions=12")
    filler, passed = small_disk / "filler", list[str]()

    def crash_point(name: str) -> None:
        passed.append(name)
        if name == "part.begun" and passed.count(name) == 3:
            with suppress(OSError), filler.open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass

    with monkeypatch.context() as patch:
        patch.setattr(files, "crash_point", crash_point)
        with pytest.raises(StorageError, match=r"part_000002\.\w+: no space is left on the disk") as caught:
            run(small_disk / "out", *overrides)
    assert "\n" not in str(caught.value)
    assert len(load(small_disk / "out")) == 4
    filler.unlink()
    assert bits(run(small_disk / "out", *overrides, "batch.resume=true")) == bits(run(tmp_path / "o", *overrides))


def test_a_dataset_that_does_not_fit_is_refused_before_it_is_begun(small_disk: Path) -> None:
    with pytest.raises(StorageError, match=r"about .* MB needed for parts and results, 2.1 MB free in .*disk"):
        run(small_disk / "out", "stimuli.repetitions=5000")
    assert list(small_disk.iterdir()) == []


def test_free_space_is_looked_for_where_the_directory_will_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def usage(place: Path) -> object:
        asked.append(place)
        return type("Usage", (), {"free": 10})

    monkeypatch.setattr(preflight.shutil, "disk_usage", usage)
    with pytest.raises(StorageError, match="10 B free"):
        run(tmp_path / "not" / "there")
    assert asked == [tmp_path]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("file", "a file is in the way of the directory"),
        ("file/below", "a part of the path is a file, not a directory"),
        ("n" * 300, "the path is too long"),
    ],
)
def test_a_directory_that_cannot_be_ends_the_command_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "b.yml").write_text(YAML)
    assert cli.main(["batch", "b.yml", f"batch.output_dir={name}"]) == 1
    said = capsys.readouterr()
    assert said.err.endswith(f": {line}\n")
    assert said.err.count("\n") == 1


# --- two at once ---


def test_a_second_command_is_told_who_holds_the_directory_and_not_how_to_overwrite_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.yml").write_text(YAML)
    for flags in ([], ["--resume"], ["--overwrite"]):
        with DirectoryLock(tmp_path / "out"):
            assert cli.main(["batch", "b.yml", *flags]) == 1
        said = capsys.readouterr().err
        assert f"out: another run is writing here, process {os.getpid()} on " in said
        assert said.count("\n") == 1


def test_a_lock_that_a_dead_process_or_a_reboot_left_does_not_block(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text(json.dumps({"pid": 1, "host": "elsewhere", "since": "2020-01-01 00:00:00"}))
    assert len(run(tmp_path)) == 1
    assert not (tmp_path / ".lock").exists()


def test_a_look_at_the_lock_hinders_nobody(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path), pytest.raises(LockedError):
        preflight.preflight(experiment(tmp_path))
    preflight.preflight(experiment(tmp_path))
    with DirectoryLock(tmp_path):
        pass


# --- stimuli that fail ---


class Fragile(Stimulus):
    """Fails for one amplitude, in the way that its other parameter says."""

    ranges: ClassVar[dict[str, Range]] = {"amplitude": DRIVE, "how": DRIVE}

    def space(self, xy: np.ndarray, columns: int = 0) -> np.ndarray:
        bad = self["amplitude"][:, 0] == 20
        if bad.any() and self["how"][0, 0] == 0:
            raise KeyError("no\nsuch skin")
        if bad.any() and self["how"][0, 0] == 1:
            return np.zeros((self.count, len(xy)))
        return np.ones((self.count, 1, len(xy))) * self["amplitude"][:, None]

    def time(self, t_ms: np.ndarray, duration_ms: float) -> np.ndarray:
        time_ = np.ones((self.count, 1, len(t_ms)))
        time_[self["amplitude"][:, 0] == 20] = np.nan if self["how"][0, 0] == 2 else 1
        return time_


class Moving(Fragile):
    """The same, and it does not separate."""

    separable = False

    def frames(self, xy: np.ndarray, t_ms: np.ndarray, duration_ms: float) -> np.ndarray:
        return Stimulus.frames(self, xy, t_ms, duration_ms)


def fragile(how: int, name: str = "Fragile") -> dict[str, object]:
    values = {"amplitude": [10, 20, 30], "how": how, "repetitions": 3}
    return {"_target_": f"{__name__}.{name}", "type": "fragile", **values}


@pytest.mark.parametrize("name", ["Fragile", "Moving"])
@pytest.mark.parametrize(
    ("how", "message"), [(0, "KeyError: 'no\\nsuch skin'"), (1, "ValueError: space returned"), (2, "not finite")]
)
def test_a_stimulus_of_ones_own_that_fails_is_named_and_the_others_are_computed(
    tmp_path: Path, how: int, message: str, name: str
) -> None:
    line = r"3 of 9 stimuli failed and have no spikes; the first: stimulus 3 \(type=fragile, amplitude=20, how="
    with pytest.raises(FailedStimuliError, match=line):
        run(tmp_path, "batch.save=[drive]", entry=fragile(how, name))
    results = load(tmp_path)
    assert list(results.table["error"].notna()) == [False] * 3 + [True] * 3 + [False] * 3
    assert message in results.table["error"][3] or (name == "Moving" and how == 1)
    failures = results.metadata["failures"]
    assert [failure["index"] for failure in failures] == [3, 4, 5]
    assert failures[0]["parameters"]["amplitude"] == 20
    alone = run(tmp_path / "alone", "batch.save=[drive]", entry={**fragile(how, name), "amplitude": [10, 30]})
    assert bits(alone)[0] == bits(results)[0]
    assert torch.equal(alone[5]["sa_spikes"], results[8]["sa_spikes"])
    assert not results[4]["sa_spikes"].any()


@pytest.mark.parametrize("form", FORMATS)
def test_failures_before_an_interruption_count_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("sensoryforge.batch._metadata", lambda *given: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, f"batch.format={form}", entry=fragile(0))
    with pytest.raises(FailedStimuliError, match="3 of 9 stimuli failed"):
        run(tmp_path, f"batch.format={form}", "batch.resume=true", entry=fragile(0))
    assert len(load(tmp_path).metadata["failures"]) == 3
    says: list[str] = []
    run(tmp_path, f"batch.format={form}", "batch.resume=true", entry=fragile(0), says=says)
    assert says == [f"Nothing to do: {tmp_path} already holds all 9 stimuli, 3 of them failed"]


def test_on_error_stop_ends_at_the_first_stimulus_that_fails(tmp_path: Path) -> None:
    with pytest.raises(FailedStimuliError, match=r"stimulus 3 .*KeyError.* left.*go on with --resume"):
        run(tmp_path, "batch.on_error=stop", "pipeline.chunk_size=1", entry=fragile(0))
    assert len(load(tmp_path)) == 4


def test_a_class_without_ranges_is_refused_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fragile, "ranges", None)
    with pytest.raises(ConfigError, match=r"stimuli\.0\._target_: Fragile has no ranges"):
        experiment(tmp_path, entry=fragile(0))
