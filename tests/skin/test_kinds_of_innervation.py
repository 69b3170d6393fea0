"""What each kind of innervation pools: normalised, deterministic, and really different."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Positions
from sensoryforge.skin.innervation import (
    Decay,
    Gaussian,
    Innervation,
    LinkTable,
    Nearest,
    OneToOne,
    ReceptiveFields,
    Uniform,
)
from sensoryforge.skin.layouts import BlueNoise, Random
from sensoryforge.skin.receptors import Grid, Hex, Jittered, Receptors
from sensoryforge.skin.receptors import Random as RandomReceptors

KINDS: list[Innervation] = [
    Gaussian(0.3, 16),
    Nearest(),
    OneToOne(),
    Uniform(0.4),
    Decay("exponential", 0.2, 0.6),
    Decay("linear", 0.2, 0.6),
    Decay("inverse_square", 0.2, 0.6),
]
kinds = pytest.mark.parametrize("kind", KINDS, ids=str)
GRID = Grid(24, 24, 0.15)


@st.composite
def skins(draw: st.DrawFn) -> Receptors:
    grid = Grid(
        draw(st.integers(3, 14)),
        draw(st.integers(3, 14)),
        draw(st.floats(0.02, 1.0)),
        (draw(st.floats(-9, 9)), draw(st.floats(-9, 9))),
    )
    made = [grid, Hex(grid, 0), Jittered(grid, 1, 0.3), RandomReceptors(grid, 2)]
    return draw(st.sampled_from(made))


@kinds
@settings(deadline=None, max_examples=25)
@given(skin=skins(), count=st.integers(1, 9), seed=st.integers(0, 99))
def test_rows_are_ascending_and_sum_to_one_on_any_skin(
    kind: Innervation, skin: Receptors, count: int, seed: int
) -> None:
    count = min(count, skin.count)
    fields = kind.draw(skin, Random().place(skin, count, seed), seed)
    assert fields.indices.shape == fields.weights.shape
    assert len(fields.indices) == count
    assert fields.indices.min() >= 0
    assert fields.indices.max() < skin.count
    assert (np.diff(fields.indices, axis=1) >= 0).all()
    assert (fields.weights >= 0).all()
    np.testing.assert_allclose(fields.weights.sum(axis=1), 1.0, rtol=1e-12)
    pooled = [set(row[real]) for row, real in zip(fields.indices, fields.weights > 0, strict=True)]
    assert sum(map(len, pooled)) == (fields.weights > 0).sum()


@pytest.mark.parametrize("kind", [KINDS[0], *KINDS[3:]], ids=str)
def test_a_row_depends_on_no_other_row(kind: Innervation) -> None:
    centres = Random().place(GRID, 30, 1)
    for skin in (GRID, Hex(GRID, 0)):
        whole, some = kind.draw(skin, centres, 9), kind.draw(skin, centres[:10], 9)
        width = some.indices.shape[1]
        np.testing.assert_array_equal(dense(whole, skin)[:10], dense(some, skin))
        assert whole.indices.shape[1] >= width


def dense(fields: ReceptiveFields, skin: Receptors) -> Positions:
    weights = np.zeros((len(fields.indices), skin.count))
    np.add.at(weights, (np.arange(len(weights))[:, None], fields.indices), fields.weights)
    return weights


def test_no_two_kinds_feel_the_same() -> None:
    centres = BlueNoise().place(GRID, 40, 0)
    pressure = np.exp(-((GRID.xy() - [0.2, 0.1]) ** 2).sum(axis=1) / (2 * 0.35**2))
    felt = [(dense(kind.draw(GRID, centres, 3), GRID) * pressure).sum(axis=1) for kind in KINDS]
    for number, drive in enumerate(felt):
        for other in felt[:number]:
            assert np.abs(drive - other).max() > 0.003


@pytest.mark.parametrize("kind", [Uniform(0.4), *KINDS[4:]], ids=str)
def test_the_drive_does_not_depend_on_the_resolution(kind: Innervation) -> None:
    centres = np.array([[0.02, -0.03], [0.4, 0.25]])
    drives = []
    for side in (48, 96, 384):
        skin = Grid(side, side, 4.8 / side)
        pressure = np.exp(-(skin.xy() ** 2).sum(axis=1) / (2 * 0.5**2))
        fields = kind.draw(skin, centres, 0)
        drives.append((pressure[fields.indices] * fields.weights).sum(axis=1))
    np.testing.assert_allclose(drives[0], drives[2], atol=0.02)
    np.testing.assert_allclose(drives[1], drives[2], atol=0.01)


def test_gaussian_draws_the_same_field_where_receptors_form_no_grid() -> None:
    skin, copies = Jittered(Grid(64, 64, 0.075), 0, 0.4), 400
    centres = np.tile([0.3, -0.2], (copies, 1))
    fields = Gaussian(0.3, 16).draw(skin, centres, 5)
    xy = skin.xy(fields.indices.ravel()).reshape(copies, 16, 2)
    pressure = np.exp(-(xy**2).sum(axis=-1) / (2 * 0.5**2))
    drive = (pressure * fields.weights).sum(axis=1)
    both = 0.5**2 + 0.3**2
    expected = 0.5**2 / both * np.exp(-(0.3**2 + 0.2**2) / (2 * both))
    assert abs(drive.mean() - expected) < 4 * drive.std() / copies**0.5 + 0.005


def test_moving_the_sheet_and_its_neurons_moves_the_fields() -> None:
    moved = Grid(24, 24, 0.15, (8.0, -4.0))  # eighths: places move without rounding
    centres = np.rint(BlueNoise().place(GRID, 30, 0) * 64) / 64
    shift = np.array([8.0, -4.0])
    for kind in KINDS:
        here, there = kind.draw(GRID, centres, 1), kind.draw(moved, centres + shift, 1)
        np.testing.assert_allclose(dense(here, GRID), dense(there, moved), atol=1e-6)


def test_nearest_gives_each_receptor_to_its_nearest_neuron() -> None:
    centres = BlueNoise().place(GRID, 30, 0)
    weights = dense(Nearest().draw(GRID, centres, 0), GRID)
    away = ((GRID.xy()[:, None] - centres) ** 2).sum(axis=-1)
    np.testing.assert_array_equal(weights.argmax(axis=0), away.argmin(axis=1))
    assert ((weights > 0).sum(axis=0) == 1).all()


def test_a_neuron_to_which_no_receptor_is_nearest_pools_its_nearest_one() -> None:
    fields = Nearest().draw(Grid(1, 2, 1.0), np.array([[-0.5, 0.0], [0.5, 0.0], [0.9, 0.0]]), 0)
    assert fields.indices.tolist() == [[0], [1], [1]]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 60), st.integers(0, 9), st.booleans())
def test_one_to_one_takes_no_receptor_twice(count: int, seed: int, at_one_place: bool) -> None:
    skin = Grid(6, 10, 0.2)
    centres = np.zeros((count, 2)) if at_one_place else Random().place(skin, count, seed)
    indices = OneToOne().draw(skin, centres, seed).indices.ravel().tolist()
    assert len(set(indices)) == count


def test_one_to_one_on_the_receptors_themselves_is_the_identity() -> None:
    assert OneToOne().draw(GRID, GRID.xy(), 0).indices.ravel().tolist() == list(range(576))


def test_one_to_one_says_that_there_are_too_many_neurons() -> None:
    with pytest.raises(ConfigError) as caught:
        OneToOne().draw(Grid(2, 2, 1.0), np.zeros((5, 2)), 0)
    line = "got 5 neurons on 4 receptors, allowed are at most as many neurons as receptors"
    assert caught.value.problems == (line,)


def test_uniform_pools_all_within_its_radius_and_no_other() -> None:
    centres = Random().place(GRID, 30, 1)
    weights = dense(Uniform(0.4).draw(GRID, centres, 0), GRID)
    away = np.hypot(*(GRID.xy() - centres[:, None]).T).T
    np.testing.assert_array_equal(weights > 0, away <= 0.4)


@pytest.mark.parametrize("kind", [Uniform(1e-6), Decay("linear", 1.0, 1e-6)], ids=str)
def test_a_reach_that_no_receptor_is_in_leaves_the_nearest_one(kind: Innervation) -> None:
    fields = kind.draw(Grid(4, 4, 1.0), np.array([[0.4, 0.4]]), 0)
    assert (fields.indices.tolist(), fields.weights.tolist()) == ([[10]], [[1.0]])


@pytest.mark.parametrize(
    ("falloff", "formula"),
    [
        ("exponential", lambda d: np.exp(-d / 0.2)),
        ("linear", lambda d: 1 - d / 0.6),
        ("inverse_square", lambda d: 1 / (1 + (d / 0.2) ** 2)),
    ],
)
def test_decay_follows_its_formula(falloff: str, formula: Any) -> None:
    weights = dense(Decay(falloff, 0.2, 0.6).draw(GRID, np.array([[0.1, 0.2]]), 0), GRID)[0]
    away = np.hypot(*(GRID.xy() - [0.1, 0.2]).T)
    expected = np.where(away <= 0.6, formula(away), 0.0)
    np.testing.assert_allclose(weights, expected / expected.sum(), rtol=1e-12)


@pytest.mark.parametrize("kind", [Nearest(), OneToOne(), Uniform(0.15)], ids=str)
def test_a_hundred_thousand_neurons_are_connected_in_seconds(kind: Innervation) -> None:
    skin = Grid(320, 320, 0.05)
    centres = Random().place(skin, 100_000, 0)
    start = perf_counter()
    kind.draw(skin, centres, 0)
    assert perf_counter() - start < 20.0


@pytest.mark.parametrize(
    ("make", "lines"),
    [
        (lambda: Uniform(-1.0), ["radius_mm: got -1.0, allowed is a number > 0 (mm)"]),
        (lambda: Uniform("a"), ["radius_mm: got 'a', allowed is a number > 0 (mm)"]),
        (
            lambda: Decay("linar", 0.0, float("nan")),
            [
                "falloff: got 'linar', allowed are exponential, linear, inverse_square; did you mean 'linear'?",
                "length_mm: got 0.0, allowed is a number > 0 (mm)",
                "reach_mm: got nan, allowed is a number > 0 (mm)",
            ],
        ),
    ],
)
def test_bad_values_are_refused_a_line_each(make: Any, lines: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        make()
    assert list(caught.value.problems) == lines


# --- tables ---


def table(folder: Path, text: str) -> str:
    path = folder / "links.csv"
    path.write_text(text)
    return str(path)


def test_a_table_keeps_weights_that_sum_to_one_and_divides_others(tmp_path: Path) -> None:
    file = table(tmp_path, "weight,receptor,neuron\n0.1,3,0\n0.9,1,0\n3,2,1\n1,0,1\n5,4,2\n")
    fields = LinkTable(file).draw(Grid(3, 3, 1.0), np.zeros((3, 2)), 0)
    assert fields.indices.tolist() == [[1, 3], [0, 2], [4, 4]]
    assert fields.weights.tolist() == [[0.9, 0.1], [0.25, 0.75], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("neuron,weight\n0,1\n", "file: FILE has the columns neuron, weight, allowed are neuron, receptor, weight"),
        ("neuron,receptor,weight\n", "file: FILE has no row below its heading"),
        ("", "file: FILE is no table that can be read (No columns to parse from file)"),
        ("neuron,receptor,weight\n0,1,1\n0,a,1\n", "file: FILE, line 3: receptor: got 'a', allowed is a finite number"),
        ("neuron,receptor,weight\n0,1.5,1\n", "file: FILE, line 2: receptor: got 1.5, allowed is a whole number >= 0"),
        ("neuron,receptor,weight\n-1,1,1\n", "file: FILE, line 2: neuron: got -1, allowed is a whole number >= 0"),
        ("neuron,receptor,weight\n0,1,nan\n", "file: FILE, line 2: weight: got 'nan', allowed is a finite number"),
        ("neuron,receptor,weight\n0,1,-2\n", "file: FILE, line 2: weight: got -2, allowed is a number >= 0"),
        ("neuron,receptor,weight\n0,9,1\n", "file: FILE has the receptor 9, allowed are 0 to 8"),
        ("neuron,receptor,weight\n2,1,1\n", "file: FILE has the neuron 2, allowed are 0 to 1"),
        ("neuron,receptor,weight\n0,1,1\n", "file: FILE has no link of neuron 1, allowed is a weight above zero for each"),
        ("neuron,receptor,weight\n0,1,1\n0,1,2\n1,1,1\n", "file: FILE links neuron 0 and receptor 1 twice, allowed is once"),
    ],
)  # fmt: skip
def test_a_bad_table_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    file = table(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        LinkTable(file).draw(Grid(3, 3, 1.0), np.zeros((2, 2)), 0)
    assert caught.value.problems == (said.replace("FILE", file),)
