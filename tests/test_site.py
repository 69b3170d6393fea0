"""The documentation as a site: it builds without a warning, and its reference is what the groups say."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from runpy import run_path
from urllib.parse import unquote

import pytest
import yaml

from sensoryforge.composer import conf_dir

ROOT = Path(__file__).parents[1]
LIMIT_S = 120.0


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
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=LIMIT_S)
    assert built.returncode == 0, built.stderr
    return folder


def test_every_document_is_in_the_menu() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert not [path.name for path in (ROOT / "docs").glob("*.md") if f": {path.name}" not in text]


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
            assert not anchor or found not in pages or anchor in pages[found].anchors, f"{path.name}: {target}"


def test_pages_fetch_nothing_from_elsewhere(site: Path) -> None:
    for path in site.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not [part for part in text.split("<") if part.startswith(('script src="http', 'img src="http'))]
        assert '<link href="http' not in text


def test_the_reference_is_what_the_groups_say() -> None:
    made = run_path(str(ROOT / "docs" / "reference.py"))["page"]()
    assert (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8") == made, "run python docs/reference.py"


def test_the_reference_has_every_option_and_every_key() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for path in conf_dir().glob("*/*.yaml"):
        _, section = page.split(f"### {path.parent.name}: {path.stem}\n", 1)
        section = section.partition("\n#")[0]
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        own = {"defaults", "_target_", "type", "states", "derivatives", "threshold", "reset", "output"}
        keys = [key for key, value in values.items() if key not in own and not isinstance(value, dict)]
        keys += [f"parameters.{key}" for key in values.get("parameters", {})]
        if path.parent.name != "experiment" and path.stem != "hdf5":
            assert not [key for key in keys if f"| `{key}` |" not in section], path
