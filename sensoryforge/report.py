"""One HTML page about a dataset: what was run, pictures, and tables that sort; it needs nothing but a browser."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from html import escape
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge.errors import ConfigError
from sensoryforge.selection import axes as design_axes
from sensoryforge.selection import failed, parameters
from sensoryforge.store.files import disk, show
from sensoryforge.units import labelled, unit

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.plots.style import Picture
    from sensoryforge.store.results import Results

MOST_ROWS = 1000
"""Stimuli that the page lists; all of a larger dataset are in a CSV file beside it."""
_WIDE, _NARROW = 10.6, 3.7
_SHARPNESS = {_WIDE: 144, _NARROW: 192}
_COLOURS = 256
_HERE = Path(__file__).parent


def write(results: Results, path: Path) -> list[Path]:
    """Write the page, and where it cannot list every stimulus a CSV file beside it; return what was written."""
    page = html(results, path.with_suffix(".csv").name)
    written = [path]
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    if len(results) > MOST_ROWS:
        written.append(path.with_suffix(".csv"))
        with disk(written[-1]):
            stimuli(results, every=True).to_csv(written[-1], index=False)
    return written


def html(results: Results, csv: str = "report.csv") -> str:
    """Return the page; ``csv`` is the file that it names for the stimuli beyond the first thousand."""
    name = show(results.directory.resolve())
    parts = [*_head(results, name), *_pictures(results), *_tables(results, csv), *_run(results)]
    script = f"<script>{(_HERE / 'report.js').read_text(encoding='utf-8')}</script>"
    style = f"<style>{(_HERE / 'report.css').read_text(encoding='utf-8')}</style>"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(results.directory.resolve().name)}: SensoryForge</title>{style}</head><body>",
            *parts,
            f"{script}</body></html>\n",
        ]
    )


def _head(results: Results, name: str) -> Iterator[str]:
    yield f"<header><h1>{escape(results.directory.resolve().name)}</h1>"
    state = "complete" if results.complete else "interrupted: these are the stimuli committed so far"
    noun = "stimulus" if len(results) == 1 else "stimuli"
    yield f'<p class="lead">{len(results)} {noun}, {state}</p>'
    links = {"pictures": "Pictures", "conditions": "Conditions", "stimuli": "Stimuli", "run": "Run and configuration"}
    anchors = "".join(f'<a href="#{key}">{text}</a>' for key, text in links.items())
    yield f"<nav>{anchors}</nav></header>"
    lost = failed(results)
    if lost.any():
        rows = results.table[lost].head(10)
        lines = "<br>".join(
            escape(f"{index}: {error}") for index, error in zip(rows["index"], rows["error"], strict=True)
        )
        count = f"{lost.sum()} of {len(results)} stimuli failed"
        yield f'<div class="failed"><b>{count}</b> and have no spikes.<br>{lines}</div>'
    yield "<h2>Design</h2>"
    yield _table(_design(results), wrap=("axes", "fixed"))
    yield _pairs(_facts(results, name))


def _facts(results: Results, name: str) -> Iterator[tuple[str, str]]:
    """Yield what there is to know of the run at a glance."""
    config = results.metadata.get("config") or {}
    pipeline = config.get("pipeline") or {}
    for population in results.populations:
        samples, neurons = results.shape(f"{population}_spikes")
        yield f"Population {population}", f"{neurons} neurons, {samples} samples"
    if pipeline:
        yield "Time", f"{pipeline['duration_ms']:g} ms in samples of {pipeline['dt_ms']:g} ms"
        side = pipeline["grid_size"]
        sides = f"{side} × {side}" if isinstance(side, int) else " × ".join(map(str, side))
        yield "Sheet", f"{sides} receptors, {pipeline['spacing_mm']:g} mm apart"
        yield "Seed", str(pipeline["seed"])
    if "started" in results.metadata:
        yield "Run", f"{results.metadata['started']}, {results.metadata.get('wall_time_s', 0):g} s"
    yield "Directory", name


def _design(results: Results) -> pd.DataFrame:
    """Return a row a type: its axes, how many stimuli, and what is fixed."""
    import pandas as pd

    rows = []
    for kind in dict.fromkeys(results.table["type"]):
        chosen = results.where(type=kind)
        axes, table = design_axes(chosen), chosen.table
        varied = "; ".join(_valued(results, name, axes[name]) for name in axes)
        names = [name for name in parameters(table) if name not in axes and table[name].notna().all()]
        fixed = "; ".join(_valued(results, name, [table[name].iloc[0]]) for name in names)
        conditions = len(table[list(axes)].drop_duplicates()) if axes else 1
        repetitions = table["repetition"].nunique()
        rows.append((kind, varied or "none", len(table), conditions, repetitions, fixed))
    return pd.DataFrame(rows, columns=["type", "axes", "stimuli", "conditions", "repetitions", "fixed"])


def _valued(results: Results, name: str, values: Iterable[Any]) -> str:
    """Return a parameter with its values and their unit."""
    values = list(values)
    if name == "hold_ms" and values == [inf]:
        return "hold_ms to the end"
    return f"{name} {', '.join(map(_text, values))} {unit(results, name)}".rstrip()


def stimuli(results: Results, every: bool = False) -> pd.DataFrame:
    """Return a row a stimulus: parameters that differ (or every column), spikes and rates of each population."""
    table, counts, rates = results.table, results.counts(), results.rates()
    names = list(table) if every else _shown(results)
    found = table[names].copy()
    for name in results.populations:
        found[f"{name} spikes"] = counts[name]
        found[f"{name} rate (Hz)"] = rates[name].round(3)
    return found.join(table[[name for name in ("id", "error") if name in table and name not in found]])


def conditions(results: Results) -> pd.DataFrame:
    """Return a row a condition: its parameters, and mean and standard deviation of each population's rate."""
    keys = [name for name in _shown(results) if name not in ("index", "repetition")] or ["type"]
    found = results.table[keys].join(results.rates())
    grouped = found.groupby(keys, sort=False, dropna=False)
    table = grouped.size().to_frame("stimuli")
    for name in results.populations:
        table[f"{name} rate (Hz)"] = grouped[name].mean().round(3)
        table[f"{name} SD (Hz)"] = grouped[name].std().round(3)
    return table.reset_index()


