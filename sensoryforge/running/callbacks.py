"""Callbacks of a run: export in parts with checkpoints, and progress in stimuli."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from sensoryforge.core.errors import FailedStimuliError
from sensoryforge.core.progress import Bar, open_bar
from sensoryforge.core.signals import Signals
from sensoryforge.design.design import Design
from sensoryforge.simulation.chunks import Chunk, count_stimuli
from sensoryforge.simulation.encoded import Encoded
from sensoryforge.simulation.lightning_module import EncodingModule
from sensoryforge.store.writer import DatasetWriter

WAIT_S = 1.0
"""Seconds of waiting for the disk below which the bar does not mention it."""


class ExportCallback(Callback):
    """Hands finished stimuli to the writer, a part at a time.

    One part is written, by a thread of its own, while the next is simulated. Chunks that are still
    on their way from a GPU are waited for as late as can be.

    Parameters
    ----------
    writer
        What puts parts on the disk.
    design
        What is known of the stimuli before they are simulated.
    part_size
        How many stimuli make a part.
    signals
        Held back while something is handed over.
    stop_on_error
        Whether the first stimulus that fails ends the run.

    Attributes
    ----------
    failures
        The entries of stimuli that failed, so far.
    waited_s
        How long the simulation stood still because a part was not written yet.
    """

    def __init__(
        self,
        writer: DatasetWriter,
        design: Design,
        part_size: int,
        signals: Signals,
        *,
        stop_on_error: bool = False,
    ) -> None:
        super().__init__()
        self.writer = writer
        self.design = design
        self.part_size = part_size
        self.signals = signals
        self.stop_on_error = stop_on_error
        self.failures: list[dict[str, Any]] = []
        self.waited_s = 0.0
        # chunks that are simulated, or still being so on a GPU
        self._underway: deque[tuple[Chunk, Encoded]] = deque()
        # stimuli of the part that is filling up
        self._entries: list[dict[str, Any]] = []
        self._arrays: list[dict[str, Tensor]] = []
        # the part that is being written
        self._pool = ThreadPoolExecutor(1, "commit")
        self._writing: Future[None] | None = None

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
        """Take a chunk, keep those that can wait no longer, and commit when a part is full."""
        with self.signals.held():
            self._underway.append((batch, outputs))
            assert isinstance(pl_module, EncodingModule)
            self._receive_until(pl_module.ahead)
        if self.stop_on_error and self.failures:
            raise FailedStimuliError(describe_failed(self.failures[0]))

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Commit what is left."""
        self.flush()

    def flush(self) -> None:
        """Commit the stimuli that are computed and not yet on disk, and wait until they are."""
        with self.signals.held():
            try:
                self._receive_until(0)
            finally:  # a chunk that fails on its way must not cost those before it
                self._hand_over()
                self._wait()

    def _receive_until(self, ahead: int) -> None:
        """Wait for chunks and keep them until no more than ``ahead`` are underway."""
        while len(self._underway) > ahead:
            chunk, encoded = self._underway.popleft()
            self._keep(chunk, encoded)
            if len(self._entries) >= self.part_size:
                self._hand_over()

    def _keep(self, chunk: Chunk, encoded: Encoded) -> None:
        """Add a chunk to the part that is filling up; waits for it if it is still on its way."""
        entries: list[dict[str, Any]] = []
        for start, stop in chunk:
            entries += _entries(self.design, start, stop)
        for row, message in encoded.errors.items():
            entries[row]["error"] = message
            self.failures.append(entries[row])
        self._entries += entries
        self._arrays.append(encoded.arrays)

    def _hand_over(self) -> None:
        """Begin to write the part, once the one before it is written."""
        begun = time.perf_counter()
        self._wait()
        self.waited_s += time.perf_counter() - begun
        if self._entries:
            self._writing = self._pool.submit(self._write, self._entries, self._arrays)
            self._entries, self._arrays = [], []

    def _wait(self) -> None:
        """Let the part being written reach the disk; raises what its writing raised."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def _write(self, entries: list[dict[str, Any]], chunks: list[dict[str, Tensor]]) -> None:
        if len(chunks) == 1:
            arrays = chunks[0]
        else:
            arrays = {name: torch.cat([chunk[name] for chunk in chunks]) for name in chunks[0]}
        self.writer.commit(entries, arrays)


def _entries(design: Design, start: int, stop: int) -> list[dict[str, Any]]:
    """Return what is known of stimuli before they are simulated."""
    ids = design.ids(start, stop)
    seeds = design.seeds(start, stop)
    repetitions: list[int] = []
    for span in design.locate(start, stop):
        repetitions += span.repetition.tolist()
    entries = []
    for row, index in enumerate(range(start, stop)):
        entry = {
            "index": index,
            "id": ids[row],
            "seed": seeds[row],
            "repetition": repetitions[row],
            "parameters": design.parameters(index),
        }
        entries.append(entry)
    return entries


def describe_failed(entry: dict[str, Any]) -> str:
    """Return one line that names a stimulus that failed.

    Examples
    --------
    >>> describe_failed({"index": 4, "parameters": {"type": "step"}, "error": "not finite"})
    'stimulus 4 (type=step): not finite'
    """
    parameters = ", ".join(f"{name}={value}" for name, value in entry["parameters"].items())
    return f"stimulus {entry['index']} ({parameters}): {entry['error']}"


class ProgressCallback(Callback):
    """A bar that counts stimuli, on standard error.

    Parameters
    ----------
    total
        How many stimuli the design has.
    done
        How many of them an earlier run left.
    export
        The bar says so when the simulation has waited for this one.
    compiling
        How many kernels are compiled first, which the bar says until the first stimuli are there.
    """

    def __init__(
        self,
        total: int,
        done: int = 0,
        export: ExportCallback | None = None,
        compiling: int = 0,
    ) -> None:
        super().__init__()
        self.total = total
        self.done = done
        self.export = export
        self.compiling = compiling
        self.bar: Bar | None = None

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the bar."""
        self.bar = open_bar(self.total, self.done, "Progress", "stimulus")
        if self.compiling:
            kernels = "kernel" if self.compiling == 1 else "kernels"
            self.bar.set_postfix_str(f"compiling {self.compiling} {kernels}, once")

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
        if self.bar is None:
            return
        if self.compiling:
            self.compiling = 0
            self.bar.set_postfix_str("", refresh=False)
        waited_s = self.export.waited_s if self.export else 0.0
        if waited_s > WAIT_S:
            self.bar.set_postfix_str(f"waited {waited_s:.0f} s for writing", refresh=False)
        self.bar.update(count_stimuli(batch))

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self.bar is not None:
            self.bar.close()
