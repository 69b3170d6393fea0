"""Made-up datasets, for the tests of how one is kept."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch

from sensoryforge.store.checkpoint import Committed, scan
from sensoryforge.store.formats import locate_format
from sensoryforge.store.formats.base import Arrays
from sensoryforge.store.table import Entry
from sensoryforge.store.writer import DatasetWriter

FORMATS = ("hdf5", "pytorch")
METADATA: dict[str, Any] = {
    "config": {"batch": {"save": [], "format": None}, "deep": [1, 2.5, {"text": "é"}]},
    "version": "0.1.0",
    "wall_time_s": 1.5,
    "count": 3,
    "quiet": True,
    "sa_xy_mm": torch.tensor([[0.0, 0.5], [1.5, -2.0]], dtype=torch.float64),
}
CONFIG = {"batch": {"format": "any"}, "pipeline": {"seed": 1}}


def identity(name: Any) -> str:
    """Return an id as a stimulus has one."""
    return blake2b(str(name).encode(), digest_size=8).hexdigest()


def design(count: int) -> list[str]:
    """Return the ids of a design."""
    return [identity(index) for index in range(count)]


def entry(index: int, stimulus: str, **more: Any) -> Entry:
    """Return what a dataset says of a stimulus, besides its arrays."""
    parameters = {
        "type": "gaussian",
        "amplitude": 10 * index,
        "sigma": 0.5,
        "hold_ms": float("inf"),
    }
    return {
        "index": index,
        "id": stimulus,
        "seed": (1 << 62) + index,
        "repetition": index % 3,
        "parameters": parameters,
        **more,
    }


def arrays(ids: Sequence[str], samples: int = 6, drive: bool = False) -> Arrays:
    """Return arrays that follow from the ids alone, as those of a simulation do."""
    generators = [torch.Generator().manual_seed(int(stimulus, 16) >> 1) for stimulus in ids]

    def random_spikes(neurons: int) -> torch.Tensor:
        values = [torch.rand(samples, neurons, generator=generator) for generator in generators]
        return torch.stack(values) < 0.3

    drawn: Arrays = {"sa_spikes": random_spikes(3), "ra_spikes": random_spikes(4)}
    if drive:
        currents = [torch.randn(samples, 3, generator=generator) for generator in generators]
        drawn["sa_drive"] = torch.stack(currents)
    return drawn


def writer_of(
    directory: Path,
    format: str,
    ids: Sequence[str],
    config: dict[str, Any] | None = None,
    committed: Committed | None = None,
) -> DatasetWriter:
    """Return the writer of a directory, its format given by name."""
    return DatasetWriter.begin(directory, locate_format(format), ids, config or {}, committed)


def run(
    directory: Path,
    format: str,
    ids: Sequence[str],
    per_part: int = 3,
    committed: Committed | None = None,
) -> DatasetWriter:
    """Compute and commit what is left to do, as a batch does, and make the results file."""
    writer = writer_of(directory, format, ids, CONFIG, committed)
    commit_all(writer, ids, per_part)
    writer.finish(METADATA)
    return writer


def commit_all(writer: DatasetWriter, ids: Sequence[str], per_part: int = 3) -> int:
    """Commit what is left to do, and return how many stimuli it was."""
    todo = [int(index) for index in writer.todo]
    for start in range(0, len(todo), per_part):
        places = todo[start : start + per_part]
        writer.commit(
            [entry(place, ids[place]) for place in places], arrays([ids[place] for place in places])
        )
    return len(todo)


def resume(directory: Path, format: str, ids: Sequence[str]) -> DatasetWriter:
    """Go on with an interrupted run."""
    return run(directory, format, ids, committed=scan(directory))
