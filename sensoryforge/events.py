"""Spikes as events, the form in which neuromorphic tools take them; there and back, exactly.

An event is ``(t, neuron, p)``: microseconds from the start of the stimulus, the neuron's number (also under the name
``x``, as Tonic's transforms want it), and a polarity, always 0. Events lie in order of time, then of neuron.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from sensoryforge.analysis import step_ms
from sensoryforge.errors import ConfigError
from sensoryforge.extras import require
from sensoryforge.selection import check_population, unknown

if TYPE_CHECKING:
    from sensoryforge.store.results import Results

EVENT = np.dtype([("t", np.int64), (("neuron", "x"), np.int64), ("p", np.int64)])
Events: TypeAlias = npt.NDArray[np.void]
"""A structured array of ``EVENT``."""
_MICROSECONDS = 1000.0


def to_events(spikes: torch.Tensor | npt.NDArray[np.bool_], dt_ms: float) -> Events:
    """Return the spikes ``bool[T, N]`` of a stimulus as events."""
    sample, neuron = np.nonzero(np.asarray(spikes))
    events = np.zeros(len(sample), dtype=EVENT)
    events["t"] = np.rint(sample * _step(dt_ms))
    events["x"] = neuron
    return events


def from_events(events: Events, samples: int, neurons: int, dt_ms: float) -> torch.Tensor:
    """Return events as spikes ``bool[samples, neurons]``; each goes to the sample that starts nearest to it.

    Raises ConfigError for an event that lies outside.
    """
    sample = np.rint(events["t"] / _step(dt_ms)).astype(np.int64)
    neuron = np.asarray(events["x"]).astype(np.int64)
    outside = (sample < 0) | (sample >= samples) | (neuron < 0) | (neuron >= neurons)
    if outside.any():
        worst = events[outside][0]
        allowed = f"t below {samples * dt_ms * _MICROSECONDS:g} us and neuron below {neurons}"
        raise ConfigError(f"events: got t={worst['t']}, neuron={worst['x']}, allowed is {allowed}")
    spikes = torch.zeros(samples, neurons, dtype=torch.bool)
    spikes[torch.from_numpy(sample), torch.from_numpy(neuron)] = True
    return spikes


def tonic_dataset(
    results: Results, population: str, target: str = "type", transform: Callable[[Any], Any] | None = None
) -> Any:
    """Return a ``tonic.Dataset`` of ``(events, target)`` that reads a stimulus when indexed.

    ``target`` is a parameter, ``type`` or another column of the table; words become places in ``classes``.
    ``transform`` takes the events.
    """
    tonic = require("tonic")
    check_population(results, population)
    if target not in results.table:
        raise ConfigError(unknown("target", target, map(str, results.table)))
    targets = results.table[target].tolist()
    names = sorted({each for each in targets if isinstance(each, str)})
    targets = [names.index(each) if isinstance(each, str) else each for each in targets]

    class SpikeEvents(tonic.Dataset):  # type: ignore[name-defined, misc]
        """Stimuli of a dataset as events of one population."""

        sensor_size = (results.spikes(population).shape[2], 1, 1)
        dtype = EVENT
        classes = tuple(names)

        def __getitem__(self, index: int) -> tuple[Any, Any]:
            events = results.events(index, population)
            return (self.transform(events) if self.transform else events), self.targets[index]

        def __len__(self) -> int:
            return len(results)

    found = SpikeEvents(str(results.directory), transform=transform)
    found.targets = targets
    return found


def of_stimulus(results: Results, index: int, population: str) -> Events:
    """Return one stimulus's spikes of a population as events."""
    return to_events(results.spikes(population)[index], step_ms(results))


def _step(dt_ms: float) -> float:
    """Return a sample in microseconds; below one, two samples could share an instant."""
    if dt_ms * _MICROSECONDS < 1:
        raise ConfigError(f"dt_ms: got {dt_ms:g}, allowed is at least 0.001: events have whole microseconds")
    return dt_ms * _MICROSECONDS
