"""Training from a command line: decoders far above chance, what is left on the disk, mistakes in one line."""

from __future__ import annotations

import json
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from helpers import warm
from matplotlib.figure import Figure
from omegaconf import OmegaConf

import sensoryforge as sf
from sensoryforge.commands import train
from sensoryforge.commands.cli import main as cli
from sensoryforge.commands.train import JobFailedError, main, plain_settings
from sensoryforge.config.composer import Composer
from sensoryforge.config.sources import conf_dir
from sensoryforge.core.errors import ConfigError
from sensoryforge.learning import SpikeDataModule, loggers, training
from sensoryforge.learning.predictions import draw_predictions
from sensoryforge.learning.scores import compare
from sensoryforge.learning.settings import check_settings

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]
DECODERS = sorted(path.stem for path in (conf_dir() / "decoder").glob("*.yaml"))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset of 5 amplitudes, 4 sigmas and 20 repetitions."""
    root = tmp_path_factory.mktemp("dataset")
    sf.run(
        sf.compose(
            "stimuli.amplitude=[10,20,30,40,50]", "stimuli.sigma=[0.3,0.5,0.7,0.9]", "stimuli.repetitions=20",
            "batch=hdf5", f"batch.output_dir={root}",
        )
    )  # fmt: skip
    return root


def settings(directory: Path, *overrides: str) -> dict[str, Any]:
    return plain_settings(Composer.over([], "train").load([f"data={directory}", *overrides]))


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [warm.python(), "-m", "sensoryforge.train", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )


def inside(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """Run the command in this process, and return its exit code."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["sensoryforge.train", *arguments])
    try:
        return main()
    except SystemExit as end:
        return end.code


# --- scores ---


@pytest.mark.slow
def test_held_out_repetitions_of_twenty_conditions_are_told_apart(
    directory: Path, tmp_path: Path
) -> None:
    both = ("target=[amplitude,sigma]", "task=classification", "split=stimulus", "max_epochs=40")
    scores = training.train(settings(directory, *both), tmp_path)
    assert scores.measure == "accuracy"
    assert scores.stimuli == {"train": 240, "val": 80, "test": 80}
    assert scores.chance < 0.08
    assert scores.decoder > 0.85


@pytest.mark.slow
def test_conditions_never_seen_are_placed_in_between(directory: Path, tmp_path: Path) -> None:
    scores = training.train(
        settings(directory, "target=amplitude", "split={sigma:[0.5]}"), tmp_path
    )
    assert scores.measure == "R²"
    assert scores.chance == pytest.approx(0, abs=0.1)
    assert scores.decoder > 0.75
    assert scores.nearest is not None
    assert scores.nearest > 2 * 0.2


@pytest.mark.slow
def test_both_parameters_of_conditions_never_seen_are_told(directory: Path, tmp_path: Path) -> None:
    both = ("target=[amplitude,sigma]", "decoder=conv", "max_epochs=40")
    scores = training.train(settings(directory, *both), tmp_path)
    assert scores.nearest_chance == pytest.approx(0.05)
    assert scores.nearest is not None
    assert scores.nearest > 0.3


@pytest.mark.parametrize(
    "decoder",
    [pytest.param(name, marks=() if name == "linear" else pytest.mark.slow) for name in DECODERS],
)
def test_every_decoder_learns(directory: Path, tmp_path: Path, decoder: str) -> None:
    easy = (
        "target=amplitude",
        "split=stimulus",
        f"decoder={decoder}",
        "bin_ms=15",
        "max_epochs=10",
    )
    scores = training.train(settings(directory, *easy), tmp_path)
    assert scores.decoder > 0.6


def test_the_baselines_are_what_they_say(directory: Path) -> None:
    data = SpikeDataModule(directory, "amplitude", split="stimulus")
    perfect = compare(data, data.test.targets[data.test.rows])
    assert perfect.decoder == pytest.approx(1)
    assert perfect.nearest == 1.0
    assert perfect.nearest_chance == pytest.approx(0.2)
    assert perfect.nearest_spike_count is not None
    assert 0.2 < perfect.nearest_spike_count < 1
    assert -0.2 < perfect.chance <= 1e-6
    assert 0.2 < perfect.spike_count < 0.95


