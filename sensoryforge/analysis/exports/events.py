"""Spikes as events, the form in which neuromorphic tools take them; there and back, exactly.

An event is ``(t, neuron, p)``: microseconds from the start of the stimulus, the neuron's number
(also under the name ``x``, as Tonic's transforms want it), and a polarity, always 0. Events lie in
order of time, then of neuron.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from sensoryforge.analysis.measures import neuron_count, step_ms
from sensoryforge.analysis.selection import check_population, unknown
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.packages import require

if TYPE_CHECKING:
    from sensoryforge.store.dataset import Dataset

EVENT = np.dtype([("t", np.int64), (("neuron", "x"), np.int64), ("p", np.int64)])
"""One spike: ``t`` in microseconds, ``neuron`` (also called ``x``), and ``p``, which is 1."""
Events: TypeAlias = npt.NDArray[np.void]
"""A structured array of ``EVENT``."""
_MICROSECONDS = 1000.0
"""In a millisecond."""


def to_events(spikes: torch.Tensor | npt.NDArray[np.bool_], dt_ms: float) -> Events:
    """Return the spikes of a stimulus as events.

    Parameters
    ----------
    spikes
        ``bool[T, N]``.
    dt_ms
        How long a sample lasts, at least 0.001 ms: events have whole microseconds.

    Examples
    --------
    >>> events = to_events(np.array([[True, False], [True, True]]), dt_ms=0.5)
    >>> events["t"].tolist(), events["neuron"].tolist()
    ([0, 500, 500], [0, 0, 1])
    """
    samples, neurons = np.nonzero(np.asarray(spikes))
    events = np.zeros(len(samples), dtype=EVENT)
    events["t"] = np.rint(samples * _step_us(dt_ms))
    events["x"] = neurons
    return events


def from_events(events: Events, samples: int, neurons: int, dt_ms: float) -> torch.Tensor:
    """Return events as spikes; each goes to the sample that starts nearest to it.

    Parameters
    ----------
    events
        A structured array with ``t`` in microseconds and ``x``, the neuron.
    samples, neurons
        The shape of the spikes.
    dt_ms
        How long a sample lasts, at least 0.001 ms.

    Returns
    -------
    torch.Tensor
        ``bool[samples, neurons]``.

    Raises
    ------
    ConfigError
        For an event that lies outside.

    Examples
    --------
    >>> spikes = np.array([[True, False], [True, True]])
    >>> from_events(to_events(spikes, 0.5), 2, 2, 0.5).tolist()
    [[True, False], [True, True]]
    """
    nearest_sample = np.rint(events["t"] / _step_us(dt_ms))
    sample = nearest_sample.astype(np.int64)
    neuron = np.asarray(events["x"]).astype(np.int64)
    too_late = (sample < 0) | (sample >= samples)
    no_such_neuron = (neuron < 0) | (neuron >= neurons)
    outside = events[too_late | no_such_neuron]
    if len(outside):
        first = outside[0]
        end_us = samples * dt_ms * _MICROSECONDS
        allowed = f"t below {end_us:g} us and neuron below {neurons}"
        raise ConfigError(f"events: got t={first['t']}, neuron={first['x']}, allowed is {allowed}")
    spikes = torch.zeros(samples, neurons, dtype=torch.bool)
    spikes[torch.from_numpy(sample), torch.from_numpy(neuron)] = True
    return spikes


def stimulus_events(dataset: Dataset, row: int, population: str) -> Events:
    """Return one stimulus's spikes of a population as events.

    Examples
    --------
    >>> stimulus_events(results, 0, "sa").dtype.names
    ('t', 'x', 'p')
    """
    spikes = dataset.spikes(population)[row]
    return to_events(spikes, step_ms(dataset))


def tonic_dataset(
    dataset: Dataset,
    population: str,
    target: str = "type",
    transform: Callable[[Any], Any] | None = None,
) -> Any:
    """Return a ``tonic.Dataset`` of ``(events, target)`` that reads a stimulus when indexed.

    Parameters
    ----------
    dataset
        Such as `sensoryforge.load` returns.
    population
        Whose spikes.
    target
        A parameter, ``type`` or another column of the table. Words become numbers, their places in
        the attribute ``classes``.
    transform
        Takes the events of a stimulus, as Tonic's transforms do.

    Raises
    ------
    ConfigError
        For another population or target, and where Tonic is not installed.

    Examples
    --------
    >>> events, amplitude = tonic_dataset(results, "sa", target="amplitude")[7]
    >>> amplitude
    30
    """
    require("tonic")
    from sensoryforge.analysis.exports.tonic_events import SpikeEvents

    check_population(dataset, population)
    targets, class_names = _numbered_targets(dataset, target)
    return SpikeEvents(
        directory=str(dataset.directory),
        read=partial(stimulus_events, dataset, population=population),
        neurons=neuron_count(dataset, population),
        dtype=EVENT,
        targets=targets,
        classes=class_names,
        transform=transform,
    )


def _numbered_targets(dataset: Dataset, target: str) -> tuple[list[Any], list[str]]:
    """Return the target of each stimulus, words as places in the list that comes second."""
    table = dataset.table
    if target not in table:
        columns = [str(name) for name in table]
        raise ConfigError(unknown("target", target, columns))
    values = table[target].tolist()
    words = sorted({value for value in values if isinstance(value, str)})
    places = {word: place for place, word in enumerate(words)}
    return [places.get(value, value) for value in values], words


def _step_us(dt_ms: float) -> float:
    """Return a sample in microseconds; below one, two samples could share an instant."""
    step_us = dt_ms * _MICROSECONDS
    if step_us < 1:
        raise ConfigError(
            f"dt_ms: got {dt_ms:g}, allowed is at least 0.001: events have whole microseconds"
        )
    return step_us
