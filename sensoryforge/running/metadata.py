"""What a results file says of its run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sensoryforge.analysis.units import parameter_units
from sensoryforge.design.experiment import Experiment
from sensoryforge.equations.parameters import PerNeuron
from sensoryforge.stimuli.ranges import MODEL_DRIVE
from sensoryforge.store.table import FAILURE_KEYS


def run_metadata(
    experiment: Experiment,
    started: datetime,
    wall_time_s: float,
    computed: int,
    failures: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return what a results file says of its run: enough to run it again.

    Parameters
    ----------
    experiment
        What was run.
    started, wall_time_s
        When its last sitting began, and how long that took.
    computed
        How many stimuli it computed then.
    failures
        The entries of stimuli that have no spikes.
    """
    import torch

    metadata = {
        "config": experiment.config,
        "design": experiment.design.axes,
        "design_text": experiment.design.grid_lines(),
        "units": parameter_units(
            ((family.target, family.parts) for family in experiment.design.families),
            experiment.amplitude_unit,
        ),
        "seed": experiment.seed,
        "populations": _populations(experiment),
        "dt_ms": experiment.dt_ms,
        "duration_ms": experiment.duration_ms,
        "substeps": experiment.substeps,
        "samples": experiment.samples,
        "versions": versions(),
        "started": started.isoformat(timespec="seconds"),
        "wall_time_s": round(wall_time_s, 3),
        "stimuli_computed": computed,
        "failures": [{key: entry[key] for key in FAILURE_KEYS} for entry in failures],
    }
    if experiment.amplitude_unit != MODEL_DRIVE:
        metadata["amplitude_unit"] = experiment.amplitude_unit
    if len(experiment.sheet.shape) == 1:
        # A saved stimulus has a column a receptor: without a grid this says where each lies.
        metadata["receptors_xy_mm"] = torch.from_numpy(experiment.sheet.xy())
    tags = [] if experiment.outline is None else [tag for tag in experiment.outline.regions if tag]
    if tags:
        metadata["tags"] = tags
    for name, spec in experiment.populations.items():
        metadata[f"{name}_xy_mm"] = torch.from_numpy(experiment.places(name).xy_mm)
        if spec.units is not None:
            metadata[f"{name}_unit"] = torch.tensor(spec.units, dtype=torch.int64)
        if isinstance(spec.noise_std, PerNeuron):
            metadata[f"{name}_noise_std"] = torch.tensor(spec.noise_std.values, dtype=torch.float64)
        if tags:
            metadata[f"{name}_tag"] = torch.from_numpy(experiment.places(name).regions)
        if spec.delay is not None:
            delays = spec.delay.draw(spec.count, experiment.seed, name)
            metadata[f"{name}_delay_ms"] = torch.from_numpy(delays)
    return metadata


def _populations(experiment: Experiment) -> dict[str, dict[str, Any]]:
    """Return count and layout of each population, the layout as the configuration has it.

    That is the name of a shipped layout, or a mapping.
    """
    configured = experiment.config["neurons"]["populations"]
    populations = {}
    for name, spec in experiment.populations.items():
        populations[name] = {"count": spec.count, "layout": configured[name]["layout"]}
    return populations


def versions() -> dict[str, str]:
    """Return the versions of everything that the bits of a dataset may depend on."""
    import platform
    from importlib.metadata import version

    import numpy as np
    import pytorch_lightning
    import torch

    versions = {"sensoryforge": version("sensoryforge"), "python": platform.python_version()}
    for module in (torch, pytorch_lightning, np):
        versions[module.__name__] = str(module.__version__)
    versions["h5py"] = version("h5py")
    return versions
