"""Touch into spikes as it is usually scripted: one stimulus at a time, one step at a time, a tensor operation each.

The skin's pressure is formed on the whole sheet for every sample and pooled through a dense matrix of weights; an SA
filter, noise and an Izhikevich neuron follow, with the parameters of kernel.py.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

DT_MS, GAIN, NOISE_STD = 0.5, 60.0, 2.0


def weights(
    grid: int, neurons: int, spacing_mm: float = 0.15, sigma_mm: float = 0.3
) -> tuple[Tensor, Tensor]:
    """Return receptor positions [R,2] in mm and the Gaussian receptive fields of random neurons [N,R]."""
    axis = (torch.arange(grid) - (grid - 1) / 2) * spacing_mm
    xy = torch.cartesian_prod(axis, axis)
    centres = xy[torch.randint(len(xy), (neurons,))]
    fields = torch.exp(-(torch.cdist(centres, xy) ** 2) / (2 * sigma_mm**2))
    return xy, fields / fields.sum(1, keepdim=True)


def encode(xy: Tensor, fields: Tensor, samples: int, substeps: int, noise: bool) -> Tensor:
    """Return the spikes of one stimulus, bool [T,N]."""
    neurons = len(fields)
    h = DT_MS / substeps
    x = torch.zeros(neurons)
    y = torch.zeros(neurons)
    before = torch.zeros(neurons)
    v = torch.full((neurons,), -65.0)
    u = torch.full((neurons,), -13.0)
    footprint = torch.exp(-(xy**2).sum(1) / (2 * 0.5**2))
    spikes = torch.zeros(samples, neurons, dtype=torch.bool)
    for t in range(samples):
        drive = fields @ (30.0 * footprint * min(1.0, t / 100))
        push = 3.0 * (drive - before) / DT_MS + 0.05 * drive
        before = drive
        for _ in range(substeps):
            dx = (push - x) / 5.0
            dy = (x - y) / 30.0
            x = x + h * dx
            y = y + h * dy
        current = GAIN * torch.clamp(y, min=0)
        if noise:
            current = current + NOISE_STD / math.sqrt(DT_MS) * torch.randn(neurons)
        for _ in range(substeps):
            dv = 0.04 * v**2 + 5 * v + 140 - u + current
            du = 0.02 * (0.2 * v - u)
            v = v + h * dv
            u = u + h * du
            fired = v >= 30.0
            v = torch.where(fired, -65.0, v)
            u = torch.where(fired, u + 8.0, u)
            spikes[t] |= fired
    return spikes
