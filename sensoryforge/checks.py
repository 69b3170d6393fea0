"""A composed configuration, checked whole: every problem is found before any is raised."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import Any

from sensoryforge import rules, trust
from sensoryforge.design import Design
from sensoryforge.entries import families, read_entries
from sensoryforge.equations import Block
from sensoryforge.errors import ConfigError
from sensoryforge.experiment import BatchSpec, Experiment, PopulationSpec
from sensoryforge.innervation import GaussianInnervation
from sensoryforge.receptors import Sheet

SECTIONS = ("pipeline", "neurons", "stimuli", "batch")
STEP_MS = 0.1
"""Longest integration step that ``substeps: auto`` takes."""
OLDEST_TRITON = (3, 4)
"""The first that says whether it interprets (``triton.knobs``)."""
TOLERANCE_SAMPLES = 1e-6
"""How far the duration may be from a whole number of samples."""


def check(plain: Mapping[str, Any], sources: Mapping[str, str] | None = None) -> Experiment:
    """Return the experiment that a resolved configuration in plain containers describes.

    ``sources`` maps the key of a block of equations to the file it came from, for messages.
    Raises ConfigError with one line for each problem.
    """
    problems = [rules.unknown("", key, list(SECTIONS)) for key in plain if key not in SECTIONS]
    problems += [f"{key}: missing, allowed is a mapping" for key in SECTIONS if plain.get(key) is None]
    pipeline = rules.read("pipeline", plain.get("pipeline") or {}, rules.PIPELINE, problems)
    populations = _populations(plain.get("neurons") or {}, sources or {}, problems)
    batch = rules.read("batch", plain.get("batch") or {}, rules.BATCH, problems)
    entries = read_entries(plain.get("stimuli"), problems)
    samples = _samples(pipeline, problems)
    found = families(entries, pipeline.get("duration_ms"), problems)
    unmet = [*device_problems(device := pipeline.get("device", "auto"))]
    unmet = unmet or [*devices_problems(pipeline.get("devices", 1), device)]
    if batch.get("resume") and batch.get("overwrite"):
        both = "got true with batch.overwrite: true; a run is gone on with or discarded, not both"
        problems.append(f"batch.resume: {both}")
    problems += unmet or backend_problems(pipeline.get("backend", "auto"), device)
    if problems:
        raise ConfigError(dict.fromkeys(problems))
    design = Design(found, pipeline["seed"])
    design.check()
    return Experiment(
        sheet=Sheet.from_config(pipeline["grid_size"], pipeline["spacing_mm"]),
        duration_ms=float(pipeline["duration_ms"]),
        dt_ms=float(pipeline["dt_ms"]),
        samples=samples,
        substeps=_substeps(pipeline["substeps"], pipeline["dt_ms"]),
        device=pipeline["device"],
        backend=pipeline["backend"],
        chunk_size=None if pipeline["chunk_size"] == "auto" else pipeline["chunk_size"],
        seed=pipeline["seed"],
        populations=populations,
        design=design,
        batch=_batch(batch),
        config={**plain, "stimuli": [entry.values for entry in entries]},
        surrogate=pipeline["surrogate"],
        surrogate_width=float(pipeline["surrogate_width"]),
        devices=pipeline["devices"],
    )


def _batch(values: dict[str, Any]) -> BatchSpec:
    """Return where and how to write."""
    workers = values.pop("num_workers")
    return BatchSpec(
        **{**values, "output_dir": Path(values["output_dir"]).expanduser(), "save": tuple(values["save"])},
        num_workers=len(os.sched_getaffinity(0)) if workers == "auto" else workers,
    )


# --- time and device ---


def _samples(pipeline: Mapping[str, Any], problems: list[str]) -> int:
    """Return the number of samples, once duration and dt are numbers that divide."""
    duration, dt = pipeline.get("duration_ms"), pipeline.get("dt_ms")
    if duration is None or dt is None:
        return 0
    samples: int = round(duration / dt)
    if dt > duration * (1 + TOLERANCE_SAMPLES):
        problems.append(f"pipeline.dt_ms: got {dt}, allowed is at most pipeline.duration_ms, which is {duration} (ms)")
    elif abs(duration / dt - samples) > TOLERANCE_SAMPLES:
        problems.append(
            f"pipeline.duration_ms: got {duration}, allowed is a whole number of samples of pipeline.dt_ms {dt} (ms); "
            f"the nearest is {samples * dt:.12g}"
        )
    return samples


def _substeps(substeps: int | str, dt_ms: float) -> int:
    """Return the integration steps in a sample."""
    return substeps if isinstance(substeps, int) else max(1, ceil(dt_ms / STEP_MS - 1e-9))


def device_problems(device: str, key: str = "pipeline.device") -> Iterator[str]:
    """Yield the line for a GPU that this machine does not have; torch is imported only to look for one."""
    if not device.startswith("cuda"):
        return
    if int(device.partition(":")[2] or 0) >= _gpus():
        yield f"{key}: got '{device}', but this machine {_found()}; set {key}: cpu (or auto)"


def devices_problems(devices: int | list[int] | str, device: str) -> Iterator[str]:
    """Yield the line for GPUs that this machine does not have, or that ``device`` leaves no choice of."""
    if devices in (1, "auto"):
        return
    got = f"pipeline.devices: got {devices}"
    if device == "cpu":
        yield f"{got}, which are GPUs, but pipeline.device is cpu; set pipeline.devices: 1"
    elif ":" in device:
        yield f"{got}, but pipeline.device is one GPU, {device}; set pipeline.device: cuda"
    elif (max(devices) + 1 if isinstance(devices, list) else int(devices)) > _gpus():
        yield f"{got}, but this machine {_found()}; set pipeline.devices: 1 (or auto)"


def _gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _found() -> str:
    return f"has {_gpus()}" if _gpus() else "has no GPU that torch can use"


def backend_problems(backend: str, device: str) -> Iterator[str]:
    """Yield the line for a backend that does not run on the device, or is not installed."""
    if backend == "numba" and device.startswith("cuda"):
        yield f"pipeline.backend: got 'numba', which runs on the CPU, not on {device}; set auto, torch or triton"
    if backend != "triton":
        return
    if lacks := triton_lacks():
        yield f"pipeline.backend: got 'triton', which {lacks}; set auto, or pip install \"sensoryforge[gpu]\""
    elif not os.environ.get("TRITON_INTERPRET") and (device == "cpu" or any(device_problems("cuda"))):
        yield "pipeline.backend: got 'triton', which runs on a GPU, not on the CPU; set auto, numba or torch"


def triton_lacks() -> str:
    """Return in words why Triton cannot be used, nothing if it can."""
    # torch's own builds of it have another name; a folder that happens to be called so belongs to none
    names = packages_distributions().get("triton") if find_spec("triton") else None
    if not names:
        return "is not installed"
    found = version(names[0])
    return "" if tuple(map(int, re.findall(r"\d+", found)[:2])) >= OLDEST_TRITON else f"is too old, {found}"


# --- populations ---


def _populations(neurons: Any, sources: Mapping[str, str], problems: list[str]) -> dict[str, PopulationSpec]:
    """Return the populations by name, those without a problem."""
    if not isinstance(neurons, Mapping):
        problems.append(f"neurons: got {rules.shown(neurons)}, allowed is a mapping with populations")
        return {}
    populations = neurons.get("populations")
    if not isinstance(populations, Mapping) or not populations:
        problems.append("neurons.populations: got none, allowed is a mapping of at least one population")
        return {}
    known = ["populations", *dict.fromkeys(f"{name}_neurons" for name in ("sa", "ra", *populations))]
    problems += [rules.unknown("neurons", key, known) for key in neurons if key not in known]
    problems += [line for name in populations for line in _count_problems(neurons, str(name), populations[name])]
    specs = {}
    for name, mapping in populations.items():
        where = f"neurons.populations.{name}"
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", str(name)):
            problems.append(f"{where}: got the name {name!r}, allowed are letters, digits and _, a letter first")
        else:
            found: list[str] = []
            if spec := _population(where, mapping, sources, found):
                specs[str(name)] = spec
            problems += [_as_written(line, neurons, str(name), mapping) for line in found]
    return specs


def _count_problems(neurons: Mapping[str, Any], name: str, population: object) -> Iterator[str]:
    """Yield the line for a ``<name>_neurons`` that nothing follows; a count of SA or RA itself has the last word."""
    key = f"{name}_neurons"
    count = population.get("count") if isinstance(population, Mapping) else None
    if key in neurons and neurons[key] != count and name not in ("sa", "ra"):
        yield f"neurons.{key}: has no effect, set neurons.populations.{name}.count"


def _as_written(line: str, neurons: Mapping[str, Any], name: str, population: object) -> str:
    """Return a line on a count under the key that the user wrote, where that gave the count its value."""
    short, long = f"{name}_neurons", f"neurons.populations.{name}.count: got "
    count = population.get("count") if isinstance(population, Mapping) else None
    given = short in neurons and neurons[short] == count
    return f"neurons.{short}: got {line.removeprefix(long)}" if given and line.startswith(long) else line


def _population(where: str, mapping: object, sources: Mapping[str, str], problems: list[str]) -> PopulationSpec | None:
    """Return one population, or None with a line for each of its problems."""
    before = len(problems)
    values = rules.read(where, mapping, rules.POPULATION, problems)
    blocks: dict[str, Block] = {}
    for kind in ("filter", "model"):
        if kind in values:
            key = f"{where}.{kind}"
            source = f"{sources[key]} ({key})" if key in sources else key
            try:
                blocks[kind] = Block.from_config(kind, values[kind], source)
            except ConfigError as error:
                problems += error.problems
            else:
                problems += blocks[kind].unread()
    innervation = _innervation(f"{where}.innervation", values.get("innervation"), problems)
    if len(problems) > before or innervation is None:
        return None
    return PopulationSpec(
        count=values["count"],
        layout=values["layout"],
        gain=float(values["gain"]),
        noise_std=float(values["noise_std"]),
        innervation=innervation,
        **blocks,
    )


def _innervation(where: str, mapping: Mapping[str, Any] | None, problems: list[str]) -> GaussianInnervation | None:
    """Return the innervation of the class that ``_target_`` names, made with the other keys."""
    if mapping is None:
        return None
    try:
        cls = trust.locate(mapping.get("_target_"), "a class of innervation", GaussianInnervation)
    except ConfigError as error:
        problems.append(f"{where}._target_: {error}")
        return None
    known = [field.name for field in fields(cls)]
    wrong = [rules.unknown(where, key, known) for key in mapping if key not in known and key != "_target_"]
    wrong += [f"{where}.{key}: missing" for key in known if key not in mapping]
    problems += wrong
    try:
        return None if wrong else cls(**{name: mapping[name] for name in known})
    except ConfigError as error:
        problems += [f"{where}.{line}" for line in error.problems]
        return None
