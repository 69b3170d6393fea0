"""Thresholds: the least amplitude at which a neuron does what is asked of it.

Tuning to vibration is told in two ways, and best frequencies differ between them: by the least
amplitude that draws one spike in every cycle (Johansson, Landström and Lundström 1982,
doi:10.1016/0006-8993(82)90899-X, count impulses a cycle; Muniak, Ray, Hsiao, Dammann and Bensmaia
2007, doi:10.1523/JNEUROSCI.1486-07.2007), and by the least that draws a spike at all.
"""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

import numpy as np

from sensoryforge.analysis.measures import neuron_count, spike_trains, step_ms, window
from sensoryforge.analysis.selection import check_column, failed
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Floats

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.store.dataset import Dataset

FREQUENCY = "profile_frequency_hz"
"""The column of the table that holds the frequency of a vibration."""
_ROUNDING = 1e-6
"""Of a cycle: one that lacks less than this is whole."""


def entrainment(
    dataset: Dataset,
    population: str,
    frequency: str = FREQUENCY,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> Floats:
    """Return the spikes of each neuron in a cycle of a vibration, on average over whole cycles.

    Parameters
    ----------
    dataset, population
        Whose spikes.
    frequency
        The parameter that holds the frequency, in Hz.
    start_ms, stop_ms
        The first instant of the window, and the first after it, in ms; None is the end. It is
        shortened to whole cycles, which are counted from its start.

    Returns
    -------
    numpy.ndarray
        ``[B, N]``; NaN where the window holds no whole cycle, for a type without that parameter,
        and for a stimulus that failed.

    Raises
    ------
    ConfigError
        For another population or parameter, and for a window that is empty or leaves the recording.

    Examples
    --------
    Of the dataset of these examples ``sigma`` stands in for a frequency, for want of one: 0.6 Hz
    has no whole cycle in 30 ms.

    >>> a_cycle = entrainment(results, "sa", "sigma")
    >>> a_cycle.shape, np.isnan(a_cycle).all().item()
    ((8, 5), True)
    """
    name = check_column(dataset, frequency, "frequency")
    inside = window(dataset, start_ms, stop_ms)
    dt_ms = step_ms(dataset)
    seconds = (inside.stop - inside.start) * dt_ms / 1000
    frequencies = dataset.table[name].to_numpy(dtype=np.float64)
    a_cycle = np.full((len(dataset), neuron_count(dataset, population)), np.nan)
    trains = spike_trains(dataset, population)
    for row, (spikes, frequency_hz) in enumerate(zip(trains, frequencies, strict=True)):
        if not np.isfinite(frequency_hz):
            continue
        cycles = floor(frequency_hz * seconds + _ROUNDING)
        if cycles < 1:
            continue
        samples = round(cycles / frequency_hz * 1000 / dt_ms)
        counted = np.count_nonzero(spikes[inside.start : inside.start + samples], axis=0)
        a_cycle[row] = counted / cycles
    a_cycle[failed(dataset)] = np.nan
    return a_cycle


def thresholds(
    dataset: Dataset,
    responses: Floats,
    by: str = FREQUENCY,
    *,
    at_least: float = 1.0,
    amplitude: str = "amplitude",
) -> pd.DataFrame:
    """Return the least amplitude at which each neuron's response is large enough.

    Parameters
    ----------
    dataset
        Whose stimuli.
    responses
        ``[B, N]``: `entrainment`, or counts, rates. Repetitions and other axes are averaged.
    by
        The parameter for each value of which there is a threshold.
    at_least
        What is large enough: 1 is one spike, or one in every cycle.
    amplitude
        The parameter that is the amplitude.

    Returns
    -------
    pandas.DataFrame
        A row a value of ``by``, ascending, a column a neuron, in the unit of the amplitude; NaN
        where no amplitude of the dataset is enough.

    Raises
    ------
    ConfigError
        For parameters that are not there, and for responses of other stimuli.

    Examples
    --------
    >>> counts = results.counts("sa")
    >>> thresholds(results, counts, by="sigma", at_least=1).shape
    (2, 5)
    """
    import pandas as pd

    columns = [check_column(dataset, name, "axis") for name in (by, amplitude)]
    if len(responses) != len(dataset):
        got = f"got {len(responses)} stimuli, allowed are those of the dataset, {len(dataset)}"
        raise ConfigError(f"responses: {got}")
    keys = [dataset.table[name] for name in columns]
    means = pd.DataFrame(responses).groupby(keys).mean()
    levels = means.index.get_level_values(0).unique()
    lowest = np.full((len(levels), means.shape[1]), np.nan)
    for row, level in enumerate(levels):
        of_level = means.loc[level]  # ascending in amplitude
        is_enough = of_level.to_numpy() >= at_least
        first = of_level.index.to_numpy()[is_enough.argmax(axis=0)]
        lowest[row] = np.where(is_enough.any(axis=0), first, np.nan)
    return pd.DataFrame(lowest, index=levels)


def median_threshold(lowest: pd.DataFrame) -> pd.Series[float]:
    """Return the median threshold over neurons; one that is not reached counts as infinite.

    Parameters
    ----------
    lowest
        As `thresholds` returns it.

    Returns
    -------
    pandas.Series
        For each row; NaN where most neurons have none.

    Examples
    --------
    >>> import pandas as pd
    >>> median_threshold(pd.DataFrame([[1.0, 3.0, np.nan], [np.nan, np.nan, 2.0]])).tolist()
    [3.0, nan]
    """
    medians = lowest.fillna(np.inf).median(axis=1)
    return medians.where(np.isfinite(medians))
