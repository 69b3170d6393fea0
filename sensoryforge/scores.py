"""How well a decoder tells a target, beside what chance and the total spike count alone would tell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sensoryforge.extras import require
from sensoryforge.lightning.decoding import score
from sensoryforge.lightning.spikes import SpikeDataModule, SpikeDataset

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.types import Floats

_BATCH = 64
_SHRINK = 1e-3
_LABELLED = 12
"""Classes up to which a confusion matrix has numbers in it."""


@dataclass(frozen=True)
class Scores:
    """Scores on the test split: accuracy for classes, R² for numbers (1 is perfect), the mean absolute error where the
    test split has but one value.

    ``nearest``: of numbers, how often the values of the dataset nearest to all that is predicted are the true ones;
    ``nearest_chance`` and ``nearest_spike_count``, how often those of a guess and of the spike count are.
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

    def lines(self, name: str) -> list[str]:
        """Return the scores as lines."""
        made = [
            f"{name}: {self.measure} {self.decoder:.3f} on {self.stimuli['test']} test stimuli; "
            f"chance {self.chance:.3f}, total spike count {self.spike_count:.3f}"
        ]
        if self.nearest is not None:
            made.append(
                f"{name}: nearest value right {self.nearest:.3f}; "
                f"chance {self.nearest_chance:.3f}, total spike count {self.nearest_spike_count:.3f}"
            )
        return made


def compare(data: SpikeDataModule, outputs: Tensor) -> Scores:
    """Return the scores of a decoder's outputs for the test split, in its order."""
    classes = data.target.classes
    train, test = data.parts.train, data.parts.test
    truth, known = data.target.values[test], data.target.values[train]
    counts = [totals(part) for part in (data.train, data.test)]
    if classes:
        guess = float((_shares(known, data.target.size) * _shares(truth, data.target.size)).sum())
        simple = _nearest_class(counts[0], known, counts[1], data.target.size)
    else:
        guess = score(known.mean(dim=0).expand_as(truth), truth, classify=False)
        simple = _ridge(counts[0], known, counts[1])
    told = outputs if classes else data.natural(outputs)
    columns = () if classes else data.target.values.unbind(1)
    grid = [torch.unique(column) for column in columns]
    measure = "accuracy" if classes else "R²"
    values = [score(told, truth, bool(classes)), guess, score(simple, truth, bool(classes))]
    if not classes and bool((truth == truth[0]).all(dim=0).any()):
        measure = "mean absolute error"
        values = [float((each - truth).abs().mean()) for each in (told, known.mean(dim=0), simple)]
    return Scores(
        target=data.target.name,
        measure=measure,
        decoder=values[0],
        chance=values[1],
        spike_count=values[2],
        stimuli={"train": len(train), "val": len(data.parts.val), "test": len(test)},
        nearest=_nearest(data.natural(outputs), truth, grid) if grid else None,
        nearest_chance=float(np.prod([1 / len(values) for values in grid])) if grid else None,
        nearest_spike_count=_nearest(simple, truth, grid) if grid else None,
    )


def _nearest(told: Tensor, truth: Tensor, grid: list[Tensor]) -> float:
    """Return how often rounding to the values of each column gives the truth in all of them."""
    right = torch.ones(len(truth), dtype=torch.bool)
    for k, values in enumerate(grid):
        right &= values[(told[:, k, None] - values).abs().argmin(dim=1)] == truth[:, k]
    return float(right.float().mean())


def totals(data: SpikeDataset) -> Tensor:
    """Return the number of spikes of all neurons of each stimulus, float32 [S]."""
    counts = []
    for first in range(0, len(data), _BATCH):
        spikes = data.reader.read(data.places[first : first + _BATCH].tolist())
        counts.append(torch.count_nonzero(spikes, dim=(1, 2)))
    return torch.cat(counts).float()


def _shares(labels: Tensor, size: int) -> Tensor:
    return torch.bincount(labels, minlength=size) / len(labels)


