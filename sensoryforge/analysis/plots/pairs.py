"""How the conditions of a dataset lie among the values of its parameters: pairs, two at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis.plots import scales
from sensoryforge.analysis.selection import as_numbers, check_column, parameters
from sensoryforge.analysis.units import axis_label, stimulus_entries
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Floats

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from sensoryforge.analysis.results import Results

MOST_PARAMETERS = 6
"""Parameters that are drawn against each other; of more the first."""
_MOST_POINTS = 5000
"""Points of a panel; of more so many, spread over the design."""
_BINS = 16
_PANEL_HEIGHT = 1.9
_FEWEST_INCHES = 4.0
_LEAST_PANEL = 1.2
"""Width of a panel in inches; a narrow picture has fewer parameters."""


def coverage(
    results: Results, axes: Sequence[str] = (), *, width: float = style.WIDTH
) -> style.Picture:
    """Return the conditions of a design as points, a panel for each two parameters.

    On the diagonal stands how many conditions there are along each parameter. Repetitions of a
    condition are one point.

    Parameters
    ----------
    results
        The dataset.
    axes
        The parameters, six at most; without them the first six that the design varies.
    width
        Width of the picture, in inches.

    Raises
    ------
    ConfigError
        For another parameter, or where the design varies none.

    Examples
    --------
    >>> figure = coverage(results)
    >>> len(figure.axes), figure.axes[-1].get_xlabel()
    (3, 'sigma (mm)')
    """
    varied = list(results.axes)
    names = [check_column(results, name, "axis") for name in axes] or varied
    if not names:
        raise ConfigError("coverage: needs a parameter that the design varies, got none")
    shown = names[: min(MOST_PARAMETERS, int(width / _LEAST_PANEL))]
    conditions = _conditions(results, shown)
    places = {name: _Places(conditions[name]) for name in shown}
    with style.settings():
        count = len(shown)
        height = max(_PANEL_HEIGHT * count, _FEWEST_INCHES if count > 1 else 0.0)
        figure = style.picture(width, height)
        grid = figure.subplots(count, count, squeeze=False)
        for row, across in enumerate(shown):
            for column, name in enumerate(shown):
                if column > row:
                    grid[row][column].remove()
                    continue
                axis = grid[row][column]
                if column == row:
                    _draw_counts(axis, places[name])
                else:
                    _draw_points(axis, places[name], places[across])
                _label(axis, results, name, across, row, column, count)
        style.headline(figure, _describe(results, conditions, names, shown))
    return figure


class _Places:
    """Where values lie along an axis; words lie one after the other, as they come."""

    def __init__(self, values: pd.Series[Any]) -> None:
        numbers = as_numbers(values.tolist())
        self.words: list[str] = []
        if numbers is None:
            words = values.astype(str)
            self.words = list(dict.fromkeys(words))
            numbers = np.array([self.words.index(word) for word in words], dtype=np.float64)
        self.numbers: Floats = numbers
        self.is_log = not self.words and scales.is_geometric(numbers)


def _conditions(results: Results, names: Sequence[str]) -> pd.DataFrame:
    """Return a row a condition that has all of the parameters."""
    table = results.table
    conditions = table.drop_duplicates(["type", *parameters(table)])
    return conditions[[*names]].dropna()


def _draw_points(axis: Axes, across: _Places, upwards: _Places) -> None:
    total = len(across.numbers)
    chosen = slice(None) if total <= _MOST_POINTS else slice(None, None, -(-total // _MOST_POINTS))
    x, y = across.numbers[chosen], upwards.numbers[chosen]
    size = float(np.clip(600.0 / max(len(x), 1), 1.5, 14.0))
    axis.scatter(x, y, s=size, color=style.COLOURS[0], linewidths=0)
    if upwards.is_log:
        axis.set_yscale("log")
    if upwards.words:
        axis.set_yticks(range(len(upwards.words)), upwards.words)
    _scale_x(axis, across)


def _draw_counts(axis: Axes, places: _Places) -> None:
    """Draw how many conditions there are along a parameter."""
    if places.words:
        edges = np.arange(len(places.words) + 1) - 0.5
    elif places.is_log:
        edges = np.geomspace(places.numbers.min(), places.numbers.max(), _BINS + 1)
    else:
        edges = np.histogram_bin_edges(places.numbers, _BINS)
    axis.hist(places.numbers, bins=edges.tolist(), color=style.FAINT, rwidth=0.9)
    _scale_x(axis, places)
    axis.yaxis.tick_right()
    axis.yaxis.set_label_position("right")
    axis.spines["left"].set_visible(False)
    axis.spines["right"].set_visible(True)


def _scale_x(axis: Axes, places: _Places) -> None:
    if places.is_log:
        axis.set_xscale("log")
    if places.words:
        axis.set_xticks(range(len(places.words)), places.words)


def _label(
    axis: Axes, results: Results, name: str, across: str, row: int, column: int, count: int
) -> None:
    """Label the outer panels with their parameters."""
    if row == count - 1:
        axis.set_xlabel(axis_label(results, name))
    else:
        axis.tick_params(labelbottom=False)
    if row == column:
        return
    if column == 0:
        axis.set_ylabel(style.upright(axis_label(results, across), _PANEL_HEIGHT - 0.4))
    else:
        axis.tick_params(labelleft=False)


def _describe(
    results: Results, conditions: pd.DataFrame, names: Sequence[str], shown: Sequence[str]
) -> str:
    """Return in words what the picture shows."""
    of_types = set(results.table["type"])
    methods = []
    for entry in stimulus_entries(results):
        if entry.get("type") in of_types:
            methods.append(str(entry.get("sampling") or "grid"))
    text = f"Coverage: {len(conditions)} conditions"
    if methods:
        text += f" ({', '.join(dict.fromkeys(methods))})"
    if len(names) > len(shown):
        text += f", the first {len(shown)} of {len(names)} parameters"
    return f"{text}; on the diagonal how many there are along each"
