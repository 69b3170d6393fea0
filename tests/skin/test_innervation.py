from __future__ import annotations

import tracemalloc
from hashlib import sha256
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensoryforge.core.errors import ConfigError
from sensoryforge.skin.innervation import Gaussian
from sensoryforge.skin.layouts import Even, Random
from sensoryforge.skin.receptors import Grid
from sensoryforge.skin.sampling import draw_products

masses = st.lists(st.integers(1, 7), min_size=1, max_size=5)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.floats(0.01, 1.0),
    st.floats(0.001, 5.0),
    st.integers(1, 120),
)
def test_a_row_has_distinct_receptors_ascending_and_weights_that_sum_to_one(
    rows: int, columns: int, spacing: float, sigma: float, connections: int
) -> None:
    sheet = Grid(rows, columns, spacing)
    drawn = Gaussian(sigma, connections).draw(sheet, Even().place(sheet, 7, 0), 0)
    assert drawn.indices.shape == drawn.weights.shape == (7, min(connections, sheet.count))
    assert (np.diff(drawn.indices, axis=1) > 0).all()
    assert drawn.indices.min() >= 0
    assert drawn.indices.max() < sheet.count
    assert (drawn.weights > 0).all()
    np.testing.assert_allclose(drawn.weights.sum(axis=1), 1.0, rtol=1e-14)


def left_to_chance(masses: list[int], size: int) -> int:
    """The mass that remains when receptors with more than their share of the draws are taken, heaviest first."""
    lightest_last = sorted(masses, reverse=True)
    while size * lightest_last[0] > sum(lightest_last):
        lightest_last.pop(0)
        size -= 1
    return sum(lightest_last)


