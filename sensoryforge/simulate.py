"""One equation block on a given drive: the kernel without sheet, stimuli or files."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sensoryforge.equations import Block
from sensoryforge.errors import ConfigError, listing, suggest

if TYPE_CHECKING:
    from torch import Tensor


def simulate(
    block: Block,
    drive: Tensor,
    dt_ms: float,
    substeps: int | None = None,
    backend: str = "torch",
    record: Sequence[str] = (),
    seed: int = 0,
) -> dict[str, Tensor]:
    """Run a filter or a neuron model on a drive.

    ``drive``: [B,T,N], float32 or float64 (computed in that precision), held for a sample of ``dt_ms`` each.
    ``substeps``: integration steps a sample, by default as many as keep each at 0.1 ms or below. ``record``: states to
    return. ``seed`` draws the parameters that are distributions over neurons.

    Returns ``{"spikes": bool [B,T,N]}`` for a model, ``{"output": [B,T,N]}`` for a filter, and each recorded state
    after the sample's last step. Raises ConfigError.
    """
    import torch

    from sensoryforge.kernels import Afferents, Drive, auto_substeps, kernel, unpacked

    _check(block, drive, dt_ms, substeps, record)
    steps = substeps or auto_substeps(dt_ms)
    if dt_ms / steps > 0.1 + 1e-9:
        warnings.warn(
            f"an integration step of {dt_ms / steps:g} ms loses spikes; set substeps to {auto_substeps(dt_ms)} or more",
            stacklevel=2,
        )
    values = {
        n: v if isinstance(v, float) else torch.as_tensor(v).to(drive)
        for n, v in block.draw(drive.shape[2], seed, block.kind).items()
    }
    model = block.kind == "model"
    afferents = Afferents(
        filter=None if model else block,
        model=block if model else None,
        filter_values={} if model else values,
        model_values=values if model else {},
        dt_ms=dt_ms,
        substeps=steps,
    )
    rows = torch.arange(drive.shape[0], device=drive.device)
    traces = tuple(record) if model else ("output", *record)
    out = kernel(backend)(afferents, Drive(rows, frames=drive), None, traces)
    return ({"spikes": unpacked(out.spikes, drive.shape[1])} if out.spikes is not None else {}) | out.traces


def _check(block: Block, drive: object, dt_ms: float, substeps: int | None, record: Sequence[str]) -> None:
    import torch

    problems = []
    if not isinstance(drive, torch.Tensor):
        problems.append(f"drive: got {type(drive).__name__}; allowed: a tensor, float32 or float64 [B,T,N]")
    elif drive.ndim != 3 or 0 in drive.shape or drive.dtype not in (torch.float32, torch.float64):
        problems.append(f"drive: got {drive.dtype} {list(drive.shape)}; allowed: float32 or float64 [B,T,N]")
    if not (isinstance(dt_ms, int | float) and 0 < dt_ms < float("inf")):
        problems.append(f"dt_ms: got {dt_ms!r}; allowed: a number > 0")
    if substeps is not None and (not isinstance(substeps, int) or substeps < 1):
        problems.append(f"substeps: got {substeps!r}; allowed: None or a whole number >= 1")
    problems += [
        f"record: unknown state {n!r}; known: {listing(block.states)}{suggest(n, block.states)}"
        for n in record
        if n not in block.states
    ]
    if problems:
        raise ConfigError(problems)
