"""The sheet of receptors: where neurons lie, what they pool, and the drive over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import sensoryforge.analysis.plots.scene as scene
import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis.measures import sample_count, step_ms
from sensoryforge.analysis.plots.activity import check_row, describe
from sensoryforge.analysis.selection import check_population
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Floats, Ints, Positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

    from sensoryforge.analysis.results import Results
    from sensoryforge.skin.innervation import ReceptiveFields

_EXAMPLES = 3
"""Neurons of a population whose receptors are drawn."""
_MOST_DOTS = 4096
"""Receptors up to which each is drawn; more would make a grey field."""
_MOST_CIRCLES = 300
"""Neurons up to which each has its receptive field drawn; more would hide the sheet."""
_ABOVE_SHEET = 1.05
"""Inches that the headline, the title and labels take above and below a panel of the sheet."""
_MOST_SHEET_HEIGHT = 6.0
_LEAST_SHEET_WIDTH = 3.4
_FRAME_WIDTH = 1.5
"""Least width of a frame of the movie, in inches."""


def sheet(
    results: Results,
    row: int | None = 0,
    *,
    populations: Sequence[str] | None = None,
    width: float = style.WIDTH,
) -> style.Picture:
    """Return a picture of the sheet in mm, a panel a population.

    A circle is a neuron's receptive field at one standard deviation; a dot its centre where the
    innervation has no such number, and where there are more than 300. Three neurons also have the
    receptors that they pool, as large as their weight. Grey is the drive (a.u.) of a stimulus when
    it is highest in time.

    Parameters
    ----------
    results
        The dataset.
    row
        Which stimulus: a row of ``results.table``. None leaves it out.
    populations
        Which populations; None draws all.
    width
        Width of the picture, in inches.

    Raises
    ------
    ConfigError
        For another row or population, and where the receptive fields cannot be drawn again.

    Examples
    --------
    >>> figure = sheet(results, populations=["sa"])
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_title(loc="left")
    ('x (mm)', 'SA: 5 receptive fields (1 SD);\\nwhat 3 of them pool')
    """
    names = list(populations or results.populations)
    for name in names:
        check_population(results, name)
    if row is not None:
        check_row(results, row)
    with style.settings():
        figure, axes = sheet_panels(results, width, names)
        drawn = None
        for axis, name in zip(axes, names, strict=True):
            if row is not None:
                drawn = _draw_drive(axis, results, row)
            draw_fields(axis, results, name)
        if drawn is not None:
            label = "highest drive (a.u.)"
            figure.colorbar(drawn, ax=axes, label=label, fraction=0.04, aspect=30, pad=0.02)
        if row is not None:
            style.headline(figure, describe(results, row))
    return figure


def sheet_panels(
    results: Results, width: float, names: Sequence[str], beside: float = 1.0
) -> tuple[style.Picture, list[Axes]]:
    """Return a picture with a panel of the sheet for each population.

    Labels and colour bars take ``beside`` inches of each. The panels are as high as the sheet is at
    their width; those of a high sheet are less wide.
    """
    left, right, bottom, top = scene.extent_mm(results)
    columns = style.columns(width, len(names))
    panel_width = width / columns - beside
    panel_height = panel_width * (top - bottom) / (right - left)
    if panel_height > _MOST_SHEET_HEIGHT:
        panel_width *= _MOST_SHEET_HEIGHT / panel_height
        panel_height = _MOST_SHEET_HEIGHT
        width = max(columns * (panel_width + beside), _LEAST_SHEET_WIDTH)
    figure, axes = style.panels(width, names, panel_height + _ABOVE_SHEET, columns)
    for axis in axes:
        axis.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
        axis.set(xlabel="x (mm)", ylabel="y (mm)")
    return figure, axes


def movie(
    results: Results, row: int = 0, *, frames: int = 6, width: float = style.WIDTH
) -> style.Picture:
    """Return frames of a stimulus: the drive (a.u.) on the sheet in mm, on one scale.

    Parameters
    ----------
    results
        The dataset.
    row
        Which stimulus: a row of ``results.table``.
    frames
        How many, evenly spaced from the first sample to the last.
    width
        Width of the picture, in inches.

    Raises
    ------
    ConfigError
        For another row, for more frames than samples, and where the stimulus was not saved and
        cannot be worked out again.

    Examples
    --------
    >>> figure = movie(results, 0, frames=3)
    >>> [axis.get_title() for axis in figure.axes[:3]]
    ['0 ms', '15 ms', '29.5 ms']
    """
    check_row(results, row)
    total = sample_count(results)
    if not 1 <= frames <= total:
        raise ConfigError(f"frames: got {frames}, allowed is 1 to {total}, the number of samples")
    evenly = np.linspace(0, total - 1, frames)
    samples = np.rint(evenly).astype(np.int64)
    images = scene.frames(results, row, samples)
    columns = max(1, min(frames, int(width // _FRAME_WIDTH)))
    rows = -(-frames // columns)
    with style.settings():
        height = rows * (0.93 * (width - 1.0) / columns + 0.3) + 0.55
        figure = style.picture(width, height)
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axis, image, sample in zip(axes.flat, images, samples, strict=False):
            drawn = _draw_frame(axis, results, image, images)
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


def draw_fields(axis: Axes, results: Results, population: str) -> None:
    """Draw the receptors, the receptive field of every neuron, and what some neurons pool.

    Of many neurons only those have their field drawn, and every other is a dot.
    """
    centres, fields = scene.receptive_fields(results, population)
    field_sd_mm = scene.field_sd_mm(results, population)
    colour = style.colour(results, population)
    examples = _examples(centres, np.array(scene.sheet(results).center_mm))
    name = style.title(population)
    pooled = f"what {len(examples)} of them pool"
    _draw_receptors(axis, results)
    if field_sd_mm is None:
        title = f"{name}: {len(centres)} receptive fields (centres only);\n{pooled}"
        axis.plot(*centres.T, "o", color=colour, markersize=3, alpha=0.65, zorder=2)
    elif len(centres) > _MOST_CIRCLES:
        title = f"{name}: {len(centres)} afferents (dots);\nfield (1 SD) and {pooled}"
        axis.plot(*centres.T, ".", color=colour, markersize=2.5, alpha=0.55, zorder=2)
        _draw_circles(axis, centres[examples], field_sd_mm, style.INK)
    else:
        title = f"{name}: {len(centres)} receptive fields (1 SD);\n{pooled}"
        _draw_circles(axis, centres, field_sd_mm, colour)
    for number, neuron in enumerate(examples):
        example_colour = style.COLOURS[2 + number]
        _draw_pooled(axis, results, centres[neuron], fields, neuron, example_colour)
    axis.set_title(title)


def _draw_receptors(axis: Axes, results: Results) -> None:
    """Draw a dot a receptor, where there are not too many."""
    receptors = scene.sheet(results)
    if receptors.count > _MOST_DOTS:
        return
    x, y = receptors.xy().T
    axis.plot(x, y, ".", color=style.FAINT, markersize=1.2, zorder=1, label="receptors")


def _draw_circles(axis: Axes, centres: Positions, radius_mm: float, colour: str) -> None:
    """Draw a circle around each neuron."""
    from matplotlib.collections import EllipseCollection

    diameters = np.full(len(centres), 2 * radius_mm)
    circles = EllipseCollection(
        diameters,
        diameters,
        np.zeros(len(centres)),
        units="xy",
        offsets=centres,
        offset_transform=axis.transData,
        facecolors="none",
        edgecolors=colour,
        linewidths=0.8,
        alpha=0.65,
        zorder=2,
    )
    axis.add_collection(circles)


def _draw_pooled(
    axis: Axes,
    results: Results,
    centre: Positions,
    fields: ReceptiveFields,
    neuron: int,
    colour: str,
) -> None:
    """Draw the receptors that a neuron pools, as large as their weights, and lines to them."""
    pooled = fields.weights[neuron] > 0
    weights = fields.weights[neuron][pooled]
    receptors = fields.indices[neuron][pooled]
    x, y = scene.sheet(results).xy(receptors).T
    line_x = np.stack([np.full_like(x, centre[0]), x])
    line_y = np.stack([np.full_like(y, centre[1]), y])
    axis.plot(line_x, line_y, color=colour, linewidth=0.5, alpha=0.7, zorder=3)
    axis.scatter(
        x,
        y,
        s=22 * weights / weights.max(),
        color=colour,
        edgecolors=style.INK,
        linewidths=0.3,
        zorder=4,
    )


def _examples(centres: Positions, middle: Positions) -> Ints:
    """Return neurons far from each other.

    The most central comes first, then whichever is farthest from those taken; neurons at the edge,
    whose fields are cut, only where there are no others.
    """
    away = np.abs(centres - middle)
    chosen = [int(np.argmin((away * away).sum(axis=1)))]
    is_inner = (away <= 0.75 * away.max(axis=0)).all(axis=1)
    while len(chosen) < min(_EXAMPLES, len(centres)):
        squares = [((centres - centres[neuron]) ** 2).sum(axis=1) for neuron in chosen]
        nearest = np.min(squares, axis=0)
        preference = np.where(is_inner, nearest, nearest - 1e9)
        preference[chosen] = -np.inf
        chosen.append(int(np.argmax(preference)))
    return np.array(chosen)


def _draw_drive(axis: Axes, results: Results, row: int) -> AxesImage | None:
    """Draw the drive when it is highest in time; None where it is unknown."""
    import matplotlib as mpl
    from matplotlib.colors import ListedColormap

    try:
        frame = scene.highest_frame(results, row)
    except ConfigError:
        return None
    # The darkest greys would hide what is drawn on them.
    greys = mpl.colormaps[style.DRIVE_MAP](np.linspace(0, 0.62, 256))
    return axis.imshow(
        frame,
        origin="lower",
        extent=scene.extent_mm(results),
        cmap=ListedColormap(greys),
        vmin=0,
        vmax=max(float(frame.max()), 1e-9),
        zorder=0,
    )


def _draw_frame(axis: Axes, results: Results, image: Floats, images: Floats) -> AxesImage:
    """Draw one frame on the scale of all."""
    return axis.imshow(
        image,
        origin="lower",
        extent=scene.extent_mm(results),
        cmap=style.MAP,
        vmin=min(0, images.min()),
        vmax=max(float(images.max()), 1e-9),
    )
