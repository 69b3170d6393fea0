"""One stimulus over time: its time course, and the raster and PSTH of each population below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import sensoryforge.analysis.plots.courses as courses
import sensoryforge.analysis.plots.scene as scene
import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis.measures import step_ms
from sensoryforge.analysis.selection import failed, parameters
from sensoryforge.analysis.units import amplitude_unit, pressure_label, unit
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Bools, Floats, Ints

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sensoryforge.analysis.results import Results

_TOP_HEIGHT = 1.3
_POPULATION_HEIGHT = 3.1
"""Inches that the time course, and raster and histogram of a population, take."""
_BESIDE = 0.8
"""Inches that labels take beside a panel."""
_FEWEST_LINES = 8
"""Of a raster: with fewer neurons that fire, the ticks would be tall."""
_MOST_TICK_LINES = 55
"""Of a raster: with more, a tick is as high as with so many."""
_MOST_LABELS = 6
"""Lines of a raster that say which neuron they are."""


def response(
    results: Results, row: int = 0, *, bin_ms: float = 5.0, width: float = style.WIDTH
) -> style.Picture:
    """Return a picture of a stimulus over time.

    On top the drive (a.u.) at the receptor where it is highest; of a stimulus that moves the
    highest drive on the sheet, and in thin lines the drive at up to five receptors along its way,
    the lighter the later they are touched. Below it for each population a raster of the neurons
    that fire, in one order for all stimuli at a place: those nearest to the stimulus at the bottom,
    or by number where the stimulus has no place; of one that moves, those at the bottom that it
    touches first. Below each the PSTH in Hz: the mean over all neurons, and over the repetitions of
    the condition with its standard deviation.

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
    """Draw the drive at the receptor where it is highest; of what moves the highest on the sheet.

    A line of text stands where the drive is unknown.
    """
    label = pressure_label(amplitude_unit(results))
    what = label.partition(" ")[0]
    is_moving = scene.moves(results, row)
    title = f"{what.capitalize()} at the receptor where it is highest"
    if is_moving:
        title = f"Highest {what} on the sheet"
    axis.set(title=title, ylabel=label.replace(" ", "\n"))
    along_its_way: Floats = np.zeros((0, 0))
    try:
        if is_moving:
            course, along_its_way = courses.courses_on_its_way(results, row)
        else:
            course = courses.time_course(results, row)
    except ConfigError as error:
        _write_instead(axis, str(error))
        return
    if course[0] > 0:  # the first spikes then stand at the edge of the picture
        title = f"{title}, on from the first sample"
    if len(along_its_way):
        receptors = "a receptor" if len(along_its_way) == 1 else f"{len(along_its_way)} receptors"
        title = f"{title}; thin lines: at {receptors} along its way"
    axis.set_title(style.wrapped(title, _width(axis) - _BESIDE))
    edges: Floats = np.arange(len(course) + 1, dtype=np.float64) * step_ms(results)
    axis.stairs(course, edges, baseline=None, color=style.INK, linewidth=1.5)
    _draw_thin(axis, along_its_way, edges)
    lowest = min(0.0, course.min())
    margin = 0.05 * np.ptp(course)
    top = max(course.max() * 1.12, 1e-9)
    axis.set_ylim(lowest - margin, top)


def _draw_thin(axis: Axes, along_its_way: Floats, edges: Floats) -> None:
    """Draw the drive at receptors, ``[R, T]``: the lighter the later."""
    import matplotlib as mpl

    shades = mpl.colormaps[style.MAP](np.linspace(0.1, 0.85, len(along_its_way)))
    for course, shade in zip(along_its_way, shades, strict=True):
        axis.stairs(course, edges, baseline=None, color=shade, linewidth=0.9)


