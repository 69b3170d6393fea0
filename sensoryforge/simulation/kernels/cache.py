"""Generated kernels on disk and in memory: compiled once a machine, loaded by every process after.

Compiling takes seconds. A kernel's text is therefore written to a file of its own: numba keeps
compiled code on disk (``cache=True``) only for functions of files, and Triton reads a function's
text from its file. The file's name is a hash of everything that the compiled code depends on, so
that nothing is ever out of date: a change makes another file.

Files lie in ``~/.cache/sensoryforge/kernels``; the environment variable ``SENSORYFORGE_CACHE``
names another folder in place of ``~/.cache/sensoryforge``.
"""

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
"""The environment variable that names the folder."""
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


@cache
def load(text: str, compiler: str = "numba") -> Callable[..., Any]:
    """Return the function ``kernel`` of a source.

    Parameters
    ----------
    text
        The source.
    compiler
        ``numba``, which compiles now, or takes what lies compiled beside the file; or ``triton``,
        which does so, in a cache of its own, when the function is first called.
    """
    name = f"sensoryforge_kernel_{_digest(text, compiler)}"
    path = _find_or_write(name, text)
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    # With the root logger at DEBUG numba would write a line for every variable.
    logging.getLogger("numba").setLevel(logging.WARNING)
    spec.loader.exec_module(module)
    return cast(Callable[..., Any], module.kernel)


def _digest(text: str, compiler: str) -> str:
    """Return a hash of everything that the compiled code depends on.

    That is its text, the operations that it calls (``numba_ops.py`` or ``triton_ops.py``), and
    versions. numba adds the processor.
    """
    operations = Path(__file__).with_name(f"{compiler}_ops.py").read_text(encoding="utf-8")
    compiler_version = import_module(compiler).__version__
    parts = [text, operations, compiler_version, version("sensoryforge")]
    return blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()


def _find_or_write(name: str, text: str) -> Path:
    """Return the file of a source, written in the first folder that takes it."""
    for folder in _folders():
        path = folder / f"{name}.py"
        try:
            return path if _holds(path, text) else _write(path, text)
        except OSError:  # a full or read-only disk, a file where a folder should be: try the next
            continue
    ours_alone = Path(tempfile.mkdtemp(prefix="sensoryforge-"))
    return _write(ours_alone / f"{name}.py", text)


def _folders() -> Iterator[Path]:
    """Yield where sources may go: the user's cache, or a temporary folder of the user's own."""
    yield _home() / "kernels"
    temporary = Path(tempfile.gettempdir())
    if not hasattr(os, "getuid"):  # on Windows each user has a folder of temporary files
        yield temporary / "sensoryforge"
        return
    # Elsewhere users share it, and whoever is first could put files there for others to run.
    of_user = temporary / f"sensoryforge-{os.getuid()}"
    if _make_private(of_user):
        yield of_user


def _home() -> Path:
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen)
    caches = os.environ.get("XDG_CACHE_HOME")
    folder = Path(caches) if caches else Path.home() / ".cache"
    return folder / "sensoryforge"


def _make_private(folder: Path) -> bool:
    """Make a folder; tell whether it is the user's own and closed to others.

    numba reads pickles there, and a pickle runs whatever it says.
    """
    with suppress(OSError):
        folder.mkdir(exist_ok=True, mode=0o700)
        status = folder.lstat()  # not stat: a link may lead anywhere
        is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
        return is_ours and not status.st_mode & _WRITABLE_BY_OTHERS
    return False


def _holds(path: Path, text: str) -> bool:
    """Whether the file is there already, in a folder where compiled code can be put beside it."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        return False
    return os.access(path.parent, os.W_OK)


def _write(path: Path, text: str) -> Path:
    """Write a file aside and put it in place, so that another process never reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(aside).replace(path)
