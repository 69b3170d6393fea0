"""Training a decoder: the loss, the score, and the predictions in the parameter's own units."""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

Batch: TypeAlias = tuple[Tensor, Tensor]


def score(predicted: Tensor, target: Tensor, classify: bool) -> float:
    """Return the share of right classes, or R² (1 is perfect, 0 as good as the mean), averaged over parameters.

    ``predicted``: outputs [B, classes] and ``target`` [B], or both [B, K]. R² of a constant is not a number.
    """
    if classify:
        return float((predicted.argmax(dim=1) == target).float().mean())
    rest = ((predicted - target) ** 2).sum(dim=0)
    total = ((target - target.mean(dim=0)) ** 2).sum(dim=0)
    return float(torch.where(total > 0, 1 - rest / total, torch.nan).mean())


class DecodingModule(LightningModule):
    """Trains a network to tell targets from spikes; batches are those of ``SpikeDataModule``.

    Cross-entropy for classes, squared error for numbers. Logs ``train_loss``, ``val_loss``, ``val_score`` and so on.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        classify: bool,
        class_weights: Tensor | None = None,
        learning_rate: float = 0.01,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__()
        self.network, self.classify = network, classify
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.register_buffer("class_weights", class_weights)
        self.seen: list[Batch] = []

    def forward(self, spikes: Tensor) -> Tensor:
        """Return the outputs [B, classes] or [B, K] for spikes [B, T, N]."""
        outputs: Tensor = self.network(spikes)
        return outputs

    def loss(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return what training makes small."""
        if self.classify:
            weights = self.class_weights
            return F.cross_entropy(outputs, target, weights if isinstance(weights, Tensor) else None)
        return F.mse_loss(outputs, target)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a batch."""
        spikes, target = batch
        loss = self.loss(self(spikes), target)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(target))
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Keep outputs and targets of a batch."""
        self._see(batch)

    def on_validation_epoch_end(self) -> None:
        """Log loss and score."""
        self._tell("val")

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Keep outputs and targets of a batch."""
        self._see(batch)

    def on_test_epoch_end(self) -> None:
        """Log loss and score."""
        self._tell("test")

    def predict_step(self, batch: Batch, batch_idx: int = 0, dataloader_idx: int = 0) -> Batch:
        """Return outputs and targets of a batch."""
        spikes, target = batch
        return self(spikes), target

    def configure_optimizers(self) -> Any:
        """Return AdamW."""
        return torch.optim.AdamW(self.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)

    def _see(self, batch: Batch) -> None:
        spikes, target = batch
        self.seen.append((self(spikes).detach(), target))

    def _tell(self, part: str) -> None:
        outputs, target = (torch.cat(tensors) for tensors in zip(*self.seen, strict=True))
        self.seen = []
        self.log(f"{part}_loss", self.loss(outputs, target))
        self.log(f"{part}_score", score(outputs, target, self.classify))
