"""Writes ``docs/configuration.md`` from the comments of ``conf/``: ``python docs/reference.py``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from sensoryforge import catalogue
from sensoryforge.composer import conf_dir

PAGE = Path(__file__).with_name("configuration.md")
OPENING = """\
# Configuration reference

Every key with its default, unit and meaning, made from the files in `conf/` by `docs/reference.py`.
`sensoryforge list` prints the same, with the options of a `--config-dir` added.

An option is chosen by `GROUP=OPTION` and a key is set by `GROUP.KEY=VALUE`; groups inside a population are chosen as
their section says. Above each table stands the place of its keys in the composed configuration, which
`python -m sensoryforge.run --cfg job` prints. `-` is no unit."""
PLACES = {
    "population": "neurons.populations.NAME",
    "innervation": "neurons.populations.NAME.innervation",
    "filter": "neurons.populations.NAME.filter",
    "model": "neurons.populations.NAME.model",
    "experiment": "",
}


def page() -> str:
    """Return the page."""
    return "\n".join([OPENING, *(line for name in catalogue.GROUPS for line in group(name)), *training()])


def group(name: str) -> Iterator[str]:
    """Yield the section of a group: what it is for, and its options."""
    place = PLACES.get(name, name)
    yield from ("", f"## {name}", "", f"{code(catalogue.GROUPS[name])}." + (f" Keys: `{place}.KEY`." if place else ""))
    for path in sorted((conf_dir() / name).glob("*.yaml")):
        yield from ("", f"### {name}: {path.stem}", "", catalogue.read_option(path)[0], *table(path))


def training() -> Iterator[str]:
    """Yield the section of ``sensoryforge.train``, which has a configuration of its own."""
    path = conf_dir() / "train.yaml"
    yield from ("", "## sensoryforge.train", "", catalogue.read_option(path)[0], *table(path), "")


def table(path: Path) -> Iterator[str]:
    """Yield the parameters of a file as a table."""
    rows = catalogue.read_option(path)[1]
    if not rows:
        return
    above = parents(path)
    yield from ("", "| key | default | unit | meaning |", "| --- | --- | --- | --- |")
    for key, value, unit, meaning in rows:
        yield f"| `{above.get(key, '')}{key}` | `{value}` | {unit} | {meaning} |"


def parents(path: Path) -> dict[str, str]:
    """Return what stands before each key that is not at the top of its file."""
    nodes = yaml.safe_load(path.read_text(encoding="utf-8"))
    inner = {name: node for name, node in nodes.items() if isinstance(node, dict)}
    return {key: f"{name}." for name, node in inner.items() for key in node if key not in nodes}


def code(text: str) -> str:
    """Return the description of a group with the override in it as code."""
    said = re.sub(r"(-m )?\S+=\S+", lambda found: f"`{found[0]}`", text)
    return said[0].upper() + said[1:]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
