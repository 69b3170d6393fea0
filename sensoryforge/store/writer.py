"""Commits the stimuli of a run part by part, and makes the results file of the parts.

A part exists once its file is complete under its name *and* the checkpoint says so; anything else
in the directory is the rest of a crash and is cleared away. The results file of an earlier run
stays until its successor is complete.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from sensoryforge.core.errors import StorageError
from sensoryforge.core.types import Ints
from sensoryforge.store import files
from sensoryforge.store.checkpoint import PARTS, Checkpoint, Committed, Part
from sensoryforge.store.formats import Format, shipped_formats
from sensoryforge.store.formats.base import Arrays, Metadata, Source
from sensoryforge.store.table import Entry

_OURS = re.compile(r"\.?part_(\d+)\.\w+(?:\.tmp)?|\.(?:results|checkpoint)\.\w+\.tmp")


class DatasetWriter:
    """The only writer of an output directory, whose lock its caller holds.

    ``commit`` may be called from several threads at once.

    Parameters
    ----------
    directory
        Where the dataset goes.
    format
        How it is written.
    ids
        Those of the design's stimuli, in order.
    config
        The resolved configuration, for the checkpoint.
    committed
        What ``scan`` found, when a run goes on; None to begin anew (an unfinished run's parts are
        then discarded).

    Raises
    ------
    StorageError
        If the disk refuses, or the run to go on with was begun in another format.
    """

    def __init__(
        self,
        directory: Path,
        format: Format,
        ids: Sequence[str],
        config: dict[str, Any],
        committed: Committed | None = None,
    ) -> None:
        self.directory = directory
        self._ids = np.array([stimulus.encode() for stimulus in ids], np.bytes_)
        self._format = format
        self._path = directory / format.results_name
        self._lock = Lock()
        files.make_directory(directory)
        self._checkpoint = self._begin(config, committed)
        self._next_number = _next_number(self._checkpoint.parts)
        self._clear()

    @property
    def todo(self) -> Ints:
        """Places in the design of the stimuli that are not committed yet, ascending."""
        return self._checkpoint.todo

    @property
    def finished(self) -> bool:
        """Whether the results file holds this design, complete and in order."""
        return self._checkpoint.results is not None

    def commit(self, entries: Sequence[Entry], arrays: Arrays) -> None:
        """Put stimuli on the disk as one part; once this returns, no crash loses them.

        Parameters
        ----------
        entries
            What is known of each stimulus, B of them; ``index`` is its place in the design.
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
        with self._lock:
            name = f"{PARTS}/part_{self._next_number:06d}.{self._format.suffix}"
            self._next_number += 1
        path = self.directory / name
        files.make_directory(path.parent)
        with files.replacing(path, "part") as sink:
            self._format.write(sink, entries, arrays)
        part = Part.of(name, indices, files.checksum(path))
        with self._lock:
            self._record(replace(self._checkpoint, parts=(*self._checkpoint.parts, part)))

    def failed(self) -> list[Entry]:
        """Return the entries of committed stimuli that failed, at their places in the design."""
        failures: list[Entry] = []
        for part in self._checkpoint.parts:
            reader = self._format.reader(self.directory / part.file)
            for row in sorted(reader.errors):
                place = int(part.indices[row])
                if place >= 0:
                    failures.append({**reader.entries[row], "index": place})
            reader.close()
        return failures

    def finish(self, metadata: Metadata) -> Path:
        """Make the results file of everything committed, in the design's order.

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
        with files.written_aside(self._path, "results") as sink:
            self._format.merge(sink, self._sources(), metadata)
        checksum = files.checksum(files.aside(self._path))
        whole = Part.of(self._path.name, range(len(self._ids)), checksum)
        self._record(replace(self._checkpoint, prepared=whole))
        files.publish(self._path, "results")
        self._record(replace(self._checkpoint, parts=(whole,), results=whole.file, prepared=None))
        self._clear()
        return self._path

    def _begin(self, config: dict[str, Any], committed: Committed | None) -> Checkpoint:
        """Record where the run starts: with the good parts of the run it goes on with, if any."""
        parts = self._parts_to_keep(committed)
        results = self._path.name if self._is_whole(parts) else None
        format_name = self._format.written_name
        checkpoint = Checkpoint(len(self._ids), config, format_name, parts, results)
        checkpoint.write(self.directory)
        return checkpoint

    def _parts_to_keep(self, committed: Committed | None) -> tuple[Part, ...]:
        """Return the good parts of the run to go on with, in the order of this design."""
        if committed is None or committed.checkpoint is None or not committed.parts:
            return ()
        begun_as = committed.checkpoint.format
        if begun_as != self._format.written_name:
            raise StorageError(
                f"{files.show(self.directory)}: begun as {begun_as}; set batch.format to it"
            )
        place_of = {stimulus: place for place, stimulus in enumerate(self._ids.tolist())}
        parts = []
        for part, ids in committed.parts:
            places = [place_of.get(stimulus.encode(), -1) for stimulus in ids]
            parts.append(Part.of(part.file, places, part.checksum))
        return tuple(parts)

    def _is_whole(self, parts: tuple[Part, ...]) -> bool:
        """Tell whether the only part is the results file, and holds this design in order."""
        if len(parts) != 1 or parts[0].file != self._path.name:
            return False
        return np.array_equal(parts[0].indices, np.arange(len(self._ids)))

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
            places = part.indices[rows]
            number_of[places] = number
            row_of[places] = rows
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
        for format in shipped_formats():
            if format.results_name != self._path.name:
                files.remove(self.directory / format.results_name)


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
