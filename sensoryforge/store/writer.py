"""Commits the stimuli of a run part by part, and makes the results file of the parts.

A part exists once its file is complete under its name *and* the checkpoint says so; anything else
in the directory is the rest of a crash and is cleared away. The results file of an earlier run
stays until its successor is complete.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from sensoryforge.core.errors import StorageError
from sensoryforge.core.types import Ints
from sensoryforge.store import csv_table, files
from sensoryforge.store.checkpoint import PARTS, Checkpoint, Committed, Part, format_spikes
from sensoryforge.store.formats import Format, find_results_files
from sensoryforge.store.formats.base import Arrays, Metadata, Source
from sensoryforge.store.table import Entry

_SPIKES = "_spikes"
"""What the array of a population's spikes is called, after the population's name."""
Ids: TypeAlias = npt.NDArray[np.bytes_]
"""Ids of a design's stimuli, in order; as bytes they take a quarter of the memory of texts."""
EarlierDataset: TypeAlias = Literal["none", "grew", "replaced"]
"""Whether a run finds a dataset in its directory, and goes on from it or replaces it."""
_OURS = re.compile(r"\.?part_(\d+)\.\w+(?:\.tmp)?|\.(?:results|checkpoint|stimuli)\.\w+\.tmp")
"""Names of parts, and of files written aside, in whatever format; the group is a part's number."""