def draw_raster(axis: Axes, results: Results, row: int, population: str) -> None:
    """Draw a tick a spike, a line a neuron that fires; the lines have the neurons' numbers."""
    spikes = results.spikes(population)[row].numpy()
    counts = spikes.sum(axis=0)
    order, how = raster_order(results, row, population)
    firing = order[counts[order] > 0]
    draw_trains(axis, spikes[:, firing].T, step_ms(results), style.colour(results, population))
    axis.set_ylabel(f"neuron,\n{how}")
    name = style.title(population)
    active = f"active neurons {len(firing)} of {len(counts)}"
    title = f"{name}: {active}, spikes {int(counts.sum())}"
    axis.set_title(style.wrapped(title, _width(axis) - _BESIDE, style.LABEL_SIZE))
    _label_lines(axis, firing)


def raster_order(results: Results, row: int, population: str) -> tuple[Ints, str]:
    """Return the neurons in the order of a raster's lines, from the bottom, and what it is.

    >>> order, how = raster_order(results, 0, "sa")
    >>> sorted(order.tolist()), how
    ([0, 1, 2, 3, 4], 'nearest first')
    """
    neurons = np.arange(results.spikes(population).shape[2])
    if scene.moves(results, row):
        try:
            touched = scene.touch_samples(results, row, population)
        except ConfigError:
            return neurons, "by number"
        return np.argsort(touched, kind="stable"), "touched first"
    stimulus = results.table.iloc[row]
    x_mm = stimulus.get("center_x", np.nan)
    y_mm = stimulus.get("center_y", np.nan)
    if not np.isfinite([x_mm, y_mm]).all():
        return neurons, "by number"
    try:
        xy_mm = scene.positions(results, population)
    except ConfigError:
        return neurons, "by number"
    distances = np.hypot(xy_mm[:, 0] - x_mm, xy_mm[:, 1] - y_mm)
    return np.argsort(distances, kind="stable"), "nearest first"


def draw_trains(axis: Axes, trains: Bools, dt_ms: float, colour: str) -> None:
    """Draw spike trains, ``[lines, T]``, one above the other from 1 on.

    Ticks of many lines reach over their neighbours': less than a point high they would not show.
    """
    times_ms = [np.flatnonzero(train) * dt_ms for train in trains]
    lines = max(len(times_ms), _FEWEST_LINES)
    if times_ms:
        axis.eventplot(
            times_ms,
            lineoffsets=np.arange(1, len(times_ms) + 1).tolist(),
            colors=colour,
            linelengths=max(0.9, lines / _MOST_TICK_LINES),
            linewidths=1.2,
        )
    axis.set_ylim(0.3, lines + 0.7)


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
    condition = describe_condition(results, row)
    return f"Stimulus {stimulus['index']}: {condition}, repetition {stimulus['repetition']}"


def describe_condition(results: Results, row: int, *, with_type: bool = True) -> str:
    """Return the condition of a stimulus in words: its type and those parameters that differ.

    >>> describe_condition(results, 5)
    'gaussian, amplitude 30, sigma 0.3 mm'
    """
    stimulus = results.table.iloc[row]
    words = []
    for name in results.axes:
        value = stimulus[name]
        if value == value:  # not NaN: a type without that parameter
            number = style.short(value, digits=4)
            words.append(f"{name} {number}{_physical_unit(results, name)}")
    if with_type or not words:
        words.insert(0, str(stimulus["type"]))
    return ", ".join(words)


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


def _width(axis: Axes) -> float:
    """Return how wide the picture of a panel is, in inches."""
    figure = axis.get_figure(root=True)
    assert figure is not None
    return float(figure.get_size_inches()[0])


def _label_lines(axis: Axes, neurons: Ints) -> None:
    """Label some lines of a raster, evenly spread, with the numbers of their neurons."""
    lines = np.arange(1, len(neurons) + 1)
    step = max(1, -(-len(neurons) // _MOST_LABELS))
    labels = neurons[::step].astype(str)
    axis.set_yticks(lines[::step], labels.tolist())


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
