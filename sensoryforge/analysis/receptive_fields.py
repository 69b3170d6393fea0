"""Receptive fields: what neurons pool, what their spikes say that they pool, and from how far.

The first is known of a model and not of an animal. The second is the spike-triggered average, which
can be measured in both: where a neuron answers in proportion to what it pools, and the stimulus is
white, it has the shape of the receptive field (de Boer and Kuyper 1968,
doi:10.1109/TBME.1968.4502561; Chichilnisky 2001, doi:10.1080/713663221). The third is how fields of
single fibres are mapped: the area from which a probe at a depth makes a neuron fire (Johansson and
Vallbo 1980, doi:10.1016/0006-8993(80)91128-2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensoryforge.analysis.measures import (
    counts,
    neuron_count,
    sample_count,
    spike_trains,
    step_ms,
)
from sensoryforge.analysis.plots import scene
from sensoryforge.analysis.selection import check_population, failed
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Floats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sensoryforge.analysis.results import Results

PLACE = ("center_x", "center_y")
"""The parameters that say where a stimulus presses."""


def innervation_rows(results: Results, population: str) -> Floats:
    """Return what each neuron pools, as an image of the sheet.

    Parameters
    ----------
    results
        The dataset; the weights are drawn again from its configuration.
    population
        Whose weights.

    Returns
    -------
    numpy.ndarray
        ``[N, rows, columns]``: the weight of each receptor, the first row at the smallest y; of
        receptors that form no grid ``[N, R]``.

    Raises
    ------
    ConfigError
        For another population, and where the innervation cannot be drawn again.

    Examples
    --------
    >>> rows = innervation_rows(results, "sa")
    >>> rows.shape, rows.sum(axis=(1, 2)).round(9).tolist()
    ((5, 12, 12), [1.0, 1.0, 1.0, 1.0, 1.0])
    """
    check_population(results, population)
    skin = scene.sheet(results)
    _, fields = scene.receptive_fields(results, population)
    rows = np.zeros((len(fields.indices), skin.count))
    np.put_along_axis(rows, fields.indices, fields.weights, axis=1)
    return rows.reshape(-1, *skin.shape)


def spike_triggered_average(
    results: Results, population: str, *, lag_ms: float = 0.0, start_ms: float = 0.0
) -> Floats:
    """Return the mean drive on the sheet before a spike, less the mean drive at any time.

    Parameters
    ----------
    results
        The dataset. Where it was made without ``batch.save=[stimulus]``, the drive is worked out
        again, one stimulus after the other.
    population
        Whose spikes.
    lag_ms
        How long before the spike, rounded to whole samples. A pattern that is held is the same at
        any time, so that its lag does not matter.
    start_ms
        Spikes before it do not count, nor does the drive: an onset is no white noise.

    Returns
    -------
    numpy.ndarray
        ``[N, rows, columns]`` in a.u., ``[N, R]`` of receptors that form no grid; NaN for a neuron
        without a spike.

    Raises
    ------
    ConfigError
        For another population, for a time outside the stimulus, for a sheet that is too large, and
        where a stimulus cannot be worked out again.

    Examples
    --------
    >>> average = spike_triggered_average(results, "sa")
    >>> average.shape
    (5, 12, 12)
    """
    check_population(results, population)
    first, lag = _samples(results, start_ms, lag_ms)
    shown = np.arange(first - lag, sample_count(results) - lag)
    skin = scene.sheet(results)
    of_spikes = np.zeros((neuron_count(results, population), skin.count))
    of_samples = np.zeros(skin.count)
    spikes_seen = np.zeros(len(of_spikes))
    stimuli = results.take(np.flatnonzero(~failed(results)).tolist())
    for row, spikes in enumerate(spike_trains(stimuli, population)):
        images = scene.frames(stimuli, row, shown)
        if images[0].size != skin.count:
            raise ConfigError(
                f"{results.directory}: got {skin.count} receptors and {len(shown)} samples, "
                "allowed is 20,000,000 values a stimulus; choose a later start_ms"
            )
        drive = images.reshape(len(shown), skin.count)
        counted = spikes[first:].astype(np.float64)
        of_spikes += counted.T @ drive
        spikes_seen += counted.sum(axis=0)
        of_samples += drive.mean(axis=0)
    with np.errstate(invalid="ignore"):
        average = of_spikes / spikes_seen[:, None]
    average -= of_samples / len(stimuli)
    return average.reshape(-1, *skin.shape)


def field_areas(
    results: Results,
    population: str,
    *,
    at_least: float = 1.0,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> Floats:
    """Return how much skin each neuron fires from, when stimuli press at the places of a lattice.

    Parameters
    ----------
    results
        Stimuli that differ in ``center_x`` and ``center_y`` alone, and in repetitions: choose one
        amplitude with `Results.where`.
    population
        Whose neurons.
    at_least
        Spikes from which a place counts, the mean over repetitions.
    start_ms, stop_ms
        The first instant that counts, and the first after it, in ms; None is the end.

    Returns
    -------
    numpy.ndarray
        ``[N]`` in mm2: the number of places, each with the area of a cell of the lattice.

    Raises
    ------
    ConfigError
        For another population, for places that are no whole, evenly spaced lattice, and where
        something else differs too.

    Examples
    --------
    All stimuli of the dataset of these examples press at one place.

    >>> field_areas(results.where(amplitude=30, sigma=0.3), "sa")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    sensoryforge.core.errors.ConfigError: center_x: got 1 value, allowed are several, evenly ...
    """
    import pandas as pd

    problems = [f"{name}: {problem}" for name, problem in _problems_of_places(results)]
    if problems:
        raise ConfigError(problems)
    spikes = counts(results, population, start_ms, stop_ms)
    keys = [results.table[name] for name in PLACE]
    at_places = pd.DataFrame(spikes).groupby(keys).mean()
    cell_mm2 = np.prod([np.diff(results.axes[name])[0] for name in PLACE])
    areas: Floats = (at_places.to_numpy() >= at_least).sum(axis=0) * cell_mm2
    return areas


def _problems_of_places(results: Results) -> Iterator[tuple[str, str]]:
    """Yield why stimuli do not press at the places of a lattice: a parameter, and the problem."""
    axes = results.axes
    for name in PLACE:
        values = np.array(axes.get(name, [0.0]), dtype=np.float64)
        gaps = np.diff(values)
        if len(values) < 2:
            yield name, "got 1 value, allowed are several, evenly spaced"
        elif not np.allclose(gaps, gaps[0]):
            yield name, f"got values {gaps.min():g} to {gaps.max():g} apart, allowed is one spacing"
    for name, levels in axes.items():
        if name not in PLACE and results.table[name].nunique() > 1:
            yield name, f"got {len(levels)} values, allowed is one: choose it with where"
    at_places = results.table.groupby(list(PLACE)).size()
    whole = len(axes.get("center_x", [0])) * len(axes.get("center_y", [0]))
    if len(at_places) != whole:
        yield "center_x", f"got {len(at_places)} places with center_y, allowed are all, {whole}"


def _samples(results: Results, start_ms: float, lag_ms: float) -> tuple[int, int]:
    """Return the first sample whose spikes count, and the lag in samples."""
    dt_ms = step_ms(results)
    total = sample_count(results)
    if not 0 <= start_ms < total * dt_ms:
        allowed = f"0 to less than {total * dt_ms:g} (ms)"
        raise ConfigError(f"start_ms: got {start_ms:g}, allowed is {allowed}")
    if not 0 <= lag_ms < total * dt_ms:
        allowed = f"0 to less than {total * dt_ms:g} (ms)"
        raise ConfigError(f"lag_ms: got {lag_ms:g}, allowed is {allowed}")
    lag = round(lag_ms / dt_ms)
    first = max(round(start_ms / dt_ms), lag)
    return min(first, total - 1), min(lag, total - 1)