class DatasetWriter:
    """The only writer of an output directory, whose lock its caller holds.

    `begin` makes one. ``commit`` may be called from several threads at once.

    Parameters
    ----------
    directory
        Where the dataset goes.
    format
        How it is written.
    ids
        Those of the design's stimuli, in order, as bytes.
    checkpoint
        What is committed, as the directory's checkpoint says it.
    """

    def __init__(self, directory: Path, format: Format, ids: Ids, checkpoint: Checkpoint) -> None:
        self.directory = directory
        self._ids = ids
        self._format = format
        self._path = directory / format.results_name
        self._lock = Lock()
        self._checkpoint = checkpoint
        self._next_number = _next_number(checkpoint.parts)

    @classmethod
    def begin(
        cls,
        directory: Path,
        format: Format,
        ids: Sequence[str],
        config: dict[str, Any],
        committed: Committed | None = None,
    ) -> DatasetWriter:
        """Record on the disk where a run starts, clear away what is of no use, return the writer.

        A run that goes on starts with the good parts of the one before.

        Parameters
        ----------
        directory
            Where the dataset goes; it is made if need be.
        format
            How it is written.
        ids
            Those of the design's stimuli, in order.
        config
            The resolved configuration, for the checkpoint.
        committed
            What ``scan`` found, when a run goes on; None to begin anew (an unfinished run's parts
            are then discarded).

        Raises
        ------
        StorageError
            If the disk refuses, or the run to go on with was begun in another format.
        """
        all_ids = np.array([stimulus.encode() for stimulus in ids], np.bytes_)
        files.make_directory(directory)
        parts = _parts_to_keep(directory, format, all_ids, committed)
        is_whole = _is_whole(parts, format.results_name, len(ids))
        results = format.results_name if is_whole else None
        checkpoint = Checkpoint(len(ids), config, format.written_name, parts, results)
        checkpoint.write(directory)
        writer = cls(directory, format, all_ids, checkpoint)
        writer._clear()
        return writer

    @property
    def todo(self) -> Ints:
        """Positions in the design of the stimuli that are not committed yet, ascending."""
        return self._checkpoint.todo

    @property
    def spikes(self) -> dict[str, int] | None:
        """How many spikes each population has in what is committed; None where not all is known."""
        return self._checkpoint.spikes

    @property
    def finished(self) -> bool:
        """Whether the results file holds this design, complete and in order."""
        return self._checkpoint.results is not None

    @property
    def earlier_dataset(self) -> EarlierDataset:
        """What becomes of the dataset that the results file takes the place of."""
        results = {path.name for _, path in find_results_files(self.directory)}
        results |= {self._path.name} if files.exists(self._path) else set()
        if not results:
            return "none"
        grew = any(part.file in results for part in self._checkpoint.parts)
        return "grew" if grew else "replaced"

    def commit(self, entries: Sequence[Entry], arrays: Arrays) -> None:
        """Put stimuli on the disk as one part; once this returns, no crash loses them.

        Parameters
        ----------
        entries
            What is known of each stimulus, B of them; ``index`` is its position in the design.
        arrays
            ``{"sa_spikes": bool[B, T, N], ...}``.

        Raises
        ------
        StorageError
            If the disk refuses; what was committed before stays good.
        """
        indices = [entry["index"] for entry in entries]
        ids = [entry["id"].encode() for entry in entries]
        if ids != self._ids[indices].tolist():
            raise ValueError("these are not the stimuli of the design")
        name = self._name_part()
        with files.replacing(self.directory / name, "part") as sink:
            self._format.write(sink, entries, arrays)
        spikes = format_spikes(_count_spikes(arrays))
        self._record_part(name, indices, spikes)

    def adopt(self, path: Path, indices: Sequence[int] | Ints, spikes: Mapping[str, int]) -> None:
        """Put a copy of a file of another dataset on the disk as one part.

        It is copied as it is, which is far quicker than to commit its stimuli.

        Parameters
        ----------
        path
            A part or a results file of this format, which stays.
        indices
            The position in the design of each of its rows; -1 for one that is not wanted.
        spikes
            How many spikes each population has in the stimuli that are.

        Raises
        ------
        StorageError
            If the file cannot be read, or the disk refuses.
        """
        name = self._name_part()
        with files.replacing(self.directory / name, "part") as sink:
            files.copy_into(sink, path)
        self._record_part(name, indices, format_spikes(spikes))

    def _name_part(self) -> str:
        """Return the name of the next part, whose folder is there."""
        with self._lock:
            name = f"{PARTS}/part_{self._next_number:06d}.{self._format.suffix}"
            self._next_number += 1
        files.make_directory(self.directory / PARTS)
        return name

    def _record_part(self, name: str, indices: Sequence[int] | Ints, spikes: str) -> None:
        part = Part.of(name, indices, files.checksum(self.directory / name), spikes)
        with self._lock:
            self._record(replace(self._checkpoint, parts=(*self._checkpoint.parts, part)))

    def find_failed(self) -> list[Entry]:
        """Return the entries of committed stimuli that failed, at their positions in the design."""
        failures: list[Entry] = []
        for part in self._checkpoint.parts:
            reader = self._format.reader(self.directory / part.file)
            for row in sorted(reader.errors):
                position = int(part.indices[row])
                if position >= 0:
                    failures.append({**reader.entries[row], "index": position})
            reader.close()
        return failures

    def finish(self, metadata: Metadata) -> Path:
        """Make the results file of everything committed, in the design's order, and its table.

        Parameters
        ----------
        metadata
            What the file is to say of the run: values that JSON can hold, and tensors.

        Returns
        -------
        Path
            The results file.

        Raises
        ------
        StorageError
            If a stimulus is not committed, or the disk refuses.
        """
        if self.finished:
            return self._path
        if len(self.todo):
            raise StorageError(
                f"{len(self.todo)} of {len(self._ids)} stimuli are not committed; resume the run"
            )
        sources = self._sources()
        with files.written_aside(self._path, "results") as sink:
            self._format.merge(sink, sources, metadata)
        # Its table first: wherever a crash comes, a results file that is in place has its own.
        table_path = self.directory / csv_table.FILE
        with files.written_aside(table_path, "table") as sink:
            csv_table.write_table(sink, self._format, sources)
        checksum = files.checksum(files.aside(self._path))
        spikes = format_spikes(self.spikes or {})
        whole = Part.of(self._path.name, range(len(self._ids)), checksum, spikes)
        self._record(replace(self._checkpoint, prepared=whole))
        files.publish(table_path, "table")
        files.publish(self._path, "results")
        self._record(replace(self._checkpoint, parts=(whole,), results=whole.file, prepared=None))
        self._clear()
        return self._path

    def _record(self, checkpoint: Checkpoint) -> None:
        checkpoint.write(self.directory)
        self._checkpoint = checkpoint

    def _sources(self) -> list[Source]:
        """Return where the design's stimuli lie, in order, neighbours in one file together."""
        parts = self._checkpoint.parts
        number_of = np.zeros(len(self._ids), np.int64)
        row_of = np.zeros(len(self._ids), np.int64)
        for number, part in enumerate(parts):
            rows = np.flatnonzero(part.indices >= 0)
            positions = part.indices[rows]
            number_of[positions] = number
            row_of[positions] = rows
        changes = np.flatnonzero(np.diff(number_of)) + 1
        borders = [0, *changes.tolist(), len(self._ids)]
        sources = []
        for first, end in pairwise(borders):
            path = self.directory / parts[number_of[first]].file
            sources.append(Source(path, row_of[first:end].tolist()))
        return sources

    def _clear(self) -> None:
        """Remove what no record names.

        Those are the rests of crashes, merged parts, and results in another format of an older run.
        """
        files.crash_point("clear.begun")
        kept = {self.directory / part.file for part in self._checkpoint.parts}
        parts = self.directory / PARTS
        for path in [*_listed(parts), *_listed(self.directory)]:
            if _OURS.fullmatch(path.name) and path not in kept:
                files.remove(path)
                files.crash_point("clear.removed")
        with suppress(OSError):
            parts.rmdir()
        if self.finished:
            self._remove_other_results()
        files.crash_point("clear.done")

    def _remove_other_results(self) -> None:
        # of shipped formats only: another's files are not ours to delete
        for _, path in find_results_files(self.directory):
            if path != self._path:
                files.remove(path)


