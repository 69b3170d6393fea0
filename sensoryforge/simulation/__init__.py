"""From stimuli to spikes: the encoder, its populations, and kernels that run their equations.

A public name is imported when it is first used (PEP 562): ``import sensoryforge.simulation`` loads
neither torch nor Lightning.

Examples
--------
>>> import sensoryforge.simulation
>>> "Encoder" in dir(sensoryforge.simulation)
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensoryforge.core.lazy import import_public

if TYPE_CHECKING:
    from sensoryforge.simulation.encoded import Encoded as Encoded
    from sensoryforge.simulation.encoder import Encoder as Encoder
    from sensoryforge.simulation.lightning_module import EncodingModule as EncodingModule
    from sensoryforge.simulation.lightning_module import OneProcess as OneProcess
    from sensoryforge.simulation.lightning_module import StimulusDataModule as StimulusDataModule
    from sensoryforge.simulation.lightning_module import silence as silence
    from sensoryforge.simulation.one_block import simulate as simulate
    from sensoryforge.simulation.population import Population as Population

_MODULES = {
    "Encoded": "encoded",
    "Encoder": "encoder",
    "EncodingModule": "lightning_module",
    "OneProcess": "lightning_module",
    "Population": "population",
    "StimulusDataModule": "lightning_module",
    "silence": "lightning_module",
    "simulate": "one_block",
}
"""Public name -> the module of this package that defines it."""

__all__ = [
    "Encoded",
    "Encoder",
    "EncodingModule",
    "OneProcess",
    "Population",
    "StimulusDataModule",
    "silence",
    "simulate",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    return import_public(__name__, _MODULES, name)


def __dir__() -> list[str]:
    """Return the public names, those that are not imported yet included."""
    return sorted({*globals(), *__all__})
