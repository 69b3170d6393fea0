"""Hydra runs and sweeps that are interrupted: what they say goes on with them, typed after the same command line."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sensoryforge.analysis.results import load
from sensoryforge.commands import hydra_app as app
from sensoryforge.config.overrides import format_override
from sensoryforge.simulation.encoder import Encoder

SMALL = [
    "pipeline.duration_ms=20",
    "neurons.sa_neurons=2",
    "neurons.ra_neurons=2",
    "stimuli.amplitude=[10,20]",
]
Command = Callable[..., str]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Return a function that runs a command line and returns what it wrote."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["sensoryforge.run", *SMALL, *words])
        try:
            ended = app.main()
        except SystemExit as end:
            ended = int(end.code or 0)
        assert ended == code
        return capsys.readouterr().out

    return run


def interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send Ctrl+C before the next chunk is encoded, once."""
    usual = Encoder.forward

    def forward(encoder: Encoder, ranges: Any) -> Any:
        monkeypatch.setattr(Encoder, "forward", usual)
        os.kill(os.getpid(), signal.SIGINT)
        return usual(encoder, ranges)

    monkeypatch.setattr(Encoder, "forward", forward)


@pytest.mark.parametrize(
    ("words", "places", "hint"),
    [
        (["batch.output_dir=here"], ["here"], "batch.output_dir=here"),
        (["batch.output_dir='a b=c'"], ["a b=c"], "'batch.output_dir=\"a b=c\"'"),
        pytest.param(
            ["hydra.run.dir=here"], ["here"], "hydra.run.dir=here", marks=pytest.mark.slow
        ),
        pytest.param(
            ["-m", "batch.output_dir=here"],
            ["here"],
            "batch.output_dir=here",
            marks=pytest.mark.slow,
        ),
        (
            ["-m", "pipeline.grid_size=8,16", "batch.output_dir=here"],
            ["here/pipeline.grid_size=8", "here/pipeline.grid_size=16"],
            "batch.output_dir=here",
        ),
        pytest.param(
            ["-m", "pipeline.grid_size=8,16", "hydra.sweep.dir=here"],
            [],
            "hydra.sweep.dir=here",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_hint_of_an_interrupted_run_goes_on_with_it(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    places: list[str],
    hint: str,
) -> None:
    interrupt(monkeypatch)
    said = command(*words, code=130).splitlines()[-1]
    assert said.startswith("Interrupted: 2 stimuli left in ")
    assert said.endswith(f"; go on with batch.resume=true {hint}")
    added = shlex.split(said.partition("go on with ")[2])
    assert "Resuming: 0 done, 2 to go" in command(*words, *added)
    for place in places:
        assert len(load(place)) == 2


def test_a_dry_run_of_a_finished_run_has_nothing_to_do_either(command: Command) -> None:
    given = ("batch.output_dir=here", "batch.resume=true")
    command("batch.output_dir=here")
    said = command(*given)
    assert said == "Nothing to do: here already holds all 2 stimuli\n"
    dry = command(*given, "batch.dry_run=true")
    assert dry.endswith(said)
    assert "Would write" not in dry
    assert "0 to go" not in dry
    assert "Resuming: 2 done, 1 to go" in command(
        *given, "batch.dry_run=true", "stimuli.amplitude=[10,20,30]"
    )
    assert "Resuming: 2 done, 0 to go" in command(
        *given, "batch.dry_run=true", "stimuli.amplitude=[20,10]"
    )


def test_a_dry_run_of_a_finished_run_says_what_failed(command: Command) -> None:
    given = ("batch.output_dir=here", "stimuli.amplitude=[10,1e39]")
    command(*given, code=3)
    said = command(*given, "batch.resume=true")
    assert said.endswith("all 2 stimuli, 1 of them failed\n")
    assert command(*given, "batch.resume=true", "batch.dry_run=true").endswith(said)


def test_a_dated_run_goes_on_where_it_was(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(monkeypatch)
    added = shlex.split(command(code=130).partition("go on with ")[2])
    assert added[1].startswith("batch.output_dir=outputs/")
    assert f"Results saved to {added[1].partition('=')[2]}" in command(*added)


def test_an_override_is_quoted_where_it_must_be() -> None:
    assert format_override("batch.output_dir", "a/b-1.2_c") == "batch.output_dir=a/b-1.2_c"
    assert format_override("batch.output_dir", "it's") == """'batch.output_dir="it'"'"'s"'"""


@pytest.mark.slow
def test_a_sweep_in_processes_that_is_interrupted_says_how_to_go_on(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    line = [
        sys.executable,
        "-m",
        "sensoryforge.run",
        "-m",
        "hydra/launcher=joblib",
        "hydra.launcher.n_jobs=2",
    ]
    line += [
        "pipeline.grid_size=4,6",
        "batch.output_dir=here",
        "stimuli.repetitions=100000",
        *SMALL,
    ]
    started = subprocess.Popen(
        line, cwd=tmp_path, text=True, stdout=-1, stderr=-1, start_new_session=True
    )
    folders = [tmp_path / "here" / f"pipeline.grid_size={side}" / "parts" for side in (4, 6)]
    until = time.monotonic() + 120
    while not all(folder.is_dir() for folder in folders) and time.monotonic() < until:
        time.sleep(0.2)
    os.killpg(started.pid, signal.SIGINT)
    out, err = started.communicate(timeout=120)
    assert started.returncode == 130
    assert "Interrupted: go on with batch.resume=true batch.output_dir=here" in out.splitlines()
    assert "nothing was begun" not in err
    assert "Traceback" not in err