def _count_spikes(arrays: Arrays) -> dict[str, int]:
    """Return how many spikes each population has; NumPy counts them faster than a disk writes."""
    counts: dict[str, int] = {}
    for name, array in arrays.items():
        if name.endswith(_SPIKES):
            counts[name.removesuffix(_SPIKES)] = int(np.count_nonzero(np.asarray(array)))
    return counts


def _parts_to_keep(
    directory: Path, format: Format, ids: Ids, committed: Committed | None
) -> tuple[Part, ...]:
    """Return the good parts of the run to go on with, at their positions in this design."""
    if committed is None or committed.checkpoint is None or not committed.parts:
        return ()
    begun_as = committed.checkpoint.format
    if begun_as != format.written_name:
        raise StorageError(f"{files.show(directory)}: begun as {begun_as}; set batch.format to it")
    position_of = {stimulus: position for position, stimulus in enumerate(ids.tolist())}
    parts = []
    for part, ids_of_part in committed.parts:
        positions = [position_of.get(stimulus.encode(), -1) for stimulus in ids_of_part]
        parts.append(Part.of(part.file, positions, part.checksum, part.spikes))
    return tuple(parts)


def _is_whole(parts: tuple[Part, ...], results_name: str, count: int) -> bool:
    """Tell whether the only part is the results file, and holds the design in order."""
    if len(parts) != 1 or parts[0].file != results_name:
        return False
    return np.array_equal(parts[0].indices, np.arange(count))


def _listed(directory: Path) -> list[Path]:
    with files.disk(directory):
        return sorted(directory.iterdir()) if directory.is_dir() else []


def _next_number(parts: Sequence[Part]) -> int:
    """Return the first number that no part has."""
    numbers = [-1]
    for part in parts:
        match = _OURS.fullmatch(Path(part.file).name)
        if match and match[1]:
            numbers.append(int(match[1]))
    return max(numbers) + 1
