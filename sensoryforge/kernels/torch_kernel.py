"""The torch backend: any device, float32 or float64, with gradients; one operation of the equations at a time."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from sensoryforge.equations import Block
from sensoryforge.kernels.base import Afferents, Drive, Output
from sensoryforge.kernels.machine import Machine
from sensoryforge.kernels.surrogate import Surrogate, either
from sensoryforge.noise import Normals
from sensoryforge.program import SETTLED_EVERY, initial_program, output_program, settled_program, step_program


class Stepper:
    """One block over a batch: holds its states and advances them sample by sample."""

    def __init__(
        self,
        block: Block,
        values: Mapping[str, float | Tensor],
        shape: tuple[int, int],
        like: Tensor,
        step_ms: float,
        surrogate: Surrogate | None = None,
    ) -> None:
        """``shape``: rows and neurons; ``like``: a tensor of the precision and device to compute in."""
        exact = like.dtype == torch.float32
        self.zero = torch.zeros(shape, dtype=like.dtype, device=like.device)
        self.step = Machine(step_program(block, exact=exact), like.dtype, like.device, surrogate, step_ms)
        self.soft = surrogate is not None
        self.step.set(dt=step_ms)
        self.out = Machine(output_program(block, exact=exact), like.dtype, like.device)
        self.out.set(dt=step_ms)
        self.samples = 0
        settled = exact and block.kind == "filter"
        self.settled = Machine(settled_program(block), like.dtype, like.device) if settled else None
        initial = Machine(initial_program(block, exact=exact), like.dtype, like.device)
        shared = {n: self.step.tensor(v) for n, v in values.items()}
        self.states = {n: v.expand(shape) for n, v in initial.run(**shared).items()}
        self.step.set(**shared)
        self.out.set(**shared)
        self.step.level(0)

    def advance(self, times: Tensor, **inputs: Tensor) -> Tensor | None:
        """Take the steps of one sample, starting at ``times`` [substeps]; return where any of them spiked."""
        if self.settled is not None and self.samples % SETTLED_EVERY == 0:
            self.states = self.settled.run(**self.states)
        self.samples += 1
        self.step.set(**inputs)
        self.step.level(1)
        spiked: Tensor | None = None
        for t in times:
            self.step.set(t=t, **self.states)
            self.step.level(2)
            new = self.step.values()
            spike = new.pop("spike", None)
            self.states = new
            if spike is not None:
                spiked = spike if spiked is None else self.either(spiked, spike)
        return spiked

    def either(self, a: Tensor, b: Tensor) -> Tensor:
        """Return where one of two spiked."""
        return either(a.to(self.zero), b.to(self.zero)) if self.soft else torch.logical_or(a, b)

    def output(self, t: Tensor, **inputs: Tensor) -> Tensor:
        """Return a filter's output after the sample's last step."""
        return self.out.run(t=t, **inputs, **self.states)["output"]

    def finite(self) -> Tensor:
        """Return which rows have finite states, [rows]."""
        return torch.isfinite(sum(self.states.values(), self.zero)).all(dim=1)


def run(
    afferents: Afferents,
    drive: Drive,
    keys: Tensor | None,
    record: tuple[str, ...] = (),
    threads: int | None = None,
) -> Output:
    """Run a population over a chunk; see :class:`sensoryforge.kernels.base.Kernel`. Threads are torch's own."""
    return _Run(afferents, drive, keys, record).output()


class _Run:
    """The state of one run: the filter works a condition at a time, the model a stimulus at a time."""

    def __init__(self, afferents: Afferents, drive: Drive, keys: Tensor | None, record: tuple[str, ...]) -> None:
        self.afferents, self.drive, self.record = afferents, drive, record
        like = drive.at(0)
        conditions, stimuli, neurons = like.shape[0], len(drive.rows), drive.neurons
        self.like = like
        self.filter = self.stepper(afferents.filter, afferents.filter_values, (conditions, neurons))
        self.model = self.stepper(afferents.model, afferents.model_values, (stimuli, neurons))
        self.gain = torch.as_tensor(afferents.gain, dtype=like.dtype, device=like.device)
        noisy = keys is not None and afferents.noise_std > 0
        self.noise = Normals(keys.to(like.device), neurons) if keys is not None and noisy else None
        self.scale = torch.tensor(afferents.noise_scale, dtype=like.dtype, device=like.device)
        self.dt = torch.tensor(afferents.dt_ms, dtype=like.dtype, device=like.device)
        self.times = torch.as_tensor(afferents.times(drive.samples)).to(like)
        self.traces: dict[str, list[Tensor]] = {n: [] for n in record}

    def stepper(
        self, block: Block | None, values: Mapping[str, float | Tensor], shape: tuple[int, int]
    ) -> Stepper | None:
        if block is None:
            return None
        return Stepper(block, values, shape, self.like, self.afferents.step_ms, self.afferents.surrogate)

    def output(self) -> Output:
        rows = self.drive.rows
        shape = (len(rows), self.drive.samples, self.drive.neurons)
        soft: list[Tensor] = []  # with gradients, a write into one tensor costs its whole size
        spikes = torch.zeros(shape, dtype=torch.bool, device=self.like.device) if self.model else None
        before = torch.zeros_like(self.like)
        for k in range(self.drive.samples):
            drive = self.drive.at(k)
            filtered = self.filtered(k, drive, (drive - before) / self.dt)
            before = drive
            if self.model and spikes is not None:
                spiked = self.model.advance(self.times[k], I=self.current(k, filtered[rows]))
                if self.model.soft and spiked is not None:
                    soft.append(spiked.to(self.like))
                elif spiked is not None:
                    spikes[:, k] = spiked
            self.note(drive, filtered)
        spikes = torch.stack(soft, dim=1) if soft else spikes
        return Output(self.finite(), spikes, {n: torch.stack(v, dim=1) for n, v in self.traces.items()})

    def finite(self) -> Tensor:
        finite = self.model.finite() if self.model else torch.ones_like(self.drive.rows, dtype=torch.bool)
        return finite & self.filter.finite()[self.drive.rows] if self.filter else finite

    def filtered(self, k: int, drive: Tensor, slope: Tensor) -> Tensor:
        if self.filter is None:
            return drive
        self.filter.advance(self.times[k], I=drive, dI=slope)
        return self.filter.output(self.times[k, -1], I=drive, dI=slope).expand_as(drive)

    def current(self, k: int, filtered: Tensor) -> Tensor:
        current = filtered * self.gain
        return current if self.noise is None else current + self.noise.at(k) * self.scale

    def note(self, drive: Tensor, filtered: Tensor) -> None:
        last, rows = self.model or self.filter, self.drive.rows
        for trace, values in self.traces.items():
            if trace in ("drive", "filtered", "output"):
                values.append((drive if trace == "drive" else filtered)[rows])
            elif last is not None:
                state = last.states[trace]
                values.append(state if self.model else state[rows])
