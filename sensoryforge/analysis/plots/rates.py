"""How rates depend on the parameters: a map over two of them, and tuning curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis import measures
from sensoryforge.analysis.selection import as_numbers, check_column, failed
from sensoryforge.analysis.units import axis_label
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names
from sensoryforge.core.types import Floats

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from sensoryforge.analysis.results import Results

_MOST_CURVES = 8
_MOST_NUMBERS = 64
"""Places of a map up to which each has its rate written in it."""
_MOST_TICKS = 12
_MOST_NUMBER_TICKS = 7
"""Values of a parameter up to which each has a tick of its own."""


def heatmap(
    results: Results,
    x: str,
    y: str,
    *,
    window: tuple[float, float | None] = (0.0, None),
    width: float = style.WIDTH,
) -> style.Picture:
    """Return a map of the mean rate in Hz over two parameters, a panel a population.

    It is the mean over all neurons; other axes and repetitions are averaged. A place without a
    stimulus stays blank.

    Parameters
    ----------
    results
        The dataset.
    x, y
        Parameters, or ``type`` or ``repetition``.
    window
        The part of the stimulus that counts: its first instant and the first after it, in ms; None
        is the end.
    width
        Width of the picture, in inches.

    Raises
    ------
    ConfigError
        For another parameter, the same one twice, or two that no stimulus has together.

    Examples
    --------
    >>> figure = heatmap(results, "amplitude", "sigma", window=(5, 25))
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('amplitude (a.u.)', 'sigma (mm)')
    """
    if x == y:
        raise ConfigError(f"axis: got {x!r} twice, allowed are two different ones")
    responses = mean_responses(results, [x, y], window)
    with style.settings():
        height = _map_height(responses[y].nunique())
        figure, axes = style.panels(width, results.populations, height)
        for axis, population in zip(axes, results.populations, strict=True):
            cells = responses.pivot_table(population, y, x, dropna=False)
            _draw_map(axis, results, cells, population)
        style.headline(figure, _describe(results, responses, [x, y], window))
    return figure


def tuning(
    results: Results,
    x: str,
    by: str | None = None,
    *,
    window: tuple[float, float | None] = (0.0, None),
    width: float = style.WIDTH,
) -> style.Picture:
    """Return tuning curves: the mean rate in Hz against a parameter, a panel a population.

    It is the mean over all neurons; other axes are averaged. Error bars are the standard deviation
    over repetitions.

    Parameters
    ----------
    results
        The dataset.
    x
        A parameter, or ``type`` or ``repetition``.
    by
        Draw a curve for each value of this one; of more than eight, eight.
    window
        The part of the stimulus that counts: its first instant and the first after it, in ms; None
        is the end.
    width
        Width of the picture, in inches.

    Raises
    ------
    ConfigError
        For another parameter, or two that no stimulus has together.

    Examples
    --------
    >>> figure = tuning(results, "amplitude", by="sigma")
    >>> figure.axes[0].get_ylabel(), len(figure.axes[0].containers)
    ('rate (Hz)', 2)
    """
    columns = [x] if by is None else [x, by]
    responses = mean_responses(results, columns, window)
    levels = sorted(responses[x].unique().tolist())
    curves = _curves(responses, by)
    with style.settings():
        height = 2.9 if len(curves) < 5 else 3.3
        figure, axes = style.panels(width, results.populations, height)
        for axis, population in zip(axes, results.populations, strict=True):
            for curve in curves:
                _draw_curve(axis, results, curve, x, levels, population)
            _finish_curves(axis, results, x, levels, population)
        if by:
            _draw_legend(figure, axes[0], axis_label(results, by))
        headline = _describe(results, responses, columns, window)
        if responses["repetition"].nunique() > 1:
            headline += "; bars: SD over repetitions"
        style.headline(figure, headline)
    return figure


def mean_responses(
    results: Results, axes: list[str], window: tuple[float, float | None] = (0.0, None)
) -> pd.DataFrame:
    """Return the rate of every stimulus that has all of some parameters.

    Returns
    -------
    pandas.DataFrame
        A row a stimulus: the parameters, ``repetition``, and for each population the rate in Hz,
        the mean over its neurons. Stimuli that failed are left out.

    Examples
    --------
    >>> list(mean_responses(results, ["sigma"]))
    ['sigma', 'repetition', 'sa', 'ra']
    """
    names = [check_column(results, name, "axis") for name in axes]
    columns = list(dict.fromkeys([*names, "repetition"]))
    responses = results.table[columns].join(results.rates(None, *window))
    responses = responses[~failed(results)].dropna(subset=names)
    if not len(responses):
        together = " and ".join(names)
        raise ConfigError(
            f"axis: no stimulus has {together} together; take one type with where(type=...)"
        )
    return responses


def statistics(responses: pd.DataFrame, x: str, population: str) -> pd.DataFrame:
    """Return ``mean``, ``std`` and ``count`` over repetitions at each value of ``x``.

    Other axes are averaged first, within each repetition.
    """
    keys = ["repetition"] if x == "repetition" else [x, "repetition"]
    of_repetition = responses.groupby(keys)[population].mean()
    return of_repetition.groupby(level=0).agg(["mean", "std", "count"])


@dataclass(frozen=True)
class _Curve:
    """The responses that a curve shows, and how it looks; None is the population's colour."""

    responses: pd.DataFrame
    label: str
    marker: str
    colour: Any = None


