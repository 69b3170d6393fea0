from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from helpers.touch import CASES, case, pulls

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.numerics import uniforms
from sensoryforge.core.types import Columns, Floats
from sensoryforge.skin.receptors.grid import Grid
from sensoryforge.stimuli import (
    FileOf,
    Gaussian,
    Grating,
    Ramp,
    Range,
    Step,
    Stimulus,
    stimulus_class,
)

CONF = Path(__file__).parents[2] / "conf" / "stimuli"
PINNED = {
    "gaussian": "acb280d338bbd67e",
    "step": "52bec30cd915f823",
    "ramp": "e6f02fb1f05e0220",
    "grating": "76c528bd7e18439f",
}
DURATION_MS = 100.0
T_MS = np.asarray(np.arange(200) * 0.5, dtype=np.float64)
XY = Grid(12, 9, 0.15).xy()
WIDE = Grid(12, 9, 0.5).xy()

every_stimulus = pytest.mark.parametrize("name", CASES)


def load(file: Path) -> tuple[type[Stimulus], dict[str, Any]]:
    config = yaml.safe_load(file.read_text())
    config = {key: value for key, value in config.items() if value is not None}
    assert config.pop("type") == file.stem
    assert config.pop("repetitions") == 1
    return stimulus_class(config.pop("_target_")), config


def some_columns(kind: type[Stimulus], defaults: dict[str, Any], count: int = 23) -> Columns:
    """Columns of distinct values in the range of every parameter, around the default."""
    columns = {}
    for name, allowed in kind.ranges.items():
        if name not in defaults:
            continue
        default = defaults[name] if np.isfinite(defaults[name]) else DURATION_MS / 4
        values = default * (0.5 + uniforms(0, name, size=count)) + (
            0.0 if default else uniforms(1, name, size=count)
        )
        assert all(allowed.allows(value) for value in values.tolist())
        columns[name] = values
    return columns


def one(kind: type[Stimulus], **parameters: float) -> Stimulus:
    return kind({name: np.array([float(value)]) for name, value in parameters.items()})


@every_stimulus
def test_every_parameter_has_a_default_in_its_range(name: str) -> None:
    shipped = case(name)
    for parameter, allowed in shipped.recipe.ranges.items():
        if parameter not in shipped.family.axes:
            assert allowed.optional
        elif not isinstance(allowed, FileOf):
            assert allowed.allows(shipped.family.axes[parameter][0])
    assert shipped.recipe.check(shipped.defaults(), 300.0, is_glued=pulls(name)) == []


@every_stimulus
def test_shapes_are_as_promised_and_values_finite_and_not_negative(name: str) -> None:
    shipped = case(name)
    stimulus = shipped.recipe(shipped.columns())
    frames = stimulus.frames(WIDE, T_MS, DURATION_MS)
    assert frames.shape == (7, 200, 108)
    assert frames.dtype == np.float64
    assert np.isfinite(frames).all()
    # Between the places along its path at which a shape is worked out, a cubic may fall short.
    least = -0.05 * frames.max() if stimulus_moves(name) else 0.0
    assert (frames.min() < -1.0) if pulls(name) else (frames.min() >= least)
    assert frames.max() > 0.0
    if shipped.recipe.separable:
        space, time = stimulus.space(WIDE), stimulus.time(T_MS, DURATION_MS)
        assert (space.shape[0], space.shape[2]) == (7, 108)
        assert time.shape == (7, space.shape[1], 200)


def stimulus_moves(name: str) -> bool:
    return not case(name).recipe.separable


@every_stimulus
def test_frames_are_the_products_of_space_and_time(name: str) -> None:
    shipped = case(name)
    if not shipped.recipe.separable:
        pytest.skip("does not separate")
    stimulus = shipped.recipe(shipped.columns())
    space, time = stimulus.space(WIDE), stimulus.time(T_MS, DURATION_MS)
    product = (time[:, :, :, None] * space[:, :, None, :]).sum(axis=1)
    np.testing.assert_allclose(stimulus.frames(WIDE, T_MS, DURATION_MS), product, rtol=1e-13)


