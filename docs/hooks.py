"""Hooks of the documentation's build: the README is the first page, and links out of ``docs/`` lead to copies."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\(([^)#\s]+)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the first page, the notebooks, and whatever the pages link to outside of ``docs/``."""
    files.append(File.generated(config, "index.md", content=first_page()))
    targets = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("notebooks/*.ipynb")}
    texts = [
        (ROOT / "README.md").read_text(encoding="utf-8"),
        *(file.content_string for file in files.documentation_pages()),
    ]
    for target in targets | {found.removeprefix("../") for text in texts for found in LINK.findall(text)}:
        path = ROOT / target
        if path.is_file() and path.suffix != ".md" and not files.get_file_from_path(target.removeprefix("docs/")):
            files.append(File.generated(config, target, abs_src_path=str(path)))
    return files


def first_page() -> str:
    """Return the README with its links as they are from within ``docs/``."""
    return LINK.sub(lambda link: f"]({link[1].removeprefix('docs/')}", (ROOT / "README.md").read_text(encoding="utf-8"))


def on_page_markdown(markdown: str, **_: object) -> str:
    """Turn links of a page to the README and to files beside ``docs/`` into links within the site."""
    return LINK.sub(lambda link: f"]({link[1].removeprefix('../').replace('README.md', 'index.md')}", markdown)
