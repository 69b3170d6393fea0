"""One block of equations on a given drive: a kernel without receptors, stimuli or files."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names, suggest
from sensoryforge.core.types import Floats
from sensoryforge.equations.block import Block
from sensoryforge.equations.linear import find_exact
from sensoryforge.equations.stepping import (
    INTEGRATORS,
    auto_substeps,
    is_multiple,
    loses_spikes,
)
from sensoryforge.equations.stiffness import describe_stiffness

if TYPE_CHECKING:
    from torch import Tensor

    from sensoryforge.simulation.kernels import Afferents


def simulate(
    block: Block,
    drive: Tensor,
    dt_ms: float,
    substeps: int | None = None,
    backend: str = "torch",
    record: Sequence[str] = (),
    seed: int = 0,
    integrator: str = "euler",
) -> dict[str, Tensor]:
    """Run a filter or a neuron model on a drive.

    Parameters
    ----------
    block
        The equations, as :func:`sensoryforge.load_block` returns them.
    drive
        The drive of B stimuli at T samples to N neurons, [B,T,N]. It is held for a sample.
        float32, or float64, which is computed in float64.
    dt_ms
        Length of a sample in ms.
    substeps
        Integration steps in a sample; by default as many as keep each at 0.1 ms or below, or at
        the block's own ``step_ms``.
    backend
        ``torch``, ``numba`` or ``triton``.
    record
        States to return.
    seed
        Draws the parameters that are distributions over neurons.
    integrator
        ``exact`` steps a linear filter exactly, and what is not linear as ``euler`` does.

    Returns
    -------
    dict of str to Tensor
        ``spikes`` bool [B,T,N] of a model, ``output`` [B,T,N] of a filter, and each recorded state
        after the sample's last step, [B,T,N].

    Raises
    ------
    ConfigError
        With a line for each argument that cannot be.

    Warns
    -----
    UserWarning
        Before it runs, for steps that are too long for the equations, with the number that is not.
        Afterwards, for stimuli whose drive or states are not finite: their spikes mean nothing.

    Examples
    --------
    >>> import torch
    >>> from sensoryforge import load_block
    >>> izhikevich = load_block("model/izhikevich")
    >>> out = simulate(izhikevich, torch.full((1, 2000, 1), 10.0), dt_ms=0.1, record=["v"])
    >>> out["spikes"].sum().item()  # in 200 ms
    5
    """
    import torch

    from sensoryforge.simulation.kernels import Drive, kernel, unpack_spikes
    from sensoryforge.simulation.kernels.exact import step_exactly

    problems = list(_mistakes(block, drive, dt_ms, substeps, record))
    problems = problems or list(_problems_of_steps(block, dt_ms, substeps, integrator))
    if problems:
        raise ConfigError(problems)
    steps = substeps or auto_substeps(dt_ms, block.step_ms)
    exact = find_exact(block) if integrator == "exact" else None
    if exact is None and loses_spikes([block], dt_ms / steps):
        warnings.warn(
            f"an integration step of {dt_ms / steps:g} ms loses spikes; "
            f"set substeps to {auto_substeps(dt_ms)} or more",
            stacklevel=2,
        )
    afferents = _as_afferents(block, drive, dt_ms, steps, seed)
    stiff = "" if exact or block.step_ms is not None else _describe_stiffness(block, afferents)
    if stiff:
        warnings.warn(stiff, stacklevel=2)
    if exact:
        afferents = step_exactly(afferents, exact)
    rows = torch.arange(len(drive), device=drive.device)
    traces = tuple(record) if block.kind == "model" else ("output", *record)
    frames = Drive(rows, frames=drive)
    output = kernel(backend)(afferents, frames, None, traces)
    failed = torch.nonzero(~(output.finite & frames.finite())).flatten().tolist()
    if failed:
        warnings.warn(_describe_failed(failed, len(drive)), stacklevel=2)
    arrays: dict[str, Tensor] = {}
    if output.spikes is not None:
        arrays["spikes"] = unpack_spikes(output.spikes, drive.shape[1])
    return arrays | output.traces


def _as_afferents(block: Block, drive: Tensor, dt_ms: float, substeps: int, seed: int) -> Afferents:
    """Return neurons that follow the block alone."""
    import torch

    from sensoryforge.simulation.kernels import Afferents

    values: dict[str, float | Tensor] = {}
    for name, value in block.draw(drive.shape[2], seed, block.kind).items():
        values[name] = value if isinstance(value, float) else torch.as_tensor(value).to(drive)
    if block.kind == "model":
        return Afferents(None, block, model_values=values, dt_ms=dt_ms, substeps=substeps)
    return Afferents(block, None, filter_values=values, dt_ms=dt_ms, substeps=substeps)


def _describe_stiffness(block: Block, afferents: Afferents) -> str:
    """Return what is to be said of equations too stiff for their steps, or an empty text."""
    of_block = afferents.model_values if block.kind == "model" else afferents.filter_values
    values: dict[str, float | Floats] = {}
    for name, value in of_block.items():
        values[name] = value if isinstance(value, float) else value.double().cpu().numpy()
    return describe_stiffness(block, values, afferents.dt_ms, afferents.substeps)


def _describe_failed(failed: Sequence[int], total: int) -> str:
    """Return the message on stimuli whose drive or states are not finite."""
    which = f"stimulus {failed[0]}" if len(failed) == 1 else f"{len(failed)} stimuli"
    return (
        f"{which} of {total}: the drive or the states are not finite, what is returned means "
        "nothing; a smaller drive or more substeps may help"
    )


def _problems_of_steps(
    block: Block, dt_ms: float, substeps: int | None, integrator: str
) -> Iterator[str]:
    """Yield a line for each step that the equations were not fitted at."""
    if integrator not in INTEGRATORS:
        known = f"{list_names(INTEGRATORS)}{suggest(integrator, INTEGRATORS)}"
        yield f"integrator: got {integrator!r}; allowed: {known}"
    step_ms = block.step_ms
    if step_ms is None:
        return
    fitted = f"the step that {block.source} was fitted at"
    if not is_multiple(dt_ms, step_ms):
        yield f"dt_ms: got {dt_ms!r}; allowed: a multiple of {step_ms:g}, {fitted}"
    elif substeps not in (None, auto_substeps(dt_ms, step_ms)):
        needed = auto_substeps(dt_ms, step_ms)
        step = f"{needed}, so that a step is {step_ms:g} ms, {fitted}"
        yield f"substeps: got {substeps}; allowed: {step}"


def _mistakes(
    block: Block, drive: object, dt_ms: float, substeps: int | None, record: Sequence[str]
) -> Iterator[str]:
    """Yield a line for each argument that cannot be."""
    import torch

    allowed = "float32 or float64 [B,T,N]"
    if not isinstance(drive, torch.Tensor):
        yield f"drive: got {type(drive).__name__}; allowed: a tensor, {allowed}"
    elif drive.ndim != 3 or 0 in drive.shape or drive.dtype not in (torch.float32, torch.float64):
        yield f"drive: got {drive.dtype} {list(drive.shape)}; allowed: {allowed}"
    if not (isinstance(dt_ms, int | float) and 0 < dt_ms < float("inf")):
        yield f"dt_ms: got {dt_ms!r}; allowed: a number > 0"
    if substeps is not None and (not isinstance(substeps, int) or substeps < 1):
        yield f"substeps: got {substeps!r}; allowed: None or a whole number >= 1"
    for name in record:
        if name not in block.states:
            known = f"{list_names(block.states)}{suggest(name, block.states)}"
            yield f"record: unknown state {name!r}; known: {known}"
