"""The numba backend: one compiled loop over time for a population, on the CPU.

It has the same bits as the torch backend, in float32 only.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sensoryforge.core.devices import usable_cores
from sensoryforge.core.errors import ConfigError
from sensoryforge.simulation.kernels.base import Afferents, Drive, Output
from sensoryforge.simulation.kernels.body import KernelSource
from sensoryforge.simulation.kernels.cache import load
from sensoryforge.simulation.kernels.numba_writer import write
from sensoryforge.simulation.kernels.prepared import Prepared

Array = npt.NDArray[Any]

_BLOCK = 16
"""Stimuli that a thread takes at a time, at most: enough that handing them out costs nothing."""


def run(
    afferents: Afferents,
    drive: Drive,
    keys: Tensor | None,
    record: tuple[str, ...] = (),
    threads: int | None = None,
) -> Output:
    """Run a population over a chunk; see :class:`sensoryforge.simulation.kernels.Kernel`.

    Raises
    ------
    ConfigError
        For a drive that is not float32 on the CPU.
    """
    _check(drive)
    return _Run(afferents, drive, keys, record).output(threads or usable_cores())


def _check(drive: Drive) -> None:
    if drive.dtype != torch.float32:
        raise ConfigError(
            f"drive: got {drive.dtype}; the numba backend computes in float32, use backend torch"
        )
    device = drive.rows.device
    if device.type != "cpu":
        raise ConfigError(
            f"drive: is on {device}; the numba backend runs on the CPU, use backend torch"
        )


class _Run(Prepared):
    """The arrays of one run."""

    def output(self, threads: int) -> Output:
        """Return what the kernel computes, with up to so many threads."""
        drive = self.drive
        stimuli = len(drive.rows)
        source = write(self.plan, self.differing)
        shape = (stimuli, drive.samples, drive.neurons)
        has_model = self.plan.model is not None
        # numpy asks the system for huge pages, torch does not: with small ones the page faults
        # take as long as the kernel.
        spikes = np.empty(shape if has_model else (0, 0, 0), dtype=np.bool_)
        finite = np.empty(stimuli, dtype=np.bool_)
        traces = np.empty((len(self.record), *shape), dtype=np.float32)
        arrays = (*self.inputs(source), spikes, finite, traces)
        _run_in_blocks(load(source.text), arrays, stimuli, threads)
        return Output(
            finite=torch.from_numpy(finite),
            spikes=torch.from_numpy(spikes) if has_model else None,
            traces=dict(zip(self.record, torch.from_numpy(traces), strict=True)),
        )

    def inputs(self, source: KernelSource) -> tuple[Array, ...]:
        """Return what the kernel reads, in the order of its arguments."""
        drive = self.drive
        arrays = self.drive_arrays()
        times = self.afferents.times(drive.samples).astype(np.float32)
        keys = torch.zeros(0, 2, dtype=torch.int64) if self.keys is None else self.keys
        return (
            _as_array(drive.rows.long()),
            *arrays,
            times,
            _as_array(keys).view(np.uint64),
            self.shared(source).numpy(),
            self.each(source).numpy(),
            self.initial().numpy(),
        )

    def drive_arrays(self) -> tuple[Array, ...]:
        """Return ``space``, ``time`` and a delay if there is one, or the frames and their rates."""
        drive = self.drive
        if drive.space is not None and drive.time is not None:
            arrays = [_as_array(drive.space), _as_array(drive.time)]
            if drive.delay is not None:
                arrays.append(_as_array(drive.delay))
            return tuple(arrays)
        assert drive.frames is not None
        if drive.rate_frames is not None:
            return _as_array(drive.frames), _as_array(drive.rate_frames)
        return _as_array(drive.frames), np.zeros((0, 0, 0), dtype=np.float32)


def _as_array(tensor: Tensor) -> Array:
    """Return a tensor's memory as an array, copied only where it is not contiguous."""
    return tensor.detach().contiguous().numpy()


def _run_in_blocks(
    kernel: Callable[..., None], arrays: tuple[Array, ...], stimuli: int, threads: int
) -> None:
    """Run the kernel over blocks of stimuli in a pool of threads.

    The kernel gives up Python's lock, and each block writes to its own part of the arrays. numba's
    own ``parallel=True`` is as fast, but compiles longer, and its usual threading layer ends the
    process when two Python threads enter parallel kernels at once.
    """
    if threads == 1 or stimuli == 1:
        kernel(0, stimuli, *arrays)
        return
    # Two blocks a thread at least, so that a thread which is done early takes from the others.
    half_a_share = -(-stimuli // (2 * threads))
    block = max(1, min(_BLOCK, half_a_share))
    tasks = []
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, stimuli, block):
            stop = min(start + block, stimuli)
            tasks.append(pool.submit(kernel, start, stop, *arrays))
    for task in tasks:
        task.result()
