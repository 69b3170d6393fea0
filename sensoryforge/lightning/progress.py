"""A bar that counts epochs, on standard error."""

from __future__ import annotations

from math import isfinite
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from tqdm import tqdm

from sensoryforge.signals import Signals


class EpochBar(Callback):
    """Shows how far a training is, and its validation loss and score; takes the signals back from the trainer."""

    def __init__(self, epochs: int, signals: Signals) -> None:
        super().__init__()
        self.epochs, self.signals = epochs, signals
        self.bar: tqdm[Any] | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the bar."""
        self.signals.install()
        self.bar = tqdm(total=self.epochs, desc="Training", unit="epoch")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count an epoch."""
        if self.bar is not None:
            names = {"val_loss": "loss", "val_score": "score"}
            told = {names[n]: float(v) for n, v in trainer.callback_metrics.items() if n in names}
            found = {name: f"{value:.3f}" for name, value in told.items() if isfinite(value)}
            self.bar.set_postfix(found, refresh=False)
            self.bar.update()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave the bar as it stands."""
        if self.bar is not None:
            self.bar.close()
