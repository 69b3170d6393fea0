"""A bar that counts epochs, on standard error."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from tqdm import tqdm


class EpochBar(Callback):
    """Shows how far a training is, and its validation loss and score."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs
        self.bar: tqdm[Any] | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the bar."""
        self.bar = tqdm(total=self.epochs, desc="Training", unit="epoch")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count an epoch."""
        if self.bar is not None:
            names = {"val_loss": "loss", "val_score": "score"}
            found = {names[n]: f"{float(v):.3f}" for n, v in trainer.callback_metrics.items() if n in names}
            self.bar.set_postfix(found, refresh=False)
            self.bar.update()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave the bar as it stands."""
        if self.bar is not None:
            self.bar.close()
