"""Integration steps of a configuration: what populations were fitted at, and what is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
) -> Iterator[str]:
    """Yield a line for each step that a population was fitted at and would not have.

    Under a skin that deforms a sample is that step: what is dynamic is a central difference of
    samples, and was one of steps where the equations were fitted.
    """
    dt_ms, substeps = pipeline.get("dt_ms"), pipeline.get("substeps")
    deforms = not is_none(pipeline.get("skin"))
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
            yield f"{where}: got {both}, allowed is the same step (ms)"
            continue
        kind, step_ms = next(iter(steps.items()))
        fitted = f"the step_ms of {where}.{kind}, which was fitted at it"
        if dt_ms is None:
            continue
        if deforms and not (is_multiple(dt_ms, step_ms) and auto_substeps(dt_ms, step_ms) == 1):
            yield f"pipeline.dt_ms: got {dt_ms}, under {SKIN} allowed is {step_ms:g} (ms), {fitted}"
            continue
        if not is_multiple(dt_ms, step_ms):
            multiple = f"a multiple of {step_ms:g} (ms), {fitted}"
            yield f"pipeline.dt_ms: got {dt_ms}, allowed is {multiple}"
            continue
        needed = auto_substeps(dt_ms, step_ms)
        if substeps not in (None, "auto", needed):
            step = f"{needed}, so that a step is {step_ms:g} ms, {fitted}"
            yield f"pipeline.substeps: got {substeps}, allowed is auto or {step}"
