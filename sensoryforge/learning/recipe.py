"""What it takes to use a trained decoder: its class and options, its input, what its outputs mean.

A checkpoint holds it in plain values, so that reading one runs no code of whoever wrote it.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from sensoryforge.core.errors import ConfigError, DamagedError, StorageError
from sensoryforge.core.messages import format_value, list_names
from sensoryforge.core.paths import expand_home
from sensoryforge.learning.settings import class_options, full_options, locate_decoder

if TYPE_CHECKING:
    from sensoryforge.learning.spike_data_module import SpikeDataModule

ARGUMENTS = "hyper_parameters"
"""Under which key Lightning keeps the arguments of a module in a checkpoint."""
_TARGET = "_target_"
_MOMENTS = ("class_shares", "mean", "std")
"""What a recipe has from the training split."""


@dataclass(frozen=True)
class Recipe:
    """What it takes to use a trained decoder on another dataset.

    Attributes
    ----------
    decoder
        The dotted path of its class under ``_target_``, and every option of that class.
    samples
        Samples or bins of a stimulus.
    populations
        Name of each population -> its neurons, in the order in which they lie side by side.
    dt_ms
        How long a sample of the spikes lasts.
    bin_ms
        In bins of which length the decoder counts them; None: a sample is a bin.
    target
        The parameters that are told, or ``type``.
    units
        The unit of each, empty where it has none.
    classes
        What each class number means; None for numbers.
    class_shares
        How large a share of the training split each class has; None for numbers.
    mean, std
        Of each number in the training split: an output of 0 is the mean, of 1 a deviation more.

    Examples
    --------
    >>> linear = {"_target_": "sensoryforge.learning.LinearDecoder", "windows": 2}
    >>> recipe = Recipe(linear, 20, {"sa": 5}, 0.5, 5.0, ("amplitude",), ("a.u.",))
    >>> recipe.make_network()(torch.zeros(8, 20, 5)).shape
    torch.Size([8, 1])
    """

    decoder: Mapping[str, Any]
    samples: int
    populations: Mapping[str, int]
    dt_ms: float
    bin_ms: float | None
    target: tuple[str, ...]
    units: tuple[str, ...]
    classes: tuple[Any, ...] | None = None
    class_shares: tuple[float, ...] | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    @property
    def neurons(self) -> int:
        """The neurons of all populations."""
        return sum(self.populations.values())

    @property
    def outputs(self) -> int:
        """How many numbers the decoder gives for a stimulus."""
        return len(self.target if self.classes is None else self.classes)

    def make_network(self) -> nn.Module:
        """Return the network, its weights not trained.

        Raises
        ------
        ConfigError
            Where the class is not there or not trusted, or the options do not fit it.
        """
        try:
            decoder_class = locate_decoder(self.decoder)
        except ConfigError as error:
            raise ConfigError(f"decoder.{_TARGET}: {error}") from error
        options = class_options(self.decoder)
        network: nn.Module = decoder_class(self.samples, self.neurons, self.outputs, **options)
        return network

    def natural(self, outputs: Tensor) -> Tensor:
        """Return outputs ``[B, K]`` of a regression in the parameters' own units."""
        std = torch.tensor(self.std).to(outputs)
        mean = torch.tensor(self.mean).to(outputs)
        return outputs * std + mean

    def plain(self) -> dict[str, Any]:
        """Return the recipe in plain containers."""
        return asdict(self)


def describe(decoder: Mapping[str, Any], data: SpikeDataModule) -> Recipe:
    """Return the recipe of a decoder for some data.

    Parameters
    ----------
    decoder
        A block of the group ``decoder``.
    data
        What it is trained on.
    """
    spikes = data.data
    populations = {name: place.stop - place.start for name, place in spikes.neurons.items()}
    recipe: dict[str, Any] = {
        "decoder": {_TARGET: str(decoder[_TARGET]), **full_options(decoder)},
        "samples": spikes.shape[0],
        "populations": populations,
        "dt_ms": spikes.dt_ms,
        "bin_ms": None if spikes.bin == 1 else spikes.bin * spikes.dt_ms,
        "target": data.target.names,
        "units": spikes.units,
        "classes": data.target.classes,
    }
    if data.target.classes is None:
        return Recipe(**recipe, mean=tuple(data.mean.tolist()), std=tuple(data.std.tolist()))
    labels = data.target.values[data.parts.train]
    counts = torch.bincount(labels, minlength=data.target.size)
    shares = counts / len(labels)
    return Recipe(**recipe, class_shares=tuple(shares.tolist()))


def differences(recipe: Recipe, other: Recipe, path: Path) -> list[str]:
    """Return a line for each thing in which a recipe differs from that of a checkpoint."""
    problems = []
    for field in fields(Recipe):
        if field.name in _MOMENTS:
            continue
        wanted = getattr(recipe, field.name)
        saved = getattr(other, field.name)
        order_differs = field.name == "populations" and list(wanted) != list(saved)
        if wanted != saved or order_differs:
            problems.append(
                f"resume: {path} was trained with {field.name} {format_value(saved)}, "
                f"now it is {format_value(wanted)}"
            )
    if not problems and any(getattr(recipe, name) != getattr(other, name) for name in _MOMENTS):
        problems.append(
            f"resume: {path} was trained on other stimuli; data, where, split, fractions and seed "
            "have to be the same"
        )
    return problems


# --- checkpoints ---


def find_checkpoint(path: str | PathLike[str], *names: str) -> Path:
    """Return a checkpoint: the file itself, or the first of some names in a training's directory.

    Raises
    ------
    StorageError
        Where there is none.
    """
    given = expand_home(path)
    if given.is_file():
        return given
    if not given.exists():
        raise StorageError(f"{given}: no such file or directory")
    for name in names:
        for folder in (given / "checkpoints", given):
            if (folder / name).is_file():
                return folder / name
    raise StorageError(f"{given}: no checkpoint here (none of {list_names(names)})")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return what a checkpoint holds; reading it runs no code.

    Raises
    ------
    StorageError
        Where it cannot be read or is no checkpoint.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError) as error:
        raise DamagedError(f"{path}: damaged, or not the checkpoint of a decoder") from error
    if not isinstance(checkpoint, dict) or "state_dict" not in checkpoint:
        raise DamagedError(f"{path}: not the checkpoint of a decoder")
    return checkpoint


def read_recipe(checkpoint: Mapping[str, Any], path: Path) -> Recipe:
    """Return the recipe in a checkpoint.

    Raises
    ------
    DamagedError
        Where it has none, as those of earlier versions.
    """
    arguments = checkpoint.get(ARGUMENTS) or {}
    values = arguments.get("recipe")
    if values is None:
        raise DamagedError(
            f"{path}: weights alone, it does not say of which decoder (an earlier version wrote "
            "it, or a loop of your own); train again, or give network= to load_from_checkpoint"
        )
    try:
        return Recipe(**values)
    except TypeError as error:
        raise DamagedError(f"{path}: made by another version of SensoryForge ({error})") from error