@settings(deadline=None, max_examples=25)
@given(masses, masses, st.data())
def test_over_all_starts_every_receptor_has_exactly_its_share_of_the_weight(
    inner: list[int], outer: list[int], data: st.DataObject
) -> None:
    mass = np.outer(outer, inner)
    size = data.draw(st.integers(1, mass.size))
    starts = left_to_chance(mass.ravel().tolist(), size)
    mean = np.zeros(mass.shape)
    start = [(2 * number + 1) * 2**64 // (2 * starts) for number in range(starts)]
    columns, rows, weights = draw_products(
        np.tile(inner, (starts, 1)), np.tile(outer, (starts, 1)), size, np.array(start, np.uint64)
    )
    for column, row, weight in zip(columns, rows, weights, strict=True):
        assert len(set(zip(column.tolist(), row.tolist(), strict=True))) == size
        mean[row, column] += weight / starts
    np.testing.assert_allclose(mean, mass / mass.sum(), rtol=1e-12)


@pytest.mark.parametrize("connections", [4, 32, 200])
@pytest.mark.parametrize(
    ("side", "spacing"), [(24, 0.2), (32, 0.15), (128, 0.0375), (1024, 0.0046875)]
)
def test_expected_drive_depends_neither_on_resolution_nor_on_connections(
    side: int, spacing: float, connections: int
) -> None:
    sigma, sheet, copies = 0.3, Grid(side, side, spacing), 300
    drawn = Gaussian(sigma, connections).draw(sheet, np.tile([0.31, -0.17], (copies, 1)), 11)
    xy = sheet.xy(drawn.indices.ravel()).reshape(copies, -1, 2)
    width, away = 0.5, np.array([0.2, 0.4])
    stimulus = np.exp(-((xy - away) ** 2).sum(-1) / (2 * width**2))
    drive = (stimulus * drawn.weights).sum(axis=1)
    # Two Gaussians convolved: variances add, heights go with the area.
    both = width**2 + sigma**2
    expected = width**2 / both * np.exp(-((away - [0.31, -0.17]) ** 2).sum() / (2 * both))
    assert abs(drive.mean() - expected) < 4 * drive.std() / copies**0.5 + 2e-4


def test_a_linear_pressure_is_read_at_the_neurons_place() -> None:
    sheet, place = Grid(64, 64, 0.075), np.array([0.21, -0.33])
    drawn = Gaussian(0.3, 16).draw(sheet, np.tile(place, (1500, 1)), 5)
    centroid = (
        sheet.xy(drawn.indices.ravel()).reshape(1500, 16, 2) * drawn.weights[..., None]
    ).sum(axis=1)
    np.testing.assert_allclose(centroid.mean(axis=0), place, atol=4 * 0.3 / (16 * 1500) ** 0.5)
    np.testing.assert_allclose(centroid.std(axis=0)[0] / centroid.std(axis=0)[1], 1.0, atol=0.15)


def test_as_many_connections_as_receptors_give_the_gaussian_itself() -> None:
    sheet = Grid(9, 9, 0.15)
    drawn = Gaussian(0.3, 1000).draw(sheet, np.array([[0.1, 0.05]]), 0)
    gaussian = np.exp(-((sheet.xy() - [0.1, 0.05]) ** 2).sum(1) / (2 * 0.3**2))
    np.testing.assert_array_equal(drawn.indices, [np.arange(81)])
    np.testing.assert_allclose(drawn.weights[0], gaussian / gaussian.sum(), atol=1e-6)


def test_a_neurons_row_depends_on_its_place_number_and_seed_only() -> None:
    sheet = Grid(32, 32, 0.15)
    centres = Random().place(sheet, 40, 1)
    draw = Gaussian(0.3, 32).draw
    whole = draw(sheet, centres, 9)
    some = draw(sheet, centres[:10], 9)
    np.testing.assert_array_equal(whole.indices[:10], some.indices)
    np.testing.assert_array_equal(whole.weights[:10], some.weights)
    assert not np.array_equal(whole.indices, draw(sheet, centres, 10).indices)


def test_neurons_at_one_place_draw_different_receptors() -> None:
    drawn = Gaussian(0.3, 8).draw(Grid(32, 32, 0.15), np.zeros((50, 2)), 0)
    assert len({tuple(row) for row in drawn.indices.tolist()}) == 50


def test_the_largest_sheet_is_innervated_quickly_and_in_little_memory() -> None:
    sheet = Grid(4096, 4096, 0.0012)
    centres = Even().place(sheet, 100, 0)
    tracemalloc.start()
    start = perf_counter()
    drawn = Gaussian(0.3, 32).draw(sheet, centres, 0)
    seconds, (_, peak) = perf_counter() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 2.0
    assert peak < 10e6
    np.testing.assert_allclose(drawn.weights.sum(axis=1), 1.0, rtol=1e-14)


def test_a_hundred_thousand_neurons_are_connected_in_seconds() -> None:
    sheet = Grid(64, 64, 0.075)
    centres = Random().place(sheet, 100_000, 0)
    start = perf_counter()
    Gaussian(0.15, 32).draw(sheet, centres, 0)
    assert perf_counter() - start < 10.0


@pytest.mark.parametrize(
    ("sigma", "connections", "keys"),
    [
        (0.0, 32, ["sigma_mm"]),
        (float("nan"), 32, ["sigma_mm"]),
        ("wide", 32, ["sigma_mm"]),
        (0.3, 0, ["connections"]),
        (0.3, 2.5, ["connections"]),
        (0.3, True, ["connections"]),
        (-1, -1, ["sigma_mm", "connections"]),
    ],
)
def test_bad_settings_are_refused_a_line_each(
    sigma: Any, connections: Any, keys: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        Gaussian(sigma, connections)
    assert [problem.split(":")[0] for problem in caught.value.problems] == keys
    assert all(", allowed is " in problem for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("connections", "bits"), [(8, "28ecdddb40683a64"), (32, "0440b53741f1286f")]
)
def test_bits_are_the_pinned_ones(connections: int, bits: str) -> None:
    sheet = Grid(32, 32, 0.15)
    drawn = Gaussian(0.3, connections).draw(sheet, Even().place(sheet, 60, 0), 0)
    assert sha256(drawn.indices.tobytes() + drawn.weights.tobytes()).hexdigest()[:16] == bits
