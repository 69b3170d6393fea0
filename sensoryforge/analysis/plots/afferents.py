"""Single afferents: one of them over repetitions, and the rates of all at their places."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

import sensoryforge.analysis.plots.scene as scene
import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis.measures import neuron_count, step_ms
from sensoryforge.analysis.plots.activity import (
    check_row,
    describe,
    describe_condition,
    draw_trains,
    repetition_rows,
)
from sensoryforge.analysis.plots.skin import sheet_panels, sheet_width
from sensoryforge.analysis.selection import check_population, failed, parameters
from sensoryforge.analysis.units import amplitude_unit, pressure_word
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sensoryforge.analysis.results import Results
    from sensoryforge.core.types import Bools

_MOST_CONDITIONS = 12
"""Conditions of which an afferent's spikes are drawn, a panel each."""
_CONDITION_WIDTH = 3.0
"""Least width of such a panel, in inches."""
_BESIDE = 0.55
"""Inches that labels take beside a panel."""
_BESIDE_RATES = 1.9
"""Inches that labels and the colour bar take beside a sheet with rates; with 1.5 they are cut."""
_BEYOND_SHEET = 0.9
"""Inches that the title of a sheet with rates may go on over its colour bar."""
_LEAST_ROOM = 2.0
"""Inches that a title at the left edge of a sheet has at least."""
_TITLE_SIZE = 8.5
"""Of the letters of a panel's title, in points."""
_FEWEST_LINES = 3
"""Repetitions that a panel has room for at least."""
_SMALLEST_DOT = 12.0
_LARGEST_DOT = 90.0
"""Areas of the dot of an afferent on the sheet, in square points: with many and with few."""


