"""Equations that were fitted at a step run at it, and at no other: one clear line, nothing run."""

from __future__ import annotations

from pathlib import Path

import pytest

import sensoryforge as sf
from sensoryforge.config.reading import check
from sensoryforge.core.errors import ConfigError
from sensoryforge.design.experiment import Experiment
from sensoryforge.running.cutoffs import cutoff_lines
from sensoryforge.running.preflight import preflight, stiffness_lines
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


# --- cut-offs that steps are too coarse for ---

LOW_PASS = """\
states: {y: 0.0}
derivatives: {y: 0.006283185307179586*low_hz*(I - y)}
output: y
parameters: {low_hz: 40.0}
"""


def test_a_cutoff_from_half_the_rate_of_steps_on_is_told_before_a_run(tmp_path: Path) -> None:
    fitted = (*BOTH, "pipeline.dt_ms=0.4", f"batch.output_dir={tmp_path}")
    at_limit, below = (
        f"{SA}.filter.parameters.cutoff_hz=2500",
        f"{SA}.filter.parameters.cutoff_hz=2499",
    )
    line = (
        f"{SA}.filter.cutoff_hz: got 2500, not below 2500 Hz, half the rate of steps of 0.2 ms: "
        "the filter becomes another one; lower it"
    )
    assert preflight(checked(*fitted, at_limit)) == [line]
    assert preflight(checked(*fitted, below)) == []
    axis = f"{SA}.filter.parameters.cutoff_hz=[100,2500]"
    assert preflight(checked(*fitted, axis)) == [line]


def test_the_highest_cutoff_of_a_table_of_units_tells() -> None:
    words = ["experiment=fingertip"]
    columns = "neurons.populations.pc.units.rows"
    experiment = check(sf.compose(*words))
    assert cutoff_lines(experiment) == []
    rows = [list(row) for row in experiment.config["neurons"]["populations"]["pc"]["units"]["rows"]]
    rows[0][0] = 7000.0
    (told,) = cutoff_lines(check(sf.compose(*words, f"{columns}={rows}".replace(" ", ""))))
    assert told.startswith("neurons.populations.pc.filter.cutoff_hz: got 7000, not below 2500 Hz")


def test_a_filter_of_ones_own_is_told_how_many_steps_it_needs(tmp_path: Path) -> None:
    (tmp_path / "filter").mkdir()
    (tmp_path / "filter" / "smooth.yaml").write_text(LOW_PASS)
    words = (
        f"hydra.searchpath=[file://{tmp_path}]",
        f"filter@{SA}.filter=smooth",
        "pipeline.dt_ms=0.5",
    )
    too_high = f"{SA}.filter.parameters.low_hz=6000"
    assert cutoff_lines(checked(*words)) == []
    (line,) = cutoff_lines(checked(*words, too_high))
    assert line.endswith("; lower it, or set pipeline.substeps=7")
    assert cutoff_lines(checked(*words, too_high, "pipeline.substeps=7")) == []
    assert cutoff_lines(checked(*words, too_high, "pipeline.integrator=exact")) == []
