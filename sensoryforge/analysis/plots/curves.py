"""Rates against one parameter: curves where its values are repeated, dots where they are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis.plots import scales
from sensoryforge.analysis.plots.rates import (
    Window,
    describe_averaged,
    describe_rates,
    mean_responses,
    statistics,
)
from sensoryforge.analysis.selection import as_numbers
from sensoryforge.analysis.units import axis_label

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from sensoryforge.analysis.results import Results
    from sensoryforge.core.types import Floats

_MOST_CURVES = 8
_LABEL_HEIGHT = 1.6
"""Inches that the label of the y axis has."""
_BINS_OF_CURVES = 5
"""Bins of a continuous parameter that each have a curve."""
_LEGEND_LINE = 0.65
_LETTER = 0.075
"""Inches that an entry of a legend takes beside its label, and that a letter of the label takes."""


def tuning(
    results: Results,
    x: str,
    by: str | None = None,
    *,
    window: Window = (0.0, None),
    width: float = style.WIDTH,
) -> style.Picture:
    """Return tuning curves: the mean rate in Hz against a parameter, a panel a population.

    It is the mean over all neurons; other axes are averaged. Error bars are the standard deviation
    over repetitions. A parameter with many values that are hardly repeated, as random ones have, is
    scattered: a dot a stimulus, and the mean and standard deviation of the dots in each of up to
    ten bins. Types that lack a parameter are left out, and the title says which.

    Parameters
    ----------
    results
        The dataset.
    x
        A parameter, or ``type`` or ``repetition``.
    by
        Draw a curve for each value of this one; of more than eight, eight; of a continuous one, for
        each of up to five bins.
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
    is_scattered = scales.is_continuous(responses, x)
    curves, choice = _curves(responses, by)
    levels = sorted(responses[x].unique().tolist())
    edges = scales.bin_edges(levels) if is_scattered else None
    with style.settings():
        height = 2.9 if len(curves) < 5 else 3.3
        figure, axes = style.panels(width, results.populations, height)
        for axis, population in zip(axes, results.populations, strict=True):
            for curve in curves:
                if edges is not None:
                    _draw_dots(axis, results, curve, x, edges, population)
                else:
                    _draw_curve(axis, results, curve, x, levels, population)
            _finish_curves(axis, results, x, levels, population)
        if by:
            _draw_legend(figure, axes[0], axis_label(results, by))
        headline = describe_rates(results, responses, window)
        headline += _describe_means(results, responses, columns, is_scattered)
        style.headline(figure, headline + choice)
    return figure


@dataclass(frozen=True)
class _Curve:
    """The responses that a curve shows, and how it looks; None is the population's colour."""

    responses: pd.DataFrame
    label: str
    marker: str
    colour: Any = None


def _curves(responses: pd.DataFrame, by: str | None) -> tuple[list[_Curve], str]:
    """Return a curve for each value or bin of a parameter, or one of all the responses.

    The text says which values have a curve, where not all have one.
    """
    if by is None:
        return [_Curve(responses, style.short(None), style.MARKERS[0])], ""
    if scales.is_continuous(responses, by):
        curves = _curves_of_bins(responses, by)
        return curves, f"; {len(curves)} bins of {by}"
    values = sorted(responses[by].unique().tolist())
    levels = _spread(values, _MOST_CURVES)
    curves = []
    for number, level in enumerate(levels):
        of_level = responses[responses[by] == level]
        curves.append(_curve(of_level, style.short(level), number, len(levels)))
    choice = ""
    if len(levels) < len(values):
        choice = f"; {len(levels)} of {len(values)} values of {by} are shown"
    return curves, choice


def _curves_of_bins(responses: pd.DataFrame, by: str) -> list[_Curve]:
    """Return a curve for each bin of a continuous parameter that has stimuli."""
    edges = scales.bin_edges(responses[by].to_numpy(), _BINS_OF_CURVES)
    bins = scales.bin_numbers(responses[by].to_numpy(), edges)
    curves = []
    count = len(edges) - 1
    for number in range(count):
        of_bin = responses[bins == number]
        if len(of_bin):
            low = style.short(edges[number], digits=3)
            high = style.short(edges[number + 1], digits=3)
            curves.append(_curve(of_bin, f"{low} to {high}", number, count))
    return curves


