"""How pictures look: sizes in inches, and colours that the colour-blind can tell apart (Okabe and Ito)."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

try:
    import matplotlib as mpl
    import matplotlib.style
    from matplotlib.figure import Figure
except ModuleNotFoundError:
    from sensoryforge.extras import require

    require("matplotlib")
    raise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sensoryforge.store.results import Results

WIDTH = 10.0
"""Default width of a picture in inches."""
PANEL = 3.4
"""Least width of a panel that stands beside another."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, FAINT = "#222222", "#8a8a8a"
MAP = "viridis"
PRESSURE_MAP = "Greys"
MARKERS = "os^Dv<>p"
_LETTERS = 13.5
"""Of a title in an inch, about."""
_SETTINGS = {
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
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
    """A matplotlib figure that a notebook shows by itself; ``savefig`` as usual, ``plt.figure(picture)`` adopts it."""

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
    """Return the context in which a picture is drawn: matplotlib's defaults and ours, whatever the user has set."""
    return mpl.style.context(["default", _SETTINGS])


def picture(width: float, height: float) -> Picture:
    """Return an empty picture of a size in inches."""
    return Picture(figsize=(width, height), layout="constrained")


def panels(width: float, names: Sequence[str], height: float) -> tuple[Picture, list[Axes]]:
    """Return a picture with a panel a name, side by side as far as the width allows, each ``height`` inches high."""
    columns = max(1, min(len(names), int(width // PANEL)))
    rows = -(-len(names) // columns)
    figure = picture(width, height * rows)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis in axes[len(names) :]:
        axis.remove()
    return figure, axes[: len(names)]


def png(figure: Figure, dpi: float = 144) -> bytes:
    """Return a picture as the bytes of a PNG file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi)
    return stream.getvalue()


def colour(results: Results, population: str) -> str:
    """Return the colour of a population, the same in every picture of a dataset."""
    return COLOURS[results.populations.index(population) % len(COLOURS)]


def title(population: str) -> str:
    """Return how a population is called in pictures."""
    return population.upper() if len(population) <= 3 else population


def wrapped(text: str, width: float) -> str:
    """Return a title broken into lines that fit a width in inches."""
    return textwrap.fill(text, max(20, int(width * _LETTERS)))


def headline(figure: Figure, text: str) -> None:
    """Write what a picture shows above it, at its left edge."""
    width = figure.get_size_inches()[0]
    figure.suptitle(wrapped(text, width), fontsize=10, ha="left", x=0.1 / width)


def short(value: Any) -> str:
    """Return a value as a tick says it."""
    return f"{value:g}" if isinstance(value, int | float) else str(value)
