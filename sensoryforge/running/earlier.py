"""What the output directory of a run holds already, and whether the run may go on from it.

    the directory holds     without a flag          --resume                --overwrite
    nothing                 starts                  starts, and says so     starts
    an unfinished run       refused                 goes on                 starts anew
    a finished dataset      goes on or refused      goes on or refused      starts anew

A run goes on from a dataset that its design holds whole, and that was made with the same pipeline
and neurons: it computes what is new, or has nothing to do. Whatever starts anew leaves the dataset
that is there until its successor is complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sensoryforge.analysis.pipelines import Difference, find_differences
from sensoryforge.core.errors import ConfigError, DamagedError
from sensoryforge.design.experiment import Experiment

if TYPE_CHECKING:
    from sensoryforge.store.checkpoint import Checkpoint, Committed

MOST_DIFFERENCES = 3
"""Keys that the refusal to replace a finished dataset names."""

_FORMAT = "batch.format"
_SET_BACK = "set it back"
_TWO_WAYS = "replace it with --overwrite (batch.overwrite=true) or choose another batch.output_dir"


def read_committed(experiment: Experiment) -> Committed | None:
    """Return what an earlier run left to go on from, every file checked; None to begin anew.

    Raises
    ------
    ConfigError
        Where this run would discard an unfinished run or a finished dataset without having been
        told to, or does not match what it is to go on from.
    """
    from sensoryforge.store.checkpoint import scan

    before = check_earlier_run(experiment)
    if before is None:
        return None
    spec = experiment.batch
    committed = scan(spec.output_dir, before)
    if not spec.resume:
        _check_unchanged(spec.output_dir, committed)
    return committed


def check_earlier_run(experiment: Experiment) -> Checkpoint | None:
    """Return what an earlier run says of itself, to go on from; None to begin anew.

    Raises
    ------
    ConfigError
        As `read_committed`; the stimuli are not read from the disk.
    """
    from sensoryforge.store.checkpoint import read_or_recover

    spec = experiment.batch
    if spec.overwrite:  # which excludes resume
        return None
    before = read_or_recover(spec.output_dir)
    if before is None:
        _check_no_stray_parts(spec.output_dir)
    if spec.resume:
        if before is not None:
            _check_same_configuration(before, experiment)
        return before
    if before is None or _is_without_stimuli(before):
        before = _dataset_without_its_run(experiment)
    if before is None:
        return None
    if before.results is None:
        raise ConfigError(
            f"{spec.output_dir}: holds an unfinished run "
            f"({before.num_completed} of {before.total_stimuli} stimuli); "
            "go on with --resume (batch.resume=true) "
            "or discard it with --overwrite (batch.overwrite=true)"
        )
    _check_extends(before, experiment)
    return before


def check_nothing_lost(
    committed: Committed | None, ids: Sequence[str], directory: Path, hint: str = ""
) -> None:
    """Refuse to go on with a run that has stimuli the design lacks: they would be lost.

    Parameters
    ----------
    committed
        What the earlier run left.
    ids
        The stimuli of the design.
    directory
        Where that run wrote.
    hint
        Why the design may lack some, for the message.

    Raises
    ------
    ConfigError
        If there are any.
    """
    lost = len(committed.ids - frozenset(ids)) if committed else 0
    if lost:
        raise ConfigError(
            f"stimuli: {lost} that {directory} holds are not in this design, and would be lost; "
            f"put them back, choose another batch.output_dir, or start anew with --overwrite{hint}"
        )


# --- a finished dataset ---


def _check_extends(before: Checkpoint, experiment: Experiment) -> None:
    """Refuse to replace a finished dataset that this design does not hold."""
    from sensoryforge.store.checkpoint import stored_ids

    directory = experiment.batch.output_dir
    differences = list(_differences(before, experiment))
    if differences:
        named = [
            f"{difference.key}: {difference.was!r} (now {difference.now!r})"
            for difference in differences[:MOST_DIFFERENCES]
        ]
        if len(differences) > MOST_DIFFERENCES:
            named.append(f"and {len(differences) - MOST_DIFFERENCES} more")
        made_with = ", ".join(named)
        raise ConfigError(
            f"{directory}: holds a finished dataset made with {made_with}; {_TWO_WAYS}"
        )
    try:
        held = stored_ids(directory, before)
    except DamagedError as error:
        raise ConfigError(f"{error}; {_TWO_WAYS}") from error
    design = experiment.design
    lost = len(held - frozenset(design.ids(0, len(design))))
    if lost:
        count = len(held)
        noun = "stimulus" if count == 1 else "stimuli"
        raise ConfigError(
            f"{directory}: holds a finished dataset of {count} {noun}, {lost} of which this design "
            f"lacks; {_TWO_WAYS}{design.hint_at_growth}"
        )


def _check_unchanged(directory: Path, committed: Committed) -> None:
    """Refuse to compute a finished dataset again because its file is not what was written."""
    from sensoryforge.store import files

    checkpoint = committed.checkpoint
    if checkpoint is None or checkpoint.results is None or not committed.problems:
        return
    if files.exists(directory / checkpoint.results):  # a missing one has nothing left to lose
        problem = f"{directory / checkpoint.results}: damaged, or changed since it was written"
        raise ConfigError(
            f"{problem}; --resume (batch.resume=true) computes its stimuli again, or {_TWO_WAYS}"
        )


def _is_without_stimuli(before: Checkpoint) -> bool:
    """Tell whether a run was stopped before it had committed anything."""
    return before.results is None and not before.parts


def _dataset_without_its_run(experiment: Experiment) -> Checkpoint | None:
    """Return what a results file tells of its run where no checkpoint does; None without any.

    That is one whose checkpoint was removed, or that a run was to replace which was stopped before
    it had committed anything.
    """
    from sensoryforge.store import files
    from sensoryforge.store.checkpoint import told_by_results
    from sensoryforge.store.formats import find_results_files

    spec = experiment.batch
    paths = [path for _, path in find_results_files(spec.output_dir)]
    own_path = spec.output_dir / spec.format.results_name
    if own_path not in paths and files.exists(own_path):
        paths.append(own_path)
    if not paths:
        return None
    told = told_by_results(spec.output_dir)
    if told is None:
        names = " and ".join(path.name for path in paths)
        raise ConfigError(
            f"{spec.output_dir}: holds {names}, and nothing tells of which run; {_TWO_WAYS}"
        )
    return told


# --- an unfinished run ---


def _check_no_stray_parts(directory: Path) -> None:
    from sensoryforge.store.checkpoint import PARTS

    if (directory / PARTS).is_dir():
        raise ConfigError(
            f"{directory}: has parts of a run but no checkpoint.pt that says which stimuli they "
            "hold; discard them with --overwrite (batch.overwrite=true) or choose another "
            "batch.output_dir"
        )


def _check_same_configuration(before: Checkpoint, experiment: Experiment) -> None:
    """Refuse to go on with a run of another configuration, naming every key."""
    problems = []
    for difference in _differences(before, experiment):
        was, now = difference.was, difference.now
        is_of_format = difference.key == _FORMAT
        remedy = _SET_BACK if is_of_format else f"{_SET_BACK}, or start anew with --overwrite"
        problems.append(f"{difference.key}: got {now!r}, the run to resume has {was!r}; {remedy}")
    if problems:
        raise ConfigError(problems)


# --- what differs ---


def _differences(before: Checkpoint, experiment: Experiment) -> Iterator[Difference]:
    """Yield each key that would make a dataset of both runs a mixture."""
    yield from find_differences(before.config, experiment.config)
    new_format = experiment.batch.format.written_name
    if before.format != new_format:
        yield Difference(_FORMAT, before.format, new_format)
