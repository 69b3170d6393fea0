"""Spike trains as numbers: counts, rates, latencies and time histograms.

Stimuli are read one at a time. A window runs from ``start_ms`` to before ``stop_ms``; a sample lies
where it starts. Arrays are ``[B, N]``: a row a stimulus, a column a neuron. Frames have a row a
stimulus and a column a population. A failed stimulus has no spikes: it counts 0, and its rates and
latencies are NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, isfinite
from typing import TYPE_CHECKING

import numpy as np

from sensoryforge.analysis.selection import check_column, failed
from sensoryforge.core.errors import ConfigError, DamagedError
from sensoryforge.core.types import Bools, Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.store.dataset import Dataset

_ROUNDING = 1e-6
"""Of a sample: instants closer than this are the same."""


def step_ms(dataset: Dataset) -> float:
    """Return how long a sample lasts, in ms.

    Parameters
    ----------
    dataset
        Its metadata says it.

    Raises
    ------
    DamagedError
        If the metadata does not say it.

    Examples
    --------
    >>> step_ms(results)
    0.5
    """
    metadata = dataset.metadata
    config = metadata.get("config") or {}
    pipeline = config.get("pipeline") or {}
    dt_ms = metadata.get("dt_ms", pipeline.get("dt_ms"))
    if dt_ms is None:
        raise DamagedError(
            f"{dataset.directory}: its metadata does not say how long a sample lasts (dt_ms)"
        )
    return float(dt_ms)


def sample_count(dataset: Dataset) -> int:
    """Return the number of samples of a stimulus.

    Parameters
    ----------
    dataset
        All its stimuli have as many.

    Examples
    --------
    >>> sample_count(results)
    60
    """
    first_population = dataset.populations[0]
    return int(dataset.spikes(first_population).shape[1])


def neuron_count(dataset: Dataset, population: str) -> int:
    """Return the number of neurons of a population.

    Parameters
    ----------
    dataset, population
        Which neurons.

    Raises
    ------
    ConfigError
        If there is no population of that name.

    Examples
    --------
    >>> neuron_count(results, "ra")
    7
    """
    return dataset.spikes(population).shape[2]


def window(dataset: Dataset, start_ms: float = 0.0, stop_ms: float | None = None) -> slice:
    """Return the samples of a window.

    Parameters
    ----------
    dataset
        Says how long a sample lasts, and how many there are.
    start_ms, stop_ms
        The first instant of the window, and the first after it, in ms. None is the end.

    Returns
    -------
    slice
        From the first sample to before the last.

    Raises
    ------
    ConfigError
        For a window that is empty or leaves the recording.

    Examples
    --------
    >>> window(results, 5, 10)
    slice(10, 20, None)
    """
    dt_ms = step_ms(dataset)
    total = sample_count(dataset)
    end_ms = total * dt_ms if stop_ms is None else stop_ms
    first = _sample_at(start_ms, dt_ms)
    last = _sample_at(end_ms, dt_ms)
    if not 0 <= first < last <= total:
        recording = f"0 to {total * dt_ms:g} ms"
        allowed = f"start_ms < stop_ms within {recording}, a sample ({dt_ms:g} ms) apart at least"
        raise ConfigError(f"window: got {start_ms:g} to {end_ms:g} ms, allowed is {allowed}")
    return slice(first, last)


def counts(
    dataset: Dataset, population: str, start_ms: float = 0.0, stop_ms: float | None = None
) -> Ints:
    """Return the spikes of each neuron in a window.

    Parameters
    ----------
    dataset, population
        Whose spikes.
    start_ms, stop_ms
        The first instant of the window, and the first after it, in ms. None is the end.

    Returns
    -------
    numpy.ndarray
        int64 ``[B, N]``.

    Raises
    ------
    ConfigError
        For another population, and for a window that is empty or leaves the recording.

    Examples
    --------
    >>> counts(results, "sa").shape
    (8, 5)
    """
    inside = window(dataset, start_ms, stop_ms)
    shape = (len(dataset), neuron_count(dataset, population))
    counted = np.zeros(shape, dtype=np.int64)
    for row, spikes in enumerate(spike_trains(dataset, population)):
        counted[row] = np.count_nonzero(spikes[inside], axis=0)
    return counted


def rates(
    dataset: Dataset, population: str, start_ms: float = 0.0, stop_ms: float | None = None
) -> Floats:
    """Return the mean rate of each neuron over a window, in Hz.

    Parameters
    ----------
    dataset, population
        Whose spikes.
    start_ms, stop_ms
        The first instant of the window, and the first after it, in ms. None is the end.

    Returns
    -------
    numpy.ndarray
        ``[B, N]``, in Hz; NaN for a stimulus that failed.

    Raises
    ------
    ConfigError
        For another population, and for a window that is empty or leaves the recording.

    Examples
    --------
    >>> np.allclose(rates(results, "sa", 0, 10) * 0.01, counts(results, "sa", 0, 10))
    True
    """
    counted = counts(dataset, population, start_ms, stop_ms)
    per_second = counted / _seconds(dataset, start_ms, stop_ms)
    return _without_failed(dataset, per_second)


def latency(dataset: Dataset, population: str, since: float | str = 0.0) -> Floats:
    """Return the time from an instant to each neuron's first spike: ``[B, N]``.

    Parameters
    ----------
    dataset, population
        Whose spikes.
    since
        The instant in ms, or the name of the parameter that holds it, such as ``step_time``.

    Returns
    -------
    numpy.ndarray
        In ms, NaN where there is no spike at that instant or later.

    Examples
    --------
    >>> latency(results, "ra", since=2.5).shape
    (8, 7)
    """
    dt_ms = step_ms(dataset)
    total = sample_count(dataset)
    instants = _instants(dataset, since)
    shape = (len(dataset), neuron_count(dataset, population))
    waited = np.full(shape, np.nan)
    for row, spikes in enumerate(spike_trains(dataset, population)):
        instant = instants[row]
        if not isfinite(instant):  # a type without that parameter, or an instant that never comes
            continue
        start = max(0, _sample_at(instant, dt_ms))
        if start < total:
            waited[row] = _first_spike(spikes, start) * dt_ms - instant
    return _without_failed(dataset, waited)


def psth(dataset: Dataset, population: str, bin_ms: float = 5.0) -> tuple[Floats, Floats]:
    """Return the peristimulus time histogram of each stimulus.

    Parameters
    ----------
    dataset, population
        Whose spikes.
    bin_ms
        A bin is this long, rounded to whole samples; the last one may be shorter.

    Returns
    -------
    edges : numpy.ndarray
        ``[K + 1]``, in ms.
    rates : numpy.ndarray
        ``[B, K]``: the rate in each bin in Hz, the mean over all neurons.

    Raises
    ------
    ConfigError
        For a bin shorter than a sample or longer than the stimulus.

    Examples
    --------
    >>> edges, rates = psth(results, "sa", bin_ms=10)
    >>> edges.tolist(), rates.shape
    ([0.0, 10.0, 20.0, 30.0], (8, 3))
    """
    dt_ms = step_ms(dataset)
    total = sample_count(dataset)
    bin_samples = round(bin_ms / dt_ms)
    if not 1 <= bin_samples <= total:
        allowed = f"a sample to the whole, {dt_ms:g} to {total * dt_ms:g} (ms)"
        raise ConfigError(f"bin_ms: got {bin_ms:g}, allowed is {allowed}")
    starts = np.arange(0, total, bin_samples)
    edges = np.append(starts, total) * dt_ms
    seconds = np.diff(edges) / 1000
    neuron_seconds = neuron_count(dataset, population) * seconds
    binned = np.zeros((len(dataset), len(starts)))
    for row, spikes in enumerate(spike_trains(dataset, population)):
        in_samples = np.count_nonzero(spikes, axis=1)
        binned[row] = np.add.reduceat(in_samples, starts) / neuron_seconds
    return edges, _without_failed(dataset, binned)


def population_counts(
    dataset: Dataset, start_ms: float = 0.0, stop_ms: float | None = None
) -> pd.DataFrame:
    """Return the spikes of all neurons in a window: a row a stimulus, a column a population.

    Parameters
    ----------
    dataset
        Whose spikes.
    start_ms, stop_ms
        The first instant of the window, and the first after it, in ms. None is the end.

    Raises
    ------
    ConfigError
        For a window that is empty or leaves the recording.

    Examples
    --------
    >>> frame = population_counts(results)
    >>> bool(frame["sa"].sum() == counts(results, "sa").sum())
    True
    """
    import pandas as pd

    inside = window(dataset, start_ms, stop_ms)
    columns = {}
    for population in dataset.populations:
        trains = spike_trains(dataset, population)
        totals = [np.count_nonzero(spikes[inside]) for spikes in trains]
        columns[population] = np.array(totals, dtype=np.int64)
    return pd.DataFrame(columns, index=dataset.table.index)


def population_rates(
    dataset: Dataset,
    counted: pd.DataFrame,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> pd.DataFrame:
    """Return the rate over a window, in Hz, the mean over all neurons of each population.

    Parameters
    ----------
    dataset
        Whose spikes were counted.
    counted
        The spikes in the window, as `population_counts` returns them.
    start_ms, stop_ms
        The first instant of the window, and the first after it, in ms. None is the end.

    Examples
    --------
    >>> frame = population_rates(results, population_counts(results))
    >>> np.allclose(frame["sa"], rates(results, "sa").mean(axis=1))
    True
    """
    import pandas as pd

    seconds = _seconds(dataset, start_ms, stop_ms)
    neurons = {population: neuron_count(dataset, population) for population in dataset.populations}
    per_second: pd.DataFrame = counted / (pd.Series(neurons) * seconds)
    per_second.loc[failed(dataset)] = np.nan
    return per_second


def population_latency(dataset: Dataset, since: float | str = 0.0) -> pd.DataFrame:
    """Return the time from an instant to a population's first spike, in ms.

    Parameters
    ----------
    dataset
        Whose spikes.
    since
        The instant in ms, or the name of the parameter that holds it, such as ``step_time``.

    Returns
    -------
    pandas.DataFrame
        A row a stimulus, a column a population; NaN where every neuron is silent.

    Examples
    --------
    >>> list(population_latency(results))
    ['sa', 'ra']
    """
    import pandas as pd

    columns = {}
    for population in dataset.populations:
        of_neurons = latency(dataset, population, since)
        # fmin: NaN only where every neuron is silent.
        columns[population] = np.fmin.reduce(of_neurons, axis=1, initial=np.nan)
    return pd.DataFrame(columns, index=dataset.table.index)


def spike_trains(dataset: Dataset, population: str) -> Iterator[Bools]:
    """Yield the spikes of each stimulus, ``bool[T, N]``; only one is in memory.

    Parameters
    ----------
    dataset, population
        Whose spikes.

    Examples
    --------
    >>> next(spike_trains(results, "sa")).shape
    (60, 5)
    """
    for spikes in dataset.spikes(population):
        yield spikes.numpy()


def _sample_at(instant_ms: float, dt_ms: float) -> int:
    """Return the first sample that starts at an instant or later."""
    return ceil(instant_ms / dt_ms - _ROUNDING)


def _seconds(dataset: Dataset, start_ms: float, stop_ms: float | None) -> float:
    """Return how long the samples of a window last, in s."""
    inside = window(dataset, start_ms, stop_ms)
    samples: int = inside.stop - inside.start
    return samples * step_ms(dataset) / 1000


def _first_spike(spikes: Bools, start: int) -> Floats:
    """Return the sample of each neuron's first spike from ``start`` on, NaN where there is none."""
    later = spikes[start:]
    fires = later.any(axis=0)
    first = start + later.argmax(axis=0)
    return np.where(fires, first, np.nan)


def _instants(dataset: Dataset, since: float | str) -> Floats:
    """Return an instant in ms for each stimulus."""
    if isinstance(since, str):
        name = check_column(dataset, since, "since")
        return dataset.table[name].to_numpy(dtype=np.float64)
    return np.full(len(dataset), float(since))


def _without_failed(dataset: Dataset, values: Floats) -> Floats:
    values[failed(dataset)] = np.nan
    return values
