"""Paths as users write them."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path


def expand_home(path: str | PathLike[str]) -> Path:
    """Return a path with its ``~`` expanded; one that nobody's home explains stays as it is.

    ``Path.expanduser`` raises RuntimeError there: in a process without a home, and for ``~name`` of
    nobody.

    Examples
    --------
    >>> expand_home("~nobody-of-that-name/touch").parts
    ('~nobody-of-that-name', 'touch')
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111
