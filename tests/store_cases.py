"""Small datasets for the tests of the store."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch

from sensoryforge.store.base import Arrays, Entry
from sensoryforge.store.checkpoint import Committed, scan
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
    return blake2b(str(name).encode(), digest_size=8).hexdigest()


def design(count: int) -> list[str]:
    return [identity(index) for index in range(count)]


def entry(index: int, stimulus: str, **more: Any) -> Entry:
    parameters = {"type": "gaussian", "amplitude": 10 * index, "sigma": 0.5, "hold_ms": float("inf")}
    return {
        "index": index,
        "id": stimulus,
        "seed": (1 << 62) + index,
        "repetition": index % 3,
        "parameters": parameters,
        **more,
    }


def arrays(ids: Sequence[str], samples: int = 6, drive: bool = False) -> Arrays:
    """Arrays that follow from the ids alone, as a simulation's do."""
    made = [torch.Generator().manual_seed(int(stimulus, 16) >> 1) for stimulus in ids]
    found: Arrays = {
        "sa_spikes": torch.stack([torch.rand(samples, 3, generator=one) < 0.3 for one in made]),
        "ra_spikes": torch.stack([torch.rand(samples, 4, generator=one) < 0.3 for one in made]),
    }
    if drive:
        found["sa_drive"] = torch.stack([torch.randn(samples, 3, generator=one) for one in made])
    return found


def run(
    directory: Path, format: str, ids: Sequence[str], per_part: int = 3, committed: Committed | None = None
) -> DatasetWriter:
    """Compute and commit what is left to do, as a batch does, and make the results file."""
    writer = DatasetWriter(directory, format, ids, CONFIG, committed)
    commit_all(writer, ids, per_part)
    writer.finish(METADATA)
    return writer


def commit_all(writer: DatasetWriter, ids: Sequence[str], per_part: int = 3) -> int:
    todo = [int(index) for index in writer.todo]
    for start in range(0, len(todo), per_part):
        places = todo[start : start + per_part]
        writer.commit([entry(place, ids[place]) for place in places], arrays([ids[place] for place in places]))
    return len(todo)


def resume(directory: Path, format: str, ids: Sequence[str]) -> DatasetWriter:
    return run(directory, format, ids, committed=scan(directory))
