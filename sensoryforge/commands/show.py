"""What a dataset holds, in lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sensoryforge.analysis.results import Results, load
from sensoryforge.analysis.sweep import Job, find_jobs, holds_dataset
from sensoryforge.core.errors import StorageError

MOST_FAILURES = 20
"""Failed stimuli that are listed."""


def directory_lines(directory: Path) -> Iterator[str]:
    """Yield what a run's or a sweep's directory holds.

    Parameters
    ----------
    directory
        That of a dataset, or of a sweep with datasets below.

    Examples
    --------
    >>> print(next(directory_lines(results.directory)).partition(": ")[2])
    8 stimuli, complete
    """
    is_sweep = directory.is_dir() and not holds_dataset(directory)
    jobs = find_jobs(directory) if is_sweep else []
    if jobs:
        yield from _sweep_lines(directory, jobs)
    else:
        yield from dataset_lines(load(directory))


def _sweep_lines(directory: Path, jobs: Sequence[Job]) -> Iterator[str]:
    """Yield the datasets of a sweep: what tells them apart, their sizes, how to load them."""
    noun = "dataset" if len(jobs) == 1 else "datasets"
    yield f"{directory}: {len(jobs)} {noun}"
    for job in jobs:
        yield f"  {job.directory.relative_to(directory)}  {job.describe()}: {_size(job.directory)}"
    try:
        load(directory)
    except StorageError as error:
        yield str(error)
    else:
        yield f'load them as one: sensoryforge.load("{directory}")'


def _size(directory: Path) -> str:
    """Return how large a dataset is, or why it cannot be opened."""
    try:
        results = load(directory)
    except StorageError as error:
        return str(error)
    noun = "stimulus" if len(results) == 1 else "stimuli"
    state = "complete" if results.complete else "interrupted"
    arrays = []
    for name in results.names:
        arrays.append(f"{name} {' x '.join(map(str, results.shape(name)))}")
    return f"{len(results)} {noun}, {', '.join(arrays)}, {state}"


def dataset_lines(results: Results) -> Iterator[str]:
    """Yield what a dataset holds, how it was designed, what failed in it, and how to load it.

    Parameters
    ----------
    results
        The dataset.

    Examples
    --------
    >>> print(next(dataset_lines(results)).partition(": ")[2])
    8 stimuli, complete
    """
    facts = results.facts
    config: dict[str, Any] = dict(facts.get("config") or {})
    noun = "stimulus" if len(results) == 1 else "stimuli"
    state = "complete" if results.complete else "interrupted: go on with --resume"
    yield f"{results.directory}: {len(results)} {noun}, {state}"
    for name in results.names:
        shape = " x ".join(map(str, results.shape(name)))
        yield f"  {name}  {shape}"
    spikes = results.total_spikes
    if spikes is not None:
        yield f"  spikes: {', '.join(f'{name} {count}' for name, count in spikes.items())}"
    pipeline = config.get("pipeline")
    if pipeline:
        time = f"{pipeline['duration_ms']} ms in samples of {pipeline['dt_ms']} ms"
        noise_seed = pipeline.get("noise_seed")
        of_noise = "" if noise_seed is None else f", noise seed {noise_seed}"
        yield f"  {time}, seed {pipeline['seed']}{of_noise}"
    design_text = facts.get("design_text")  # a dataset of an earlier version has none
    if design_text is None:
        design_text = _design_lines(config.get("stimuli"))
    for line in design_text:
        yield f"  {line}"
    for key in ("started", "wall_time_s"):
        if key in facts:
            yield f"  {key}: {facts[key]}"
    yield from _failure_lines(results)
    yield f'load it: sensoryforge.load("{results.directory}")'


def _failure_lines(results: Results) -> Iterator[str]:
    """Yield which stimuli failed, and why; a long list is cut."""
    failures = list(results.errors.items())
    if not failures:
        return
    yield f"  failed: {len(failures)}"
    for index, error in failures[:MOST_FAILURES]:
        yield f"    {index}: {error}"
    if len(failures) > MOST_FAILURES:
        others = len(failures) - MOST_FAILURES
        yield f"    and {others} more: sensoryforge show {results.directory} --csv"


def _design_lines(stimuli: Any) -> list[str]:
    """Return the expansion of the stimuli of a stored configuration."""
    from sensoryforge.config.families import read_families
    from sensoryforge.config.stimuli import read_entries
    from sensoryforge.design.design import Design

    problems: list[str] = []  # a class that is not trusted here leaves its stimuli out
    families = read_families(read_entries(stimuli, problems), {}, problems)
    return Design(families).grid_lines()
