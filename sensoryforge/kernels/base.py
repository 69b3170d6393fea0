"""What a kernel is given and what it returns; every backend takes and makes the same.

A kernel runs one population over a chunk of stimuli: drive -> filter -> gain -> noise -> model, sample by sample.
The filter takes all its steps of a sample first; its output, times the gain, plus the noise of the sample, is the
model's input, held for the sample. A sample counts as a spike when any of its steps crossed the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from sensoryforge.equations import Block
from sensoryforge.kernels.surrogate import Surrogate

SUBSTEP_MS = 0.1
"""The integration step that ``substeps: auto`` stays at or below, in ms."""


def auto_substeps(dt_ms: float) -> int:
    """Return the fewest steps a sample that keep each at 0.1 ms or below."""
    return max(1, math.ceil(dt_ms / SUBSTEP_MS - 1e-9))


@dataclass(frozen=True)
class Drive:
    """The drive of one population for C conditions, of which B stimuli are repetitions.

    Either ``space`` [C,K,N] with ``time`` [C,K,T], the drive being their products summed over K in order, or
    ``frames`` [C,T,N]. ``rows`` [B] gives the condition of each stimulus.
    """

    rows: Tensor
    space: Tensor | None = None
    time: Tensor | None = None
    frames: Tensor | None = None

    @property
    def samples(self) -> int:
        """The number of samples T."""
        return int(self.time.shape[2]) if self.time is not None else int(self._frames.shape[1])

    @property
    def neurons(self) -> int:
        """The number of neurons N."""
        return int(self.space.shape[2]) if self.space is not None else int(self._frames.shape[2])

    @property
    def dtype(self) -> torch.dtype:
        """The precision that the kernel computes in."""
        return self.space.dtype if self.space is not None else self._frames.dtype

    def finite(self) -> Tensor:
        """Return which stimuli have a finite drive, [B]."""
        if self.space is None or self.time is None:
            return torch.isfinite(self._frames).all(dim=2).all(dim=1)[self.rows]
        parts = [torch.isfinite(part).all(dim=2).all(dim=1) for part in (self.space, self.time)]
        return (parts[0] & parts[1])[self.rows]

    @property
    def _frames(self) -> Tensor:
        assert self.frames is not None
        return self.frames

    def at(self, sample: int) -> Tensor:
        """Return the drive of one sample, [C,N]."""
        if self.space is None or self.time is None:
            return self._frames[:, sample]
        total = self.space[:, 0] * self.time[:, 0, sample, None]
        for k in range(1, self.space.shape[1]):
            total = total + self.space[:, k] * self.time[:, k, sample, None]
        return total


@dataclass(frozen=True)
class Afferents:
    """One population's equations and numbers; a value is shared (a number) or one a neuron ([N]).

    With a ``surrogate``, spikes are 0.0 and 1.0 with a gradient (torch backend only).
    """

    filter: Block | None
    model: Block | None
    filter_values: Mapping[str, float | Tensor] = field(default_factory=dict)
    model_values: Mapping[str, float | Tensor] = field(default_factory=dict)
    gain: float | Tensor = 1.0
    noise_std: float = 0.0
    dt_ms: float = 0.5
    substeps: int = 1
    surrogate: Surrogate | None = None

    @property
    def step_ms(self) -> float:
        """The integration step in ms."""
        return self.dt_ms / self.substeps

    @property
    def noise_scale(self) -> float:
        """Standard deviation of one sample's noise: it grows as 1/sqrt(dt), so that its power does not depend on dt."""
        return self.noise_std / math.sqrt(self.dt_ms)

    def times(self, samples: int) -> np.ndarray:
        """Return the time in ms at the start of every step, [T, substeps], in float64."""
        starts = np.arange(samples)[:, None] * self.dt_ms
        return starts + np.arange(self.substeps) * self.step_ms


@dataclass
class Output:
    """What a kernel computed: ``spikes`` bool [B,T,N] (with a surrogate, 0.0 and 1.0; from triton packed, as
    :func:`unpacked` takes them), recorded traces [B,T,N], and which stimuli stayed finite [B].
    """

    finite: Tensor
    spikes: Tensor | None = None
    traces: dict[str, Tensor] = field(default_factory=dict)


def unpacked(spikes: Tensor, samples: int) -> Tensor:
    """Return spikes bool [B,T,N] of bytes [B,T/8,N] that hold eight samples each, the first in the lowest bit.

    Spikes that are not packed are returned as they are.
    """
    if spikes.dtype != torch.uint8:
        return spikes
    bits = torch.tensor([1 << k for k in range(8)], dtype=torch.uint8, device=spikes.device)
    spread = (spikes[:, :, None, :] & bits[:, None]) != 0
    return spread.reshape(spikes.shape[0], -1, spikes.shape[2])[:, :samples].contiguous()


def uploaded(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on a device; the way to a GPU goes by page-locked memory, so that nothing waits for its work."""
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


class Kernel(Protocol):
    """A backend: ``keys`` int64 [B,2] seed the noise; ``record`` names traces; ``threads`` the most it may use.

    Traces are ``drive``, ``filtered`` (the filter's output), and the states of the model, or of the filter where
    there is no model.
    """

    def __call__(
        self,
        afferents: Afferents,
        drive: Drive,
        keys: Tensor | None,
        record: tuple[str, ...] = (),
        threads: int | None = None,
    ) -> Output:
        """Run the population over the drive."""
