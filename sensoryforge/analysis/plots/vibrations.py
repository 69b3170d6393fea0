"""Thresholds of neurons against the frequency of a vibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis import measures
from sensoryforge.analysis import thresholds as measured
from sensoryforge.analysis.plots import scales
from sensoryforge.analysis.selection import check_column, failed
from sensoryforge.analysis.units import axis_label
from sensoryforge.core.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from sensoryforge.analysis.plots.rates import Window
    from sensoryforge.analysis.results import Results

ONSET = "profile_onset_ms"
"""The column of the table that says how long a vibration takes to set in."""
_MOST_LINES = 12
"""Neurons up to which each has a line; of more, the middle half is a band."""
_PANEL = 3.2
_HEIGHT = 3.3
_LABEL_HEIGHT = 2.0
"""Inches: least width and height of a panel, and what the label of its y axis has."""


def thresholds(
    results: Results,
    frequency: str = measured.FREQUENCY,
    *,
    amplitude: str = "amplitude",
    window: Window | None = None,
    width: float = style.WIDTH,
) -> style.Picture:
    """Return threshold tuning curves: the least amplitude against frequency, a panel a population.

    Solid is the least amplitude with one spike in every cycle, on average over the window; dashed
    that with a spike at all. Thick lines are medians over neurons, thin ones single neurons. Where
    most neurons have no threshold there is no median.

    Parameters
    ----------
    results
        Stimuli that vary frequency and amplitude; repetitions and other axes are averaged.
    frequency, amplitude
        The parameters that hold them.
    window
        The part of the stimulus that counts: its first instant and the first after it, in ms, None
        being the end. Without it, all of it after the vibration has set in (``profile_onset_ms``).
    width
        Width of the picture, in inches.

    Raises
    ------
    ConfigError
        For other parameters, for a window that leaves the recording, and where every stimulus
        failed.

    Examples
    --------
    Of the dataset of these examples ``sigma`` stands in for a frequency, for want of one.

    >>> figure = thresholds(results, "sigma")
    >>> figure.axes[0].get_ylabel().split()
    ['threshold,', 'amplitude', '(a.u.)']
    """
    for name in (frequency, amplitude):
        check_column(results, name, "axis")
    chosen = results.take(np.flatnonzero(_is_usable(results, frequency, amplitude)).tolist())
    if not len(chosen):
        raise ConfigError(f"axis: no stimulus has {frequency} and {amplitude} together")
    start_ms, stop_ms = window or (_set_in_ms(chosen), None)
    beside = max(1, min(len(results.populations), int(width // _PANEL)))
    with style.settings():
        figure, axes = style.panels(width, results.populations, _HEIGHT, beside)
        for axis, population in zip(axes, results.populations, strict=True):
            a_cycle = measured.entrainment(chosen, population, frequency, start_ms, stop_ms)
            counted = chosen.counts(population, start_ms, stop_ms).astype(np.float64)
            colour = style.colour(results, population)
            for responses, line in ((a_cycle, "-"), (counted, "--")):
                lowest = measured.thresholds(chosen, responses, frequency, amplitude=amplitude)
                _draw_thresholds(axis, lowest, line, colour)
            _finish(axis, chosen, population, frequency, amplitude)
        style.headline(figure, _describe(chosen, start_ms, stop_ms))
    return figure


def _is_usable(results: Results, *names: str) -> np.ndarray:
    """Tell which stimuli have all of some parameters, and have not failed."""
    has_all = results.table[list(names)].notna().all(axis=1).to_numpy()
    usable: np.ndarray = has_all & ~failed(results)
    return usable


def _set_in_ms(results: Results) -> float:
    """Return when every vibration has set in; 0 where nothing says it."""
    if ONSET not in results.table:
        return 0.0
    return float(results.table[ONSET].max())


def _draw_thresholds(axis: Axes, lowest: pd.DataFrame, line: str, colour: str) -> None:
    """Draw the median over neurons, and the neurons, by one of the two rules."""
    frequencies = lowest.index.to_numpy(dtype=np.float64)
    median = measured.median_threshold(lowest)
    is_solid = line == "-"
    label = "one spike a cycle" if is_solid else "one spike at all"
    axis.plot(frequencies, median, line, color=colour, linewidth=2, label=label, zorder=3)
    if not is_solid:
        return
    if lowest.shape[1] <= _MOST_LINES:
        axis.plot(frequencies, lowest, line, color=colour, linewidth=0.8, alpha=0.55)
        return
    quarters = lowest.fillna(np.inf).quantile([0.25, 0.75], axis=1, interpolation="nearest")
    inside = quarters.where(np.isfinite(quarters)).to_numpy()
    axis.fill_between(frequencies, inside[0], inside[1], color=colour, alpha=0.2, linewidth=0)


def _finish(axis: Axes, results: Results, population: str, frequency: str, amplitude: str) -> None:
    """Label a panel; both of its axes begin and end with the values of the design."""
    frequencies = sorted(results.table[frequency].unique().tolist())
    amplitudes = sorted(results.table[amplitude].unique().tolist())
    scales.scale_x(axis, frequencies)
    if scales.is_geometric(amplitudes):
        axis.set_yscale("log")
    axis.set_ylim(0.9 * amplitudes[0], 1.1 * amplitudes[-1])
    label = style.upright(f"threshold, {axis_label(results, amplitude)}", _LABEL_HEIGHT)
    axis.set(xlabel=axis_label(results, frequency), ylabel=label, title=style.title(population))
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.legend(loc="best")


def _describe(results: Results, start_ms: float, stop_ms: float | None) -> str:
    """Return in words what thresholds are shown, and in which window."""
    inside = measures.window(results, start_ms, stop_ms)
    dt_ms = measures.step_ms(results)
    when = f"{inside.start * dt_ms:g} to {inside.stop * dt_ms:g} ms"
    return f"Least amplitude that is enough, {when}; thick: median, thin: single neurons"
