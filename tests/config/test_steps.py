"""Equations that were fitted at a step run at it, and at no other: one clear line, nothing run."""

from __future__ import annotations

import pytest

import sensoryforge as sf
from sensoryforge.config.reading import check
from sensoryforge.core.errors import ConfigError
from sensoryforge.design.experiment import Experiment
from sensoryforge.running.preflight import stiffness_lines
from sensoryforge.simulation import Encoder

SA = "neurons.populations.sa"
RA = "neurons.populations.ra"
MODEL = f"model@{SA}.model=touch"
FILTER = f"filter@{SA}.filter=touch_slow"
BOTH = (MODEL, FILTER, f"model@{RA}.model=touch", f"filter@{RA}.filter=touch_fast")
FITTED = f"the step_ms of {SA}.filter, which was fitted at it"


def checked(*overrides: str) -> Experiment:
    return check(sf.compose("pipeline.duration_ms=20", *overrides))


@pytest.mark.parametrize(("dt_ms", "steps"), [(0.2, 1), (0.4, 2), (1.0, 5)])
def test_auto_takes_the_step_of_the_fit(dt_ms: float, steps: int) -> None:
    experiment = checked(*BOTH, f"pipeline.dt_ms={dt_ms}")
    assert experiment.substeps == steps
    assert {experiment.substeps_of(spec) for spec in experiment.populations.values()} == {steps}
    same = checked(*BOTH, f"pipeline.dt_ms={dt_ms}", f"pipeline.substeps={steps}")
    assert same.substeps == steps
    assert stiffness_lines(experiment) == []


def test_other_populations_keep_their_own_steps() -> None:
    experiment = checked(MODEL, FILTER, "pipeline.dt_ms=0.2")
    assert experiment.substeps == 2
    assert experiment.substeps_of(experiment.populations["sa"]) == 1
    assert experiment.substeps_of(experiment.populations["ra"]) == 2
    encoder = Encoder(experiment)
    assert encoder.populations["sa"].afferents().substeps == 1
    assert encoder.populations["ra"].afferents().substeps == 2


MISTAKES: list[tuple[tuple[str, ...], str]] = [
    ((MODEL, FILTER), f"pipeline.dt_ms: got 0.5, allowed is a multiple of 0.2 (ms), {FITTED}"),
    (
        (MODEL, FILTER, "pipeline.dt_ms=0.1"),
        f"pipeline.dt_ms: got 0.1, allowed is a multiple of 0.2 (ms), {FITTED}",
    ),
    (
        (MODEL, FILTER, "pipeline.dt_ms=0.2", "pipeline.substeps=2"),
        f"pipeline.substeps: got 2, allowed is auto or 1, so that a step is 0.2 ms, {FITTED}",
    ),
    (
        (MODEL, "pipeline.dt_ms=0.4", "pipeline.substeps=1"),
        "pipeline.substeps: got 1, allowed is auto or 2, so that a step is 0.2 ms, "
        f"the step_ms of {SA}.model, which was fitted at it",
    ),
    (
        (MODEL, FILTER, f"{SA}.filter.step_ms=0.1", "pipeline.dt_ms=0.2"),
        f"{SA}: got a filter with step_ms 0.1, a model with 0.2, allowed is the same step (ms)",
    ),
    (
        ("pipeline.integrator=eulr",),
        "pipeline.integrator: got 'eulr', allowed are euler, exact; did you mean 'euler'?",
    ),
]


@pytest.mark.parametrize(("overrides", "line"), MISTAKES)
def test_another_step_is_refused_in_one_line(overrides: tuple[str, ...], line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        checked(*overrides)
    assert list(refused.value.problems) == [line]


def test_a_filter_may_be_fitted_and_its_model_not() -> None:
    experiment = checked(FILTER, "pipeline.dt_ms=0.2")
    assert experiment.substeps_of(experiment.populations["sa"]) == 1
