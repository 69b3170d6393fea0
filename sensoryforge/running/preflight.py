"""What is looked at before a run starts.

That is room in memory and on the disk, and what the output directory holds already.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge.core.devices import total_memory_bytes
from sensoryforge.core.errors import ConfigError, StorageError
from sensoryforge.design.experiment import Experiment
from sensoryforge.running.estimate import estimate, format_bytes

if TYPE_CHECKING:
    from sensoryforge.store.checkpoint import Checkpoint, Committed

NO_EFFECT = frozenset(
    {"device", "devices", "backend", "chunk_size", "surrogate", "surrogate_width"}
)
"""Keys of ``pipeline`` that change how a result is computed and not what it is."""

_SET_BACK = "set it back, or start anew with --overwrite"


def preflight(experiment: Experiment) -> list[str]:
    """Raise where a run must not start, and return what a run that starts may run into.

    Nothing is written, and of the output directory at most the checkpoint is read.

    Returns
    -------
    list of str
        A message for each thing to warn of. A dataset that is compressed may find no room on the
        disk; how far it will be compressed is not known before, so that it may well fit.

    Raises
    ------
    ConfigError
        For a dataset too large for the memory, or an earlier run that this one would discard or
        does not match.
    LockedError
        While another run writes in the directory.
    StorageError
        Where the disk has no room for a dataset whose size is known.
    """
    from sensoryforge.store import lock
    from sensoryforge.store.checkpoint import read_or_recover

    _check_memory(experiment)
    _draw_places(experiment)
    lock.probe(experiment.batch.output_dir)
    before = None if experiment.batch.overwrite else read_or_recover(experiment.batch.output_dir)
    _check_earlier_run(experiment, before)
    shortage = _disk_shortage(experiment, before if experiment.batch.resume else None)
    if not shortage:
        return []
    if not experiment.batch.format.compresses:
        raise StorageError(f"{shortage}; make room, or choose another batch.output_dir")
    return [f"{shortage}; should the disk fill up, what was committed stays, and --resume goes on"]


def _draw_places(experiment: Experiment) -> None:
    """Draw where afferents lie and what they pool, where a class is the user's: it may fail."""
    for name, population in experiment.populations.items():
        modules = [type(part).__module__ for part in (population.layout, population.innervation)]
        if not all(module.startswith("sensoryforge.") for module in modules):
            _ = experiment.places(name).fields


def check_nothing_lost(committed: Committed | None, ids: Sequence[str], directory: Path) -> None:
    """Refuse to go on with a run that has stimuli the design lacks: they would be lost.

    Parameters
    ----------
    committed
        What the earlier run left.
    ids
        The stimuli of the design.
    directory
        Where that run wrote.

    Raises
    ------
    ConfigError
        If there are any.
    """
    lost = len(committed.ids - frozenset(ids)) if committed else 0
    if lost:
        raise ConfigError(
            f"stimuli: {lost} that {directory} holds are not in this design, and would be lost; "
            "put them back, choose another batch.output_dir, or start anew with --overwrite"
        )


# --- memory and disk ---


def _check_memory(experiment: Experiment) -> None:
    """Refuse a dataset that does not fit the memory, where its format makes one object of it."""
    form = experiment.batch.format
    available = total_memory_bytes()
    if not form.whole_in_memory or available is None:
        return
    needed = estimate(experiment, "torch").memory_bytes
    if needed > available:
        amounts = f"about {format_bytes(needed)} of {format_bytes(available)}"
        raise ConfigError(
            f"batch.format: {form.name} keeps the dataset in memory, {amounts}; "
            "set batch.format: hdf5"
        )


def _disk_shortage(experiment: Experiment, before: Checkpoint | None) -> str:
    """Return what the disk lacks for parts and results, an empty text if nothing.

    The two lie side by side for a moment. ``before`` is the run that this one goes on with.
    """
    from sensoryforge.store import files

    total = len(experiment.design)
    done = before.num_completed if before else 0
    todo = max(0, total - done)
    if before and before.results and not todo:
        return ""
    costs = estimate(experiment, "torch")
    needed = costs.disk_bytes * (1 + todo / total)
    directory = experiment.batch.output_dir
    with files.disk(directory):
        place = _nearest_existing(directory)
        free = shutil.disk_usage(place).free
    if needed <= free:
        return ""
    about = "up to" if costs.compressed else "about"
    return (
        f"{files.show(directory)}: {about} {format_bytes(needed)} needed for parts and results, "
        f"{format_bytes(free)} free in {files.show(place)}"
    )


def _nearest_existing(directory: Path) -> Path:
    """Return the directory, or the nearest of its parents that is there."""
    folder = directory.absolute()
    return next(place for place in (folder, *folder.parents) if place.exists())


# --- what the output directory holds ---


def _check_earlier_run(experiment: Experiment, before: Checkpoint | None) -> None:
    """Refuse to discard an unfinished run, and to go on with one of another configuration."""
    spec = experiment.batch
    if spec.overwrite:  # which excludes resume
        return
    if before is None:
        _check_no_stray_parts(spec.output_dir)
    elif spec.resume:
        problems = [*_differences(before, experiment)]
        if problems:
            raise ConfigError(problems)
    elif before.results is None and before.parts:
        raise ConfigError(
            f"{spec.output_dir}: holds an unfinished run "
            f"({before.num_completed} of {before.total_stimuli} stimuli); "
            "go on with --resume (batch.resume=true) "
            "or discard it with --overwrite (batch.overwrite=true)"
        )


def _check_no_stray_parts(directory: Path) -> None:
    from sensoryforge.store.checkpoint import PARTS

    if (directory / PARTS).is_dir():
        raise ConfigError(
            f"{directory}: has parts of a run but no checkpoint.pt that says which stimuli they "
            "hold; discard them with --overwrite (batch.overwrite=true) or choose another "
            "batch.output_dir"
        )


def _differences(before: Checkpoint, experiment: Experiment) -> Iterator[str]:
    """Yield a message for each key that would make a resumed dataset a mixture of two."""
    old, new = before.config, experiment.config
    for section in ("pipeline", "neurons"):
        yield from _section_differences(section, old.get(section), new.get(section))
    old_save = sorted(old.get("batch", {}).get("save") or [])
    new_save = sorted(new["batch"].get("save") or [])
    if old_save != new_save:
        yield _difference("batch.save", old_save, new_save, _SET_BACK)
    new_format = experiment.batch.format.written_name
    if before.format != new_format:
        yield _difference("batch.format", before.format, new_format, "set it back")


def _section_differences(section: str, old: Any, new: Any) -> Iterator[str]:
    old_values, new_values = _flatten(old, section), _flatten(new, section)
    for key in sorted(old_values.keys() | new_values.keys()):
        if key.removeprefix("pipeline.") in NO_EFFECT:
            continue
        if old_values.get(key) != new_values.get(key):
            was = old_values.get(key, "nothing")
            now = new_values.get(key, "nothing")
            yield _difference(key, was, now, _SET_BACK)


def _difference(key: str, was: object, now: object, remedy: str) -> str:
    return f"{key}: got {now!r}, the run to resume has {was!r}; {remedy}"


def _flatten(node: Any, key: str) -> dict[str, Any]:
    """Return every value below a node by its dotted key."""
    if not isinstance(node, Mapping) or not node:
        return {key: node}
    values: dict[str, Any] = {}
    for name, value in node.items():
        values.update(_flatten(value, f"{key}.{name}"))
    return values
