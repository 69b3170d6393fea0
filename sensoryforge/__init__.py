"""SensoryForge turns touch into spikes, at dataset scale.

Everything that a user needs in Python has a name here; each is imported when it is first used, so
that ``import sensoryforge`` takes no time.

>>> import sensoryforge as sf
>>> config = sf.compose("stimuli=step", "stimuli.amplitude=[10, 20]")

``sf.run(config)`` runs it and returns its `Results`, as ``sf.load(directory)`` does later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensoryforge.core.lazy import import_public

if TYPE_CHECKING:
    from sensoryforge.analysis.results import Results as Results
    from sensoryforge.analysis.results import load as load
    from sensoryforge.config.reading import compose as compose
    from sensoryforge.config.reading import load_block as load_block
    from sensoryforge.learning.spike_data_module import SpikeDataModule as SpikeDataModule
    from sensoryforge.learning.spike_dataset import SpikeDataset as SpikeDataset
    from sensoryforge.running import run as run
    from sensoryforge.simulation.one_block import simulate as simulate

_HOMES = {
    "Results": "analysis.results",
    "SpikeDataModule": "learning",
    "SpikeDataset": "learning",
    "compose": "config.reading",
    "load": "analysis.results",
    "load_block": "config.reading",
    "run": "running",
    "simulate": "simulation",
}
"""Exported name -> the module that has it."""

__all__ = [
    "Results",
    "SpikeDataModule",
    "SpikeDataset",
    "compose",
    "load",
    "load_block",
    "run",
    "simulate",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    return import_public(__name__, _HOMES, name)


def __dir__() -> list[str]:
    """Return the exported names."""
    return sorted({*globals(), *__all__})
