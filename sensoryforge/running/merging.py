"""A merge: datasets of one pipeline written as one, which is a dataset like any other.

    plan        what goes together, which stimuli, where to           merge_plan
    compare     files with their checksums, and a stimulus that
                several have in one with that in another              merge_stimuli
    parts       files of the same format are copied as they are, of
                others some stimuli at a time are read and written    store.DatasetWriter
    merge       the parts become the results file                     store.DatasetWriter

Nothing is written before all of it is known to go together. What is stopped goes on where it was:
the same command again finds its parts. Memory does not grow with the datasets, other than that of a
``results.pt``, which is one object.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from sensoryforge.core.progress import Bar, open_bar
from sensoryforge.core.signals import Signals, interruptible
from sensoryforge.running.merge_metadata import merged_metadata
from sensoryforge.running.merge_plan import MergePlan, check_datasets, plan_merge, read_committed
from sensoryforge.running.opening import resuming_line
from sensoryforge.running.outdated import tell_of_drawn
from sensoryforge.running.silence import spikes_line, tell_silence
from sensoryforge.store import files

if TYPE_CHECKING:
    from sensoryforge.analysis.results import Results
    from sensoryforge.store.checkpoint import Committed
    from sensoryforge.store.writer import DatasetWriter

Echo = Callable[[str], None]
PART_BYTES = 32 << 20
"""Memory of the arrays that are committed together,"""
MOST_TOGETHER = 500
"""and stimuli at most."""


def merge(
    places: Sequence[str | PathLike[str]],
    output: str | PathLike[str],
    *,
    format: str | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    any_version: bool = False,
    progress: bool = True,
    echo: Echo | None = None,
) -> Results | None:
    """Write datasets of one pipeline as one, and return it; a dry run returns None.

    Parameters
    ----------
    places
        Directories of runs, finished or interrupted, or of sweeps; results files.
    output
        The directory of the whole. What an earlier merge left there is gone on with.
    format
        ``hdf5`` or ``pytorch``; None takes that of the first dataset.
    overwrite
        Whether a dataset there is replaced, or an unfinished one discarded.
    dry_run
        Whether it is only told what would be written.
    any_version
        Whether datasets of different versions of SensoryForge are joined.
    progress
        Whether to draw a bar that counts stimuli, on standard error.
    echo
        Takes each line meant for a reader.

    Raises
    ------
    ConfigError
        Where the datasets do not go together, or something would be lost; nothing is written.
    StorageError
        For the disk, and for a damaged dataset; what was committed stays.
    KeyboardInterrupt, SystemExit
        After a signal, everything committed being saved.
    """
    say = echo or _say_nothing
    plan = plan_merge(places, output, format, any_version)
    committed = read_committed(plan, overwrite)
    if dry_run:
        for line in _dry_run_lines(plan, committed):
            say(line)
        return None
    sitting = _Sitting(plan, overwrite, progress, say)
    with interruptible(say, sitting.describe_left) as signals:
        return sitting.go(committed, signals)


def _say_nothing(line: str) -> None:
    """Take a line."""


class _Sitting:
    """A merge that is going on."""

    def __init__(self, plan: MergePlan, overwrite: bool, progress: bool, say: Echo) -> None:
        self.plan = plan
        self.overwrite = overwrite
        self.progress = progress
        self.say = say
        self.writer: DatasetWriter | None = None

    def go(self, committed: Committed | None, signals: Signals) -> Results:
        """Write what is missing, and return the whole."""
        from sensoryforge.analysis.results import load
        from sensoryforge.store.lock import DirectoryLock

        plan = self.plan
        metadata = merged_metadata(plan.joint, plan.config)
        if _is_done(plan, committed):
            self.say(_nothing_to_do_line(plan))
        else:
            self.say(_opening_line(plan))
            check_datasets(plan)
            self._compare_repeated(signals)
        with DirectoryLock(plan.output):
            # once more, now that nobody else can write there
            self._complete(read_committed(plan, self.overwrite), metadata, signals)
        return load(plan.output)

    def describe_left(self) -> str:
        """Return what a merge that is stopped has left to do, and how to go on."""
        where = files.show(self.plan.output)
        if self.writer is None:
            return "nothing was begun"
        if self.writer.finished:
            return f"{where} is complete"
        todo = len(self.writer.todo)
        command = "the same command without --overwrite" if self.overwrite else "the same command"
        return f"{todo} stimuli left in {where}; {command} goes on"

    def _compare_repeated(self, signals: Signals) -> None:
        """Refuse where a stimulus that two datasets have is not the same in both."""
        from sensoryforge.running.merge_stimuli import check_same

        repeated = self.plan.choice.repeated
        if not repeated:
            return
        bar = self._open_bar(len(repeated), 0, "Comparing")
        try:
            for taken, left in repeated:
                signals.check()
                check_same(self.plan.datasets, taken, left)
                _advance(bar, 1)
        finally:
            _close(bar)

    def _complete(
        self, committed: Committed | None, metadata: dict[str, Any], signals: Signals
    ) -> None:
        """Commit the stimuli that are not there yet, and make the results file."""
        from sensoryforge.store.writer import DatasetWriter

        plan = self.plan
        writer = DatasetWriter.begin(plan.output, plan.format, plan.ids, plan.config, committed)
        self.writer = writer  # what a crash has left there is cleared away
        if writer.finished:
            return
        if committed is not None:
            for line in [*committed.problems, resuming_line(len(plan.ids), len(writer.todo))]:
                self.say(line)
        self._commit_rest(writer, signals)
        signals.check()
        earlier = writer.earlier_dataset
        path = writer.finish(metadata)
        for line in tell_of_drawn(plan.output, earlier):
            self.say(line)
        if writer.spikes is not None:
            self.say(spikes_line(writer.spikes))
            for line in tell_silence(writer.spikes):
                warnings.warn(line, stacklevel=4)
        self.say(f"✓ Results saved to {path}")

    def _commit_rest(self, writer: DatasetWriter, signals: Signals) -> None:
        """Copy the files that are wanted nearly whole, and read the other stimuli one by one."""
        from sensoryforge.running.merge_stimuli import find_whole_files, read_stimuli

        plan = self.plan
        total, left = len(plan.ids), len(writer.todo)
        bar = self._open_bar(total, total - left, "Progress")
        try:
            for file in find_whole_files(plan, writer.todo):
                signals.check()
                writer.adopt(file.path, file.positions, file.spikes)
                _advance(bar, file.wanted)
            todo = writer.todo.tolist()
            together = max(1, min(MOST_TOGETHER, PART_BYTES // max(1, plan.bytes_a_stimulus)))
            for start in range(0, len(todo), together):
                rows = todo[start : start + together]
                entries, arrays = read_stimuli(plan.joint, rows)
                with signals.held():
                    writer.commit(entries, arrays)
                _advance(bar, len(rows))
        finally:
            _close(bar)

    def _open_bar(self, total: int, done: int, title: str) -> Bar | None:
        return open_bar(total, done, title, "stimulus") if self.progress else None


def _advance(bar: Bar | None, count: int) -> None:
    if bar:
        bar.update(count)


def _close(bar: Bar | None) -> None:
    if bar:
        bar.close()


# --- what is said ---


def _opening_line(plan: MergePlan) -> str:
    """Return what is joined, in numbers."""
    datasets = f"Joining {len(plan.datasets)} datasets"
    repeated = len(plan.choice.repeated)
    if not repeated:
        return f"{datasets}: {_stimuli(len(plan.ids))}"
    return f"{datasets}, {_stimuli(len(plan.ids) + repeated)}: {len(plan.ids)} different ones"


def _nothing_to_do_line(plan: MergePlan) -> str:
    where = files.show(plan.output)
    return f"Nothing to do: {where} already holds all {_stimuli(len(plan.ids))}"


def _dry_run_lines(plan: MergePlan, committed: Committed | None) -> list[str]:
    """Return what a merge would write."""
    if _is_done(plan, committed):
        return [_nothing_to_do_line(plan)]
    lines = [*plan.joint.facts["design_text"], _opening_line(plan)]
    if committed is not None:
        todo = len(plan.ids) - len(committed.ids)
        lines += [*committed.problems, resuming_line(len(plan.ids), todo)]
    return [*lines, f"Would write {plan.path}; nothing was written"]


def _is_done(plan: MergePlan, committed: Committed | None) -> bool:
    """Tell whether a results file holds just these stimuli, in this order."""
    if committed is None or not committed.finished:
        return False
    held: list[str] = []
    for _, ids in committed.parts:
        held += ids
    return held == plan.ids


def _stimuli(count: int) -> str:
    return f"{count} stimulus" if count == 1 else f"{count} stimuli"
