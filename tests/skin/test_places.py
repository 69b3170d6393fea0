"""Where afferents lie and what they pool, also when the layout or the innervation is the user's and goes wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.numerics import hash64
from sensoryforge.core.types import Ints, Positions
from sensoryforge.skin import Places
from sensoryforge.skin.innervation import Gaussian, Innervation, ReceptiveFields
from sensoryforge.skin.layouts import Even, Layout, Random
from sensoryforge.skin.receptors import Grid, Receptors

GRID = Grid(8, 8, 0.15)


def places(layout: Layout, innervation: Innervation) -> Places:
    return Places("pc", GRID, layout, innervation, count=5, seed=3)


class Given(Layout):
    """Returns what it was given, or raises it."""

    def __init__(self, xy: Any) -> None:
        self.xy = xy

    def place(self, receptors: Receptors, count: int, seed: int) -> Positions:
        if isinstance(self.xy, BaseException):
            raise self.xy
        return self.xy


class Pooling(Innervation):
    """Returns the receptive fields that it was given."""

    def __init__(self, indices: Any, weights: Any) -> None:
        self.fields = ReceptiveFields(indices, weights)

    def draw(self, receptors: Receptors, centres: Positions, seed: int) -> ReceptiveFields:
        return self.fields


class Line(Receptors):
    """Three receptors in a row: an arrangement that is no grid."""

    count, width_mm, height_mm = 3, 3.0, 1.0

    def xy(self, indices: Ints | None = None) -> Positions:
        return np.array([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])


def test_both_draws_follow_from_the_seed_and_the_name_of_the_population() -> None:
    drawn = places(Random(), Gaussian(0.3, 4))
    again = Gaussian(0.3, 4).draw(GRID, drawn.xy_mm, hash64("innervation", 3, "pc"))
    expected = Random().place(GRID, 5, hash64("layout", 3, "pc"))
    np.testing.assert_array_equal(drawn.xy_mm, expected)
    np.testing.assert_array_equal(drawn.fields.indices, again.indices)
    np.testing.assert_array_equal(drawn.fields.weights, again.weights)


def test_each_is_drawn_once() -> None:
    drawn = places(Random(), Gaussian(0.3, 4))
    assert drawn.xy_mm is drawn.xy_mm
    assert drawn.fields is drawn.fields


def test_places_and_indices_become_arrays_of_the_types_that_the_simulation_takes() -> None:
    pooling = Pooling(np.zeros((5, 2), dtype=np.uint8), [[1, 0]] * 5)
    drawn = places(Given([[0, 0]] * 5), pooling)
    types = (drawn.xy_mm.dtype, drawn.fields.indices.dtype, drawn.fields.weights.dtype)
    assert types == (np.float64, np.int64, np.float64)


@pytest.mark.parametrize(
    ("xy", "said"),
    [
        (np.zeros((4, 2)), "ValueError: place returned an array of shape (4, 2), not [5, 2]"),
        (np.full((5, 2), np.nan), "ValueError: place returned a place that is not finite"),
        ([["a", "b"]] * 5, "ValueError: could not convert string to float: 'a'"),
        (KeyError("x"), "KeyError: 'x'"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_a_layout_that_goes_wrong_is_named_in_one_line(xy: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _ = places(Given(xy), Gaussian(0.3, 4)).xy_mm
    assert caught.value.problems == (f"neurons.populations.pc.layout: Given fails, {said}",)


def test_an_interrupt_is_no_fault_of_a_layout() -> None:
    with pytest.raises(KeyboardInterrupt):
        _ = places(Given(KeyboardInterrupt()), Gaussian(0.3, 4)).xy_mm


@pytest.mark.parametrize(
    ("indices", "weights", "said"),
    [
        (np.zeros((5, 2)), np.ones((5, 2)), "indices of float64, not whole numbers"),
        (np.zeros(5, int), np.ones(5), "indices of shape (5,), not [5, C]"),
        (np.zeros((4, 2), int), np.ones((4, 2)), "indices of shape (4, 2), not [5, C]"),
        (np.zeros((5, 0), int), np.ones((5, 0)), "indices of shape (5, 0), not [5, C]"),
        (np.zeros((5, 2), int), np.ones((5, 1)), "weights of shape (5, 1) for indices of shape (5, 2)"),
        (np.full((5, 2), 64), np.ones((5, 2)), "a receptor outside 0 to 63"),
        (np.full((5, 2), -1), np.ones((5, 2)), "a receptor outside 0 to 63"),
        (np.zeros((5, 2), int), np.full((5, 2), np.inf), "a weight that is not finite"),
    ],
)  # fmt: skip
def test_an_innervation_that_goes_wrong_is_named_in_one_line(
    indices: Any, weights: Any, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        _ = places(Even(), Pooling(indices, weights)).fields
    (line,) = caught.value.problems
    where = "neurons.populations.pc.innervation"
    assert line == f"{where}: Pooling fails, ValueError: draw returned {said}"


def test_gaussian_innervation_draws_from_receptors_that_form_no_grid() -> None:
    drawn = Places("pc", Line(), Even(), Gaussian(0.3, 2), count=5, seed=3)
    assert drawn.fields.indices.shape == (5, 2)
    np.testing.assert_allclose(drawn.fields.weights.sum(axis=1), 1.0)


def test_an_innervation_has_no_standard_deviation_unless_it_says_one() -> None:
    assert Pooling(None, None).field_sd_mm is None
    assert Gaussian(0.3, 4).field_sd_mm == 0.3
