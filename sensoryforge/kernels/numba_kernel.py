"""The numba backend: one compiled loop over time for a population, the same bits as the torch backend, float32 only."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sensoryforge.errors import ConfigError
from sensoryforge.kernels.base import Afferents, Drive, Output
from sensoryforge.kernels.cache import load
from sensoryforge.kernels.prepared import Prepared
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


class _Run(Prepared):
    """The arrays of one run."""

    def output(self, threads: int) -> Output:
        drive, stimuli = self.drive, len(self.drive.rows)
        source = write(self.plan, self.differing)
        shape = (stimuli, drive.samples, drive.neurons)
        # numpy asks for huge pages, torch does not: with small ones the page faults take as long as the kernel.
        spikes = np.empty(shape if self.plan.model else (0, 0, 0), dtype=np.bool_)
        finite = np.empty(stimuli, dtype=np.bool_)
        traces = np.empty((len(self.record), *shape), dtype=np.float32)
        keys = torch.zeros(0, 2, dtype=torch.int64) if self.keys is None else self.keys
        arrays = (
            _numpy(drive.rows.long()), *self.inputs(), self.afferents.times(drive.samples).astype(np.float32),
            _numpy(keys).view(np.uint64), np.array(self.shared(source), dtype=np.float32),
            self.each(source).numpy(), self.initial().numpy(), spikes, finite, traces,
        )  # fmt: skip
        _spread(load(source.text), arrays, stimuli, threads)
        fired = torch.from_numpy(spikes) if self.plan.model else None
        recorded = zip(self.record, torch.from_numpy(traces), strict=True)
        return Output(torch.from_numpy(finite), fired, dict(recorded))

    def inputs(self) -> tuple[np.ndarray, np.ndarray]:
        drive = self.drive
        if drive.space is not None and drive.time is not None:
            return _numpy(drive.space), _numpy(drive.time)
        assert drive.frames is not None
        return _numpy(drive.frames), np.zeros((0, 0, 0), dtype=np.float32)


def _numpy(tensor: Tensor) -> np.ndarray:
    """Return a tensor's memory as an array, copied only where it is not contiguous."""
    return tensor.detach().contiguous().numpy()


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
