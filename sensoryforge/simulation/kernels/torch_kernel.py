"""The torch backend: any device, float32 or float64, with gradients.

It runs one operation of the equations at a time, for all neurons and stimuli together.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from sensoryforge.equations.block import Block
from sensoryforge.equations.program import (
    SETTLED_EVERY,
    initial_program,
    output_program,
    settled_program,
    step_program,
)
from sensoryforge.simulation.kernels.base import Afferents, Drive, Output
from sensoryforge.simulation.kernels.machine import Machine
from sensoryforge.simulation.kernels.noise import Normals
from sensoryforge.simulation.kernels.surrogate import Surrogate, either

Values = Mapping[str, float | Tensor]


def run(
    afferents: Afferents,
    drive: Drive,
    keys: Tensor | None,
    record: tuple[str, ...] = (),
    threads: int | None = None,
) -> Output:
    """Run a population over a chunk; see :class:`sensoryforge.simulation.kernels.Kernel`.

    Threads are torch's own.
    """
    return _Run(afferents, drive, keys, record).output()


class Stepper:
    """One block over a batch: holds its states and advances them sample by sample.

    Parameters
    ----------
    block
        The equations.
    values
        Their parameters.
    shape
        Conditions or stimuli, and neurons.
    like
        A tensor of the precision and device to compute in.
    step_ms
        The integration step in ms.
    surrogate
        Gives spikes a gradient.
    """

    def __init__(
        self,
        block: Block,
        values: Values,
        shape: tuple[int, int],
        like: Tensor,
        step_ms: float,
        surrogate: Surrogate | None = None,
    ) -> None:
        dtype, device = like.dtype, like.device
        exact = dtype == torch.float32
        self.zero = torch.zeros(shape, dtype=dtype, device=device)
        self.soft = surrogate is not None
        self.samples = 0

        step = step_program(block, exact=exact)
        self.step = Machine(step, dtype, device, surrogate, step_ms)
        self.out = Machine(output_program(block, exact=exact), dtype, device)
        self.settled: Machine | None = None
        if exact and block.kind == "filter":
            self.settled = Machine(settled_program(block), dtype, device)

        parameters = {name: self.step.tensor(value) for name, value in values.items()}
        initial = Machine(initial_program(block, exact=exact), dtype, device)
        states = initial.run(**parameters)
        self.states = {name: value.expand(shape) for name, value in states.items()}
        self.step.set(dt=step_ms, **parameters)
        self.out.set(dt=step_ms, **parameters)
        self.step.level(0)

    def advance(self, times: Tensor, **inputs: Tensor) -> Tensor | None:
        """Take the steps of one sample.

        Parameters
        ----------
        times
            When each step starts, in ms [substeps].
        inputs
            ``I``, and ``dI`` for a filter.

        Returns
        -------
        Tensor or None
            Where any of the steps spiked; None for a filter.
        """
        if self.settled is not None and self.samples % SETTLED_EVERY == 0:
            self.states = self.settled.run(**self.states)
        self.samples += 1
        self.step.set(**inputs)
        self.step.level(1)
        spiked: Tensor | None = None
        for t in times:
            self.step.set(t=t, **self.states)
            self.step.level(2)
            self.states = self.step.values()
            spike = self.states.pop("spike", None)
            if spiked is None:
                spiked = spike
            elif spike is not None:
                spiked = self.either(spiked, spike)
        return spiked

    def either(self, a: Tensor, b: Tensor) -> Tensor:
        """Return where one of two spiked."""
        if self.soft:
            return either(a.to(self.zero), b.to(self.zero))
        return torch.logical_or(a, b)

    def output(self, t: Tensor, **inputs: Tensor) -> Tensor:
        """Return a filter's output after the sample's last step."""
        return self.out.run(t=t, **inputs, **self.states)["output"]

    def state(self, name: str) -> Tensor:
        """Return a state of every neuron; all of them may share what ``next`` gave it."""
        return self.states[name].expand_as(self.zero)

    def finite(self) -> Tensor:
        """Return which conditions or stimuli have finite states."""
        total = sum(self.states.values(), self.zero)
        return torch.isfinite(total).all(dim=1)


class _Run:
    """One run: the filter works a condition at a time, the model a stimulus at a time."""

    def __init__(
        self, afferents: Afferents, drive: Drive, keys: Tensor | None, record: tuple[str, ...]
    ) -> None:
        # Where numbers differ between stimuli, so does what the filter makes of one condition.
        drive = drive.of_stimuli() if afferents.varied else drive
        self.afferents, self.drive = afferents, drive
        self.like = drive.at(0)
        neurons = drive.neurons
        conditions = (len(self.like), neurons)
        stimuli = (len(drive.rows), neurons)
        self.filter = self.stepper(afferents.filter, afferents.filter_values, conditions)
        self.model = self.stepper(afferents.model, afferents.model_values, stimuli)
        self.gain = self.tensor(afferents.gain)
        self.scale = self.tensor(afferents.noise_scale)
        self.dt = self.tensor(afferents.dt_ms)
        self.times = torch.as_tensor(afferents.times(drive.samples)).to(self.like)
        self.noise: Normals | None = None
        if keys is not None and afferents.noisy:
            self.noise = Normals(keys.to(self.like.device), neurons)
        self.traces: dict[str, list[Tensor]] = {name: [] for name in record}

    def tensor(self, value: float | Tensor) -> Tensor:
        """Return a number in the run's precision, on its device."""
        return torch.as_tensor(value, dtype=self.like.dtype, device=self.like.device)

    def stepper(
        self, block: Block | None, values: Values, shape: tuple[int, int]
    ) -> Stepper | None:
        if block is None:
            return None
        step_ms, surrogate = self.afferents.step_ms, self.afferents.surrogate
        return Stepper(block, values, shape, self.like, step_ms, surrogate)

    def output(self) -> Output:
        spikes = self.run_samples()
        traces = {name: torch.stack(values, dim=1) for name, values in self.traces.items()}
        return Output(self.finite(), spikes, traces)

    def run_samples(self) -> Tensor | None:
        """Take the population through all samples; return its spikes [B,T,N], if it has a model."""
        rows, samples = self.drive.rows, self.drive.samples
        train = _SpikeTrain(self.model, (len(rows), samples, self.drive.neurons))
        before = torch.zeros_like(self.like)
        for sample in range(samples):
            drive = self.drive.at(sample)
            if self.drive.has_rate:
                slope = self.drive.rate_between(sample, sample + 1)[:, 0]
            else:
                slope = (drive - before) / self.dt
            before = drive
            filtered = self.filtered(sample, drive, slope)
            if self.model is not None:
                current = self.current(sample, filtered[rows])
                train.append(self.model.advance(self.times[sample], I=current))
            self.record(drive, filtered)
        return train.spikes()

    def filtered(self, sample: int, drive: Tensor, slope: Tensor) -> Tensor:
        """Return the filter's output, [C,N]."""
        if self.filter is None:
            return drive
        times = self.times[sample]
        self.filter.advance(times[: self.afferents.filter_substeps], I=drive, dI=slope)
        output = self.filter.output(times[-1], I=drive, dI=slope)
        return output.expand_as(drive)

    def current(self, sample: int, filtered: Tensor) -> Tensor:
        """Return the model's current, [B,N]."""
        current = filtered * self.gain
        if self.noise is None:
            return current
        return current + self.noise.at(sample) * self.scale

    def record(self, drive: Tensor, filtered: Tensor) -> None:
        """Keep what is asked for of a sample, a stimulus at a time."""
        rows = self.drive.rows
        for name, values in self.traces.items():
            if name == "drive":
                values.append(drive[rows])
            elif name in ("filtered", "output"):
                values.append(filtered[rows])
            elif self.model is not None:
                values.append(self.model.state(name))
            elif self.filter is not None:
                values.append(self.filter.state(name)[rows])

    def finite(self) -> Tensor:
        """Return which stimuli stayed finite, [B]."""
        rows = self.drive.rows
        finite = torch.ones_like(rows, dtype=torch.bool)
        if self.model is not None:
            finite = self.model.finite()
        if self.filter is not None:
            finite = finite & self.filter.finite()[rows]
        return finite


class _SpikeTrain:
    """Collects the spikes of a run, sample by sample.

    Spikes without a gradient are written into one tensor. With one they are kept apart and stacked
    in the end, since autograd would copy the whole tensor at each write.
    """

    def __init__(self, model: Stepper | None, shape: tuple[int, int, int]) -> None:
        self.of_samples: list[Tensor] = []
        self.whole: Tensor | None = None
        self.model = model
        if model is not None:
            self.whole = torch.zeros(shape, dtype=torch.bool, device=model.zero.device)
        self.samples = 0

    def append(self, spiked: Tensor | None) -> None:
        """Add the spikes of the next sample, [B,N]."""
        if self.model is None or self.whole is None or spiked is None:
            return
        if self.model.soft:
            self.of_samples.append(spiked.to(self.model.zero).expand_as(self.model.zero))
        else:
            self.whole[:, self.samples] = spiked
        self.samples += 1

    def spikes(self) -> Tensor | None:
        """Return all of them, [B,T,N]."""
        if self.of_samples:
            return torch.stack(self.of_samples, dim=1)
        return self.whole
