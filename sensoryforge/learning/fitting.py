"""Fitting a decoder with Lightning: epochs, early stopping, the best epoch, logs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from torch import Tensor

from sensoryforge.core.signals import Signals
from sensoryforge.learning.decoding import METRICS, DecodingModule
from sensoryforge.learning.loggers import make_loggers
from sensoryforge.learning.progress import EpochBar
from sensoryforge.learning.recipe import read_checkpoint
from sensoryforge.learning.spike_data_module import SpikeDataModule

_MONITORED = "val_loss"
BEST = "best.ckpt"
"""The best epoch, by the validation loss."""
LAST = "last.ckpt"
"""The last epoch, with which a training goes on."""


@dataclass(frozen=True)
class Fitted:
    """What a training ends with.

    Attributes
    ----------
    outputs
        Of the best epoch for the test split, ``[B, classes]`` or ``[B, K]``, on the CPU.
    validation
        The best epoch's score on the validation split, higher is better: accuracy, R², or minus
        the loss where R² is not a number.
    epochs
        How many were trained, those before an interruption too.
    best_epoch
        Which of them was the best, counted from 1.
    validation_loss
        Of the last epoch; None where there was nothing left to train.
    """

    outputs: Tensor
    validation: float
    epochs: int
    best_epoch: int
    validation_loss: float | None


@dataclass(frozen=True)
class Saved:
    """The checkpoint of an interrupted training.

    Attributes
    ----------
    path
        Of the checkpoint.
    content
        What it holds.
    """

    path: Path
    content: Mapping[str, Any]

    @property
    def epochs(self) -> int:
        """How many epochs were trained."""
        return int(self.content["epoch"]) + 1

    def is_finished(self, max_epochs: int, patience: int) -> bool:
        """Tell whether there is nothing left to train."""
        if self.epochs >= max_epochs:
            return True
        callbacks = self.content.get("callbacks", {})
        for name, state in callbacks.items():
            if name.startswith(_Patience.__name__):
                return bool(state["wait_count"] >= patience)
        return False


def fit(
    module: DecodingModule,
    data: SpikeDataModule,
    settings: Mapping[str, Any],
    directory: Path,
    signals: Signals,
    saved: Saved | None = None,
) -> Fitted:
    """Train a decoder, return to its best epoch, and return its outputs for the test split.

    Parameters
    ----------
    module, data
        What is trained, and on what.
    settings
        Checked ones; ``max_epochs``, ``patience``, ``device`` and ``logger`` are used here.
    directory
        Gets ``checkpoints/`` and ``logs/``.
    signals
        Of this process, which end a training.
    saved
        What to go on with; None begins anew.
    """
    best = best_epoch_path(directory)
    if saved is None:
        best.unlink(missing_ok=True)  # of another training in this directory
    else:
        _bring_best_epoch(saved, best)
        _keep_logs(directory, saved.epochs)
    checkpoint = _BestEpoch(
        best.parent,
        best.stem,
        monitor=_MONITORED,
        enable_version_counter=False,
    )
    last = _LastEpoch(best.parent, Path(LAST).stem, enable_version_counter=False)
    done = saved.epochs if saved else 0
    trainer = Trainer(
        max_epochs=settings["max_epochs"],
        callbacks=[
            checkpoint,
            last,  # after it: what goes on knows of this epoch whether it was the best
            _Patience(_MONITORED, patience=settings["patience"]),
            EpochBar(settings["max_epochs"], signals, done),
        ],
        logger=make_loggers(settings["logger"] or {}, directory),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        **_choose_accelerator(settings["device"]),
    )
    epochs, validation_loss = done, None
    if saved is None or not saved.is_finished(settings["max_epochs"], settings["patience"]):
        start = str(saved.path) if saved else None
        trainer.fit(module, datamodule=data, ckpt_path=start)
        epochs = trainer.current_epoch
        validation_loss = float(trainer.callback_metrics[_MONITORED])
    best_epoch = read_checkpoint(best)
    module.load_state_dict(best_epoch["state_dict"])
    trainer.test(module, datamodule=data, verbose=False)
    batches = trainer.predict(module, datamodule=data) or []
    outputs = torch.cat([outputs.cpu() for outputs, _ in batches])
    return Fitted(
        outputs=outputs,
        validation=_validation_score(best_epoch),
        epochs=epochs,
        best_epoch=int(best_epoch["epoch"]) + 1,
        validation_loss=validation_loss,
    )


def best_epoch_path(directory: Path) -> Path:
    """Return where the weights of the best epoch are kept."""
    return directory / "checkpoints" / BEST


def _validation_score(best_epoch: Mapping[str, Any]) -> float:
    """Return the validation score that a checkpoint's epoch had."""
    metrics = best_epoch[METRICS]
    score = float(metrics["val_score"])
    if isfinite(score):
        return score
    return -float(metrics["val_loss"])


class _BestEpoch(ModelCheckpoint):
    """Keeps the best epoch in this training's directory, wherever it began."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up an interrupted training, whose directory may have been moved or be another."""
        folder = Path(str(self.dirpath))
        best = folder / BEST
        if not best.is_file():  # the checkpoint came alone: the best epoch is one of those to come
            return
        here = {
            "dirpath": self.dirpath,
            "best_model_path": str(best),
            "kth_best_model_path": str(best),
            "best_k_models": {str(best): state_dict["best_model_score"]},
            "last_model_path": "",
        }
        super().load_state_dict({**state_dict, **here})


class _LastEpoch(ModelCheckpoint):
    """Keeps the last epoch, and nothing of where that of the training it goes on with was."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up an interrupted training."""


class _Patience(EarlyStopping):
    """Ends a training as this one's settings say, not as those of the one that it goes on with."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up an interrupted training."""
        super().load_state_dict({**state_dict, "patience": self.patience})


def _bring_best_epoch(saved: Saved, best: Path) -> None:
    """Copy the best epoch of a training that goes on in another directory."""
    source = saved.path.with_name(BEST)
    if not source.is_file():
        best.unlink(missing_ok=True)
    elif source.resolve() != best.resolve():
        best.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, best)


def _keep_logs(directory: Path, epochs: int) -> None:
    """Put the CSV of the first epochs aside: Lightning begins a new one."""
    metrics = directory / "logs" / "metrics.csv"
    if metrics.is_file():
        metrics.replace(metrics.with_name(f"metrics_first_{epochs}_epochs.csv"))


# --- devices ---


def _choose_accelerator(device: str) -> dict[str, Any]:
    """Return what a Trainer takes for a device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        return {"accelerator": "cpu", "devices": 1}
    number = device.partition(":")[2] or 0
    return {"accelerator": "gpu", "devices": [int(number)]}


@contextmanager
def random_numbers_restored(device: str) -> Iterator[None]:
    """Leave torch's random generators, of the CPU and the device, as they were before."""
    chosen = _choose_accelerator(device)
    gpus = chosen["devices"] if chosen["accelerator"] == "gpu" else []
    with torch.random.fork_rng(gpus):
        yield


@contextmanager
def computing_threads(count: int) -> Iterator[None]:
    """Compute with some threads; on small tensors more of them wait longer than they work."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
