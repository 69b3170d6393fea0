"""What a kernel is given and what it returns; every backend takes and makes the same.

A kernel runs one population over a chunk of stimuli, sample by sample: drive -> filter -> gain ->
noise -> model. The filter takes all its steps of a sample first. Its output, times the gain, plus
the noise of the sample, is the model's current, held for the sample. A sample counts as a spike
when any of the model's steps in it crossed the threshold.

Letters in shapes: B stimuli, C conditions, T samples, N neurons, K terms of a separable drive.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Floats
from sensoryforge.equations.block import Block
from sensoryforge.simulation.kernels.surrogate import Surrogate


@dataclass(frozen=True)
class Drive:
    """The drive of one population: of C conditions, of which B stimuli are the repetitions.

    It is given either as ``space`` and ``time``, whose products are summed over K in order, or as
    ``frames``. The drive has the model's units at the receptor, before the gain.

    Parameters
    ----------
    rows
        The condition of each stimulus, int64 [B].
    space
        What each neuron feels of each term, float [C,K,N].
    time
        The course of each term, float [C,K,T].
    frames
        The drive of a stimulus that does not separate, float [C,T,N].
    rates
        How many of the last terms are not drive but its rate: their sum is ``dI``, per ms. With 0
        the rate is the difference of the drive from sample to sample.
    delay
        By how many samples the rate terms reach each neuron late, int64 [C,N] and not negative.
        What has not arrived yet is 0.
    rate_frames
        ``dI`` beside ``frames``, per ms, float [C,T,N]; without it the difference of the drive.

    Raises
    ------
    ConfigError
        With one line, for parts that do not go together.

    Examples
    --------
    A step onto three neurons, presented twice:

    >>> step = torch.tensor([[[0.0, 1.0, 1.0, 1.0]]])
    >>> drive = Drive(torch.tensor([0, 0]), space=torch.ones(1, 1, 3), time=step)
    >>> drive.samples, drive.neurons
    (4, 3)

    A rate of its own, which reaches the second and the third neuron one and two samples late:

    >>> late = torch.tensor([[0, 1, 2]])
    >>> both = torch.ones(1, 2, 3)
    >>> fast = Drive(torch.tensor([0]), both, torch.cat([step, step], 1), rates=1, delay=late)
    >>> fast.rate_between(0, 4)[0]
    tensor([[0., 0., 0.],
            [1., 0., 0.],
            [1., 1., 0.],
            [1., 1., 1.]])
    """

    rows: Tensor
    space: Tensor | None = None
    time: Tensor | None = None
    frames: Tensor | None = None
    rates: int = 0
    delay: Tensor | None = None
    rate_frames: Tensor | None = None

    def __post_init__(self) -> None:
        problem = _problem_of_rates(self)
        if problem:
            raise ConfigError(f"drive: {problem}")

    @property
    def has_rate(self) -> bool:
        """Whether ``dI`` is given, and not the difference of the drive."""
        return self.rates > 0 or self.rate_frames is not None

    @property
    def terms(self) -> int:
        """The number of terms that sum to the drive itself."""
        assert self.space is not None
        return int(self.space.shape[1]) - self.rates

    @property
    def samples(self) -> int:
        """The number of samples T."""
        if self.time is None:
            return int(self._frames.shape[1])
        return int(self.time.shape[2])

    @property
    def neurons(self) -> int:
        """The number of neurons N."""
        if self.space is None:
            return int(self._frames.shape[2])
        return int(self.space.shape[2])

    @property
    def dtype(self) -> torch.dtype:
        """The precision that the kernel computes in."""
        return self._frames.dtype if self.space is None else self.space.dtype

    @property
    def _frames(self) -> Tensor:
        assert self.frames is not None
        return self.frames

    def of_stimuli(self) -> Drive:
        """Return the same drive with each stimulus as a condition of its own, C = B."""

        def each(values: Tensor | None) -> Tensor | None:
            return None if values is None else values[self.rows]

        return Drive(
            rows=torch.arange(len(self.rows), device=self.rows.device),
            space=each(self.space),
            time=each(self.time),
            frames=each(self.frames),
            rates=self.rates,
            delay=each(self.delay),
            rate_frames=each(self.rate_frames),
        )

    def finite(self) -> Tensor:
        """Return which stimuli have a finite drive, bool [B]."""
        if self.space is None or self.time is None:
            conditions = _finite_conditions(self._frames)
            if self.rate_frames is not None:
                conditions = conditions & _finite_conditions(self.rate_frames)
        else:
            conditions = _finite_conditions(self.space) & _finite_conditions(self.time)
        return conditions[self.rows]

    def at(self, sample: int) -> Tensor:
        """Return the drive of one sample, [C,N]."""
        return self.between(sample, sample + 1)[:, 0]

    def between(self, first: int, stop: int) -> Tensor:
        """Return the drive of some samples, [C,T,N]."""
        if self.space is None or self.time is None:
            return self._frames[:, first:stop]
        total = self._term(0, first, stop)
        for k in range(1, self.terms):
            total = total + self._term(k, first, stop)
        return total

    def rate_between(self, first: int, stop: int) -> Tensor:
        """Return ``dI`` of some samples, per ms [C,T,N], of a drive that has one of its own."""
        if self.rate_frames is not None:
            return self.rate_frames[:, first:stop]
        total = self._rate_term(self.terms, first, stop)
        for k in range(self.terms + 1, self.terms + self.rates):
            total = total + self._rate_term(k, first, stop)
        return total

    def _term(self, k: int, first: int, stop: int) -> Tensor:
        assert self.space is not None
        assert self.time is not None
        return self.space[:, k, None] * self.time[:, k, first:stop, None]

    def _rate_term(self, k: int, first: int, stop: int) -> Tensor:
        if self.delay is None:
            return self._term(k, first, stop)
        assert self.space is not None
        assert self.time is not None
        samples = torch.arange(first, stop, device=self.delay.device)
        source = samples[None, :, None] - self.delay[:, None, :]
        arrived = source >= 0
        course = self.time[:, k, :, None].expand(-1, -1, self.neurons)
        late = course.gather(1, source.clamp(min=0))
        return self.space[:, k, None] * torch.where(arrived, late, 0.0)


def _problem_of_rates(drive: Drive) -> str:
    """Return what is wrong with the rate of a drive, or an empty text."""
    terms = 0 if drive.space is None else int(drive.space.shape[1])
    if drive.rates and not 0 < drive.rates < terms:
        return f"rates: got {drive.rates}; allowed: fewer than the terms, {terms}"
    if drive.delay is not None:
        if drive.space is None or not drive.rates:
            return "delay: got one without rates; allowed: a delay of rate terms"
        shape = (len(drive.space), drive.neurons)
        if drive.delay.shape != shape or drive.delay.dtype != torch.int64:
            late = f"{drive.delay.dtype} {list(drive.delay.shape)}"
            return f"delay: got {late}; allowed: int64 {list(shape)}"
    if drive.rate_frames is not None:
        if drive.frames is None:
            return "rate_frames: got them without frames; allowed: beside frames"
        if drive.rate_frames.shape != drive.frames.shape:
            got = list(drive.rate_frames.shape)
            return f"rate_frames: got {got}; allowed: {list(drive.frames.shape)}"
    return ""


def _finite_conditions(values: Tensor) -> Tensor:
    return torch.isfinite(values).all(dim=2).all(dim=1)


@dataclass(frozen=True)
class Afferents:
    """One population's equations and numbers.

    A number is shared by all neurons (a float), or each has its own (a tensor [N]). Where it
    differs between stimuli it is a tensor [B,1], or [B,N] where it differs between both.

    Parameters
    ----------
    filter
        What the drive passes through; without it the drive itself drives the model.
    model
        What fires; without it the filter's output is all there is.
    filter_values, model_values
        The parameters of the equations by name, in the units of their YAML files.
    gain
        What the filter's output is multiplied with.
    noise_std
        Standard deviation of the white noise, in units of current x sqrt(ms); it may differ
        between neurons, as any other number.
    dt_ms
        Length of a sample in ms.
    substeps
        Integration steps a sample.
    filter_substeps
        Those of the filter, where it takes others: one that is stepped exactly takes one.
    surrogate
        Gives spikes a gradient; they are then 0.0 and 1.0 (torch backend only).

    Examples
    --------
    >>> afferents = Afferents(filter=None, model=None, noise_std=2.0, dt_ms=0.25, substeps=5)
    >>> afferents.step_ms, afferents.noise_scale
    (0.05, 4.0)
    """

    filter: Block | None
    model: Block | None
    filter_values: Mapping[str, float | Tensor] = field(default_factory=dict)
    model_values: Mapping[str, float | Tensor] = field(default_factory=dict)
    gain: float | Tensor = 1.0
    noise_std: float | Tensor = 0.0
    dt_ms: float = 0.5
    substeps: int = 1
    surrogate: Surrogate | None = None
    filter_substeps: int | None = None

    @property
    def varied(self) -> bool:
        """Whether any number differs between stimuli."""
        numbers = (*self.filter_values.values(), *self.model_values.values())
        return any(
            isinstance(number, Tensor) and number.ndim == 2
            for number in (*numbers, self.gain, self.noise_std)
        )

    @property
    def step_ms(self) -> float:
        """The integration step in ms."""
        return self.dt_ms / self.substeps

    @property
    def noisy(self) -> bool:
        """Whether any neuron has noise."""
        return bool(torch.as_tensor(self.noise_std).gt(0).any())

    @property
    def noise_scale(self) -> float | Tensor:
        """Standard deviation of one sample's noise.

        Noise is held for a sample: growing as 1/sqrt(dt) keeps its power independent of dt.
        """
        if isinstance(self.noise_std, Tensor):
            # In float64, as a number is divided, so that both have the same bits.
            return self.noise_std.double() / math.sqrt(self.dt_ms)
        return self.noise_std / math.sqrt(self.dt_ms)

    def times(self, samples: int) -> Floats:
        """Return the time in ms at the start of every step, float64 [T, substeps]."""
        of_samples = np.arange(samples)[:, None] * self.dt_ms
        of_steps = np.arange(self.substeps) * self.step_ms
        times: Floats = of_samples + of_steps
        return times


@dataclass
class Output:
    """What a kernel computed.

    Parameters
    ----------
    finite
        Which stimuli stayed finite in every neuron, bool [B].
    spikes
        bool [B,T,N], none without a model; with a surrogate 0.0 and 1.0, float. The triton backend
        packs them (see :func:`unpack_spikes`).
    traces
        What was recorded, by name, float [B,T,N].

    Examples
    --------
    >>> output = Output(finite=torch.tensor([True]), spikes=torch.zeros(1, 4, 3, dtype=torch.bool))
    >>> output.traces
    {}
    """

    finite: Tensor
    spikes: Tensor | None = None
    traces: dict[str, Tensor] = field(default_factory=dict)


class Kernel(Protocol):
    """A backend's way to run a population over a drive.

    Parameters
    ----------
    afferents
        The population.
    drive
        What drives it.
    keys
        Keys of the noise, int64 [B,2] (:func:`sensoryforge.simulation.kernels.noise.keys`); None
        for no noise.
    record
        Traces to return: ``drive``, ``filtered`` (the filter's output), and states of the model,
        or of the filter where there is no model.
    threads
        The most threads it may use.

    Examples
    --------
    >>> from sensoryforge.simulation.kernels import kernel
    >>> callable(kernel("torch"))
    True
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


def unpack_spikes(spikes: Tensor, samples: int) -> Tensor:
    """Return spikes as bool, one sample a byte; those that are not packed are returned as they are.

    Parameters
    ----------
    spikes
        Eight samples to a byte, the first in the lowest bit, uint8 [B, ceil(T/8), N].
    samples
        The number of samples T.

    Examples
    --------
    >>> unpack_spikes(torch.tensor([[[5]]], dtype=torch.uint8), samples=4).flatten().tolist()
    [True, False, True, False]
    """
    if spikes.dtype != torch.uint8:
        return spikes
    stimuli, _, neurons = spikes.shape
    powers = [1, 2, 4, 8, 16, 32, 64, 128]
    bits = torch.tensor(powers, dtype=torch.uint8, device=spikes.device)
    spread = (spikes[:, :, None, :] & bits[:, None]) != 0
    whole = spread.reshape(stimuli, -1, neurons)
    return whole[:, :samples].contiguous()


def upload(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on a device.

    A copy to a GPU goes by way of page-locked memory: only from there does it run beside the GPU's
    work, so that nothing waits for it.

    Parameters
    ----------
    tensor
        A tensor on the CPU, or on that device already.
    device
        Where it is to go.

    Examples
    --------
    >>> upload(torch.zeros(3), torch.device("cpu")).device
    device(type='cpu')
    """
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
