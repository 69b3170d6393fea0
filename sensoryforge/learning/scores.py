"""How well a decoder tells a target, beside chance and the total spike count alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from sensoryforge.learning.decoding import accuracy, r_squared
from sensoryforge.learning.spike_data_module import SpikeDataModule
from sensoryforge.learning.spike_dataset import SpikeDataset

_READ_TOGETHER = 64
"""Stimuli read at once to count their spikes: dense, they are a few MB."""
_RIDGE = 1e-3
"""By which share the slope of the spike count's line is shrunk."""


@dataclass(frozen=True)
class Scores:
    """Scores of a decoder on the test split, each beside those of two simple guesses.

    Attributes
    ----------
    target
        What was to be told.
    measure
        ``accuracy`` of classes; ``R²`` of numbers (1 is perfect, 0 as good as the mean), or their
        ``mean absolute error`` in the parameter's unit where the test split has but one value; of
        several parameters, the mean over all of them.
    decoder
        The decoder's score.
    chance
        That of a guess. Of classes, the probability that a guess drawn with training's class
        frequencies is right; of numbers, the score of always telling the mean of training.
    spike_count
        That of the total number of spikes alone: the class with the nearest mean count, or a line.
    stimuli
        How many there are in ``train``, ``val`` and ``test``.
    nearest
        Share of stimuli for which every number, rounded to the nearest value that the dataset has,
        is right; None for classes.
    nearest_chance
        The same for a guess that takes each value equally often.
    nearest_spike_count
        The same for the spike count's line.

    Examples
    --------
    >>> scores = Scores("type", "accuracy", 0.9, 0.5, 0.6, {"train": 60, "val": 20, "test": 20})
    >>> scores.describe("linear")
    ['linear: accuracy 0.900 on 20 test stimuli; chance 0.500, total spike count 0.600']
    """

    target: str
    measure: str
    decoder: float
    chance: float
    spike_count: float
    stimuli: dict[str, int]
    nearest: float | None = None
    nearest_chance: float | None = None
    nearest_spike_count: float | None = None

    def describe(self, name: str) -> list[str]:
        """Return the scores as lines; ``name`` is how they call the decoder."""
        lines = [
            f"{name}: {self.measure} {self.decoder:.3f} on {self.stimuli['test']} test stimuli; "
            f"chance {self.chance:.3f}, total spike count {self.spike_count:.3f}"
        ]
        if self.nearest is not None:
            lines.append(
                f"{name}: nearest value right {self.nearest:.3f}; "
                f"chance {self.nearest_chance:.3f}, "
                f"total spike count {self.nearest_spike_count:.3f}"
            )
        return lines


def compare(data: SpikeDataModule, outputs: Tensor) -> Scores:
    """Return the scores of a decoder's outputs for the test split.

    Parameters
    ----------
    data
        What it was trained and tested on.
    outputs
        ``[B, classes]``, or ``[B, K]`` normalised as the targets are, in the order of
        ``data.test``.
    """
    if data.target.classes:
        return _compare_classes(data, outputs)
    return _compare_numbers(data, outputs)


def _compare_classes(data: SpikeDataModule, outputs: Tensor) -> Scores:
    classes = data.target.size
    trained = data.target.values[data.parts.train]
    tested = data.target.values[data.parts.test]
    chance = (_shares(trained, classes) * _shares(tested, classes)).sum()
    count_outputs = _classify_counts(
        count_spikes(data.train), trained, count_spikes(data.test), classes
    )
    return Scores(
        target=data.target.name,
        measure="accuracy",
        decoder=accuracy(outputs, tested),
        chance=float(chance),
        spike_count=accuracy(count_outputs, tested),
        stimuli=_sizes(data),
    )


def _compare_numbers(data: SpikeDataModule, outputs: Tensor) -> Scores:
    trained = data.target.values[data.parts.train]
    tested = data.target.values[data.parts.test]
    predictions = data.natural(outputs)
    guesses = trained.mean(dim=0).expand_as(tested)
    count_predictions = _fit_line(count_spikes(data.train), trained, count_spikes(data.test))
    grid = [torch.unique(column) for column in data.target.values.unbind(1)]
    measure, rate = _measure_of_numbers(tested)
    return Scores(
        target=data.target.name,
        measure=measure,
        decoder=rate(predictions, tested),
        chance=rate(guesses, tested),
        spike_count=rate(count_predictions, tested),
        stimuli=_sizes(data),
        nearest=_nearest_right(predictions, tested, grid),
        nearest_chance=prod(1 / len(values) for values in grid),
        nearest_spike_count=_nearest_right(count_predictions, tested, grid),
    )


def _sizes(data: SpikeDataModule) -> dict[str, int]:
    parts = data.parts
    return {"train": len(parts.train), "val": len(parts.val), "test": len(parts.test)}


# --- measures of numbers ---


def _measure_of_numbers(tested: Tensor) -> tuple[str, Callable[[Tensor, Tensor], float]]:
    """Return R², or what replaces it where the test split has one value of a parameter."""
    one_value = (tested == tested[0]).all(dim=0)
    if bool(one_value.any()):
        return "mean absolute error", _mean_absolute_error
    return "R²", r_squared


def _mean_absolute_error(predicted: Tensor, target: Tensor) -> float:
    return float((predicted - target).abs().mean())


def _nearest_right(predicted: Tensor, target: Tensor, grid: Sequence[Tensor]) -> float:
    """Return how often rounding ``[B, K]`` to the grid of each column gives all true values."""
    right = torch.ones(len(target), dtype=torch.bool)
    for column, values in enumerate(grid):
        distances = (predicted[:, column, None] - values).abs()
        rounded = values[distances.argmin(dim=1)]
        right &= rounded == target[:, column]
    return float(right.float().mean())


# --- what is told without a decoder ---


def count_spikes(data: SpikeDataset) -> Tensor:
    """Return the number of spikes of all neurons of each stimulus, float32 ``[S]``."""
    counts = []
    for first in range(0, len(data), _READ_TOGETHER):
        rows = data.rows[first : first + _READ_TOGETHER]
        spikes = data.reader.read(rows.tolist())
        counts.append(torch.count_nonzero(spikes, dim=(1, 2)))
    return torch.cat(counts).float()


def _shares(labels: Tensor, classes: int) -> Tensor:
    """Return how large a share of the stimuli each class has."""
    return torch.bincount(labels, minlength=classes) / len(labels)


def _classify_counts(
    training_counts: Tensor, labels: Tensor, test_counts: Tensor, classes: int
) -> Tensor:
    """Return minus the distance of each count to the mean of each class, ``[S, classes]``."""
    sums = torch.zeros(classes).index_add_(0, labels, training_counts)
    means = sums / torch.bincount(labels, minlength=classes)
    reachable = means.nan_to_num(torch.inf)  # a class without a training stimulus has no mean
    return -(test_counts[:, None] - reachable).abs()


def _fit_line(training_counts: Tensor, values: Tensor, test_counts: Tensor) -> Tensor:
    """Return what a line through the training counts tells of the test counts, ``[S, K]``.

    The slope is shrunk a little, as in ridge regression.
    """
    mean_count = training_counts.mean()
    mean_value = values.mean(dim=0)
    deviations = training_counts - mean_count
    variation = deviations @ deviations * (1 + _RIDGE)
    slope = (deviations @ (values - mean_value)) / variation.clamp_min(1e-12)
    return mean_value + (test_counts - mean_count)[:, None] * slope