@every_stimulus
def test_a_condition_has_the_same_bits_in_any_order_and_company(name: str) -> None:
    shipped = case(name)
    columns = shipped.columns()
    whole = shipped.recipe(columns).frames(WIDE, T_MS, DURATION_MS)
    for chosen in (np.argsort(uniforms(2, "order", size=7)), np.arange(2, 5), np.array([6])):
        part = shipped.recipe({key: values[chosen] for key, values in columns.items()})
        assert np.array_equal(part.frames(WIDE, T_MS, DURATION_MS), whole[chosen])


@every_stimulus
def test_a_receptor_and_a_sample_have_the_same_bits_in_any_order_and_company(name: str) -> None:
    shipped = case(name)
    stimulus = shipped.recipe(shipped.columns())
    whole = stimulus.frames(WIDE, T_MS, DURATION_MS)
    receptors, samples = np.argsort(uniforms(3, "order", size=len(WIDE)))[:50], np.arange(40, 90)
    part = stimulus.frames(WIDE[receptors], T_MS[samples], DURATION_MS)
    assert np.array_equal(part, whole[:, samples][:, :, receptors])


@pytest.mark.parametrize(("name", "bits"), PINNED.items())
def test_bits_are_the_pinned_ones(name: str, bits: str) -> None:
    kind, defaults = load(CONF / f"{name}.yaml")
    frames = kind(some_columns(kind, defaults)).frames(XY, T_MS, DURATION_MS)
    assert sha256(frames.tobytes()).hexdigest()[:16] == bits


def test_gaussian_is_its_formula_from_the_first_sample_to_the_last() -> None:
    stimulus = one(Gaussian, amplitude=30, sigma=0.5, center_x=0.2, center_y=-0.1)
    expected = 30 * np.exp(-((XY - [0.2, -0.1]) ** 2).sum(1) / (2 * 0.5**2))
    frames = stimulus.frames(XY, T_MS, DURATION_MS)[0]
    np.testing.assert_allclose(frames, np.tile(expected, (200, 1)), rtol=1e-14)


def test_a_footprint_far_narrower_than_the_lattice_is_zero_between_receptors() -> None:
    stimulus = one(Gaussian, amplitude=1, sigma=1e-200, center_x=0.01, center_y=0)
    np.testing.assert_array_equal(stimulus.space(XY), 0.0)


def test_a_footprint_is_the_same_whether_its_receptors_form_a_lattice_or_not() -> None:
    stimulus = one(Gaussian, amplitude=2, sigma=0.4, center_x=0.1, center_y=0.3)
    whole = stimulus.space(XY)[0, 0]
    scattered = np.concatenate([stimulus.space(place[None])[0, 0] for place in XY])
    assert np.array_equal(whole, scattered)


def step_time_course(t_ms: Floats, **parameters: float) -> Floats:
    defaults = {"amplitude": 1, "sigma": 0.5, "center_x": 0, "center_y": 0}
    return np.asarray(one(Step, **defaults, **parameters).time(t_ms, DURATION_MS)[0, 0])


def test_step_is_on_from_its_time_for_its_hold() -> None:
    on = step_time_course(T_MS, step_time=20, hold_ms=30)
    np.testing.assert_array_equal(on, (T_MS >= 20) & (T_MS < 50))
    np.testing.assert_array_equal(step_time_course(T_MS, step_time=20, hold_ms=np.inf), T_MS >= 20)
    np.testing.assert_array_equal(step_time_course(T_MS, step_time=0, hold_ms=np.inf), 1.0)


@pytest.mark.parametrize("dt_ms", [0.1, 0.3, 0.7, 1 / 3])
def test_step_changes_at_the_right_sample_however_the_times_round(dt_ms: float) -> None:
    t_ms = np.asarray(np.arange(120) * dt_ms, dtype=np.float64)
    for first in range(1, 100):
        on = step_time_course(t_ms, step_time=round(first * dt_ms, 9), hold_ms=round(10 * dt_ms, 9))
        np.testing.assert_array_equal(np.flatnonzero(on), np.arange(first, first + 10))


def test_step_refuses_to_start_after_the_end() -> None:
    columns = {"step_time": np.array([50.0, 100.0, 250.0, 100.0])}
    assert Step.check(columns, DURATION_MS) == [
        "step_time: got 100 and 1 more, allowed is less than duration_ms, 100 (ms)"
    ]
    assert Step.check({"step_time": np.array([99.5])}, DURATION_MS) == []


