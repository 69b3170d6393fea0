"""Chunks: which stimuli are simulated together, as ranges of their positions in the design.

A chunk is as large as memory allows and never reaches over the end of a part, the stimuli that are
committed to the disk together. Stimuli that are done already leave gaps: with 3, 4 and 7 to 9 left
to do, chunks of at most 4 and one part, the chunks are

    >>> import numpy as np
    >>> cut_into_chunks(np.array([3, 4, 7, 8, 9]), chunk_size=4, part_size=100)
    [((3, 5), (7, 9)), ((9, 10),)]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from sensoryforge.core.types import Ints

Chunk: TypeAlias = tuple[tuple[int, int], ...]
"""Stimuli simulated together: ranges of positions in the design, each from first to last + 1."""


def count_stimuli(chunk: Sequence[tuple[int, int]]) -> int:
    """Return how many stimuli a chunk has.

    Examples
    --------
    >>> count_stimuli([(3, 5), (7, 9)])
    4
    """
    return sum(stop - start for start, stop in chunk)


def cut_into_chunks(positions: Ints, chunk_size: int, part_size: int) -> list[Chunk]:
    """Cut stimuli into chunks that never reach over the end of a part.

    Parameters
    ----------
    positions
        Positions in the design of the stimuli that are to be done, ascending.
    chunk_size
        How many stimuli a chunk has at most.
    part_size
        How many stimuli a part has.

    The module's head shows an example.
    """
    chunks: list[Chunk] = []
    for part_start in range(0, len(positions), part_size):
        part = positions[part_start : part_start + part_size].tolist()
        for start in range(0, len(part), chunk_size):
            chunk = part[start : start + chunk_size]
            chunks.append(_ranges(chunk))
    return chunks


def halve(chunk: Sequence[tuple[int, int]]) -> tuple[Chunk, Chunk]:
    """Cut a chunk of two stimuli or more in the middle.

    Examples
    --------
    >>> halve([(3, 5), (7, 9), (10, 12)])
    (((3, 5), (7, 8)), ((8, 9), (10, 12)))
    """
    first: list[tuple[int, int]] = []
    second: list[tuple[int, int]] = []
    left = count_stimuli(chunk) // 2
    for start, stop in chunk:
        middle = min(stop, start + left)
        left -= middle - start
        if start < middle:
            first.append((start, middle))
        if middle < stop:
            second.append((middle, stop))
    return tuple(first), tuple(second)


def _ranges(positions: Sequence[int]) -> Chunk:
    """Return ascending positions as ranges."""
    ranges: list[tuple[int, int]] = []
    for position in positions:
        if ranges and ranges[-1][1] == position:
            start, _ = ranges.pop()
            ranges.append((start, position + 1))
        else:
            ranges.append((position, position + 1))
    return tuple(ranges)
