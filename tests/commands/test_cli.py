# messages stay on one line
"""The ``sensoryforge`` command: what it prints, what it writes, how it ends."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from sensoryforge.commands import cli
from sensoryforge.config import catalogue
from sensoryforge.config.sources import conf_dir
from sensoryforge.core.errors import StorageError
from sensoryforge.design.experiment import Experiment
from sensoryforge.running import execute as batch

SMALL = """
pipeline: {grid_size: 8, duration_ms: 20}
neurons: {sa_neurons: 4, ra_neurons: 5}
stimuli: [{type: gaussian, amplitude: [10, 20], repetitions: 2}, {type: step, step_time: 5}]
batch: {output_dir: data}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with one small batch file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yml").write_text(SMALL)
    return tmp_path


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Experiment]:
    """Return the experiments that the command hands over, which are not run."""
    found: list[Experiment] = []
    monkeypatch.setattr(batch, "run_experiment", lambda experiment, **_: found.append(experiment))
    return found


def test_help_is_instant_and_loads_nothing_heavy() -> None:
    code = "import sys; from sensoryforge.commands.cli import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    start = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert time.perf_counter() - start < 0.4
    assert ended.returncode == 0
    assert not {"torch", "hydra", "numpy", "omegaconf"} & set(ended.stdout.split())
    assert all(command in ended.stdout for command in cli.COMMANDS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"sensoryforge {version('sensoryforge')}\n"


def test_the_module_is_the_command() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "sensoryforge", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == f"sensoryforge {version('sensoryforge')}\n"


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        (["batch", "small.yml"], (False, False, False)),
        (["batch", "small.yml", "--dry-run"], (True, False, False)),
        (["batch", "--resume", "small.yml"], (False, True, False)),
        (["batch", "small.yml", "--overwrite"], (False, False, True)),
    ],
)
def test_the_options_of_batch(
    ran: list[Experiment], words: list[str], flags: tuple[bool, ...]
) -> None:
    assert cli.main(words) == 0
    (experiment,) = ran
    assert (experiment.batch.dry_run, experiment.batch.resume, experiment.batch.overwrite) == flags
    assert len(experiment.design) == 5


def test_overrides_may_stand_on_both_sides_of_an_option(ran: list[Experiment]) -> None:
    words = [
        "batch",
        "small.yml",
        "stimuli.gaussian.repetitions=1",
        "--dry-run",
        "batch=hdf5",
        "~neurons.populations.ra",
    ]
    assert cli.main(words) == 0
    assert (len(ran[0].design), ran[0].batch.format.name, list(ran[0].populations)) == (
        3,
        "hdf5",
        ["sa"],
    )


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (
            "stimuli.gaussian.amplitude=10,20",
            "several values are a list, 'stimuli.gaussian.amplitude=[10,20]'",
        ),
        ("stimuli.sigma=range(1,3)", "several values are a list, 'stimuli.sigma=[...]'"),
        (
            "pipeline.grid_size=8,16",
            "a batch file is one dataset; to sweep this use sensoryforge run -m",
        ),
        ("stimuli=gaussian,step", "a batch file lists its stimuli itself"),
    ],
)
def test_a_sweep_over_a_batch_file_is_refused_with_what_it_takes(
    ran: list[Experiment], capsys: pytest.CaptureFixture[str], given: str, advice: str
) -> None:
    assert cli.main(["batch", "small.yml", given]) == 2
    assert capsys.readouterr().err == f"{given}: {advice}\n"


