"""One stimulus: its time course, and the raster and the time histogram of every population below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import sensoryforge.plots.scene as scene
import sensoryforge.plots.style as style
from sensoryforge.analysis import step_ms
from sensoryforge.errors import ConfigError
from sensoryforge.selection import failed, parameters
from sensoryforge.types import Floats, Ints
from sensoryforge.units import unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sensoryforge.store.results import Results

_FEWEST_ROWS = 8


def response(results: Results, row: int = 0, *, bin_ms: float = 5.0, width: float = style.WIDTH) -> style.Picture:
    """Return a picture of a stimulus over time: pressure, and each population's raster and PSTH.

    ``row`` counts in ``results.table``. The raster has the neurons that fire, those with most spikes at the bottom;
    the PSTH is the mean over all neurons, and over the repetitions of the condition with its standard deviation.
    """
    check_row(results, row)
    with style.settings():
        names = results.populations
        figure = style.picture(width, 1.3 + 3.1 * len(names))
        heights = [0.7, *(2.0, 0.9) * len(names)]
        axes = list(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights))
        style.headline(figure, describe(results, row))
        draw_time_course(axes[0], results, row)
        for number, name in enumerate(names):
            draw_raster(axes[1 + 2 * number], results, row, name)
            draw_psth(axes[2 + 2 * number], results, row, name, bin_ms)
        axes[-1].set_xlabel("time (ms)")
        axes[-1].set_xlim(0, scene.duration_ms(results))
        figure.align_ylabels(axes)
    return figure


def draw_time_course(axis: Axes, results: Results, row: int) -> None:
    """Draw the pressure at the receptor that is pressed most; a line of text where it cannot be known."""
    axis.set(title="Stimulus at the receptor pressed most", ylabel="drive\n(a.u.)")
    try:
        course = scene.time_course(results, row)
    except ConfigError as error:
        axis.text(0.01, 0.5, str(error), transform=axis.transAxes, fontsize=8, color=style.FAINT, wrap=True)
        return
    edges = np.arange(len(course) + 1) * step_ms(results)
    axis.stairs(course, edges, baseline=None, color=style.INK, linewidth=1.5)
    axis.set_ylim(min(0.0, course.min()) - 0.05 * np.ptp(course), max(course.max() * 1.12, 1e-9))


def draw_raster(axis: Axes, results: Results, row: int, population: str) -> None:
    """Draw a tick a spike, a line a neuron that fires; those with most spikes at the bottom."""
    from matplotlib.ticker import MaxNLocator

    spikes = results.spikes(population)[row].numpy()
    counts = spikes.sum(axis=0)
    firing = np.argsort(-counts, kind="stable")[: int((counts > 0).sum())]
    times = [np.flatnonzero(spikes[:, neuron]) * step_ms(results) for neuron in firing]
    lines = max(len(firing), _FEWEST_ROWS)
    if times:
        axis.eventplot(
            times, lineoffsets=np.arange(1, len(times) + 1).tolist(), colors=style.colour(results, population),
            linelengths=0.9, linewidths=1.2,
        )  # fmt: skip
    name, total = style.title(population), len(counts)
    axis.set(ylim=(0.3, lines + 0.7), ylabel="neuron,\nby spikes")
    axis.set_title(f"{name}: active neurons {len(firing)} of {total}, spikes {int(counts.sum())}")
    axis.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))


def draw_psth(axis: Axes, results: Results, row: int, population: str, bin_ms: float) -> None:
    """Draw the mean neuron's rate over time: mean over the repetitions of the condition, and standard deviation."""
    again = repetitions(results, row)
    edges, rates = results.take(again.tolist()).psth(population, bin_ms)
    mean, colour = rates.mean(axis=0), style.colour(results, population)
    axis.stairs(mean, edges, fill=True, color=colour, alpha=0.35)
    axis.stairs(mean, edges, color=colour, linewidth=1.3)
    if len(again) > 1:
        _draw_spread(axis, edges, mean, rates.std(axis=0, ddof=1))
    of = f"{len(again)} repetitions ± SD" if len(again) > 1 else "one repetition"
    axis.set(ylabel="rate\n(Hz)", title=f"{style.title(population)} mean, {of}, {bin_ms:g} ms bins")
    axis.set_ylim(0, max(1.0, axis.dataLim.y1 * 1.08))


def repetitions(results: Results, row: int) -> Ints:
    """Return the rows of the condition that a stimulus belongs to, those that failed left out."""
    table = results.table
    names = ["type", *parameters(table)]
    own = table.loc[row, names]
    same = ((table[names] == own) | (table[names].isna() & own.isna())).all(axis=1).to_numpy() & ~failed(results)
    found: Ints = np.flatnonzero(same)
    return found if len(found) else np.array([row])


def describe(results: Results, row: int) -> str:
    """Return a stimulus in a line: its place, type and those parameters that differ in the dataset."""
    table = results.table
    own = table.iloc[row]
    said = [f"{name} {style.short(own[name])}{_unit(results, name)}" for name in results.axes if own[name] == own[name]]
    words = [str(own["type"]), *said, f"repetition {own['repetition']}"]
    return f"Stimulus {own['index']}: {', '.join(words)}"


def check_row(results: Results, row: int) -> None:
    """Raise ConfigError for a stimulus that is not there."""
    if not 0 <= row < len(results):
        allowed = f"0 to {len(results) - 1}" if len(results) else "none: there are no stimuli"
        raise ConfigError(f"stimulus: got {row}, allowed is {allowed}")


def strongest(results: Results) -> int:
    """Return the row of the stimulus with most spikes."""
    return int(np.argmax(results.counts().to_numpy().sum(axis=1)))


def _draw_spread(axis: Axes, edges: Floats, mean: Floats, spread: Floats) -> None:
    middle = (edges[:-1] + edges[1:]) / 2
    low = np.minimum(mean, spread)
    axis.errorbar(middle, mean, yerr=[low, spread], fmt="none", ecolor=style.INK, elinewidth=0.7, alpha=0.7)


def _unit(results: Results, name: str) -> str:
    found = unit(results, name)
    return f" {found}" if found and found != "a.u." else ""
