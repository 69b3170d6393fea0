"""What the default afferents do under a step: the tables of docs/physiology.md, and the README's picture.

A footprint is pressed at 50 ms, held for 150 ms and released, on the default sheet. The tables are made with the noise
off, the picture with the noise that the defaults have.

    python benchmarks/physiology.py [--picture FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch

import sensoryforge as sf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ON_MS, HOLD_MS, DURATION_MS, DT_MS = 50.0, 150.0, 300.0, 0.5
SETTLE_MS = 50.0
"""How long after a change of the drive the response to it may last."""
AMPLITUDES = (5, 10, 20, 30, 40, 50)
SIGMAS = (0.3, 0.5, 0.7, 0.9)
STEP = ("stimuli=step", f"stimuli.step_time={ON_MS}", f"stimuli.hold_ms={HOLD_MS}")
QUIET = ("neurons.populations.sa.noise_std=0", "neurons.populations.ra.noise_std=0")
NEAREST = 30
"""Rows of a raster; afferents further away do not fire."""
COLOURS = {"sa": "#0072B2", "ra": "#D55E00"}
NAMES = {"sa": "SA", "ra": "RA"}


def run(folder: str, *overrides: str) -> sf.Results:
    """Run a step with these overrides and return its dataset."""
    results = sf.run(sf.compose(*STEP, *overrides, f"batch.output_dir={folder}"))
    assert results is not None
    return results


def samples(start_ms: float, stop_ms: float) -> slice:
    """Return the samples from one time to another."""
    return slice(round(start_ms / DT_MS), round(stop_ms / DT_MS))


ONSET = samples(ON_MS, ON_MS + SETTLE_MS)
HOLD = samples(ON_MS + SETTLE_MS, ON_MS + HOLD_MS)
OFFSET = samples(ON_MS + HOLD_MS, ON_MS + HOLD_MS + SETTLE_MS)


def most(spikes: torch.Tensor, window: slice) -> int:
    """Return the spikes of the neuron that fires most in a window."""
    return int(spikes[window].sum(0).max())


def amplitude_rows(folder: str) -> Iterator[tuple[Any, ...]]:
    """Yield amplitude, best SA rate in the hold (Hz), and the most RA spikes at onset, in the hold and at offset."""
    seconds = (HOLD.stop - HOLD.start) * DT_MS / 1000
    for stimulus in run(folder, *QUIET, f"stimuli.amplitude={list(AMPLITUDES)}"):
        sa, ra = stimulus["sa_spikes"], stimulus["ra_spikes"]
        rate = round(most(sa, HOLD) / seconds)
        yield (
            stimulus["parameters"]["amplitude"],
            rate,
            most(ra, ONSET),
            most(ra, HOLD),
            most(ra, OFFSET),
        )


def sigma_rows(folder: str) -> Iterator[tuple[Any, ...]]:
    """Yield sigma, how many SA neurons fire, and the spikes of all of them."""
    for stimulus in run(folder, *QUIET, f"stimuli.sigma={list(SIGMAS)}"):
        counts = stimulus["sa_spikes"].sum(0)
        yield stimulus["parameters"]["sigma"], int((counts > 0).sum()), int(counts.sum())


def table(heads: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> str:
    """Return a Markdown table."""
    lines = [heads, tuple("---:" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def draw(folder: str) -> Figure:
    """Return the picture of one stimulus of amplitude 30: the sheet, the time course and the two rasters."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    mpl.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    results = run(folder, "stimuli.amplitude=30", "batch.save=[stimulus]")
    figure, axes = plt.subplot_mosaic(
        [["sheet", "drive"], ["sheet", "sa"], ["sheet", "ra"]],
        width_ratios=(1.15, 1.5), height_ratios=(0.55, 1, 1), figsize=(10, 4.8), layout="constrained",
    )  # fmt: skip
    draw_sheet(axes["sheet"], results)
    draw_drive(axes["drive"], results)
    for name in results.populations:
        draw_raster(axes[name], results, name)
    axes["sa"].tick_params(labelbottom=False)
    axes["ra"].set_xlabel("time (ms)")
    return figure


def draw_sheet(axis: Axes, results: sf.Results) -> None:
    """Draw the drive at every receptor during the hold, and where the neurons are centred."""
    frame = results[0]["stimulus"][HOLD.start]
    spacing = results.metadata["config"]["pipeline"]["spacing_mm"]
    width, height = frame.shape[1] * spacing / 2, frame.shape[0] * spacing / 2
    image = axis.imshow(
        frame,
        origin="lower",
        extent=(-width, width, -height, height),
        cmap="Greys",
        vmin=0,
        vmax=40,
    )
    axis.figure.colorbar(image, ax=axis, shrink=0.75, label="drive at the receptor (a.u.)")
    for name, marker in zip(results.populations, "o^", strict=True):
        x, y = results.metadata[f"{name}_xy_mm"].T
        label = f"{len(x)} {NAMES[name]} afferents"
        axis.scatter(
            x, y, s=16, marker=marker, facecolors="none", edgecolors=COLOURS[name], label=label
        )
    axis.set(
        title=f"Sheet of {frame.shape[0]} × {frame.shape[1]} receptors, held",
        xlabel="x (mm)",
        ylabel="y (mm)",
    )
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, fontsize=9, frameon=False)


def draw_drive(axis: Axes, results: sf.Results) -> None:
    """Draw the drive over time at the receptor that is pressed most."""
    course = results[0]["stimulus"].flatten(1).amax(1)
    axis.plot(torch.arange(len(course)) * DT_MS, course, color="black", linewidth=1.5)
    axis.set(
        title="Step: amplitude 30, sigma 0.5 mm, held 150 ms",
        ylabel="drive (a.u.)",
        ylim=(-2, 34),
        xlim=(0, DURATION_MS),
    )
    axis.tick_params(labelbottom=False)


def draw_raster(axis: Axes, results: sf.Results, name: str) -> None:
    """Draw the spikes of the neurons nearest to the centre of the footprint, the nearest at the bottom."""
    nearest = results.metadata[f"{name}_xy_mm"].pow(2).sum(1).argsort(stable=True)[:NEAREST]
    spikes = results[0][f"{name}_spikes"]
    times = [train.nonzero()[:, 0] * DT_MS for train in spikes[:, nearest].T]
    axis.eventplot(
        times,
        lineoffsets=range(1, NEAREST + 1),
        colors=COLOURS[name],
        linelengths=0.9,
        linewidths=1.2,
    )
    axis.set(
        xlim=(0, DURATION_MS),
        ylim=(0, NEAREST + 1),
        ylabel=f"{NAMES[name]} afferent,\nnearest first",
    )
    axis.set_title(
        f"{int(spikes.sum())} {NAMES[name]} spikes", loc="right", fontsize=9, color=COLOURS[name]
    )


def main() -> None:
    """Print both tables; draw the picture when asked."""
    parser = argparse.ArgumentParser(
        description="The tables of docs/physiology.md, and the README's picture."
    )
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="also draw one stimulus into this PNG file"
    )
    picture = parser.parse_args().picture
    with TemporaryDirectory() as folder:
        heads = (
            "amplitude",
            "best SA rate in the hold (Hz)",
            "RA spikes at onset",
            "in the hold",
            "at offset",
        )
        print(table(heads, amplitude_rows(f"{folder}/amplitudes")))
        print()
        print(
            table(
                ("sigma (mm)", "SA neurons that fire", "SA spikes"), sigma_rows(f"{folder}/sigmas")
            )
        )
        if picture:
            draw(f"{folder}/picture").savefig(picture, dpi=130)


if __name__ == "__main__":
    main()