def _shown(results: Results) -> list[str]:
    """Return the columns of the table that tell stimuli apart."""
    table = results.table
    kinds = ["type"] if table["type"].nunique() > 1 else []
    varied = [name for name in parameters(table) if table[name].nunique() > 1]
    return ["index", *kinds, *varied, "repetition"]


def _tables(results: Results, csv: str) -> Iterator[str]:
    yield '<h2 id="conditions">Conditions</h2>'
    yield "<p>Rate of the mean neuron over the whole stimulus, and its standard deviation over repetitions.</p>"
    yield _table(_with_units(results, conditions(results).head(MOST_ROWS)))
    yield '<h2 id="stimuli">Stimuli</h2>'
    if len(results) > MOST_ROWS:
        link = f'<a href="{escape(csv)}">{escape(csv)}</a>'
        yield f"<p>The first {MOST_ROWS} of {len(results)} stimuli; all of them are in {link} beside this page.</p>"
    yield _table(_with_units(results, stimuli(results.take(range(min(len(results), MOST_ROWS))))))


def _with_units(results: Results, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the unit of each parameter in its head."""
    return table.rename(columns={name: labelled(results, str(name)) for name in table})


def _run(results: Results) -> Iterator[str]:
    import yaml

    metadata = results.metadata
    yield '<h2 id="run">Run and configuration</h2>'
    yield f"<pre>import sensoryforge as sf\nresults = sf.load({escape(repr(show(results.directory.resolve())))})</pre>"
    versions = metadata.get("versions") or {}
    if versions:
        yield _pairs(versions.items())
    text = yaml.safe_dump(metadata.get("config"), sort_keys=False, allow_unicode=True, width=100)
    yield f"<details><summary>The whole configuration</summary><pre>{escape(text)}</pre></details>"


def _pictures(results: Results) -> Iterator[str]:
    from sensoryforge.plots.book import pages

    yield '<h2 id="pictures">Pictures</h2>'
    for page in pages(results):
        try:
            wide, narrow = (_inline(page.draw(width), width) for width in (_WIDE, _NARROW))
        except ConfigError as error:
            yield f'<p class="lead">{escape(page.caption)}: left out; {escape(str(error))}</p>'
            continue
        source = f'<source media="(max-width: 700px)" srcset="{narrow}">'
        image = f'<img src="{wide}" alt="{escape(page.caption)}">'
        yield f"<figure><figcaption>{escape(page.caption)}</figcaption><picture>{source}{image}</picture></figure>"


def _inline(figure: Picture, width: float) -> str:
    """Return a picture as the text of a PNG image; few colours keep it small."""
    from PIL import Image

    dpi, pixels, small = _SHARPNESS[width], io.BytesIO(), io.BytesIO()
    figure.savefig(pixels, format="rgba", dpi=dpi)
    wide, high = (int(side * dpi) for side in figure.get_size_inches())
    image = Image.frombytes("RGBA", (wide, high), pixels.getvalue()).convert("RGB")
    image.quantize(_COLOURS, dither=Image.Dither.NONE).save(small, "png")
    return f"data:image/png;base64,{base64.b64encode(small.getvalue()).decode()}"


def _pairs(pairs: Iterable[tuple[str, Any]]) -> str:
    """Return names and values as a list of definitions."""
    return f"<dl>{''.join(f'<dt>{escape(str(k))}</dt><dd>{escape(str(v))}</dd>' for k, v in pairs)}</dl>"


def _table(table: pd.DataFrame, wrap: tuple[str, ...] = ()) -> str:
    """Return a table whose columns sort when their heads are clicked."""
    kinds = {name: _class(table[name], name in wrap) for name in table}
    tag = "button" if len(table) > 1 else "span"
    heads = "".join(f'<th scope="col"><{tag}{kinds[name]}>{escape(str(name))}</{tag}></th>' for name in table)
    rows = (
        "".join(f"<td{kinds[name]}>{escape(_text(value))}</td>" for name, value in zip(table, row, strict=True))
        for row in table.itertuples(index=False)
    )
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>\n{body}\n</tbody></table></div>'


def _class(column: pd.Series[Any], wrap: bool) -> str:
    if column.dtype.kind in "ifu":
        return ""
    return ' class="text wrap"' if wrap else ' class="text"'


def _text(value: Any) -> str:
    """Return a value as a table says it, nothing where there is none."""
    if value is None or value != value:
        return ""
    return f"{value:.10g}" if isinstance(value, float) else str(value)
