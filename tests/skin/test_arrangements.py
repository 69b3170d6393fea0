"""Arrangements of receptors and layouts of neurons that are no square lattice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Positions
from sensoryforge.skin.layouts import BlueNoise, CellTable, Even, Hex, Random, shipped_layout
from sensoryforge.skin.receptors import ARRANGEMENTS, Grid, Receptors, receptors_of


def arranged(arrangement: str, grid_size: Any = (20, 30), **more: Any) -> Receptors:
    pipeline = {"grid_size": grid_size, "spacing_mm": 0.2, "seed": 3, "arrangement": arrangement}
    return receptors_of({**pipeline, **more})


def nearest_mm(xy: Positions) -> Positions:
    distances: Positions = cKDTree(xy).query(xy, k=2)[0][:, 1]
    return distances


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@settings(deadline=None, max_examples=20)
@given(rows=st.integers(1, 30), columns=st.integers(1, 30), seed=st.integers(0, 2**63 - 1))
def test_receptors_lie_on_the_sheet_around_its_centre(
    arrangement: str, rows: int, columns: int, seed: int
) -> None:
    skin = arranged(arrangement, [rows, columns], seed=seed, center_mm=[5.0, -2.0])
    xy = skin.xy()
    assert xy.shape == (skin.count, 2)
    assert (skin.width_mm, skin.height_mm) == (columns * 0.2, rows * 0.2)
    half = np.array([skin.width_mm, skin.height_mm]) / 2
    assert (np.abs(xy - [5.0, -2.0]) <= half + 1e-12).all()
    some = np.arange(0, skin.count, 3)
    np.testing.assert_array_equal(skin.xy(some), xy[some])


def test_without_the_new_keys_the_receptors_are_the_grid() -> None:
    skin = receptors_of({"grid_size": 32, "spacing_mm": 0.15, "seed": 0})
    assert skin == Grid(32, 32, 0.15)
    assert skin.shape == (32, 32)


@pytest.mark.parametrize("arrangement", ["jittered", "random", "blue_noise"])
def test_receptors_follow_the_seed(arrangement: str) -> None:
    here, there = arranged(arrangement), arranged(arrangement, seed=4)
    np.testing.assert_array_equal(here.xy(), arranged(arrangement).xy())
    assert not np.array_equal(here.xy(), there.xy())
    assert here.shape == (600,)


def test_no_two_arrangements_are_the_same() -> None:
    places = [arranged(arrangement).xy() for arrangement in ARRANGEMENTS]
    for number, xy in enumerate(places):
        for other in places[:number]:
            assert xy.shape != other.shape or np.abs(xy - other).max() > 0.02


def test_a_receptor_of_a_hexagonal_lattice_has_six_neighbours() -> None:
    skin = arranged("hex", 60)
    xy = skin.xy()
    assert abs(skin.count / 3600 - 1) < 0.02
    inner = (np.abs(xy) < skin.width_mm / 2 - 0.5).all(axis=1)
    distances = cKDTree(xy).query(xy[inner], k=8)[0][:, 1:]
    assert distances[:, 5].max() < 1.1 * distances[:, 0].min()
    assert distances[:, 6].min() > 1.5 * distances[:, 0].max()


def test_a_jittered_receptor_is_moved_by_its_fraction_of_the_pitch() -> None:
    away = arranged("jittered", jitter=0.3).xy() - arranged("grid").xy()
    assert 0.29 * 0.2 < np.abs(away).max() <= 0.3 * 0.2 + 1e-12


def test_no_jitter_leaves_the_grid() -> None:
    still = arranged("jittered", jitter=0.0).xy()
    np.testing.assert_allclose(still, arranged("grid").xy(), atol=1e-12)


def test_blue_noise_receptors_keep_their_distance_and_random_ones_do_not() -> None:
    assert nearest_mm(arranged("blue_noise").xy()).min() >= 0.7 * 0.2
    assert nearest_mm(arranged("random").xy()).min() < 0.2 * 0.2


@pytest.mark.parametrize("jitter", [-0.1, 0.6, float("nan"), "a", None])
def test_a_bad_jitter_is_refused(jitter: Any) -> None:
    with pytest.raises(ConfigError, match=r"^jitter: got .*, allowed is a number from 0 to 0.5"):
        arranged("jittered", jitter=jitter)


@pytest.mark.parametrize("center_mm", [(1.0,), (1.0, float("inf")), ("a", 0.0), (1, 2, 3)])
def test_a_bad_centre_is_refused(center_mm: Any) -> None:
    with pytest.raises(ConfigError, match=r"^center_mm: got .*, allowed are two finite numbers"):
        arranged("grid", center_mm=center_mm)


# --- layouts ---


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 400), st.floats(0.1, 10.0), st.integers(0, 2**63 - 1))
def test_a_blue_noise_layout_keeps_its_distance(count: int, aspect: float, seed: int) -> None:
    sheet = Grid(max(1, round(64 * aspect)), 64, 0.1)
    xy = BlueNoise().place(sheet, count, seed)
    pitch = (sheet.width_mm * sheet.height_mm / count) ** 0.5
    assert nearest_mm(xy).min() >= 0.7 * pitch
    np.testing.assert_array_equal(xy, BlueNoise().place(sheet, count, seed))


def test_a_blue_noise_layout_has_no_slow_waves() -> None:
    """Its spectrum at long wavelengths is far below that of independent places, which is one."""
    sheet = Grid(64, 64, 0.1)
    waves = 2 * np.pi * np.array([[2, 0], [0, 2], [2, 2], [3, 1], [1, 3], [3, 2]]) / 6.4
    power = {"blue": [], "random": []}  # type: ignore[var-annotated]
    for seed in range(20):
        for name, layout in (("blue", BlueNoise()), ("random", Random())):
            phase = layout.place(sheet, 400, seed) @ waves.T  # type: ignore[attr-defined]
            power[name].append(np.abs(np.exp(1j * phase).sum(axis=0)) ** 2 / 400)
    assert np.mean(power["blue"]) < 0.35 * np.mean(power["random"])


def test_a_hexagonal_layout_has_six_neighbours_where_rows_are_full() -> None:
    sheet = Grid(100, 100, 0.1)
    xy = Hex().place(sheet, 14 * 16, 0)
    inner = (np.abs(xy) < 3.0).all(axis=1)
    distances = cKDTree(xy).query(xy[inner], k=8)[0][:, 1:]
    assert distances[:, 5].max() < 1.15 * distances[:, 0].min()
    assert distances[:, 6].min() > 1.4 * distances[:, 0].max()


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 500))
def test_a_hexagonal_layout_leaves_no_two_neurons_close(count: int) -> None:
    sheet = Grid(64, 64, 0.1)
    pitch = 6.4 / count**0.5
    assert nearest_mm(Hex().place(sheet, count, 0)).min() > 0.6 * pitch


@pytest.mark.parametrize("layout", [Even(), Random(), Hex(), BlueNoise()], ids=str)
def test_a_layout_follows_the_centre_of_the_sheet(layout: Any) -> None:
    here = layout.place(Grid(8, 8, 0.25), 20, 1)
    there = layout.place(Grid(8, 8, 0.25, (8.0, -4.0)), 20, 1)
    np.testing.assert_allclose(there - here, np.tile([8.0, -4.0], (20, 1)), atol=1e-12)


def test_every_layout_without_parameters_has_its_word() -> None:
    words = {"even": Even, "random": Random, "hex": Hex, "blue_noise": BlueNoise}
    for word, kind in words.items():
        assert type(shipped_layout(word)) is kind
    with pytest.raises(
        ConfigError, match=r"^got 'table', allowed are blue_noise, even, hex, random"
    ):
        shipped_layout("table")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x,y_mm\n0,1\n", "has the columns x, y_mm, allowed are x_mm, y_mm"),
        ("x_mm,y_mm\n0,1\n", ", allowed is count: 1"),
        ("x_mm,y_mm\n0,1\n0\n", ", line 3: y_mm: got"),
    ],
)
def test_a_bad_table_of_cells_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "cells.csv"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        CellTable(str(path)).place(Grid(2, 2, 1.0), 2, 0)
    (line,) = caught.value.problems
    assert line.startswith("file: ")
    assert str(path) in line
    assert said in line


@pytest.mark.parametrize("file", [None, "cells.txt", "missing.csv", 3])
def test_a_table_of_cells_needs_its_file(file: Any) -> None:
    with pytest.raises(ConfigError, match=r"^file: got .*allowed is a .csv file with the columns"):
        CellTable(file)
