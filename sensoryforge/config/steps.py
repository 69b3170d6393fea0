"""Integration steps of a configuration: what populations were fitted at, and what is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sensoryforge.config.skin import KEY as SKIN
from sensoryforge.config.skin import is_none
from sensoryforge.design.experiment import PopulationSpec
from sensoryforge.equations.stepping import auto_substeps, fitted_step_ms, is_multiple


def choose_substeps(pipeline: Mapping[str, Any], populations: Mapping[str, PopulationSpec]) -> int:
    """Return the integration steps a sample that ``pipeline.substeps`` stands for.

    ``auto`` is as many as keep a step at 0.1 ms or below; where every population was fitted at the
    same step (``step_ms``), it is that one.
    """
    substeps = pipeline["substeps"]
    if substeps != "auto":
        return int(substeps)
    dt_ms = pipeline["dt_ms"]
    fitted = {fitted_step_ms([spec.filter, spec.model]) for spec in populations.values()}
    step_ms = fitted.pop() if len(fitted) == 1 else None
    return auto_substeps(dt_ms, step_ms)


def problems_of_steps(
    pipeline: Mapping[str, Any], populations: Mapping[str, PopulationSpec]
) -> list[str]:
    """Return a line for each step that populations were fitted at and would not have.

    Under a skin that deforms a sample is that step: what is dynamic is a central difference of
    samples, and was one of steps where the equations were fitted.
    """
    problems: list[str] = []
    blocks_of_demand: dict[str, list[str]] = {}
    for name, spec in populations.items():
        where = f"neurons.populations.{name}"
        steps = {
            block.kind: block.step_ms
            for block in (spec.filter, spec.model)
            if block.step_ms is not None
        }
        if not steps:
            continue
        if len(set(steps.values())) > 1:
            both = f"a filter with step_ms {steps['filter']:g}, a model with {steps['model']:g}"
            problems.append(f"{where}: got {both}, allowed is the same step (ms)")
            continue
        kind, step_ms = next(iter(steps.items()))
        demand = _unmet_demand(pipeline, step_ms)
        if demand is not None:
            blocks_of_demand.setdefault(demand, []).append(f"{where}.{kind}")
    for demand, blocks in blocks_of_demand.items():
        were = "was" if len(blocks) == 1 else "were"
        problems.append(f"{demand}, the step_ms of {_join(blocks)}, which {were} fitted at it")
    return problems


def _unmet_demand(pipeline: Mapping[str, Any], step_ms: float) -> str | None:
    """Return what equations that were fitted at a step ask for and do not get; None if nothing."""
    dt_ms, substeps = pipeline.get("dt_ms"), pipeline.get("substeps")
    if dt_ms is None:
        return None
    deforms = not is_none(pipeline.get("skin"))
    if deforms and not (is_multiple(dt_ms, step_ms) and auto_substeps(dt_ms, step_ms) == 1):
        return f"pipeline.dt_ms: got {dt_ms}, under {SKIN} allowed is {step_ms:g} (ms)"
    if not is_multiple(dt_ms, step_ms):
        return f"pipeline.dt_ms: got {dt_ms}, allowed is a multiple of {step_ms:g} (ms)"
    needed = auto_substeps(dt_ms, step_ms)
    if substeps in (None, "auto", needed):
        return None
    step = f"{needed}, so that a step is {step_ms:g} ms"
    return f"pipeline.substeps: got {substeps}, allowed is auto or {step}"


def _join(blocks: Sequence[str]) -> str:
    """Return names as they follow each other in a sentence."""
    *others, last = blocks
    return f"{', '.join(others)} and {last}" if others else last
