"""Driving: from stimuli at the receptors to the drive of each population's afferents.

An afferent's drive is the weighted sum of the receptors that it pools. Of a separable stimulus only
the factor in space is pooled, [C,K,R] -> [C,K,N]; the kernel multiplies it with the one in time. Of
a blend its stills are, [J,R] -> [J,N]. Any other stimulus is pooled sample by sample. A calibrated
population pools mm, and its ``drive_per_mm`` makes drive of them: here, for every kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from sensoryforge.core.devices import usable_cores
from sensoryforge.equations.program import FAINT
from sensoryforge.simulation.kernels import Drive
from sensoryforge.simulation.kernels.pooling import blend_rows
from sensoryforge.simulation.population import Population
from sensoryforge.simulation.shaping import Points, Shaped, ToDevice
from sensoryforge.stimuli.blend import Blend
from sensoryforge.stimuli.guarded import GuardedStimuli

FRAME_BYTES = 64 * 1024**2
"""How much of a stimulus that does not separate is formed at a time."""
Populations: TypeAlias = Mapping[str, Population]


class Stack:
    """Arrays of conditions, or tensors, put into one as they come: none is held beside it.

    Parameters
    ----------
    count
        How many come.

    Examples
    --------
    >>> stack = Stack(2)
    >>> stack.add(np.zeros(3))
    >>> stack.add(np.ones(3))
    >>> stack.values.tolist()
    [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
    """

    def __init__(self, count: int) -> None:
        self.values: Any = None
        self._count = count
        self._added = 0

    def add(self, values: Any) -> None:
        """Put in what one condition has."""
        if self.values is None:
            shape = (self._count, *values.shape)
            if isinstance(values, np.ndarray):
                self.values = np.empty(shape, values.dtype)
            else:
                self.values = values.new_empty(shape)
        # A class of the user's may give tensors where its neighbours in a design give arrays.
        holds_arrays = isinstance(self.values, np.ndarray)
        self.values[self._added] = np.asarray(values) if holds_arrays else torch.as_tensor(values)
        self._added += 1


@dataclass(frozen=True)
class Driving:
    """What it takes to drive populations with a group of stimuli.

    Parameters
    ----------
    populations
        The afferents, by name.
    points
        The pooled receptors and the samples.
    to_device
        Brings an array to the populations' device, where stimuli are innervated.
    threads
        The most threads that may work; one where a GPU does.
    """

    populations: Populations
    points: Points
    to_device: ToDevice
    threads: int | None = None

    def drives(self, group: list[Shaped], rows: Tensor) -> Iterator[tuple[str, Drive]]:
        """Yield the drive of each population with its name.

        Parameters
        ----------
        group
            Conditions at the pooled receptors, all with equally many terms.
        rows
            The condition of each stimulus, [B], on the populations' device.
        """
        if group[0].terms:
            for name, population in self.populations.items():
                yield name, _separable_drive(population, group, rows, self.to_device)
            return
        count = sum(shaped.stimulus.count for shaped in group)
        frames = {name: Stack(count) for name in self.populations}
        for shaped in group:
            for drives in self._pooled(shaped.stimulus):
                for name, drive in drives.items():
                    frames[name].add(drive)
        for name in self.populations:
            yield name, Drive(rows, frames=torch.as_tensor(frames.pop(name).values))

    def _pooled(self, stimulus: GuardedStimuli) -> Iterator[dict[str, Any]]:
        """Yield what populations feel of each condition of a stimulus, [T,N]."""
        if not stimulus.is_blended:
            frames = self._pool_frames(stimulus)
            for condition in range(stimulus.count):
                yield {name: of_all[condition] for name, of_all in frames.items()}
            return
        conditions = range(stimulus.count)
        threads = min(self.threads or usable_cores(), stimulus.count)
        if threads == 1:
            yield from (self._pool_blend(stimulus, condition) for condition in conditions)
            return
        # Conditions are independent of each other, and NumPy works without Python's lock.
        with ThreadPoolExecutor(threads) as pool:
            yield from pool.map(lambda condition: self._pool_blend(stimulus, condition), conditions)

    def _pool_blend(self, stimulus: GuardedStimuli, condition: int) -> dict[str, Any]:
        """Return what populations feel of one condition, [T,N]: its stills are pooled."""
        blend = self.points.blend(stimulus, condition)
        stills = self.to_device(blend.stills)
        numbers, weights = self.to_device(blend.numbers), self.to_device(blend.weights)
        drives: dict[str, Any] = {}
        for name, population in self.populations.items():
            drives[name] = _blend(_pool(population, stills), numbers, weights)
        return drives

    def _pool_frames(self, stimulus: GuardedStimuli) -> dict[str, Tensor]:
        """Return what populations feel of a stimulus that does not separate, [C,T,N].

        Some samples at a time: at all of them its pressure at the receptors, [C,T,R], would often
        not fit the memory.
        """
        points = self.points
        sample_bytes = 8 * stimulus.count * len(points.xy_mm)
        samples = max(1, FRAME_BYTES // sample_bytes)
        pieces: dict[str, list[Any]] = {name: [] for name in self.populations}
        for first in range(0, len(points.t_ms), samples):
            pressure = self.to_device(points.frames(stimulus, first, first + samples))
            for name, population in self.populations.items():
                pieces[name].append(_pool(population, pressure))
        return {name: _concatenate(parts, dim=1).float() for name, parts in pieces.items()}


def _pool(population: Population, pressure: Any) -> Any:
    """Return what a population pools, as drive: [..., R] -> [..., N]."""
    pooled = population.pool(pressure)
    drive_per_mm = population.spec.drive_per_mm
    # In float64, before anything is rounded: an amplitude of drive / drive_per_mm is that drive.
    return pooled if drive_per_mm is None else pooled * drive_per_mm


def _blend(felt: Any, numbers: Any, weights: Any) -> Any:
    """Return the drive at each sample, [T,N], from what is felt of each still, [J,N]."""
    if isinstance(felt, np.ndarray):
        return blend_rows(felt, numbers, weights)
    drive: Any = Blend(felt, numbers, weights).frames()
    return drive.float()


def _separable_drive(
    population: Population, group: list[Shaped], rows: Tensor, to_device: ToDevice
) -> Drive:
    spaces = []
    times = []
    for shaped in group:
        spaces.append(_pool(population, to_device(shaped.space)))
        times.append(to_device(shaped.time))
    space = _concatenate(spaces)
    # Far from a footprint it would be a subnormal number, with which processors take long.
    strong = torch.where(space.abs() < FAINT, 0.0, space)
    return Drive(rows, space=strong.float(), time=_concatenate(times).float())


def _concatenate(pieces: Sequence[Any], dim: int = 0) -> Tensor:
    """Return arrays or tensors, one after the other, as a tensor."""
    tensors = [torch.as_tensor(piece) for piece in pieces]
    return torch.cat(tensors, dim)
