"""The Triton backend: one launch for a population's chunk on a GPU, the same bits as the torch backend, float32 only.

Without a GPU the same kernels run in Triton's interpreter (``TRITON_INTERPRET=1``), slowly, for tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sensoryforge.errors import ConfigError
from sensoryforge.kernels.base import Afferents, Drive, Output, uploaded
from sensoryforge.kernels.prepared import Prepared

LANES = 128
"""Neurons times stimuli that a program takes: one for each of its threads."""
WARPS = 4
OPTIONS: dict[str, Any] = {"num_warps": WARPS, "enable_fp_fusion": False}
"""Launch options; fusing a product and a sum would round once instead of twice."""


def run(
    afferents: Afferents,
    drive: Drive,
    keys: Tensor | None,
    record: tuple[str, ...] = (),
    threads: int | None = None,
) -> Output:
    """Run a population over a chunk; see :class:`sensoryforge.kernels.base.Kernel`. Threads are the card's own.

    Spikes are packed (see :func:`sensoryforge.kernels.base.unpacked`), and may not be there yet when this returns.
    Raises ConfigError for a drive that is not float32 on a GPU, and where Triton is not installed.
    """
    _check(drive)
    with torch.cuda.device_of(drive.rows):  # type: ignore[no-untyped-call]  # Triton launches on the current card
        return _Run(afferents, drive, keys, record).output()


def _check(drive: Drive) -> None:
    try:
        import triton  # noqa: F401
    except ImportError as error:
        raise ConfigError("pipeline.backend: got 'triton', which is not installed; pip install triton") from error
    if drive.dtype != torch.float32:
        raise ConfigError(f"drive: got {drive.dtype}; the triton backend computes in float32, use backend torch")
    if drive.rows.device.type != "cuda" and not interpreted():
        raise ConfigError(f"drive: is on {drive.rows.device}; the triton backend runs on a GPU, use backend numba")


def interpreted() -> bool:
    """Return whether kernels run in Triton's interpreter instead of on a GPU."""
    from triton import knobs

    return bool(knobs.runtime.interpret)


class _Run(Prepared):
    """The arrays of one run."""

    def output(self) -> Output:
        from sensoryforge.kernels.cache import load
        from sensoryforge.kernels.triton_writer import write

        source = write(self.plan, self.differing)
        arrays = self.arrays(source)
        stimuli, neurons = len(self.drive.rows), self.drive.neurons
        lanes = stimuli * neurons
        block = max(LANES, 1 << (lanes - 1).bit_length()) if interpreted() else LANES
        kernel: Any = load(source.text, "triton")
        with np.errstate(all="ignore"):  # the interpreter computes with numpy
            kernel[(-(-lanes // block),)](
                *arrays.values(), stimuli, self.drive.samples, neurons, BLOCK=block, **OPTIONS
            )
        finite = arrays["finite"].bool().view(stimuli, neurons).all(dim=1)
        spikes = arrays["spikes"] if self.plan.model else None
        return Output(finite, spikes, dict(zip(self.record, arrays["traces"], strict=True)))

    def arrays(self, source: Any) -> dict[str, Tensor]:
        """Return what the kernel reads and writes, on the drive's device."""
        drive, device = self.drive, self.drive.rows.device
        stimuli, samples, neurons = len(drive.rows), drive.samples, drive.neurons
        frames = drive.space if drive.space is not None else drive.frames
        assert frames is not None
        time = drive.time if drive.time is not None else torch.zeros(1)
        keys = torch.zeros(1, 2, dtype=torch.int64) if self.keys is None else self.keys.cpu()
        given = {
            "rows": drive.rows.long(),
            "space": frames.detach(),
            "time": time.detach(),
            "times": torch.from_numpy(self.afferents.times(samples).astype(np.float32)),
            "keys": keys[:, 0] | keys[:, 1] << 32,
            "shared": torch.tensor(self.shared(source), dtype=torch.float32),
            "each": self.each(source),
            "initial": self.initial(),
        }
        made = {
            "spikes": ((stimuli, -(-samples // 8), neurons) if self.plan.model else (1,), torch.uint8),
            "finite": ((stimuli * neurons,), torch.uint8),
            "traces": ((len(self.record), stimuli, samples, neurons), torch.float32),
        }
        return {n: uploaded(v.contiguous(), device) for n, v in given.items()} | {
            n: torch.empty(shape, dtype=kind, device=device) for n, (shape, kind) in made.items()
        }
