"""Threshold curves: the least amplitude that afferents answer, against a frequency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis import measures
from sensoryforge.analysis.plots import scales
from sensoryforge.analysis.plots.rates import Window
from sensoryforge.analysis.thresholds import FREQUENCY_ENDING, STRENGTH
from sensoryforge.analysis.thresholds import thresholds as find_thresholds
from sensoryforge.analysis.units import axis_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sensoryforge.analysis.results import Results


def thresholds(
    results: Results,
    by: str,
    *,
    window: Window = (0.0, None),
    width: float = style.WIDTH,
) -> style.Picture:
    """Return threshold curves, a panel a population: a thin line a neuron, their median thick.

    Parameters
    ----------
    results
        A dataset with several amplitudes, and values of ``by``.
    by
        A parameter, as a rule the frequency of a vibration; see
        `sensoryforge.analysis.thresholds.thresholds`, also for what is asked of a neuron.
    window
        The part of the stimulus that counts: its first instant and the first after it, in ms; None
        is the end.
    width
        Width of the picture, in inches.

    Raises
    ------
    ConfigError
        For a design that has no thresholds.

    Examples
    --------
    >>> figure = thresholds(results, "sigma")
    >>> len(figure.axes)
    2
    """
    with style.settings():
        figure, axes = style.panels(width, results.populations, 3.1)
        for axis, population in zip(axes, results.populations, strict=True):
            _draw_population(axis, results, population, by, window)
        for axis in axes:
            axis.set_ylim(_amplitude_limits(results))
        axes[0].set_ylabel(axis_label(results, STRENGTH))
        style.headline(figure, _headline(results, by, window))
    return figure


def _draw_population(
    axis: Axes, results: Results, population: str, by: str, window: Window
) -> None:
    start_ms, stop_ms = window
    lowest = find_thresholds(results, population, by, start_ms=start_ms, stop_ms=stop_ms)
    places = lowest.index.to_numpy(dtype=np.float64)
    colour = style.colour(results, population)
    axis.plot(places, lowest.to_numpy(), color=colour, alpha=0.35, linewidth=0.8)
    # A median of the neurons that answer: where fewer than half do it would say little.
    answering = lowest.notna().mean(axis=1) >= 0.5
    median = lowest.median(axis=1).where(answering)
    axis.plot(places, median.to_numpy(), color=colour, marker="o", markersize=4, linewidth=2)
    axis.set(title=style.title(population), xlabel=axis_label(results, by), yscale="log")
    scales.scale_x(axis, places.tolist())
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)


def _amplitude_limits(results: Results) -> tuple[float, float]:
    """Return limits that all panels share, a little beyond the amplitudes of the design."""
    amplitudes = np.asarray(results.axes[STRENGTH], dtype=np.float64)
    positive = amplitudes[amplitudes > 0]
    return float(positive.min()) / 1.5, float(positive.max()) * 1.5


def _headline(results: Results, by: str, window: Window) -> str:
    answer = "a spike in every cycle" if by.endswith(FREQUENCY_ENDING) else "a spike"
    inside = measures.window(results, *window)
    dt_ms = measures.step_ms(results)
    span = f"{inside.start * dt_ms:g} to {inside.stop * dt_ms:g} ms"
    return f"Least amplitude for {answer}, {span}; thin: neurons, thick: their median"
