"""What is looked at before a run starts: room in memory and on the disk, and what its directory holds already."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge.errors import ConfigError, StorageError
from sensoryforge.estimate import amount, estimate
from sensoryforge.experiment import Experiment

if TYPE_CHECKING:
    from sensoryforge.store.checkpoint import Checkpoint, Committed

DIRECTORIES = ("batch.output_dir", "hydra.run.dir", "hydra.sweep.dir")
NO_EFFECT = frozenset({"device", "devices", "backend", "chunk_size", "surrogate", "surrogate_width"})
"""Keys of ``pipeline`` that change how a result is computed and not what it is."""


def preflight(experiment: Experiment) -> None:
    """Raise where a run must not start; nothing is written, and of its directory at most the checkpoint is read.

    Raises ConfigError for a dataset too large for the memory, or an earlier run that it would discard or does not
    match; LockedError while another run writes there; StorageError where the disk has no room.
    """
    from sensoryforge.store import lock
    from sensoryforge.store.checkpoint import PARTS, newest

    _check_memory(experiment)
    spec = experiment.batch
    lock.probe(spec.output_dir)
    before = newest(spec.output_dir) if spec.resume or not spec.overwrite else None
    if before is None and not spec.overwrite and (spec.output_dir / PARTS).is_dir():
        raise ConfigError(
            f"{spec.output_dir}: has parts of a run but no checkpoint.pt that says which stimuli they hold; "
            "discard them with --overwrite (batch.overwrite=true) or choose another batch.output_dir"
        )
    if before is not None and spec.resume:
        problems = [*_differences(before.config, experiment.config, before.format)]
        if problems:
            raise ConfigError(problems)
    elif before is not None and before.results is None and before.parts:
        done = before.total_stimuli - len(before.todo)
        raise ConfigError(
            f"{spec.output_dir}: holds an unfinished run ({done} of {before.total_stimuli} stimuli); "
            "go on with --resume (batch.resume=true) or discard it with --overwrite (batch.overwrite=true)"
        )
    _check_disk(experiment, before if spec.resume else None)


def check_encoding(words: Iterable[str]) -> None:
    """Refuse overrides that are not UTF-8, before Hydra says that it cannot read them. Raises StorageError for a name
    of a directory (HDF5 and torch cannot write there), ConfigError for anything else.
    """
    from sensoryforge.store import files

    for word in words:
        key, equals, value = word.partition("=")
        if equals and not _is_text(word):
            if key in DIRECTORIES:
                raise files.not_text(Path(value))
            raise ConfigError(f"{files.show(Path(word))}: is not UTF-8")


def _is_text(word: str) -> bool:
    """Tell whether a word of a command line was UTF-8; Python stands surrogates in for other bytes."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_kept(committed: Committed | None, ids: Sequence[str], directory: Path) -> None:
    """Refuse to go on with a run that has stimuli the design does not: they would be lost. Raises ConfigError."""
    lost = len(committed.ids - frozenset(ids)) if committed else 0
    if lost:
        raise ConfigError(
            f"stimuli: {lost} that {directory} holds are not in this design, and would be lost; put them back, "
            "choose another batch.output_dir, or start anew with --overwrite"
        )


def _check_memory(experiment: Experiment) -> None:
    """Refuse a results.pt that does not fit the memory: it is one object there."""
    if experiment.batch.format != "pytorch":
        return
    need = estimate(experiment, "torch").memory_bytes
    have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > have:
        raise ConfigError(
            f"batch.format: pytorch keeps the dataset in memory, about {amount(need)} of {amount(have)}; "
            "set batch.format: hdf5"
        )


def _check_disk(experiment: Experiment, before: Checkpoint | None) -> None:
    """Refuse a run whose parts and results, which lie side by side for a moment, find no room."""
    from sensoryforge.store import files

    total = len(experiment.design)
    done = before.total_stimuli - len(before.todo) if before else 0
    todo = max(0, total - done)
    if before and before.results and not todo:
        return
    need = estimate(experiment, "torch").disk_bytes * (1 + todo / total)
    directory = experiment.batch.output_dir
    with files.disk(directory):
        place = _existing(directory)
        have = shutil.disk_usage(place).free
    if need > have:
        raise StorageError(
            f"{files.show(directory)}: about {amount(need)} needed for parts and results, {amount(have)} free in "
            f"{files.show(place)}; make room, or choose another batch.output_dir"
        )


def _existing(directory: Path) -> Path:
    """Return the directory, or the nearest of its parents that is there."""
    folder = directory.absolute()
    return next(place for place in (folder, *folder.parents) if place.exists())


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], format: str) -> Iterator[str]:
    """Yield a line for each key that would make a resumed dataset a mixture of two."""
    for section in ("pipeline", "neurons"):
        before, after = _flat(old.get(section), section), _flat(new.get(section), section)
        for key in sorted(before.keys() | after.keys()):
            if key.removeprefix("pipeline.") not in NO_EFFECT and before.get(key) != after.get(key):
                was, now = before.get(key, "nothing"), after.get(key, "nothing")
                yield f"{key}: got {now!r}, the run to resume has {was!r}; set it back, or start anew with --overwrite"
    was, now = sorted(old.get("batch", {}).get("save") or []), sorted(new["batch"].get("save") or [])
    if was != now:
        yield f"batch.save: got {now!r}, the run to resume has {was!r}; set it back, or start anew with --overwrite"
    if format != new["batch"]["format"]:
        yield f"batch.format: got {new['batch']['format']!r}, the run to resume has {format!r}; set it back"


def _flat(node: Any, key: str) -> dict[str, Any]:
    if isinstance(node, Mapping) and node:
        return {k: v for name, value in node.items() for k, v in _flat(value, f"{key}.{name}").items()}
    return {key: node}
