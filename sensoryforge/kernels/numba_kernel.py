"""The numba backend: one compiled loop over time for a population, the same bits as the torch backend, float32 only."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from math import frexp
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sensoryforge.errors import ConfigError
from sensoryforge.kernels.base import Afferents, Drive, Output
from sensoryforge.kernels.cache import load
from sensoryforge.kernels.codegen import Plan, Value
from sensoryforge.kernels.machine import Machine
from sensoryforge.kernels.writer import write

_BLOCK = 16
"""Stimuli a task, at most."""


def run(
    afferents: Afferents,
    drive: Drive,
    keys: Tensor | None,
    record: tuple[str, ...] = (),
    threads: int | None = None,
) -> Output:
    """Run a population over a chunk; see :class:`sensoryforge.kernels.base.Kernel`.

    Raises ConfigError for a drive that is not float32 on the CPU.
    """
    _check(drive)
    return _Run(afferents, drive, keys, record).output(threads or len(os.sched_getaffinity(0)))


def _check(drive: Drive) -> None:
    if drive.dtype != torch.float32:
        raise ConfigError(f"drive: got {drive.dtype}; the numba backend computes in float32, use backend torch")
    if drive.rows.device.type != "cpu":
        raise ConfigError(f"drive: is on {drive.rows.device}; the numba backend runs on the CPU, use backend torch")


class _Run:
    """The arrays of one run."""

    def __init__(self, afferents: Afferents, drive: Drive, keys: Tensor | None, record: tuple[str, ...]) -> None:
        self.afferents, self.drive, self.record = afferents, drive, record
        noisy = keys is not None and afferents.noise_std > 0 and afferents.model is not None
        self.keys = keys if noisy else None
        self.plan = _known(
            Plan(
                filter=afferents.filter,
                model=afferents.model,
                terms=drive.space.shape[1] if drive.space is not None else 0,
                substeps=afferents.substeps,
                noisy=noisy,
                record=record,
                halving=frexp(afferents.dt_ms)[0] == 0.5,
            )
        )
        self.values = self.constant()

    def constant(self) -> dict[tuple[str, int], Tensor]:
        """Return (part, register) -> value of everything that does not change in the run."""
        values: dict[tuple[str, int], Tensor] = {}
        for name, part in self.plan.parts.items():
            machine = Machine(part.program, torch.float32, torch.device("cpu"))
            machine.set(dt=self.afferents.step_ms, **self.shared(part.owner))
            machine.level(0)
            values |= {(name, i.out): machine.registers[i.out] for i in part.program.instructions if i.level == 0}
        dt = self.afferents.dt_ms
        run = (1 / dt if self.plan.halving else dt, self.afferents.gain, self.afferents.noise_scale)
        return values | {("run", k): torch.as_tensor(v, dtype=torch.float32) for k, v in enumerate(run)}

    def shared(self, owner: str) -> dict[str, Tensor]:
        values = self.afferents.model_values if owner == "model" else self.afferents.filter_values
        return {n: torch.as_tensor(v, dtype=torch.float32) for n, v in values.items()}

    def initial(self) -> np.ndarray:
        """Return the initial states, [states, neurons]."""
        rows: list[Tensor] = []
        for owner, program in self.plan.initials.items():
            machine = Machine(program, torch.float32, torch.device("cpu"))
            rows += machine.run(**self.shared(owner)).values()
        return _stacked(rows, self.drive.neurons)

    def output(self, threads: int) -> Output:
        drive, stimuli = self.drive, len(self.drive.rows)
        source = write(self.plan, frozenset(key for key, value in self.values.items() if value.ndim))
        shape = (stimuli, drive.samples, drive.neurons)
        # numpy asks for huge pages, torch does not: with small ones the page faults take as long as the kernel.
        spikes = np.empty(shape if self.plan.model else (0, 0, 0), dtype=np.bool_)
        finite = np.empty(stimuli, dtype=np.bool_)
        traces = np.empty((len(self.record), *shape), dtype=np.float32)
        keys = torch.zeros(0, 2, dtype=torch.int64) if self.keys is None else self.keys
        shared = [float(self.value(v)) for v in source.shared]
        arrays = (
            _numpy(drive.rows.long()), *self.inputs(), self.afferents.times(drive.samples).astype(np.float32),
            _numpy(keys).view(np.uint64), np.array(shared, dtype=np.float32),
            _stacked([self.value(v).float() for v in source.each], drive.neurons), self.initial(),
            spikes, finite, traces,
        )  # fmt: skip
        _spread(load(source.text), arrays, stimuli, threads)
        fired = torch.from_numpy(spikes) if self.plan.model else None
        recorded = zip(self.record, torch.from_numpy(traces), strict=True)
        return Output(torch.from_numpy(finite), fired, dict(recorded))

    def value(self, value: Value) -> Tensor:
        return self.values[value.part, value.register]

    def inputs(self) -> tuple[np.ndarray, np.ndarray]:
        drive = self.drive
        if drive.space is not None and drive.time is not None:
            return _numpy(drive.space), _numpy(drive.time)
        assert drive.frames is not None
        return _numpy(drive.frames), np.zeros((0, 0, 0), dtype=np.float32)


@lru_cache(maxsize=64)
def _known(plan: Plan) -> Plan:
    """Return the first equal plan, whose programs are made; it keeps its blocks alive, so that their ids hold."""
    return plan


def _numpy(tensor: Tensor) -> np.ndarray:
    """Return a tensor's memory as an array, copied only where it is not contiguous."""
    return tensor.detach().contiguous().numpy()


def _stacked(rows: list[Tensor], neurons: int) -> np.ndarray:
    return torch.stack([r.expand(neurons) for r in rows]).numpy() if rows else np.zeros((0, neurons), dtype=np.float32)


def _spread(kernel: Callable[..., None], arrays: tuple[Any, ...], stimuli: int, threads: int) -> None:
    """Run the kernel over blocks of stimuli in a pool of threads; each block writes to its own part of the arrays."""
    block = max(1, min(_BLOCK, -(-stimuli // (2 * threads))))
    if threads == 1 or stimuli == 1:
        kernel(0, stimuli, *arrays)
        return
    with ThreadPoolExecutor(threads) as pool:
        tasks = [pool.submit(kernel, k, min(k + block, stimuli), *arrays) for k in range(0, stimuli, block)]
    for task in tasks:
        task.result()
