"""A composed configuration, checked whole: every problem is found before any is raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sensoryforge.config import kinds, rules
from sensoryforge.config.families import read_families
from sensoryforge.config.neuron_axes import (
    WrittenAxis,
    problems_of_units,
    read_neuron_axes,
    with_examples,
    written_out,
)
from sensoryforge.config.outlines import DENSITY, count_by_density, is_density, read_outline
from sensoryforge.config.populations import read_populations
from sensoryforge.config.skin import NO_SKIN, problems_of_skin, read_skin
from sensoryforge.config.sources import SECTIONS
from sensoryforge.config.steps import choose_substeps, problems_of_steps
from sensoryforge.config.stimuli import Entry, read_entries
from sensoryforge.core.devices import (
    backend_problems,
    device_problems,
    devices_problems,
    usable_cores,
)
from sensoryforge.core.errors import ConfigError, raise_if
from sensoryforge.core.messages import unknown_key
from sensoryforge.core.paths import expand_home
from sensoryforge.design.design import Design
from sensoryforge.design.experiment import BatchSpec, Experiment, PopulationSpec, SkinOfSeed
from sensoryforge.design.family import Family
from sensoryforge.equations.parameters import PerNeuron
from sensoryforge.skin.mechanics import Skin
from sensoryforge.skin.outlines import Outline
from sensoryforge.skin.receptors import Receptors, receptors_of
from sensoryforge.skin.receptors.arrangements import DEFAULTS
from sensoryforge.store.formats import Format

TOLERANCE_SAMPLES = 1e-6
"""How far the duration may be from a whole number of samples."""


def check_plain(
    plain: Mapping[str, Any],
    option_files: Mapping[str, str] | None = None,
    search: Sequence[str | Path] = (),
) -> Experiment:
    """Return the experiment that a resolved configuration in plain containers describes.

    Parameters
    ----------
    plain
        The sections ``pipeline``, ``neurons``, ``stimuli`` and ``batch``.
    option_files
        Key of a block of equations -> the file that it came from, for messages.
    search
        Folders that the configuration was composed from.

    Raises
    ------
    ConfigError
        With a line for each problem.
    """
    problems = _problems_of_sections(plain)
    sections = _read_sections(plain, option_files or {}, search, problems)
    raise_if(problems)
    return _make_experiment(plain, sections)


@dataclass(frozen=True)
class _Sections:
    """The sections of a configuration as they are read; without what has a problem."""

    pipeline: dict[str, Any]
    outline: Outline | None
    skin: Skin | None
    samples: int
    populations: dict[str, PopulationSpec]
    entries: list[Entry]
    families: tuple[Family, ...]
    batch: dict[str, Any]
    format: Format | None
    written_axes: list[WrittenAxis]
    skin_of_seed: SkinReader | None


def _read_sections(
    plain: Mapping[str, Any],
    option_files: Mapping[str, str],
    search: Sequence[str | Path],
    problems: list[str],
) -> _Sections:
    """Return what the sections hold; a line for each problem goes to ``problems``."""
    written = read_neuron_axes(plain, search)
    one_seed = with_examples(plain, [axis for axis in written if axis.axis.is_seed])
    pipeline = rules.read("pipeline", _pipeline_of(one_seed), rules.PIPELINE, problems, "pipeline")
    sheet = _sheet(pipeline)
    outline = read_outline(pipeline.get("outline"), sheet, search, problems)
    _count_by_density(plain, outline, None if problems else sheet, problems)
    neurons = with_examples(plain, written).get("neurons") or {}
    seed = pipeline.get("seed", 0)
    populations = read_populations(neurons, option_files, search, problems, seed)
    problems += problems_of_units(written, populations)
    batch_rules = rules.batch_rules(kinds.option_names("format", search))
    batch = rules.read("batch", plain.get("batch") or {}, batch_rules, problems, "batch")
    entries = read_entries(plain.get("stimuli"), problems)
    samples = _count_samples(pipeline, problems)
    skin = _read_skin(pipeline, populations, search, problems)
    problems += _problems_of_delays(populations, pipeline.get("duration_ms"))
    problems += problems_of_steps(pipeline, populations)
    is_glued = skin is not None and skin.pulls
    families = read_families(entries, pipeline, problems, is_glued=is_glued, neurons=written)
    problems += _problems_of_batch(batch)
    output_format = _read_format(batch.get("format"), search, problems)
    problems += _problems_of_machine(pipeline)
    has_seeds = any(axis.axis.is_seed for axis in written)
    return _Sections(
        pipeline=pipeline,
        outline=outline,
        skin=skin,
        samples=samples,
        populations=populations,
        entries=entries,
        families=families,
        batch=batch,
        format=output_format,
        written_axes=written,
        skin_of_seed=SkinReader(pipeline, neurons, option_files, search) if has_seeds else None,
    )


@dataclass(frozen=True)
class SkinReader:
    """Reads what depends on the seed of the skin, for a seed; a configuration that was checked.

    Parameters
    ----------
    pipeline, neurons
        The sections, in which each axis of neurons has one value.
    option_files
        Key of a block of equations -> the file that it came from.
    search
        Folders that the configuration was composed from.
    """

    pipeline: Mapping[str, Any]
    neurons: Mapping[str, Any]
    option_files: Mapping[str, str]
    search: Sequence[str | Path]

    def __call__(self, seed: int) -> SkinOfSeed:
        """Return receptors, outline and populations of a seed."""
        problems: list[str] = []
        pipeline = {**self.pipeline, "seed": seed}
        sheet = receptors_of(pipeline)
        outline = read_outline(pipeline.get("outline"), sheet, self.search, problems)
        populations = read_populations(self.neurons, self.option_files, self.search, problems, seed)
        raise_if(problems)
        return SkinOfSeed(sheet, outline, populations)


def _make_experiment(plain: Mapping[str, Any], sections: _Sections) -> Experiment:
    """Return the experiment of sections without a problem."""
    pipeline, populations = sections.pipeline, sections.populations
    assert sections.format is not None
    noise_seed = pipeline["noise_seed"]
    design = Design(
        sections.families,
        pipeline["seed"] if noise_seed is None else noise_seed,
        follows_seed_axis=noise_seed is None,
    )
    design.check()
    chunk_size = pipeline["chunk_size"]
    return Experiment(
        sheet=receptors_of(pipeline),
        outline=sections.outline,
        skin=sections.skin,
        duration_ms=float(pipeline["duration_ms"]),
        dt_ms=float(pipeline["dt_ms"]),
        samples=sections.samples,
        substeps=choose_substeps(pipeline, populations),
        integrator=pipeline["integrator"],
        device=pipeline["device"],
        devices=pipeline["devices"],
        backend=pipeline["backend"],
        chunk_size=None if chunk_size == "auto" else chunk_size,
        seed=pipeline["seed"],
        populations=populations,
        design=design,
        batch=_batch_spec(sections.batch, sections.format),
        config={
            **written_out(plain, sections.written_axes),
            "stimuli": [entry.values for entry in sections.entries],
        },
        surrogate=pipeline["surrogate"],
        surrogate_width=float(pipeline["surrogate_width"]),
        neuron_axes=tuple(written.axis for written in sections.written_axes),
        skin_of_seed=sections.skin_of_seed,
    )


def _read_skin(
    pipeline: Mapping[str, Any],
    populations: Mapping[str, PopulationSpec],
    search: Sequence[str | Path],
    problems: list[str],
) -> Skin | None:
    """Return the skin; what does not go with it is told only where the skin itself is right."""
    of_skin: list[str] = []
    skin = read_skin(pipeline.get("skin"), search, of_skin)
    if not of_skin and "skin" in pipeline:
        of_skin += problems_of_skin(pipeline["skin"], pipeline, populations)
    problems += of_skin
    return skin


def _pipeline_of(plain: Mapping[str, Any]) -> Any:
    """Return the section of the pipeline; earlier versions had fewer keys."""
    pipeline = plain.get("pipeline") or {}
    if not isinstance(pipeline, Mapping):
        return pipeline
    return {
        "noise_seed": None,
        "integrator": "euler",
        "skin": NO_SKIN,
        **DEFAULTS,
        **pipeline,
    }


def _sheet(pipeline: Mapping[str, Any]) -> Receptors | None:
    """Return the receptors, None where a key that says where they are has a problem."""
    keys = ("grid_size", "spacing_mm", "seed", *DEFAULTS)
    return receptors_of(pipeline) if all(key in pipeline for key in keys) else None


def _count_by_density(
    plain: Mapping[str, Any],
    outline: Outline | None,
    sheet: Receptors | None,
    problems: list[str],
) -> None:
    """Set the count of each population that says its density; it is one where the skin is wrong."""
    neurons = plain.get("neurons")
    if not isinstance(neurons, Mapping) or not isinstance(neurons.get("populations"), Mapping):
        return
    populations = neurons["populations"]
    for name, population in populations.items():
        density = population.get(DENSITY) if isinstance(population, dict) else None
        if sheet is not None and is_density(density):
            count_by_density(str(name), neurons, outline, sheet, problems)
        elif density is not None and population.get("count") is None:
            population["count"] = 1  # of which nothing is to be said beside what is wrong


def _problems_of_sections(plain: Mapping[str, Any]) -> list[str]:
    """Return a line for each section that is unknown or missing."""
    problems: list[str] = []
    for key in plain:
        if key not in SECTIONS:
            problems.append(unknown_key("", key, list(SECTIONS)))
    for key in SECTIONS:
        if plain.get(key) is None:
            problems.append(f"{key}: missing, allowed is a mapping")
    return problems


def _count_samples(pipeline: Mapping[str, Any], problems: list[str]) -> int:
    """Return the number of samples, once duration and dt are numbers that divide."""
    duration = pipeline.get("duration_ms")
    dt = pipeline.get("dt_ms")
    if duration is None or dt is None:
        return 0
    samples: int = round(duration / dt)
    if dt > duration * (1 + TOLERANCE_SAMPLES):
        allowed = f"allowed is at most pipeline.duration_ms, which is {duration} (ms)"
        problems.append(f"pipeline.dt_ms: got {dt}, {allowed}")
    elif abs(duration / dt - samples) > TOLERANCE_SAMPLES:
        allowed = f"allowed is a whole number of samples of pipeline.dt_ms {dt} (ms)"
        nearest = f"the nearest is {samples * dt:.12g}"
        problems.append(f"pipeline.duration_ms: got {duration}, {allowed}; {nearest}")
    return samples


def _problems_of_delays(
    populations: Mapping[str, PopulationSpec], duration_ms: float | None
) -> list[str]:
    """Return a line for each population whose spikes would all come after the end."""
    problems: list[str] = []
    for name, population in populations.items():
        delay = population.delay
        if delay is None or duration_ms is None or delay.mean_ms < duration_ms:
            continue
        where = f"neurons.populations.{name}"
        is_of_table = isinstance(delay.distance_mm, PerNeuron)
        key = f"{where}.units: latency_ms" if is_of_table else f"{where}.delay_ms"
        got = f"{key}: got {delay.mean_ms:.6g}"
        limit = f"allowed is less than pipeline.duration_ms, which is {duration_ms} (ms)"
        problems.append(f"{got}, {limit}")
    return problems


def _problems_of_batch(batch: Mapping[str, Any]) -> list[str]:
    """Return the line for flags that contradict each other."""
    if batch.get("resume") and batch.get("overwrite"):
        return [
            "batch.resume: got true with batch.overwrite: true; a run is gone on with or "
            "discarded, not both"
        ]
    return []


def _read_format(
    format: str | Mapping[str, Any] | None, search: Sequence[str | Path], problems: list[str]
) -> Format | None:
    """Return the output format: the option that is named, or what a mapping says."""
    if format is None:
        return None
    try:
        return kinds.make_chosen(
            "format", "batch.format", format, search, "an output format", Format
        )
    except ConfigError as error:
        problems += error.problems
        return None


def _problems_of_machine(pipeline: Mapping[str, Any]) -> list[str]:
    """Return the line for a device or a backend that this machine does not have, the first only."""
    device = pipeline.get("device", "auto")
    problems = list(device_problems(device))
    if not problems:
        problems = list(devices_problems(pipeline.get("devices", 1), device))
    if not problems:
        problems = list(backend_problems(pipeline.get("backend", "auto"), device))
    return problems


def _batch_spec(batch: Mapping[str, Any], output_format: Format) -> BatchSpec:
    """Return where and how to write."""
    workers = batch["num_workers"]
    return BatchSpec(
        output_dir=expand_home(batch["output_dir"]),
        format=output_format,
        checkpoint_frequency=batch["checkpoint_frequency"],
        num_workers=usable_cores() if workers == "auto" else workers,
        save=tuple(batch["save"]),
        resume=batch["resume"],
        overwrite=batch["overwrite"],
        dry_run=batch["dry_run"],
        on_error=batch["on_error"],
    )
