"""Training, validation and test batches of a dataset's spike trains, for a Lightning Trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader

from sensoryforge.analysis.results import Results
from sensoryforge.config import rules
from sensoryforge.config.catalogue import declared_units
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Ints
from sensoryforge.learning.settings import RULES
from sensoryforge.learning.spike_dataset import Item, SpikeDataset
from sensoryforge.learning.splits import split as split_table
from sensoryforge.learning.targets import Target

_LOADER_RULES = {
    "batch_size": rules.whole(1),  # a module of one's own may take one
    "num_workers": RULES["num_workers"],
    "seed": RULES["seed"],
}


class SpikeDataModule(LightningDataModule):
    """Training, validation and test batches, for ``Trainer.fit(module, datamodule=data)``.

    A batch is ``(spikes, target)`` as in ``SpikeDataset``, dense spikes as float32 ``[B, T, N]``.
    For regression, targets have mean 0 and standard deviation 1 on the training split; ``natural``
    turns predictions back into the parameter's unit.

    Parameters
    ----------
    directory, target, task, populations, bin_ms, form, where
        As in ``SpikeDataset``.
    split
        ``condition`` (no repetition of a training condition in the test), ``stimulus`` (repetitions
        are split too), or a mapping of parameters to the values held out for the test.
    fractions
        Shares of training, validation and test, in sum 1.
    seed
        Of the split and the order of training batches.
    batch_size
        Stimuli in a batch.
    num_workers
        Processes that read spikes; 0 reads them in this one.

    Attributes
    ----------
    data
        All stimuli.
    train, val, test
        The stimuli of each part.
    parts
        Their rows in ``data.table``.

    Raises
    ------
    ConfigError
        With a line for each argument that is wrong.
    StorageError
        Where there is no dataset.

    Examples
    --------
    >>> data = SpikeDataModule(results.directory, "amplitude", split="stimulus", batch_size=2)
    >>> len(data.train) + len(data.val) + len(data.test) == len(data.data)
    True
    """

    def __init__(
        self,
        directory: str | PathLike[str] | Sequence[str | PathLike[str]] | Results,
        target: str | Sequence[str] = "type",
        *,
        task: str = "auto",
        populations: Sequence[str] | None = None,
        bin_ms: float | None = None,
        form: str = "dense",
        where: Mapping[str, Any] | None = None,
        split: str | Mapping[str, Any] = "condition",
        fractions: Sequence[float] = (0.6, 0.2, 0.2),
        seed: int = 0,
        batch_size: int = 32,
        num_workers: int = 0,
    ) -> None:
        super().__init__()
        _check_loader(batch_size=batch_size, num_workers=num_workers, seed=seed)
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        data = SpikeDataset(
            directory,
            target,
            task=task,
            populations=populations,
            bin_ms=bin_ms,
            form=form,
            where=where,
        )
        self.parts = split_table(data.table, data.target, split, fractions, seed)
        self.mean, self.std = _moments(data.target, self.parts.train)
        if data.target.classes is None:
            data = data.with_targets((data.targets - self.mean) / self.std)
        self.data = data
        self.train = data.take(self.parts.train.tolist())
        self.val = data.take(self.parts.val.tolist())
        self.test = data.take(self.parts.test.tolist())
        self._order: torch.Generator | None = None
        self._order_to_go_on_with: Tensor | None = None

    @property
    def target(self) -> Target:
        """The target of every stimulus, in natural units."""
        return self.data.target

    @property
    def class_weights(self) -> Tensor | None:
        """A weight for each class, 1 on average over the training split; None for numbers."""
        if self.target.classes is None:
            return None
        labels = self.target.values[self.parts.train]
        counts = torch.bincount(labels, minlength=self.target.size)
        return len(labels) / (self.target.size * counts.float())

    def natural(self, predicted: Tensor) -> Tensor:
        """Return predictions of a regression in the parameters' own units.

        Parameters
        ----------
        predicted
            Numbers normalised as the targets are, ``[B, K]``.

        Examples
        --------
        >>> data = SpikeDataModule(results.directory, "amplitude", split="stimulus")
        >>> predicted = data.natural(torch.zeros(1, 1))  # the mean of the training split
        >>> bool(predicted[0, 0] == data.target.values[data.parts.train].mean())
        True
        """
        return predicted * self.std.to(predicted) + self.mean.to(predicted)

    def train_dataloader(self) -> DataLoader[Item]:
        """Return the training batches, shuffled; a last batch that is not full is left out."""
        incomplete_left_out = len(self.train) > self.batch_size
        loader = self._loader(self.train, shuffle=True, drop_last=incomplete_left_out)
        self._order = loader.generator
        if self._order_to_go_on_with is not None and self._order is not None:
            self._order.set_state(self._order_to_go_on_with)
            self._order_to_go_on_with = None
        return loader

    def val_dataloader(self) -> DataLoader[Item]:
        """Return the validation batches."""
        return self._loader(self.val)

    def test_dataloader(self) -> DataLoader[Item]:
        """Return the test batches."""
        return self._loader(self.test)

    def predict_dataloader(self) -> DataLoader[Item]:
        """Return the test batches."""
        return self._loader(self.test)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps: where the order of the training batches has come to."""
        return {} if self._order is None else {"order": self._order.get_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Let the next training batches come in the order that a checkpoint has come to."""
        order = state_dict.get("order")
        self._order_to_go_on_with = None if order is None else order.cpu()

    def on_after_batch_transfer(self, batch: Item, dataloader_idx: int) -> Item:
        """Make dense spikes float32, once they are on the device: a byte each travels faster."""
        spikes, targets = batch
        if self.data.form == "dense":
            spikes = spikes.float()
        return spikes, targets

    def _loader(
        self, data: SpikeDataset, shuffle: bool = False, drop_last: bool = False
    ) -> DataLoader[Item]:
        return DataLoader(
            data,
            batch_size=self.batch_size,
            shuffle=shuffle,
            drop_last=drop_last,
            collate_fn=data.collate,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            generator=torch.Generator().manual_seed(self.seed),
        )


def _moments(target: Target, rows: Ints) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each parameter in some rows; 0 and 1 for classes."""
    if target.classes:
        return torch.zeros(()), torch.ones(())
    values = target.values[rows]
    std = values.std(dim=0, correction=0)
    return values.mean(dim=0), torch.where(std > 0, std, 1.0)


def _check_loader(**values: int) -> None:
    problems = []
    for key, rule in _LOADER_RULES.items():
        if not rule.allows(values[key]):
            unit = declared_units("train.yaml")[key]
            problems.append(rule.problem(key, values[key], unit))
    if problems:
        raise ConfigError(problems)
