"""Applying a trained decoder to another dataset: what it tells of each stimulus, and how well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sensoryforge.analysis.results import Results, load
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import format_value, list_names
from sensoryforge.learning.decoding import DecodingModule, accuracy
from sensoryforge.learning.recipe import Recipe, find_checkpoint
from sensoryforge.learning.scores import (
    MEAN_ABSOLUTE_ERROR,
    after_a_number,
    errors_by_name,
    measure_of_numbers,
)
from sensoryforge.learning.spike_dataset import SpikeDataset

if TYPE_CHECKING:
    from sensoryforge.core.types import Bools

_DECODED_TOGETHER = 256
"""Stimuli read and decoded at once."""


@dataclass(frozen=True)
class Decoded:
    """What a decoder tells of the stimuli of a dataset.

    Attributes
    ----------
    table
        A row a stimulus: index, id, ``true_`` (where the dataset has it) and ``predicted_`` of
        each parameter.
    outputs
        The decoder's own, ``[S, classes]`` or ``[S, K]``.
    lines
        How well it tells them, in words.
    """

    table: pd.DataFrame
    outputs: Tensor
    lines: tuple[str, ...]


def decode(
    directory: str | PathLike[str] | Results,
    decoder: str | PathLike[str],
    where: Mapping[str, Any] | None = None,
) -> Decoded:
    """Return what a trained decoder tells of a dataset that it has never seen.

    ``docs/training.md`` shows it.

    Parameters
    ----------
    directory
        Of the dataset, whose populations, neurons and samples are those that the decoder was
        trained on; or its ``Results``.
    decoder
        Such as ``checkpoints/best.ckpt``, or the directory of the training.
    where
        Only stimuli with these values.

    Raises
    ------
    ConfigError
        With a line for each thing in which the dataset does not fit the decoder.
    StorageError
        Where there is no dataset, or no checkpoint of a decoder.
    """
    path = find_checkpoint(decoder, "best.ckpt")
    module = DecodingModule.load_from_checkpoint(path)
    recipe = module.recipe
    if recipe is None:
        raise ConfigError(f"{path}: does not say what the decoder was trained on")
    results = directory if isinstance(directory, Results) else load(directory)
    data = _open(results, recipe, where)
    outputs = _outputs(module, data)
    predictions = _predictions(recipe, outputs)
    name = str(recipe.decoder["_target_"]).rpartition(".")[2]
    lines = _score_lines(name, recipe, data.table, outputs)
    return Decoded(_tabulate(recipe, data.table, predictions), outputs, tuple(lines))


# --- the dataset ---


def _open(results: Results, recipe: Recipe, where: Mapping[str, Any] | None) -> SpikeDataset:
    """Return a dataset's spikes in the form that a decoder was trained on."""
    problems = _mismatches(results, recipe)
    if problems:
        raise ConfigError(problems)
    data = SpikeDataset(
        results, None, populations=list(recipe.populations), bin_ms=recipe.bin_ms, where=where
    )
    bins = data.shape[0]
    if bins != recipe.samples:
        raise ConfigError(
            f"{results.directory}: a stimulus has {bins} {_bins(recipe)}, "
            f"the decoder was trained on {recipe.samples}"
        )
    return data


def _mismatches(results: Results, recipe: Recipe) -> list[str]:
    """Return a line for each population that is not what the decoder was trained on."""
    directory = results.directory
    problems = []
    for name, neurons in recipe.populations.items():
        if name not in results.populations:
            names = list_names(results.populations)
            problems.append(
                f"{directory}: no population {name}, which the decoder reads; there are {names}"
            )
            continue
        _, here = results.shape(f"{name}_spikes")
        if here != neurons:
            problems.append(
                f"{directory}: {name} has {here} neurons, the decoder was trained on {neurons}"
            )
    dt_ms = float(results.metadata["config"]["pipeline"]["dt_ms"])
    if recipe.bin_ms is None and dt_ms != recipe.dt_ms:
        problems.append(
            f"{directory}: a sample is {dt_ms:g} ms, the decoder was trained on {recipe.dt_ms:g} ms"
        )
    return problems


def _bins(recipe: Recipe) -> str:
    if recipe.bin_ms is None:
        return "samples"
    return f"bins of {recipe.bin_ms:g} ms"


# --- what is told ---


def _outputs(module: DecodingModule, data: SpikeDataset) -> Tensor:
    """Return the outputs for every stimulus."""
    outputs = []
    with torch.no_grad():
        for first in range(0, len(data), _DECODED_TOGETHER):
            rows = range(first, min(first + _DECODED_TOGETHER, len(data)))
            spikes, _ = data.collate(data.__getitems__(rows))
            outputs.append(module(spikes.float()))
    return torch.cat(outputs)


