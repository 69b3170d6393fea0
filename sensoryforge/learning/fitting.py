"""Fitting a decoder with Lightning: epochs, early stopping, the best epoch, logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger
from torch import Tensor

from sensoryforge.core.signals import Signals
from sensoryforge.learning.decoding import DecodingModule
from sensoryforge.learning.progress import EpochBar
from sensoryforge.learning.spike_data_module import SpikeDataModule

_MONITORED = "val_loss"


def fit(
    module: DecodingModule,
    data: SpikeDataModule,
    settings: Mapping[str, Any],
    directory: Path,
    signals: Signals,
) -> Tensor:
    """Train a decoder, return to its best epoch, and return its outputs for the test split.

    Parameters
    ----------
    module, data
        What is trained, and on what.
    settings
        Checked ones; ``max_epochs``, ``patience`` and ``device`` are used here.
    directory
        Gets ``checkpoints/`` and ``logs/``.
    signals
        Of this process, which end a training.

    Returns
    -------
    Tensor
        ``[B, classes]`` or ``[B, K]``, on the CPU.
    """
    best = best_epoch_path(directory)
    best.unlink(missing_ok=True)  # of another training in this directory
    checkpoint = ModelCheckpoint(
        best.parent,
        best.stem,
        monitor=_MONITORED,
        save_last=True,
        enable_version_counter=False,
    )
    trainer = Trainer(
        max_epochs=settings["max_epochs"],
        callbacks=[
            checkpoint,
            EarlyStopping(_MONITORED, patience=settings["patience"]),
            EpochBar(settings["max_epochs"], signals),
        ],
        logger=_make_loggers(directory),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        **_choose_accelerator(settings["device"]),
    )
    trainer.fit(module, datamodule=data)
    _load_weights(module, checkpoint.best_model_path)
    trainer.test(module, datamodule=data, verbose=False)
    batches = trainer.predict(module, datamodule=data) or []
    return torch.cat([outputs.cpu() for outputs, _ in batches])


def best_epoch_path(directory: Path) -> Path:
    """Return where the weights of the best epoch are kept."""
    return directory / "checkpoints" / "best.ckpt"


def _load_weights(module: DecodingModule, path: str) -> None:
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    module.load_state_dict(checkpoint["state_dict"])


def _make_loggers(directory: Path) -> list[Logger]:
    loggers: list[Logger] = [CSVLogger(directory, name="", version="logs")]
    if has_tensorboard():
        loggers.append(TensorBoardLogger(directory, name="", version="logs"))
    return loggers


def has_tensorboard() -> bool:
    """Tell whether logs can be written for TensorBoard."""
    return bool(find_spec("tensorboard") or find_spec("tensorboardX"))


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
