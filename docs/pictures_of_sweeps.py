"""Draws the designs of a sweep: ``python docs/pictures_of_sweeps.py`` writes ``docs/images``.

It also prints how evenly each covers what it draws from: the table of ``docs/sweeps.md``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.stats import qmc

import sensoryforge as sf
from sensoryforge.analysis.plots import style
from sensoryforge.config import check
from sensoryforge.design.sampling import METHODS
from sensoryforge.design.sampling.points import coordinates

IMAGES = Path(__file__).parent / "images"
POINTS = 64
COUNTS = (64, 256, 1024)
SEEDS = range(20)
DIMENSIONS = ("a", "b", "c", "d")
RANGES = ("stimuli.amplitude={low: 5, high: 50}", "stimuli.sigma={low: 0.1, high: 1}")
LISTS = ("stimuli.amplitude=linspace(5,50,8)", "stimuli.sigma=linspace(0.1,1,8)")
DESIGNS = {
    "grid": LISTS,
    "paired": (*LISTS, "stimuli.sampling=paired"),
    **{
        method: (*RANGES, f"stimuli.sampling={method}", f"stimuli.samples={POINTS}")
        for method in METHODS
    },
    "sobol with where": (
        *RANGES,
        "stimuli.sampling=sobol",
        f"stimuli.samples={POINTS}",
        "stimuli.where='sigma*50 < amplitude'",
    ),
}


def main() -> None:
    """Draw the picture and print the table."""
    draw()
    for line in table():
        sys.stdout.write(f"{line}\n")


def draw() -> None:
    """Draw the points of each design over two parameters."""
    with style.settings():
        figure, axes = style.panels(style.WIDTH, list(DESIGNS), 2.9, beside=3)
        for axis, (name, overrides) in zip(axes, DESIGNS.items(), strict=True):
            points = check(sf.compose(*overrides)).design.table()
            axis.plot(points["amplitude"], points["sigma"], "o", markersize=3.5)
            axis.set_title(f"{name}: {len(points['sigma'])} points")
            axis.set_xlabel("amplitude (a.u.)")
            axis.set_ylabel("sigma (mm)")
        figure.savefig(IMAGES / "designs.png", dpi=96)


def table() -> list[str]:
    """Return the centred discrepancy of each method, the mean over the seeds, as a table."""
    lines = [
        f"| points | {' | '.join(METHODS)} |",
        f"| --- |{' --- |' * len(METHODS)}",
    ]
    for count in COUNTS:
        cells = [f"{mean_discrepancy(method, count):.2g}" for method in METHODS]
        lines.append(f"| {count} | {' | '.join(cells)} |")
    return lines


def mean_discrepancy(method: str, count: int) -> float:
    """Return how unevenly points lie in four dimensions, the mean over the seeds."""
    found = []
    for seed in SEEDS:
        points = np.stack(coordinates(method, DIMENSIONS, 0, count, seed, count), axis=1)
        found.append(qmc.discrepancy(points))
    return float(np.mean(found))


if __name__ == "__main__":
    main()
