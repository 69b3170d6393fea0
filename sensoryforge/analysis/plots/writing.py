"""Films, and pictures of stimuli before a run, written to files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import sensoryforge.analysis.plots.film as film
import sensoryforge.analysis.plots.planned as planned
from sensoryforge.analysis.plots.activity import strongest
from sensoryforge.analysis.plots.book import FORMATS, no_stimulus_line
from sensoryforge.analysis.selection import unknown
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.progress import open_bar
from sensoryforge.store.files import disk

if TYPE_CHECKING:
    from sensoryforge.analysis.choice import Choice
    from sensoryforge.analysis.plots.plan import Planned
    from sensoryforge.analysis.results import Results


def write_movie(
    results: Results, folder: Path, index: int | None = None, format: str = ""
) -> Iterator[str]:
    """Write one stimulus as a film into a folder, and yield lines that say so.

    Parameters
    ----------
    results
        The dataset.
    folder
        Where to; it is made.
    index
        Which stimulus, by its index in the design; without it the one with most spikes.
    format
        ``mp4`` or ``gif``; without it MP4 where ffmpeg is there, else GIF.

    Raises
    ------
    ConfigError
        For what is not there or not allowed.
    StorageError
        Where the disk refuses.
    """
    row = strongest(results) if index is None else _row_of(results, index)
    path = folder / f"movie.{film.choose_format(format)}"
    with closing(open_bar(film.frame_count(results), 0, "Movie", "frame")) as bar:
        film.save_movie(results, path, row, progress=lambda *_: bar.update(1))
    yield f"Wrote {path}"


def write_stimulus(
    experiment: Planned, path: Path, index: int | None = None, choice: Choice | None = None
) -> Iterator[str]:
    """Write the stimuli of an experiment, before any run, into a picture file.

    Parameters
    ----------
    experiment
        What `plots.stimulus` takes.
    path
        Of the picture; its ending is one of ``FORMATS``.
    index
        Which stimulus of the design; without it some of each family.
    choice
        Only stimuli that meet it; without it any.

    Raises
    ------
    ConfigError
        For another ending, for an index that is not there, and where no stimulus meets the choice.
    StorageError
        Where the disk refuses.
    """
    format = path.suffix.removeprefix(".")
    if format not in FORMATS:
        raise ConfigError(unknown("format", format, FORMATS))
    figure = planned.stimulus(experiment, index, choice=choice)
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    yield f"Wrote {path}"


def _row_of(results: Results, index: int) -> int:
    """Return the row of a stimulus with an index in the design."""
    indices = results.table["index"].tolist()
    if index not in indices:
        raise ConfigError(no_stimulus_line(results, index))
    return int(indices.index(index))
