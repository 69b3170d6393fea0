"""Commits the stimuli of a run part by part, and makes the results file of the parts.

A part exists once its file is complete under its name *and* the checkpoint says so; anything else in the directory is
the rest of a crash and is cleared away. The results file of an earlier run stays until its successor is complete.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from sensoryforge import store
from sensoryforge.errors import StorageError
from sensoryforge.store import files
from sensoryforge.store.base import Arrays, Entry, Metadata, Source
from sensoryforge.store.checkpoint import PARTS, Checkpoint, Committed, Part
from sensoryforge.types import Ints

_OURS = re.compile(r"\.?part_(\d+)\.\w+(?:\.tmp)?|\.(?:results|checkpoint)\.\w+\.tmp")


class DatasetWriter:
    """The only writer of an output directory, whose lock its caller holds.

    ``ids`` are the design's, in order; ``committed`` is what ``scan`` found when a run goes on, None to begin anew (an
    unfinished run's parts are then discarded). ``commit`` may be called from several threads at once.
    """

    def __init__(
        self,
        directory: Path,
        format: str,
        ids: Sequence[str],
        config: dict[str, Any],
        committed: Committed | None = None,
    ) -> None:
        self.directory = directory
        self._ids = np.array([stimulus.encode() for stimulus in ids], np.bytes_)
        self._format = store.get(format)
        self._path = directory / store.results_name(format)
        self._lock = Lock()
        files.make_directory(directory)
        self._checkpoint = self._begin(Checkpoint(len(self._ids), config, format), committed)
        self._number = 1 + max((_number(part.file) for part in self._checkpoint.parts), default=-1)
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
        """Put stimuli on the disk as one part; once this returns, no crash loses them. Raises StorageError."""
        indices = [entry["index"] for entry in entries]
        if [entry["id"].encode() for entry in entries] != self._ids[indices].tolist():
            raise ValueError("these are not the stimuli of the design")
        with self._lock:
            name = f"{PARTS}/part_{self._number:06d}.{self._format.SUFFIX}"
            self._number += 1
        path = self.directory / name
        files.make_directory(path.parent)
        with files.replacing(path, "part") as sink:
            self._format.write(sink, entries, arrays)
        part = Part.of(name, indices, files.checksum(path))
        with self._lock:
            self._record(replace(self._checkpoint, parts=(*self._checkpoint.parts, part)))

    def failed(self) -> list[Entry]:
        """Return the entries of committed stimuli that could not be computed, at their places in the design."""
        return [
            {**entry, "index": place}
            for part in self._checkpoint.parts
            for row, entry in enumerate(self._format.Reader(self.directory / part.file).entries)
            if "error" in entry and (place := int(part.indices[row])) >= 0
        ]

    def finish(self, metadata: Metadata) -> Path:
        """Make the results file of everything committed, in the design's order, and return its path."""
        if self.finished:
            return self._path
        if len(self.todo):
            raise StorageError(f"{len(self.todo)} of {len(self._ids)} stimuli are not committed; resume the run")
        with files.written_aside(self._path, "results") as sink:
            self._format.merge(sink, self._sources(), metadata)
        checksum = files.checksum(files.aside(self._path))
        whole = Part.of(self._path.name, range(len(self._ids)), checksum)
        self._record(replace(self._checkpoint, prepared=whole))
        files.publish(self._path, "results")
        self._record(replace(self._checkpoint, parts=(whole,), results=whole.file, prepared=None))
        self._clear()
        return self._path

    def _begin(self, fresh: Checkpoint, committed: Committed | None) -> Checkpoint:
        """Record where the run starts: with every good part of the run it goes on with, else with nothing."""
        before = committed.checkpoint if committed else None
        if committed and before and committed.parts:
            if before.format != fresh.format:
                raise StorageError(f"{files.show(self.directory)}: begun as {before.format}; set batch.format to it")
            place = {stimulus: index for index, stimulus in enumerate(self._ids.tolist())}
            found = [[place.get(stimulus.encode(), -1) for stimulus in ids] for _, ids in committed.parts]
            pairs = zip(committed.parts, found, strict=True)
            parts = tuple(Part.of(part.file, indices, part.checksum) for (part, _), indices in pairs)
            whole = [part.file for part in parts] == [self._path.name] and found[0] == [*range(len(self._ids))]
            fresh = replace(fresh, parts=parts, results=self._path.name if whole else None)
        fresh.write(self.directory)
        return fresh

    def _record(self, checkpoint: Checkpoint) -> None:
        checkpoint.write(self.directory)
        self._checkpoint = checkpoint

    def _sources(self) -> list[Source]:
        """Return where the design's stimuli lie, in order, neighbours in one file together."""
        parts = self._checkpoint.parts
        number, row = np.zeros((2, len(self._ids)), dtype=np.int64)
        for k, part in enumerate(parts):
            rows = np.flatnonzero(part.indices >= 0)
            number[part.indices[rows]], row[part.indices[rows]] = k, rows
        ends = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(number)]
        return [Source(self.directory / parts[number[a]].file, row[a:b].tolist()) for a, b in pairwise(ends)]

    def _clear(self) -> None:
        """Remove what no record names: rests of crashes, merged parts, results in another format of an older run."""
        files.crash_point("clear.begun")
        kept = {self.directory / part.file for part in self._checkpoint.parts}
        parts = self.directory / PARTS
        for path in (*_listed(parts), *_listed(self.directory)):
            if _OURS.fullmatch(path.name) and path not in kept:
                files.remove(path)
                files.crash_point("clear.removed")
        with suppress(OSError):
            parts.rmdir()
        if self.finished:
            for other in store.formats():
                if other != self._checkpoint.format:
                    files.remove(self.directory / store.results_name(other))
        files.crash_point("clear.done")


def _listed(directory: Path) -> Iterable[Path]:
    with files.disk(directory):
        return sorted(directory.iterdir()) if directory.is_dir() else ()


def _number(name: str) -> int:
    found = _OURS.fullmatch(Path(name).name)
    return int(found[1]) if found and found[1] else -1
