"""Writes ``docs/configuration.md`` from the comments of ``conf/``: ``python docs/reference.py``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from sensoryforge.config import catalogue
from sensoryforge.config.sources import conf_dir

PAGE = Path(__file__).with_name("configuration.md")
OPENING = """\
# Configuration reference

Every key with its default, unit and meaning, made from the files in `conf/` by `docs/reference.py`.
`sensoryforge list` prints the same, with the options of a `--config-dir` added.

An option is chosen by `GROUP=OPTION` and a key is set by `GROUP.KEY=VALUE`; groups inside a
population are chosen as their section says. Above each table stands the place of its keys in the
composed configuration, which `sensoryforge run --cfg job` prints. `-` is no unit."""
PLACES = {
    "population": "neurons.populations.NAME",
    "skin": "pipeline.skin",
    "layout": "neurons.populations.NAME.layout",
    "innervation": "neurons.populations.NAME.innervation",
    "filter": "neurons.populations.NAME.filter",
    "model": "neurons.populations.NAME.model",
    "units": "neurons.populations.NAME.units",
    "outline": "pipeline.outline",
    "format": "batch.format",
    "experiment": "",
}


def page() -> str:
    """Return the page."""
    lines = [OPENING]
    for name in catalogue.GROUPS:
        lines += group(name)
    lines += training()
    return "\n".join(lines)


def group(name: str) -> Iterator[str]:
    """Yield the section of a group: what it is for, and its options."""
    place = PLACES.get(name, name)
    description = f"{as_code(catalogue.GROUPS[name])}."
    if place:
        description += f" Keys: `{place}.KEY`."
    yield from ("", f"## {name}", "", description)
    for path in sorted((conf_dir() / name).glob("*.yaml")):
        yield from ("", f"### {name}: {path.stem}", "", catalogue.read_option(path).comment)
        yield from table(path)


def training() -> Iterator[str]:
    """Yield the section of ``sensoryforge.train``, which has a configuration of its own."""
    path = conf_dir() / "train.yaml"
    yield from ("", "## sensoryforge.train", "", catalogue.read_option(path).comment)
    yield from table(path)
    yield ""


def table(path: Path) -> Iterator[str]:
    """Yield the parameters of a file as a table."""
    parameters = catalogue.read_option(path).parameters
    if not parameters:
        return
    above = parents(path)
    yield from ("", "| key | default | unit | meaning |", "| --- | --- | --- | --- |")
    for row in parameters:
        prefixes = above.get(row.key)
        key = f"{prefixes.pop(0)}{row.key}" if prefixes else row.key
        yield f"| `{key}` | `{row.value}` | {row.unit} | {row.meaning} |"


def parents(path: Path) -> dict[str, list[str]]:
    """Return what stands before each key that is not at the top of its file, in its order."""
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    above: dict[str, list[str]] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            for key in value:
                if key not in values:
                    above.setdefault(key, []).append(f"{name}.")
    return above


def as_code(text: str) -> str:
    """Return the description of a group with the override in it as code."""
    described = re.sub(r"(-m )?\S+=\S+", lambda override: f"`{override[0]}`", text)
    return described[0].upper() + described[1:]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
