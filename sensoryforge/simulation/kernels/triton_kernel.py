"""The Triton backend: one launch for a population's chunk, on a GPU.

It has the same bits as the torch backend, in float32 only. Without a GPU the same kernels run in
Triton's interpreter (``TRITON_INTERPRET=1``), slowly, for tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sensoryforge.core.errors import ConfigError
from sensoryforge.simulation.kernels.base import Afferents, Drive, Output, upload
from sensoryforge.simulation.kernels.body import KernelSource
from sensoryforge.simulation.kernels.prepared import Prepared

LANES = 128
"""Neurons times stimuli that a program takes: one for each of its threads."""
WARPS = 4
"""Groups of 32 threads in a program."""
OPTIONS: dict[str, Any] = {"num_warps": WARPS, "enable_fp_fusion": False}
"""Launch options; fusing a product and a sum would round once instead of twice."""


def run(
    afferents: Afferents,
    drive: Drive,
    keys: Tensor | None,
    record: tuple[str, ...] = (),
    threads: int | None = None,
) -> Output:
    """Run a population over a chunk; see :class:`sensoryforge.simulation.kernels.Kernel`.

    Threads are the GPU's own. Spikes are packed
    (:func:`sensoryforge.simulation.kernels.unpack_spikes`), and may not be there yet when this
    returns.

    Raises
    ------
    ConfigError
        For a drive that is not float32 on a GPU, and where Triton is not installed.
    """
    _check(drive)
    # Triton launches on the current card, which need not be the drive's.
    with torch.cuda.device_of(drive.rows):  # type: ignore[no-untyped-call]
        return _Run(afferents, drive, keys, record).output()


def _check(drive: Drive) -> None:
    try:
        import triton  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "pipeline.backend: got 'triton', which is not installed; pip install triton"
        ) from error
    if drive.dtype != torch.float32:
        raise ConfigError(
            f"drive: got {drive.dtype}; the triton backend computes in float32, use backend torch"
        )
    device = drive.rows.device
    if device.type != "cuda" and not interpreted():
        raise ConfigError(
            f"drive: is on {device}; the triton backend runs on a GPU, use backend numba"
        )


def interpreted() -> bool:
    """Return whether kernels run in Triton's interpreter instead of on a GPU."""
    from triton import knobs

    return bool(knobs.runtime.interpret)


class _Run(Prepared):
    """The arrays of one run."""

    def output(self) -> Output:
        """Return what the kernel computes."""
        # Only here, where Triton is known to be installed: the operations import it.
        from sensoryforge.simulation.kernels.cache import load
        from sensoryforge.simulation.kernels.triton_writer import write

        source = write(self.plan, self.differing)
        inputs, outputs = self.inputs(source), self.outputs()
        stimuli, neurons = len(self.drive.rows), self.drive.neurons
        lanes = stimuli * neurons
        block = _lanes_a_program(lanes)
        programs = -(-lanes // block)
        arrays = [*inputs.values(), *outputs.values()]
        sizes = (stimuli, self.drive.samples, neurons)
        kernel: Any = load(source.text, "triton")
        with np.errstate(all="ignore"):  # the interpreter computes with numpy
            kernel[(programs,)](*arrays, *sizes, BLOCK=block, **OPTIONS)
        finite = outputs["finite"].bool().view(stimuli, neurons).all(dim=1)
        spikes = None if self.plan.model is None else outputs["spikes"]
        return Output(finite, spikes, dict(zip(self.record, outputs["traces"], strict=True)))

    def inputs(self, source: KernelSource) -> dict[str, Tensor]:
        """Return what the kernel reads, on the drive's device and in the order of its arguments."""
        drive = self.drive
        space = drive.frames if drive.space is None else drive.space
        assert space is not None
        time = torch.zeros(1) if drive.time is None else drive.time
        if drive.rate_frames is not None:
            time = drive.rate_frames
        times = self.afferents.times(drive.samples).astype(np.float32)
        tensors = {
            "rows": drive.rows.long(),
            "space": space.detach(),
            "time": time.detach(),
            **({} if drive.delay is None else {"delay": drive.delay}),
            "times": torch.from_numpy(times),
            "keys": self.whole_keys(),
            "shared": self.shared(source),
            "each": self.each(source),
            "initial": self.initial(),
        }
        device = drive.rows.device
        return {name: upload(tensor.contiguous(), device) for name, tensor in tensors.items()}

    def whole_keys(self) -> Tensor:
        """Return each key as one number, int64 [B], as Triton's generator takes it."""
        if self.keys is None:
            return torch.zeros(1, dtype=torch.int64)
        low, high = self.keys.cpu().unbind(dim=1)
        return low | high << 32

    def outputs(self) -> dict[str, Tensor]:
        """Return memory for what the kernel writes, in the order of its arguments."""
        drive = self.drive
        device = drive.rows.device
        stimuli = len(drive.rows)
        samples, neurons = drive.samples, drive.neurons
        octets = -(-samples // 8)
        packed = (1,) if self.plan.model is None else (stimuli, octets, neurons)
        traces = (len(self.record), stimuli, samples, neurons)
        return {
            "spikes": torch.empty(packed, dtype=torch.uint8, device=device),
            "finite": torch.empty(stimuli * neurons, dtype=torch.uint8, device=device),
            "traces": torch.empty(traces, dtype=torch.float32, device=device),
        }


def _lanes_a_program(lanes: int) -> int:
    """Return how many lanes a program takes.

    In the interpreter it takes them all: programs run one after the other there.
    """
    if not interpreted():
        return LANES
    next_power_of_two = 1 << (lanes - 1).bit_length()
    return max(LANES, next_power_of_two)
