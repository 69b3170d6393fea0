"""The integration step: short enough to lose no spikes, and no shorter than needed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sensoryforge.equations.stepping import STEP_MS, auto_substeps, is_coarse


@given(st.floats(0.001, 20))
def test_automatic_steps_are_the_fewest_that_are_not_coarse(dt_ms: float) -> None:
    steps = auto_substeps(dt_ms)
    assert not is_coarse(dt_ms / steps)
    assert steps == 1 or dt_ms / (steps - 1) > STEP_MS


@given(st.integers(1, 500))
def test_rounding_adds_no_step_to_a_whole_number_of_them(steps: int) -> None:
    assert auto_substeps(steps * STEP_MS) == steps
    assert auto_substeps(steps / 10) == steps
