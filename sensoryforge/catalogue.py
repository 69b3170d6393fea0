"""What there is to choose from, read from the comments of ``conf/``; and what a dataset holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge.composer import conf_dir
from sensoryforge.errors import ConfigError, listing, suggest

if TYPE_CHECKING:
    from sensoryforge.store.results import Results

GROUPS = {
    "pipeline": "sheet of receptors, time axis, device",
    "neurons": "populations of afferents",
    "population": "one population: +population@neurons.populations.NAME=OPTION",
    "innervation": "receptors to afferents: innervation@neurons.populations.NAME.innervation=OPTION",
    "filter": "drive in time: filter@neurons.populations.NAME.filter=OPTION",
    "model": "neuron model: model@neurons.populations.NAME.model=OPTION",
    "stimuli": "stimulus types; a list of values is an axis, in a sweep -m stimuli=OPTION,OPTION",
    "batch": "where and how a dataset is written",
    "experiment": "whole experiments: experiment=OPTION",
    "decoder": "what reads stimuli off spikes: python -m sensoryforge.train decoder=OPTION",
}
MOST = 20
"""Failed stimuli that are listed."""
_PARAMETER = re.compile(r"\s*(?P<key>\w+):\s+(?P<value>.*?)\s+#\s+(?P<unit>[^;]+);\s*(?P<meaning>.*)")


def lines(group: str | None = None, search: Sequence[Path] = ()) -> Iterator[str]:
    """Yield the groups, their options in a line each, and every parameter with default, unit and meaning."""
    if group is not None and group not in GROUPS:
        raise ConfigError(f"{group}: no such group, known are {listing(GROUPS)}{suggest(group, GROUPS)}")
    missing = [folder for folder in search if not folder.is_dir()]
    if missing:
        raise ConfigError([f"{folder}: no such directory" for folder in missing])
    for name in [group] if group else GROUPS:
        yield f"{name}  {GROUPS[name]}"
        for folder in (conf_dir(), *search):
            for path in sorted((folder / name).glob("*.yaml")):
                yield from _option(path)
        yield ""


def read_option(path: Path) -> tuple[str, list[tuple[str, str, str, str]]]:
    """Return the comment at the head of an option, and key, default, unit and meaning of each of its parameters."""
    try:
        text = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not a text file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    head = [line.lstrip("# ") for line in text if line.startswith("#") and not line.startswith("# @")]
    found = (_PARAMETER.fullmatch(line) for line in text)
    return " ".join(head), [(row["key"], row["value"], row["unit"], row["meaning"]) for row in found if row]


def _option(path: Path) -> Iterator[str]:
    """Yield an option with the comment at its head, then its parameters in columns."""
    head, rows = read_option(path)
    yield f"  {path.stem}: {head}"
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        yield f"      {cells}  {row[3]}"


def dataset_lines(results: Results) -> Iterator[str]:
    """Yield what a dataset holds, how it was designed, what failed in it, and how to load it."""
    facts = results.facts
    config: dict[str, Any] = dict(facts.get("config") or {})
    state = "complete" if results.complete else "interrupted: go on with --resume"
    yield f"{results.directory}: {len(results)} {'stimulus' if len(results) == 1 else 'stimuli'}, {state}"
    for name in results.names:
        yield f"  {name}  {' x '.join(map(str, results.shape(name)))}"
    if pipeline := config.get("pipeline"):
        yield f"  {pipeline['duration_ms']} ms in samples of {pipeline['dt_ms']} ms, seed {pipeline['seed']}"
    for line in _design_lines(config.get("stimuli")):
        yield f"  {line}"
    for key in ("started", "wall_time_s"):
        if key in facts:
            yield f"  {key}: {facts[key]}"
    errors = list(results.errors.items())
    if errors:
        yield f"  failed: {len(errors)}"
        yield from (f"    {index}: {error}" for index, error in errors[:MOST])
        if len(errors) > MOST:
            yield f"    and {len(errors) - MOST} more: sensoryforge show {results.directory} --csv"
    yield f'load it: sensoryforge.load("{results.directory}")'


def _design_lines(stimuli: Any) -> list[str]:
    """Return the expansion of the stimuli of a configuration."""
    from sensoryforge.design import Design
    from sensoryforge.entries import families, read_entries

    problems: list[str] = []
    return Design(families(read_entries(stimuli, problems), None, problems)).grid_lines()
