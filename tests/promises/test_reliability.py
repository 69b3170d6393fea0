"""What happens to a dataset when the process, the disk or another run does not do what it should."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.experiments import FORMATS
from helpers.runs import bits, experiment, run

from sensoryforge.analysis.results import load
from sensoryforge.commands import cli
from sensoryforge.core import signals
from sensoryforge.core.errors import ConfigError, LockedError, StorageError
from sensoryforge.running import execute as batch
from sensoryforge.running import preflight
from sensoryforge.store import files
from sensoryforge.store.lock import DirectoryLock

pytestmark = [pytest.mark.posix, pytest.mark.slow]
STRESS = Path(__file__).parents[2] / "stress"
YAML = """
batch: {output_dir: out, checkpoint_frequency: 4}
pipeline: {grid_size: 12, duration_ms: 30}
neurons: {sa_neurons: 5, ra_neurons: 7}
stimuli: [{type: gaussian, amplitude: [10, 20, 30], repetitions: 4}]
"""


def script(name: str, *words: str) -> str:
    """Return what a script of the benchmarks writes; it fails the test when the script fails."""
    command = [sys.executable, str(STRESS / name), *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


# --- ended by signals ---


@pytest.mark.slow
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
        (
            "sensoryforge.running.execute.run_metadata",
            "Interrupted: every stimulus is computed, only the results file is missing",
        ),
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
    code = "import os, signal, sys; from sensoryforge.commands import cli; import sensoryforge.config.reading as c\n"
    code += "c.check_batch_file = lambda *a: os.kill(os.getpid(), signal.SIGTERM)\n"
    code += "sys.exit(cli.main(['batch', 'b.yml']))"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        143,
        "",
        "Interrupted: nothing was begun\n",
    )


@pytest.mark.slow
def test_a_terminal_that_hangs_up_ends_the_run_with_its_work_saved(tmp_path: Path) -> None:
    import pty
    import termios

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
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)],
        check=False,
        capture_output=True,
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
        with pytest.raises(
            StorageError, match=r"part_000002\.\w+: no space is left on the disk"
        ) as caught:
            run(small_disk / "out", *overrides)
    assert "\n" not in str(caught.value)
    assert len(load(small_disk / "out")) == 4
    filler.unlink()
    assert bits(run(small_disk / "out", *overrides, "batch.resume=true")) == bits(
        run(tmp_path / "o", *overrides)
    )


def test_a_dataset_that_does_not_fit_is_refused_before_it_is_begun(small_disk: Path) -> None:
    with pytest.raises(
        StorageError, match=r"about .* MB needed for parts and results, 2.1 MB free in .*disk"
    ):
        run(small_disk / "out", "stimuli.repetitions=5000")
    assert list(small_disk.iterdir()) == []


def test_free_space_is_looked_for_where_the_directory_will_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "b.yml").write_text(YAML)
    assert cli.main(["batch", "b.yml", f"batch.output_dir={name}"]) == 1
    said = capsys.readouterr()
    assert said.err.endswith(f": {line}\n")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("flags", [[], ["dry_run"]])
@pytest.mark.parametrize(
    "command",
    [["sensoryforge", "batch", "b.yml"], ["sensoryforge.run"], ["sensoryforge.run", "-m"]],
)
def test_a_directory_whose_name_is_not_utf_8_is_one_line_of_either_command(
    tmp_path: Path, command: list[str], flags: list[str]
) -> None:
    (tmp_path / "b.yml").write_text(YAML)
    words = [
        b"-m",
        *map(str.encode, command),
        b"batch.output_dir=caf\xe9",
        *(f"batch.{n}=true".encode() for n in flags),
    ]
    ended = subprocess.run(
        [sys.executable.encode(), *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    line = "caf\\xe9: the name is not UTF-8; choose another output directory\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", line)
    assert [path.name for path in tmp_path.iterdir()] == ["b.yml"]


def test_another_override_that_is_not_utf_8_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["batch", "b.yml", os.fsdecode(b"stimuli.type=caf\xe9")]) == 2
    assert capsys.readouterr().err == "stimuli.type=caf\\xe9: is not UTF-8\n"


def spoilt(directory: Path) -> bytes:
    """Change one byte of a checkpoint, and return the file."""
    path = directory / "checkpoint.pt"
    data = bytearray(path.read_bytes())
    data[data.index(b"total_stimuli") + 3] ^= 1
    path.write_bytes(data)
    return path.read_bytes()


def interrupted(directory: Path, monkeypatch: pytest.MonkeyPatch, *overrides: str) -> None:
    """Leave a run whose parts are there and whose results file is not."""
    with monkeypatch.context() as patch:
        patch.setattr(
            "sensoryforge.running.execute.run_metadata",
            lambda *given: os.kill(os.getpid(), signal.SIGINT),
        )
        with pytest.raises(KeyboardInterrupt):
            run(directory, *overrides)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("before", [False, True])
def test_an_unfinished_run_whose_checkpoint_is_damaged_is_answered_with_the_way_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, before: bool
) -> None:
    if before:
        run(tmp_path, f"batch.format={form}")
    interrupted(
        tmp_path,
        monkeypatch,
        f"batch.format={form}",
        "stimuli.amplitude=[10,20]",
        "batch.overwrite=true",
    )
    data = spoilt(tmp_path)
    for more in ([], ["batch.resume=true"], ["batch.resume=true", "batch.dry_run=true"]):
        with pytest.raises(
            StorageError, match=r"checkpoint.pt: damaged, .*start anew with --overwrite"
        ) as caught:
            run(tmp_path, f"batch.format={form}", *more)
        assert "\n" not in str(caught.value)
        assert (tmp_path / "checkpoint.pt").read_bytes() == data
    assert (
        len(
            run(
                tmp_path,
                f"batch.format={form}",
                "batch.overwrite=true",
                "stimuli.amplitude=[10,20]",
            )
        )
        == 2
    )


@pytest.mark.filterwarnings("ignore:.*says what it did")
@pytest.mark.parametrize("form", FORMATS)
def test_a_complete_dataset_whose_checkpoint_is_damaged_is_as_good_as_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    overrides = (f"batch.format={form}", "stimuli.amplitude=[10,20]")
    whole = bits(run(tmp_path, *overrides))
    spoilt(tmp_path)
    with pytest.raises(ConfigError, match=r"pipeline.seed: got 1, the run to resume has"):
        run(tmp_path, *overrides, "batch.resume=true", "pipeline.seed=1")
    says: list[str] = []
    assert bits(run(tmp_path, *overrides, "batch.resume=true", says=says)) == whole
    assert says == [f"Nothing to do: {tmp_path} already holds all 2 stimuli"]
    spoilt(tmp_path)
    run(
        tmp_path,
        f"batch.format={form}",
        "stimuli.amplitude=[10,20,30]",
        "batch.resume=true",
        says=says,
    )
    assert "Resuming: 2 done, 1 to go" in says
    spoilt(tmp_path)
    interrupted(tmp_path, monkeypatch, *overrides, "batch.overwrite=true")
    with pytest.warns(UserWarning, match="a newer run stopped"):
        assert len(load(tmp_path)) == 3
    assert bits(run(tmp_path, *overrides, "batch.resume=true")) == whole


@pytest.mark.parametrize("form", FORMATS)
def test_a_dry_run_of_a_resume_looks_at_the_files_as_the_run_does(
    tmp_path: Path, form: str
) -> None:
    overrides = (f"batch.format={form}", "stimuli.amplitude=[10,20]", "batch.resume=true")
    run(tmp_path, *overrides)
    (path,) = tmp_path.glob("results.*")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    lines = batch.dry_run(experiment(tmp_path, *overrides))
    problem = f"{path.name} is damaged: its 2 stimuli have to be computed again"
    assert lines[2:4] == [problem, "Resuming: 0 done, 2 to go"]
    says: list[str] = []
    run(tmp_path, *overrides, says=says)
    assert says[1:3] == lines[2:4]
    with pytest.raises(
        ConfigError, match=r"stimuli: 2 that .* holds are not in this design, and would be lost"
    ):
        batch.dry_run(
            experiment(
                tmp_path, f"batch.format={form}", "stimuli.amplitude=30", "batch.resume=true"
            )
        )


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
    (tmp_path / ".lock").write_text(
        json.dumps({"pid": 1, "host": "elsewhere", "since": "2020-01-01 00:00:00"})
    )
    assert len(run(tmp_path)) == 1
    assert not (tmp_path / ".lock").exists()


def test_a_look_at_the_lock_hinders_nobody(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path), pytest.raises(LockedError):
        preflight.preflight(experiment(tmp_path))
    preflight.preflight(experiment(tmp_path))
    with DirectoryLock(tmp_path):
        pass
