"""``checkpoint.pt``: what the newest run in a directory has committed.

It lists the parts by file, positions in the design and checksum, and after the end the results file
instead. Stimuli are known by their ids, which their files hold: positions change when a design
grows.
A run takes it through these states::

    no checkpoint
         │ begin
         ▼
      RUNNING ◀─ a part is committed: RUNNING again, with one part more
         │ no stimulus is left; the results file is written aside
         ▼
      PREPARED
         │ the results file is renamed into its place
         ▼
       DONE ─── a design that grew goes on: RUNNING, with the results file as its first part

    state      parts               prepared            results
    RUNNING    those committed     -                   -
    PREPARED   those committed     the results file    -
    DONE       the results file    -                   its name

A run that was stopped goes on from RUNNING or PREPARED with the parts that are good; one that
begins anew starts in RUNNING without any. PREPARED is written before the results file takes its
place, so that after a crash between the two the file in place is known for what it is. Four
functions read a checkpoint, each building on the one before::

    Checkpoint.read   what was written, or None; DamagedError if it cannot be trusted
    read_settled      PREPARED is DONE, if its results file is in place
    read_or_recover   a damaged checkpoint is replaced by what the only results file says,
                      unless parts of a later run lie beside it
    scan              compares every file with its checksum: what need not be computed again
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sensoryforge.core.errors import DamagedError, StorageError
from sensoryforge.core.old_names import upgraded
from sensoryforge.core.types import Ints
from sensoryforge.store import files
from sensoryforge.store.archive import load_archive, save_archive
from sensoryforge.store.formats import find_results_files, locate_format

FILE = "checkpoint.pt"
PARTS = "parts"
_VERSION = 1
_UNKNOWN = "0"
"""Checksum of a results file that no checkpoint vouches for."""
_POSITIONS = re.compile(r"(?:-?\d+\+\d+(?:,-?\d+\+\d+)*)?")
_CHECKSUM = re.compile(r"[0-9a-f]+")
_SPIKES = re.compile(r"(?:\w+=\d+(?:,\w+=\d+)*)?")
_INSIDE = re.compile(rf"(?:{PARTS}/)?[A-Za-z0-9_]+\.[a-z0-9]+")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Part:
    """A file of committed stimuli, and where in the design each of its rows belongs.

    Texts, not sequences: a run may have a million stimuli.

    Parameters
    ----------
    file
        Its name inside the directory.
    positions
        The position in the design of each row, as `format_positions` writes it; -1 for a stimulus
        that the design no longer has.
    checksum
        SHA-256 of its bytes.
    spikes
        How many spikes each population has in it, as `format_spikes` writes it; empty where that
        was not counted.

    Examples
    --------
    >>> part = Part.of("parts/part_000000.h5", [4, 5, 6, 0], checksum="0f")
    >>> part.positions, part.indices.tolist()
    ('4+3,0+1', [4, 5, 6, 0])
    """

    file: str
    positions: str
    checksum: str
    spikes: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for a name outside the directory, or texts that no part has."""
        is_inside = _INSIDE.fullmatch(self.file)
        has_positions = _POSITIONS.fullmatch(self.positions)
        has_checksum = _CHECKSUM.fullmatch(self.checksum)
        has_spikes = _SPIKES.fullmatch(self.spikes)
        if not (is_inside and has_positions and has_checksum and has_spikes):
            raise ValueError(f"not a part: {self.file!r}")

    @classmethod
    def of(cls, file: str, indices: Sequence[int] | Ints, checksum: str, spikes: str = "") -> Part:
        """Return the part with its rows at these positions."""
        positions = format_positions(np.asarray(indices, dtype=np.int64))
        return cls(file, positions, checksum, spikes)

    @classmethod
    def from_text(cls, text: str) -> Part:
        """Return the part that ``text`` describes; ValueError for anything else."""
        file, positions, checksum, *spikes = text.split(" ")
        return cls(file, positions, checksum, *spikes)

    @property
    def spike_counts(self) -> dict[str, int]:
        """How many spikes each population has in it; empty where that was not counted.

        Examples
        --------
        >>> Part("parts/part_000000.h5", "0+8", "0f", "sa=194,ra=61").spike_counts
        {'sa': 194, 'ra': 61}
        """
        counts: dict[str, int] = {}
        for count in self.spikes.split(",") if self.spikes else ():
            population, _, spikes = count.partition("=")
            counts[population] = int(spikes)
        return counts

    @property
    def text(self) -> str:
        """The part as a line, as a checkpoint lists it."""
        text = f"{self.file} {self.positions} {self.checksum}"
        return f"{text} {self.spikes}" if self.spikes else text

    @cached_property
    def indices(self) -> Ints:
        """The position in the design of each row."""
        spans = [np.zeros(0, np.int64)]
        for neighbours in self.positions.split(",") if self.positions else ():
            first, count = map(int, neighbours.split("+"))
            spans.append(np.arange(first, first + count) if first >= 0 else np.full(count, -1))
        return np.concatenate(spans, dtype=np.int64)


