"""Moving reliefs are worked out by compiled loops: the bits are those of NumPy's way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sensoryforge.core.numerics import uniforms
from sensoryforge.core.types import Floats
from sensoryforge.simulation.driving import Stack
from sensoryforge.simulation.kernels.pooling import blend_rows
from sensoryforge.stimuli import Image, Shape, Texture
from sensoryforge.stimuli.blend import Blend
from sensoryforge.stimuli.relief import MANY_HEIGHTS
from sensoryforge.stimuli.shapes import texture as texture_module

LATTICE = {"amplitude": 30.0, "width_mm": 3.0, "orientation": 0.0, "center_x": 0.0, "center_y": 0.0}
WAVES = {"amplitude": 30.0, "beta": 2.0, "shortest_mm": 1.0, "longest_mm": 2.0, "pattern_seed": 3.0}
NUMBER = st.floats(-6.0, 6.0, allow_subnormal=False)


@pytest.fixture(scope="module")
def height_map(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("relief") / "relief.npy"
    np.save(path, uniforms(0, "relief", size=35).reshape(5, 7))
    return str(path)


def columns(values: dict[str, Any]) -> dict[str, Any]:
    return {name: np.array([value]) for name, value in values.items()}


def places(seed: int, count: int, reach_mm: float) -> Floats:
    drawn = uniforms(seed, "places", size=2 * count).reshape(count, 2)
    return np.asarray(reach_mm * (2.0 * drawn - 1.0))


def assert_compiled_as_written(shape: Shape, seed: int = 0, reach_mm: float = 4.0) -> None:
    moved, xy = places(seed, 16, reach_mm), places(seed + 1, MANY_HEIGHTS // 16, reach_mm)
    compiled = shape.stills(xy, moved[:, 0], moved[:, 1])
    assert compiled.any()
    assert np.array_equal(compiled, Shape.stills(shape, xy, moved[:, 0], moved[:, 1]))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 99), turn=st.floats(-720, 720), x=NUMBER, y=NUMBER, wide=st.floats(2, 9))
def test_an_image_has_the_same_bits(
    height_map: str, seed: int, turn: float, x: float, y: float, wide: float
) -> None:
    more = {"orientation": turn, "center_x": 0.1 * x, "center_y": 0.1 * y, "width_mm": wide}
    assert_compiled_as_written(Image(columns({**LATTICE, **more, "file": height_map})), seed)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), reach_mm=st.floats(0.5, 400.0))
def test_a_texture_has_the_same_bits(seed: int, reach_mm: float) -> None:
    assert_compiled_as_written(Texture(columns(WAVES)), seed, reach_mm)


def test_a_relief_that_presses_otherwise_is_worked_out_its_own_way(height_map: str) -> None:
    class Doubled(Image):
        def press(self, x: Floats, y: Floats) -> Floats:
            return 2.0 * super().press(x, y)

    values = columns({**LATTICE, "file": height_map})
    moved, xy = places(0, 16, 1.0), places(1, MANY_HEIGHTS // 16, 1.0)
    once = Image(values).stills(xy, moved[:, 0], moved[:, 1])
    assert np.array_equal(Doubled(values).stills(xy, moved[:, 0], moved[:, 1]), 2.0 * once)
    assert Doubled.loops == ()


def test_a_relief_that_is_nowhere_presses_with_no_number(height_map: str) -> None:
    beyond = Image(columns({**LATTICE, "center_x": np.nan, "file": height_map}))
    nothing = beyond.stills(places(0, MANY_HEIGHTS, 1.0), np.zeros(1), np.zeros(1))
    assert np.isnan(nothing).all()


def test_an_image_that_changes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "relief.npy"
    shape = Image(columns({**LATTICE, "file": str(path)}))
    for heights in (np.ones((3, 3)), np.eye(4)):
        np.save(path, heights)
        assert_compiled_as_written(shape, reach_mm=1.0)


def test_threads_that_need_the_same_texture_make_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def make(*waves: float) -> Floats:
        made.append(waves)
        return np.eye(8)

    monkeypatch.setattr(texture_module, "make_texture", make)
    texture = Texture(columns({**WAVES, "pattern_seed": 987.0}))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: texture.space(np.zeros((1, 2))), range(16)))
    texture_module._make_tile.cache_clear()
    assert len(made) == 1


@pytest.mark.parametrize("terms", [1, 4])
def test_stills_are_blended_with_the_same_bits(terms: int) -> None:
    felt = 30.0 * uniforms(0, "felt", size=9 * 5).reshape(9, 5)
    numbers = np.arange(20 * terms).reshape(20, terms) % 9
    weights = uniforms(0, "weights", size=20 * terms).reshape(20, terms) - 0.3
    written = Blend(felt, numbers, weights).frames()
    assert np.array_equal(blend_rows(felt, numbers, weights), written.astype(np.float32))
    assert np.array_equal(blend_rows(felt, numbers, weights, np.float64), written)


def test_conditions_are_stacked_whether_they_are_arrays_or_tensors() -> None:
    for first, second in ((np.ones(2), torch.zeros(2)), (torch.ones(2), np.zeros(2))):
        stack = Stack(2)
        stack.add(first)
        stack.add(second)
        assert stack.values.tolist() == [[1.0, 1.0], [0.0, 0.0]]
