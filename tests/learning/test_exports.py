"""The package names its public things, and imports them when they are first used."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest
from torch import nn

import sensoryforge.learning
from sensoryforge.core import trust
from sensoryforge.core.errors import ConfigError

NAMES = [
    "ConvDecoder", "Decoded", "DecodingModule", "DesignDataModule", "LearningModule", "LinearDecoder", "RateTargets", "Readout", "Recipe",
    "Scores", "SpikeDataModule", "SpikeDataset", "SpikingDecoder", "binned_rates", "collate", "decode", "learned_overrides",
    "learned_values", "make_trainable", "train",
]  # fmt: skip


def test_the_public_names_are_these() -> None:
    assert sorted(sensoryforge.learning.__all__) == NAMES
    assert set(NAMES) <= set(dir(sensoryforge.learning))
    for name in NAMES:
        assert getattr(sensoryforge.learning, name).__name__ == name


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = sensoryforge.learning.nothing


def test_importing_the_package_imports_neither_torch_nor_lightning() -> None:
    code = "import sys, sensoryforge.learning; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "pytorch_lightning", "numpy", "pandas"} & set(ended.stdout.split())


@pytest.mark.slow
def test_a_name_stays_what_it_is_once_every_module_is_imported() -> None:
    code = (
        "import importlib, pkgutil, sensoryforge.learning as p\n"
        "for module in pkgutil.walk_packages(p.__path__, p.__name__ + '.'):\n"
        "    importlib.import_module(module.name)\n"
        "print(*[name for name in p.__all__ if not callable(getattr(p, name))])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []


# --- what a configuration may name ---


def test_a_configuration_names_a_decoder_by_its_package() -> None:
    code = (
        "from torch import nn; from sensoryforge.core import trust\n"
        "print(trust.locate('sensoryforge.learning.LinearDecoder', 'a class of decoder', nn.Module).__name__)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["LinearDecoder"]


def test_a_misspelt_decoder_of_the_package_is_suggested() -> None:
    with pytest.raises(ConfigError, match="did you mean 'LinearDecoder'"):
        trust.locate("sensoryforge.learning.LinearDecodr", "a class of decoder", nn.Module)


def test_a_loaded_module_that_is_not_trusted_is_not_asked_to_import_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    stranger = ModuleType("stranger")

    def lazily(name: str) -> type:
        asked.append(name)
        return nn.Linear

    stranger.__getattr__ = lazily  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "stranger", stranger)
    with pytest.raises(ConfigError, match=r"got 'stranger\.Decoder'"):
        trust.locate("stranger.Decoder", "a class of decoder", nn.Module)
    assert "Decoder" not in asked
    monkeypatch.setenv(trust.VARIABLE, "stranger")
    assert trust.locate("stranger.Decoder", "a class of decoder", nn.Module) is nn.Linear
