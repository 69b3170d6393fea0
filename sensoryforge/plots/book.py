"""Which pictures a dataset is shown by, and writing them to files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import sensoryforge.plots.style as style
from sensoryforge.errors import ConfigError, listing, suggest
from sensoryforge.plots.activity import response, strongest
from sensoryforge.plots.skin import movie, sheet
from sensoryforge.plots.tuning import heatmap, tuning
from sensoryforge.selection import check_column
from sensoryforge.store.files import disk

if TYPE_CHECKING:
    from sensoryforge.store.results import Results

KINDS = ("tuning", "heatmap", "response", "movie", "sheet")
FORMATS = ("png", "svg", "pdf")


@dataclass(frozen=True)
class Page:
    """A picture that can be drawn: its name, what it shows, and how, for a width in inches."""

    name: str
    caption: str
    draw: Callable[[float], style.Picture]


def pages(
    results: Results, kinds: Sequence[str] = KINDS, stimulus: int | None = None, axes: Sequence[str] = ()
) -> Iterator[Page]:
    """Yield the pictures of a dataset: for each type its tuning, map, response and movie, and the sheet once.

    ``stimulus`` is an index of the design; without it each type shows its stimulus with most spikes. ``axes`` are the
    parameters of tuning and map; without them the first two axes of each type.
    """
    _check(results, kinds, axes)
    chosen = results.where(index=stimulus) if stimulus is not None else results
    if not len(chosen):
        raise ConfigError(_no_stimulus(results, stimulus))
    for kind in KINDS:
        if kind not in kinds:
            continue
        types = list(dict.fromkeys(chosen.table["type"]))
        for name in types[:1] if kind == "sheet" else types:
            tag = name if len(types) > 1 and kind != "sheet" else ""
            of_type = results.where(type=name)
            if kind in ("tuning", "heatmap"):
                yield from _over_axes(kind, of_type, list(axes) or list(of_type.axes), tag)
            else:
                yield _of_stimulus(kind, of_type, stimulus, tag)


def write(
    results: Results,
    folder: Path,
    kinds: Sequence[str] = (),
    stimulus: int | None = None,
    axes: Sequence[str] = (),
    format: str = "png",
) -> Iterator[str]:
    """Write the pictures into a folder, and yield a line for each; those not asked for by name may be left out."""
    if format not in FORMATS:
        raise ConfigError(f"format: got {format!r}, allowed are {listing(FORMATS)}{suggest(format, FORMATS)}")
    book = list(pages(results, kinds or KINDS, stimulus, axes))
    drawn = {page.name.partition("_")[0] for page in book}
    lacking = [f"{kind}: {_needed(results, kind, axes)}" for kind in kinds or KINDS if kind not in drawn]
    if kinds and lacking:
        raise ConfigError(lacking)
    yield from (line.replace(": ", ": left out; ", 1) for line in lacking)
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


def _needed(results: Results, kind: str, axes: Sequence[str]) -> str:
    """Return what the map or the tuning would need, and what there is."""
    given = listing(axes or results.axes) or "none"
    return f"needs {'two parameters' if kind == 'heatmap' else 'a parameter'} that the design varies, got {given}"


def _over_axes(kind: str, results: Results, axes: list[str], tag: str) -> Iterator[Page]:
    """Yield the map over the first two axes, or the tuning to the first by the second and to each of the others."""
    suffix, of = (f"_{tag}", f" of {tag}") if tag else ("", "")
    if kind == "heatmap" and len(axes) > 1:
        x, y = axes[:2]
        caption = f"Rates{of} over {x} and {y}"
        yield Page(f"heatmap{suffix}", caption, lambda width: heatmap(results, x, y, width=width))
    if kind == "tuning" and axes:
        by = axes[1] if len(axes) > 1 else None
        caption = f"Tuning{of} to {axes[0]}{f' for each {by}' if by else ''}"
        yield Page(f"tuning{suffix}", caption, lambda width: tuning(results, axes[0], by, width=width))
        for name in axes[2:]:
            draw = partial(_tuning_alone, results, name)
            yield Page(f"tuning{suffix}_{name}", f"Tuning{of} to {name}", draw)


def _tuning_alone(results: Results, name: str, width: float) -> style.Picture:
    return tuning(results, name, width=width)


def _of_stimulus(kind: str, results: Results, stimulus: int | None, tag: str) -> Page:
    row = strongest(results) if stimulus is None else results.table["index"].tolist().index(stimulus)
    which = f"{tag} stimulus {results.table['index'].iloc[row]}".lstrip()
    which += ", which has most spikes" if stimulus is None else ""
    captions = {
        "response": f"Response over time: {which}",
        "movie": f"Pressure on the sheet: {which}",
        "sheet": f"Receptors and receptive fields: {which}",
    }
    drawers: dict[str, Callable[..., style.Picture]] = {"response": response, "movie": movie, "sheet": sheet}
    return Page(
        f"{kind}_{tag}" if tag else kind, captions[kind], lambda width: drawers[kind](results, row, width=width)
    )


def _check(results: Results, kinds: Sequence[str], axes: Sequence[str]) -> None:
    wrong = [kind for kind in kinds if kind not in KINDS]
    if wrong:
        lines = (f"picture: got {kind!r}, allowed are {listing(KINDS)}{suggest(kind, KINDS)}" for kind in wrong)
        raise ConfigError(lines)
    for name in axes:
        check_column(results, name, "axis")


def _no_stimulus(results: Results, stimulus: int | None) -> str:
    found = results.table["index"]
    if not len(found):
        return "stimulus: the dataset has none"
    return f"stimulus: got {stimulus}, allowed is an index of the table, {found.min()} to {found.max()}"
