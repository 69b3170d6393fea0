"""The documentation as a site: it builds without a warning, and its reference is what the groups say."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from runpy import run_path
from urllib.parse import unquote

import pytest
import yaml

import sensoryforge
from sensoryforge.commands.cli import COMMANDS
from sensoryforge.config.sources import conf_dir

ROOT = Path(__file__).parents[2]
LIMIT_S = 120.0
API = (
    "analysis.exports", "analysis.plots", "learning", "skin", "skin.innervation", "skin.layouts",
    "skin.mechanics", "skin.outlines", "skin.receptors", "stimuli", "store.formats",
)  # fmt: skip
"""Packages whose public names the reference of the Python API has, all of them."""


class Page(HTMLParser):
    """What a page leads to, and what leads into it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.targets += [found[name] for name in ("href", "src") if found.get(name)]
        self.anchors |= {found["id"]} if "id" in found else set()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(
        command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=LIMIT_S
    )
    assert built.returncode == 0, built.stderr  # "--quiet" would hide warnings from "--strict" too
    return folder


def test_every_document_is_in_the_menu() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    docs = ROOT / "docs"
    pages = [path.relative_to(docs).as_posix() for path in docs.rglob("*.md")]
    assert not [page for page in pages if f": {page}\n" not in text]


def test_every_link_of_the_site_leads_somewhere_within_it(site: Path) -> None:
    pages = {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(pages) > 9
    for path, page in pages.items():
        for target in page.targets:
            if target.startswith(("http:", "https:", "data:", "javascript:")):
                continue
            name, _, anchor = unquote(target).partition("#")
            found = (path.parent / name.partition("?")[0]).resolve() if name else path
            assert found.exists(), f"{path.name}: {target}"
            assert not anchor or found not in pages or anchor in pages[found].anchors, (
                f"{path.name}: {target}"
            )


def test_the_api_reference_has_every_exported_name(site: Path) -> None:
    anchors = (
        Page(site / "api" / "index.html").anchors | Page(site / "api" / "analysis.html").anchors
    )
    names = {anchor.rpartition(".")[2] for anchor in anchors}
    assert set(sensoryforge.__all__) <= names


@pytest.mark.parametrize("package", API)
def test_the_api_reference_has_every_public_name_of_a_package(site: Path, package: str) -> None:
    anchors = set().union(*(Page(path).anchors for path in site.glob("api/*.html")))
    public = import_module(f"sensoryforge.{package}").__all__
    assert not [name for name in public if f"sensoryforge.{package}.{name}" not in anchors]


def test_pages_fetch_nothing_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not [
            part
            for part in text.split("<")
            if part.startswith(('script src="http', 'img src="http'))
        ]
        assert '<link href="http' not in text


def test_the_reference_is_what_the_groups_say() -> None:
    made = run_path(str(ROOT / "docs" / "reference.py"))["page"]()
    assert (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8") == made, (
        "run python docs/reference.py"
    )


def test_the_reference_of_commands_is_what_the_parsers_say() -> None:
    made = run_path(str(ROOT / "docs" / "reference_of_commands.py"))["page"]()
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == made, (
        "run python docs/reference_of_commands.py"
    )
    for name in COMMANDS:
        assert f"\n### sensoryforge {name}\n" in made
    assert "| `--any-version` |" in made


def test_the_reference_has_every_option_and_every_key() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for path in conf_dir().glob("*/*.yaml"):
        _, section = page.split(f"### {path.parent.name}: {path.stem}\n", 1)
        section = section.partition("\n#")[0]
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        own = {
            "defaults",
            "_target_",
            "type",
            "states",
            "derivatives",
            "threshold",
            "reset",
            "output",
        }
        keys = [
            key for key, value in values.items() if key not in own and not isinstance(value, dict)
        ]
        if path.parent.name == "units" and path.stem != "none":
            keys = [key for key in keys if key not in ("columns", "rows")]  # the table itself
        keys += [f"parameters.{key}" for key in values.get("parameters", {})]
        if path.parent.name != "experiment" and path.stem != "hdf5":
            assert not [key for key in keys if f"| `{key}` |" not in section], path
