"""Spike trains as numbers: counts, rates, latencies and time histograms, read one stimulus at a time.

A window runs from ``start_ms`` to before ``stop_ms``; a sample lies where it starts. Arrays are ``[B, N]``: a row a
stimulus, a column a neuron. A failed stimulus has no spikes: it counts 0, and its rates and latencies are NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from sensoryforge.errors import ConfigError, DamagedError
from sensoryforge.selection import check_column, failed
from sensoryforge.types import Bools, Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.store.results import Results

_ROUNDING = 1e-6
"""Of a sample: instants closer than this are the same."""


def step_ms(results: Results) -> float:
    """Return how long a sample lasts, in ms."""
    metadata = results.metadata
    pipeline = (metadata.get("config") or {}).get("pipeline") or {}
    found = metadata.get("dt_ms", pipeline.get("dt_ms"))
    if found is None:
        raise DamagedError(f"{results.directory}: its metadata does not say how long a sample lasts (dt_ms)")
    return float(found)


def samples(results: Results, population: str | None = None) -> int:
    """Return the number of samples of a stimulus."""
    return int(results.spikes(population or results.populations[0]).shape[1])


def window(results: Results, start_ms: float = 0.0, stop_ms: float | None = None) -> slice:
    """Return the samples of a window; raises ConfigError for one that is empty or leaves the recording."""
    dt, total = step_ms(results), samples(results)
    end_ms = total * dt if stop_ms is None else stop_ms
    first, last = ceil(start_ms / dt - _ROUNDING), ceil(end_ms / dt - _ROUNDING)
    if not 0 <= first < last <= total:
        allowed = f"start_ms < stop_ms within 0 to {total * dt:g} ms, a sample ({dt:g} ms) apart at least"
        raise ConfigError(f"window: got {start_ms:g} to {end_ms:g} ms, allowed is {allowed}")
    return slice(first, last)


def counts(results: Results, population: str, start_ms: float = 0.0, stop_ms: float | None = None) -> Ints:
    """Return the spikes of each neuron in a window: ``[B, N]``."""
    part = window(results, start_ms, stop_ms)
    found: Ints = _rows(results, population, np.int64, lambda spikes, _: np.count_nonzero(spikes[part], axis=0))
    return found


def rates(results: Results, population: str, start_ms: float = 0.0, stop_ms: float | None = None) -> Floats:
    """Return the mean rate of each neuron over a window, in Hz: ``[B, N]``."""
    part = window(results, start_ms, stop_ms)
    seconds = (part.stop - part.start) * step_ms(results) / 1000
    return _without_failed(results, counts(results, population, start_ms, stop_ms) / seconds)


def latency(results: Results, population: str, since: float | str = 0.0) -> Floats:
    """Return the time from an instant to each neuron's first spike, in ms, NaN where there is none: ``[B, N]``.

    ``since`` is the instant in ms, or the name of the parameter that holds it, such as ``step_time``.
    """
    dt, total = step_ms(results), samples(results)
    instants = _instants(results, since)

    def first(spikes: Bools, row: int) -> Floats:
        start = min(max(0, ceil(instants[row] / dt - _ROUNDING)), total) if instants[row] == instants[row] else total
        rest = spikes[start:]
        if not len(rest):
            return np.full(spikes.shape[1], np.nan)
        return np.where(rest.any(axis=0), (start + rest.argmax(axis=0)) * dt - instants[row], np.nan)

    return _without_failed(results, _rows(results, population, np.float64, first))


def psth(results: Results, population: str, bin_ms: float = 5.0) -> tuple[Floats, Floats]:
    """Return edges ``[K + 1]`` in ms and the rate in Hz of the mean neuron in each bin, ``[B, K]``.

    A bin is a whole number of samples; the last one may be shorter.
    """
    dt, total = step_ms(results), samples(results)
    width = round(bin_ms / dt)
    if not 1 <= width <= total:
        raise ConfigError(f"bin_ms: got {bin_ms:g}, allowed is a sample to the whole, {dt:g} to {total * dt:g} (ms)")
    starts = np.arange(0, total, width)
    edges = np.append(starts, total) * dt
    seconds = np.diff(edges) / 1000
    neurons = results.spikes(population).shape[2]

    def binned(spikes: Bools, _: int) -> Floats:
        return np.add.reduceat(np.count_nonzero(spikes, axis=1), starts) / (neurons * seconds)

    return edges, _without_failed(results, _rows(results, population, np.float64, binned, len(starts)))


def totals(results: Results, start_ms: float = 0.0, stop_ms: float | None = None) -> pd.DataFrame:
    """Return the spikes of all neurons in a window: a row a stimulus, a column a population; kept once counted."""
    import pandas as pd

    part = window(results, start_ms, stop_ms)
    kept = results.totals
    if (part.start, part.stop) not in kept:
        columns = {
            name: np.array([np.count_nonzero(spikes[part]) for spikes in trains(results, name)], dtype=np.int64)
            for name in results.populations
        }
        kept[part.start, part.stop] = pd.DataFrame(columns, index=results.table.index)
    return kept[part.start, part.stop].copy()


def mean_rates(results: Results, start_ms: float = 0.0, stop_ms: float | None = None) -> pd.DataFrame:
    """Return the rate in Hz of the mean neuron over a window: a row a stimulus, a column a population."""
    import pandas as pd

    part = window(results, start_ms, stop_ms)
    seconds = (part.stop - part.start) * step_ms(results) / 1000
    neurons = {name: results.spikes(name).shape[2] for name in results.populations}
    found: pd.DataFrame = totals(results, start_ms, stop_ms) / (pd.Series(neurons) * seconds)
    found.loc[failed(results)] = np.nan
    return found


def earliest(results: Results, since: float | str = 0.0) -> pd.DataFrame:
    """Return the time from an instant to a population's first spike, in ms: a row a stimulus, a column a population."""
    import pandas as pd

    found = {name: latency(results, name, since) for name in results.populations}
    least = {name: np.where(np.isnan(of), np.inf, of).min(axis=1, initial=np.inf) for name, of in found.items()}
    return pd.DataFrame(least, index=results.table.index).replace(np.inf, np.nan)


def trains(results: Results, population: str) -> Iterator[Bools]:
    """Yield the spikes of each stimulus, ``bool[T, N]``; only one is in memory."""
    return (spikes.numpy() for spikes in results.spikes(population))


def _rows(
    results: Results, population: str, kind: Any, measure: Callable[[Bools, int], Any], width: int | None = None
) -> Any:
    """Return a measure of each stimulus as the rows of one array."""
    found = np.zeros((len(results), width or results.spikes(population).shape[2]), dtype=kind)
    for row, spikes in enumerate(trains(results, population)):
        found[row] = measure(spikes, row)
    return found


def _without_failed(results: Results, values: Floats) -> Floats:
    values[failed(results)] = np.nan
    return values


def _instants(results: Results, since: float | str) -> Floats:
    if isinstance(since, str):
        return results.table[check_column(results, since, "since")].to_numpy(dtype=np.float64)
    return np.full(len(results), float(since))
