"""Driving: from stimuli at the receptors to the drive of a population's afferents.

An afferent's drive is the weighted sum of the receptors that it pools. Of a separable stimulus only
the factor in space is pooled, [C,K,R] -> [C,K,N]; the kernel multiplies it with the one in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from sensoryforge.equations.program import FAINT
from sensoryforge.simulation.kernels import Drive
from sensoryforge.simulation.population import Population
from sensoryforge.simulation.shaping import Points, Shaped, ToDevice
from sensoryforge.stimuli.guarded import GuardedStimuli

FRAME_BYTES = 64 * 1024**2
"""How much of a stimulus that does not separate is formed at a time."""


def drive_population(
    population: Population, group: list[Shaped], rows: Tensor, points: Points, to_device: ToDevice
) -> Drive:
    """Return the drive of a population.

    Parameters
    ----------
    population
        The afferents.
    group
        Conditions at the pooled receptors, all with equally many terms.
    rows
        The condition of each stimulus, [B], on the population's device.
    points
        The pooled receptors and the samples.
    to_device
        Brings an array to the population's device, where stimuli are innervated.
    """
    if group[0].terms:
        return _separable_drive(population, group, rows, to_device)
    frames = [_pool(population, shaped.stimulus, points, to_device) for shaped in group]
    return Drive(rows, frames=torch.cat(frames).float())


def _separable_drive(
    population: Population, group: list[Shaped], rows: Tensor, to_device: ToDevice
) -> Drive:
    spaces = []
    times = []
    for shaped in group:
        spaces.append(population.pool(to_device(shaped.space)))
        times.append(to_device(shaped.time))
    space = _concatenate(spaces)
    # Far from a footprint it would be a subnormal number, with which processors take long.
    strong = torch.where(space.abs() < FAINT, 0.0, space)
    return Drive(rows, space=strong.float(), time=_concatenate(times).float())


def _pool(
    population: Population, stimulus: GuardedStimuli, points: Points, to_device: ToDevice
) -> Tensor:
    """Return the drive [C,T,N] of a stimulus that does not separate."""
    if not stimulus.is_blended:
        return pool_frames(population, stimulus, points, to_device)
    drives = []
    for condition in range(stimulus.count):
        blend = points.blend(stimulus, condition)
        stills = population.pool(to_device(blend.stills))
        drives.append(torch.as_tensor(blend.of(stills).frames()))
    return torch.stack(drives)


def pool_frames(
    population: Population, stimulus: GuardedStimuli, points: Points, to_device: ToDevice
) -> Tensor:
    """Return the drive [C,T,N] of a stimulus that does not separate, some samples at a time.

    At all samples its pressure at the receptors, [C,T,R], would often not fit the memory.
    """
    sample_bytes = 8 * stimulus.count * len(points.xy_mm)
    samples = max(1, FRAME_BYTES // sample_bytes)
    pieces = []
    for first in range(0, len(points.t_ms), samples):
        pressure = points.frames(stimulus, first, first + samples)
        pieces.append(population.pool(to_device(pressure)))
    return _concatenate(pieces, dim=1)


def _concatenate(pieces: Sequence[Any], dim: int = 0) -> Tensor:
    """Return arrays or tensors, one after the other, as a tensor."""
    tensors = [torch.as_tensor(piece) for piece in pieces]
    return torch.cat(tensors, dim)
