"""Receptive fields: what neurons pool, and what their spikes say that they pool.

The first is known of a model and not of an animal. The second is the spike-triggered average, which
can be measured in both: where a neuron answers in proportion to what it pools, and the stimulus is
white, it has the shape of the receptive field (de Boer and Kuyper 1968,
doi:10.1109/TBME.1968.4502561; Chichilnisky 2001, doi:10.1080/713663221).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensoryforge.analysis.measures import neuron_count, sample_count, spike_trains, step_ms
from sensoryforge.analysis.plots import scene
from sensoryforge.analysis.selection import check_population, failed
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Floats

if TYPE_CHECKING:
    from sensoryforge.analysis.results import Results


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
