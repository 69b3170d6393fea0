"""A run: plan, simulate, commit part by part, consolidate; and its dry run.

The working order keeps two promises: nothing is written before the whole configuration is known to be good, and
nothing that was computed is lost afterwards.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sensoryforge.checks import triton_lacks
from sensoryforge.composer import written
from sensoryforge.errors import FailedStimuliError, StorageError
from sensoryforge.estimate import chunk_size, estimate, part_size
from sensoryforge.experiment import Experiment
from sensoryforge.imports import heavy
from sensoryforge.preflight import check_kept, preflight
from sensoryforge.signals import Interrupted, Signals, interruptible

if TYPE_CHECKING:
    from sensoryforge.lightning.callbacks import ExportCallback
    from sensoryforge.lightning.encoding import Chunk
    from sensoryforge.store.checkpoint import Committed
    from sensoryforge.store.results import Results
    from sensoryforge.store.writer import DatasetWriter
    from sensoryforge.types import Ints

Echo = Callable[[str], None]


def backend_for(experiment: Experiment, device: str) -> str:
    """Return the backend that runs an experiment; ``auto`` chooses by device alone (torch where Triton is lacking)."""
    if experiment.backend != "auto":
        return experiment.backend
    if not device.startswith("cuda"):
        return "numba"
    return "torch" if triton_lacks() else "triton"


def dry_run(experiment: Experiment) -> list[str]:
    """Return what a run would do and cost, as lines; nothing is simulated or written.

    Raises what the run itself would raise before it starts.
    """
    preflight(experiment)
    backend = backend_for(experiment, experiment.device)
    committed, total = _committed(experiment), len(experiment.design)
    if committed:
        ids = experiment.design.ids(0, total)
        check_kept(committed, ids, experiment.batch.output_dir)
        if committed.finished and [stimulus for _, held in committed.parts for stimulus in held] == ids:
            failed = _count_failed(experiment)
            return [*experiment.design.grid_lines(), *_opening(experiment, committed, 0, True, failed)]
    done = len(committed.ids) if committed else 0
    todo = total - done
    resumed = [*committed.problems, f"Resuming: {done} done, {todo} to go"] if committed else []
    where = experiment.batch.output_dir / ("results.pt" if experiment.batch.format == "pytorch" else "results.h5")
    return [
        *experiment.design.grid_lines(),
        *resumed,
        *estimate(experiment, backend, todo).lines(),
        f"Would write {where}{_replaced(experiment)}; nothing was written",
    ]


def _replaced(experiment: Experiment) -> str:
    """Return in words which dataset the run would replace, nothing if none."""
    from sensoryforge.store.checkpoint import newest

    before = None if experiment.batch.resume else newest(experiment.batch.output_dir)
    return f", in place of the {before.total_stimuli} stimuli there" if before and before.results else ""


def _count_failed(experiment: Experiment) -> int:
    """Return how many stimuli of a finished dataset failed."""
    from sensoryforge.store.results import load

    return len(load(experiment.batch.output_dir).errors)


def run(
    experiment: Experiment, *, progress: bool = True, echo: Echo | None = None, again: str | None = None
) -> Results | None:
    """Run an experiment and return its dataset; a dry run returns None.

    ``echo`` takes each line meant for a reader; ``again`` is what to add to the command that goes on with the run.
    Raises ConfigError before anything is written, StorageError for the disk, FailedStimuliError after saving when some
    stimuli could not be computed, and KeyboardInterrupt or SystemExit after a signal, everything computed being saved.
    """
    say = echo or _quiet
    if experiment.batch.dry_run:
        for line in dry_run(experiment):
            say(line)
        return None
    this = _Run(experiment, progress, say, again)
    with interruptible(say, this.left) as this.signals:
        return this.go()


def _quiet(line: str) -> None:
    """Take a line and say nothing."""


def _warn(experiment: Experiment) -> None:
    from sensoryforge.kernels import auto_substeps

    step = experiment.dt_ms / experiment.substeps
    if step > 0.1 + 1e-9:
        enough = auto_substeps(experiment.dt_ms)
        warnings.warn(
            f"pipeline.substeps: got {experiment.substeps}, an integration step of {step:g} ms, which loses spikes; "
            f"{enough} keep it at 0.1 ms",
            stacklevel=3,
        )


def _committed(experiment: Experiment) -> Committed | None:
    """Return what an earlier run left to go on from; None to begin anew."""
    from sensoryforge.store.checkpoint import scan

    committed = scan(experiment.batch.output_dir) if experiment.batch.resume else None
    return committed if committed and committed.checkpoint else None


class _Run:
    """A run: what was asked for, and how far it has come."""

    def __init__(self, experiment: Experiment, progress: bool, say: Echo, again: str | None) -> None:
        self.experiment, self.progress, self.say, self.again = experiment, progress, say, again
        self.signals = Signals()
        self.writer: DatasetWriter | None = None

    def go(self) -> Results:
        """Simulate and save what is missing, and return the dataset."""
        _warn(self.experiment)
        heavy("torch")
        from sensoryforge.store.lock import DirectoryLock
        from sensoryforge.store.results import load

        preflight(self.experiment)
        directory = self.experiment.batch.output_dir
        with DirectoryLock(directory):
            failures = self._compute(_committed(self.experiment))
        if failures:
            raise FailedStimuliError(failures)
        return load(directory)

    def _compute(self, committed: Committed | None) -> str:
        """Return a line on failed stimuli, empty when there are none."""
        from sensoryforge.store.writer import DatasetWriter

        experiment, design, spec = self.experiment, self.experiment.design, self.experiment.batch
        ids = design.ids(0, len(design))
        check_kept(committed, ids, spec.output_dir)
        self.writer = writer = DatasetWriter(spec.output_dir, spec.format, ids, experiment.config, committed)
        del ids  # of a million stimuli, 70 MB
        todo = writer.todo
        failures = writer.failed()
        for line in _opening(experiment, committed, len(todo), writer.finished, len(failures)):
            self.say(line)
        if writer.finished:
            return ""
        started, clock = datetime.now(UTC), time.perf_counter()
        if len(todo):
            failures = sorted(failures + self._simulate(writer, todo), key=lambda entry: entry["index"])
        self.signals.check()
        path = writer.finish(_metadata(experiment, started, clock, len(todo), failures))
        self.say(f"✓ Results saved to {path}")
        return _failed(failures, len(design))

    def _simulate(self, writer: DatasetWriter, todo: Ints) -> list[dict[str, Any]]:
        """Run the predict loop over the stimuli that are missing, and return the entries that failed."""
        heavy("pytorch_lightning")
        from sensoryforge.lightning.callbacks import ExportCallback, ProgressCallback
        from sensoryforge.lightning.encoding import chunks

        experiment, total = self.experiment, len(self.experiment.design)
        part = part_size(experiment)
        stop = experiment.batch.on_error == "stop"
        export = ExportCallback(writer, experiment.design, part, self.signals, stop_on_error=stop)
        bar = ProgressCallback(total, total - len(todo), export) if self.progress else None
        try:
            made = chunks(todo, chunk_size(experiment), part)
            _predict(experiment, made, [c for c in (export, bar) if c], self.signals)
        except StorageError:
            raise
        except BaseException as error:  # whatever ended the loop, what is computed is kept
            _save_rest(export, bar)
            if isinstance(error, FailedStimuliError):
                raise FailedStimuliError(f"{error}; {self.left()}") from None
            raise
        finally:
            _close(bar)
        return export.failures

    def left(self) -> str:
        """Return what a run that is stopped has left to do, and how to go on."""
        if self.writer is None:
            return "nothing was begun"
        if self.writer.finished:
            return f"{self.experiment.batch.output_dir} is complete"
        todo = len(self.writer.todo)
        what = f"{todo} stimuli left" if todo else "every stimulus is computed, only the results file is missing"
        return f"{what} in {self.experiment.batch.output_dir}; go on with {self.again or self._flag()}"

    def _flag(self) -> str:
        """Return the flag that goes on with a batch file, and the same as overrides."""
        return f"--resume (batch.resume=true {written('batch.output_dir', self.experiment.batch.output_dir)})"


def _opening(experiment: Experiment, committed: Committed | None, todo: int, finished: bool, failed: int) -> list[str]:
    """Return what is said before anything is computed; ``failed`` counts stimuli of the run that goes on."""
    total, directory = len(experiment.design), experiment.batch.output_dir
    stimuli = "stimulus" if total == 1 else "stimuli"
    if finished:
        but = f", {failed} of them failed" if failed else ""
        return [f"Nothing to do: {directory} already holds all {total} {stimuli}{but}"]
    lines = [f"Batch execution: {total} {stimuli} total"]
    if committed is None:
        return [f"Nothing to resume in {directory}: starting anew", *lines] if experiment.batch.resume else lines
    lines += committed.problems
    return [*lines, f"Resuming: {total - todo} done, {todo} to go"]


def _save_rest(export: ExportCallback, bar: Any) -> None:
    """Commit what is computed; a further signal comes too late to change anything."""
    _close(bar)
    with suppress(Interrupted):
        export.flush()


def _close(bar: Any) -> None:
    """Leave the progress bar as it stands, even on a terminal that has hung up."""
    if bar:
        with suppress(OSError):
            bar.close()


def _predict(experiment: Experiment, chunks: list[Chunk], callbacks: list[Any], signals: Signals) -> None:
    """Run Lightning's predict loop, quietly, on the experiment's device."""
    import torch

    from sensoryforge.lightning.cards import OneProcess
    from sensoryforge.lightning.encoding import EncodingModule, StimulusDataModule
    from sensoryforge.lightning.quiet import silence

    device = _device(experiment.device)
    signals.install()
    with silence():
        from pytorch_lightning import Trainer

        threads = torch.get_num_threads()
        torch.set_num_threads(experiment.batch.num_workers)
        try:
            trainer = Trainer(
                accelerator="cpu" if device == "cpu" else "gpu",
                devices=_devices(experiment, device),
                strategy=OneProcess(),
                callbacks=callbacks,
                logger=False,
                enable_checkpointing=False,
                enable_model_summary=False,
                enable_progress_bar=False,
                inference_mode=False,  # what is underway when a run is stopped is put right after predict has ended
            )
            module = EncodingModule(experiment, backend_for(experiment, device))
            trainer.predict(module, datamodule=StimulusDataModule(chunks), return_predictions=False)
        finally:
            torch.set_num_threads(threads)


def _device(device: str) -> str:
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def _devices(experiment: Experiment, device: str) -> int | list[int]:
    """Return what Lightning is to take: one GPU by its number, those of ``pipeline.devices``, or the CPU."""
    number = device.partition(":")[2]
    if number:
        return [int(number)]
    if device == "cpu":
        return 1
    return -1 if experiment.devices == "auto" else experiment.devices  # of "auto" a notebook would get one


def _metadata(
    experiment: Experiment, started: datetime, clock: float, computed: int, failures: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return what a results file says of its run: enough to run it again."""
    import platform
    from importlib.metadata import version

    import h5py
    import numpy as np
    import pytorch_lightning
    import torch

    from sensoryforge.encoder import positions

    versions = {"sensoryforge": version("sensoryforge"), "python": platform.python_version()}
    versions |= {m.__name__: str(m.__version__) for m in (torch, pytorch_lightning, np, h5py)}
    return {
        "config": experiment.config,
        "design": experiment.design.axes,
        "seed": experiment.seed,
        "populations": {n: {"count": p.count, "layout": p.layout} for n, p in experiment.populations.items()},
        "dt_ms": experiment.dt_ms,
        "duration_ms": experiment.duration_ms,
        "substeps": experiment.substeps,
        "samples": experiment.samples,
        "versions": versions,
        "started": started.isoformat(timespec="seconds"),
        "wall_time_s": round(time.perf_counter() - clock, 3),
        "stimuli_computed": computed,
        "failures": [{key: entry[key] for key in ("index", "id", "parameters", "error")} for entry in failures],
        **{f"{n}_xy_mm": torch.from_numpy(xy) for n, xy in positions(experiment).items()},
    }


def _failed(failures: list[dict[str, Any]], total: int) -> str:
    from sensoryforge.lightning.callbacks import describe

    if not failures:
        return ""
    return f"{len(failures)} of {total} stimuli failed and have no spikes; the first: {describe(failures[0])}"
