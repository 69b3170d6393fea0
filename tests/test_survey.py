"""What an estimate knows of the stimuli of a design."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest

from sensoryforge.config import check, compose
from sensoryforge.stimuli import Range, Stimulus
from sensoryforge.survey import UNKNOWN, Survey, survey
from sensoryforge.types import Floats, Positions, Space, Time


class Broken(Stimulus):
    ranges: ClassVar[Mapping[str, Range]] = {"amplitude": Range()}

    def space(self, xy: Positions) -> Space:
        raise SystemExit("broken")

    def time(self, t_ms: Floats, duration_ms: float) -> Time:
        return np.ones((self.count, 1, len(t_ms)))


class Whole(Broken):
    separable = False


def seen(*overrides: str) -> Survey:
    return survey(check(compose("batch.output_dir=here", *overrides)))


def test_a_stimulus_that_is_held_moves_at_its_onset_alone() -> None:
    assert seen().moving == pytest.approx(1 / 600)
    assert seen("stimuli=step", "stimuli.hold_ms=100").moving == pytest.approx(2 / 600)
    assert seen("stimuli=ramp").moving > 0.99


def test_what_follows_a_stimulus_settles_after_its_last_change() -> None:
    assert seen().settling == pytest.approx(250 / 300)
    assert seen("stimuli=step", "stimuli.hold_ms=20", "pipeline.duration_ms=1000").settling == pytest.approx(0.27)
    assert seen("pipeline.duration_ms=1e6").settling == pytest.approx(0.0, abs=1e-3)


def test_wider_and_stronger_stimuli_are_stronger_and_those_beside_the_sheet_are_not() -> None:
    assert seen("stimuli.sigma=2").strength > 2 * seen().strength
    assert seen("stimuli.amplitude=120").strength == pytest.approx(2 * seen().strength)
    assert seen("stimuli.center_x=100").strength < 1e-6
    both = seen("stimuli.amplitude=[30, 120]").strength
    assert both == pytest.approx(1.5 * seen().strength)


@pytest.mark.parametrize("cls", [Broken, Whole])
def test_a_class_that_fails_or_does_not_separate_is_taken_as_strong_and_moving(cls: type[Stimulus]) -> None:
    config = compose("batch.output_dir=here")
    config.stimuli = {"_target_": f"{__name__}.{cls.__name__}", "type": "own", "amplitude": 1.0, "repetitions": 1}
    assert survey(check(config)) == UNKNOWN
