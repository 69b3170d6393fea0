"""A dataset's spike trains with a target each, for a plain DataLoader.

Only the table of stimuli is read when it is opened; spikes are read a batch at a time, from either
format, by any number of workers.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import Dataset, default_collate

from sensoryforge.analysis.results import Results, load
from sensoryforge.analysis.units import axis_label, unit
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import format_value, list_names, suggest
from sensoryforge.core.values import is_number
from sensoryforge.learning.targets import Target, read_target
from sensoryforge.store.reader import SpikeReader

FORMS = ("dense", "events")
Item: TypeAlias = tuple[Tensor, Tensor]
"""Spikes and target of a stimulus, or of a batch of them."""


class _Batch(list[Item]):
    """Items that were read together, and so need not be stacked again."""

    def __init__(self, spikes: Tensor, targets: Tensor) -> None:
        super().__init__(zip(spikes, targets, strict=True))
        self.spikes = spikes
        self.targets = targets


class SpikeDataset(Dataset[Item]):
    """Pairs ``(spikes, target)`` of the stimuli of a dataset; those that failed are left out.

    Populations lie side by side; ``neurons`` says where each is. Dense spikes are bool ``[T, N]``,
    or with ``bin_ms`` counts ``[bins, N]``: uint8 where they fit, the last bin takes the rest.
    Events are int64 ``[E, 2]``, sample (or bin) and neuron of each spike in order of time; a
    DataLoader of events needs ``collate_fn=dataset.collate``. A target is the class number, int64,
    or float32 ``[K]``, one number for each parameter.

    Parameters
    ----------
    directory
        Of the dataset, finished or interrupted; a list of datasets of one pipeline, which are read
        as one; or ``Results``.
    target
        A parameter, ``type``, or several of them; None for spikes alone, with targets ``[0]``.
    task
        ``classification``, ``regression``, or ``auto``, which classifies text and regresses on
        numbers.
    populations
        Names of populations in the order wanted; None takes all.
    bin_ms
        Spikes are counted in bins of this length in ms, a multiple of the sample; None leaves
        samples.
    form
        ``dense`` or ``events``.
    where
        Only stimuli with these values, as in ``Results.where``.

    Attributes
    ----------
    table
        A row a stimulus, as in ``Results.table``.
    rows
        The row of each item in ``table``.
    target
        What is to be told of every stimulus, in the parameters' own units.
    targets
        What the items hold of it.

    Raises
    ------
    ConfigError
        With a line for each argument that is wrong.
    StorageError
        Where there is no dataset.

    Examples
    --------
    >>> dataset = SpikeDataset(results.directory, target="amplitude", bin_ms=5)
    >>> spikes, target = dataset[0]
    >>> spikes.shape == dataset.shape, target.shape
    (True, torch.Size([1]))
    """

    def __init__(
        self,
        directory: str | PathLike[str] | Sequence[str | PathLike[str]] | Results,
        target: str | Sequence[str] | None = "type",
        *,
        task: str = "auto",
        populations: Sequence[str] | None = None,
        bin_ms: float | None = None,
        form: str = "dense",
        where: Mapping[str, Any] | None = None,
    ) -> None:
        results = _select(directory, where)
        names = results.populations if populations is None else tuple(populations)
        self.dt_ms = float(results.metadata["config"]["pipeline"]["dt_ms"])
        _check_arguments(results, names, bin_ms, form, self.dt_ms)
        self.table = results.table
        self.form = form
        self.bin = round(bin_ms / self.dt_ms) if bin_ms else 1
        if target is None:
            self.target = Target((), torch.zeros(len(results), 0), None)
        else:
            self.target = read_target(self.table, target, task)
        self.labels = tuple(axis_label(results, name) for name in self.target.names)
        self.units = tuple(unit(results, name) for name in self.target.names)
        self.targets = self.target.values
        self.reader = SpikeReader(results, names)
        self.rows = np.arange(len(results))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Item:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        """Return some stimuli, read together: what a DataLoader asks for."""
        rows = self.rows[np.asarray(indices, np.int64)].tolist()
        spikes = self._bin(self.reader.read(rows))
        targets = self.targets[rows]
        if self.form == "dense":
            return _Batch(spikes, targets)
        events = [torch.nonzero(train) for train in spikes]
        return list(zip(events, targets, strict=True))

    @property
    def neurons(self) -> dict[str, slice]:
        """Which neurons belong to each population."""
        return self.reader.neurons

    @property
    def shape(self) -> tuple[int, int]:
        """Samples or bins, and neurons, of a stimulus."""
        bins = -(-self.reader.samples // self.bin)
        return bins, self.reader.count

    def take(self, rows: Sequence[int]) -> SpikeDataset:
        """Return the same dataset with only some of its stimuli.

        Parameters
        ----------
        rows
            Numbers of the items that are kept, in the order wanted.

        Examples
        --------
        >>> dataset = SpikeDataset(results.directory, target="amplitude")
        >>> len(dataset.take([1, 0]))
        2
        """
        chosen = copy.copy(self)
        chosen.rows = self.rows[np.asarray(rows, np.int64)]
        return chosen

    def with_targets(self, targets: Tensor) -> SpikeDataset:
        """Return the same stimuli with other targets.

        Parameters
        ----------
        targets
            A target for each row of ``table``, those of stimuli that were not taken too.

        Examples
        --------
        >>> dataset = SpikeDataset(results.directory, target="amplitude")
        >>> spikes, target = dataset.with_targets(dataset.targets / 100)[0]
        >>> bool(target == dataset[0][1] / 100)
        True
        """
        changed = copy.copy(self)
        changed.targets = targets
        return changed

    def collate(self, items: Sequence[Item]) -> Item:
        """Return items as a batch.

        Dense spikes are stacked; events are int64 ``[E, 3]``, the number of the item first.

        Parameters
        ----------
        items
            Pairs ``(spikes, target)`` of this dataset.

        Examples
        --------
        >>> dataset = SpikeDataset(results.directory, target="amplitude")
        >>> spikes, targets = dataset.collate([dataset[0], dataset[1]])
        >>> spikes.shape == (2, *dataset.shape), targets.shape
        (True, torch.Size([2, 1]))
        """
        if isinstance(items, _Batch):
            return items.spikes, items.targets
        if self.form == "dense":
            spikes, targets = default_collate(list(items))
            return spikes, targets
        numbered = []
        for number, (events, _) in enumerate(items):
            numbered.append(F.pad(events, (1, 0), value=number))
        return torch.cat(numbered), torch.stack([target for _, target in items])

    def _bin(self, spikes: Tensor) -> Tensor:
        """Return bool ``[B, T, N]`` as counts ``[B, bins, N]``."""
        if self.bin == 1:
            return spikes
        samples = spikes.view(torch.uint8)
        missing = -spikes.shape[1] % self.bin
        if missing:
            samples = F.pad(samples, (0, 0, 0, missing))
        stimuli, _, neurons = samples.shape
        binned = samples.reshape(stimuli, -1, self.bin, neurons)
        count_type = torch.uint8 if self.bin < 256 else torch.int32
        return binned.sum(2, dtype=count_type)


def _select(
    directory: str | PathLike[str] | Sequence[str | PathLike[str]] | Results,
    where: Mapping[str, Any] | None,
) -> Results:
    """Return the stimuli that are asked for and did not fail."""
    results = directory if isinstance(directory, Results) else load(directory)
    if where:
        results = results.where(**where)
    if "error" in results.table:
        computed = np.flatnonzero(results.table["error"].isna())
        results = results.take(computed.tolist())
    if not len(results):
        asked = format_value(dict(where or {}))
        raise ConfigError(f"where: got {asked}, which no stimulus meets")
    return results


def _check_arguments(
    results: Results, names: Sequence[str], bin_ms: float | None, form: str, dt_ms: float
) -> None:
    known = results.populations
    allowed = f"allowed are {list_names(known)}"
    problems = []
    for name in names:
        if name not in known:
            hint = suggest(str(name), known)
            problems.append(f"populations: got {format_value(name)}, {allowed}{hint}")
    if not names:
        problems.append(f"populations: got none, {allowed}")
    if form not in FORMS:
        hint = suggest(str(form), FORMS)
        problems.append(f"form: got {format_value(form)}, allowed are {list_names(FORMS)}{hint}")
    if bin_ms is not None and not _is_multiple(bin_ms, dt_ms):
        problems.append(
            f"bin_ms: got {format_value(bin_ms)}, "
            f"allowed is a multiple of pipeline.dt_ms {dt_ms:g} (ms)"
        )
    if problems:
        raise ConfigError(problems)


def _is_multiple(bin_ms: object, dt_ms: float) -> bool:
    """Tell whether a bin is a whole number of samples, but for rounding."""
    if not is_number(bin_ms) or bin_ms <= 0:
        return False
    samples = bin_ms / dt_ms
    return abs(samples - round(samples)) < 1e-6
