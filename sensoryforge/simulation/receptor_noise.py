"""Noise of the receptors: it is there before innervation, so that afferents share it.

Every receptor has white noise of its own in every stimulus. An afferent pools it with the weights
of its receptors; two that pool the same receptors are correlated by it, of one population or of
two. The noise then goes through the filter, as the drive does. With a standard deviation s, in
drive x sqrt(ms), a receptor's noise has s / sqrt(dt) in each sample, and an afferent's that times
the root of its summed squared weights:

    >>> import torch
    >>> weights = torch.full((32,), 1 / 32)
    >>> round((weights**2).sum().sqrt().item(), 3)  # 32 receptors in equal parts
    0.177

It is drawn as all noise is (:mod:`.kernels.noise`): the key comes from the stimulus's seed, the
counter from the sample and the receptor's number in the sheet. torch draws and pools it for every
backend, so that the bits are the same.
"""

from __future__ import annotations

import math

import torch

from sensoryforge.simulation.kernels import Drive
from sensoryforge.simulation.kernels.noise import Normals, receptor_keys
from sensoryforge.simulation.population import Population


def add_receptor_noise(population: Population, drive: Drive, seeds: list[int]) -> Drive:
    """Return the drive with the noise of the pooled receptors; each stimulus has its own.

    Parameters
    ----------
    population
        The afferents; without noise of their receptors the drive is returned as it is.
    drive
        What drives them, of C conditions.
    seeds
        The seed of each stimulus, [B].

    Returns
    -------
    Drive
        As frames, [B,T,N], of as many conditions as there are stimuli.
    """
    std = population.spec.receptor_noise_std
    if std == 0:
        return drive
    device = drive.rows.device
    scale = std / math.sqrt(population.dt_ms)
    receptors, pooled = population.own_receptors()
    normals = Normals(receptor_keys(seeds).to(device), receptors)
    pieces = []
    for first in range(0, drive.samples, normals.samples_a_block):
        stop = min(first + normals.samples_a_block, drive.samples)
        clean = drive.between(first, stop)[drive.rows]
        noise = population.pool(normals.between(first, stop), pooled) * scale  # [T,B,N]
        pieces.append(clean + noise.float().transpose(0, 1))
    rows = torch.arange(len(seeds), device=device)
    frames = torch.cat(pieces, dim=1)
    if not drive.has_rate:
        return Drive(rows, frames=frames)
    # A rate that is given is that of the clean drive: noise has none.
    rate = drive.rate_between(0, drive.samples)[drive.rows]
    return Drive(rows, frames=frames, rate_frames=rate)
