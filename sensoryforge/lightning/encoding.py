"""The simulation as Lightning sees it: a module that predicts spikes, and a data module of chunks of a design."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, TypeAlias

from pytorch_lightning import LightningDataModule, LightningModule
from torch.utils.data import DataLoader

from sensoryforge.encoded import Encoded
from sensoryforge.encoder import Encoder
from sensoryforge.experiment import Experiment
from sensoryforge.lightning.cards import OneProcess
from sensoryforge.types import Ints

Chunk: TypeAlias = tuple[tuple[int, int], ...]
"""Stimuli simulated together: ranges of positions in the design, each from first to last + 1."""


def size(chunk: Chunk) -> int:
    """Return how many stimuli a chunk has."""
    return sum(stop - start for start, stop in chunk)


def chunks(todo: Ints, chunk_size: int, part_size: int) -> list[Chunk]:
    """Cut sorted positions into chunks of at most ``chunk_size`` that never reach over the end of a part."""
    made: list[Chunk] = []
    for part in range(0, len(todo), part_size):
        rest = todo[part : part + part_size].tolist()
        made += [_ranges(rest[i : i + chunk_size]) for i in range(0, len(rest), chunk_size)]
    return made


def _ranges(positions: Sequence[int]) -> Chunk:
    """Return sorted positions as ranges."""
    ranges: list[tuple[int, int]] = []
    for position in positions:
        if ranges and ranges[-1][1] == position:
            ranges[-1] = (ranges[-1][0], position + 1)
        else:
            ranges.append((position, position + 1))
    return tuple(ranges)


class EncodingModule(LightningModule):
    """Encodes chunks of an experiment's stimuli into spike trains; ``predict_step`` takes a :data:`Chunk`.

    With the strategy :class:`OneProcess` the chunks go to its devices in turn.
    """

    def __init__(self, experiment: Experiment, backend: str = "torch") -> None:
        super().__init__()
        self.encoder = Encoder(experiment, backend)
        self._encoders = [self.encoder]

    @property
    def ahead(self) -> int:
        """How many chunks are begun before an earlier one is waited for."""
        return len(self._encoders) - (not self.encoder.on_gpu)

    def on_predict_start(self) -> None:
        """Have an encoder on each device; they share what does not depend on it."""
        strategy, experiment = self.trainer.strategy, self.encoder.experiment
        others = strategy.parallel_devices[1:] if isinstance(strategy, OneProcess) else []
        shared = {id(kept): kept for kept in (experiment, *experiment.populations.values())}
        self._encoders = [self.encoder, *(deepcopy(self.encoder, dict(shared)).to(device) for device in others)]

    def forward(self, chunk: Chunk) -> Encoded:
        """Return the spikes of a chunk; see :meth:`sensoryforge.encoder.Encoder.forward`."""
        encoded: Encoded = self.encoder(chunk)
        return encoded

    def predict_step(self, batch: Chunk, batch_idx: int = 0, dataloader_idx: int = 0) -> Encoded:
        """Return the spikes of a chunk; on a GPU they are still on their way."""
        encoded: Encoded = self._encoders[batch_idx % len(self._encoders)](batch)
        return encoded


class StimulusDataModule(LightningDataModule):
    """The chunks of a design that are to be simulated; one item is one vectorised chunk."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        super().__init__()
        self.chunks = list(chunks)

    def predict_dataloader(self) -> DataLoader[Chunk]:
        """Return the chunks in order."""
        return DataLoader(self.chunks, batch_size=None, collate_fn=_same)  # type: ignore[arg-type]


def _same(item: Any) -> Any:
    return item
