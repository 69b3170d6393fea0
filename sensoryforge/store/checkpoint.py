"""``checkpoint.pt``: what the newest run in a directory has committed.

It lists the parts by file, places in the design and checksum, and after the end the results file instead. Stimuli are
known by their ids, which their files hold: places change when a design grows. ``prepared`` is written before a results
file takes its place, so that after a crash between the two the file in place is known for what it is.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sensoryforge import store
from sensoryforge.errors import DamagedError, StorageError
from sensoryforge.store import files
from sensoryforge.store.base import load_archive, reading, save_archive
from sensoryforge.types import Ints

FILE = "checkpoint.pt"
PARTS = "parts"
_VERSION = 1
_UNKNOWN = "0"
_RUNS = re.compile(r"(?:-?\d+\+\d+(?:,-?\d+\+\d+)*)?")
_CHECKSUM = re.compile(r"[0-9a-f]+")
_INSIDE = re.compile(rf"(?:{PARTS}/)?[A-Za-z0-9_]+\.[a-z0-9]+")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Part:
    """A file of committed stimuli: its name inside the directory, and places in the design, row by row, as ``runs``.

    A place of -1 is a stimulus that the design no longer has. Texts, not sequences: a run may have a million stimuli.
    """

    file: str
    runs: str
    checksum: str

    def __post_init__(self) -> None:
        """Raise ValueError for a name that leads out of the directory, or texts that no part has."""
        if not (_INSIDE.fullmatch(self.file) and _RUNS.fullmatch(self.runs) and _CHECKSUM.fullmatch(self.checksum)):
            raise ValueError(f"not a part: {self.file!r}")

    @classmethod
    def of(cls, file: str, indices: Sequence[int] | Ints, checksum: str) -> Part:
        """Return the part with its rows at these places."""
        return cls(file, runs(np.asarray(indices, dtype=np.int64)), checksum)

    @classmethod
    def from_text(cls, text: str) -> Part:
        """Return the part that ``text`` describes; ValueError for anything else."""
        file, places, checksum = text.split(" ")
        return cls(file, places, checksum)

    @property
    def text(self) -> str:
        """The part as a line, as a checkpoint lists it."""
        return f"{self.file} {self.runs} {self.checksum}"

    @cached_property
    def indices(self) -> Ints:
        """The place in the design of each row."""
        pairs = [(int(first), int(count)) for first, count in (run.split("+") for run in self.runs.split(",") if run)]
        spans = [np.arange(first, first + count) if first >= 0 else np.full(count, -1) for first, count in pairs]
        return np.concatenate(spans, dtype=np.int64) if spans else np.zeros(0, np.int64)


@dataclass(frozen=True)
class Checkpoint:
    """The state of the newest run; ``results`` names its results file once it is complete."""

    total_stimuli: int
    config: dict[str, Any]
    format: str
    parts: tuple[Part, ...] = ()
    results: str | None = None
    prepared: Part | None = None

    @cached_property
    def todo(self) -> Ints:
        """Places in the design that are not committed yet, ascending."""
        left = np.ones(self.total_stimuli, dtype=np.bool_)
        indices = np.concatenate([np.zeros(0, np.int64), *(part.indices for part in self.parts)])
        left[indices[(indices >= 0) & (indices < self.total_stimuli)]] = False
        return np.flatnonzero(left)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: first what users look for, then what a resumed run needs."""
        todo = self.todo
        return {
            "num_completed": self.total_stimuli - len(todo),
            "total_stimuli": self.total_stimuli,
            "next_index": int(todo[0]) if len(todo) else self.total_stimuli,
            "config": self.config,
            "format": self.format,
            "parts": "\n".join(part.text for part in self.parts),
            "results": self.results,
            "prepared": self.prepared and self.prepared.text,
            "version": _VERSION,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Checkpoint:
        """Return the checkpoint that ``to_dict`` described; LookupError, TypeError or ValueError otherwise."""
        return cls(
            _typed(data["total_stimuli"], int),
            _typed(data["config"], dict),
            _typed(data["format"], str),
            tuple(Part.from_text(line) for line in _typed(data["parts"], str).splitlines()),
            data["results"] and _typed(data["results"], str),
            data["prepared"] and Part.from_text(_typed(data["prepared"], str)),
        )

    def write(self, directory: Path) -> None:
        """Replace the directory's checkpoint, whole or not at all."""
        with files.replacing(directory / FILE, "checkpoint") as sink:
            save_archive(self.to_dict(), sink)

    @classmethod
    def read(cls, directory: Path) -> Checkpoint | None:
        """Return the directory's checkpoint, None if there is none; DamagedError if it cannot be trusted."""
        path = directory / FILE
        if not files.exists(path):
            return None
        with reading(path):
            data = load_archive(path)
            if _typed(data["version"], int) > _VERSION:
                raise StorageError(f"{files.show(path)}: written by a newer version of SensoryForge; update to read it")
            return cls.from_dict(data)


@dataclass(frozen=True)
class Committed:
    """What of an earlier run is on the disk and good, with the ids of each part's rows; ``problems`` says in a line
    each what is not.
    """

    checkpoint: Checkpoint | None
    parts: tuple[tuple[Part, tuple[str, ...]], ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """Stimuli that need not be computed again."""
        return frozenset(stimulus for _, ids in self.parts for stimulus in ids)

    @property
    def finished(self) -> bool:
        """Whether that run came to its end, and its results file is good."""
        return self.checkpoint is not None and self.checkpoint.results is not None and not self.problems


def scan(directory: Path) -> Committed:
    """Return what of a directory's newest run is committed, every file checked against its checksum.

    Raises DamagedError when the checkpoint itself cannot be trusted, and nothing else tells what it said.
    """
    checkpoint = newest(directory)
    if checkpoint is None:
        return Committed(None)
    good, problems = [], []
    for part in (_sealed(directory, part) for part in checkpoint.parts):
        problem = _problem(directory, part)
        if problem:
            problems.append(f"{part.file} is {problem}: its {len(part.indices)} stimuli have to be computed again")
        else:
            good.append((part, _ids(directory / part.file, checkpoint.format)))
    return Committed(checkpoint, tuple(good), tuple(problems))


def newest(directory: Path) -> Checkpoint | None:
    """Return the settled checkpoint; of a damaged one, what the results file says of its run, if no other was begun.

    Raises DamagedError when nothing says what the directory holds: parts do not tell of which pipeline they are.
    """
    try:
        return settled(directory)
    except DamagedError as error:
        found = None if any((directory / PARTS).glob("part_*")) else _told_by_results(directory)
        if found is None:
            raise DamagedError(
                f"{error}; without it nothing there can be resumed: start anew with --overwrite instead of --resume "
                "(batch.overwrite=true), or choose another batch.output_dir"
            ) from error
        warnings.warn(f"{error}; {found.results} says what it did", stacklevel=1)
        return found


def _told_by_results(directory: Path) -> Checkpoint | None:
    """Return the checkpoint of the run whose results file is there, the only one; None where none can be read."""
    there = [name for name in store.formats() if files.exists(directory / store.results_name(name))]
    with suppress(StorageError):
        for name in there if len(there) == 1 else ():
            reader = store.get(name).Reader(directory / store.results_name(name))
            whole = Part.of(store.results_name(name), range(len(reader)), _UNKNOWN)
            return Checkpoint(len(reader), _typed(reader.facts["config"], dict), name, (whole,), whole.file)
    return None


def _sealed(directory: Path, part: Part) -> Part:
    """Return a part with its checksum."""
    return part if part.checksum != _UNKNOWN else replace(part, checksum=files.checksum(directory / part.file))


def settled(directory: Path) -> Checkpoint | None:
    """Return the checkpoint, carried on to its end if a crash came between the results file's rename and its record."""
    checkpoint = Checkpoint.read(directory)
    if checkpoint is None or checkpoint.prepared is None or _problem(directory, checkpoint.prepared):
        return checkpoint
    done = checkpoint.prepared
    return replace(checkpoint, parts=(done,), results=done.file, prepared=None)


def _problem(directory: Path, part: Part) -> str:
    path = directory / part.file
    if not files.exists(path):
        return "missing"
    return "" if files.checksum(path) == part.checksum else "damaged"


def _ids(path: Path, format: str) -> tuple[str, ...]:
    """Return the ids of a file's rows, which its table has."""
    return tuple(entry["id"] for entry in store.get(format).Reader(path).entries)


def runs(indices: Ints) -> str:
    """Return places as text, a first place and a count for each run of neighbours: ``0+100,250+50,-1+3``."""
    follows = np.where(indices[:-1] < 0, indices[1:] < 0, indices[1:] == indices[:-1] + 1)
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(indices)), np.bool_), ~follows]))
    counts = np.diff(np.append(starts, len(indices)))
    return ",".join(f"{first}+{count}" for first, count in zip(indices[starts].tolist(), counts.tolist(), strict=True))


def _typed(value: Any, kind: type[_T]) -> _T:
    if type(value) is not kind:
        raise TypeError(f"got {value!r} for {kind.__name__}")
    return value
