"""Generated sources on disk and in memory: written once a machine, compiled once, loaded by every process after."""

from __future__ import annotations

import logging
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from importlib import import_module
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, cast

VARIABLE = "SENSORYFORGE_CACHE"


@cache
def load(text: str, compiler: str = "numba") -> Callable[..., Any]:
    """Return the function ``kernel`` of a source: compiled now, or taken from the compiler's cache."""
    name = f"sensoryforge_kernel_{_digest(text, compiler)}"
    path = _written(name, text)
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    logging.getLogger("numba").setLevel(logging.WARNING)  # a root logger at DEBUG would get a line for every variable
    spec.loader.exec_module(module)
    return cast(Callable[..., Any], module.kernel)


def _digest(text: str, compiler: str) -> str:
    """Return a hash of everything that the compiled code depends on."""
    operations = Path(__file__).with_name(f"{compiler}_ops.py").read_text(encoding="utf-8")
    parts = [text, operations, import_module(compiler).__version__, version("sensoryforge")]
    return blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()


def _folders() -> Iterator[Path]:
    """Yield where sources may go: the user's choice or cache; a folder of temporary files that only the user has."""
    chosen = os.environ.get(VARIABLE)
    home = Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sensoryforge"
    yield home / "kernels"
    shared = Path(tempfile.gettempdir()) / f"sensoryforge-{os.getuid()}"
    if _private(shared):
        yield shared


def _private(folder: Path) -> bool:
    """Make a folder; tell whether it is the user's and closed to others, whose pickles numba would read there."""
    with suppress(OSError):
        folder.mkdir(exist_ok=True, mode=0o700)
        found = folder.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
    return False


def _written(name: str, text: str) -> Path:
    """Return the file of a source, written in the first folder that takes it."""
    for folder in _folders():
        path = folder / f"{name}.py"
        try:
            return path if _holds(path, text) else _write(path, text)
        except OSError:
            continue
    return _write(Path(tempfile.mkdtemp(prefix="sensoryforge-")) / f"{name}.py", text)


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text and os.access(path.parent, os.W_OK)


def _write(path: Path, text: str) -> Path:
    """Write a file aside and put it in place, so that another process never reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(aside).replace(path)
