from __future__ import annotations

from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensoryforge.core.errors import ConfigError
from sensoryforge.skin import Places, layouts
from sensoryforge.skin.innervation import Gaussian
from sensoryforge.skin.layouts import BlueNoise, Even, Hex, Layout, Random, shipped_layout
from sensoryforge.skin.receptors import Grid

sheets = st.builds(Grid, st.integers(1, 60), st.integers(1, 60), st.floats(0.01, 2.0))


def test_a_sheet_is_centred_and_spaced_with_row_times_columns_plus_column_as_index() -> None:
    sheet = Grid.from_config([2, 3], 0.5)
    assert (sheet.rows, sheet.columns, sheet.count) == (2, 3, 6)
    assert (sheet.width_mm, sheet.height_mm) == (1.5, 1.0)
    expected = [[-0.5, -0.25], [0.0, -0.25], [0.5, -0.25], [-0.5, 0.25], [0.0, 0.25], [0.5, 0.25]]
    np.testing.assert_array_equal(sheet.xy(), expected)
    np.testing.assert_array_equal(sheet.xy(np.array([4, 0])), np.array(expected)[[4, 0]])


def test_one_number_makes_a_square_sheet() -> None:
    assert Grid.from_config(32, 0.15) == Grid(32, 32, 0.15)


@given(sheets)
def test_receptors_mirror_each_other_exactly(sheet: Grid) -> None:
    xy = sheet.xy()
    np.testing.assert_array_equal(xy, -xy[::-1])


def test_a_large_sheet_gives_some_positions_without_building_all() -> None:
    sheet = Grid(4096, 4096, 0.001)
    np.testing.assert_allclose(
        sheet.xy(np.array([4096 * 4096 - 1])), [[2.0475, 2.0475]], rtol=1e-12
    )


@pytest.mark.parametrize(
    "grid_size", [0, -1, 4097, True, 3.5, "32", None, [32], [32, 0], [1, 2, 3], ["a", 3], {}]
)
def test_a_bad_grid_size_is_refused_with_what_is_allowed(grid_size: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        Grid.from_config(grid_size, 0.15)
    assert caught.value.problems == (
        f"grid_size: got {grid_size!r}, allowed is a whole number from 1 to 4096, or [rows, columns]",
    )


@pytest.mark.parametrize(
    "spacing", [0.0, -0.1, float("nan"), float("inf"), 10**400, "0.15", None, True]
)
def test_a_bad_spacing_is_refused_together_with_a_bad_grid_size(spacing: Any) -> None:
    with pytest.raises(ConfigError, match=r"spacing_mm: got .*, allowed is a number > 0") as caught:
        Grid.from_config(0, spacing)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("layout", [Even(), Random(), Hex(), BlueNoise()], ids=repr)
@settings(deadline=None)
@given(sheet=sheets, count=st.integers(1, 400), seed=st.integers(0, 2**63))
def test_every_layout_has_exactly_the_count_inside_the_sheet(
    layout: Layout, sheet: Grid, count: int, seed: int
) -> None:
    points = layout.place(sheet, count, seed)
    assert points.shape == (count, 2)
    assert (np.abs(points) <= np.array([sheet.width_mm, sheet.height_mm]) / 2).all()


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 3000), st.floats(0.25, 4.0))
def test_even_layout_leaves_no_place_far_from_a_neuron_and_no_two_neurons_close(
    count: int, aspect: float
) -> None:
    sheet = Grid(64, max(1, round(64 * aspect)), 0.1)
    points = Even().place(sheet, count, 0)
    cell = (sheet.width_mm * sheet.height_mm / count) ** 0.5
    if count >= 20:
        probes = sheet.xy()[:: max(1, sheet.count // 200)]
        distance = np.sqrt(((probes[:, None] - points[None]) ** 2).sum(-1))
        assert distance.min(axis=1).max() < 1.1 * cell
        apart = np.sqrt(((points[:50, None] - points[None]) ** 2).sum(-1))
        assert np.sort(apart, axis=1)[:, 1].min() > 0.7 * cell
    np.testing.assert_allclose(points.mean(axis=0), 0.0, atol=0.5 * cell / count**0.5 + 1e-9)


@given(st.integers(1, 2000))
def test_rows_of_an_even_layout_differ_by_one_neuron_at_most(count: int) -> None:
    _, in_row = np.unique(Even().place(Grid(32, 32, 0.15), count, 0)[:, 1], return_counts=True)
    assert in_row.max() - in_row.min() <= 1


def test_a_square_count_makes_the_square_lattice() -> None:
    points = Even().place(Grid(4, 4, 1.0), 4, 0)
    np.testing.assert_array_equal(points, [[-1, -1], [1, -1], [-1, 1], [1, 1]])


def test_random_layout_follows_its_seed_and_keeps_its_first_neurons_when_it_grows() -> None:
    sheet = Grid(32, 32, 0.15)
    points = Random().place(sheet, 100, 3)
    np.testing.assert_array_equal(points, Random().place(sheet, 200, 3)[:100])
    assert not np.array_equal(points, Random().place(sheet, 100, 4))
    np.testing.assert_allclose(Random().place(sheet, 20_000, 3).mean(axis=0), 0.0, atol=0.05)


def test_a_layout_that_the_package_exports_can_be_named_by_its_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Corner(Even):
        """A third layout."""

    monkeypatch.setattr(layouts, "Corner", Corner, raising=False)
    monkeypatch.setattr(layouts, "__all__", [*layouts.__all__, "Corner"])
    assert isinstance(shipped_layout("corner"), Corner)


def test_a_layout_that_is_not_shipped_and_a_bad_count_are_refused() -> None:
    assert (shipped_layout("even"), shipped_layout("random")) == (Even(), Random())
    with pytest.raises(ConfigError) as caught:
        shipped_layout("evn")
    assert caught.value.problems == (
        "got 'evn', allowed are blue_noise, even, hex, random; did you mean 'even'?",
    )
    for count in (0, 2.0, True):
        with pytest.raises(ConfigError) as caught:
            Places("sa", Grid(4, 4, 1.0), Even(), Gaussian(0.3, 4), count, 0)  # type: ignore[arg-type]
        line = f"count: got {count!r}, allowed is a whole number >= 1 (neurons)"
        assert caught.value.problems == (line,)


def test_bits_are_the_pinned_ones() -> None:
    sheet = Grid(32, 48, 0.15)
    arrays = {
        "xy": sheet.xy(),
        "even": Even().place(sheet, 60, 0),
        "random": Random().place(sheet, 60, 0),
    }
    bits = {name: sha256(array.tobytes()).hexdigest()[:16] for name, array in arrays.items()}
    assert bits == {
        "xy": "44fa9133ec8a3262",
        "even": "78259c4abb9f7353",
        "random": "14ca957cc7db5a6d",
    }
