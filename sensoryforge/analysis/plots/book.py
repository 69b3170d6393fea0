"""Which pictures a dataset is shown by, and writing them to files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis.plots.activity import response, strongest
from sensoryforge.analysis.plots.afferents import afferent, rates_on_sheet
from sensoryforge.analysis.plots.curves import tuning
from sensoryforge.analysis.plots.maps import heatmap
from sensoryforge.analysis.plots.pairs import MOST_PARAMETERS, coverage
from sensoryforge.analysis.plots.rates import Window, telling_axes
from sensoryforge.analysis.plots.skin import movie, sheet
from sensoryforge.analysis.plots.vibrations import thresholds
from sensoryforge.analysis.selection import check_column, check_population, is_drawn, unknown
from sensoryforge.analysis.thresholds import FREQUENCY
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names
from sensoryforge.store.files import disk

if TYPE_CHECKING:
    from sensoryforge.analysis.results import Results

KINDS = (
    "tuning",
    "heatmap",
    "response",
    "afferent",
    "rates_on_sheet",
    "movie",
    "sheet",
    "coverage",
)
"""Pictures of any dataset."""
ON_REQUEST = ("thresholds",)
"""Pictures of some datasets, drawn where they are asked for."""
WHOLE: Window = (0.0, None)
"""The window of all of a stimulus."""
FORMATS = ("png", "svg", "pdf")
FORMATS_OF_MOVIES = ("mp4", "gif")
_NEEDED_AXES = {"tuning": 1, "heatmap": 2, "coverage": 1, "thresholds": 2}
"""Pictures over parameters of a type -> how many they need."""
_SHOWS_OF_AXES = {
    "tuning": "Tuning",
    "heatmap": "Rates",
    "coverage": "Coverage",
    "thresholds": "Thresholds",
}
"""The same -> what they show."""


@dataclass(frozen=True)
class Page:
    """A picture of a dataset: its kind, its name, what it shows, and how, for a width in inches.

    ``lacks`` says what it needs and does not have, and is empty where it can be drawn.
    """

    kind: str
    name: str
    caption: str
    draw: Callable[[float], style.Picture]
    lacks: str = ""


@dataclass(frozen=True)
class Wishes:
    """What pictures are to be of.

    Attributes
    ----------
    stimulus
        Which stimulus, by its index in the design. Without it each type shows its stimulus with
        most spikes.
    axes
        The parameters of tuning and map; without them those of each type: a frequency first, then
        what has most values (`rates.telling_axes`).
    neuron
        Which afferent, as ``sa:12``; without it the one with most spikes.
    choice
        In words which stimuli the dataset was narrowed to, for the titles; empty for all.
    window
        The part of each stimulus that tuning and map are of: its first instant and the first after
        it, in ms; None is the end.
    """

    stimulus: int | None = None
    axes: tuple[str, ...] = ()
    neuron: str = ""
    choice: str = ""
    window: Window = WHOLE


def pages(
    results: Results, kinds: Sequence[str] = KINDS, wishes: Wishes | None = None
) -> Iterator[Page]:
    """Yield the pictures of a dataset, a type of stimulus after the other, and the sheet once.

    Those of a type that lacks an axis are among them: they say so. The coverage of a plain grid is
    among them only where not all kinds are asked for.

    Parameters
    ----------
    results
        The dataset.
    kinds
        Which pictures, of ``KINDS`` and ``ON_REQUEST``.
    wishes
        What they are to be of.

    Raises
    ------
    ConfigError
        For another picture, parameter, stimulus or afferent.

    Examples
    --------
    >>> [page.name for page in pages(results)]
    ['tuning', 'heatmap', 'response', 'afferent', 'rates_on_sheet', 'movie', 'sheet']
    """
    wishes = wishes or Wishes()
    _check(results, kinds, wishes)
    stimulus = wishes.stimulus
    chosen = results if stimulus is None else results.where(index=stimulus)
    if not len(chosen):
        raise ConfigError(no_stimulus_line(results, stimulus))
    types = list(dict.fromkeys(chosen.table["type"]))
    is_asked = tuple(kinds) != KINDS
    for kind in (*KINDS, *ON_REQUEST):
        if kind not in kinds:
            continue
        if kind == "sheet":
            of_type = results.where(type=types[0])
            yield _noted(_page_of_stimulus(kind, of_type, stimulus, ""), wishes.choice)
            continue
        of_kind: list[Page] = []
        for stimulus_type in types:
            tag = stimulus_type if len(types) > 1 else ""
            of_type = results.where(type=stimulus_type)
            if kind == "coverage" and not is_asked and not is_drawn(of_type):
                continue  # the axes of a grid say all
            if kind in _NEEDED_AXES:
                of_kind += _pages_of_axes(kind, of_type, wishes, tag)
            elif kind == "afferent":
                of_kind.append(_page_of_afferent(of_type, wishes.neuron, tag))
            else:
                of_kind.append(_page_of_stimulus(kind, of_type, stimulus, tag))
        note = _note(wishes.choice, of_kind, types if wishes.axes else [])
        for page in of_kind:
            yield _noted(page, note)


def write(
    results: Results,
    folder: Path,
    kinds: Sequence[str] = (),
    wishes: Wishes | None = None,
    format: str = "png",
) -> Iterator[str]:
    """Write the pictures into a folder, and yield a line for each, also for those left out.

    Parameters
    ----------
    results
        The dataset.
    folder
        Where to; it is made.
    kinds
        Which pictures, of ``KINDS`` and ``ON_REQUEST``; without them all of ``KINDS``.
    wishes
        What they are to be of.
    format
        Of the files, of ``FORMATS``.

    Raises
    ------
    ConfigError
        For what is not allowed, and for a kind that is asked for but cannot be drawn of any type.
    StorageError
        Where the disk refuses.
    """
    if format not in FORMATS:
        hint = "; --movie draws a movie" if format in FORMATS_OF_MOVIES else ""
        raise ConfigError(unknown("format", format, FORMATS) + hint)
    book = list(pages(results, kinds or KINDS, wishes))
    drawable = {page.kind for page in book if not page.lacks}
    problems = []
    for page in book:
        if page.lacks and page.kind not in drawable:
            problems.append(f"{page.name}: {page.lacks}")
    if kinds and problems:
        raise ConfigError(problems)
    drawn: set[str] = set()
    failures: dict[str, list[str]] = {}
    for page in book:
        try:
            figure = page.draw(style.WIDTH)
        except ConfigError as error:
            failures.setdefault(page.kind, []).append(f"{page.name}: left out; {error}")
            continue
        drawn.add(page.kind)
        path = folder / f"{page.name}.{format}"
        with disk(path):
            folder.mkdir(parents=True, exist_ok=True)
            figure.savefig(path)
        yield f"Wrote {path}"
    missing = []
    for kind, lines in failures.items():
        if kind not in drawn:
            missing += lines
    if kinds and missing:
        raise ConfigError(missing)
    for lines in failures.values():
        yield from lines


def _pages_of_axes(kind: str, results: Results, wishes: Wishes, tag: str) -> list[Page]:
    """Return the map over two axes, or the tuning to each axis, of one type.

    The tuning to the first axis has a curve for each value of the second; the second has no picture
    of its own.
    """
    asked, window = wishes.axes, wishes.window
    # A coverage is of the parameters in the order of the design.
    axes = list(asked or (results.axes if kind == "coverage" else telling_axes(results)))
    name = f"{kind}_{tag}" if tag else kind
    of_type = f" of {tag}" if tag else ""
    shows = _SHOWS_OF_AXES[kind]
    lacks = _lacking(kind, results, asked, tag)
    if lacks:
        return [Page(kind, name, f"{shows}{of_type}", partial(_refuse, lacks), lacks)]
    x = axes[0]
    if kind == "coverage":
        caption = f"Coverage{of_type} of {list_names(axes[:MOST_PARAMETERS])}"
        return [Page(kind, name, caption, partial(_draw_coverage, results, tuple(asked)))]
    if kind == "thresholds":
        return [_page_of_thresholds(name, of_type, results, wishes)]
    if kind == "heatmap":
        y = axes[1]
        caption = f"Rates{of_type} over {x} and {y}"
        return [Page(kind, name, caption, partial(_draw_heatmap, results, x, y, window))]
    by = axes[1] if len(axes) > 1 else None
    curves = f" for each {by}" if by else ""
    caption = f"Tuning{of_type} to {x}{curves}"
    of_axes = [Page(kind, name, caption, partial(_draw_tuning, results, x, by, window))]
    for x in axes[2:]:
        draw = partial(_draw_tuning, results, x, None, window)
        of_axes.append(Page(kind, f"{name}_{x}", f"Tuning{of_type} to {x}", draw))
    return of_axes


def _page_of_thresholds(name: str, of_type: str, results: Results, wishes: Wishes) -> Page:
    """Return the thresholds of one type against the first axis that is asked for, or frequency."""
    x = wishes.axes[0] if wishes.axes else FREQUENCY
    window = None if wishes.window == WHOLE else wishes.window
    caption = f"Thresholds{of_type} over {x}"
    return Page(
        kind="thresholds",
        name=name,
        caption=caption,
        draw=lambda width: thresholds(results, x, window=window, width=width),
    )


def _lacking(kind: str, results: Results, asked: Sequence[str], tag: str) -> str:
    """Return what a picture of one type needs and does not have, or nothing."""
    needed = _NEEDED_AXES[kind]
    count = "two parameters" if needed > 1 else "a parameter"
    varied = list_names(asked or results.axes) or "none"
    if len(asked or results.axes) < needed:
        return f"needs {count} that {tag or 'the design'} varies, got {varied}"
    absent = [name for name in asked if results.table[name].isna().all()]
    if absent:
        stimulus_type = results.table["type"].iloc[0]
        return f"{stimulus_type} has no {' and no '.join(absent)}"
    return ""


def _note(choice: str, of_kind: Sequence[Page], types: Sequence[str]) -> str:
    """Return in words which stimuli the pictures of a kind are of, and which types they lack."""
    words = [f"only {choice}"] if choice else []
    lacking = [page for page in of_kind if page.lacks]
    if types and lacking and len(lacking) < len(of_kind):
        reasons = list_names(page.lacks for page in lacking)
        words.append(f"left out: {reasons}")
    return "; ".join(words)


def _noted(page: Page, note: str) -> Page:
    """Return a page whose caption and title also have a note."""
    if not note or page.lacks:
        return page
    return replace(
        page, caption=f"{page.caption} ({note})", draw=partial(_draw_noted, page.draw, note)
    )


def _draw_noted(draw: Callable[[float], style.Picture], note: str, width: float) -> style.Picture:
    figure = draw(width)
    title = " ".join(figure.get_suptitle().split())
    style.headline(figure, f"{title}; {note}")
    return figure


def _refuse(problem: str, width: float) -> style.Picture:
    raise ConfigError(problem)


def _draw_coverage(results: Results, axes: Sequence[str], width: float) -> style.Picture:
    return coverage(results, axes, width=width)


def _draw_heatmap(results: Results, x: str, y: str, window: Window, width: float) -> style.Picture:
    return heatmap(results, x, y, window=window, width=width)


def _draw_tuning(
    results: Results, x: str, by: str | None, window: Window, width: float
) -> style.Picture:
    return tuning(results, x, by, window=window, width=width)


def _page_of_afferent(results: Results, neuron: str, tag: str) -> Page:
    """Return the picture of one afferent over the repetitions of a type."""
    population = number = None
    if neuron:
        population, number = _afferent_named(neuron)
    which = f"Afferent {neuron}" if neuron else "The afferent with most spikes"
    of_type = f", {tag}" if tag else ""
    return Page(
        kind="afferent",
        name=f"afferent_{tag}" if tag else "afferent",
        caption=f"{which} over repetitions{of_type}",
        draw=lambda width: afferent(results, population, number, width=width),
    )


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
        kind=kind,
        name=f"{kind}_{tag}" if tag else kind,
        caption=f"{shows}: {which}",
        draw=lambda width: draw(results, row, width=width),
    )


_OF_STIMULUS: dict[str, tuple[Callable[..., style.Picture], str]] = {
    "response": (response, "Response over time"),
    "rates_on_sheet": (rates_on_sheet, "Rates on the sheet"),
    "movie": (movie, "Drive on the sheet"),
    "sheet": (sheet, "Receptors and receptive fields"),
}
"""Picture of one stimulus -> what draws it, and what it shows."""


def _check(results: Results, kinds: Sequence[str], wishes: Wishes) -> None:
    """Raise ConfigError for pictures, parameters and afferents that are not there."""
    known = (*KINDS, *ON_REQUEST)
    problems = [unknown("picture", kind, known) for kind in kinds if kind not in known]
    if problems:
        raise ConfigError(problems)
    for name in wishes.axes:
        check_column(results, name, "axis")
    if wishes.neuron:
        population, _ = _afferent_named(wishes.neuron)
        check_population(results, population)


def _afferent_named(neuron: str) -> tuple[str, int]:
    """Return population and number of an afferent that is named ``sa:12``."""
    population, colon, number = neuron.partition(":")
    if not colon or not number.isdecimal():
        raise ConfigError(f"neuron: got {neuron!r}, allowed is POPULATION:NUMBER, such as sa:12")
    return population, int(number)


def no_stimulus_line(results: Results, stimulus: int | None) -> str:
    """Return the message for a stimulus that is not in the dataset.

    >>> no_stimulus_line(results, 99)
    'stimulus: got 99, allowed is an index of the table, 0 to 7'
    """
    indices = results.table["index"]
    if not len(indices):
        return "stimulus: the dataset has none"
    allowed = f"an index of the table, {indices.min()} to {indices.max()}"
    return f"stimulus: got {stimulus}, allowed is {allowed}"
