"""Chunks: every stimulus once and in order, whatever is left to do; and names that cost no import."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sensoryforge.simulation
from sensoryforge.simulation.chunks import Chunk, count_stimuli, cut_into_chunks, halve

positions = st.sets(st.integers(0, 200), min_size=2, max_size=60).map(sorted)


def stimuli(*chunks: Chunk) -> list[int]:
    """Return the positions of chunks, one after the other."""
    return [position for chunk in chunks for pair in chunk for position in range(*pair)]


@given(positions, st.integers(1, 9), st.integers(1, 20))
def test_chunks_hold_every_stimulus_once_and_in_order(
    todo: list[int], chunk_size: int, part_size: int
) -> None:
    chunks = cut_into_chunks(np.array(todo), chunk_size, part_size)
    assert stimuli(*chunks) == todo
    assert max(map(count_stimuli, chunks)) <= chunk_size


@given(positions)
def test_halves_of_a_chunk_hold_its_stimuli_in_order(todo: list[int]) -> None:
    (chunk,) = cut_into_chunks(np.array(todo), 100, 100)
    first, second = halve(chunk)
    assert stimuli(first, second) == todo
    assert 0 <= count_stimuli(second) - count_stimuli(first) <= 1


def test_public_names_are_there_without_importing_torch() -> None:
    code = "import sys, sensoryforge.simulation as s; print(*s.__all__, 'torch' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *names, has_torch = ended.stdout.split()
    assert has_torch == "False"
    for name in names:
        assert callable(getattr(sensoryforge.simulation, name))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = sensoryforge.simulation.nothing
