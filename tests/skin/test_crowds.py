"""Neurons crowded on a part of the skin, and sheets of very many receptors that form no grid."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensoryforge.core.types import Ints, Positions
from sensoryforge.skin.innervation import Gaussian, OneToOne
from sensoryforge.skin.layouts import Random
from sensoryforge.skin.neighbours import squared_distance
from sensoryforge.skin.receptors import receptors_of


def nearest_pairs_first(xy_mm: Positions, centres: Positions) -> Ints:
    """Which receptor each neuron gets where all pairs are gone through, the nearest first."""
    squares = squared_distance(xy_mm[None], centres[:, None])
    receptor_of = np.full(len(centres), -1)
    gone: set[int] = set()
    for pair in np.argsort(squares, axis=None, kind="stable").tolist():
        neuron, receptor = divmod(pair, len(xy_mm))
        if receptor_of[neuron] < 0 and receptor not in gone:
            receptor_of[neuron] = receptor
            gone.add(receptor)
    return receptor_of


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["grid", "hex", "random"]),
    st.integers(2, 12),
    st.integers(1, 60),
    st.floats(0.01, 1.0),
    st.integers(0, 2**32),
)
def test_one_to_one_takes_the_nearest_of_all_pairs_first_however_crowded_neurons_are(
    arrangement: str, side: int, count: int, crowd: float, seed: int
) -> None:
    skin = receptors_of(
        {"grid_size": side, "spacing_mm": 0.15, "seed": seed, "arrangement": arrangement}
    )
    centres = crowd * Random().place(skin, min(count, skin.count), seed)
    drawn = OneToOne().draw(skin, centres, 0)
    np.testing.assert_array_equal(drawn.indices[:, 0], nearest_pairs_first(skin.xy(), centres))


@pytest.mark.parametrize("arrangement", ["random", "hex"])
def test_receptors_by_the_hundred_thousand_are_innervated_in_little_memory(
    arrangement: str,
) -> None:
    skin = receptors_of(
        {"grid_size": 320, "spacing_mm": 0.015, "seed": 0, "arrangement": arrangement}
    )
    centres = Random().place(skin, 256, 0)
    skin.xy()
    tracemalloc.start()
    drawn = Gaussian(0.3, 32).draw(skin, centres, 0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 250e6
    np.testing.assert_allclose(drawn.weights.sum(axis=1), 1.0, rtol=1e-14)