@dataclass(frozen=True)
class Checkpoint:
    """The state of the newest run.

    Parameters
    ----------
    total_stimuli
        How many stimuli the design has.
    config
        The resolved configuration, in plain containers.
    format
        The output format, as ``Format.written_name`` gives it.
    parts
        The committed files.
    results
        The name of the results file, once it is complete.
    prepared
        The results file that is about to take its place.
    """

    total_stimuli: int
    config: dict[str, Any]
    format: str
    parts: tuple[Part, ...] = ()
    results: str | None = None
    prepared: Part | None = None

    @cached_property
    def todo(self) -> Ints:
        """Positions in the design that are not committed yet, ascending."""
        # one array of all parts: every commit asks for this, and numpy is slow on many small ones
        none = np.zeros(0, np.int64)
        positions = np.concatenate([none, *(part.indices for part in self.parts)])
        is_there = (positions >= 0) & (positions < self.total_stimuli)
        is_left = np.ones(self.total_stimuli, dtype=np.bool_)
        is_left[positions[is_there]] = False
        return np.flatnonzero(is_left)

    @property
    def spikes(self) -> dict[str, int] | None:
        """How many spikes each population has in all parts; None where one was not counted."""
        if not self.parts or not all(part.spikes for part in self.parts):
            return None
        total: dict[str, int] = {}
        for part in self.parts:
            for population, spikes in part.spike_counts.items():
                total[population] = total.get(population, 0) + spikes
        return total

    @property
    def num_completed(self) -> int:
        """How many stimuli of the design are committed."""
        return self.total_stimuli - len(self.todo)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: first what users look for, then what a resumed run needs."""
        todo = self.todo
        next_index = int(todo[0]) if len(todo) else self.total_stimuli
        return {
            "num_completed": self.num_completed,
            "total_stimuli": self.total_stimuli,
            "next_index": next_index,
            "config": self.config,
            "format": self.format,
            "parts": "\n".join(part.text for part in self.parts),
            "results": self.results,
            "prepared": None if self.prepared is None else self.prepared.text,
            "version": _VERSION,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Checkpoint:
        """Return the checkpoint that ``to_dict`` described.

        Raises LookupError, TypeError or ValueError for anything else.
        """
        lines = _typed(data["parts"], str).splitlines()
        results = data["results"]
        prepared = data["prepared"]
        return cls(
            total_stimuli=_typed(data["total_stimuli"], int),
            config=upgraded(_typed(data["config"], dict)),
            format=_typed(data["format"], str),
            parts=tuple(Part.from_text(line) for line in lines),
            results=None if results is None else _typed(results, str),
            prepared=None if prepared is None else Part.from_text(_typed(prepared, str)),
        )

    def write(self, directory: Path) -> None:
        """Replace the directory's checkpoint, whole or not at all."""
        with files.replacing(directory / FILE, "checkpoint") as sink:
            save_archive(self.to_dict(), sink)

    @classmethod
    def read(cls, directory: Path) -> Checkpoint | None:
        """Return the directory's checkpoint, None if there is none.

        Raises DamagedError if it cannot be trusted.
        """
        path = directory / FILE
        if not files.exists(path):
            return None
        with files.reading(path):
            data = load_archive(path)
            if _typed(data["version"], int) > _VERSION:
                raise StorageError(
                    f"{files.show(path)}: written by a newer version of SensoryForge; "
                    "update to read it"
                )
            return cls.from_dict(data)


def read_settled(directory: Path) -> Checkpoint | None:
    """Return the checkpoint, taken as done if its prepared results file is in place.

    It is if a crash came between the renaming of the results file and the record of it.
    """
    checkpoint = Checkpoint.read(directory)
    if checkpoint is None or checkpoint.prepared is None:
        return checkpoint
    whole = checkpoint.prepared
    if _problem(directory, whole):
        return checkpoint
    return replace(checkpoint, parts=(whole,), results=whole.file, prepared=None)


def read_or_recover(directory: Path) -> Checkpoint | None:
    """Return the checkpoint that `read_settled` reads, or what a results file says in its place.

    A results file says nothing of a damaged checkpoint if another run was begun after it.

    Raises
    ------
    DamagedError
        When nothing says what the directory holds: parts do not tell of which pipeline they are.
    """
    try:
        return read_settled(directory)
    except DamagedError as error:
        another_was_begun = any((directory / PARTS).glob("part_*"))
        told = None if another_was_begun else told_by_results(directory)
        if told is None:
            raise DamagedError(
                f"{error}; without it nothing there can be resumed: start anew with --overwrite "
                "instead of --resume (batch.overwrite=true), or choose another batch.output_dir"
            ) from error
        warnings.warn(f"{error}; {told.results} says what it did", stacklevel=1)
        return told


