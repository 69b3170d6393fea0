"""Datasets of spike trains for training: ``SpikeDataset`` for a plain DataLoader, ``SpikeDataModule`` for a Trainer.

Nothing but the table of stimuli is read beforehand; spikes are read a batch at a time, from either format, by any
number of workers.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, TypeAlias

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from sensoryforge.errors import ConfigError, listing, quote, suggest
from sensoryforge.lightning.reading import SpikeReader
from sensoryforge.lightning.splits import split
from sensoryforge.lightning.targets import Target, read_target
from sensoryforge.store.results import Results, load
from sensoryforge.units import labelled

FORMS = ("dense", "events")
Item: TypeAlias = tuple[Tensor, Tensor]
"""Spikes and target of a stimulus."""


class _Together(list[Item]):
    """Items that were read as one batch, which need not be stacked again."""

    def __init__(self, spikes: Tensor, targets: Tensor) -> None:
        super().__init__(zip(spikes, targets, strict=True))
        self.spikes, self.targets = spikes, targets


class SpikeDataset(Dataset[Item]):
    """Pairs ``(spikes, target)`` of the stimuli of a dataset; those that failed are left out.

    ``spikes``: all populations side by side (``neurons`` says where each is), ``dense``: bool ``[T, N]``, or with
    ``bin_ms`` counts ``[bins, N]`` (uint8 where they fit, the last bin the rest); ``events``: int64 ``[E, 2]``, sample
    (or bin) and neuron of each spike, in order of time; these need ``collate_fn=dataset.collate`` in a DataLoader.
    ``target``: the class number int64, or float32 ``[K]``, one for each parameter.
    """

    def __init__(
        self,
        directory: str | PathLike[str] | Results,
        target: str | Sequence[str] = "type",
        *,
        task: str = "auto",
        populations: Sequence[str] | None = None,
        bin_ms: float | None = None,
        form: str = "dense",
        where: Mapping[str, Any] | None = None,
    ) -> None:
        """``task``: auto, classification or regression. ``where``: only stimuli with these parameters.

        Raises ConfigError with a line for each problem, StorageError when there is no dataset.
        """
        results = directory if isinstance(directory, Results) else load(directory)
        results = results.where(**where) if where else results
        if "error" in results.table:
            results = results.take(np.flatnonzero(results.table["error"].isna()).tolist())
        if not len(results):
            raise ConfigError(f"where: got {quote(dict(where or {}))}, which no stimulus meets")
        self.table = results.table
        self.dt_ms = float(_pipeline(results, "dt_ms"))
        names = _check(results, populations, bin_ms, form, self.dt_ms)
        self.form, self.bin = form, round(bin_ms / self.dt_ms) if bin_ms else 1
        self.target: Target = read_target(self.table, target, task)
        self.labels = tuple(labelled(results, name) for name in self.target.names)  # names with units
        self.targets = self.target.values
        self.reader = SpikeReader(results, names)
        self.places = np.arange(len(results))

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Item:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        """Return some stimuli, read together: what a DataLoader asks for."""
        places = self.places[np.asarray(indices, np.int64)].tolist()
        spikes = self._binned(self.reader.read(places))
        targets = self.targets[places]
        if self.form == "events":
            return [(torch.nonzero(one), target) for one, target in zip(spikes, targets, strict=True)]
        return _Together(spikes, targets)

    @property
    def neurons(self) -> dict[str, slice]:
        """Which neurons belong to each population."""
        return self.reader.neurons

    @property
    def shape(self) -> tuple[int, int]:
        """Samples or bins, and neurons, of a stimulus."""
        return -(-self.reader.samples // self.bin), self.reader.count

    def take(self, rows: Sequence[int]) -> SpikeDataset:
        """Return the same dataset with only some of its stimuli, in the order given."""
        chosen = copy.copy(self)
        chosen.places = self.places[np.asarray(rows, np.int64)]
        return chosen

    def with_targets(self, targets: Tensor) -> SpikeDataset:
        """Return the same stimuli with other targets: one for each stimulus of the whole dataset."""
        changed = copy.copy(self)
        changed.targets = targets
        return changed

    def collate(self, items: Sequence[Item]) -> Item:
        """Return items as a batch: dense ones stacked; events as int64 ``[E, 3]``, the item's number first."""
        if isinstance(items, _Together):
            return items.spikes, items.targets
        if self.form == "dense":
            spikes, targets = default_collate(list(items))
            return spikes, targets
        rows = [torch.nn.functional.pad(events, (1, 0), value=row) for row, (events, _) in enumerate(items)]
        return torch.cat(rows), torch.stack([target for _, target in items])

    def _binned(self, spikes: Tensor) -> Tensor:
        """Return bool [B, T, N] as counts [B, bins, N]."""
        if self.bin == 1:
            return spikes
        kind = torch.uint8 if self.bin < 256 else torch.int32
        rest = -spikes.shape[1] % self.bin
        padded = torch.nn.functional.pad(spikes.view(torch.uint8), (0, 0, 0, rest)) if rest else spikes
        stimuli, _, neurons = padded.shape
        return padded.view(torch.uint8).reshape(stimuli, -1, self.bin, neurons).sum(2, dtype=kind)


