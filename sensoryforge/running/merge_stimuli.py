"""The stimuli of a merge: which files are copied whole, how others are read, what is compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from sensoryforge.core.errors import DamagedError
from sensoryforge.core.types import Ints
from sensoryforge.store import files

if TYPE_CHECKING:
    from sensoryforge.analysis.results import Results
    from sensoryforge.running.merge_plan import MergePlan
    from sensoryforge.store.formats.base import Arrays
    from sensoryforge.store.table import Entry

ENOUGH = 0.5
"""Which share of a file's stimuli must be wanted, for all of it to be copied for a while."""


@dataclass(frozen=True)
class WholeFile:
    """A file that is copied as it is.

    Attributes
    ----------
    path
        Where it lies.
    positions
        The position in the whole of each of its rows; -1 for one that is not wanted, ``[B]``.
    spikes
        How many spikes each population has in the rows that are.
    """

    path: Path
    positions: Ints
    spikes: Mapping[str, int]

    @property
    def wanted(self) -> int:
        """How many of its rows are wanted."""
        return int(np.count_nonzero(self.positions >= 0))


def find_whole_files(plan: MergePlan, todo: Ints) -> Iterator[WholeFile]:
    """Yield the files to copy: of the format of the whole, and wanted for the most part.

    Parameters
    ----------
    plan
        The merge.
    todo
        Positions in the whole that are not committed yet.
    """
    is_todo = np.zeros(len(plan.ids), dtype=np.bool_)
    is_todo[todo] = True
    positions_by_path: dict[Path, list[tuple[int, int]]] = {}
    for position, (path, row) in enumerate(plan.joint.stored):
        positions_by_path.setdefault(path, []).append((row, position))
    for dataset in plan.datasets:
        if dataset.format.written_name != plan.format.written_name:
            continue
        for path, part in dataset.parts.items():
            rows = positions_by_path.get(path, [])
            wanted = [position for _, position in rows]
            is_enough = len(rows) >= max(1, ENOUGH * len(part.indices))
            if not (part.spikes and is_enough and is_todo[wanted].all()):
                continue
            positions = np.full(len(part.indices), -1, np.int64)
            positions[[row for row, _ in rows]] = wanted
            left = np.flatnonzero(positions < 0).tolist()
            yield WholeFile(path, positions, _spikes_without(dataset, path, left))


def _spikes_without(dataset: Results, path: Path, rows: Sequence[int]) -> dict[str, int]:
    """Return how many spikes each population has in a file without some of its rows."""
    counts = dataset.parts[path].spike_counts
    reader = dataset.open_file(path)
    for row in rows:
        for population in counts:
            counts[population] -= int(reader.array(row, f"{population}_spikes").count_nonzero())
    reader.close()
    return counts


def read_stimuli(joint: Results, rows: Sequence[int]) -> tuple[list[Entry], Arrays]:
    """Return some stimuli: what is known of each, and their arrays side by side.

    Parameters
    ----------
    joint
        The datasets opened as one.
    rows
        Rows of its table, B of them.

    Returns
    -------
    entries
        As ``DatasetWriter.commit`` takes them.
    arrays
        ``{"sa_spikes": bool[B, T, N], ...}``.
    """
    entries: list[Entry] = []
    read: dict[str, list[torch.Tensor]] = {name: [] for name in joint.names}
    for row in rows:
        entry = joint[row]
        for name, arrays in read.items():
            arrays.append(entry.pop(name))
        entries.append(entry)
    return entries, {name: torch.stack(arrays) for name, arrays in read.items()}


def check_same(datasets: Sequence[Results], taken: tuple[int, int], left: tuple[int, int]) -> None:
    """Refuse a stimulus of two datasets that has other spikes, or other arrays, in one of them.

    Parameters
    ----------
    datasets
        Those that are joined.
    taken, left
        The number of a dataset, and the row of the stimulus there.

    Raises
    ------
    DamagedError
        If any array differs in a bit. One that failed has no spikes to compare.
    """
    here, there = datasets[taken[0]], datasets[left[0]]
    one, other = here[taken[1]], there[left[1]]
    if "error" in one or "error" in other:
        return
    for name in here.names:
        if one[name].numpy().tobytes() != other[name].numpy().tobytes():
            parameters = ", ".join(f"{key}={value}" for key, value in one["parameters"].items())
            raise DamagedError(
                f"{files.show(there.directory)}: stimulus {one['id']} ({parameters}) has another "
                f"{name} than in {files.show(here.directory)}, though configuration and seed are "
                "the same; has a class or a file of your own changed between the runs?"
            )
