"""Training a decoder from settings to scores, checkpoints and a picture in one directory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge.core.errors import ConfigError, StorageError
from sensoryforge.core.signals import interruptible
from sensoryforge.learning.settings import (
    check_settings,
    class_options,
    locate_decoder,
    optimiser_options,
)

# torch and Lightning are imported where they are needed: `--help` has to do without them.
if TYPE_CHECKING:
    from torch import Tensor

    from sensoryforge.learning.decoding import DecodingModule
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
        With a line for each setting that is wrong, before anything is written.
    StorageError
        Where there is no dataset, or the directory cannot be written to.
    KeyboardInterrupt, SystemExit
        After a signal.
    """
    say = echo or _drop
    values = check_settings(settings)
    data = open_data(values)
    outputs = _fit(values, data, directory, say)
    scores = _score(data, outputs, name, say)
    _write(directory, data, outputs, scores, say)
    say(f"✓ Saved to {directory}")
    return scores


def examine(settings: Mapping[str, Any]) -> None:
    """Raise what would stop a training before its first step, such as a missing package.

    Parameters
    ----------
    settings
        As for ``train``.

    Raises
    ------
    ConfigError
        With a line for each setting that is wrong.
    StorageError
        Where there is no dataset.
    """
    from sensoryforge.learning.fitting import random_numbers_restored

    values = check_settings(settings)
    with random_numbers_restored(values["device"]):
        make_module(values["decoder"], open_data(values))


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

    directory = Path(values["data"]).expanduser()
    options = {key: values[key] for key in _DATA_KEYS}
    data = SpikeDataModule(directory, values["target"], **options)
    if not len(data.test):
        raise ConfigError(
            f"fractions: got {values['fractions']}, which leaves no stimulus for the test"
        )
    return data


def make_module(decoder: Mapping[str, Any], data: SpikeDataModule) -> DecodingModule:
    """Return a decoder for some data, made from a block of the group ``decoder``."""
    from sensoryforge.learning.decoding import DecodingModule

    samples, neurons = data.data.shape
    decoder_class = locate_decoder(decoder)
    network = decoder_class(samples, neurons, data.target.size, **class_options(decoder))
    return DecodingModule(
        network,
        classify=data.target.classes is not None,
        class_weights=data.class_weights,
        **optimiser_options(decoder),
    )


# --- the steps of a training ---


def _fit(values: Mapping[str, Any], data: SpikeDataModule, directory: Path, say: Echo) -> Tensor:
    """Return the outputs of the best epoch for the test split."""
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
        say(_describe_data(data, values["split"]))
        return fit(module, data, values, directory, signals)


def _score(data: SpikeDataModule, outputs: Tensor, name: str, say: Echo) -> Scores:
    from sensoryforge.learning.scores import compare

    scores = compare(data, outputs)
    for line in scores.describe(name):
        say(line)
    return scores


def _write(
    directory: Path, data: SpikeDataModule, outputs: Tensor, scores: Scores, say: Echo
) -> None:
    from sensoryforge.learning.fitting import has_tensorboard
    from sensoryforge.learning.predictions import draw_predictions, tabulate_predictions

    text = json.dumps(asdict(scores), indent=1, ensure_ascii=False)
    _write_text(directory / "scores.json", text + "\n")
    table = tabulate_predictions(data, outputs)
    table.to_csv(directory / "predictions.csv", index=False)
    if find_spec("matplotlib"):
        draw_predictions(data, outputs, scores, directory / "predictions.png")
    else:
        say('No picture: matplotlib is not installed; pip install "sensoryforge[plot]"')
    if not has_tensorboard():
        say(
            "Logs as CSV only: tensorboard is not installed; "
            'pip install "sensoryforge[tensorboard]"'
        )


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror})") from error


# --- what is said ---


def _drop(line: str) -> None:
    """Take a line and say nothing."""


def _describe_data(data: SpikeDataModule, split: object) -> str:
    """Return the line with which a training begins."""
    sizes = (
        f"{len(data.train)} stimuli to train, {len(data.val)} to validate, {len(data.test)} to test"
    )
    task = f"{data.target.size} classes" if data.target.classes else "regression"
    return f"Decoding {data.target.name} ({task}): {sizes}, split by {split}"


def _describe_interrupted(directory: Path) -> str:
    """Return what a training that a signal ended has left."""
    from sensoryforge.learning.fitting import best_epoch_path

    best = best_epoch_path(directory)
    if best.is_file():
        return f"the best epoch so far is in {best}"
    return "nothing was trained"
