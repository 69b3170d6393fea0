"""Generated kernels on disk and in memory: compiled once a machine, loaded by every process after.

Compiling takes seconds. A kernel's text is therefore written to a file of its own: numba keeps
compiled code on disk (``cache=True``) only for functions of files, and Triton reads a function's
text from its file. The file's name is a hash of everything that the compiled code depends on, so
that nothing is ever out of date: a change makes another file.

What lies there may be cut or empty after a crash, damaged, another machine's, or unreadable. numba
does not look, so that the files that it left are compared with checksums (``NAME.sums``) before it
reads them: what does not match is removed and compiled again, here or in a folder of its own.

Files lie in ``~/.cache/sensoryforge/kernels``; the environment variable ``SENSORYFORGE_CACHE``
names another folder in place of ``~/.cache/sensoryforge``.
"""

from __future__ import annotations

import json
import logging
import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, cast

VARIABLE = "SENSORYFORGE_CACHE"
"""The environment variable that names the folder."""
_TRIES = 3
"""How often checksums are noted while other processes compile the same."""
_OUR_OPERATIONS = re.compile(r"^from (sensoryforge\.[\w.]+) import ", re.MULTILINE)
"""Where a source takes operations of ours from."""
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
    name = _name_of(text, compiler)
    path = _find_or_write(name, text)
    if compiler != "numba":
        return _function(name, path, text)
    # With the root logger at DEBUG numba would write a line for every variable.
    logging.getLogger("numba").setLevel(logging.WARNING)
    try:
        return _load_compiled(name, path, text)
    except Exception:  # whatever the file system, or what lies there, makes numba raise
        aside = _write(Path(tempfile.mkdtemp(prefix="sensoryforge-")) / path.name, text)
    try:
        return _function(name, aside, text)
    except OSError:  # no room there either: it is compiled and not kept
        return _function(name, aside, text.replace("cache=True", "cache=False"))


def is_compiled(text: str) -> bool:
    """Tell whether numba has compiled a source on this machine; numba is not imported for it."""
    name = _name_of(text, "numba")
    for folder in _folders():
        path = folder / f"{name}.py"
        try:
            if _holds(path, text):
                return _compiled_files(path) != [] and _match_sums(path)
        except OSError:
            continue
    return False


def _function(name: str, path: Path, text: str) -> Callable[..., Any]:
    """Return the function ``kernel`` of a source, which also lies in a file.

    The text is run, not the file: Python would take what it has compiled of a file from its own
    cache beside it, which may be damaged as well.
    """
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    exec(compile(text, str(path), "exec"), module.__dict__)
    return cast(Callable[..., Any], module.kernel)


def _load_compiled(name: str, path: Path, text: str) -> Callable[..., Any]:
    """Return numba's function of a source: what lies compiled beside it, if that is good."""
    if not _match_sums(path):
        for file in [*_compiled_files(path), _sums_of(path)]:
            file.unlink(missing_ok=True)
    with _numba_beside_sources():
        function = _function(name, path, text)
    if not _match_sums(path):  # it was compiled just now
        _write_sums(path)
    return function


@contextmanager
def _numba_beside_sources() -> Iterator[None]:
    """Have numba keep compiled code beside its source, wherever NUMBA_CACHE_DIR would have it."""
    from numba.core import config

    before = config.CACHE_DIR
    config.CACHE_DIR = ""
    try:
        yield
    finally:
        config.CACHE_DIR = before


def _name_of(text: str, compiler: str) -> str:
    return f"sensoryforge_kernel_{_digest(text, compiler)}"


def _digest(text: str, compiler: str) -> str:
    """Return a hash of everything that the compiled code depends on.

    That is its text, the modules of ours whose operations it calls, and versions. numba adds the
    processor.
    """
    modules = dict.fromkeys(_OUR_OPERATIONS.findall(text))
    operations = [_source_of(module) for module in modules]
    parts = [text, *operations, version(compiler), version("sensoryforge")]
    return blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()


@cache
def _source_of(module: str) -> str:
    """Return the text of a module, which is not imported for it."""
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


# --- what is compiled ---


def _compiled_files(path: Path) -> list[Path]:
    """Return what numba left of a source: an index for each Python, code for each processor."""
    return sorted((path.parent / "__pycache__").glob(f"{path.stem}.*.nb[ci]"))


def _sums_of(path: Path) -> Path:
    return path.with_suffix(".sums")


def _checksums(path: Path) -> dict[str, str]:
    """Return the checksum of each file that numba left of a source."""
    sums: dict[str, str] = {}
    for file in _compiled_files(path):
        sums[file.name] = blake2b(file.read_bytes(), digest_size=16).hexdigest()
    return sums


def _match_sums(path: Path) -> bool:
    """Tell whether all that numba left of a source is as it was when it was written."""
    try:
        noted = json.loads(_sums_of(path).read_text(encoding="utf-8"))
        return bool(noted == _checksums(path))
    except FileNotFoundError:
        return _compiled_files(path) == []
    except (OSError, ValueError):
        return False


def _write_sums(path: Path) -> None:
    """Note the checksums; again where another process has just written what was looked at."""
    for _ in range(_TRIES):
        with suppress(OSError):
            _write(_sums_of(path), json.dumps(_checksums(path)))
        if _match_sums(path):
            return


# --- where sources lie ---


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
    home = _home()
    if home is not None:
        yield home / "kernels"
    temporary = Path(tempfile.gettempdir())
    if not hasattr(os, "getuid"):  # on Windows each user has a folder of temporary files
        yield temporary / "sensoryforge"
        return
    # Elsewhere users share it, and whoever is first could put files there for others to run.
    of_user = temporary / f"sensoryforge-{os.getuid()}"
    if _make_private(of_user):
        yield of_user


def _home() -> Path | None:
    """Return the user's cache; None for a process that has no home."""
    chosen = os.environ.get(VARIABLE)
    try:
        if chosen:
            return Path(chosen).expanduser()
        caches = os.environ.get("XDG_CACHE_HOME")
        folder = Path(caches) if caches else Path.home() / ".cache"
    except RuntimeError:
        return None
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
    if not path.is_file() or path.read_bytes() != text.encode():
        return False
    return os.access(path.parent, os.W_OK)


def _write(path: Path, text: str) -> Path:
    """Write a file aside and put it in place, so that another process never reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        return Path(aside).replace(path)
    except OSError:
        Path(aside).unlink(missing_ok=True)
        raise
