"""The sheet of receptors: where neurons lie, what they pool, and the drive over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import sensoryforge.analysis.plots.courses as courses
import sensoryforge.analysis.plots.instants as instants
import sensoryforge.analysis.plots.scene as scene
import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis.measures import sample_count, step_ms
from sensoryforge.analysis.plots.activity import check_row, describe
from sensoryforge.analysis.plots.fields import Afferents, draw_fields, draw_outline
from sensoryforge.analysis.selection import check_population
from sensoryforge.analysis.units import amplitude_unit, pressure_label
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Floats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.image import AxesImage

    from sensoryforge.analysis.results import Results

_ABOVE_SHEET = 1.05
"""Inches that the headline, the title and labels take above and below a panel of the sheet."""
_MOST_SHEET_HEIGHT = 6.0
_LEAST_SHEET_WIDTH = 3.4
_NARROW = 1.0
"""Inches below which a sheet has room for few numbers below it."""
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
    receptors that they pool, as large as their weight. Grey is the drive (a.u.) of a stimulus, at
    each receptor when it is highest in time: of one that moves its whole way.

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
        # Where the seed of the skin is an axis, the skin is that of the stimulus.
        results, row = results.take([row]), 0
    with style.settings():
        figure, axes = sheet_panels(results, width, names)
        drawn = None
        for axis, name in zip(axes, names, strict=True):
            if row is not None:
                drawn = _draw_drive(axis, results, row)
            draw_fields(axis, _afferents(results, name))
        if drawn is not None:
            label = f"highest {pressure_label(amplitude_unit(results))}"
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
    width, columns, panel_height = sheet_size(results, width, len(names), beside)
    figure, axes = style.panels(width, names, panel_height + _ABOVE_SHEET, columns)
    for axis in axes:
        axis.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
        draw_outline(axis, scene.sheet(results), scene.outline(results))
        axis.set(xlabel="x (mm)", ylabel="y (mm)")
        if sheet_width(results, width, len(names), beside) < _NARROW:
            # More numbers would lie on each other.
            axis.locator_params(axis="x", nbins=2, min_n_ticks=1)
    return figure, axes


def sheet_width(results: Results, width: float, panels: int, beside: float = 1.0) -> float:
    """Return the width in inches of each of some sheets in a picture of some width.

    >>> sheet_width(results, width=8.0, panels=2)
    3.0
    """
    left, right, bottom, top = scene.extent_mm(results)
    _, _, panel_height = sheet_size(results, width, panels, beside)
    return panel_height * (right - left) / (top - bottom)


def sheet_size(
    results: Results, width: float, panels: int, beside: float = 1.0
) -> tuple[float, int, float]:
    """Return the width of a picture of some sheets, how many stand side by side, and their height.

    >>> sheet_size(results, width=8.0, panels=2)
    (8.0, 2, 3.0)
    """
    left, right, bottom, top = scene.extent_mm(results)
    columns = style.columns(width, panels)
    panel_width = width / columns - beside
    panel_height = panel_width * (top - bottom) / (right - left)
    if panel_height > _MOST_SHEET_HEIGHT:
        panel_width *= _MOST_SHEET_HEIGHT / panel_height
        panel_height = _MOST_SHEET_HEIGHT
        width = max(columns * (panel_width + beside), _LEAST_SHEET_WIDTH)
    return width, columns, panel_height


def drive_greys() -> Colormap:
    """Return the colours of a drive on which something else is drawn: no dark ones, which hide it.

    >>> drive_greys().N
    256
    """
    import matplotlib as mpl
    from matplotlib.colors import ListedColormap

    return ListedColormap(mpl.colormaps[style.DRIVE_MAP](np.linspace(0, 0.62, 256)))


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
        How many, evenly spaced from the first sample to the last. Where half of them would be
        blank, for the stimulus moves off the sheet or vibrates, they show it while it presses.
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
    samples = instants.of_movie(courses.highest_course(results, row), frames)
    frames = len(samples)
    images = scene.frames(results, row, samples)
    columns = max(1, min(frames, int(width // _FRAME_WIDTH)))
    rows = -(-frames // columns)
    with style.settings():
        height = rows * (0.93 * (width - 1.0) / columns + 0.3) + 0.55
        figure = style.picture(width, height)
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axis, image, sample in zip(axes.flat, images, samples, strict=False):
            drawn = _draw_frame(axis, results, image, images)
            draw_outline(axis, scene.sheet(results), scene.outline(results), "white")
            axis.set_title(f"{sample * step_ms(results):g} ms", loc="center")
        for axis in list(axes.flat)[frames:]:
            axis.remove()
        for axis in axes[:, 0]:
            axis.set_ylabel("y (mm)")
        for axis in axes[-1]:
            axis.set_xlabel("x (mm)")
        label = pressure_label(amplitude_unit(results))
        figure.colorbar(drawn, ax=axes, label=label, fraction=0.05, aspect=12)
        style.headline(figure, describe(results, row))
    return figure


def _afferents(results: Results, population: str) -> Afferents:
    """Return where the neurons of a population lie, and what they pool."""
    centres, fields = scene.afferents(results, population)
    return Afferents(
        name=population,
        colour=style.colour(results, population),
        receptors=scene.sheet(results),
        xy_mm=centres,
        fields=fields,
        field_sd_mm=scene.field_sd_mm(results, population),
    )


def _draw_drive(axis: Axes, results: Results, row: int) -> AxesImage | None:
    """Draw the highest drive at each receptor; None where it is unknown."""
    try:
        frame = scene.highest_drive(results, row)
    except ConfigError:
        return None
    return axis.imshow(
        frame,
        origin="lower",
        extent=scene.extent_mm(results),
        cmap=drive_greys(),
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