def afferent(
    results: Results,
    population: str | None = None,
    neuron: int | None = None,
    *,
    width: float = style.WIDTH,
) -> style.Picture:
    """Return the spikes of one afferent over repetitions: a panel a condition, a line a repetition.

    Of more than twelve conditions twelve are drawn, evenly spread over the design.

    Parameters
    ----------
    results
        The dataset.
    population, neuron
        Which afferent: its population, and its number from 0 on. Without a number it is the one
        with most spikes, without a population that of all populations.
    width
        Width of the picture, in inches.

    Raises
    ------
    ConfigError
        For a population or a number that is not there.

    Examples
    --------
    >>> figure = afferent(results, "sa", 2)
    >>> len(figure.axes), figure.axes[0].get_ylabel()
    (4, 'repetition')
    """
    conditions = _conditions(results)
    if not conditions:
        raise ConfigError("stimulus: the dataset has none that did not fail")
    population, neuron = _which(results, population, neuron)
    shown = _spread(len(conditions))
    columns = max(1, min(len(shown), int(width // _CONDITION_WIDTH)))
    lines = ceil(len(shown) / columns)
    room = width / columns - _BESIDE
    titles = []
    for number in shown:
        title = _title(results, conditions[number], population, neuron)
        titles.append(style.wrapped(title, room, _TITLE_SIZE))
    most_rows = max(len(conditions[number]) for number in shown)
    title_lines = max(title.count("\n") + 1 for title in titles)
    raster_height = min(2.2, 0.15 * max(most_rows, 4))
    panel_height = 0.5 + 0.15 * title_lines + raster_height
    height = 0.6 + lines * panel_height
    with style.settings():
        figure = style.picture(width, height)
        axes = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
        panels = list(axes.flat)
        for axis, number, title in zip(panels, shown, titles, strict=False):
            _draw_condition(axis, results, conditions[number], population, neuron)
            axis.set_title(title, fontsize=_TITLE_SIZE)
        for axis in panels[len(shown) :]:
            axis.remove()
        for number, axis in enumerate(panels[: len(shown)]):
            if number % columns == 0:
                axis.set_ylabel("repetition")
            if number + columns >= len(shown):
                axis.set_xlabel("time (ms)")
                axis.tick_params(labelbottom=True)
        panels[0].set_xlim(0, scene.duration_ms(results))
        style.headline(figure, _describe_afferent(results, population, neuron, len(conditions)))
    return figure


def rates_on_sheet(
    results: Results,
    row: int = 0,
    *,
    populations: Sequence[str] | None = None,
    width: float = style.WIDTH,
) -> style.Picture:
    """Return a map of the rates on the sheet in mm, a panel a population.

    A dot is an afferent at its place; its colour is its mean rate in Hz over the stimulus and the
    repetitions of its condition. A line runs round where the drive comes to half of its highest at
    some time: of a stimulus that moves round its way.

    Parameters
    ----------
    results
        The dataset.
    row
        Which stimulus: a row of ``results.table``.
    populations
        Which populations; None draws all.
    width
        Width of the picture, in inches.

    Raises
    ------
    ConfigError
        For another row or population, for a stimulus that failed, and where the places of
        afferents are not known.

    Examples
    --------
    >>> figure = rates_on_sheet(results, 7)
    >>> figure.axes[0].get_xlabel(), len(figure.axes[0].collections[-1].get_offsets())
    ('x (mm)', 5)
    """
    check_row(results, row)
    names = list(populations or results.populations)
    for name in names:
        check_population(results, name)
    rows = repetition_rows(results, row)
    if failed(results)[rows].all():
        raise ConfigError(f"stimulus: {results.table['index'].iloc[row]} failed, it has no rate")
    condition = results.take(rows.tolist())
    with style.settings():
        figure, axes = sheet_panels(results, width, names, beside=_BESIDE_RATES)
        panel_width = sheet_width(results, width, len(names), _BESIDE_RATES)
        outlined = False
        for axis, name in zip(axes, names, strict=True):
            outlined = _draw_outline(axis, results, row)
            _draw_rates(axis, condition, name, panel_width + _BEYOND_SHEET)
        headline = describe(results, row)
        if len(rows) > 1:
            condition_text = describe_condition(results, row)
            headline = f"Mean of {len(rows)} repetitions: {condition_text}"
        if outlined:
            pressure = pressure_word(amplitude_unit(results))
            headline += f"; line: {pressure} at half of its highest"
        style.headline(figure, headline)
        # The first layout takes the labels for smaller than they are, the next one is right.
        figure.draw_without_rendering()
    return figure


def _which(results: Results, population: str | None, neuron: int | None) -> tuple[str, int]:
    """Return an afferent that is there, the one with most spikes where none is named."""
    if neuron is None:
        names = results.populations
        if population is not None:
            names = (check_population(results, population),)
        return _most_active(results, names)
    population = check_population(results, population or results.populations[0])
    count = neuron_count(results, population)
    if not 0 <= neuron < count:
        raise ConfigError(f"neuron: got {population}:{neuron}, allowed is 0 to {count - 1}")
    return population, neuron


def _most_active(results: Results, populations: Sequence[str]) -> tuple[str, int]:
    """Return the afferent with most spikes: its population and its number."""
    most = -1
    afferent = (populations[0], 0)
    for population in populations:
        totals = results.counts(population).sum(axis=0)
        if totals.max() > most:
            most = totals.max()
            afferent = (population, int(totals.argmax()))
    return afferent


def _conditions(results: Results) -> list[list[int]]:
    """Return the rows of each condition, in the order of the design, those that failed left out."""
    table = results.table
    columns = ["type", *parameters(table)]
    numbers = table.groupby(columns, sort=False, dropna=False).ngroup().to_numpy()
    conditions: dict[int, list[int]] = {}
    for row in np.flatnonzero(~failed(results)).tolist():
        conditions.setdefault(int(numbers[row]), []).append(row)
    return list(conditions.values())


def _spread(count: int) -> list[int]:
    """Return numbers of conditions, evenly spread: all of them where they are few."""
    evenly = np.linspace(0, count - 1, min(count, _MOST_CONDITIONS))
    numbers: list[int] = np.rint(evenly).astype(int).tolist()
    return numbers


def _draw_condition(
    axis: Axes, results: Results, rows: list[int], population: str, neuron: int
) -> None:
    """Draw the spikes of an afferent, a line a repetition."""
    trains = _trains(results, rows, population, neuron)
    draw_trains(axis, trains, step_ms(results), style.colour(results, population))
    step = max(1, len(rows) // 4)
    lines = list(range(1, len(rows) + 1))[::step]
    repetitions = results.table["repetition"].iloc[rows].tolist()[::step]
    axis.set_yticks(lines, [str(number) for number in repetitions])
    axis.set_ylim(0.3, max(len(rows), _FEWEST_LINES) + 0.7)


def _trains(results: Results, rows: list[int], population: str, neuron: int) -> Bools:
    """Return the spikes of an afferent, ``[rows, T]``."""
    spikes = results.spikes(population)
    return np.stack([spikes[row][:, neuron].numpy() for row in rows])


def _title(results: Results, rows: list[int], population: str, neuron: int) -> str:
    """Return a condition in words, and how often the afferent fires in it."""
    per_stimulus = _trains(results, rows, population, neuron).sum() / len(rows)
    condition = describe_condition(results, rows[0], with_type=False)
    # No line ends between the two.
    return f"{condition}: {per_stimulus:.3g}\N{NO-BREAK SPACE}spikes"


def _describe_afferent(results: Results, population: str, neuron: int, conditions: int) -> str:
    """Return in words which afferent it is, where it lies, and what is drawn of it."""
    words = f"Afferent {population}:{neuron}"
    with suppress(ConfigError):  # a dataset may not say where its afferents lie
        x, y = scene.positions(results, population)[neuron]
        words += f" at ({x:.2f}, {y:.2f}) mm"
    types = list_names(results.table["type"].unique())
    words += f", {types}: a tick a spike; spikes are the mean over repetitions"
    if conditions > _MOST_CONDITIONS:
        words += f"; {_MOST_CONDITIONS} of {conditions} conditions"
    return words


def _draw_outline(axis: Axes, results: Results, row: int) -> bool:
    """Draw where the drive comes to half of its highest; return whether it is known."""
    try:
        frame = scene.highest_drive(results, row)
    except ConfigError:
        return False
    highest = float(frame.max())
    if highest <= 0 or frame.min() >= highest / 2 or min(frame.shape) < 2:
        return False
    left, right, bottom, top = scene.extent_mm(results)
    rows, columns = frame.shape
    x = left + (np.arange(columns) + 0.5) * (right - left) / columns
    y = bottom + (np.arange(rows) + 0.5) * (top - bottom) / rows
    axis.contour(x, y, frame, levels=[highest / 2], colors=style.FAINT, linewidths=1.0, zorder=1)
    return True


def _draw_rates(axis: Axes, condition: Results, population: str, room: float) -> None:
    """Draw each afferent of a population at its place, coloured by its rate.

    The title has a width of so many inches.
    """
    xy_mm = scene.positions(condition, population)
    rates = condition.rates(population).mean(axis=0)
    area = float(np.clip(30_000 / len(xy_mm), _SMALLEST_DOT, _LARGEST_DOT))
    # The highest rates are drawn last, where dots lie on each other.
    order = np.argsort(rates)
    x, y = xy_mm[order].T
    dots = axis.scatter(
        x,
        y,
        c=rates[order],
        s=area,
        cmap=style.MAP,
        vmin=0,
        vmax=max(float(np.nanmax(rates)), 1e-9),
        edgecolors="none",
        zorder=2,
    )
    figure = axis.get_figure()
    assert figure is not None
    figure.colorbar(dots, ax=axis, label="rate (Hz)", fraction=0.05, aspect=25)
    active = int((rates > 0).sum())
    title = f"{style.title(population)}: {active} of {len(rates)} afferents fire"
    # Over a narrow sheet, its middle: it is wider than the sheet and its colour bar.
    title = style.wrapped(title, room, style.LABEL_SIZE)
    axis.set_title(title, loc="left" if room >= _LEAST_ROOM else "center")
