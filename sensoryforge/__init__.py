"""SensoryForge turns touch into spikes, at dataset scale."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensoryforge.config import compose as compose
    from sensoryforge.config import load_block as load_block
    from sensoryforge.lightning.spikes import SpikeDataModule as SpikeDataModule
    from sensoryforge.lightning.spikes import SpikeDataset as SpikeDataset
    from sensoryforge.run import run as run
    from sensoryforge.simulate import simulate as simulate
    from sensoryforge.store.results import Results as Results
    from sensoryforge.store.results import load as load

_HOMES = {
    "Results": "store.results",
    "SpikeDataModule": "lightning.spikes",
    "SpikeDataset": "lightning.spikes",
    "compose": "config",
    "load": "store.results",
    "load_block": "config",
    "run": "run",
    "simulate": "simulate",
}

__all__ = ["Results", "SpikeDataModule", "SpikeDataset", "compose", "load", "load_block", "run", "simulate"]


class _Package(ModuleType):
    """Keeps ``sensoryforge.run`` the function, also once the module of that name is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and _HOMES.get(name) == name:
            value = getattr(value, name)
        super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    """Import an exported name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the exported names."""
    return sorted({*globals(), *__all__})


sys.modules[__name__].__class__ = _Package
