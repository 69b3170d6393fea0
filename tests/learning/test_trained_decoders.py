"""A trained decoder can be used: loaded alone, applied elsewhere, trained on; loggers of one's own."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

import sensoryforge as sf
from sensoryforge.commands.cli import main as cli
from sensoryforge.commands.train import plain_settings
from sensoryforge.config.composer import Composer
from sensoryforge.core.errors import ConfigError, DamagedError, StorageError
from sensoryforge.learning import DecodingModule, SpikeDataModule, training
from sensoryforge.learning.applying import decode
from sensoryforge.learning.loggers import logger_problems
from sensoryforge.simulation import silence

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = (
    "pipeline.grid_size=12",
    "pipeline.duration_ms=50",
    "neurons.sa_neurons=6",
    "neurons.ra_neurons=5",
    "batch=hdf5",
)


def make_dataset(folder: Path, *overrides: str) -> Path:
    design = ("stimuli.amplitude=[10,20,30,40]", "stimuli.repetitions=15")
    sf.run(sf.compose(*SMALL, *design, f"batch.output_dir={folder}", *overrides))
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("trained_on") / "data")


def settings(directory: Path, *overrides: str) -> dict[str, Any]:
    usual = (f"data={directory}", "target=amplitude", "split=stimulus", "max_epochs=4")
    return plain_settings(Composer.over([], "train").load([*usual, *overrides]))


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "t"
    training.train(settings(data, "decoder=conv"), folder)
    return folder


# --- loading ---


@pytest.mark.parametrize(
    ("overrides", "target"),
    [(("decoder=conv",), (10.0,)), (("task=classification", "decoder.windows=2"), 10)],
)
def test_a_checkpoint_that_was_moved_gives_the_decoder_back_without_being_told_anything(
    data: Path, tmp_path: Path, overrides: tuple[str, ...], target: object
) -> None:
    training.train(settings(data, *overrides), tmp_path / "t")
    predictions = pd.read_csv(tmp_path / "t/predictions.csv")
    moved = tmp_path / "elsewhere.ckpt"
    shutil.move(tmp_path / "t/checkpoints/best.ckpt", moved)
    shutil.rmtree(tmp_path / "t")
    module = DecodingModule.load_from_checkpoint(moved)
    assert module.recipe is not None
    assert module.recipe.target == ("amplitude",)
    assert module.recipe.units == ("a.u.",)
    assert dict(module.recipe.populations) == {"sa": 6, "ra": 5}
    told = decode(data, moved).table.set_index("id")["predicted_amplitude"]
    for row in predictions.itertuples():
        assert told[row.id] == pytest.approx(row.predicted_amplitude, rel=1e-5)


def test_a_checkpoint_of_weights_alone_is_refused_in_one_line(
    trained: Path, tmp_path: Path
) -> None:
    old = torch.load(trained / "checkpoints/best.ckpt", weights_only=True)
    del old["hyper_parameters"]
    torch.save(old, tmp_path / "old.ckpt")
    with pytest.raises(
        DamagedError, match="weights alone, it does not say of which decoder"
    ) as is_old:
        DecodingModule.load_from_checkpoint(tmp_path / "old.ckpt")
    assert "\n" not in str(is_old.value)


def test_a_network_of_ones_own_is_given_to_a_checkpoint_that_does_not_name_it(
    data: Path, tmp_path: Path
) -> None:
    from pytorch_lightning import Trainer

    module = SpikeDataModule(data, "amplitude", split="stimulus", bin_ms=5)
    samples, neurons = module.data.shape
    network = nn.Sequential(nn.Flatten(), nn.Linear(samples * neurons, 1))
    trainer = Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    with silence():
        trainer.fit(DecodingModule(network, classify=False), datamodule=module)
    trainer.save_checkpoint(tmp_path / "own.ckpt")
    with pytest.raises(DamagedError, match="give network="):
        DecodingModule.load_from_checkpoint(tmp_path / "own.ckpt")
    fresh = nn.Sequential(nn.Flatten(), nn.Linear(samples * neurons, 1))
    again = DecodingModule.load_from_checkpoint(tmp_path / "own.ckpt", network=fresh)
    spikes = torch.rand(2, samples, neurons)
    assert torch.equal(again(spikes), network(spikes))


def test_a_checkpoint_cannot_make_python_import_a_module(trained: Path, tmp_path: Path) -> None:
    content = torch.load(trained / "checkpoints/best.ckpt", weights_only=True)
    content["hyper_parameters"]["recipe"]["decoder"]["_target_"] = "somebody.elses.Network"
    torch.save(content, tmp_path / "foreign.ckpt")
    with pytest.raises(ConfigError, match="SENSORYFORGE_TRUST"):
        DecodingModule.load_from_checkpoint(tmp_path / "foreign.ckpt")


# --- another dataset ---


def test_decode_and_what_it_takes_and_returns_are_public_names(trained: Path, data: Path) -> None:
    from sensoryforge import learning

    decoded = learning.decode(data, trained)
    assert isinstance(decoded, learning.Decoded)
    recipe = DecodingModule.load_from_checkpoint(trained / "checkpoints/best.ckpt").recipe
    assert isinstance(recipe, learning.Recipe)
    assert {"decode", "Decoded", "Recipe"} <= set(learning.__all__) <= set(dir(learning))


def test_a_decoder_tells_a_dataset_of_another_seed_and_writes_what_it_tells(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_dataset(tmp_path / "other", "pipeline.seed=7")
    capsys.readouterr()
    csv = tmp_path / "told.csv"
    best = trained / "checkpoints/best.ckpt"
    assert cli(["decode", str(other), "--decoder", str(best), "--csv", str(csv)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ConvDecoder: R² 0.")
    assert lines[0].endswith("on 60 stimuli; chance 0.000")
    assert lines[1].startswith("ConvDecoder: mean absolute error ")
    assert " a.u. on 60 stimuli; chance 10 a.u." in lines[1]
    table = pd.read_csv(csv)
    assert list(table) == ["index", "id", "true_amplitude", "predicted_amplitude"]
    assert table["id"].tolist() == sf.load(other).table["id"].tolist()
    error = (table["true_amplitude"] - table["predicted_amplitude"]).abs().mean()
    assert f"{error:.3g} a.u." in lines[1]


def test_a_dataset_without_the_target_gets_predictions_and_no_scores(
    trained: Path, tmp_path: Path
) -> None:
    ramps = tmp_path / "ramps"
    sf.run(sf.compose(*SMALL, "stimuli=ramp", f"batch.output_dir={ramps}"))
    decoded = decode(ramps, trained)
    assert decoded.lines == ("amplitude: not known of these stimuli, so there are no scores",)
    assert list(decoded.table) == ["index", "id", "predicted_amplitude"]


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (("neurons.sa_neurons=7",), "sa has 7 neurons, the decoder was trained on 6"),
        (("~neurons.populations.ra", "~neurons.ra_neurons"), "no population ra"),
        (("pipeline.duration_ms=60",), "a stimulus has 12 bins of 5 ms, the decoder was trained on 10"),
    ],
)  # fmt: skip
def test_a_dataset_that_does_not_fit_the_decoder_is_refused_in_one_line(
    trained: Path, tmp_path: Path, overrides: tuple[str, ...], line: str
) -> None:
    other = tmp_path / "other"
    sf.run(sf.compose(*SMALL, *overrides, f"batch.output_dir={other}"))
    with pytest.raises(ConfigError, match=line) as refused:
        decode(other, trained)
    assert len(refused.value.problems) == 1


def test_what_is_no_decoder_is_one_line(data: Path, tmp_path: Path) -> None:
    (tmp_path / "text.ckpt").write_text("no checkpoint", encoding="utf-8")
    with pytest.raises(DamagedError, match="damaged, or not the checkpoint of a decoder"):
        decode(data, tmp_path / "text.ckpt")
    with pytest.raises(StorageError, match="no such file or directory"):
        decode(data, tmp_path / "nothing")
    with pytest.raises(StorageError, match="no checkpoint here"):
        decode(data, tmp_path)


# --- going on ---


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_training_that_goes_on_ends_where_one_that_was_never_interrupted_does(
    data: Path, tmp_path: Path, elsewhere: bool
) -> None:
    whole = training.train(settings(data, "decoder=conv"), tmp_path / "whole")
    training.train(settings(data, "decoder=conv", "max_epochs=2"), tmp_path / "half")
    place = tmp_path / "elsewhere" if elsewhere else tmp_path / "half"
    resume = f"resume={tmp_path / 'half'}" if elsewhere else "resume=true"
    said: list[str] = []
    again = training.train(settings(data, "decoder=conv", resume), place, echo=said.append)
    assert said[0] == f"Resuming after 2 epochs, from {tmp_path / 'half/checkpoints/last.ckpt'}"
    assert again == whole
    for name in ("best.ckpt", "last.ckpt"):
        expected = torch.load(tmp_path / "whole/checkpoints" / name, weights_only=True)
        resumed = torch.load(place / "checkpoints" / name, weights_only=True)
        assert resumed["epoch"] == expected["epoch"]
        for key, weights in expected["state_dict"].items():
            assert torch.equal(resumed["state_dict"][key], weights)
    epochs = pd.read_csv(place / "logs/metrics.csv")["epoch"]
    assert epochs.min() == 2


def test_a_finished_training_has_nothing_left_to_do(data: Path, tmp_path: Path) -> None:
    scores = training.train(settings(data), tmp_path)
    assert training.train(settings(data, "resume=true"), tmp_path) == scores


def test_a_training_with_nothing_saved_begins(data: Path, tmp_path: Path) -> None:
    said: list[str] = []
    training.train(settings(data, "resume=true", "max_epochs=1"), tmp_path, echo=said.append)
    assert said[0] == f"Resuming: nothing was saved in {tmp_path}, so the training begins"


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("decoder.channels=8", "was trained with decoder"),
        ("decoder.learning_rate=0.1", "was trained with learning_rate 0.003, now it is 0.1"),
        ("bin_ms=10", "was trained with samples 10, now it is 5"),
        ("split={amplitude:[10]}", "was trained on other stimuli"),
    ],
)
def test_what_was_trained_otherwise_does_not_go_on(
    data: Path, trained: Path, tmp_path: Path, override: str, line: str
) -> None:
    changed = settings(data, "decoder=conv", f"resume={trained}", override)
    with pytest.raises(ConfigError, match=line):
        training.examine(changed)


# --- loggers ---


def test_loggers_of_ones_own_get_what_is_logged(data: Path, tmp_path: Path) -> None:
    own = "{_target_: pytorch_lightning.loggers.CSVLogger, name: own, version: v}"
    chosen = settings(data, "max_epochs=1", f"+logger.own={own}", "logger.tensorboard=null")
    training.train(chosen, tmp_path)
    assert (tmp_path / "own/v/metrics.csv").is_file()
    assert (tmp_path / "logs/metrics.csv").is_file()
    assert not list(tmp_path.glob("logs/events*"))


def test_a_logger_whose_package_is_missing_is_one_line(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sensoryforge.learning.loggers.find_spec", lambda name: None)
    with pytest.raises(ConfigError) as missing:
        training.examine(settings(data, "logger=wandb"))
    assert missing.value.problems == ("logger.wandb: wandb is not installed; pip install wandb",)
    with pytest.raises(ConfigError) as missing:
        training.examine(settings(data, "logger=tensorboard"))
    line = (
        'logger.tensorboard: tensorboard is not installed; pip install "sensoryforge[tensorboard]"'
    )
    assert missing.value.problems == (line,)


def test_a_wrong_logger_is_one_line() -> None:
    assert logger_problems({"x": 3, "y": None}) == [
        "logger.x: got 3, allowed is null or a mapping with _target_"
    ]
    (line,) = logger_problems({"x": {"_target_": "somebody.elses.Logger"}})
    assert "SENSORYFORGE_TRUST" in line
    assert "somebody" not in sys.modules


# --- another training in the same directory ---


def test_a_training_never_replaces_another_in_silence(data: Path, tmp_path: Path) -> None:
    short = settings(data, "max_epochs=1")
    training.train(short, tmp_path)
    before = (tmp_path / "scores.json").read_bytes()
    refused = (
        f"{tmp_path}: holds a finished training; replace it with overwrite=true, choose another "
        "hydra.run.dir, or train it for more epochs with resume=true"
    )
    for look in (training.examine, training.train):
        with pytest.raises(ConfigError) as caught:
            look(settings(data, "target=type", "max_epochs=1", "seed=1"), tmp_path)
        assert list(caught.value.problems) == [refused]
    with pytest.raises(ConfigError, match="a training is gone on with or discarded, not both"):
        training.train(settings(data, "resume=true", "overwrite=true"), tmp_path)
    assert (tmp_path / "scores.json").read_bytes() == before
    (tmp_path / "scores.json").unlink()
    with pytest.raises(ConfigError, match="holds an unfinished training; go on with resume=true"):
        training.train(short, tmp_path)


def test_overwrite_leaves_nothing_of_the_training_before(data: Path, tmp_path: Path) -> None:
    training.train(settings(data, "decoder=conv", "max_epochs=3"), tmp_path)
    training.train(settings(data, "decoder=conv", "max_epochs=4", "resume=true"), tmp_path)
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    events = set(tmp_path.glob("logs/events*"))
    said: list[str] = []
    other = settings(data, "max_epochs=1", "overwrite=true")
    scores = training.train(other, tmp_path, echo=said.append)
    assert said[0] == f"Discarded the training that {tmp_path} held"
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert [path.name for path in tmp_path.glob("logs/metrics*.csv")] == ["metrics.csv"]
    assert not events & set(tmp_path.glob("logs/events*"))
    assert training.train(settings(data, "max_epochs=1"), tmp_path / "alone") == scores


# --- what a training says ---


def test_a_training_that_stops_early_says_when_and_why(data: Path, tmp_path: Path) -> None:
    said: list[str] = []
    restless = settings(data, "patience=1", "max_epochs=60", "decoder.learning_rate=0.2")
    training.train(restless, tmp_path, echo=said.append)
    epochs = pd.read_csv(tmp_path / "logs/metrics.csv").dropna(subset=["val_loss"])
    last, best = len(epochs), int(epochs.loc[epochs["val_loss"].idxmin(), "epoch"]) + 1
    assert last < 60
    assert said[1] == (
        f"Stopped after epoch {last} of at most 60: 1 epoch without a better validation loss "
        f"(patience=1); the best was epoch {best}"
    )
    whole: list[str] = []
    training.train(settings(data, "max_epochs=1"), tmp_path / "whole", echo=whole.append)
    assert not any(line.startswith("Stopped") for line in whole)


def test_a_test_of_some_classes_alone_says_so(tmp_path: Path) -> None:
    data = make_dataset(tmp_path / "few", "stimuli.sigma=[0.3,0.6]", "stimuli.repetitions=4")
    by_condition = ("task=classification", "split=condition", "max_epochs=1")
    said: list[str] = []
    training.train(settings(data, *by_condition), tmp_path / "t", echo=said.append)
    assert re.fullmatch(
        r"Tested on 2 of 4 classes only, none of amplitude = \d+, \d+: few conditions are held "
        "out; split=stimulus tests on repetitions of them all",
        said[1],
    )
    every: list[str] = []
    training.train(
        settings(data, "task=classification", "max_epochs=1"), tmp_path / "s", echo=every.append
    )
    assert not any(line.startswith("Tested on") for line in every)


# --- scores ---


def test_continuous_targets_have_an_error_in_their_unit_and_no_nearest_value(
    tmp_path: Path,
) -> None:
    many = ",".join(str(10 + number) for number in range(40))
    data = make_dataset(tmp_path / "many", f"stimuli.amplitude=[{many}]", "stimuli.repetitions=2")
    said: list[str] = []
    scores = training.train(settings(data, "max_epochs=1"), tmp_path / "t", echo=said.append)
    assert scores.nearest is None
    assert not any("nearest" in line for line in said)
    assert scores.mean_absolute_error is not None
    error = scores.mean_absolute_error["amplitude"]
    table = pd.read_csv(tmp_path / "t/predictions.csv")
    assert error == pytest.approx(
        (table["true_amplitude"] - table["predicted_amplitude"]).abs().mean(), rel=1e-5
    )
    assert any(line.startswith(f"decoder: mean absolute error {error:.3g} a.u.; ") for line in said)


def test_each_of_several_targets_has_its_error_in_its_own_unit(tmp_path: Path) -> None:
    data = make_dataset(tmp_path / "two", "stimuli.sigma=[0.3,0.6]", "stimuli.repetitions=6")
    said: list[str] = []
    both = settings(data, "target=[amplitude,sigma]", "max_epochs=1")
    training.train(both, tmp_path / "t", echo=said.append)
    assert any("mean absolute error of amplitude" in line and " a.u.;" in line for line in said)
    assert any("mean absolute error of sigma" in line and " mm;" in line for line in said)
