"""An experiment that was checked whole: what runs, in plain dataclasses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sensoryforge.design import Design
from sensoryforge.equations import Block
from sensoryforge.innervation import GaussianInnervation
from sensoryforge.receptors import Sheet


@dataclass(frozen=True)
class PopulationSpec:
    """Afferents that share layout, innervation, filter and neuron model.

    ``gain`` turns filter output into model current; ``noise_std`` is in units of drive x sqrt(ms).
    """

    count: int
    layout: str
    innervation: GaussianInnervation
    filter: Block
    model: Block
    gain: float
    noise_std: float


@dataclass(frozen=True)
class BatchSpec:
    """Where a dataset goes and how it is written."""

    output_dir: Path
    format: str
    checkpoint_frequency: int
    num_workers: int
    save: tuple[str, ...]
    resume: bool
    overwrite: bool
    dry_run: bool
    on_error: str


@dataclass(frozen=True)
class Experiment:
    """Sheet, time axis, populations, design and output of one run; ``config`` is the same in plain containers.

    ``chunk_size`` None means as many stimuli as fit; ``device`` and ``backend`` may be ``auto``; ``devices`` is what
    Lightning's ``Trainer`` calls so: how many GPUs, which, or ``auto``.
    """

    sheet: Sheet
    duration_ms: float
    dt_ms: float
    samples: int
    substeps: int
    device: str
    backend: str
    chunk_size: int | None
    seed: int
    populations: dict[str, PopulationSpec]
    design: Design
    batch: BatchSpec
    config: dict[str, Any]
    surrogate: str = "fast_sigmoid"
    surrogate_width: float = 30.0
    devices: int | list[int] | Literal["auto"] = 1
