"""Callbacks of a run: export in parts with checkpoints, and progress in stimuli."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor
from tqdm import tqdm

from sensoryforge.design import Design
from sensoryforge.encoded import Encoded
from sensoryforge.errors import FailedStimuliError
from sensoryforge.lightning.encoding import Chunk, size
from sensoryforge.signals import Signals
from sensoryforge.store.writer import DatasetWriter

WAIT_S = 1.0
"""Waiting for the disk that is not worth a word."""


class ExportCallback(Callback):
    """Hands finished stimuli to the writer, a part of ``part_size`` at a time; one part is written while the next
    is simulated. Chunks that are still on their way from a GPU are waited for as late as can be.

    ``waited_s``: how long the simulation stood still because a part was not written yet.
    """

    def __init__(
        self, writer: DatasetWriter, design: Design, part_size: int, signals: Signals, *, stop_on_error: bool = False
    ) -> None:
        super().__init__()
        self.pool = ThreadPoolExecutor(1, "commit")
        self.writing: Future[None] | None = None
        self.writer, self.design, self.part_size, self.signals = writer, design, part_size, signals
        self.stop_on_error, self.waited_s = stop_on_error, 0.0
        self.underway: deque[tuple[Chunk, Encoded]] = deque()
        self.entries: list[dict[str, Any]] = []
        self.arrays: list[dict[str, Tensor]] = []
        self.failures: list[dict[str, Any]] = []

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the signals back from the trainer."""
        self.signals.install()

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Take a chunk, and keep those that there is no more time for; commit when a part is full."""
        with self.signals.held():
            self.underway.append((batch, outputs))
            self._arrive(getattr(pl_module, "ahead", 0))
        if self.stop_on_error and self.failures:
            raise FailedStimuliError(describe(self.failures[0]))

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Commit what is left."""
        self.flush()

    def flush(self) -> None:
        """Commit the stimuli that are computed and not yet on disk, and wait until they are."""
        with self.signals.held():
            try:
                self._arrive(0)
            finally:
                self._commit()
                self._wait()

    def _arrive(self, ahead: int) -> None:
        """Keep chunks until ``ahead`` are underway."""
        while len(self.underway) > ahead:
            self._keep(*self.underway.popleft())
            if len(self.entries) >= self.part_size:
                self._commit()

    def _keep(self, chunk: Chunk, encoded: Encoded) -> None:
        entries = [entry for start, stop in chunk for entry in _entries(self.design, start, stop)]
        for row, message in encoded.errors.items():
            entries[row]["error"] = message
            self.failures.append(entries[row])
        self.entries += entries
        self.arrays.append(encoded.arrays)

    def _commit(self) -> None:
        begun = time.perf_counter()
        self._wait()
        self.waited_s += time.perf_counter() - begun
        if self.entries:
            self.writing = self.pool.submit(self._write, self.entries, self.arrays)
            self.entries, self.arrays = [], []

    def _wait(self) -> None:
        """Let the part being written reach the disk; raises what its writing raised."""
        if self.writing is not None:
            writing, self.writing = self.writing, None
            writing.result()

    def _write(self, entries: list[dict[str, Any]], chunks: list[dict[str, Tensor]]) -> None:
        arrays = chunks[0] if len(chunks) == 1 else {n: torch.cat([c[n] for c in chunks]) for n in chunks[0]}
        self.writer.commit(entries, arrays)


def _entries(design: Design, start: int, stop: int) -> list[dict[str, Any]]:
    """Return what is known of stimuli before they are simulated."""
    repetitions = [r for span in design.locate(start, stop) for r in span.repetition.tolist()]
    rows = zip(range(start, stop), design.ids(start, stop), design.seeds(start, stop), repetitions, strict=True)
    return [
        {"index": i, "id": name, "seed": seed, "repetition": repetition, "parameters": design.parameters(i)}
        for i, name, seed, repetition in rows
    ]


def describe(entry: dict[str, Any]) -> str:
    """Return one line that names a stimulus that failed."""
    parameters = ", ".join(f"{k}={v}" for k, v in entry["parameters"].items())
    return f"stimulus {entry['index']} ({parameters}): {entry['error']}"


class ProgressCallback(Callback):
    """A bar that counts stimuli, on standard error, and says so when the simulation waits for the disk."""

    def __init__(self, total: int, done: int = 0, export: ExportCallback | None = None) -> None:
        super().__init__()
        self.total, self.done, self.export = total, done, export
        self.bar: tqdm[Any] | None = None

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the bar."""
        self.bar = tqdm(total=self.total, initial=self.done, desc="Progress", unit="stimulus")

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Count a chunk."""
        if self.bar is not None:
            if self.export and self.export.waited_s > WAIT_S:
                self.bar.set_postfix_str(f"waited {self.export.waited_s:.0f} s for writing", refresh=False)
            self.bar.update(size(batch))

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self.bar is not None:
            self.bar.close()
