"""The simulation as Lightning sees it: a module that predicts spikes, a data module of chunks.

This is the one file of the room that knows Lightning; an :class:`~.encoder.Encoder` is a plain
module of torch. A run is

    Trainer(strategy=OneProcess(), ...).predict(EncodingModule(...), StimulusDataModule(...))

and :func:`silence` keeps Lightning's banners out of the terminal.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.strategies import SingleDeviceStrategy
from torch.utils.data import DataLoader

from sensoryforge.design.experiment import Experiment
from sensoryforge.simulation.chunks import Chunk
from sensoryforge.simulation.encoded import Encoded
from sensoryforge.simulation.encoder import Encoder

_LOGGERS = ("pytorch_lightning", "lightning_fabric", "lightning.pytorch")
_WARNING_MODULES = r"pytorch_lightning|lightning_fabric|lightning|torch\.utils\.data"


class EncodingModule(LightningModule):
    """Encodes chunks of an experiment's stimuli into spike trains.

    With the strategy :class:`OneProcess` the chunks go to the devices of the trainer in turn.

    Parameters
    ----------
    experiment
        What is simulated.
    backend
        The kernels: ``torch``, ``numba`` or ``triton``.

    Examples
    --------
    >>> from sensoryforge.config.reading import check, compose
    >>> module = EncodingModule(check(compose("pipeline.duration_ms=20")))
    >>> module.predict_step(((0, 1),)).arrays["ra_spikes"].shape
    torch.Size([1, 40, 80])
    """

    def __init__(self, experiment: Experiment, backend: str = "torch") -> None:
        super().__init__()
        self.encoder = Encoder(experiment, backend)
        self._encoders = [self.encoder]

    @property
    def ahead(self) -> int:
        """How many chunks are begun before an earlier one is waited for.

        A GPU works on its own: one chunk on each GPU, and one more to go on with. A CPU does the
        work while it is asked.
        """
        devices = len(self._encoders)
        return devices if self.encoder.on_gpu else devices - 1

    def on_predict_start(self) -> None:
        """Have an encoder on each device; they share what does not depend on it."""
        strategy = self.trainer.strategy
        other_devices: list[torch.device] = []
        if isinstance(strategy, OneProcess):
            other_devices = strategy.parallel_devices[1:]
        experiment = self.encoder.experiment
        # deepcopy takes what is in its memo, by id, instead of copying it.
        shared = {id(part): part for part in (experiment, *experiment.populations.values())}
        self._encoders = [self.encoder]
        for device in other_devices:
            copy = deepcopy(self.encoder, dict(shared))
            self._encoders.append(copy.to(device))

    def forward(self, chunk: Chunk) -> Encoded:
        """Return the spikes of a chunk; see :meth:`.Encoder.forward`."""
        encoded: Encoded = self.encoder(chunk)
        return encoded

    def predict_step(self, batch: Chunk, batch_idx: int = 0, dataloader_idx: int = 0) -> Encoded:
        """Return the spikes of a chunk; on a GPU they are still on their way."""
        encoder = self._encoders[batch_idx % len(self._encoders)]
        encoded: Encoded = encoder(batch)
        return encoded


class StimulusDataModule(LightningDataModule):
    """The chunks of a design that are to be simulated; one item is one vectorised chunk.

    Parameters
    ----------
    chunks
        Stimuli that are simulated together, as ranges of positions in the design.

    Examples
    --------
    >>> data = StimulusDataModule([((0, 2),), ((2, 3), (5, 6))])
    >>> list(data.predict_dataloader())
    [((0, 2),), ((2, 3), (5, 6))]
    """

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        super().__init__()
        self.chunks = list(chunks)

    def predict_dataloader(self) -> DataLoader[Chunk]:
        """Return the chunks in order."""
        return load_chunks(self.chunks)


def load_chunks(chunks: Sequence[Chunk]) -> DataLoader[Chunk]:
    """Return a loader of chunks, one after the other.

    Examples
    --------
    >>> list(load_chunks([((0, 2),), ((2, 3),)]))
    [((0, 2),), ((2, 3),)]
    """
    return DataLoader(chunks, batch_size=None, collate_fn=_leave)  # type: ignore[arg-type]


def _leave(chunk: Any) -> Any:
    """Return a chunk as it is: torch would make tensors of its numbers."""
    return chunk


class OneProcess(SingleDeviceStrategy):
    """Leaves all devices to the module, which begins work on each in turn and waits for none.

    A chunk takes a GPU far longer than it takes the CPU to ask for it. So a process for each GPU,
    as Lightning's own strategies have it, would gain nothing, and one process has one checkpoint,
    one lock and one place for signals.

    Examples
    --------
    >>> OneProcess().is_distributed
    False
    """

    strategy_name = "one_process"

    def __init__(self) -> None:
        super().__init__()
        # Lightning fills it with the devices that Trainer(devices=...) means.
        self.parallel_devices: list[torch.device] = []

    @property
    def root_device(self) -> torch.device:
        """The first of the devices."""
        if self.parallel_devices:
            return self.parallel_devices[0]
        return super().root_device

    @property
    def is_distributed(self) -> bool:
        """Whether there are several processes."""
        return False


@contextmanager
def silence() -> Iterator[None]:
    """Keep Lightning's banners and advice out of a user's terminal.

    Inside the ``with`` block its loggers tell errors alone, and its warnings are dropped; after it
    all is as it was.

    Examples
    --------
    >>> with silence():
    ...     logging.getLogger("pytorch_lightning").isEnabledFor(logging.INFO)
    False
    """
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=_WARNING_MODULES)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
