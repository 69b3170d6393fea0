"""Training a decoder from checked settings to scores, checkpoints and a picture in one directory."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge import rules, trust
from sensoryforge.errors import ConfigError, StorageError
from sensoryforge.signals import Signals, interruptible

if TYPE_CHECKING:
    from torch import Tensor

    from sensoryforge.lightning.decoding import DecodingModule
    from sensoryforge.lightning.spikes import SpikeDataModule
    from sensoryforge.scores import Scores

Echo = Callable[[str], None]

_ANY = rules.Rule(lambda value: True, "is anything")
RULES: dict[str, rules.Rule] = {
    "data": rules.Rule(lambda value: isinstance(value, str) and value != "", "is the directory of a dataset"),
    "target": rules.Rule(lambda value: isinstance(value, str | list), "is a parameter, type, or a list of them"),
    "task": rules.one_of("auto", "classification", "regression"),
    "populations": rules.Rule(lambda value: value is None or isinstance(value, list), "is null or a list of names"),
    "where": rules.Rule(lambda value: value is None or isinstance(value, dict), "is a mapping"),
    "bin_ms": rules.Rule(lambda value: value is None or rules.is_number(value), "is null or a number (ms)"),
    "split": _ANY,
    "fractions": rules.Rule(lambda value: isinstance(value, list), "is a list of three numbers"),
    "seed": rules.whole(0, "-", 2**63 - 1),
    "batch_size": rules.whole(2, "stimuli"),
    "num_workers": rules.whole(0, "processes"),
    "max_epochs": rules.whole(1, "-"),
    "patience": rules.whole(1, "-"),
    "device": rules.PIPELINE["device"],
    "num_threads": rules.whole(1, "threads", 4096),
    "decoder": rules.BLOCK,
}
_OPTIMISER = {
    "learning_rate": rules.number("a number > 0", "-", 0, strict=True),
    "weight_decay": rules.number("a number >= 0", "-", 0),
}


def check(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings that keep every rule; raises ConfigError with a line for each that does not."""
    from sensoryforge.checks import device_problems

    problems: list[str] = []
    values = {key: value for key, value in settings.items() if value != "???"}
    good = rules.read("", values, RULES, problems)
    problems = [line.removeprefix(".") for line in problems]
    problems += device_problems(good.get("device", "auto"), "device")
    if "decoder" in good:
        problems += _decoder_problems(good["decoder"])
    if problems:
        raise ConfigError(problems)
    return good


def _decoder_class(target: object) -> Any:
    """Return the class at a dotted path; raises ConfigError where there is none, or it is not trusted."""
    from torch import nn

    return trust.locate(target, "a class of decoder", nn.Module)


def _decoder_problems(decoder: Mapping[str, Any]) -> list[str]:
    """Return a line for each option that the decoder's class does not take."""
    try:
        found = _decoder_class(decoder.get("_target_"))
    except ConfigError as error:
        return [f"decoder._target_: {error}"]
    known = [*_options(found), *_OPTIMISER]
    problems = [rules.unknown("decoder", key, known) for key in decoder if key != "_target_" and key not in known]
    problems += [
        rule.problem(f"decoder.{key}", decoder[key])
        for key, rule in _OPTIMISER.items()
        if key in decoder and not rule.allows(decoder[key])
    ]
    for key, option in _options(found).items():
        kind = type(option.default)
        if key in decoder and kind in (int, float) and not (rules.is_number(decoder[key]) and decoder[key] > 0):
            problems.append(f"decoder.{key}: got {rules.shown(decoder[key])}, allowed is a number > 0")
        elif key in decoder and kind is int and not rules.is_whole(decoder[key]):
            problems.append(f"decoder.{key}: got {rules.shown(decoder[key])}, allowed is a whole number > 0")
    return problems


def _options(found: type) -> dict[str, inspect.Parameter]:
    """Return what a decoder's class takes beside samples, neurons and outputs."""
    return {
        name: option
        for name, option in inspect.signature(found).parameters.items()
        if option.kind is inspect.Parameter.KEYWORD_ONLY
    }


def train(settings: Mapping[str, Any], directory: Path, name: str = "decoder", echo: Echo | None = None) -> Scores:
    """Train a decoder as the settings of ``conf/train.yaml`` say, and return its scores on the test split.

    ``directory`` gets ``scores.json``, ``predictions.csv`` and ``predictions.png``, ``checkpoints/``, and the logs as
    CSV and, where it is installed, for TensorBoard. ``name`` is how ``echo``'s lines call the decoder. Raises
    ConfigError before anything is written, and KeyboardInterrupt or SystemExit after a signal.
    """
    say = echo or _quiet
    values = check(settings)
    data = module_data(values)
    import torch

    from sensoryforge.lightning.quiet import silence
    from sensoryforge.scores import compare, picture, table

    left = partial(_trained, directory)
    with (
        silence(),
        torch.random.fork_rng(_gpus(values["device"])),
        _threads(values["num_threads"]),
        interruptible(say, left) as signals,
    ):
        torch.manual_seed(values["seed"])
        module = _module(values["decoder"], data)
        say(_opening(data, values))
        outputs = _fit(module, data, values, directory, signals)
    scores = compare(data, outputs)
    for line in scores.lines(name):
        say(line)
    _write(directory / "scores.json", json.dumps(asdict(scores), indent=1, ensure_ascii=False) + "\n")
    table(data, outputs).to_csv(directory / "predictions.csv", index=False)
    if find_spec("matplotlib"):
        picture(data, outputs, scores, directory / "predictions.png")
    else:
        say('No picture: matplotlib is not installed; pip install "sensoryforge[plot]"')
    if not _has_tensorboard():
        say('Logs as CSV only: tensorboard is not installed; pip install "sensoryforge[tensorboard]"')
    say(f"✓ Saved to {directory}")
    return scores


