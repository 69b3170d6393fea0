"""Kernels: one population over a chunk of stimuli, by the backend that is asked for.

Three backends give the same bits from the same equations:

- ``torch`` runs one operation at a time on any device, in float32 or float64, with gradients: the
  reference (:mod:`.torch_kernel`, :mod:`.machine`),
- ``numba`` compiles one loop over time for the CPU (:mod:`.numba_kernel`),
- ``triton`` compiles one for a GPU (:mod:`.triton_kernel`).

The two compilers are given source text. Where it is written:

1. :mod:`.plan` says what a kernel is written for; a block of equations becomes programs
   (:mod:`sensoryforge.equations.program`).
2. :mod:`.lines` turns a program into lines of source, :mod:`.body` adds what joins the programs of
   a sample (drive, filter, gain, noise, model).
3. :mod:`.numba_writer` and :mod:`.triton_writer` put the lines into loops; their heads show an
   example. :mod:`.numba_ops` and :mod:`.triton_ops` are the operations that the text calls.
4. :mod:`sensoryforge.core.kernel_cache` keeps the text in a file and compiles it; :mod:`.prepared`
   computes the numbers that the compiled kernel is given.

Noise is counter-based (:mod:`.noise`); :mod:`.surrogate` and :mod:`.learned` serve training.

A public name is imported when it is first used (PEP 562): what a kernel is written for, and whether
it is compiled already (:mod:`.forecast`), is known without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from sensoryforge.core.devices import BACKENDS
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.lazy import import_public
from sensoryforge.core.messages import list_names, suggest

if TYPE_CHECKING:
    from sensoryforge.simulation.kernels.base import Afferents as Afferents
    from sensoryforge.simulation.kernels.base import Drive as Drive
    from sensoryforge.simulation.kernels.base import Kernel as Kernel
    from sensoryforge.simulation.kernels.base import Output as Output
    from sensoryforge.simulation.kernels.base import unpack_spikes as unpack_spikes
    from sensoryforge.simulation.kernels.base import upload as upload

_MODULES = dict.fromkeys(
    ("Afferents", "Drive", "Kernel", "Output", "unpack_spikes", "upload"), "base"
)
"""Public name -> the module of this package that defines it."""


def kernel(backend: str) -> Kernel:
    """Return the kernel of a backend.

    Parameters
    ----------
    backend
        One of :data:`BACKENDS`. A compiler is imported only when its kernel is asked for.

    Raises
    ------
    ConfigError
        For an unknown name.

    Examples
    --------
    Three receptors' drive, passed on by a population without equations:

    >>> import torch
    >>> drive = Drive(torch.tensor([0]), frames=torch.ones(1, 4, 3))
    >>> output = kernel("torch")(Afferents(None, None), drive, None, record=("drive",))
    >>> output.traces["drive"].shape
    torch.Size([1, 4, 3])
    """
    if backend not in BACKENDS:
        known = f"auto, {list_names(BACKENDS)}{suggest(backend, BACKENDS)}"
        raise ConfigError(f"pipeline.backend: got {backend!r}; allowed: {known}")
    module = import_module(f"sensoryforge.simulation.kernels.{backend}_kernel")
    return cast("Kernel", module.run)


__all__ = [
    "BACKENDS",
    "Afferents",
    "Drive",
    "Kernel",
    "Output",
    "kernel",
    "unpack_spikes",
    "upload",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    return import_public(__name__, _MODULES, name)
