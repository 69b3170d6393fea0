"""Which pictures a dataset is shown by, and writing them to files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis.plots.activity import response, strongest
from sensoryforge.analysis.plots.rates import heatmap, tuning
from sensoryforge.analysis.plots.skin import movie, sheet
from sensoryforge.analysis.selection import check_column, unknown
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names
from sensoryforge.store.files import disk

if TYPE_CHECKING:
    from sensoryforge.analysis.results import Results

KINDS = ("tuning", "heatmap", "response", "movie", "sheet")
FORMATS = ("png", "svg", "pdf")
_OF_AXES = ("tuning", "heatmap")
"""Pictures of all stimuli of a type; the others are of one stimulus."""


@dataclass(frozen=True)
class Page:
    """A picture that can be drawn: its name, what it shows, and how, for a width in inches."""

    name: str
    caption: str
    draw: Callable[[float], style.Picture]


def pages(
    results: Results,
    kinds: Sequence[str] = KINDS,
    stimulus: int | None = None,
    axes: Sequence[str] = (),
) -> Iterator[Page]:
    """Yield the pictures of a dataset, a type of stimulus after the other, and the sheet once.

    Parameters
    ----------
    results
        The dataset.
    kinds
        Which pictures, of ``KINDS``.
    stimulus
        Which stimulus, by its index in the design. Without it each type shows its stimulus with
        most spikes.
    axes
        The parameters of tuning and map; without them the first two axes of each type.

    Raises
    ------
    ConfigError
        For another picture, parameter or stimulus.

    Examples
    --------
    >>> [page.name for page in pages(results)]
    ['tuning', 'heatmap', 'response', 'movie', 'sheet']
    """
    _check(results, kinds, axes)
    chosen = results if stimulus is None else results.where(index=stimulus)
    if not len(chosen):
        raise ConfigError(_no_stimulus(results, stimulus))
    types = list(dict.fromkeys(chosen.table["type"]))
    for kind in KINDS:
        if kind not in kinds:
            continue
        if kind == "sheet":
            yield _page_of_stimulus(kind, results.where(type=types[0]), stimulus, "")
            continue
        for stimulus_type in types:
            tag = stimulus_type if len(types) > 1 else ""
            of_type = results.where(type=stimulus_type)
            if kind in _OF_AXES:
                names = list(axes or of_type.axes)
                yield from _pages_of_axes(kind, of_type, names, tag)
            else:
                yield _page_of_stimulus(kind, of_type, stimulus, tag)


def write(
    results: Results,
    folder: Path,
    kinds: Sequence[str] = (),
    stimulus: int | None = None,
    axes: Sequence[str] = (),
    format: str = "png",
) -> Iterator[str]:
    """Write the pictures into a folder, and yield a line for each.

    Parameters
    ----------
    results
        The dataset.
    folder
        Where to; it is made.
    kinds
        Which pictures, of ``KINDS``. Without them all that the dataset has; those that it lacks
        are left out.
    stimulus, axes
        As in `pages`.
    format
        Of the files, of ``FORMATS``.

    Raises
    ------
    ConfigError
        For what is not allowed, and for a picture that is asked for but cannot be drawn.
    StorageError
        Where the disk refuses.
    """
    if format not in FORMATS:
        raise ConfigError(unknown("format", format, FORMATS))
    book = list(pages(results, kinds or KINDS, stimulus, axes))
    lacking = _lacking(results, book, kinds or KINDS, axes)
    if kinds and lacking:
        raise ConfigError(f"{kind}: {need}" for kind, need in lacking.items())
    for kind, need in lacking.items():
        yield f"{kind}: left out; {need}"
    for page in book:
        try:
            figure = page.draw(style.WIDTH)
        except ConfigError as error:
            if kinds:
                raise
            yield f"{page.name}: left out; {error}"
            continue
        path = folder / f"{page.name}.{format}"
        with disk(path):
            folder.mkdir(parents=True, exist_ok=True)
            figure.savefig(path)
        yield f"Wrote {path}"


def _lacking(
    results: Results, book: list[Page], kinds: Sequence[str], axes: Sequence[str]
) -> dict[str, str]:
    """Return the kinds of pictures that a dataset does not have, each with what it would need."""
    drawn = {page.name.partition("_")[0] for page in book}
    varied = list_names(axes or results.axes) or "none"
    lacking = {}
    for kind in kinds:
        if kind not in drawn:
            count = "two parameters" if kind == "heatmap" else "a parameter"
            lacking[kind] = f"needs {count} that the design varies, got {varied}"
    return lacking


def _pages_of_axes(kind: str, results: Results, axes: list[str], tag: str) -> Iterator[Page]:
    """Yield the map over the first two axes, or the tuning to each axis.

    The tuning to the first axis has a curve for each value of the second; the second has no picture
    of its own.
    """
    name = f"{kind}_{tag}" if tag else kind
    of_type = f" of {tag}" if tag else ""
    if kind == "heatmap" and len(axes) > 1:
        x, y = axes[:2]
        caption = f"Rates{of_type} over {x} and {y}"
        yield Page(name, caption, partial(_draw_heatmap, results, x, y))
    if kind == "tuning" and axes:
        x = axes[0]
        by = axes[1] if len(axes) > 1 else None
        curves = f" for each {by}" if by else ""
        caption = f"Tuning{of_type} to {x}{curves}"
        yield Page(name, caption, partial(_draw_tuning, results, x, by))
        for x in axes[2:]:
            draw = partial(_draw_tuning, results, x, None)
            yield Page(f"{name}_{x}", f"Tuning{of_type} to {x}", draw)


def _draw_heatmap(results: Results, x: str, y: str, width: float) -> style.Picture:
    return heatmap(results, x, y, width=width)


def _draw_tuning(results: Results, x: str, by: str | None, width: float) -> style.Picture:
    return tuning(results, x, by, width=width)


def _page_of_stimulus(kind: str, results: Results, stimulus: int | None, tag: str) -> Page:
    """Return a picture of one stimulus: the one with an index, or the one with most spikes."""
    indices = results.table["index"].tolist()
    if stimulus is None:
        row = strongest(results)
        which = f"{tag} stimulus {indices[row]}, which has most spikes".lstrip()
    else:
        row = indices.index(stimulus)
        which = f"{tag} stimulus {stimulus}".lstrip()
    draw, shows = _OF_STIMULUS[kind]
    return Page(
        name=f"{kind}_{tag}" if tag else kind,
        caption=f"{shows}: {which}",
        draw=lambda width: draw(results, row, width=width),
    )


_OF_STIMULUS: dict[str, tuple[Callable[..., style.Picture], str]] = {
    "response": (response, "Response over time"),
    "movie": (movie, "Pressure on the sheet"),
    "sheet": (sheet, "Receptors and receptive fields"),
}
"""Picture of one stimulus -> what draws it, and what it shows."""


def _check(results: Results, kinds: Sequence[str], axes: Sequence[str]) -> None:
    """Raise ConfigError for pictures and parameters that are not there."""
    problems = [unknown("picture", kind, KINDS) for kind in kinds if kind not in KINDS]
    if problems:
        raise ConfigError(problems)
    for name in axes:
        check_column(results, name, "axis")


def _no_stimulus(results: Results, stimulus: int | None) -> str:
    """Return the message for a stimulus that is not in the dataset."""
    indices = results.table["index"]
    if not len(indices):
        return "stimulus: the dataset has none"
    allowed = f"an index of the table, {indices.min()} to {indices.max()}"
    return f"stimulus: got {stimulus}, allowed is {allowed}"
