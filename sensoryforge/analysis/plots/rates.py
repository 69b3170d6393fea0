"""The rate of every stimulus beside its parameters, and a picture of it in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis import measures
from sensoryforge.analysis.plots.scales import is_continuous
from sensoryforge.analysis.selection import check_column, failed
from sensoryforge.analysis.units import stimulus_entries, unit
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.analysis.results import Results

Window = tuple[float, float | None]
"""The part of a stimulus that counts: its first instant and the first after it, in ms."""


def telling_axes(results: Results) -> list[str]:
    """Return the axes of the design, those first that curves and maps are best drawn over.

    A frequency (Hz) comes before all others, then what has most values, in the order of the
    configuration where they have as many; what only seeds something random comes last.

    Examples
    --------
    >>> telling_axes(results)
    ['amplitude', 'sigma']
    """
    axes = results.axes

    def rank(name: str) -> tuple[bool, bool, int]:
        is_seed = name == "seed" or name.endswith("_seed")
        return is_seed, unit(results, name) != "Hz", -len(axes[name])

    return sorted(axes, key=rank)


def mean_responses(results: Results, axes: list[str], window: Window = (0.0, None)) -> pd.DataFrame:
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
    responses = responses[~failed(results)]
    if not len(responses):
        raise ConfigError("axis: every stimulus of the dataset failed, so there is no rate")
    responses = responses.dropna(subset=names)
    if not len(responses):
        together = " and ".join(names)
        raise ConfigError(f"axis: no stimulus has {together} together{_what_types_have(results)}")
    return responses


def statistics(responses: pd.DataFrame, x: str, population: str) -> pd.DataFrame:
    """Return ``mean``, ``std`` and ``count`` over repetitions at each value of ``x``.

    Other axes are averaged first, within each repetition.
    """
    keys = ["repetition"] if x == "repetition" else [x, "repetition"]
    of_repetition = responses.groupby(keys)[population].mean()
    return of_repetition.groupby(level=0).agg(["mean", "std", "count"])


def describe_rates(results: Results, responses: pd.DataFrame, window: Window) -> str:
    """Return in words whose rate is drawn, of which types, in which window, and what is left out.

    >>> describe_rates(results, mean_responses(results, ["sigma"]), (5, 25))
    'Mean firing rate per neuron, 5 to 25 ms'
    """
    types = results.table["type"]
    drawn = types[responses.index].unique()
    is_drawn = types.isin(drawn)
    left_out = types[~is_drawn].unique()
    types_of_design = {entry.get("type") for entry in stimulus_entries(results)}
    inside = measures.window(results, *window)
    dt_ms = measures.step_ms(results)
    start_ms = inside.start * dt_ms
    stop_ms = inside.stop * dt_ms
    text = "Mean firing rate per neuron"
    if len(types_of_design) > 1:
        text += f" ({list_names(drawn)})"
    text += f", {start_ms:g} to {stop_ms:g} ms"
    if len(left_out):
        text += f"; left out: {list_names(left_out)}"
    return text


def describe_averaged(results: Results, responses: pd.DataFrame, shown: list[str]) -> str:
    """Return in words what vary in some stimuli and are not shown: repetitions and other axes.

    A continuous axis is said by its range.

    >>> describe_averaged(results, mean_responses(results, ["sigma"]), ["sigma"])
    '2 repetitions and 2 values of amplitude'
    """
    table = results.table.loc[responses.index]
    averaged = []
    repetitions = table["repetition"].nunique()
    if repetitions > 1 and "repetition" not in shown:
        averaged.append(f"{repetitions} repetitions")
    ranges = []
    for name in results.axes:
        values = table[name].dropna()
        count = values.nunique()
        if name in shown or count < 2:
            continue
        if is_continuous(table, name):
            ranges.append(_range(name, values))
        else:
            averaged.append(f"{count} values of {name}")
    if ranges:
        averaged.append(f"stimuli with {list_names(ranges)}")
    return " and ".join(averaged)


def _range(name: str, values: pd.Series[float]) -> str:
    """Return the range of a parameter in words."""
    low = style.short(values.min(), digits=3)
    high = style.short(values.max(), digits=3)
    return f"{name} from {low} to {high}"


def _what_types_have(results: Results) -> str:
    """Return in words which axes each type has."""
    lines = ""
    for stimulus_type in dict.fromkeys(results.table["type"]):
        varied = list_names(results.where(type=stimulus_type).axes) or "nothing"
        lines += f"; {stimulus_type} varies {varied}"
    return lines
