"""What a decoder told of each test stimulus, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from sensoryforge.core.packages import require
from sensoryforge.learning.scores import Scores
from sensoryforge.learning.spike_data_module import SpikeDataModule

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sensoryforge.core.types import Floats

_LABELLED = 12
"""Classes up to which a confusion matrix has numbers in it."""
_SCATTER_INCHES = 4.2
"""Width and height of a scatter plot."""
_BLUE = "#0072B2"
"""Of Okabe and Ito's palette, which colour-blind readers tell apart."""


def tabulate_predictions(data: SpikeDataModule, outputs: Tensor) -> pd.DataFrame:
    """Return the test stimuli with true and predicted values, in the parameters' own units.

    Parameters
    ----------
    data
        What the decoder was trained and tested on.
    outputs
        ``[B, classes]`` or ``[B, K]``, in the order of ``data.test``.

    Returns
    -------
    pandas.DataFrame
        A row a stimulus: index, id, and ``true_`` and ``predicted_`` of each parameter.
    """
    import pandas as pd

    rows = data.data.table.iloc[data.parts.test]
    predictions = _predictions(data, outputs)
    columns: dict[str, Any] = {"index": rows["index"].tolist(), "id": rows["id"].tolist()}
    for k, name in enumerate(data.target.names):
        columns[f"true_{name}"] = rows[name].tolist()
        columns[f"predicted_{name}"] = [values[k] for values in predictions]
    return pd.DataFrame(columns)


def _predictions(data: SpikeDataModule, outputs: Tensor) -> Sequence[Sequence[Any]]:
    """Return one value a parameter for each test stimulus."""
    classes = data.target.classes
    if classes is None:
        numbers: list[list[float]] = data.natural(outputs).tolist()
        return numbers
    chosen = [classes[label] for label in outputs.argmax(dim=1).tolist()]
    if len(data.target.names) == 1:
        return [(value,) for value in chosen]
    return chosen


def draw_predictions(data: SpikeDataModule, outputs: Tensor, scores: Scores, path: Path) -> None:
    """Save predicted against true values: a scatter for each number, the confusion of classes.

    Parameters
    ----------
    data, outputs
        As for ``tabulate_predictions``.
    scores
        For the title.
    path
        Of the picture; its suffix is the format.

    Raises
    ------
    ConfigError
        Where matplotlib is not installed.
    """
    require("matplotlib")
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    if data.target.classes:
        _draw_confusion(figure, data, outputs)
    else:
        _draw_scatters(figure, data, outputs)
    title = f"{scores.measure} {scores.decoder:.3f} (chance {scores.chance:.3f})"
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=150)


def _draw_scatters(figure: Figure, data: SpikeDataModule, outputs: Tensor) -> None:
    panels = len(data.target.names)
    figure.set_size_inches(_SCATTER_INCHES * panels, _SCATTER_INCHES)
    axes = figure.subplots(1, panels, squeeze=False)[0]
    true = data.target.values[data.parts.test].numpy()
    predicted = data.natural(outputs).numpy()
    for k, name in enumerate(data.data.labels):
        _draw_scatter(axes[k], name, true[:, k], predicted[:, k])


def _draw_scatter(axes: Axes, name: str, true: Floats, predicted: Floats) -> None:
    low = min(true.min(), predicted.min())
    high = max(true.max(), predicted.max())
    axes.plot([low, high], [low, high], color="0.6", linewidth=1)
    axes.scatter(true, predicted, s=14, color=_BLUE, alpha=0.6, linewidths=0)
    axes.set(xlabel=f"true {name}", ylabel=f"predicted {name}")


def _draw_confusion(figure: Figure, data: SpikeDataModule, outputs: Tensor) -> None:
    classes = data.target.classes or ()
    side = _confusion_inches(len(classes))
    figure.set_size_inches(side, side)
    axes = figure.subplots()
    shares = _confusion(data, outputs)
    image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    labels = [_class_label(value) for value in classes]
    axes.set_xticks(range(len(classes)), labels, rotation=90)
    axes.set_yticks(range(len(classes)), labels)
    name = ", ".join(data.data.labels)
    axes.set(xlabel=f"predicted {name}", ylabel=f"true {name}")
    if len(classes) <= _LABELLED:
        _write_shares(axes, shares)


def _confusion_inches(classes: int) -> float:
    """Return width and height of a confusion matrix: margins, and a little for each class."""
    return min(9.0, 3.0 + 0.35 * classes)


def _confusion(data: SpikeDataModule, outputs: Tensor) -> Floats:
    """Return how large a share of each true class (row) was told to be each class (column)."""
    true = data.target.values[data.parts.test].numpy()
    predicted = outputs.argmax(dim=1).numpy()
    counts = np.zeros((data.target.size, data.target.size))
    np.add.at(counts, (true, predicted), 1)
    tested = counts.sum(axis=1, keepdims=True)
    shares: Floats = counts / np.maximum(tested, 1)
    return shares


def _class_label(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)


def _write_shares(axes: Axes, shares: Floats) -> None:
    for (row, column), share in np.ndenumerate(shares):
        ink = "black" if share > 0.5 else "white"
        axes.text(column, row, f"{share:.2f}", ha="center", va="center", color=ink, fontsize=8)
