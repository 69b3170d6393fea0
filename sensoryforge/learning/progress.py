"""A bar that counts epochs, on standard error."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from sensoryforge.core.progress import Bar, open_bar
from sensoryforge.core.signals import Signals

_SHOWN = {"val_loss": "loss", "val_score": "score"}
"""Logged number -> how the bar calls it."""


class EpochBar(Callback):
    """Shows how far a training is, and its validation loss and score.

    Lightning takes the signals over when a fit begins; the bar, whose turn comes after that, takes
    them back, so that Ctrl+C ends a training as it ends a run.

    Parameters
    ----------
    epochs
        Epochs at most.
    signals
        The signals of this process.
    done
        Epochs that an interrupted training has done already.
    """

    def __init__(self, epochs: int, signals: Signals, done: int = 0) -> None:
        super().__init__()
        self.epochs = epochs
        self.done = done
        self.signals = signals
        self.bar: Bar | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the bar."""
        self.signals.install()
        self.bar = open_bar(self.epochs, self.done, "Training", "epoch")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count an epoch."""
        if self.bar is None:
            return
        metrics = _format_metrics(trainer.callback_metrics)
        shown = ", ".join(f"{name}={value}" for name, value in metrics.items())
        self.bar.set_postfix_str(shown, refresh=False)
        self.bar.update()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave the bar as it stands."""
        if self.bar is not None:
            self.bar.close()


def _format_metrics(metrics: Mapping[str, Any]) -> dict[str, str]:
    """Return validation loss and score as text; a score that is not a number is left out."""
    texts = {}
    for name, metric in metrics.items():
        value = float(metric)
        if name in _SHOWN and isfinite(value):
            texts[_SHOWN[name]] = f"{value:.3f}"
    return texts
