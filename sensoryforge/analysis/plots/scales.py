"""How values lie along an axis: one by one or continuously, evenly or geometrically; its ticks."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis.selection import as_numbers
from sensoryforge.core.types import Floats

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

_MOST_LEVELS = 36
"""Values up to which an axis has a place for each, however seldom they are repeated."""
_FEWEST_REPEATED = 2.0
"""Conditions at a value, on average, from which a longer axis has a place for each value too."""
_MOST_UNEQUAL = 2.0
"""Conditions at one value to those at another, at most; a grid has as many at each."""
_GEOMETRIC_RATIO = 30.0
"""Largest to smallest value from which an axis may be logarithmic."""
_MOST_UNEVEN = 0.25
"""Share of a logarithmic axis by which its values may lie off an even spread."""
_MOST_BINS = 10
_IN_A_BIN = 10
"""Stimuli that a place of a binned map has on average."""
_NARROW = 0.25
"""Rates that differ by less than this share of the largest have a scale that starts near them."""
_LETTER = 0.072
"""Width of a letter of a tick's label, in inches, and its height with some room."""
_LINE = 0.17
_MOST_TICKS = 12


def is_continuous(responses: pd.DataFrame, name: str) -> bool:
    """Tell whether a parameter has many values that are hardly repeated, or just as it happens.

    So have random ones: those that were rounded fall on some values more often than on others.

    Parameters
    ----------
    responses
        A row a stimulus, with ``repetition`` and the parameter.
    name
        The parameter.

    Examples
    --------
    >>> is_continuous(results.table, "amplitude")
    False
    """
    stimuli_at = responses[name].value_counts()
    levels = stimuli_at.index.tolist()
    if len(levels) <= _MOST_LEVELS or as_numbers(levels) is None:
        return False
    conditions = len(responses) / responses["repetition"].nunique()
    is_unequal = stimuli_at.max() > _MOST_UNEQUAL * stimuli_at.min()
    return conditions / len(levels) < _FEWEST_REPEATED or bool(is_unequal)


def is_geometric(values: Sequence[Any] | Floats) -> bool:
    """Tell whether positive numbers are spread evenly on a logarithmic axis, over a wide range.

    Examples
    --------
    >>> is_geometric([5, 10, 20, 50, 100, 200, 400]), is_geometric([10, 20, 30])
    (True, False)
    """
    numbers = as_numbers(list(values))
    if numbers is None or len(numbers) < 3 or numbers.min() <= 0:
        return False
    ascending = np.sort(numbers)
    if ascending[-1] / ascending[0] <= _GEOMETRIC_RATIO:
        return False
    off_log = _unevenness(np.log(ascending))
    return off_log < _MOST_UNEVEN and off_log < _unevenness(ascending)


