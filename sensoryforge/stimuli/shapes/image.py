"""An image as a relief: a height map from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.numerics import like, namespace
from sensoryforge.core.types import Columns, Floats, Positions
from sensoryforge.stimuli.cautions import Caution, Sheet, reach_cautions
from sensoryforge.stimuli.files import IMAGE_FILE, read_height_map, read_once
from sensoryforge.stimuli.ranges import ANGLE, DRIVE, LENGTH, PLACE, Allowed
from sensoryforge.stimuli.relief import RELIEF, Relief, pays
from sensoryforge.stimuli.shapes.shape import Shape, reach_of_rectangle, turned
from sensoryforge.stimuli.surface import Surface

FINE_MM = 0.3
"""Detail that a moving relief need not have finer: receptors lie about half as far apart."""


class Image(Shape):
    """A height map, ``width_mm`` wide and as high as its pixels are square.

    Its highest place presses with ``amplitude``; outside it nothing presses. Between pixels it is
    bilinear.

    Parameters
    ----------
    columns
        ``amplitude`` (model drive), ``file`` (a PNG, or an ``.npy`` ``[H, W]``), ``width_mm``,
        ``orientation`` (degrees; the direction of its rows), ``center_x``, ``center_y`` (mm), each
        ``[C]``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "ridge.npy"
    >>> np.save(path, [[0.0, 1.0, 0.0]])
    >>> values = {"amplitude": 30.0, "width_mm": 3.0, "orientation": 0.0}
    >>> values |= {"center_x": 0.0, "center_y": 0.0, "file": str(path)}
    >>> relief = Image({name: np.array([value]) for name, value in values.items()})
    >>> relief.space(np.array([[0.0, 0.0], [0.5, 0.0], [9.0, 0.0]])).tolist()
    [[[30.0, 15.0, 0.0]]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "amplitude": DRIVE,
        "file": IMAGE_FILE,
        "width_mm": LENGTH,
        "orientation": ANGLE,
        "center_x": PLACE,
        "center_y": PLACE,
    }

    loops: ClassVar[tuple[str, ...]] = (RELIEF,)

    def press(self, x: Floats, y: Floats) -> Floats:
        """Return the relief at places of the skin."""
        along, across = turned(x - self["center_x"], y - self["center_y"], self.axes)
        pressed = []
        for condition, path in enumerate(self.texts("file")):
            lines, columns = read_height_map(path).shape
            pixels_of_mm = columns / float(self["width_mm"][condition, 0])
            column = along[condition] * pixels_of_mm
            column += 0.5 * (columns - 1)
            row = across[condition] * pixels_of_mm
            row += 0.5 * (lines - 1)
            pressed.append(_island(path).at(column, row))
        relief: Floats = namespace(along).stack(pressed)
        relief *= self["amplitude"]
        return relief

    def stills(self, xy: Positions, x: Floats, y: Floats) -> Floats:
        """Return the relief moved to several places; compiled, where it is worked out at many."""
        if not pays(xy, x):
            return super().stills(xy, x, y)
        (path,) = self.texts("file")
        lines, columns = read_height_map(path).shape
        cosine, sine = self.axes
        relief = Relief(
            _island(path),
            points_of_mm=columns / float(self["width_mm"][0, 0]),
            amplitude=float(self["amplitude"][0, 0]),
            center_mm=(float(self["center_x"][0, 0]), float(self["center_y"][0, 0])),
            axes=(float(cosine[0, 0]), float(sine[0, 0])),
            at_center=(0.5 * (columns - 1), 0.5 * (lines - 1)),
        )
        return relief.stills(xy, x, y)

    def detail_mm(self) -> Floats:
        """Return the width of a pixel; of several, where they are finer than receptors tell."""
        pixels = [float(read_height_map(path).shape[1]) for path in self.texts("file")]
        width = self["width_mm"]
        pixel = width / like(np.array(pixels), width).reshape(width.shape)
        xp = namespace(pixel)
        fine_enough = xp.clip(4.0 * pixel, None, FINE_MM)
        detail: Floats = xp.maximum(pixel, fine_enough)
        return detail

    def reach_mm(self) -> Floats:
        """Return how far the relief reaches along x and y, half a pixel beyond its rim."""
        width = self["width_mm"]
        sizes = np.array([read_height_map(path).shape for path in self.texts("file")])
        lines, columns = like(sizes.T.astype(np.float64), width)[:, :, None]
        pixel = width / columns
        return reach_of_rectangle((columns + 2.0) * pixel, (lines + 2.0) * pixel, self.axes)

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Tell a relief that is off the sheet, or lies between receptors."""
        width = columns["width_mm"]
        return reach_cautions(columns, cls(columns).reach_mm()[:, 0], "width_mm", width, sheet)

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse a file that is no height map."""
        problems = []
        for path in dict.fromkeys(columns["file"].tolist()):
            try:
                read_height_map(path)
            except ConfigError as error:
                problems += [f"file: {line}" for line in error.problems]
        return problems


@read_once
def _island(path: str) -> Surface:
    return Surface.island(read_height_map(path))
