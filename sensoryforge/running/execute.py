"""A run, from a checked experiment to its results file::

    begin       what an earlier run left, and which stimuli are still to do     preflight, earlier
    chunks      these stimuli, cut into pieces that are simulated together      estimate
    simulate    Lightning's predict loop over the chunks                        _predict, below
    parts       some chunks at a time are committed to the disk                 callbacks
    merge       the parts become the results file                               store.DatasetWriter

Nothing is written before the whole configuration is known to be good, and nothing that was computed
is lost afterwards. On Ctrl+C, SIGTERM or SIGHUP:

1. core/signals.py raises Interrupted, which ends the predict loop, but never inside a commit;
2. `_Run._simulate` waits for the part that is being written and for chunks that a GPU still works
   on, and commits what is computed and not yet on the disk (`_save_rest`);
3. `interruptible`, in `run_experiment`, says what is left to do and how to go on, and raises
   KeyboardInterrupt or SystemExit, with which the command ends: 130 for Ctrl+C. How to go on with a
   whole sweep is said by `telling_how_to_resume` in commands/sweep_jobs.py.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sensoryforge.config.overrides import format_override
from sensoryforge.core.devices import resolve_device
from sensoryforge.core.errors import FailedStimuliError, StorageError
from sensoryforge.core.packages import import_heavy
from sensoryforge.core.signals import Interrupted, Signals, interruptible
from sensoryforge.design.experiment import Experiment
from sensoryforge.equations.stepping import STEP_MS, auto_substeps, loses_spikes
from sensoryforge.running.devices import choose_backend, lightning_devices
from sensoryforge.running.dry_run import dry_run
from sensoryforge.running.earlier import check_nothing_lost, read_committed
from sensoryforge.running.estimate import (
    choose_chunk_size,
    choose_part_size,
    count_kernels_to_compile,
)
from sensoryforge.running.metadata import run_metadata
from sensoryforge.running.opening import nothing_to_do_line, opening_lines
from sensoryforge.running.outdated import tell_of_drawn
from sensoryforge.running.preflight import preflight
from sensoryforge.running.silence import foretell_silence, spikes_line, tell_silence

if TYPE_CHECKING:
    from sensoryforge.analysis.results import Results
    from sensoryforge.core.types import Ints
    from sensoryforge.running.callbacks import ExportCallback, ProgressCallback
    from sensoryforge.simulation.chunks import Chunk
    from sensoryforge.store.checkpoint import Committed
    from sensoryforge.store.writer import DatasetWriter

Echo = Callable[[str], None]


def run_experiment(
    experiment: Experiment,
    *,
    progress: bool = True,
    echo: Echo | None = None,
    resume_with: str | None = None,
) -> Results | None:
    """Run an experiment and return its dataset; a dry run returns None.

    Parameters
    ----------
    experiment
        A checked configuration.
    progress
        Whether to draw a bar that counts stimuli, on standard error.
    echo
        Takes each line meant for a reader.
    resume_with
        What is to be added to the command so that it goes on with this run.

    Raises
    ------
    ConfigError
        Before anything is written.
    StorageError
        For the disk; what was committed stays.
    FailedStimuliError
        After saving, when some stimuli could not be computed.
    KeyboardInterrupt, SystemExit
        After a signal, everything computed being saved.
    """
    say = echo or _say_nothing
    if experiment.batch.dry_run:
        for line in dry_run(experiment):
            say(line)
        return None
    run = _Run(experiment, progress, say, resume_with)
    with interruptible(say, run.describe_left) as signals:
        return run.go(signals)


def _say_nothing(line: str) -> None:
    """Take a line."""


class _Run:
    """A run: what was asked for, and how far it has come."""

    def __init__(
        self, experiment: Experiment, progress: bool, say: Echo, resume_with: str | None
    ) -> None:
        self.experiment = experiment
        self.progress = progress
        self.say = say
        self.resume_with = resume_with
        self.writer: DatasetWriter | None = None

    def go(self, signals: Signals) -> Results:
        """Simulate and save what is missing, and return the dataset."""
        _warn_of_coarse_steps(self.experiment)
        import_heavy("torch")
        from sensoryforge.analysis.results import load
        from sensoryforge.store.lock import DirectoryLock

        for risk in [*preflight(self.experiment), *foretell_silence(self.experiment)]:
            warnings.warn(risk, stacklevel=3)
        directory = self.experiment.batch.output_dir
        with DirectoryLock(directory):
            failures = self._complete(read_committed(self.experiment), signals)
        if failures:
            total = len(self.experiment.design)
            raise FailedStimuliError(_describe_failures(failures, total))
        return load(directory)

    def _complete(self, committed: Committed | None, signals: Signals) -> list[dict[str, Any]]:
        """Make the results file.

        Returns the entries of the stimuli that failed, in this sitting or an earlier one.
        """
        writer = self._open_writer(committed)
        todo = writer.todo
        failures = writer.find_failed()
        if writer.finished:
            self.say(nothing_to_do_line(self.experiment, len(failures)))
            return []  # the line says how many failed; this sitting computed none
        for line in opening_lines(self.experiment, committed, len(todo)):
            self.say(line)
        started = datetime.now(UTC)
        clock = time.perf_counter()
        if len(todo):
            failures += self._simulate(writer, todo, signals)
            failures.sort(key=lambda entry: int(entry["index"]))
        signals.check()
        wall_time_s = time.perf_counter() - clock
        metadata = run_metadata(self.experiment, started, wall_time_s, len(todo), failures)
        earlier = writer.earlier_dataset
        path = writer.finish(metadata)
        for line in tell_of_drawn(self.experiment.batch.output_dir, earlier):
            self.say(line)
        self._tell_spikes(writer)
        self.say(f"✓ Results saved to {path}")
        return failures

    def _tell_spikes(self, writer: DatasetWriter) -> None:
        """Say how many spikes each population has, and warn of those that have none."""
        spikes = writer.spikes
        if spikes is None:  # an earlier version, which did not count, began the run
            return
        self.say(spikes_line(spikes))
        for line in tell_silence(spikes):
            warnings.warn(line, stacklevel=4)

    def _open_writer(self, committed: Committed | None) -> DatasetWriter:
        from sensoryforge.store.writer import DatasetWriter

        design, spec = self.experiment.design, self.experiment.batch
        ids = design.ids(0, len(design))  # not kept: 70 MB for a million stimuli
        check_nothing_lost(committed, ids, spec.output_dir, design.hint_at_growth)
        self.writer = DatasetWriter.begin(
            spec.output_dir, spec.format, ids, self.experiment.config, committed
        )
        return self.writer

    def _simulate(
        self, writer: DatasetWriter, todo: Ints, signals: Signals
    ) -> list[dict[str, Any]]:
        """Run the predict loop over the stimuli that are missing; return entries that failed."""
        import_heavy("pytorch_lightning")
        from sensoryforge.running.callbacks import ExportCallback, ProgressCallback
        from sensoryforge.simulation.chunks import cut_into_chunks

        design, spec = self.experiment.design, self.experiment.batch
        part_size = choose_part_size(self.experiment)
        stops = spec.on_error == "stop"
        export = ExportCallback(writer, design, part_size, signals, stop_on_error=stops)
        bar = None
        if self.progress:
            compiling = count_kernels_to_compile(self.experiment)
            bar = ProgressCallback(len(design), len(design) - len(todo), export, compiling)
        chunks_to_do = cut_into_chunks(todo, choose_chunk_size(self.experiment), part_size)
        try:
            _predict(self.experiment, chunks_to_do, export, bar, signals)
        except StorageError:
            raise
        except BaseException as error:  # whatever ended the loop, what is computed is kept
            _save_rest(export, bar)
            if isinstance(error, FailedStimuliError):
                raise FailedStimuliError(f"{error}; {self.describe_left()}") from None
            raise
        finally:
            _close(bar)
        return export.failures

    def describe_left(self) -> str:
        """Return what a run that is stopped has left to do, and how to go on."""
        directory = self.experiment.batch.output_dir
        if self.writer is None:
            return "nothing was begun"
        if self.writer.finished:
            return f"{directory} is complete"
        todo = len(self.writer.todo)
        left = "every stimulus is computed, only the results file is missing"
        if todo:
            left = f"{todo} stimuli left"
        return f"{left} in {directory}; go on with {self.resume_with or self._resume_flag()}"

    def _resume_flag(self) -> str:
        """Return the flag that goes on with a batch file, and the same as overrides."""
        where = format_override("batch.output_dir", self.experiment.batch.output_dir)
        return f"--resume (batch.resume=true {where})"


def _warn_of_coarse_steps(experiment: Experiment) -> None:
    step_ms = experiment.dt_ms / experiment.substeps
    populations = experiment.populations.values()
    if any(loses_spikes(experiment.blocks_in_steps(spec), step_ms) for spec in populations):
        enough = auto_substeps(experiment.dt_ms)
        warnings.warn(
            f"pipeline.substeps: got {experiment.substeps}, an integration step of {step_ms:g} ms, "
            f"which loses spikes; {enough} keep it at {STEP_MS:g} ms",
            stacklevel=3,
        )


def _describe_failures(failures: list[dict[str, Any]], total: int) -> str:
    from sensoryforge.running.callbacks import describe_failed

    first = describe_failed(failures[0])
    return f"{len(failures)} of {total} stimuli failed and have no spikes; the first: {first}"


# --- the predict loop ---


def _predict(
    experiment: Experiment,
    chunks: list[Chunk],
    export: ExportCallback,
    bar: ProgressCallback | None,
    signals: Signals,
) -> None:
    """Run Lightning's predict loop, quietly, on the experiment's device."""
    from sensoryforge.simulation.lightning_module import (
        EncodingModule,
        OneProcess,
        StimulusDataModule,
        silence,
    )

    device = resolve_device(experiment.device, experiment.backend)
    signals.install()
    with silence():
        from pytorch_lightning import Trainer

        with _threads(experiment.batch.num_workers):
            trainer = Trainer(
                accelerator="cpu" if device == "cpu" else "gpu",
                devices=lightning_devices(experiment, device),
                strategy=OneProcess(),
                callbacks=[export] if bar is None else [export, bar],
                logger=False,
                enable_checkpointing=False,
                enable_model_summary=False,
                enable_progress_bar=False,
                # what is underway when a run is stopped is put right after predict has ended
                inference_mode=False,
            )
            module = EncodingModule(experiment, choose_backend(experiment, device))
            trainer.predict(module, datamodule=StimulusDataModule(chunks), return_predictions=False)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let torch have that many threads until the block ends."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _save_rest(export: ExportCallback, bar: ProgressCallback | None) -> None:
    """Commit what is computed; a further signal comes too late to change anything."""
    _close(bar)
    with suppress(Interrupted):
        export.flush()


def _close(bar: ProgressCallback | None) -> None:
    """Leave the progress bar as it stands, even on a terminal that has hung up."""
    if bar is not None:
        with suppress(OSError):
            bar.close()