def bin_edges(values: Sequence[Any] | Floats, bins: int = _MOST_BINS) -> Floats:
    """Return the edges of bins over some numbers: about so many, at most, with round edges.

    They have one width; where the numbers are geometric, one ratio, and edges as they come.

    Examples
    --------
    >>> bin_edges([0.3, 9.9], 5).tolist()
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    from matplotlib.ticker import MaxNLocator

    numbers = np.asarray(values, dtype=np.float64)
    low = float(numbers.min())
    high = float(numbers.max())
    if is_geometric(numbers):
        return np.geomspace(low, high, bins + 1)
    edges = np.asarray(MaxNLocator(bins, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    first = int(np.searchsorted(edges, low, side="right")) - 1
    last = int(np.searchsorted(edges, high, side="left"))
    inside: Floats = edges[first : last + 1]
    return inside


def bin_numbers(values: Sequence[Any] | Floats, edges: Floats) -> Any:
    """Return for each value which bin it lies in; the last bin has its upper edge.

    >>> bin_numbers([0.0, 5.0, 10.0], np.array([0.0, 5.0, 10.0])).tolist()
    [0, 1, 1]
    """
    return np.digitize(np.asarray(values, dtype=np.float64), edges[1:-1])


def bin_middles(edges: Floats) -> Floats:
    """Return the middle of each bin, in ratio where bins have one ratio."""
    widths = np.diff(edges)
    if np.allclose(widths, widths[0]):
        return (edges[:-1] + edges[1:]) / 2
    middles: Floats = np.sqrt(edges[:-1] * edges[1:])
    return middles


def bins_of_map(stimuli: int) -> int:
    """Return into how many bins each axis of a map is cut, so that each place has some stimuli.

    >>> bins_of_map(1000), bins_of_map(50)
    (10, 3)
    """
    return max(3, min(_MOST_BINS, int(sqrt(stimuli / _IN_A_BIN))))


def rate_scale(rates: Any) -> tuple[float, float]:
    """Return the lowest and the highest rate of a scale, in Hz.

    It starts at 0, but where all rates lie in a narrow band far from it.

    Examples
    --------
    >>> rate_scale([0.0, 20.0]), rate_scale([78.0, 82.0])
    ((0.0, 20.0), (78.0, 82.0))
    """
    low = float(np.nanmin(rates))
    high = float(np.nanmax(rates))
    is_narrow = 0 < high - low < _NARROW * high
    start = low if is_narrow else 0.0
    return start, max(high, 1e-9)


def rate_label(start: float) -> str:
    """Return the label of a scale of rates, which says where it starts unless that is 0.

    >>> rate_label(0.0), rate_label(78.0)
    ('rate (Hz)', 'rate (Hz), scale from 78')
    """
    return f"rate (Hz), scale from {start:.3g}" if start else "rate (Hz)"


def scale_x(axis: Axes, levels: Sequence[Any]) -> None:
    """Give the x axis, of numbers, its scale, and ticks at its values that do not overprint.

    Parameters
    ----------
    axis
        The panel; what is drawn in it stands already.
    levels
        Values that the axis shows.
    """
    from matplotlib.ticker import NullLocator

    is_log = is_geometric(levels)
    if is_log:
        axis.set_xscale("log")
        axis.xaxis.set_minor_locator(NullLocator())
    ticks = list(levels)
    if len(ticks) > _MOST_TICKS:
        if not is_log:
            return  # evenly spaced round numbers, as matplotlib chooses them
        ticks = _round_numbers(min(levels), max(levels))
    label_ticks(axis, "x", ticks, [style.short(value) for value in ticks])


def label_ticks(
    axis: Axes,
    which: str,
    places: Sequence[float],
    labels: Sequence[str],
    drawn_share: float = 1.0,
) -> None:
    """Put labelled ticks along an axis, as many as do not overprint; long words are tilted.

    Parameters
    ----------
    axis, which
        The panel, and ``x`` or ``y``.
    places, labels
        Where ticks may stand, ascending, and what they say.
    drawn_share
        Of the panel's length before the layout: a colour bar beside it takes the rest.
    """
    inches = drawn_share * _inches_along(axis, which, places)
    heights = [_LINE] * len(labels)
    widths = [len(label) * _LETTER + 0.1 for label in labels]
    chosen = _apart(inches, widths if which == "x" else heights)
    is_tilted = which == "x" and len(chosen) < len(labels) and _has_words(labels)
    if is_tilted:
        chosen = _apart(inches, heights)
    set_ticks = axis.set_xticks if which == "x" else axis.set_yticks
    set_ticks([places[number] for number in chosen], [labels[number] for number in chosen])
    if is_tilted:
        axis.tick_params(axis="x", labelrotation=30)
        for text in axis.get_xticklabels():
            text.set_horizontalalignment("right")
            text.set_rotation_mode("anchor")


def _unevenness(ascending: Floats) -> float:
    """Return how far numbers lie off an even spread, as a share of their range."""
    shares = (ascending - ascending[0]) / (ascending[-1] - ascending[0])
    even = np.linspace(0, 1, len(ascending))
    return float(np.abs(shares - even).max())


def _round_numbers(low: float, high: float) -> list[float]:
    """Return the numbers 1, 2 and 5 times a power of ten in a range."""
    numbers = []
    for power in range(floor(log10(low)), ceil(log10(high)) + 1):
        for digit in (1, 2, 5):
            number = digit * 10.0**power
            if low <= number <= high:
                numbers.append(number)
    return numbers


def _inches_along(axis: Axes, which: str, places: Sequence[float]) -> Floats:
    """Return how far along a panel places lie, in inches, about: the layout comes only later."""
    figure = axis.get_figure(root=True)
    assert figure is not None
    width, height = figure.get_size_inches()
    box = axis.get_position()
    line: Axis = axis.xaxis
    length = box.width * width
    if which == "y":
        line = axis.yaxis
        length = box.height * height
    transform = line.get_transform()
    ends = transform.transform(np.asarray(line.get_view_interval(), dtype=np.float64))
    at = transform.transform(np.asarray(places, dtype=np.float64))
    shares = (at - ends[0]) / (ends[1] - ends[0])
    inches: Floats = length * shares
    return inches


def _apart(inches: Floats, room: Sequence[float]) -> list[int]:
    """Return which labels do not overprint the one before, the first of all among them."""
    chosen: list[int] = []
    for number, place in enumerate(inches):
        if chosen:
            last = chosen[-1]
            needed = (room[last] + room[number]) / 2
            if place - inches[last] < needed:
                continue
        chosen.append(number)
    return chosen


def _has_words(labels: Sequence[str]) -> bool:
    """Tell whether some labels are no numbers: words cannot be left out, numbers can."""
    for label in labels:
        try:
            float(label)
        except ValueError:
            return True
    return False
