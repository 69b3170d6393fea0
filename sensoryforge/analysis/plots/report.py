"""One HTML page about a dataset: what was run, pictures, and tables that sort.

It needs nothing but a browser: pictures, style and script are inside. What the page looks like
stands in ``report.html.jinja``, ``report.css`` and ``report.js``; here is what it says.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sensoryforge.analysis.plots import report_tables as tables
from sensoryforge.analysis.selection import failed
from sensoryforge.analysis.units import stimulus_entries
from sensoryforge.core.errors import ConfigError
from sensoryforge.store.files import disk, show

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.analysis.plots.style import Picture
    from sensoryforge.analysis.results import Results

MOST_ROWS = 1000
"""Stimuli that the page lists; all of a larger dataset are in a CSV file beside it."""
_MOST_FAILURES = 10
_WIDE = 10.6
_NARROW = 3.7
"""Widths of a picture in inches: on a screen, and on a telephone."""
_DOTS_PER_INCH = {_WIDE: 144, _NARROW: 192}
_COLOURS = 256
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=StrictUndefined,
)


def write(results: Results, path: Path, choice: str = "") -> list[Path]:
    """Write the page, and where it cannot list every stimulus a CSV file beside it.

    Parameters
    ----------
    results
        The dataset.
    path
        Of the page; its folder is made.
    choice
        In words which stimuli the dataset was narrowed to; empty for all.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    StorageError
        Where the disk refuses.
    """
    csv_path = path.with_suffix(".csv")
    page = html(results, csv_path.name, choice)
    written = [path]
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    if len(results) > MOST_ROWS:
        written.append(csv_path)
        with disk(csv_path):
            tables.stimuli_frame(results, every_column=True).to_csv(csv_path, index=False)
    return written


def html(results: Results, csv: str = "report.csv", choice: str = "") -> str:
    """Return the page as text.

    Parameters
    ----------
    results
        The dataset.
    csv
        The file that the page names for the stimuli beyond the first thousand.
    choice
        In words which stimuli the dataset was narrowed to; empty for all.
    """
    directory = results.directory.resolve()
    metadata = results.metadata
    conditions = tables.conditions_frames(results)
    listed = results.take(range(len(results))[:MOST_ROWS])
    stimuli = tables.stimuli_frame(listed)
    return _TEMPLATES.get_template("report.html.jinja").render(
        title=directory.name,
        count=len(results),
        state=_state(results),
        choice=choice,
        failed_count=failed(results).sum(),
        failures=_failures(results),
        design=tables.as_text(tables.design_frame(results), wrapped=("axes", "fixed")),
        facts=list(_facts(results, show(directory))),
        pictures=draw_pictures(results, choice),
        conditions=[_conditions_table(results, *of_type) for of_type in conditions.items()],
        listed=len(listed),
        csv=csv,
        stimuli=tables.as_text(tables.with_units(results, stimuli)),
        directory=repr(show(directory)),
        versions=metadata.get("versions") or {},
        configuration=_configuration(metadata.get("config")),
    )


@dataclass(frozen=True)
class Conditions:
    """The conditions of a type of stimulus: how many there are, and a table of the first."""

    type: str
    count: int
    table: tables.Table


@dataclass(frozen=True)
class Figure:
    """A picture of the page, or the problem why it is left out.

    ``wide``, for screens, and ``narrow``, for telephones, are base64 of PNG images.
    """

    caption: str
    wide: str = ""
    narrow: str = ""
    problem: str = ""


def draw_pictures(results: Results, choice: str = "") -> list[Figure]:
    """Return the pictures of a dataset, ready for the page."""
    from sensoryforge.analysis.plots.book import Wishes, pages

    figures = []
    for page in pages(results, wishes=Wishes(choice=choice)):
        try:
            wide = _encode_png(page.draw(_WIDE), _DOTS_PER_INCH[_WIDE])
            narrow = _encode_png(page.draw(_NARROW), _DOTS_PER_INCH[_NARROW])
        except ConfigError as error:
            figures.append(Figure(page.caption, problem=str(error)))
        else:
            figures.append(Figure(page.caption, wide, narrow))
    return figures


def _conditions_table(results: Results, name: str, frame: pd.DataFrame) -> Conditions:
    """Return the first conditions of a type as texts."""
    listed = tables.with_units(results, frame.head(MOST_ROWS))
    return Conditions(name, len(frame), tables.as_text(listed))


def _state(results: Results) -> str:
    if results.complete:
        return "complete"
    return "interrupted: these are the stimuli committed so far"


def _failures(results: Results) -> list[str]:
    """Return a line for each of the first stimuli that failed."""
    first = list(results.errors.items())[:_MOST_FAILURES]
    return [f"{index}: {error}" for index, error in first]


def _facts(results: Results, directory: str) -> Iterator[tuple[str, str]]:
    """Yield what there is to know of the run at a glance."""
    metadata = results.metadata
    config = metadata.get("config") or {}
    pipeline = config.get("pipeline") or {}
    for population in results.populations:
        samples, neurons = results.shape(f"{population}_spikes")
        yield f"Population {population}", f"{neurons} neurons, {samples} samples"
    if pipeline:
        duration_ms = pipeline["duration_ms"]
        dt_ms = pipeline["dt_ms"]
        yield "Time", f"{duration_ms:g} ms in samples of {dt_ms:g} ms"
        sides = _sides(pipeline["grid_size"])
        spacing_mm = pipeline["spacing_mm"]
        arrangement = pipeline.get("arrangement", "grid")
        how = "" if arrangement == "grid" else f" ({arrangement.replace('_', ' ')})"
        yield "Sheet", f"{sides} receptors{how}, {spacing_mm:g} mm apart"
        yield "Seed", str(pipeline["seed"])
        if pipeline.get("noise_seed") is not None:
            yield "Noise seed", str(pipeline["noise_seed"])
    yield from _sampling_facts(results)
    if "started" in metadata:
        wall_time_s = metadata.get("wall_time_s", 0)
        yield "Run", f"{metadata['started']}, {wall_time_s:g} s"
    yield "Directory", directory


def _sampling_facts(results: Results) -> Iterator[tuple[str, str]]:
    """Yield how the types of a design that is no plain grid were sampled."""
    types = set(results.table["type"])
    for entry in stimulus_entries(results):
        method = entry.get("sampling")
        if method in (None, "grid") or entry["type"] not in types:
            continue
        points = f", {entry['samples']} points" if entry.get("samples") else ""
        where = f", where {entry['where']}" if entry.get("where") else ""
        yield f"Sampling of {entry['type']}", f"{method}{points}{where}"


def _sides(grid_size: Any) -> str:
    """Return rows and columns of the sheet; one number means a square."""
    sides = [grid_size, grid_size] if isinstance(grid_size, int) else grid_size
    return " × ".join(str(side) for side in sides)


def _configuration(config: Any) -> str:
    """Return the whole configuration as YAML."""
    import yaml

    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=100)


def _encode_png(picture: Picture, dpi: int) -> str:
    """Return a picture as base64 of a PNG image; few colours keep it small."""
    from PIL import Image

    pixels = io.BytesIO()
    picture.savefig(pixels, format="rgba", dpi=dpi)
    width, height = picture.get_size_inches()
    size = (int(width * dpi), int(height * dpi))
    image = Image.frombytes("RGBA", size, pixels.getvalue()).convert("RGB")
    few_colours = image.quantize(_COLOURS, dither=Image.Dither.NONE)
    png = io.BytesIO()
    few_colours.save(png, "png")
    return base64.b64encode(png.getvalue()).decode()
