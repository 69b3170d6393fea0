"""What is looked at before a run starts.

That is room in memory and on the disk, and what the output directory holds already.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sensoryforge.core.devices import total_memory_bytes
from sensoryforge.core.errors import ConfigError, StorageError
from sensoryforge.design.experiment import Experiment
from sensoryforge.equations.stiffness import describe_stiffness
from sensoryforge.running.cutoffs import cutoff_lines
from sensoryforge.running.earlier import check_earlier_run
from sensoryforge.running.estimate import estimate, format_bytes
from sensoryforge.running.extremes import extremes

if TYPE_CHECKING:
    from sensoryforge.store.checkpoint import Checkpoint


def preflight(experiment: Experiment) -> list[str]:
    """Raise where a run must not start, and return what a run that starts may run into.

    Nothing is written. Of the output directory the checkpoint is read, and of a finished dataset
    which stimuli it holds.

    Returns
    -------
    list of str
        A message for each thing to warn of: equations too stiff for their integration steps,
        filters whose cut-off is too high for them, and a dataset that is compressed and may find
        no room on the disk; how far it will be compressed is not known before, so that it may well
        fit.

    Raises
    ------
    ConfigError
        For a dataset too large for the memory, or an earlier run or dataset that this one would
        discard or does not match.
    LockedError
        While another run writes in the directory.
    StorageError
        Where the disk has no room for a dataset whose size is known.
    """
    from sensoryforge.store import lock

    _check_memory(experiment)
    _draw_places(experiment)
    lock.probe(experiment.batch.output_dir)
    shortage = _disk_shortage(experiment, before=check_earlier_run(experiment))
    coarse = [*stiffness_lines(experiment), *cutoff_lines(experiment)]
    if not shortage:
        return coarse
    if not experiment.batch.format.compresses:
        raise StorageError(f"{shortage}; make room, or choose another batch.output_dir")
    outlook = "should the disk fill up, what was committed stays, and --resume goes on"
    return [*coarse, f"{shortage}; {outlook}"]


def stiffness_lines(experiment: Experiment) -> list[str]:
    """Return a line for each filter and model whose states decay faster than a step.

    They overshoot, or grow without bound; the line says how many steps a sample they need.
    """
    lines = []
    for name, population in experiment.populations.items():
        substeps = experiment.substeps_of(population)
        for block in experiment.blocks_in_steps(population):
            if block.step_ms is not None:
                continue  # its numbers were fitted at this step, whatever they do in it
            key = f"neurons.populations.{name}.{block.kind}"
            for where, extreme in extremes(experiment, name, block):
                values = extreme.draw(population.count, experiment.seed, name, block.kind)
                stiff = describe_stiffness(extreme, values, experiment.dt_ms, substeps)
                if stiff:
                    stiff = stiff.replace("substeps", "pipeline.substeps")
                    lines.append(f"{key}: {stiff}{where}")
                    break  # one of the values tells enough
    return lines


def _draw_places(experiment: Experiment) -> None:
    """Draw where afferents lie and what they pool, where a class may refuse or fail."""
    for seed in experiment.seeds:
        _draw_places_of_skin(experiment.at_seed(seed))


def _draw_places_of_skin(experiment: Experiment) -> None:
    for name, population in experiment.populations.items():
        if not population.innervation.pools_receptors:
            _ = experiment.places(name).xy_mm
        elif population.layout.can_refuse or population.innervation.can_refuse:
            _ = experiment.places(name).fields


# --- memory and disk ---


def _check_memory(experiment: Experiment) -> None:
    """Refuse a dataset that does not fit the memory, where its format makes one object of it."""
    form = experiment.batch.format
    available = total_memory_bytes()
    if not form.whole_in_memory or available is None:
        return
    needed = estimate(experiment, "torch").memory_bytes
    if needed > available:
        amounts = f"about {format_bytes(needed)} of {format_bytes(available)}"
        raise ConfigError(
            f"batch.format: {form.name} keeps the dataset in memory, {amounts}; "
            "set batch.format: hdf5"
        )


def _disk_shortage(experiment: Experiment, before: Checkpoint | None) -> str:
    """Return what the disk lacks for parts and results, an empty text if nothing.

    The two lie side by side for a moment. ``before`` is the run that this one goes on with.
    """
    from sensoryforge.store import files

    total = len(experiment.design)
    done = before.num_completed if before else 0
    todo = max(0, total - done)
    if before and before.results and not todo:
        return ""
    costs = estimate(experiment, "torch")
    needed = costs.disk_bytes * (1 + todo / total)
    directory = experiment.batch.output_dir
    with files.disk(directory):
        place = _nearest_existing(directory)
        free = shutil.disk_usage(place).free
    if needed <= free:
        return ""
    about = "up to" if costs.compressed else "about"
    return (
        f"{files.show(directory)}: {about} {format_bytes(needed)} needed for parts and results, "
        f"{format_bytes(free)} free in {files.show(place)}"
    )


def _nearest_existing(directory: Path) -> Path:
    """Return the directory, or the nearest of its parents that is there."""
    folder = directory.absolute()
    return next(place for place in (folder, *folder.parents) if place.exists())