def _nearest_class(known: Tensor, labels: Tensor, counts: Tensor, size: int) -> Tensor:
    """Return for each count minus its distance to the mean count of each class, [S, classes]."""
    sums = torch.zeros(size).index_add_(0, labels, known)
    means = sums / torch.bincount(labels, minlength=size)
    return -(counts[:, None] - means.nan_to_num(torch.inf)).abs()


def _ridge(known: Tensor, values: Tensor, counts: Tensor) -> Tensor:
    """Return what a line through the training counts tells, [S, K]; its slope is shrunk by a thousandth."""
    mean, middle = known.mean(), values.mean(dim=0)
    x = known - mean
    slope = (x @ (values - middle)) / (x @ x * (1 + _SHRINK)).clamp_min(1e-12)
    return middle + (counts - mean)[:, None] * slope


def table(data: SpikeDataModule, outputs: Tensor) -> pd.DataFrame:
    """Return the test stimuli with what was true and what the decoder told, in the parameters' own units."""
    import pandas as pd

    rows = data.data.table.iloc[data.parts.test]
    columns: dict[str, Any] = {"index": rows["index"].tolist(), "id": rows["id"].tolist()}
    classes, names = data.target.classes, data.target.names
    told = outputs.argmax(dim=1).tolist() if classes else data.natural(outputs).tolist()
    for k, name in enumerate(names):
        columns[f"true_{name}"] = rows[name].tolist()
        if classes:
            columns[f"predicted_{name}"] = [classes[c] if len(names) == 1 else classes[c][k] for c in told]
        else:
            columns[f"predicted_{name}"] = [value[k] for value in told]
    return pd.DataFrame(columns)


def picture(data: SpikeDataModule, outputs: Tensor, scores: Scores, path: Path) -> None:
    """Save predicted against true values: a scatter for each number, the confusion of classes."""
    require("matplotlib")
    from matplotlib.figure import Figure

    classes = data.target.classes
    panels = 1 if classes else len(data.target.names)
    side = 4.2 if not classes else min(9.0, 3.0 + 0.35 * len(classes))
    figure = Figure(figsize=(side * panels, side), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    if classes:
        _confusion(axes[0], data, outputs)
    else:
        for k, name in enumerate(data.data.labels):
            truth, told = data.target.values[data.parts.test], data.natural(outputs)
            _scatter(axes[k], name, truth[:, k].numpy(), told[:, k].numpy())
    figure.suptitle(f"{scores.measure} {scores.decoder:.3f} (chance {scores.chance:.3f})", fontsize=10)
    figure.savefig(path, dpi=150)


def _confusion(axes: Any, data: SpikeDataModule, outputs: Tensor) -> None:
    classes = data.target.classes or ()
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (data.target.values[data.parts.test].numpy(), outputs.argmax(dim=1).numpy()), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    axes.figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    labels = [str(one) if not isinstance(one, tuple) else ", ".join(map(str, one)) for one in classes]
    axes.set_xticks(range(len(classes)), labels, rotation=90)
    axes.set_yticks(range(len(classes)), labels)
    name = ", ".join(data.data.labels)
    axes.set(xlabel=f"predicted {name}", ylabel=f"true {name}")
    for (row, column), share in np.ndenumerate(shares) if len(classes) <= _LABELLED else ():
        ink = "black" if share > 0.5 else "white"
        axes.text(column, row, f"{share:.2f}", ha="center", va="center", color=ink, fontsize=8)


def _scatter(axes: Any, name: str, truth: Floats, told: Floats) -> None:
    low, high = min(truth.min(), told.min()), max(truth.max(), told.max())
    axes.plot([low, high], [low, high], color="0.6", linewidth=1)
    axes.scatter(truth, told, s=14, color="#0072B2", alpha=0.6, linewidths=0)
    axes.set(xlabel=f"true {name}", ylabel=f"predicted {name}")
