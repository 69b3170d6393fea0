"""Decoders of spike trains, the data modules that feed them, and training of the encoder itself.

A public name is imported when it is first used (PEP 562): ``import sensoryforge.learning`` loads
neither torch nor Lightning.

Examples
--------
>>> import sensoryforge.learning
>>> "SpikeDataModule" in dir(sensoryforge.learning)
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensoryforge.core.lazy import import_public

if TYPE_CHECKING:
    from sensoryforge.learning.applying import Decoded as Decoded
    from sensoryforge.learning.applying import decode as decode
    from sensoryforge.learning.batches import collate as collate
    from sensoryforge.learning.decoders import ConvDecoder as ConvDecoder
    from sensoryforge.learning.decoders import LinearDecoder as LinearDecoder
    from sensoryforge.learning.decoders import SpikingDecoder as SpikingDecoder
    from sensoryforge.learning.decoding import DecodingModule as DecodingModule
    from sensoryforge.learning.encoder import DesignDataModule as DesignDataModule
    from sensoryforge.learning.encoder import LearningModule as LearningModule
    from sensoryforge.learning.objectives import RateTargets as RateTargets
    from sensoryforge.learning.objectives import Readout as Readout
    from sensoryforge.learning.objectives import binned_rates as binned_rates
    from sensoryforge.learning.recipe import Recipe as Recipe
    from sensoryforge.learning.scores import Scores as Scores
    from sensoryforge.learning.spike_data_module import SpikeDataModule as SpikeDataModule
    from sensoryforge.learning.spike_dataset import SpikeDataset as SpikeDataset
    from sensoryforge.learning.trainable import learned_overrides as learned_overrides
    from sensoryforge.learning.trainable import learned_values as learned_values
    from sensoryforge.learning.trainable import make_trainable as make_trainable
    from sensoryforge.learning.training import train as train

_MODULES = {
    "ConvDecoder": "decoders",
    "Decoded": "applying",
    "DecodingModule": "decoding",
    "DesignDataModule": "encoder",
    "LearningModule": "encoder",
    "LinearDecoder": "decoders",
    "RateTargets": "objectives",
    "Readout": "objectives",
    "Recipe": "recipe",
    "Scores": "scores",
    "SpikeDataModule": "spike_data_module",
    "SpikeDataset": "spike_dataset",
    "SpikingDecoder": "decoders",
    "binned_rates": "objectives",
    "collate": "batches",
    "decode": "applying",
    "learned_overrides": "trainable",
    "learned_values": "trainable",
    "make_trainable": "trainable",
    "train": "training",
}
"""Public name -> the module of this package that defines it."""

__all__ = [
    "ConvDecoder",
    "Decoded",
    "DecodingModule",
    "DesignDataModule",
    "LearningModule",
    "LinearDecoder",
    "RateTargets",
    "Readout",
    "Recipe",
    "Scores",
    "SpikeDataModule",
    "SpikeDataset",
    "SpikingDecoder",
    "binned_rates",
    "collate",
    "decode",
    "learned_overrides",
    "learned_values",
    "make_trainable",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    return import_public(__name__, _MODULES, name)


def __dir__() -> list[str]:
    """Return the public names, those that are not imported yet included."""
    return sorted({*globals(), *__all__})