def test_run_is_the_hydra_application(ran: list[Experiment]) -> None:
    assert cli.main(["run", "-m", "stimuli.amplitude=1,2", "batch.dry_run=true"]) == 0
    assert len(ran[0].design) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["bach"],
            "bach: no such command, known are batch, run, train, decode, calibrate, list, show, plot, report, merge, export, init",
        ),
        (
            ["batch"],
            "sensoryforge batch: the following arguments are required: FILE; see sensoryforge batch --help",
        ),
        (
            ["batch", "small.yml", "--dryrun"],
            "sensoryforge: unknown argument --dryrun; see sensoryforge --help",
        ),
        (["--what"], "sensoryforge: unknown argument --what; see sensoryforge --help"),
        (
            ["list", "stimulus"],
            "stimulus: no such group or option, groups are *; did you mean 'stimuli'?",
        ),
        (["list", "--config-dir", "nowhere"], "nowhere: no such directory"),
        (
            ["show"],
            "sensoryforge show: the following arguments are required: DIR; see sensoryforge show --help",
        ),
        (["init", "a", "b"], "sensoryforge: unknown argument b; see sensoryforge --help"),
    ],
)
def test_a_mistake_is_one_line_and_ends_with_two(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert cli.main(words) == 2
    out, err = capsys.readouterr()
    first, _, last = message.partition("*")
    assert out == ""
    assert err.startswith(first)
    assert err.endswith(f"{last}\n")
    assert len(err.splitlines()) == 1
    assert [path.name for path in folder.iterdir()] == ["small.yml"]


@pytest.mark.parametrize(
    ("error", "code"),
    [(StorageError("disk full"), 1), (KeyboardInterrupt(), 130), (BrokenPipeError(), 141)],
)
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(batch, "run_experiment", fail)
    monkeypatch.setattr("os.dup2", lambda *_: None)
    assert cli.main(["batch", "small.yml"]) == code


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    assert capsys.readouterr().out.startswith("usage: sensoryforge")


def test_list_names_every_option_and_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list"]) == 0
    out = capsys.readouterr().out
    for path in conf_dir().glob("*/*.yaml"):
        assert f"  {path.stem}: " in out
    assert "      sigma        0.5   mm  standard deviation of the footprint" in out.splitlines()
    assert set(catalogue.GROUPS) == {path.parent.name for path in conf_dir().glob("*/*.yaml")}


def test_list_shows_one_group_and_options_of_ones_own(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine" / "model").mkdir(parents=True)
    (folder / "mine" / "model" / "plain.yaml").write_text("# Nothing but a threshold.\n")
    assert cli.main(["list", "model", "--config-dir", "mine"]) == 0
    out = capsys.readouterr().out
    assert "  plain: Nothing but a threshold." in out.splitlines()
    assert "stimuli" not in out


def test_list_names_an_option_that_is_no_text(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine" / "model").mkdir(parents=True)
    (folder / "mine" / "model" / "latin.yaml").write_bytes("# Übel".encode("latin-1"))
    assert cli.main(["list", "model", "--config-dir", "mine"]) == 2
    assert capsys.readouterr().err == "mine/model/latin.yaml: not a text file\n"


def test_init_writes_a_file_that_runs_and_never_replaces_one(
    ran: list[Experiment], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["init"]) == 0
    assert capsys.readouterr().out.startswith("Wrote my_batch.yml; ")
    assert cli.main(["batch", "my_batch.yml", "--dry-run"]) == 0
    assert cli.main(["init", "small.yml"]) == 1
    assert capsys.readouterr().err == "small.yml: exists already; give another name\n"
    assert (folder / "small.yml").read_text() == SMALL
    assert cli.main(["init", "nowhere/new.yml"]) == 1


def test_a_dry_run_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["batch", "small.yml", "--dry-run"]) == 0
    assert "Total: 5 stimuli" in capsys.readouterr().out.splitlines()
    assert [path.name for path in folder.iterdir()] == ["small.yml"]


def test_a_batch_and_what_show_says_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["batch", "small.yml"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "Batch execution: 5 stimuli total"
    assert cli.main(["show", "data"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "data: 5 stimuli, complete"
    assert lines[1:3] == ["  sa_spikes  40 x 4", "  ra_spikes  40 x 5"]
    assert lines[-1] == 'load it: sensoryforge.load("data")'
    assert cli.main(["show", "data", "--csv"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].startswith("index,id,seed,repetition,type,amplitude,")
    assert len(table) == 6
    assert cli.main(["show", "nothing"]) == 1
    assert capsys.readouterr().err == "nothing: no such directory\n"


def test_a_terminal_without_the_letters_still_gets_the_line(folder: Path) -> None:
    code = "from sensoryforge.commands.console import say; say('\\u2713 saved')"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
    )
    assert ended.stdout == b"? saved\n"


@pytest.mark.parametrize("command", ["-m sensoryforge list", "-m sensoryforge.run --help"])
def test_a_reader_that_leaves_early_gets_no_traceback(command: str, tmp_path: Path) -> None:
    line = f"set -o pipefail; {shlex.quote(sys.executable)} {command} | head -1"
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) == 1
