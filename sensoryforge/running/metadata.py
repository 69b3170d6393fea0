"""What a results file says of its run."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sensoryforge.analysis.units import parameter_units
from sensoryforge.design.experiment import Experiment
from sensoryforge.equations.parameters import PerNeuron
from sensoryforge.stimuli.ranges import MODEL_DRIVE
from sensoryforge.store.table import FAILURE_KEYS

if TYPE_CHECKING:
    from torch import Tensor


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

    metadata = {
        "config": experiment.config,
        "design": experiment.design.axes,
        "design_text": experiment.design.grid_lines(),
        "units": {
            **{axis.name: axis.unit for axis in experiment.neuron_axes},
            **parameter_units(
                ((family.target, family.parts) for family in experiment.design.families),
                experiment.amplitude_unit,
            ),
        },
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
    tags = [] if experiment.outline is None else [tag for tag in experiment.outline.regions if tag]
    if tags:
        metadata["tags"] = tags
    return {**metadata, **_of_skins(experiment, has_tags=bool(tags))}


def _of_skins(experiment: Experiment, *, has_tags: bool) -> dict[str, Any]:
    """Return who the neurons are and where they lie.

    Where the seed of the skin is an axis, what differs between seeds has a first dimension more,
    and ``of_seeds`` names it.
    """
    import torch

    seeds = experiment.seeds
    skins = [_of_skin(experiment.at_seed(seed), has_tags=has_tags) for seed in seeds]
    of_skins = dict(skins[0])
    if len(skins) == 1:
        return of_skins
    differing: list[str] = []
    for key, of_first in skins[0].items():
        if not all(torch.equal(of_first, skin[key]) for skin in skins[1:]):
            of_skins[key] = torch.stack([skin[key] for skin in skins])
            differing.append(key)
    return {**of_skins, "seeds": seeds, "of_seeds": differing}


def _of_skin(experiment: Experiment, *, has_tags: bool) -> dict[str, Tensor]:
    """Return who the neurons of one skin are, and where they lie."""
    import torch

    of_skin: dict[str, Tensor] = {}
    if len(experiment.sheet.shape) == 1:
        # A saved stimulus has a column a receptor: without a grid this says where each lies.
        of_skin["receptors_xy_mm"] = torch.from_numpy(experiment.sheet.xy())
    with_rows = {axis.population for axis in experiment.neuron_axes if axis.columns}
    for name, spec in experiment.populations.items():
        of_skin[f"{name}_xy_mm"] = torch.from_numpy(experiment.places(name).xy_mm)
        if spec.units is not None and name not in with_rows:
            of_skin[f"{name}_unit"] = torch.tensor(spec.units, dtype=torch.int64)
        if isinstance(spec.noise_std, PerNeuron):
            of_skin[f"{name}_noise_std"] = torch.tensor(spec.noise_std.values, dtype=torch.float64)
        if has_tags:
            of_skin[f"{name}_tag"] = torch.from_numpy(experiment.places(name).regions)
        if spec.delay is not None:
            delays = spec.delay.draw(spec.count, experiment.seed, name)
            of_skin[f"{name}_delay_ms"] = torch.from_numpy(delays)
    return of_skin


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
