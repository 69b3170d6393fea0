"""Kernels: one population over a chunk of stimuli, by the backend that is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from sensoryforge.errors import ConfigError, listing, suggest
from sensoryforge.kernels.base import Afferents, Drive, Kernel, Output, auto_substeps, unpacked, uploaded

BACKENDS = ("torch", "numba", "triton")


def kernel(backend: str) -> Kernel:
    """Return a backend's kernel by name. Raises ConfigError for an unknown one."""
    if backend not in BACKENDS:
        raise ConfigError(
            f"pipeline.backend: got {backend!r}; allowed: auto, {listing(BACKENDS)}{suggest(backend, BACKENDS)}"
        )
    return cast(Kernel, import_module(f"sensoryforge.kernels.{backend}_kernel").run)


__all__ = ["BACKENDS", "Afferents", "Drive", "Kernel", "Output", "auto_substeps", "kernel", "unpacked", "uploaded"]
