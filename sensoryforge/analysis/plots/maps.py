"""Rates over two parameters, as a map."""

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
)
from sensoryforge.analysis.units import axis_label
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Floats

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from sensoryforge.analysis.results import Results

_BESIDE_COLOUR_BAR = 0.8
"""Share of a panel that the map keeps."""
_ABOVE_MAP = 0.9
"""Inches that titles and labels take above and below a map."""
_MOST_NUMBERS = 64
"""Places of a map up to which each has its rate written in it."""


def heatmap(
    results: Results,
    x: str,
    y: str,
    *,
    window: Window = (0.0, None),
    width: float = style.WIDTH,
) -> style.Picture:
    """Return a map of the mean rate in Hz over two parameters, a panel a population.

    It is the mean over all neurons; other axes and repetitions are averaged. A parameter with many
    values that are hardly repeated, as random ones have, is cut into bins. A place without a
    stimulus stays blank. Types that lack a parameter are left out, and the title says which.

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
    across = _side(responses, x)
    upwards = _side(responses, y)
    placed = responses.assign(column=across.places, row=upwards.places)
    with style.settings():
        height = _map_height(upwards.count)
        figure, axes = style.panels(width, results.populations, height)
        for axis, population in zip(axes, results.populations, strict=True):
            cells = placed.pivot_table(population, "row", "column", dropna=False)
            cells = cells.reindex(index=range(upwards.count), columns=range(across.count))
            _draw_map(axis, cells.to_numpy(dtype=np.float64), height - _ABOVE_MAP)
            _label_side(axis, "x", across, axis_label(results, x))
            label = style.upright(axis_label(results, y), height - _ABOVE_MAP)
            _label_side(axis, "y", upwards, label)
            axis.set_title(style.title(population))
        headline = describe_rates(results, responses, window)
        averaged = describe_averaged(results, responses, [x, y])
        if averaged:
            headline += f", averaged over {averaged}"
        style.headline(figure, headline + _describe_bins(across, upwards))
    return figure


@dataclass(frozen=True)
class _Side:
    """One side of a map: a place a value, or a place a bin of a continuous parameter.

    ``places`` are those of the stimuli, ``ticks`` and ``labels`` those along the axis.
    """

    name: str
    count: int
    places: Any
    ticks: list[float]
    labels: list[str]
    is_binned: bool


def _side(responses: pd.DataFrame, name: str) -> _Side:
    """Return the places of a parameter."""
    values = responses[name]
    if scales.is_continuous(responses, name):
        edges = scales.bin_edges(values.to_numpy(), scales.bins_of_map(len(responses)))
        count = len(edges) - 1
        places = scales.bin_numbers(values.to_numpy(), edges)
        # A bin reaches half a place to each side: its edges lie between the places.
        ticks = (np.arange(count + 1) - 0.5).tolist()
        labels = [style.short(edge, digits=3) for edge in edges]
        return _Side(name, count, places, ticks, labels, is_binned=True)
    levels = sorted(values.unique().tolist())
    count = len(levels)
    place_of_level = dict(zip(levels, range(count), strict=True))
    places = values.map(place_of_level)
    labels = [style.short(level) for level in levels]
    ticks = np.arange(count, dtype=np.float64).tolist()
    return _Side(name, count, places, ticks, labels, is_binned=False)


def _draw_map(axis: Axes, rates: Floats, inches: float) -> None:
    """Draw rates, ``[rows, columns]``, and write each into its place where there are few.

    The map is about so many inches high.
    """
    low, high = scales.rate_scale(rates)
    image = axis.imshow(rates, origin="lower", aspect="auto", cmap=style.MAP, vmin=low, vmax=high)
    figure = axis.get_figure()
    assert figure is not None
    label = style.upright(scales.rate_label(low), inches)
    figure.colorbar(image, ax=axis, label=label)
    axis.spines[:].set_visible(False)
    if rates.size <= _MOST_NUMBERS:
        _write_rates(axis, rates, low, high)


def _write_rates(axis: Axes, rates: Floats, low: float, high: float) -> None:
    """Write each rate into its place, light on dark and dark on light."""
    middle = low + 0.55 * (high - low)
    digits = 2 if low == 0 else 3
    for (row, column), rate in np.ndenumerate(rates):
        if np.isnan(rate):
            continue
        text = f"{rate:.{digits}g}" if rate < 100 else f"{rate:.0f}"
        ink = "white" if rate < middle else style.INK
        axis.text(column, row, text, ha="center", va="center", color=ink)


def _label_side(axis: Axes, which: str, side: _Side, label: str) -> None:
    """Label one side of a map."""
    scales.label_ticks(axis, which, side.ticks, side.labels, _BESIDE_COLOUR_BAR)
    axis.set(**{f"{which}label": label})


def _describe_bins(*sides: _Side) -> str:
    """Return in words which sides are cut into bins."""
    binned = [f"{side.count} bins of {side.name}" for side in sides if side.is_binned]
    return f"; mean of the stimuli in each of {' × '.join(binned)}" if binned else ""


def _map_height(rows: int) -> float:
    """Return how high a map is in inches."""
    return min(1.3 + 0.36 * max(rows, 4), 5.0)
