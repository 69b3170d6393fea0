"""How well a decoder tells a target, beside chance and the total spike count alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor

from sensoryforge.learning.decoding import accuracy, r_squared
from sensoryforge.learning.spike_data_module import SpikeDataModule
from sensoryforge.learning.spike_dataset import SpikeDataset

MEAN_ABSOLUTE_ERROR = "mean absolute error"
_FEW_VALUES = 20
"""Values of a parameter up to which it is asked whether the nearest of them is right."""
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
        is right; None for classes, and where a parameter has more than 20 values.
    nearest_chance
        The same for a guess that takes each value equally often.
    nearest_spike_count
        The same for the spike count's line.
    units
        The unit of each parameter, empty where it has none; None for classes.
    mean_absolute_error
        Of the decoder, for each parameter in its unit; None for classes.
    mean_absolute_error_chance
        The same for always telling the mean of training.
    mean_absolute_error_spike_count
        The same for the spike count's line.
    validation
        The best epoch's score on the validation split, higher is better: accuracy, R², or minus
        the loss where R² is not a number. It is what Hydra's optimising sweepers are given.

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
    units: dict[str, str] | None = None
    mean_absolute_error: dict[str, float] | None = None
    mean_absolute_error_chance: dict[str, float] | None = None
    mean_absolute_error_spike_count: dict[str, float] | None = None
    validation: float | None = None

    def describe(self, name: str) -> list[str]:
        """Return the scores as lines; ``name`` is how they call the decoder."""
        unit = self._unit_of_measure()
        lines = [
            f"{name}: {self.measure} {self.decoder:.3f}{unit} on {self.stimuli['test']} test "
            f"stimuli; chance {self.chance:.3f}{unit}, "
            f"total spike count {self.spike_count:.3f}{unit}"
        ]
        lines += self._error_lines(name)
        if self.nearest is not None:
            lines.append(
                f"{name}: nearest value right {self.nearest:.3f}; "
                f"chance {self.nearest_chance:.3f}, "
                f"total spike count {self.nearest_spike_count:.3f}"
            )
        return lines

    def _unit_of_measure(self) -> str:
        """Return the unit of the first line: an error of one parameter has it."""
        units = self.units or {}
        if self.measure != MEAN_ABSOLUTE_ERROR or len(units) != 1:
            return ""
        return after_a_number(units[self.target])

    def _error_lines(self, name: str) -> list[str]:
        """Return a line for the error of each parameter that the first line does not tell."""
        errors = self.mean_absolute_error or {}
        if self.measure == MEAN_ABSOLUTE_ERROR and len(errors) == 1:
            return []
        by_chance = self.mean_absolute_error_chance or {}
        by_count = self.mean_absolute_error_spike_count or {}
        lines = []
        for parameter, error in errors.items():
            unit = after_a_number((self.units or {})[parameter])
            of_parameter = f" of {parameter}" if len(errors) > 1 else ""
            lines.append(
                f"{name}: {MEAN_ABSOLUTE_ERROR}{of_parameter} {error:.3g}{unit}; "
                f"chance {by_chance[parameter]:.3g}{unit}, "
                f"total spike count {by_count[parameter]:.3g}{unit}"
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
    names = data.target.names
    predictions = data.natural(outputs)
    guesses = trained.mean(dim=0).expand_as(tested)
    count_predictions = _fit_line(count_spikes(data.train), trained, count_spikes(data.test))
    measure, rate = measure_of_numbers(tested)
    scores = Scores(
        target=data.target.name,
        measure=measure,
        decoder=rate(predictions, tested),
        chance=rate(guesses, tested),
        spike_count=rate(count_predictions, tested),
        stimuli=_sizes(data),
        units=dict(zip(names, data.data.units, strict=True)),
        mean_absolute_error=errors_by_name(predictions, tested, names),
        mean_absolute_error_chance=errors_by_name(guesses, tested, names),
        mean_absolute_error_spike_count=errors_by_name(count_predictions, tested, names),
    )
    grid = [torch.unique(column) for column in data.target.values.unbind(1)]
    if any(len(values) > _FEW_VALUES for values in grid):
        return scores
    return replace(
        scores,
        nearest=_nearest_right(predictions, tested, grid),
        nearest_chance=prod(1 / len(values) for values in grid),
        nearest_spike_count=_nearest_right(count_predictions, tested, grid),
    )


def after_a_number(unit: str) -> str:
    """Return a unit as it follows a number; empty where there is none."""
    return f" {unit}" if unit and unit != "-" else ""


def _sizes(data: SpikeDataModule) -> dict[str, int]:
    parts = data.parts
    return {"train": len(parts.train), "val": len(parts.val), "test": len(parts.test)}


# --- measures of numbers ---


def measure_of_numbers(tested: Tensor) -> tuple[str, Callable[[Tensor, Tensor], float]]:
    """Return R², or what replaces it where the test split has one value of a parameter."""
    one_value = (tested == tested[0]).all(dim=0)
    if bool(one_value.any()):
        return MEAN_ABSOLUTE_ERROR, _mean_absolute_error
    return "R²", r_squared


def errors_by_name(predicted: Tensor, target: Tensor, names: Sequence[str]) -> dict[str, float]:
    """Return the mean absolute error of each parameter, of numbers ``[B, K]``."""
    errors: list[float] = (predicted - target).abs().mean(dim=0).tolist()
    return dict(zip(names, errors, strict=True))


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