def _curves(responses: pd.DataFrame, by: str | None) -> list[_Curve]:
    """Return a curve for each value of a parameter, or one of all the responses."""
    if by is None:
        return [_Curve(responses, style.short(None), style.MARKERS[0])]
    values = sorted(responses[by].unique().tolist())
    levels = _spread(values, _MOST_CURVES)
    curves = []
    for number, level in enumerate(levels):
        curve = _Curve(
            responses[responses[by] == level],
            label=style.short(level),
            marker=style.MARKERS[number % len(style.MARKERS)],
            colour=_shade(number, len(levels)),
        )
        curves.append(curve)
    return curves


def _draw_curve(
    axis: Axes, results: Results, curve: _Curve, x: str, levels: list[Any], population: str
) -> None:
    """Draw one curve; ``levels`` are all values of ``x``, also those that this curve lacks."""
    points = statistics(curve.responses, x, population)
    colour = curve.colour
    if colour is None:
        colour = style.colour(results, population)
    axis.errorbar(
        _positions(points.index.tolist(), levels),
        points["mean"].to_numpy(),
        yerr=points["std"].fillna(0.0).to_numpy(),
        color=colour,
        marker=curve.marker,
        markersize=5,
        linewidth=1.5,
        capsize=2.5,
        elinewidth=1,
        label=curve.label,
    )


def _finish_curves(
    axis: Axes, results: Results, x: str, levels: list[Any], population: str
) -> None:
    """Label a panel of curves."""
    if as_numbers(levels) is None:
        _label_places(axis.set_xticks, levels)
    elif len(levels) <= _MOST_NUMBER_TICKS:
        axis.set_xticks(levels, [style.short(value) for value in levels])
    axis.set(xlabel=axis_label(results, x), ylabel="rate (Hz)", title=style.title(population))
    axis.set_ylim(0, max(1.06 * axis.dataLim.y1, 0.1))
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)


def _draw_legend(figure: style.Picture, axis: Axes, title: str) -> None:
    """Write the legend below the panels, where it covers no curve."""
    handles, labels = axis.get_legend_handles_labels()
    most_columns = 8 if len(labels) > 8 else 4
    figure.legend(
        handles,
        labels,
        title=title,
        loc="outside lower center",
        ncols=min(len(labels), most_columns),
    )


