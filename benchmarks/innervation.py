"""Gaussian innervation, all neurons together beside one neuron after the other, in one process.

    python benchmarks/innervation.py --neurons 5000

Each row draws the same receptive fields both ways, in turn, checks that they have the same bits,
and prints the median of the ratios. One after the other is how it was done at first.
"""

from __future__ import annotations

import argparse
from math import ceil, sqrt
from statistics import median
from time import perf_counter

import numpy as np

from sensoryforge.core.numerics import hash64, random_bits
from sensoryforge.skin.innervation import Gaussian, ReceptiveFields
from sensoryforge.skin.layouts import Random
from sensoryforge.skin.receptors import Grid

ROUNDS = 5
CASES = {
    "32 x 32, 32 connections": (Grid(32, 32, 0.15), Gaussian(0.3, 32)),
    "32 x 32, 8 connections": (Grid(32, 32, 0.15), Gaussian(0.3, 8)),
    "256 x 256, 32 connections": (Grid(256, 256, 0.01875), Gaussian(0.3, 32)),
    "1024 x 1024, 32 connections": (Grid(1024, 1024, 0.0046875), Gaussian(0.3, 32)),
}


def main() -> None:
    """Print a table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neurons", type=int, default=2000, help="neurons that are connected")
    neurons = parser.parse_args().neurons
    print(f"{neurons} neurons{'':22}{'one by one':>12}{'together':>12}{'ratio':>8}")
    for name, (grid, kind) in CASES.items():
        centres = Random().place(grid, neurons, 1)
        rounds = [time_both(grid, kind, centres) for _ in range(ROUNDS)]
        old, new = np.median(rounds, axis=0)
        ratio = median(one_by_one / together for one_by_one, together in rounds)
        print(f"{name:32}{old:10.3f} s{new:10.3f} s{ratio:8.1f}")


def time_both(grid, kind, centres) -> tuple[float, float]:
    """Return the seconds of both ways, which must give the same bits."""
    start = perf_counter()
    expected = draw_one_by_one(grid, kind, centres, 3)
    middle = perf_counter()
    drawn = kind.draw(grid, centres, 3)
    end = perf_counter()
    assert drawn.indices.tobytes() == expected.indices.tobytes()
    assert drawn.weights.tobytes() == expected.weights.tobytes()
    return middle - start, end - middle


# --- one neuron after the other ---


def draw_one_by_one(grid, kind, centres, seed) -> ReceptiveFields:
    """Return the receptive fields of neurons, drawn row by row."""
    size = min(kind.connections, grid.count)
    stream = hash64(seed, "innervation")
    indices = np.empty((len(centres), size), np.int64)
    weights = np.empty((len(centres), size))
    for afferent, (x, y) in enumerate(centres.tolist()):
        drawn, drawn_weights = draw_row(grid, kind, x, y, size, stream, afferent)
        ascending = np.argsort(drawn)
        indices[afferent] = drawn[ascending]
        weights[afferent] = drawn_weights[ascending]
    return ReceptiveFields(indices, weights)


def draw_row(grid, kind, x, y, size, stream, afferent):
    reach = 4 * kind.sigma_mm / grid.spacing_mm
    columns, rows = window(grid, x, y, reach, size)
    width, height = len(columns), len(rows)
    words = random_bits(stream, afferent, size=width + height + 2)
    columns = columns[np.argsort(words[:width], kind="stable")]
    rows = rows[np.argsort(words[width : width + height], kind="stable")]
    start = int(words[-1])
    across = kind._masses((grid.x_mm(columns) - x)[None])[0]
    along = kind._masses((grid.y_mm(rows) - y)[None])[0]
    if int(words[-2]) % 2 == 1:
        column, row, weights = sample(across, along, size, start)
    else:
        row, column, weights = sample(along, across, size, start)
    return rows[row] * grid.columns + columns[column], weights


def window(grid, x, y, reach, size):
    half = ceil(min(max(reach, (sqrt(size) - 1) / 2), 4096))
    while True:
        columns = nearby(x / grid.spacing_mm, grid.columns, half)
        rows = nearby(y / grid.spacing_mm, grid.rows, half)
        if len(columns) * len(rows) >= size:
            return columns, rows
        half += 1


def nearby(place, count, half):
    last = count - 1
    nearest = round(min(max(place + last / 2, 0), last))
    return np.arange(max(nearest - half, 0), min(nearest + half, last) + 1)


def sample(inner, outer, size, start):
    inner_total, outer_total = int(inner.sum()), int(outer.sum())
    total = inner_total * outer_total
    if size * int(inner.max()) * int(outer.max()) > total:
        return sample_with_certain(inner, outer, size, start)
    at = marks(total, size, start)
    ends = np.cumsum(outer) * inner_total
    outer_at = np.searchsorted(ends, at, side="right")
    outer_mass = outer[outer_at]
    within = (at - (ends[outer_at] - outer_mass * inner_total)) // outer_mass
    inner_at = np.searchsorted(np.cumsum(inner), within, side="right")
    return inner_at, outer_at, np.full(size, 1 / size)


def sample_with_certain(inner, outer, size, start):
    masses = np.outer(outer, inner).reshape(-1)
    total = int(masses.sum())
    certain = find_certain(masses, size)
    taken = np.flatnonzero(certain)
    left = total - int(masses[taken].sum())
    drawn = size - len(taken)
    line = np.cumsum(np.where(certain, 0, masses))
    chosen = np.searchsorted(line, marks(left, drawn, start), side="right")
    chosen_weights = np.full(drawn, left / (total * drawn))
    pairs = np.concatenate([taken, chosen])
    weights = np.concatenate([masses[taken] / total, chosen_weights])
    outer_at, inner_at = np.divmod(pairs, len(inner))
    return inner_at, outer_at, weights


def find_certain(masses, size):
    certain = np.zeros(masses.size, dtype=bool)
    left = int(masses.sum())
    while True:
        share = left // (size - int(certain.sum()))
        heavy = ~certain & (masses > share)
        if not heavy.any():
            return certain
        certain |= heavy
        left -= int(masses[heavy].sum())


def marks(total, count, start):
    step, rest = divmod(total, count)
    number = np.arange(count)
    return number * step + (number * rest + ((start * total) >> 64)) // count


if __name__ == "__main__":
    main()