@pytest.mark.parametrize(
    ("target", "task", "labels"),
    [
        (
            ["amplitude", "sigma"],
            "auto",
            ["true amplitude (a.u.)", "predicted amplitude (a.u.)", "true sigma (mm)"],
        ),
        (
            "sigma",
            "classification",
            ["predicted sigma (mm)", "true sigma (mm)", "share of the true class"],
        ),
    ],
)
def test_the_picture_of_predictions_has_units(
    directory: Path,
    target: Any,
    task: str,
    labels: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = SpikeDataModule(directory, target, task=task, split="stimulus")
    told = data.test.targets[data.test.rows]
    if data.target.classes:
        told = torch.nn.functional.one_hot(told, data.target.size).float()
    figures: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    draw_predictions(data, told, compare(data, told), tmp_path / "p.png")
    found = [
        label
        for axis in figures[0].axes
        for label in (axis.get_xlabel(), axis.get_ylabel())
        if label
    ]
    assert found[:3] == labels


def test_a_training_is_that_of_its_seed(directory: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    short = settings(directory, "target=amplitude", "max_epochs=2")
    first = training.train(short, tmp_path / "1")
    torch.manual_seed(2)
    assert training.train(short, tmp_path / "2") == first


# --- the command line ---


@pytest.mark.slow
def test_one_run_prints_scores_and_leaves_its_files(directory: Path, tmp_path: Path) -> None:
    done = run(
        tmp_path, f"data={directory}", "target=amplitude", "max_epochs=3", "hydra.run.dir=made"
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(
        "Decoding amplitude (regression): 240 stimuli to train, 80 to validate, 80 to test"
    )
    assert lines[1].startswith("linear: R² ")
    assert "; chance -0." in lines[1] or "; chance 0." in lines[1]
    assert "total spike count" in lines[1]
    assert lines[-1] == "✓ Saved to made"
    made = tmp_path / "made"
    expected = {
        "scores.json",
        "predictions.csv",
        "predictions.png",
        "checkpoints/best.ckpt",
        "logs/metrics.csv",
    }
    assert all((made / name).is_file() for name in expected)
    assert json.loads((made / "scores.json").read_text(encoding="utf-8"))["target"] == "amplitude"
    predictions = pd.read_csv(made / "predictions.csv")
    assert len(predictions) == 80
    assert {"index", "id", "true_amplitude", "predicted_amplitude"} <= set(predictions)
    assert list(made.glob("logs/events*"))
    assert "Training: " in done.stderr


def test_a_sweep_trains_each_decoder_in_its_own_directory(
    directory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ("target=amplitude", "task=classification", "split=stimulus", "max_epochs=1")
    assert (
        inside(tmp_path, monkeypatch, f"data={directory}", *options, "-m", "decoder=linear,conv")
        == 0
    )
    made = sorted(path.parent for path in tmp_path.glob("outputs/train/*/*/*/scores.json"))
    assert len(made) == 2
    assert all((path / "predictions.png").is_file() for path in made)
    told = [
        line.partition(":")[0]
        for line in capsys.readouterr().out.splitlines()
        if "accuracy" in line
    ]
    assert [line.split(",")[0] for line in told] == ["decoder=linear", "decoder=conv"]


@pytest.mark.slow
def test_a_sweep_over_datasets_keeps_both_trainings(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").symlink_to(directory)
    swept = (
        "-m",
        f"data={directory},other",
        "target=amplitude",
        "max_epochs=1",
        "hydra.sweep.dir=made",
    )
    assert inside(tmp_path, monkeypatch, *swept) == 0
    assert len(list(tmp_path.glob("made/*/scores.json"))) == 2


def test_a_sweep_with_a_mistake_trains_nothing(
    directory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = (
        "-m",
        f"data={directory}",
        "target=amplitude,amplitud",
        "decoder.windows=4,0",
        "hydra.sweep.dir=made",
    )
    assert inside(tmp_path, monkeypatch, *wrong) == 2
    assert [line.partition(",")[0] for line in capsys.readouterr().err.splitlines()] == [
        "decoder.windows: got 0",
        "target: got 'amplitud'",
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_decoder_whose_package_is_missing_is_refused_before_anything_is_written(
    directory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "snntorch", None)
    assert (
        inside(tmp_path, monkeypatch, f"data={directory}", "target=amplitude", "decoder=snn") == 2
    )
    assert capsys.readouterr().err == 'snntorch is not installed; pip install "sensoryforge[snn]"\n'
    assert list(tmp_path.iterdir()) == []


def test_logs_that_lack_a_package_are_said(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (training, loggers):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    said: list[str] = []
    training.train(
        settings(directory, "target=amplitude", "max_epochs=1"), tmp_path, echo=said.append
    )
    assert (
        'Logs as CSV only: tensorboard is not installed; pip install "sensoryforge[tensorboard]"'
        in said
    )
    assert 'No picture: matplotlib is not installed; pip install "sensoryforge[plot]"' in said
    assert not list(tmp_path.glob("logs/events*"))


@pytest.mark.slow
def test_a_second_training_in_a_directory_leaves_its_own_best_epoch(
    directory: Path, tmp_path: Path
) -> None:
    training.train(settings(directory, "target=amplitude", "max_epochs=1"), tmp_path)
    other = settings(directory, "target=sigma", "max_epochs=1", "seed=1", "overwrite=true")
    training.train(other, tmp_path)
    again = training.train(
        settings(directory, "target=sigma", "max_epochs=1", "seed=1"), tmp_path / "alone"
    )
    assert (
        json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))["target"] == again.target
    )
    assert [path.name for path in sorted(tmp_path.glob("checkpoints/*"))] == [
        "best.ckpt",
        "last.ckpt",
    ]
    weights = [
        torch.load(folder / "checkpoints/best.ckpt", weights_only=True)["state_dict"]
        for folder in (tmp_path, tmp_path / "alone")
    ]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_training_stops_when_the_validation_loss_no_longer_falls(
    directory: Path, tmp_path: Path
) -> None:
    training.train(
        settings(directory, "target=amplitude", "patience=1", "max_epochs=200"), tmp_path
    )
    assert pd.read_csv(tmp_path / "logs/metrics.csv")["epoch"].max() < 150


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_training_with_its_code_and_says_where_the_best_epoch_is(
    directory: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    endless = ("target=amplitude", "max_epochs=100000", "patience=100000", "hydra.run.dir=made")
    command = [warm.python(), "-m", "sensoryforge.train", f"data={directory}", *endless]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while not (tmp_path / "made/checkpoints/best.ckpt").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert (
        out.splitlines()[-1]
        == "Interrupted: the best epoch so far is in made/checkpoints/best.ckpt; "
        "resume=made goes on"
    )
    assert "Traceback" not in err


def test_where_the_test_split_has_one_value_the_error_is_told_instead_of_r2(
    directory: Path, tmp_path: Path
) -> None:
    scores = training.train(
        settings(directory, "target=amplitude", "split={amplitude:[30]}", "max_epochs=3"), tmp_path
    )
    assert scores.measure == "mean absolute error"
    assert scores.chance < 3
    assert 0 < scores.decoder < 50


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (
            ["target=amplitud"],
            ["target: got 'amplitud', allowed are type, amplitude, .*; did you mean 'amplitude'?"],
        ),
        (
            ["decoder=liner", "batchsize=3"],
            [
                "decoder: got 'liner', allowed are conv, linear, snn; did you mean 'linear'?",
                "batchsize: unknown key, known are .*; did you mean 'batch_size'?",
            ],
        ),
        (
            ["decoder=linear,conv"],
            ["decoder=linear,conv: several values need --multirun (-m), to sweep"],
        ),
    ],
)
def test_mistakes_are_lines_and_leave_nothing(
    directory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    lines: list[str],
) -> None:
    assert inside(tmp_path, monkeypatch, f"data={directory}", *arguments) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == len(lines)
    for line, expected in zip(told, lines, strict=True):
        assert re.fullmatch(re.escape(expected).replace(r"\.\*", ".*"), line), line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("max_epochs=0", "max_epochs: got 0, allowed is a whole number >= 1"),
        ("device=gpu", "device: got 'gpu', allowed are auto, cpu, cuda"),
        ("+decoder.windws=2", "decoder.windws: unknown key, known are windows.*did you mean 'windows'"),
        ("decoder.windows=1.5", "decoder.windows: got 1.5, allowed is a whole number > 0"),
        ("decoder.learning_rate=0", "decoder.learning_rate: got 0, allowed is a number > 0"),
        ("decoder._target_=os.nothing", "decoder._target_: got 'os.nothing', allowed is the dotted path"),
        ("task=classes", "task: got 'classes'"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_one_line(directory: Path, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        check_settings(settings(directory, override))
    assert len(caught.value.problems) == 1


def test_data_must_be_given() -> None:
    with pytest.raises(ConfigError, match="data: missing, allowed is the directory of a dataset"):
        check_settings(plain_settings(Composer.over([], "train").load()))


def test_a_sweep_with_a_wrong_word_beside_an_interval_names_that_word_alone(
    directory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("-m", f"data={directory}", "decoder.learning_rate=interval(0.001,0.1)")
    code = inside(tmp_path, monkeypatch, *words, "decoder=linear,conv", "hydra/sweeper=optun")
    (line,) = capsys.readouterr().err.splitlines()
    assert code == 2
    assert line == "hydra/sweeper: got 'optun', allowed are basic, sensoryforge"


# --- what a job returns ---


LOOKING = """
from hydra.plugins.sweeper import Sweeper
from hydra.core.plugins import Plugins


class Looking(Sweeper):
    def __init__(self, max_batch_size=None, params=None):
        pass

    def setup(self, *, hydra_context, task_function, config):
        self.launcher = Plugins.instance().instantiate_launcher(
            config=config, hydra_context=hydra_context, task_function=task_function
        )

    def sweep(self, arguments):
        jobs = [[*arguments, f"decoder.windows={windows}"] for windows in (1, 2)]
        for job in self.launcher.launch(jobs, initial_job_idx=0):
            print("returned", float(job.return_value))
"""


@pytest.mark.slow
def test_a_sweeper_that_optimises_gets_the_validation_score(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "plugins/hydra_plugins/looking"
    plugin.mkdir(parents=True)
    (plugin / "__init__.py").write_text(LOOKING, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "plugins"))
    done = run(
        tmp_path, "-m", "hydra.sweeper._target_=hydra_plugins.looking.Looking",
        f"data={directory}", "target=amplitude", "max_epochs=2", "hydra.sweep.dir=made",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    returned = [
        float(line.removeprefix("returned "))
        for line in done.stdout.splitlines()
        if line.startswith("returned ")
    ]
    saved = [
        json.loads(path.read_text(encoding="utf-8"))["validation"]
        for path in sorted(tmp_path.glob("made/*/scores.json"))
    ]
    assert returned == saved
    assert len(returned) == 2


def test_the_validation_score_is_that_of_the_best_epoch(directory: Path, tmp_path: Path) -> None:
    scores = training.train(settings(directory, "target=amplitude", "max_epochs=3"), tmp_path)
    epochs = pd.read_csv(tmp_path / "logs/metrics.csv").dropna(subset=["val_loss"])
    best = epochs.loc[epochs["val_loss"].idxmin()]
    assert scores.validation == pytest.approx(best["val_score"])


@pytest.mark.parametrize("launcher", ["basic", pytest.param("joblib", marks=pytest.mark.slow)])
def test_a_sweep_with_a_failed_training_trains_the_others_and_ends_with_its_code(
    directory: Path, tmp_path: Path, launcher: str
) -> None:
    (tmp_path / "made/0/scores.json").mkdir(parents=True)
    done = run(
        tmp_path, "-m", f"hydra/launcher={launcher}", f"data={directory}", "target=amplitude",
        "max_epochs=1", "decoder=linear,conv", "hydra.sweep.dir=made",
        "hydra.sweep.subdir=${hydra.job.num}",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("made/0/scores.json: cannot be written (Is a directory)") == 1
    assert "Traceback" not in done.stderr
    assert (tmp_path / "made/1/scores.json").is_file()


def test_the_failure_of_a_job_comes_through_a_pickle() -> None:
    failure = pickle.loads(pickle.dumps(JobFailedError("disk full", 3)))
    assert (str(failure), failure.exit_code) == ("disk full", 3)


def test_one_command_trains_and_decodes(
    directory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [f"data={directory}", "target=amplitude", "max_epochs=1", "hydra.run.dir=t"]
    assert cli(["train", *words]) == 0
    assert cli(["train", *words, "resume=true", "max_epochs=2"]) == 0
    assert "Resuming after 1 epochs, from t/checkpoints/last.ckpt" in capsys.readouterr().out
    assert cli(["decode", str(directory), "--decoder", "t"]) == 0
    assert "LinearDecoder: R² " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("end", "refused"), [("0.1", False), ("-1", True)], ids=["right", "wrong at one end"]
)
def test_an_interval_of_a_sweeper_that_optimises_is_checked_at_its_ends(
    directory: Path, monkeypatch: pytest.MonkeyPatch, end: str, refused: bool
) -> None:
    composer = Composer.over(name=train.NAME)
    monkeypatch.setattr(train, "_composer_of_hydra", lambda: composer)
    rate = f"decoder.learning_rate=interval(0.001,{end})"
    task = [f"data={directory}", "target=amplitude", "max_epochs=1,2", rate]
    config = OmegaConf.create({"hydra": {"overrides": {"task": task}}})
    guard = train.TrainGuard()
    if not refused:
        guard.on_multirun_start(config)
        return
    with pytest.raises(SystemExit):
        guard.on_multirun_start(config)