def _draw_map(axis: Axes, results: Results, cells: pd.DataFrame, population: str) -> None:
    """Draw the rates of a population: a row a value of one parameter, a column one of the other."""
    rates = cells.to_numpy(dtype=np.float64)
    image = axis.imshow(
        rates,
        origin="lower",
        aspect="auto",
        cmap=style.MAP,
        vmin=0,
        vmax=max(np.nanmax(rates), 1e-9),
    )
    figure = axis.get_figure()
    assert figure is not None
    figure.colorbar(image, ax=axis, label="rate (Hz)")
    _label_places(axis.set_xticks, cells.columns.tolist())
    _label_places(axis.set_yticks, cells.index.tolist())
    axis.set_xlabel(axis_label(results, str(cells.columns.name)))
    axis.set_ylabel(axis_label(results, str(cells.index.name)))
    axis.set_title(style.title(population))
    axis.spines[:].set_visible(False)
    if rates.size <= _MOST_NUMBERS:
        _write_rates(axis, rates)


def _write_rates(axis: Axes, rates: Floats) -> None:
    """Write each rate into its place, light on dark and dark on light."""
    half = 0.55 * max(np.nanmax(rates), 1e-9)
    for (row, column), rate in np.ndenumerate(rates):
        if np.isnan(rate):
            continue
        text = f"{rate:.2g}" if rate < 100 else f"{rate:.0f}"
        ink = "white" if rate < half else style.INK
        axis.text(column, row, text, ha="center", va="center", color=ink)


def _label_places(set_ticks: Any, values: list[Any]) -> None:
    """Label places 0, 1, 2, ... with values, at most a dozen of them."""
    step = -(-len(values) // _MOST_TICKS)
    labels = [style.short(value) for value in values[::step]]
    set_ticks(range(0, len(values), step), labels)


def _positions(values: list[Any], levels: list[Any]) -> Any:
    """Return where values lie along an axis.

    Numbers lie where they are, words and infinity one after the other.
    """
    if as_numbers(levels) is None:
        return np.asarray([levels.index(value) for value in values])
    return np.asarray(values)


def _spread(levels: list[Any], most: int) -> list[Any]:
    """Return at most so many of the values, evenly spread, the first and the last among them."""
    count = min(len(levels), most)
    evenly = np.linspace(0, len(levels) - 1, count)
    return [levels[number] for number in np.rint(evenly).astype(int)]


def _shade(number: int, total: int) -> Any:
    """Return the colour of one of several curves; the lightest tenth of the map is hard to see."""
    import matplotlib as mpl

    share = number / max(total - 1, 1)
    return mpl.colormaps[style.MAP](0.88 * share)


def _map_height(rows: int) -> float:
    """Return how high a map is in inches."""
    return min(1.3 + 0.36 * max(rows, 4), 5.0)


def _describe(
    results: Results,
    responses: pd.DataFrame,
    shown: list[str],
    window: tuple[float, float | None],
) -> str:
    """Return in words what is drawn, and what the mean was taken over."""
    table = results.table.loc[responses.index]
    types = table["type"].unique()
    of_types = f" ({list_names(types)})" if len(types) > 1 else ""
    inside = measures.window(results, *window)
    dt_ms = measures.step_ms(results)
    start_ms = inside.start * dt_ms
    stop_ms = inside.stop * dt_ms
    averaged = _averaged(results, table, shown)
    over = f", averaged over {' and '.join(averaged)}" if averaged else ""
    return f"Rate of the mean neuron{of_types}, {start_ms:g} to {stop_ms:g} ms{over}"


def _averaged(results: Results, table: pd.DataFrame, shown: list[str]) -> list[str]:
    """Return in words the repetitions and axes that are not shown but vary in some stimuli."""
    averaged = []
    repetitions = table["repetition"].nunique()
    if repetitions > 1 and "repetition" not in shown:
        averaged.append(f"{repetitions} repetitions")
    for name in results.axes:
        values = table[name].nunique()
        if name not in shown and values > 1:
            averaged.append(f"{values} values of {name}")
    return averaged
