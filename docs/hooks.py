"""Hooks of the documentation's build.

The README is the first page, the documents beside it are pages too, and links out of ``docs/`` lead
to copies.
"""

from __future__ import annotations

import re
from os.path import relpath
from pathlib import Path
from posixpath import normpath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\(([^)#\s]+)")
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Documents at the root of the repository -> their page within ``docs/``."""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the documents at the root, the notebooks, and whatever else the pages link to."""
    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=root_page(name)))
    linked = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("notebooks/*.ipynb")}
    for file in files.documentation_pages():
        linked |= set(outside_links(file))
    for target in sorted(linked):
        path = ROOT / target
        if path.is_file() and path.suffix != ".md" and not files.get_file_from_path(target):
            files.append(File.generated(config, target, abs_src_path=str(path)))
    return files


def root_page(name: str) -> str:
    """Return a document at the root as a page: its links are as they are from within ``docs/``."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return LINK.sub(lambda link: f"]({link_from_docs(link[1])}", text)


def link_from_docs(target: str) -> str:
    """Return a link of a document at the root as a page in ``docs/`` has it."""
    if "://" in target:
        return target
    return target.removeprefix("docs/") if target.startswith("docs/") else f"../{target}"


def outside_links(file: File) -> list[str]:
    """Return what a page links to outside of ``docs/``, relative to the root."""
    targets = [from_root(target, file.src_uri) for target in LINK.findall(file.content_string)]
    return [target for target in targets if target and not target.startswith("docs/")]


def from_root(target: str, page: str) -> str:
    """Return a link's target relative to the root; empty for one that leads elsewhere."""
    if "://" in target:
        return ""
    return normpath((Path("docs", page).parent / target).as_posix())


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Turn links of a page to what is outside of ``docs/`` into links within the site."""
    uri = page.file.src_uri

    def within_site(link: re.Match[str]) -> str:
        target = from_root(link[1], uri)
        if not target or target.startswith("docs/"):
            return link[0]
        folder = Path(uri).parent.as_posix()
        return f"]({Path(relpath(PAGES.get(target, target), folder)).as_posix()}"

    return LINK.sub(within_site, markdown)
