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


def is_file(path: str | Path) -> bool:
    """Tell whether there is such a file; a name that no file can have is none.

    Examples
    --------
    >>> is_file("x" * 300)
    False
    """
    try:
        return Path(path).is_file()
    except (OSError, ValueError):  # too long a name, or one with what no name may hold
        return False
