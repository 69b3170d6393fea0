"""Training a decoder: the loss, and the score of its outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from sensoryforge.core.errors import ConfigError
from sensoryforge.learning.recipe import ARGUMENTS, Recipe, read_checkpoint, read_recipe
from sensoryforge.learning.spike_dataset import Item

METRICS = "metrics"
"""Under which key a checkpoint has the losses and scores of its epoch."""
_RANDOM_STATE = "random_state"


def score(predicted: Tensor, target: Tensor, classify: bool) -> float:
    """Return how well a target is told: accuracy for classes, R² for numbers.

    Parameters
    ----------
    predicted
        Outputs ``[B, classes]``, or numbers ``[B, K]``.
    target
        Class numbers ``[B]``, or numbers ``[B, K]``.
    classify
        Whether the target is a class.

    Examples
    --------
    >>> score(torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1]), classify=True)
    0.5
    >>> score(torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0], [2.0]]), classify=False)
    1.0
    """
    if classify:
        return accuracy(predicted, target)
    return r_squared(predicted, target)


def accuracy(outputs: Tensor, labels: Tensor) -> float:
    """Return the share of labels ``[B]`` at the largest of the outputs ``[B, classes]``."""
    right = outputs.argmax(dim=1) == labels
    return float(right.float().mean())


def r_squared(predicted: Tensor, target: Tensor) -> float:
    """Return R² of numbers ``[B, K]``, averaged over the K parameters.

    It is 1 where all are right and 0 where they are as good as the mean. Of a parameter that has
    one value in all stimuli it is not a number.
    """
    unexplained = ((predicted - target) ** 2).sum(dim=0)
    total = ((target - target.mean(dim=0)) ** 2).sum(dim=0)
    explained = torch.where(total > 0, 1 - unexplained / total, torch.nan)
    return float(explained.mean())


class DecodingModule(LightningModule):
    """Trains a network to tell targets from spikes; batches are those of ``SpikeDataModule``.

    The loss is the cross-entropy of classes, or the squared error of numbers; the optimiser is
    AdamW. Logged are ``train_loss``, ``val_loss``, ``val_score``, ``test_loss`` and ``test_score``.

    A checkpoint of a decoder that has a recipe holds all it takes to use it:
    ``DecodingModule.load_from_checkpoint(path)`` needs nothing else.

    Parameters
    ----------
    network
        From spikes or counts ``[B, T, N]`` to outputs ``[B, classes]`` or ``[B, K]``; None: the one
        of the recipe.
    classify
        Whether the target is a class.
    class_weights
        A weight for each class in the loss, ``[classes]``; None weighs all alike.
    learning_rate, weight_decay
        Of AdamW.
    recipe
        What the decoder is and was trained on, a `Recipe`; None where nobody can say.

    Raises
    ------
    ConfigError
        With neither a network nor a recipe.

    Examples
    --------
    >>> from sensoryforge.learning import LinearDecoder
    >>> decoder = LinearDecoder(samples=20, neurons=5, outputs=3)
    >>> DecodingModule(decoder, classify=True)(torch.zeros(8, 20, 5)).shape
    torch.Size([8, 3])
    """

    class_weights: Tensor | None

    def __init__(
        self,
        network: nn.Module | None = None,
        *,
        classify: bool,
        class_weights: Tensor | Sequence[float] | None = None,
        learning_rate: float = 0.01,
        weight_decay: float = 0.01,
        recipe: Recipe | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.recipe = Recipe(**recipe) if isinstance(recipe, Mapping) else recipe
        if network is None:
            if self.recipe is None:
                raise ConfigError("network: missing, and there is no recipe to make it of")
            network = self.recipe.make_network()
        self.network = network
        self.classify = classify
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        if class_weights is not None:
            class_weights = torch.as_tensor(class_weights, dtype=torch.float32)
        self.register_buffer("class_weights", class_weights)
        # A score is one of a whole split: it is not the mean of the scores of its batches.
        self._outputs: list[Tensor] = []
        self._targets: list[Tensor] = []

    @classmethod
    def load_from_checkpoint(  # type: ignore[override]
        cls, checkpoint_path: Any, map_location: Any = "cpu", **arguments: Any
    ) -> Self:
        """Return a trained decoder, ready to be applied; reading its file runs no code.

        Parameters
        ----------
        checkpoint_path
            Such as ``checkpoints/best.ckpt``, wherever it lies now.
        map_location
            Where the weights go.
        arguments
            What else Lightning takes, and arguments of the module that replace the saved ones:
            ``network=`` for a checkpoint without a recipe.

        Raises
        ------
        ConfigError
            Where the decoder's class is not there or not trusted.
        StorageError
            Where the file is missing, damaged, or does not say of which decoder it is.
        """
        if "network" not in arguments:
            path = Path(checkpoint_path)
            read_recipe(read_checkpoint(path), path)
        arguments.setdefault("weights_only", True)
        module: Self = super().load_from_checkpoint(checkpoint_path, map_location, **arguments)
        module.eval()
        return module

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what it takes to use the decoder, and to go on with its training."""
        weights = self.class_weights
        own: dict[str, Any] = {
            "classify": self.classify,
            "class_weights": None if weights is None else weights.tolist(),
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
            "recipe": self.recipe.plain() if self.recipe else None,
        }
        checkpoint[ARGUMENTS] = {**checkpoint.get(ARGUMENTS, {}), **own}
        checkpoint[_RANDOM_STATE] = torch.get_rng_state()
        metrics = self.trainer.callback_metrics
        checkpoint[METRICS] = {name: float(value) for name, value in metrics.items()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the random numbers where a training that goes on was interrupted."""
        if self._trainer is not None and _RANDOM_STATE in checkpoint:
            torch.set_rng_state(checkpoint[_RANDOM_STATE].cpu())

    def forward(self, spikes: Tensor) -> Tensor:
        """Return the outputs ``[B, classes]`` or ``[B, K]`` for spikes ``[B, T, N]``."""
        outputs: Tensor = self.network(spikes)
        return outputs

    def loss(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return what training makes small."""
        if self.classify:
            return F.cross_entropy(outputs, target, self.class_weights)
        return F.mse_loss(outputs, target)

    def training_step(self, batch: Item, batch_idx: int) -> Tensor:
        """Return the loss of a batch."""
        spikes, target = batch
        loss = self.loss(self(spikes), target)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(target))
        return loss

    def validation_step(self, batch: Item, batch_idx: int) -> None:
        """Keep outputs and targets of a batch."""
        self._keep(batch)

    def on_validation_epoch_end(self) -> None:
        """Log loss and score of the validation split."""
        self._log_scores("val")

    def test_step(self, batch: Item, batch_idx: int) -> None:
        """Keep outputs and targets of a batch."""
        self._keep(batch)

    def on_test_epoch_end(self) -> None:
        """Log loss and score of the test split."""
        self._log_scores("test")

    def predict_step(self, batch: Item, batch_idx: int = 0, dataloader_idx: int = 0) -> Item:
        """Return outputs and targets of a batch."""
        spikes, target = batch
        return self(spikes), target

    def configure_optimizers(self) -> Any:
        """Return AdamW."""
        return torch.optim.AdamW(
            self.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay
        )

    def _keep(self, batch: Item) -> None:
        spikes, target = batch
        self._outputs.append(self(spikes).detach())
        self._targets.append(target)

    def _log_scores(self, part: str) -> None:
        outputs = torch.cat(self._outputs)
        target = torch.cat(self._targets)
        self._outputs = []
        self._targets = []
        self.log(f"{part}_loss", self.loss(outputs, target))
        self.log(f"{part}_score", score(outputs, target, self.classify))
