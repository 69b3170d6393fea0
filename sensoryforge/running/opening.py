"""What a run says before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensoryforge.design.experiment import Experiment

if TYPE_CHECKING:
    from sensoryforge.store.checkpoint import Committed


def opening_lines(experiment: Experiment, committed: Committed | None, todo: int) -> list[str]:
    """Return what is said before anything is computed.

    Parameters
    ----------
    experiment
        What is run.
    committed
        What an earlier run left, None where this one begins anew.
    todo
        How many stimuli are still to be computed.
    """
    total = len(experiment.design)
    lines = [f"Batch execution: {total} {_stimuli(total)} total"]
    if committed is None:
        if experiment.batch.resume:
            directory = experiment.batch.output_dir
            lines.insert(0, f"Nothing to resume in {directory}: starting anew")
        return lines
    return [*lines, *committed.problems, resuming_line(total, todo)]


def resuming_line(total: int, todo: int) -> str:
    """Return how far the run came that goes on."""
    return f"Resuming: {total - todo} done, {todo} to go"


def nothing_to_do_line(experiment: Experiment, failed: int) -> str:
    """Return what is said where every stimulus is there, ``failed`` of them without spikes."""
    total = len(experiment.design)
    directory = experiment.batch.output_dir
    failures = f", {failed} of them failed" if failed else ""
    return f"Nothing to do: {directory} already holds all {total} {_stimuli(total)}{failures}"


def _stimuli(count: int) -> str:
    return "stimulus" if count == 1 else "stimuli"