def told_by_results(directory: Path) -> Checkpoint | None:
    """Return the checkpoint that a results file tells of, if there is just one; None otherwise.

    Parameters
    ----------
    directory
        The output directory of a run.

    Raises
    ------
    StorageError
        If the file may not be read, or another program has it open for writing.
    """
    results_files = find_results_files(directory)
    if len(results_files) != 1:
        return None
    format, path = results_files[0]
    try:
        reader = format.reader(path)
        config = _typed(reader.facts["config"], dict)
        count = len(reader)
    except (DamagedError, LookupError, TypeError):
        return None
    whole = Part.of(format.results_name, range(count), _UNKNOWN)
    return Checkpoint(count, upgraded(config), format.written_name, (whole,), whole.file)


@dataclass(frozen=True)
class Committed:
    """What of an earlier run is on the disk and good.

    Parameters
    ----------
    checkpoint
        What the run said of itself; None where there was none.
    parts
        Each good part, with the ids of its rows.
    problems
        A line for each part that is not good.
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
        if self.checkpoint is None or self.problems:
            return False
        return self.checkpoint.results is not None


def scan(directory: Path, checkpoint: Checkpoint | None = None) -> Committed:
    """Return what is committed of a directory's newest run, every file checked.

    Parameters
    ----------
    directory
        The output directory of a run.
    checkpoint
        What the run says of itself; without it, what `read_or_recover` says.

    Raises
    ------
    DamagedError
        When the checkpoint itself cannot be trusted, and nothing else tells what it said.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     scan(Path(folder))
    Committed(checkpoint=None, parts=(), problems=())
    """
    checkpoint = checkpoint or read_or_recover(directory)
    if checkpoint is None:
        return Committed(None)
    good: list[tuple[Part, tuple[str, ...]]] = []
    problems: list[str] = []
    for part in checkpoint.parts:
        part = _with_checksum(directory, part)
        problem = _problem(directory, part)
        if problem == "damaged":
            _check_not_in_use(directory / part.file, checkpoint.format)
        if problem:
            count = len(part.indices)
            problems.append(
                f"{part.file} is {problem}: its {count} stimuli have to be computed again"
            )
        else:
            good.append((part, _ids(directory / part.file, checkpoint.format)))
    return Committed(checkpoint, tuple(good), tuple(problems))


def stored_ids(directory: Path, checkpoint: Checkpoint) -> frozenset[str]:
    """Return the ids of the stimuli in a run's files, those that are missing left out.

    Parameters
    ----------
    directory
        The output directory of the run.
    checkpoint
        What the run says of itself.

    Raises
    ------
    StorageError
        If a file cannot be read; DamagedError if it is not what was written.
    """
    ids: set[str] = set()
    for part in checkpoint.parts:
        path = directory / part.file
        if files.exists(path):
            ids.update(_ids(path, checkpoint.format))
    return frozenset(ids)


def _with_checksum(directory: Path, part: Part) -> Part:
    """Return a part with its checksum, as it is now where none is known."""
    if part.checksum != _UNKNOWN:
        return part
    return replace(part, checksum=files.checksum(directory / part.file))


def _problem(directory: Path, part: Part) -> str:
    """Return what is wrong with a part's file, in a word; nothing if it is good."""
    path = directory / part.file
    if not files.exists(path):
        return "missing"
    return "" if files.checksum(path) == part.checksum else "damaged"


def _check_not_in_use(path: Path, format: str) -> None:
    """Raise StorageError if a file differs because a program has it open, or has not closed it."""
    with suppress(DamagedError):
        locate_format(format).reader(path).close()


def _ids(path: Path, format: str) -> tuple[str, ...]:
    """Return the ids of a file's rows, which its table has."""
    reader = locate_format(format).reader(path)
    ids = tuple(entry["id"] for entry in reader.entries)
    reader.close()
    return ids


def format_positions(indices: Ints) -> str:
    """Return positions as text: the first and a count for each series of neighbours.

    Parameters
    ----------
    indices
        Positions in a design, ``[B]``; -1 for a stimulus that it no longer has.

    Examples
    --------
    >>> format_positions(np.array([0, 1, 2, 250, 251, -1, -1, -1]))
    '0+3,250+2,-1+3'
    """
    if not len(indices):
        return ""
    before, after = indices[:-1], indices[1:]
    goes_on = np.where(before < 0, after < 0, after == before + 1)
    starts = np.flatnonzero(np.concatenate([[True], ~goes_on]))
    firsts = indices[starts].tolist()
    counts = np.diff(starts, append=len(indices)).tolist()
    return ",".join(f"{first}+{count}" for first, count in zip(firsts, counts, strict=True))


def format_spikes(spikes: Mapping[str, int]) -> str:
    """Return numbers of spikes as text.

    Examples
    --------
    >>> format_spikes({"sa": 194, "ra": 61})
    'sa=194,ra=61'
    """
    return ",".join(f"{population}={count}" for population, count in spikes.items())


def _typed(value: Any, kind: type[_T]) -> _T:
    if type(value) is not kind:
        raise TypeError(f"got {value!r} for {kind.__name__}")
    return value
