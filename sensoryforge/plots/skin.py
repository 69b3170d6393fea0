"""The sheet of receptors: where neurons lie, what they pool, and the pressure over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import sensoryforge.plots.scene as scene
import sensoryforge.plots.style as style
from sensoryforge.analysis import samples, step_ms
from sensoryforge.errors import ConfigError
from sensoryforge.plots.activity import check_row, describe
from sensoryforge.selection import check_population
from sensoryforge.types import Ints, Positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from sensoryforge.innervation import Innervation
    from sensoryforge.store.results import Results

_EXAMPLES = 3
_MOST_DOTS = 4096


def sheet(
    results: Results, row: int | None = 0, *, populations: Sequence[str] | None = None, width: float = style.WIDTH
) -> style.Picture:
    """Return a picture of the sheet, a panel a population: receptors, receptive fields, and a stimulus.

    Every circle is a neuron's receptive field at one standard deviation. Three neurons also have the receptors that
    they pool, as large as their weight. Grey is the pressure of a stimulus where it is highest in time; ``row`` None
    leaves it out.
    """
    names = [check_population(results, name) for name in populations or results.populations]
    if row is not None:
        check_row(results, row)
    with style.settings():
        columns = max(1, min(len(names), int(width // style.PANEL)))
        figure, axes = style.panels(width, names, min(width / columns, 5.0) * 0.92)
        tops: list[float] = []
        for axis, name in zip(axes, names, strict=True):
            tops.append(0.0 if row is None else _draw_pressure(axis, results, row))
            draw_fields(axis, results, name)
        if row is not None:
            grey = f"; grey: drive when highest, up to {max(tops):.3g} a.u." if max(tops) else ""
            style.headline(figure, describe(results, row) + grey)
    return figure


def draw_fields(axis: Axes, results: Results, population: str) -> None:
    """Draw the receptors, every receptive field at one standard deviation, and what some neurons pool."""
    from matplotlib.collections import EllipseCollection

    centres, innervation = scene.receptive_fields(results, population)
    skin, colour = scene.sheet(results), style.colour(results, population)
    if skin.count <= _MOST_DOTS:
        x, y = skin.xy().T
        axis.plot(x, y, ".", color=style.FAINT, markersize=1.2, zorder=1, label="receptors")
    size = np.full(len(centres), 2 * scene.field_sigma_mm(results, population))
    axis.add_collection(
        EllipseCollection(
            size,
            size,
            np.zeros(len(size)),
            units="xy",
            offsets=centres,
            offset_transform=axis.transData,
            facecolors="none",
            edgecolors=colour,
            linewidths=0.8,
            alpha=0.65,
            zorder=2,
        )
    )
    chosen = _examples(centres)
    for number, neuron in enumerate(chosen):
        _draw_pooled(axis, results, centres[neuron], innervation, neuron, style.COLOURS[2 + number])
    left, right, bottom, top = scene.extent_mm(results)
    axis.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", xlabel="x (mm)", ylabel="y (mm)")
    axis.set_title(
        f"{style.title(population)}: {len(centres)} receptive fields (1 SD);\nwhat {len(chosen)} of them pool"
    )


def _draw_pooled(
    axis: Axes, results: Results, centre: Positions, innervation: Innervation, neuron: int, colour: str
) -> None:
    """Draw the receptors that a neuron pools, as large as their weights, and lines to them."""
    weights = innervation.weights[neuron]
    x, y = scene.sheet(results).xy(innervation.indices[neuron][weights > 0]).T
    weights = weights[weights > 0]
    axis.plot(
        np.stack([np.full_like(x, centre[0]), x]), np.stack([np.full_like(y, centre[1]), y]),
        color=colour, linewidth=0.5, alpha=0.7, zorder=3,
    )  # fmt: skip
    axis.scatter(x, y, s=22 * weights / weights.max(), color=colour, edgecolors=style.INK, linewidths=0.3, zorder=4)


def _examples(centres: Positions) -> Ints:
    """Return neurons far from each other: the most central, then whichever is farthest from those taken."""
    chosen = [int(np.argmin((centres * centres).sum(axis=1)))]
    inner = np.abs(centres) <= 0.75 * np.abs(centres).max(axis=0)
    while len(chosen) < min(_EXAMPLES, len(centres)):
        away = np.min([((centres - centres[one]) ** 2).sum(axis=1) for one in chosen], axis=0)
        chosen.append(int(np.argmax(np.where(inner.all(axis=1), away, away - 1e9))))
    return np.array(chosen)


def _draw_pressure(axis: Axes, results: Results, row: int) -> float:
    """Draw the pressure where it is highest in time, and return how high; 0 where it cannot be known."""
    try:
        course = scene.time_course(results, row)
        frame = scene.frames(results, row, np.array([int(course.argmax())]))[0]
    except ConfigError:
        return 0.0
    top = float(frame.max())
    extent = scene.extent_mm(results)
    axis.imshow(
        frame, origin="lower", extent=extent, cmap=style.PRESSURE_MAP, vmin=0, vmax=1.6 * max(top, 1e-9), zorder=0
    )
    return top


def movie(results: Results, row: int = 0, *, frames: int = 6, width: float = style.WIDTH) -> style.Picture:
    """Return some frames of a stimulus, evenly spaced from the first sample to the last, on one scale."""
    check_row(results, row)
    total = samples(results)
    if not 1 <= frames <= total:
        raise ConfigError(f"frames: got {frames}, allowed is 1 to {total}, the number of samples")
    at = np.rint(np.linspace(0, total - 1, frames)).astype(np.int64)
    images = scene.frames(results, row, at)
    columns = max(1, min(frames, int(width // 1.5)))
    rows = -(-frames // columns)
    with style.settings():
        figure = style.picture(width, rows * (0.93 * (width - 1.0) / columns + 0.3) + 0.55)
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        top = max(float(images.max()), 1e-9)
        for axis, image, sample in zip(axes.flat, images, at, strict=False):
            drawn = axis.imshow(
                image,
                origin="lower",
                extent=scene.extent_mm(results),
                cmap=style.MAP,
                vmin=min(0, images.min()),
                vmax=top,
            )
            axis.set_title(f"{sample * step_ms(results):g} ms", loc="center")
        for axis in list(axes.flat)[frames:]:
            axis.remove()
        for axis in axes[:, 0]:
            axis.set_ylabel("y (mm)")
        for axis in axes[-1]:
            axis.set_xlabel("x (mm)")
        figure.colorbar(drawn, ax=axes, label="drive (a.u.)", fraction=0.05, aspect=12)
        style.headline(figure, describe(results, row))
    return figure
