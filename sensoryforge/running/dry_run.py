"""A dry run: what a run would do and what it would cost."""

from __future__ import annotations

import warnings

from sensoryforge.core.errors import DamagedError
from sensoryforge.core.messages import list_names
from sensoryforge.design.experiment import Experiment
from sensoryforge.running.devices import choose_backend
from sensoryforge.running.earlier import check_nothing_lost, read_committed
from sensoryforge.running.estimate import estimate
from sensoryforge.running.opening import nothing_to_do_line, resuming_line
from sensoryforge.running.outdated import drawn_files
from sensoryforge.running.preflight import preflight
from sensoryforge.running.silence import foretell_silence
from sensoryforge.store.checkpoint import Committed


def dry_run(experiment: Experiment) -> list[str]:
    """Return what a run would do and cost, as lines; nothing is simulated or written.

    Raises
    ------
    SensoryForgeError
        What the run itself would raise before it starts.
    """
    risks = preflight(experiment)
    grid_lines = experiment.design.grid_lines()
    total = len(experiment.design)
    todo = total
    resumed_lines: list[str] = []
    committed = read_committed(experiment)
    if committed:
        ids = experiment.design.ids(0, total)
        check_nothing_lost(
            committed, ids, experiment.batch.output_dir, experiment.design.hint_at_growth
        )
        if _is_done(committed, ids):
            return [*grid_lines, nothing_to_do_line(experiment, _count_failed(experiment))]
        todo = total - len(committed.ids)
        resumed_lines = [*committed.problems, resuming_line(total, todo)]
    for risk in [*risks, *foretell_silence(experiment)]:
        warnings.warn(risk, stacklevel=2)
    backend = choose_backend(experiment, experiment.device)
    return [
        *grid_lines,
        *resumed_lines,
        *estimate(experiment, backend, todo).lines(),
        *_lines_of_steps(experiment),
        _would_write_line(experiment),
    ]


def _lines_of_steps(experiment: Experiment) -> list[str]:
    """Return a line that names the filters that ``integrator: exact`` leaves to Euler's steps."""
    if experiment.integrator != "exact":
        return []
    left = []
    for name, spec in experiment.populations.items():
        has_steps = bool(spec.filter.derivatives) and spec.filter.step_ms is None
        if has_steps and not experiment.steps_exactly(spec):
            left.append(name)
    if not left:
        return []
    return [f"Not linear, stepped by euler and not exact: the filter of {list_names(left)}"]


def _is_done(committed: Committed, ids: list[str]) -> bool:
    """Tell whether a results file holds just these stimuli, in this order."""
    if not committed.finished:
        return False
    held: list[str] = []
    for _, ids_of_part in committed.parts:
        held += ids_of_part
    return held == ids


def _would_write_line(experiment: Experiment) -> str:
    results = experiment.batch.output_dir / experiment.batch.format.results_name
    return f"Would write {results}{_replaced_dataset(experiment)}; nothing was written"


def _replaced_dataset(experiment: Experiment) -> str:
    """Return in words which dataset the run would replace, an empty text if none."""
    from sensoryforge.store.checkpoint import read_or_recover

    spec = experiment.batch
    if not spec.overwrite:
        return ""
    try:
        before = read_or_recover(spec.output_dir)
    except DamagedError:
        return ""
    if before is None or not before.results:
        return ""
    drawn = drawn_files(spec.output_dir)
    with_drawn = " with its pictures and reports" if drawn else ""
    return f", in place of the {before.total_stimuli} stimuli there{with_drawn}"


def _count_failed(experiment: Experiment) -> int:
    """Return how many stimuli of a finished dataset failed."""
    from sensoryforge.analysis.results import load

    return len(load(experiment.batch.output_dir).errors)