def _pipeline(results: Results, key: str) -> Any:
    return results.metadata["config"]["pipeline"][key]


def _check(
    results: Results, populations: Sequence[str] | None, bin_ms: float | None, form: str, dt_ms: float
) -> tuple[str, ...]:
    """Return the populations to read, or raise a line for each argument that is wrong."""
    names = results.populations if populations is None else tuple(populations)
    known = results.populations
    problems = [
        f"populations: got {quote(name)}, allowed are {listing(known)}{suggest(str(name), known)}"
        for name in names
        if name not in known
    ]
    problems += [] if names else [f"populations: got none, allowed are {listing(known)}"]
    if form not in FORMS:
        problems.append(f"form: got {quote(form)}, allowed are {listing(FORMS)}{suggest(str(form), FORMS)}")
    number = isinstance(bin_ms, int | float) and not isinstance(bin_ms, bool)
    if bin_ms is not None and not (number and bin_ms > 0 and abs(bin_ms / dt_ms - round(bin_ms / dt_ms)) < 1e-6):
        problems.append(f"bin_ms: got {quote(bin_ms)}, allowed is a multiple of pipeline.dt_ms {dt_ms:g} (ms)")
    if problems:
        raise ConfigError(problems)
    return names


class SpikeDataModule(LightningDataModule):
    """Training, validation and test batches of a dataset, for ``Trainer.fit(module, datamodule=data)``.

    A batch is ``(spikes, target)`` as in ``SpikeDataset``, dense spikes as float32. For regression, targets have mean
    0 and standard deviation 1 on the training split; ``natural`` turns predictions back into the parameter's units.
    """

    def __init__(
        self,
        directory: str | PathLike[str] | Results,
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
        """``split``: condition (no repetition of a training condition in the test), stimulus, or a mapping of
        parameters to the values held out for the test; ``fractions`` of train, val and test. Raises ConfigError.
        """
        super().__init__()
        _check_loader(batch_size, num_workers, seed)
        self.batch_size, self.num_workers, self.seed = batch_size, num_workers, seed
        data = SpikeDataset(
            directory, target, task=task, populations=populations, bin_ms=bin_ms, form=form, where=where
        )
        self.parts = _split(data, split, fractions, seed)
        self.mean, self.std = _scale(data.target, self.parts.train)
        data = data if data.target.classes else data.with_targets((data.targets - self.mean) / self.std)
        self.data = data
        self.train, self.val, self.test = (
            data.take(rows.tolist()) for rows in (self.parts.train, self.parts.val, self.parts.test)
        )

    @property
    def target(self) -> Target:
        """The target of every stimulus, in natural units."""
        return self.data.target

    @property
    def class_weights(self) -> Tensor | None:
        """A weight for each class, float32, 1 on average over the training split; None for regression."""
        if self.target.classes is None:
            return None
        counts = torch.bincount(self.target.values[self.parts.train], minlength=self.target.size)
        return len(self.parts.train) / (self.target.size * counts.float())

    def natural(self, predicted: Tensor) -> Tensor:
        """Return predictions of a regression [B, K] in the parameters' own units."""
        return predicted * self.std.to(predicted) + self.mean.to(predicted)

    def train_dataloader(self) -> DataLoader[Item]:
        """Return the training batches, shuffled; a last batch that is not full is left out."""
        return self._loader(self.train, shuffle=True)

    def val_dataloader(self) -> DataLoader[Item]:
        """Return the validation batches."""
        return self._loader(self.val)

    def test_dataloader(self) -> DataLoader[Item]:
        """Return the test batches."""
        return self._loader(self.test)

    def predict_dataloader(self) -> DataLoader[Item]:
        """Return the test batches."""
        return self._loader(self.test)

    def on_after_batch_transfer(self, batch: Item, dataloader_idx: int) -> Item:
        """Make numbers of dense spikes, once they are where they are needed."""
        spikes, targets = batch
        return (spikes if self.data.form == "events" else spikes.float()), targets

    def _loader(self, data: SpikeDataset, shuffle: bool = False) -> DataLoader[Item]:
        return DataLoader(
            data,
            batch_size=self.batch_size,
            shuffle=shuffle,
            drop_last=shuffle and len(data) > self.batch_size,
            collate_fn=data.collate,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            generator=torch.Generator().manual_seed(self.seed),
        )


def _split(data: SpikeDataset, how: str | Mapping[str, Any], fractions: Sequence[float], seed: int) -> Any:
    return split(data.table, data.target, how, fractions, seed)


def _scale(target: Target, train: Any) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each target on the training split."""
    if target.classes:
        return torch.zeros(()), torch.ones(())
    values = target.values[train]
    std = values.std(dim=0, correction=0)
    return values.mean(dim=0), torch.where(std > 0, std, 1.0)


def _check_loader(batch_size: int, num_workers: int, seed: int) -> None:
    given = [("batch_size", batch_size, 1), ("num_workers", num_workers, 0), ("seed", seed, 0)]
    problems = [
        f"{name}: got {quote(value)}, allowed is a whole number >= {least}"
        for name, value, least in given
        if not isinstance(value, int) or isinstance(value, bool) or value < least
    ]
    if problems:
        raise ConfigError(problems)
