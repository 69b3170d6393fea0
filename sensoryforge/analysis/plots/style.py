"""How pictures look: sizes in inches, and colours that the colour-blind can tell apart.

The colours are those of Okabe and Ito 2008, Color Universal Design, as Wong 2011 gives them
(doi:10.1038/nmeth.1618).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

try:
    import matplotlib as mpl
    import matplotlib.style
    from matplotlib.figure import Figure
except ModuleNotFoundError:
    from sensoryforge.core.packages import require

    require("matplotlib")
    raise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sensoryforge.store.dataset import Dataset

WIDTH = 10.0
"""Default width of a picture in inches."""
PANEL = 3.4
"""Least width of a panel that stands beside another."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK = "#222222"
FAINT = "#8a8a8a"
MAP = "viridis"
DRIVE_MAP = "Greys"
MARKERS = "os^Dv<>p"
_HINTED = 1.03
"""How much wider letters are drawn, at most, where they are fitted to the pixels of a file."""
_TITLE_SIZE = 10.0
LABEL_SIZE = 9.5
"""Of the letters of a headline and of an axis's label, in points."""
MARGIN = 0.25
_LEAST_TITLE = 1.5
"""Inches that are left free beside a headline, and that a title has at least."""
_SETTINGS = {
    "font.size": 9.5,
    "axes.titlesize": LABEL_SIZE,
    "axes.titlelocation": "left",
    "axes.labelsize": LABEL_SIZE,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "text.color": INK,
    "axes.labelcolor": INK,
    "legend.frameon": False,
    "figure.dpi": 96,
    "savefig.dpi": 192,
    "svg.fonttype": "none",
}


class Picture(Figure):
    """A matplotlib figure that a notebook shows by itself.

    ``savefig`` works as usual; ``plt.figure(picture)`` hands it to pyplot.
    """

    def draw(self, renderer: Any) -> None:
        """Draw with our settings: ticks are made only now."""
        with settings():
            super().draw(renderer)

    def savefig(self, *args: Any, **options: Any) -> None:
        """Save with our settings."""
        with settings():
            super().savefig(*args, **options)

    def _repr_png_(self) -> bytes:
        return png(self)


def settings() -> AbstractContextManager[None]:
    """Return the context in which a picture is drawn: matplotlib's defaults and our settings.

    What the user has set elsewhere does not show in it, and stands again afterwards.
    """
    return mpl.style.context(["default", _SETTINGS])


def picture(width: float, height: float) -> Picture:
    """Return an empty picture of a size in inches."""
    return Picture(figsize=(width, height), layout="constrained")


def columns(width: float, panels: int) -> int:
    """Return how many of some panels stand side by side.

    >>> columns(WIDTH, 5), columns(3.0, 5)
    (2, 1)
    """
    return max(1, min(panels, int(width // PANEL)))


def panels(
    width: float, names: Sequence[str], height: float, beside: int | None = None
) -> tuple[Picture, list[Axes]]:
    """Return a picture with a panel a name, and the panels.

    They stand side by side as far as the width allows, or ``beside`` of them, each ``height``
    inches high.
    """
    beside = beside or columns(width, len(names))
    rows = -(-len(names) // beside)
    figure = picture(width, height * rows)
    axes = list(figure.subplots(rows, beside, squeeze=False).flat)
    for axis in axes[len(names) :]:
        axis.remove()
    return figure, axes[: len(names)]


def png(figure: Figure, dpi: float = 144) -> bytes:
    """Return a picture as the bytes of a PNG file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi)
    return stream.getvalue()


def colour(dataset: Dataset, population: str) -> str:
    """Return the colour of a population, the same in every picture of a dataset.

    >>> colour(results, "ra")
    '#D55E00'
    """
    return colour_of(dataset.populations, population)


def colour_of(populations: Sequence[str], population: str) -> str:
    """Return the colour of one of some populations.

    >>> colour_of(["sa", "ra"], "ra")
    '#D55E00'
    """
    return COLOURS[list(populations).index(population) % len(COLOURS)]


def title(population: str) -> str:
    """Return how a population is called in pictures.

    >>> title("sa"), title("afferents")
    ('SA', 'afferents')
    """
    return population.upper() if len(population) <= 3 else population


def wrapped(text: str, width: float, size: float = _TITLE_SIZE) -> str:
    """Return a title broken into lines that fit a width in inches; no word is broken.

    Its letters have a size in points.

    >>> wrapped("Stimulus 5: composite, right_motion_speed_mm_s 20 mm/s", 3.0)
    'Stimulus 5: composite,\\nright_motion_speed_mm_s 20 mm/s'
    """
    return _in_lines(text, max(width, _LEAST_TITLE), size)


def upright(text: str, inches: float) -> str:
    """Return the label of a y axis broken into lines that fit a height; no word is broken.

    >>> upright("motion_speed_mm_s (mm/s)", 1.4)
    'motion_speed_mm_s\\n(mm/s)'
    """
    return _in_lines(text, inches, LABEL_SIZE)


def _in_lines(text: str, inches: float, size: float) -> str:
    """Return a text broken into lines as wide as they are drawn: an m is wider than an i."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and _text_width(longer, size) > inches:
            lines.append(line)
            line = word
        else:
            line = longer
    return "\n".join([*lines, line])


def _text_width(text: str, size: float) -> float:
    """Return how wide a text is drawn, in inches."""
    return _letters_width(text) * size / 72.0 * _HINTED


@lru_cache(maxsize=4096)
def _letters_width(text: str) -> float:
    """Return how wide a text is in our font, as a share of the font's size."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family="DejaVu Sans", size=100)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 100.0


def headline(figure: Figure, text: str) -> None:
    """Write what a picture shows above it, at its left edge."""
    width = figure.get_size_inches()[0]
    figure.suptitle(wrapped(text, width - MARGIN), fontsize=_TITLE_SIZE, ha="left", x=0.1 / width)


def short(value: Any, digits: int = 6) -> str:
    """Return a value as a tick says it, a number with at most some digits.

    >>> short(30.0), short("step"), short(0.123456, digits=3)
    ('30', 'step', '0.123')
    """
    return f"{value:.{digits}g}" if isinstance(value, int | float) else str(value)