def _quiet(line: str) -> None:
    """Take a line and say nothing."""


def examine(settings: Mapping[str, Any]) -> None:
    """Raise what would stop a training before its first step, such as a package that its decoder needs."""
    import torch

    values = check(settings)
    with torch.random.fork_rng(_gpus(values["device"])):
        _module(values["decoder"], module_data(values))


def _trained(directory: Path) -> str:
    """Return in words what a training that is stopped has left."""
    best = directory / "checkpoints" / "best.ckpt"
    return f"the best epoch so far is in {best}" if best.is_file() else "nothing was trained"


def module_data(values: Mapping[str, Any]) -> SpikeDataModule:
    """Return the data that checked settings describe. Raises ConfigError and StorageError."""
    from sensoryforge.lightning.spikes import SpikeDataModule

    keys = ("task", "populations", "bin_ms", "where", "split", "fractions", "seed", "batch_size", "num_workers")
    data = SpikeDataModule(Path(values["data"]).expanduser(), values["target"], **{key: values[key] for key in keys})
    if not len(data.test):
        raise ConfigError(f"fractions: got {values['fractions']}, which leaves no stimulus for the test")
    return data


def _opening(data: SpikeDataModule, values: Mapping[str, Any]) -> str:
    kind = f"{data.target.size} classes" if data.target.classes else "regression"
    sizes = f"{len(data.train)} stimuli to train, {len(data.val)} to validate, {len(data.test)} to test"
    return f"Decoding {data.target.name} ({kind}): {sizes}, split by {values['split']}"


def _module(decoder: Mapping[str, Any], data: SpikeDataModule) -> DecodingModule:
    from sensoryforge.lightning.decoding import DecodingModule

    options = {key: value for key, value in decoder.items() if key != "_target_" and key not in _OPTIMISER}
    network = _decoder_class(decoder["_target_"])(*data.data.shape, data.target.size, **options)
    optimiser = {key: decoder[key] for key in _OPTIMISER if key in decoder}
    return DecodingModule(
        network, classify=data.target.classes is not None, class_weights=data.class_weights, **optimiser
    )


def _fit(
    module: DecodingModule, data: SpikeDataModule, values: Mapping[str, Any], directory: Path, signals: Signals
) -> Tensor:
    """Train, go back to the best epoch, and return the outputs for the test split."""
    import torch
    from pytorch_lightning import Trainer
    from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint

    from sensoryforge.lightning.progress import EpochBar

    best = ModelCheckpoint(
        directory / "checkpoints", "best", monitor="val_loss", save_last=True, enable_version_counter=False
    )
    (directory / "checkpoints" / "best.ckpt").unlink(missing_ok=True)  # of another training in this directory
    trainer = Trainer(
        max_epochs=values["max_epochs"],
        callbacks=[
            best,
            EarlyStopping("val_loss", patience=values["patience"]),
            EpochBar(values["max_epochs"], signals),
        ],
        logger=_loggers(directory),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        **_accelerator(values["device"]),
    )
    trainer.fit(module, datamodule=data)
    state = torch.load(best.best_model_path, map_location="cpu", weights_only=True)["state_dict"]
    module.load_state_dict(state)
    trainer.test(module, datamodule=data, verbose=False)
    batches = trainer.predict(module, datamodule=data) or []
    return torch.cat([outputs.cpu() for outputs, _ in batches])


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Compute with some threads: on small tensors, more wait for each other longer than they work."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _accelerator(device: str) -> dict[str, Any]:
    import torch

    if device == "cpu" or (device == "auto" and not torch.cuda.is_available()):
        return {"accelerator": "cpu", "devices": 1}
    return {"accelerator": "gpu", "devices": [int(device.partition(":")[2] or 0)]}


def _gpus(device: str) -> list[int]:
    """Return the numbers of the GPUs that a training draws numbers on."""
    found = _accelerator(device)
    return found["devices"] if found["accelerator"] == "gpu" else []


def _loggers(directory: Path) -> list[Any]:
    from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger

    loggers: list[Any] = [CSVLogger(directory, name="", version="logs")]
    if _has_tensorboard():
        loggers.append(TensorBoardLogger(directory, name="", version="logs"))
    return loggers


def _has_tensorboard() -> bool:
    return bool(find_spec("tensorboard") or find_spec("tensorboardX"))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror})") from error