def test_ramp_goes_from_initial_to_final_over_the_whole_duration() -> None:
    stimulus = one(Ramp, initial=5, final=25, sigma=0.5, center_x=0, center_y=0)
    np.testing.assert_allclose(stimulus.time(T_MS, DURATION_MS)[0, 0], 5 + 0.2 * T_MS, rtol=1e-14)
    assert float(stimulus.space(np.zeros((1, 2)))[0, 0, 0]) == 1.0


@pytest.mark.parametrize("orientation", [0.0, 30.0, 90.0, 135.0])
def test_grating_is_its_formula_at_any_orientation(orientation: float) -> None:
    o = np.deg2rad(orientation)
    stimulus = one(Grating, amplitude=30, wavelength=0.7, orientation=orientation)
    phase = 2 * np.pi * (XY[:, 0] * np.cos(o) + XY[:, 1] * np.sin(o)) / 0.7
    np.testing.assert_allclose(stimulus.space(XY)[0, 0], 15 * (1 + np.cos(phase)), atol=1e-13)


def test_a_vertical_grating_does_not_vary_along_its_ridges() -> None:
    space = one(Grating, amplitude=30, wavelength=0.7, orientation=0).space(XY)[0, 0].reshape(12, 9)
    assert np.array_equal(space, np.tile(space[0], (12, 1)))


class Travelling(Stimulus):
    ranges = {"speed": Range("mm/ms")}  # noqa: RUF012
    separable = False

    def frames(self, xy: Floats, t_ms: Floats, duration_ms: float) -> Floats:
        return np.abs(xy[None, None, :, 0] - self["speed"][:, :, None] * t_ms[None, :, None])


def test_a_stimulus_that_does_not_separate_gives_frames_only() -> None:
    moving = Travelling({"speed": np.array([0.1, 0.2])})
    assert moving.frames(XY, T_MS, DURATION_MS).shape == (2, 200, 108)
    with pytest.raises(NotImplementedError, match="Travelling does not separate"):
        moving.space(XY)
    with pytest.raises(NotImplementedError, match="Travelling does not separate"):
        moving.time(T_MS, DURATION_MS)


@pytest.mark.parametrize(
    ("allowed", "words", "good", "bad"),
    [
        (
            Range("mm"),
            "a number (mm)",
            [0, -3, 1e9],
            [np.inf, np.nan, 10**400, "1", None, True, [1]],
        ),
        (Range(low=0.0), "a number >= 0", [0, 2.5], [-1e-9, np.inf]),
        (Range("mm", low=0.0, low_open=True), "a number > 0 (mm)", [1e-9], [0, 0.0, -1]),
        (
            Range("ms", low=0.0, low_open=True, infinite=True),
            "a number > 0 or .inf (ms)",
            [np.inf, 1],
            [0, -np.inf, np.nan, 10**400],
        ),
        (Range(low=0.0, high=1.0), "a number >= 0 and <= 1", [0, 1], [1.1, -0.1]),
        (Range(high=1.0), "a number <= 1", [-5], [2]),
    ],
)
def test_a_range_tells_what_it_allows(
    allowed: Range, words: str, good: list[Any], bad: list[Any]
) -> None:
    assert str(allowed) == words
    assert [value for value in good if not allowed.allows(value)] == []
    assert [value for value in bad if allowed.allows(value)] == []


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "sensoryforge.stimuli.shapes.Gausian",
            "is the dotted path of a Stimulus class; did you mean 'Gaussian'",
        ),
        ("sensoryforge.stimuli.gausian.Gaussian", "cannot be imported .*No module named"),
        ("math.pi", "is the dotted path of a Stimulus class"),
        ("Gaussian", "is the dotted path of a Stimulus class"),
        (".gaussian.Gaussian", "is the dotted path of a Stimulus class"),
        ("", "is the dotted path of a Stimulus class"),
    ],
)
def test_a_target_that_is_no_stimulus_is_refused(target: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        stimulus_class(target)
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(f"_target_: got {target!r}, ")


def test_stimuli_need_neither_torch_nor_lightning() -> None:
    code = "import sys, sensoryforge.stimuli, sensoryforge.design.design; print([m for m in sys.modules if m in ('torch', 'h5py', 'hydra')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
