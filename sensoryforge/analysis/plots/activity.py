"""One stimulus over time: its time course, and the raster and PSTH of each population below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import sensoryforge.analysis.plots.scene as scene
import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis.measures import step_ms
from sensoryforge.analysis.selection import failed, parameters
from sensoryforge.analysis.units import unit
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Floats, Ints

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sensoryforge.analysis.results import Results

_TOP_HEIGHT = 1.3
_POPULATION_HEIGHT = 3.1
"""Inches that the time course, and raster and histogram of a population, take."""
_FEWEST_LINES = 8
"""Of a raster: with fewer neurons that fire, the ticks would be tall."""


def response(
    results: Results, row: int = 0, *, bin_ms: float = 5.0, width: float = style.WIDTH
) -> style.Picture:
    """Return a picture of a stimulus over time.

    On top the drive (a.u.) at the receptor that is pressed most; below it for each population a
    raster of the neurons that fire, those with most spikes at the bottom, and the PSTH in Hz: the
    mean over all neurons, and over the repetitions of the condition with its standard deviation.

    Parameters
    ----------
    results
        The dataset.
    row
        Which stimulus: a row of ``results.table``.
    bin_ms
        Width of the bins of the PSTH, in ms.
    width
        Width of the picture, in inches.

    Raises
    ------
    ConfigError
        For a row that is not there.

    Examples
    --------
    >>> figure = response(results, 7, bin_ms=10)
    >>> figure.axes[0].get_ylabel(), figure.axes[-1].get_xlabel()
    ('drive\\n(a.u.)', 'time (ms)')
    """
    check_row(results, row)
    populations = results.populations
    height = _TOP_HEIGHT + _POPULATION_HEIGHT * len(populations)
    shares = [0.7, *(2.0, 0.9) * len(populations)]
    with style.settings():
        figure = style.picture(width, height)
        axes = list(figure.subplots(len(shares), 1, sharex=True, height_ratios=shares))
        style.headline(figure, describe(results, row))
        draw_time_course(axes[0], results, row)
        for number, population in enumerate(populations):
            draw_raster(axes[1 + 2 * number], results, row, population)
            draw_psth(axes[2 + 2 * number], results, row, population, bin_ms)
        axes[-1].set_xlabel("time (ms)")
        axes[-1].set_xlim(0, scene.duration_ms(results))
        figure.align_ylabels(axes)
    return figure


def draw_time_course(axis: Axes, results: Results, row: int) -> None:
    """Draw the drive at the receptor that is pressed most; a line of text where it is unknown."""
    axis.set(title="Stimulus at the receptor pressed most", ylabel="drive\n(a.u.)")
    try:
        course = scene.time_course(results, row)
    except ConfigError as error:
        _write_instead(axis, str(error))
        return
    edges = np.arange(len(course) + 1) * step_ms(results)
    axis.stairs(course, edges, baseline=None, color=style.INK, linewidth=1.5)
    lowest = min(0.0, course.min())
    margin = 0.05 * np.ptp(course)
    top = max(course.max() * 1.12, 1e-9)
    axis.set_ylim(lowest - margin, top)


def draw_raster(axis: Axes, results: Results, row: int, population: str) -> None:
    """Draw a tick a spike, a line a neuron that fires; those with most spikes at the bottom."""
    from matplotlib.ticker import MaxNLocator

    spikes = results.spikes(population)[row].numpy()
    counts = spikes.sum(axis=0)
    most_first = np.argsort(-counts, kind="stable")
    firing = most_first[: int((counts > 0).sum())]
    dt_ms = step_ms(results)
    times_ms = [np.flatnonzero(spikes[:, neuron]) * dt_ms for neuron in firing]
    if times_ms:
        axis.eventplot(
            times_ms,
            lineoffsets=np.arange(1, len(times_ms) + 1).tolist(),
            colors=style.colour(results, population),
            linelengths=0.9,
            linewidths=1.2,
        )
    lines = max(len(firing), _FEWEST_LINES)
    axis.set(ylim=(0.3, lines + 0.7), ylabel="neuron,\nby spikes")
    name = style.title(population)
    active = f"active neurons {len(firing)} of {len(counts)}"
    axis.set_title(f"{name}: {active}, spikes {int(counts.sum())}")
    axis.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))


def draw_psth(axis: Axes, results: Results, row: int, population: str, bin_ms: float) -> None:
    """Draw the mean rate over neurons and repetitions, and its deviation over repetitions."""
    rows = repetition_rows(results, row)
    condition = results.take(rows.tolist())
    edges, rates = condition.psth(population, bin_ms)
    mean = rates.mean(axis=0)
    colour = style.colour(results, population)
    axis.stairs(mean, edges, fill=True, color=colour, alpha=0.35)
    axis.stairs(mean, edges, color=colour, linewidth=1.3)
    sample = "one repetition"
    if len(rows) > 1:
        sample = f"{len(rows)} repetitions ± SD"
        _draw_spread(axis, edges, mean, rates.std(axis=0, ddof=1))
    name = style.title(population)
    axis.set(ylabel="rate\n(Hz)", title=f"{name} mean, {sample}, {bin_ms:g} ms bins")
    axis.set_ylim(0, max(1.0, axis.dataLim.y1 * 1.08))


def repetition_rows(results: Results, row: int) -> Ints:
    """Return the rows of the condition that a stimulus belongs to, those that failed left out.

    Where all of them failed it is the stimulus itself.

    >>> repetition_rows(results, 5).tolist()
    [4, 5]
    """
    table = results.table
    columns = ["type", *parameters(table)]
    condition = table.loc[row, columns]
    equal = table[columns] == condition
    # A parameter that another type has is missing in both: NaN does not equal NaN.
    both_missing = table[columns].isna() & condition.isna()
    same = (equal | both_missing).all(axis=1).to_numpy()
    rows: Ints = np.flatnonzero(same & ~failed(results))
    return rows if len(rows) else np.array([row])


def describe(results: Results, row: int) -> str:
    """Return a stimulus in a line: its place, its type and those parameters that differ.

    >>> describe(results, 5)
    'Stimulus 5: gaussian, amplitude 30, sigma 0.3 mm, repetition 1'
    """
    stimulus = results.table.iloc[row]
    words = [str(stimulus["type"])]
    for name in results.axes:
        value = stimulus[name]
        if value == value:  # not NaN: a type without that parameter
            number = style.short(value)
            words.append(f"{name} {number}{_physical_unit(results, name)}")
    words.append(f"repetition {stimulus['repetition']}")
    return f"Stimulus {stimulus['index']}: {', '.join(words)}"


def check_row(results: Results, row: int) -> None:
    """Raise ConfigError for a stimulus that is not there."""
    if 0 <= row < len(results):
        return
    allowed = "none: there are no stimuli"
    if len(results):
        allowed = f"0 to {len(results) - 1}"
    raise ConfigError(f"stimulus: got {row}, allowed is {allowed}")


def strongest(results: Results) -> int:
    """Return the row of the stimulus with most spikes."""
    spikes = results.counts().to_numpy().sum(axis=1)
    return int(np.argmax(spikes))


def _draw_spread(axis: Axes, edges: Floats, mean: Floats, spread: Floats) -> None:
    """Draw error bars in the middle of each bin; no rate is below zero."""
    middle = (edges[:-1] + edges[1:]) / 2
    below = np.minimum(mean, spread)
    axis.errorbar(
        middle,
        mean,
        yerr=[below, spread],
        fmt="none",
        ecolor=style.INK,
        elinewidth=0.7,
        alpha=0.7,
    )


def _write_instead(axis: Axes, text: str) -> None:
    """Write why there is nothing to draw."""
    axis.text(
        0.01,
        0.5,
        text,
        transform=axis.transAxes,
        fontsize=8,
        color=style.FAINT,
        wrap=True,
    )


def _physical_unit(results: Results, name: str) -> str:
    """Return the unit of a parameter after a space; nothing where it has none but model drive."""
    of_parameter = unit(results, name)
    if of_parameter in ("", "a.u."):
        return ""
    return f" {of_parameter}"
