"""Receptive fields: where the neurons of a population lie on the sheet, and what they pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import sensoryforge.analysis.plots.style as style
from sensoryforge.core.types import Ints, Positions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sensoryforge.skin.innervation import ReceptiveFields
    from sensoryforge.skin.outlines import Outline
    from sensoryforge.skin.receptors import Receptors

_EXAMPLES = 3
"""Neurons of a population whose receptors are drawn."""
_MOST_DOTS = 4096
"""Receptors up to which each is drawn; more would make a grey field."""
_MOST_CIRCLES = 300
"""Neurons up to which each has its receptive field drawn; more would hide the sheet."""


@dataclass(frozen=True)
class Afferents:
    """The neurons of a population on the skin.

    Attributes
    ----------
    name, colour
        The population, and the colour that it has in pictures.
    receptors
        What they pool from.
    xy_mm
        Where they lie, ``[N, 2]`` in mm.
    fields
        Which receptors each pools; None where they pool none.
    field_sd_mm
        Standard deviation of a receptive field; None where it has none.
    outline
        How far the skin reaches; None for all of the sheet.
    """

    name: str
    colour: str
    receptors: Receptors
    xy_mm: Positions
    fields: ReceptiveFields | None
    field_sd_mm: float | None
    outline: Outline | None = None


def draw_fields(axis: Axes, afferents: Afferents) -> None:
    """Draw the receptors, the receptive field of every neuron, and what some neurons pool.

    Of many neurons only those have their field drawn, and every other is a dot.
    """
    centres, field_sd_mm, colour = afferents.xy_mm, afferents.field_sd_mm, afferents.colour
    if afferents.fields is None:
        axis.plot(*centres.T, ".", color=colour, markersize=4, alpha=0.75, zorder=2)
        axis.set_title(f"{style.title(afferents.name)}: {len(centres)} afferents")
        return
    examples = _examples(centres, np.array(afferents.receptors.center_mm))
    name = style.title(afferents.name)
    pooled = f"what {len(examples)} of them pool"
    _draw_receptors(axis, afferents.receptors)
    draw_outline(axis, afferents.receptors, afferents.outline)
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
        _draw_pooled(axis, afferents, afferents.fields, neuron, example_colour)
    axis.set_title(title)


def draw_outline(
    axis: Axes, receptors: Receptors, outline: Outline | None, colour: str = style.INK
) -> None:
    """Draw how far the skin reaches on the sheet; nothing where it is all of the sheet."""
    for rim in outline.rims() if outline is not None else ():
        x, y = (rim + np.asarray(receptors.center_mm)).T
        axis.fill(x, y, fill=False, edgecolor=colour, linewidth=1.0, zorder=2.5)


def _draw_receptors(axis: Axes, receptors: Receptors) -> None:
    """Draw a dot a receptor, where there are not too many."""
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
    axis: Axes, afferents: Afferents, fields: ReceptiveFields, neuron: int, colour: str
) -> None:
    """Draw the receptors that a neuron pools, as large as their weights, and lines to them."""
    centre = afferents.xy_mm[neuron]
    pooled = fields.weights[neuron] > 0
    weights = fields.weights[neuron][pooled]
    receptors = fields.indices[neuron][pooled]
    x, y = afferents.receptors.xy(receptors).T
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
