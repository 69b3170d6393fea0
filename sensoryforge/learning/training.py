"""Training a decoder from settings to scores, checkpoints and a picture in one directory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge.core.errors import ConfigError, StorageError, raise_if
from sensoryforge.core.messages import format_value, list_names
from sensoryforge.core.signals import interruptible
from sensoryforge.learning.earlier import (
    PICTURE,
    PREDICTIONS,
    SCORES,
    check_earlier_training,
    remove_earlier_training,
)
from sensoryforge.learning.settings import check_settings, optimiser_options

# torch and Lightning are imported where they are needed: `--help` has to do without them.
if TYPE_CHECKING:
    from torch import Tensor

    from sensoryforge.learning.decoding import DecodingModule
    from sensoryforge.learning.fitting import Fitted, Saved
    from sensoryforge.learning.scores import Scores
    from sensoryforge.learning.spike_data_module import SpikeDataModule

Echo = Callable[[str], None]

_DATA_KEYS = (
    "task",
    "populations",
    "bin_ms",
    "where",
    "split",
    "fractions",
    "seed",
    "batch_size",
    "num_workers",
)
"""Settings that ``SpikeDataModule`` takes under the same name."""
MOST_CLASSES_NAMED = 5
"""Classes without a stimulus in the test that the line about them names."""


def train(
    settings: Mapping[str, Any], directory: Path, name: str = "decoder", echo: Echo | None = None
) -> Scores:
    """Train a decoder, and return its scores on the test split.

    ``docs/training.md`` shows a training from the dataset to the scores; one takes too long for an
    example here.

    Parameters
    ----------
    settings
        Every key of ``conf/train.yaml``, in plain containers.
    directory
        Gets ``scores.json``, ``predictions.csv``, ``predictions.png``, ``checkpoints/``, and
        ``logs/`` as CSV and, where it is installed, for TensorBoard.
    name
        How the lines call the decoder.
    echo
        Takes each line that tells of the training; None drops them.

    Returns
    -------
    Scores
        What ``scores.json`` holds: the decoder's scores beside chance and the spike count.

    Raises
    ------
    ConfigError
        With a line for each setting that is wrong, or where the directory holds another training
        that is neither gone on with nor discarded, before anything is written.
    StorageError
        Where there is no dataset, or the directory cannot be written to.
    KeyboardInterrupt, SystemExit
        After a signal.
    """
    from sensoryforge.learning.loggers import install_command, missing_packages

    say = echo or _drop
    values = check_settings(settings)
    check_earlier_training(directory, values)
    data = open_data(values)
    fitted = _fit(values, data, directory, say)
    scores = replace(_score(data, fitted.outputs, name, say), validation=fitted.validation)
    _write(directory, data, fitted.outputs, scores, say)
    for package in missing_packages(values["logger"] or {}):
        command = install_command("TensorBoardLogger")
        say(f"Logs as CSV only: {package} is not installed; {command}")
    say(f"✓ Saved to {directory}")
    return scores


def examine(settings: Mapping[str, Any], directory: Path | None = None) -> None:
    """Raise what would stop a training before its first step, such as a missing package.

    Parameters
    ----------
    settings
        As for ``train``.
    directory
        Where it is to write; None leaves it to ``train`` to look there.

    Raises
    ------
    ConfigError
        With a line for each setting that is wrong, or for another training in the directory.
    StorageError
        Where there is no dataset.
    """
    from sensoryforge.learning.fitting import random_numbers_restored

    values = check_settings(settings)
    if directory is not None:
        check_earlier_training(directory, values)
    with random_numbers_restored(values["device"]):
        module = make_module(values["decoder"], open_data(values))
    if isinstance(values["resume"], str):
        open_saved(values["resume"], module)


def open_data(values: Mapping[str, Any]) -> SpikeDataModule:
    """Return the data that checked settings describe.

    Raises
    ------
    ConfigError
        Where they do not fit the dataset, or leave nothing to test.
    StorageError
        Where there is no dataset.
    """
    from sensoryforge.learning.spike_data_module import SpikeDataModule

    options = {key: values[key] for key in _DATA_KEYS}
    data = SpikeDataModule(values["data"], values["target"], **options)
    if not len(data.test):
        raise ConfigError(
            f"fractions: got {values['fractions']}, which leaves no stimulus for the test"
        )
    return data


def make_module(decoder: Mapping[str, Any], data: SpikeDataModule) -> DecodingModule:
    """Return a decoder for some data, made from a block of the group ``decoder``."""
    from sensoryforge.learning.decoding import DecodingModule
    from sensoryforge.learning.recipe import describe

    return DecodingModule(
        None,
        classify=data.target.classes is not None,
        class_weights=data.class_weights,
        recipe=describe(decoder, data),
        **optimiser_options(decoder),
    )


def open_saved(path: str | Path, module: DecodingModule) -> Saved:
    """Return the checkpoint of an interrupted training that a module can go on with.

    Parameters
    ----------
    path
        Of the checkpoint, or of the directory of the training.
    module
        Made of today's settings.

    Raises
    ------
    ConfigError
        With a line for each thing that has changed since.
    StorageError
        Where there is no checkpoint.
    """
    from sensoryforge.learning.fitting import BEST, LAST, Saved
    from sensoryforge.learning.recipe import (
        ARGUMENTS,
        differences,
        find_checkpoint,
        read_checkpoint,
        read_recipe,
    )

    checkpoint = find_checkpoint(path, LAST, BEST)
    content = read_checkpoint(checkpoint)
    recipe = read_recipe(content, checkpoint)
    assert module.recipe is not None
    problems = differences(module.recipe, recipe, checkpoint)
    for name in ("learning_rate", "weight_decay"):
        now = getattr(module, name)
        saved = content[ARGUMENTS][name]
        if now != saved:
            problems.append(
                f"resume: {checkpoint} was trained with {name} {saved}, now it is {now}"
            )
    raise_if(problems)
    return Saved(checkpoint, content)


# --- the steps of a training ---


def _fit(values: Mapping[str, Any], data: SpikeDataModule, directory: Path, say: Echo) -> Fitted:
    """Return the outputs of the best epoch for the test split, and its validation score."""
    import torch

    from sensoryforge.learning.fitting import computing_threads, fit, random_numbers_restored
    from sensoryforge.simulation import silence

    def what_is_left() -> str:
        return _describe_interrupted(directory)

    with (
        silence(),
        random_numbers_restored(values["device"]),
        computing_threads(values["num_threads"]),
        interruptible(say, what_is_left) as signals,
    ):
        torch.manual_seed(values["seed"])
        module = make_module(values["decoder"], data)
        saved = _find_saved(values["resume"], module, directory, say)
        if values["overwrite"] and remove_earlier_training(directory):
            say(f"Discarded the training that {directory} held")
        for line in _describe_data(data, values["split"]):
            say(line)
        fitted = fit(module, data, values, directory, signals, saved)
    if fitted.epochs < values["max_epochs"]:
        say(_describe_stop(fitted, values))
    return fitted


def _find_saved(
    resume: bool | str | None, module: DecodingModule, directory: Path, say: Echo
) -> Saved | None:
    """Return what a training goes on with, None where it begins anew."""
    from sensoryforge.learning.fitting import LAST, best_epoch_path

    if not resume:
        return None
    place = directory if resume is True else Path(resume)
    if resume is True and not best_epoch_path(directory).with_name(LAST).is_file():
        say(f"Resuming: nothing was saved in {directory}, so the training begins")
        return None
    saved = open_saved(place, module)
    say(f"Resuming after {saved.epochs} epochs, from {saved.path}")
    return saved


def _score(data: SpikeDataModule, outputs: Tensor, name: str, say: Echo) -> Scores:
    from sensoryforge.learning.scores import compare

    scores = compare(data, outputs)
    for line in scores.describe(name):
        say(line)
    return scores


def _write(
    directory: Path, data: SpikeDataModule, outputs: Tensor, scores: Scores, say: Echo
) -> None:
    from sensoryforge.learning.predictions import draw_predictions, tabulate_predictions

    text = json.dumps(asdict(scores), indent=1, ensure_ascii=False)
    _write_text(directory / SCORES, text + "\n")
    table = tabulate_predictions(data, outputs)
    table.to_csv(directory / PREDICTIONS, index=False)
    if find_spec("matplotlib"):
        draw_predictions(data, outputs, scores, directory / PICTURE)
    else:
        say('No picture: matplotlib is not installed; pip install "sensoryforge[plot]"')


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror})") from error


# --- what is said ---


def _drop(line: str) -> None:
    """Take a line and say nothing."""


def _describe_data(data: SpikeDataModule, split: object) -> list[str]:
    """Return the lines with which a training begins."""
    sizes = (
        f"{len(data.train)} stimuli to train, {len(data.val)} to validate, {len(data.test)} to test"
    )
    task = f"{data.target.size} classes" if data.target.classes else "regression"
    lines = [f"Decoding {data.target.name} ({task}): {sizes}, split by {split}"]
    if data.target.classes:
        lines += _describe_untested(data, data.target.classes, split)
    return lines


def _describe_untested(data: SpikeDataModule, classes: Sequence[Any], split: object) -> list[str]:
    """Return the line that names the classes of which the test has no stimulus, if any."""
    tested = set(data.target.labels[data.parts.test].tolist())
    untested = [value for number, value in enumerate(classes) if number not in tested]
    if not untested:
        return []
    named = list_names([format_value(value) for value in untested[:MOST_CLASSES_NAMED]])
    more = len(untested) - MOST_CLASSES_NAMED
    others = f" and {more} more" if more > 0 else ""
    line = (
        f"Tested on {len(tested)} of {len(classes)} classes only, none of {data.target.name} = "
        f"{named}{others}"
    )
    if split == "condition":
        line += ": few conditions are held out; split=stimulus tests on repetitions of them all"
    return [line]


def _describe_stop(fitted: Fitted, values: Mapping[str, Any]) -> str:
    """Return the line of a training that ended before its last epoch."""
    patience = values["patience"]
    loss = fitted.validation_loss
    if loss is None or isfinite(loss):
        epochs = "1 epoch" if patience == 1 else f"{patience} epochs"
        reason = f"{epochs} without a better validation loss (patience={patience})"
    else:
        reason = f"the validation loss is {loss}; a smaller decoder.learning_rate may help"
    return (
        f"Stopped after epoch {fitted.epochs} of at most {values['max_epochs']}: {reason}; "
        f"the best was epoch {fitted.best_epoch}"
    )


def _describe_interrupted(directory: Path) -> str:
    """Return what a training that a signal ended has left."""
    from sensoryforge.learning.fitting import best_epoch_path

    best = best_epoch_path(directory)
    if best.is_file():
        return f"the best epoch so far is in {best}; resume={directory} goes on"
    return "nothing was trained"