def _curve(responses: pd.DataFrame, label: str, number: int, total: int) -> _Curve:
    """Return one of several curves, with a marker and a colour of its own."""
    marker = style.MARKERS[number % len(style.MARKERS)]
    return _Curve(responses, label, marker, _shade(number, total))


def _draw_curve(
    axis: Axes, results: Results, curve: _Curve, x: str, levels: list[Any], population: str
) -> None:
    """Draw one curve; ``levels`` are all values of ``x``, also those that this curve lacks."""
    points = statistics(curve.responses, x, population)
    places = _positions(points.index.tolist(), levels)
    colour = curve.colour or style.colour(results, population)
    _draw_means(axis, places, points, curve, colour)


def _draw_dots(
    axis: Axes, results: Results, curve: _Curve, x: str, edges: Floats, population: str
) -> None:
    """Draw a dot a stimulus, and the mean and deviation of those in each bin."""
    colour = curve.colour or style.colour(results, population)
    values = curve.responses[x].to_numpy(dtype=np.float64)
    rates = curve.responses[population]
    axis.plot(
        values,
        rates.to_numpy(),
        linestyle="none",
        marker=".",
        markersize=4,
        markeredgewidth=0,
        color=colour,
        alpha=0.4,
        zorder=1,
    )
    of_bins = rates.groupby(scales.bin_numbers(values, edges)).agg(["mean", "std", "count"])
    middles = scales.bin_middles(edges)[of_bins.index.to_numpy()]
    _draw_means(axis, middles, of_bins, curve, curve.colour or style.INK)


def _draw_means(axis: Axes, places: Any, points: pd.DataFrame, curve: _Curve, colour: Any) -> None:
    """Draw means joined by a line, with their deviations as bars."""
    axis.errorbar(
        places,
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
    low, _ = scales.rate_scale([axis.dataLim.y0, axis.dataLim.y1])
    top = axis.dataLim.y1 + 0.06 * (axis.dataLim.y1 - low)
    bottom = low - 0.06 * (axis.dataLim.y1 - low) if low else 0.0
    label = scales.rate_label(bottom)
    label = style.upright(label, _LABEL_HEIGHT)
    axis.set(xlabel=axis_label(results, x), ylabel=label, title=style.title(population))
    axis.set_ylim(bottom, max(top, 0.1))
    if as_numbers(levels) is None:
        scales.label_ticks(axis, "x", range(len(levels)), [style.short(level) for level in levels])
    else:
        scales.scale_x(axis, levels)
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)


def _draw_legend(figure: style.Picture, axis: Axes, title: str) -> None:
    """Write the legend below the panels, where it covers no curve."""
    handles, labels = axis.get_legend_handles_labels()
    longest = max(len(label) for label in labels)
    entry_width = _LEGEND_LINE + longest * _LETTER
    fitting = int(figure.get_size_inches()[0] // entry_width)
    most_columns = 8 if len(labels) > 8 else 4
    figure.legend(
        handles,
        labels,
        title=title,
        loc="outside lower center",
        ncols=max(1, min(len(labels), most_columns, fitting)),
    )


def _describe_means(
    results: Results, responses: pd.DataFrame, shown: list[str], is_scattered: bool
) -> str:
    """Return in words what a mean is taken over, and what its bars are."""
    x = shown[0]
    averaged = describe_averaged(results, responses, shown)
    if is_scattered:
        others = averaged.replace("stimuli with ", "")
        dots = f"dots: single stimuli ({others})" if others else "dots: single stimuli"
        return f"; {dots}; lines: mean ± SD of the dots in bins of {x}"
    over = f", averaged over {averaged}" if averaged else ""
    if responses["repetition"].nunique() > 1:
        return f"{over}; bars: SD over repetitions"
    return over


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
