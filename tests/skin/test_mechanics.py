"""The mechanics of the skin: contact, stress and rate, against anchors and an oracle of our own.

The oracle is written with SciPy from the equations of Sneddon 1946 and of Saal and others 2017
(doi:10.1073/pnas.1704856114), in the trigonometric form, and shares no line with the package.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve
from scipy.optimize import nnls

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.numerics import asin, root, sum_rows
from sensoryforge.core.types import Floats, Positions
from sensoryforge.skin.mechanics import Elastic, Pins
from sensoryforge.skin.mechanics.contact import press
from sensoryforge.skin.mechanics.half_space import central_difference
from sensoryforge.skin.mechanics.pins_of_sheet import pin_radius_mm
from sensoryforge.skin.receptors import Grid
from sensoryforge.skin.receptors.hex import Hex

SKIN = Elastic(youngs_modulus_mpa=0.05, poisson_ratio=0.4, wave_speed=8.0, glued=True)
SA1_MM, RA1_MM, PC_MM = 0.3, 1.6, 2.0


# --- the oracle ---


def oracle_profile(r: Floats, a: float) -> Floats:
    with np.errstate(divide="ignore"):
        return np.where(r > a, 2 / np.pi * np.arcsin(np.minimum(a / r, 1)), 1.0)


def oracle_compliance(xy: Positions, a: float) -> Floats:
    r = np.linalg.norm(xy[:, None] - xy[None], axis=-1)
    return (1 - 0.4**2) / (2 * a * 0.05) * oracle_profile(r, a)


def oracle_forces(depths: Floats, xy: Positions, a: float) -> Floats:
    """Solve for the pins in contact, let go of those that pull, and begin again."""
    compliance = oracle_compliance(xy, a)
    held = np.flatnonzero(depths > 0)
    while len(held):
        pressing = solve(compliance[np.ix_(held, held)], depths[held], assume_a="pos")
        if (pressing >= 0).all():
            break
        held = held[pressing >= 0]
    forces = np.zeros(len(depths))
    forces[held] = pressing
    return forces


def oracle_stress(r: Floats, z: float, a: float) -> Floats:
    xi, rho = z / a, r / a
    modulus = np.sqrt((rho**2 + xi**2 - 1) ** 2 + 4 * xi**2)
    phi = np.arctan2(2 * xi, rho**2 + xi**2 - 1)
    theta = np.arctan(1 / xi)
    first = modulus**-0.5 * np.sin(phi / 2)
    second = np.sqrt(1 + xi**2) * modulus**-1.5 * np.sin(1.5 * phi - theta)
    return (first + xi * second) / (2 * np.pi * a**2)


# --- numbers ---


def test_the_arc_sine_is_that_of_the_library() -> None:
    x = np.linspace(-1, 1, 20001)
    assert np.abs(asin(x) - np.arcsin(x)).max() < 5e-16


def test_the_root_is_that_of_the_library() -> None:
    x = np.concatenate([[0.0], np.logspace(-290, 290, 20001), np.linspace(0, 4, 20001)])
    assert np.allclose(root(x), np.sqrt(x), rtol=3e-16, atol=0)


def test_a_sum_of_rows_does_not_depend_on_what_stands_beside_them() -> None:
    rows = np.random.default_rng(0).normal(size=(301, 7))
    whole = sum_rows(rows.copy())
    one_by_one = [sum_rows(rows[:, [column]].copy())[0] for column in range(7)]
    assert whole.tolist() == one_by_one
    assert np.allclose(whole, rows.sum(axis=0), rtol=1e-12)
    assert sum_rows(np.zeros((0, 3))).tolist() == [0.0, 0.0, 0.0]


# --- anchors ---


def test_a_probe_of_one_millimetre_has_the_published_force() -> None:
    """AFFERENTS 5: radius 1 mm, 1 mm deep; ramps of 50 ms at 5 kHz."""
    probe = Pins(np.zeros((1, 2)), radius_mm=1.0)
    force = SKIN.forces(np.array([1.0]), probe)[0]
    assert force == pytest.approx(0.119, abs=5e-4)
    ramp = np.minimum(np.arange(300) / 250, 1.0)
    rates = central_difference(force * ramp, 0.2)  # a ms
    # The reference's ramp has 250 samples whose last is the whole depth: 249 steps.
    steps = np.minimum(np.arange(300) / 249, 1.0)
    assert 1000 * central_difference(force * steps, 0.2).max() == pytest.approx(2.391, abs=5e-4)
    assert 1000 * rates.max() == pytest.approx(force / 0.05, rel=1e-9)


def test_what_sa1_feel_of_it_is_what_was_published() -> None:
    probe = Pins(np.zeros((1, 2)), radius_mm=1.0)
    force = SKIN.forces(np.array([1.0]), probe)[0]
    places = np.array([[0.0, 0.0], [1.0, 1.0], [50.0, 0.0]])
    static, dynamic = SKIN.weights(np.linalg.norm(places, axis=1), SA1_MM, 1.0)
    assert force * static[0] == pytest.approx(0.0203, abs=5e-5)
    rate = force / (249 * 0.0002)  # N/s
    assert rate * dynamic == pytest.approx([13.281, 6.640, 0.169], abs=1e-3)


def test_the_wave_starts_at_the_rim_of_the_probe() -> None:
    late = SKIN.delay_ms(np.array([0.0, 1.0, 9.0]), radius_mm=1.0)
    assert late.tolist() == [0.0, 0.0, 1.0]
    still = Elastic(youngs_modulus_mpa=0.05, poisson_ratio=0.4, wave_speed=np.inf, glued=True)
    assert still.delay_ms(np.array([9.0]), radius_mm=1.0).tolist() == [0.0]


@pytest.mark.parametrize("depth_mm", [SA1_MM, RA1_MM, PC_MM])
@pytest.mark.parametrize("radius_mm", [0.075, 0.5, 1.0, 3.0])
def test_the_complex_root_is_the_trigonometric_form(depth_mm: float, radius_mm: float) -> None:
    r = np.concatenate([np.linspace(0, 5, 2001), [radius_mm, 50.0]])
    static, dynamic = SKIN.weights(r, depth_mm, radius_mm)
    # Far out the two terms of the trigonometric form cancel, not those of ours.
    assert np.allclose(static, oracle_stress(r, depth_mm, radius_mm), rtol=1e-8, atol=1e-14)
    wanted = oracle_profile(r, radius_mm) / (2 * radius_mm * depth_mm**2)
    assert np.allclose(dynamic, wanted, rtol=1e-14)


def test_the_stress_carries_the_whole_force() -> None:
    r = np.linspace(0, 400, 800_001)
    static, _ = SKIN.weights(r, 1.6, 1.0)
    total = np.trapezoid(static * 2 * np.pi * r, r)
    assert total == pytest.approx(1.0, abs=2e-4)


# --- contact ---

SIDE = st.integers(2, 9)
FACTOR = st.floats(1e-3, 1e3)


@st.composite
def pressed(draw: st.DrawFn) -> tuple[Floats, Pins]:
    """Return pins of a lattice, some of which do not touch."""
    grid = Grid(draw(SIDE), draw(SIDE), draw(st.sampled_from([0.1, 0.15, 0.5])))
    depth = st.one_of(st.just(0.0), st.floats(1e-3, 2.0))
    depths = draw(st.lists(depth, min_size=grid.count, max_size=grid.count))
    return np.array(depths), Pins(grid.xy(), pin_radius_mm(grid))


@given(pressed())
@settings(max_examples=60, deadline=None)
def test_no_pin_pulls_and_those_that_press_are_where_they_are_held(
    case: tuple[Floats, Pins],
) -> None:
    depths, pins = case
    forces = SKIN.forces(depths, pins)
    assert (forces >= 0).all()
    assert (forces[depths <= 0] == 0).all()
    sunk = oracle_compliance(pins.xy_mm, pins.radius_mm) @ forces
    tolerance = 1e-9 * max(depths.max(), 1e-3)
    assert np.abs(sunk - depths)[forces > 0].max(initial=0.0) <= tolerance
    # Where a pin has let go the skin lies below it, not within it.
    assert (sunk - depths)[depths > 0].min(initial=0.0) >= -tolerance


@given(pressed())
@settings(max_examples=40, deadline=None)
def test_forces_are_those_of_a_solver_of_least_squares(case: tuple[Floats, Pins]) -> None:
    """With the root of the compliance, contact is a least-squares problem of positive numbers."""
    depths, pins = case
    touching = np.flatnonzero(depths > 0)
    compliance = oracle_compliance(pins.xy_mm, pins.radius_mm)[np.ix_(touching, touching)]
    if not len(touching):
        assert not SKIN.forces(depths, pins).any()
        return
    lower = np.linalg.cholesky(compliance)
    wanted, _ = nnls(lower.T, solve(lower, depths[touching]))
    assert np.allclose(SKIN.forces(depths, pins)[touching], wanted, atol=1e-8 * wanted.max())


@given(pressed(), FACTOR)
@settings(max_examples=40, deadline=None)
def test_forces_are_in_proportion_to_depth(case: tuple[Floats, Pins], factor: float) -> None:
    depths, pins = case
    forces = SKIN.forces(depths, pins)
    again = SKIN.forces(factor * depths, pins)
    assert np.allclose(again, factor * forces, rtol=1e-7, atol=1e-9 * factor * forces.max())


@pytest.mark.parametrize("wavelength", [0.6, 1.2, 3.0])
def test_hollows_between_ridges_let_go_as_in_the_oracle(wavelength: float) -> None:
    grid = Grid(16, 16, 0.15)
    pins = Pins(grid.xy(), 0.075)
    depths = 0.5 + 0.5 * np.cos(2 * np.pi * pins.xy_mm[:, 0] / wavelength)
    forces = SKIN.forces(depths, pins)
    assert 0 < np.count_nonzero(forces) < np.count_nonzero(depths > 0)
    wanted = oracle_forces(depths, pins.xy_mm, 0.075)
    assert np.allclose(forces, wanted, atol=1e-8 * wanted.max())


@pytest.mark.parametrize("receptors", [Grid(12, 9, 0.15), Hex(Grid(12, 9, 0.15), seed=0)])
def test_a_lattice_sinks_as_pins_do_anywhere(receptors: Grid | Hex) -> None:
    radius = pin_radius_mm(receptors)
    xy = receptors.xy()
    everyone = np.arange(len(xy))
    sinking = Pins(xy, radius).sinking(everyone, everyone)
    distance = np.linalg.norm(xy[:, None] - xy[None], axis=-1)
    assert np.allclose(sinking, oracle_profile(distance, radius), rtol=1e-9)


def test_pins_anywhere_sink_as_the_oracle_says() -> None:
    xy = np.array([[0.0, 0.0], [0.31, 0.05], [0.1, 0.77]])
    sinking = Pins(xy, 0.1).sinking(np.arange(3), np.arange(3))
    distance = np.linalg.norm(xy[:, None] - xy[None], axis=-1)
    assert np.allclose(sinking, oracle_profile(distance, 0.1), rtol=1e-14)


def test_a_large_matrix_that_is_not_kept_has_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Grid(12, 12, 0.15)
    depths = np.random.default_rng(0).random(grid.count)
    kept = press(depths, Pins(grid.xy(), 0.075))
    monkeypatch.setattr("sensoryforge.skin.mechanics.contact.KEPT_BYTES", 0)
    assert press(depths, Pins(grid.xy(), 0.075)).tolist() == kept.tolist()


def test_one_punch_as_a_lattice_of_pins_is_the_punch_within_three_percent() -> None:
    """AFFERENTS 8: a probe of 0.5 mm radius at 0.1 mm spacing; total force, deflection outside."""
    grid = Grid(21, 21, 0.1)
    pins = Pins(grid.xy(), 0.05)
    depths = (np.linalg.norm(pins.xy_mm, axis=1) <= 0.5).astype(float)
    forces = SKIN.forces(depths, pins)
    punch = Pins(np.zeros((1, 2)), 0.5)
    force = SKIN.forces(np.array([1.0]), punch)[0]
    assert forces.sum() == pytest.approx(force, rel=0.03)
    places = np.stack([np.linspace(1.0, 10.0, 50), np.zeros(50)], axis=1)
    distance = np.linalg.norm(places[:, None] - pins.xy_mm[None], axis=-1)
    _, of_pins = SKIN.weights(distance, PC_MM, 0.05)
    _, of_punch = SKIN.weights(places[:, 0], PC_MM, 0.5)
    assert np.allclose(of_pins @ forces, force * of_punch, rtol=0.03)
    for depth_mm in (RA1_MM, PC_MM):
        static, _ = SKIN.weights(distance, depth_mm, 0.05)
        wanted, _ = SKIN.weights(places[:, 0], depth_mm, 0.5)
        assert np.allclose(static @ forces, force * wanted, rtol=0.03)


def test_depths_that_are_not_finite_give_no_finite_force() -> None:
    pins = Pins(Grid(2, 2, 0.15).xy(), 0.075)
    assert np.isnan(SKIN.forces(np.array([1.0, np.nan, 0.0, np.inf]), pins)).all()


def test_the_ends_of_a_course_have_the_rate_of_their_neighbours() -> None:
    values = np.random.default_rng(0).random((3, 50))
    rate = central_difference(values, 0.2)
    assert np.allclose(rate[:, 1:-1], (values[:, 2:] - values[:, :-2]) / 0.4, rtol=1e-14)
    assert (rate[:, 0] == rate[:, 1]).all()
    assert (rate[:, -1] == rate[:, -2]).all()
    assert central_difference(np.array([1.0, 2.0]), 0.2).tolist() == [0.0, 0.0]


def test_every_wrong_constant_is_named() -> None:
    with pytest.raises(ConfigError) as refused:
        Elastic(youngs_modulus_mpa=0.0, poisson_ratio=0.6, wave_speed=-1, glued="yes")  # type: ignore[arg-type]
    assert [line.partition(":")[0] for line in refused.value.problems] == [
        "youngs_modulus_mpa",
        "poisson_ratio",
        "wave_speed",
        "glued",
    ]


class Faulty(Elastic):
    """A skin whose methods are wrong in one way each."""

    def forces(self, depths: Floats, pins: Pins) -> Floats:
        return -depths

    def weights(
        self, distance_mm: Floats, depth_mm: float, radius_mm: float
    ) -> tuple[Floats, Floats]:
        return distance_mm[0], distance_mm * np.nan

    def delay_ms(self, distance_mm: Floats, radius_mm: float) -> Floats:
        raise ZeroDivisionError("no speed")


def test_a_skin_of_ones_own_that_is_wrong_is_named_before_a_run() -> None:
    from sensoryforge.skin.mechanics.trial import problems_of_use

    faulty = Faulty(youngs_modulus_mpa=0.05, poisson_ratio=0.4, wave_speed=8.0, glued=True)
    assert list(problems_of_use(faulty)) == [
        "Faulty.forces returned a number below zero",
        "Faulty.weights returned an array of shape (3,), not (2, 3)",
        "Faulty.weights returned a number that is not finite",
        "Faulty.delay_ms fails, ZeroDivisionError: no speed",
    ]
