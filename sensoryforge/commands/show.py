"""What a dataset holds, in lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sensoryforge.analysis.results import Results

MOST_FAILURES = 20
"""Failed stimuli that are listed."""


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
    pipeline = config.get("pipeline")
    if pipeline:
        time = f"{pipeline['duration_ms']} ms in samples of {pipeline['dt_ms']} ms"
        yield f"  {time}, seed {pipeline['seed']}"
    for line in _design_lines(config.get("stimuli")):
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
    from sensoryforge.config.stimuli import read_entries, read_families
    from sensoryforge.design.design import Design

    problems: list[str] = []  # a class that is not trusted here leaves its stimuli out
    families = read_families(read_entries(stimuli, problems), None, problems)
    return Design(families).grid_lines()