def _predictions(recipe: Recipe, outputs: Tensor) -> list[Sequence[Any]]:
    """Return one value a parameter for each stimulus."""
    if recipe.classes is None:
        numbers: list[Sequence[Any]] = recipe.natural(outputs).tolist()
        return numbers
    chosen = [recipe.classes[label] for label in outputs.argmax(dim=1).tolist()]
    if len(recipe.target) == 1:
        return [(value,) for value in chosen]
    return chosen


def _tabulate(
    recipe: Recipe, table: pd.DataFrame, predictions: Sequence[Sequence[Any]]
) -> pd.DataFrame:
    columns: dict[str, Any] = {"index": table["index"].tolist(), "id": table["id"].tolist()}
    for k, name in enumerate(recipe.target):
        if name in table:
            columns[f"true_{name}"] = table[name].tolist()
        columns[f"predicted_{name}"] = [values[k] for values in predictions]
    return pd.DataFrame(columns)


# --- how well ---


def _stimuli(count: int) -> str:
    return "1 stimulus" if count == 1 else f"{count} stimuli"


def _score_lines(name: str, recipe: Recipe, table: pd.DataFrame, outputs: Tensor) -> list[str]:
    """Return the scores over the stimuli whose target the dataset has."""
    target = ", ".join(recipe.target)
    known = _known(recipe, table)
    if not known.any():
        return [f"{target}: not known of these stimuli, so there are no scores"]
    rows = torch.from_numpy(np.flatnonzero(known))
    of_known = table[known]
    if recipe.classes is None:
        return _number_lines(name, recipe, of_known, outputs[rows])
    return _class_lines(name, recipe, recipe.classes, of_known, outputs[rows])


def _known(recipe: Recipe, table: pd.DataFrame) -> Bools:
    """Tell of each stimulus whether it has all parameters of the target."""
    if any(name not in table for name in recipe.target):
        return np.zeros(len(table), bool)
    known: Bools = table[list(recipe.target)].notna().all(axis=1).to_numpy()
    return known


def _class_lines(
    name: str, recipe: Recipe, classes: Sequence[Any], table: pd.DataFrame, outputs: Tensor
) -> list[str]:
    columns = [table[parameter].tolist() for parameter in recipe.target]
    values = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
    number_of_class = {value: number for number, value in enumerate(classes)}
    labels = torch.tensor([number_of_class.get(value, -1) for value in values])
    shares = torch.tensor(recipe.class_shares or (0.0,) * len(classes))
    seen = labels >= 0
    chance = shares[labels[seen]].sum() / len(labels)
    lines = [
        f"{name}: accuracy {accuracy(outputs, labels):.3f} on {_stimuli(len(labels))}; "
        f"chance {float(chance):.3f}"
    ]
    unseen = sorted({value for value in values if value not in number_of_class})
    if unseen:
        lines.append(
            f"{name}: {int((~seen).sum())} of them have a value that the decoder was not trained "
            f"on and count as wrong: {format_value(unseen)}"
        )
    return lines


def _number_lines(name: str, recipe: Recipe, table: pd.DataFrame, outputs: Tensor) -> list[str]:
    problems = [one for one in recipe.target if not pd.api.types.is_numeric_dtype(table[one])]
    if problems:
        return [f"{list_names(problems)}: text in this dataset, so there are no scores"]
    true = torch.tensor(table[list(recipe.target)].to_numpy(np.float32))
    predicted = recipe.natural(outputs)
    guesses = torch.tensor(recipe.mean).expand_as(true)
    measure, rate = measure_of_numbers(true)
    lines = []
    if measure != MEAN_ABSOLUTE_ERROR:
        lines.append(
            f"{name}: {measure} {rate(predicted, true):.3f} on {_stimuli(len(true))}; "
            f"chance {rate(guesses, true):.3f}"
        )
    errors = errors_by_name(predicted, true, recipe.target)
    by_chance = errors_by_name(guesses, true, recipe.target)
    for parameter, unit in zip(recipe.target, recipe.units, strict=True):
        of_parameter = f" of {parameter}" if len(errors) > 1 else ""
        lines.append(
            f"{name}: {MEAN_ABSOLUTE_ERROR}{of_parameter} "
            f"{errors[parameter]:.3g}{after_a_number(unit)} on {_stimuli(len(true))}; "
            f"chance {by_chance[parameter]:.3g}{after_a_number(unit)}"
        )
    return lines
