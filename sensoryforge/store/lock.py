"""One run at a time in an output directory.

The lock is the operating system's, on the file ``.lock``: it ends with its process, however that
ends. The file says who holds it. Where a file system has no locks, a warning says so and the run
goes on.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import time
import warnings
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from sensoryforge.core.errors import LockedError
from sensoryforge.store import files

FILE = ".lock"
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)
_CANNOT_WRITE = (errno.EACCES, errno.EPERM, errno.EROFS)
_MOMENT_S = 0.05
_LOCKED_BYTES = 1
"""The lock is on the first byte, which nobody else can read on Windows; who holds it follows."""


def probe(directory: Path) -> None:
    """Look whether a run is writing in a directory.

    Nothing is made, and a run that starts is not hindered.

    Raises
    ------
    LockedError
        If one is; it says which.
    """
    path = directory / FILE
    if not files.exists(path):
        return
    with files.disk(path):
        try:
            with path.open("r+b", buffering=0) as file:
                if not _try_lock(file):
                    raise _locked(directory, file)
        except FileNotFoundError:
            return  # that run has just ended
        except OSError as error:
            # Where nothing can be written or locked, the run that is to start says so.
            if error.errno not in (*_CANNOT_WRITE, *_NO_LOCKS):
                raise


class DirectoryLock:
    """Holds an output directory for as long as the ``with`` block runs.

    Parameters
    ----------
    directory
        The output directory; it is made if it is not there.

    Raises
    ------
    LockedError
        On entering, if another run holds it; it says which process, on which host and since when.
    StorageError
        On entering, if the directory cannot be made or written to.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, DirectoryLock(Path(folder)):
    ...     Path(folder, ".lock").exists()
    True
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / FILE

    def __enter__(self) -> DirectoryLock:
        files.make_directory(self._directory)
        with files.disk(self._path):
            self._file = self._open_locked()
            self._file.truncate(0)
            self._file.write(b" " * _LOCKED_BYTES + json.dumps(_describe_process()).encode())
        return self

    def __exit__(self, *error: object) -> None:
        with files.disk(self._path), self._file:
            # Removed while it is locked, so that nobody can lock a file that is about to go.
            is_removed = _remove(self._path)
        if not is_removed:
            # Windows removes no open file. Now it is closed, and stays only if the next run has it.
            _remove(self._path)

    def _open_locked(self) -> IO[bytes]:
        """Return the lock file, opened and locked; anew if its last holder removed it meanwhile."""
        while True:
            file = self._path.open("a+b", buffering=0)
            try:
                self._lock(file)
                if _is_at(self._path, file):
                    return file
            except BaseException:
                file.close()
                raise
            file.close()

    def _lock(self, file: IO[bytes]) -> None:
        try:
            is_locked = _try_lock(file)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            warnings.warn(
                f"{self._directory}: the file system has no locks; let no other run write here",
                stacklevel=4,
            )
        else:
            if not is_locked:
                raise _locked(self._directory, file)


def _try_lock(file: IO[bytes]) -> bool:
    """Take the lock if it is free. The probe of another process may be in the way for a moment."""
    from filelock import lock_descriptor  # 20 ms that a dry run in an empty directory is spared

    if lock_descriptor(file.fileno(), blocking=False):
        return True
    time.sleep(_MOMENT_S)
    return lock_descriptor(file.fileno(), blocking=False)


def _is_at(path: Path, file: IO[bytes]) -> bool:
    """Tell whether an open file is still the one that a name leads to."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _remove(path: Path) -> bool:
    """Remove a file, and tell whether it is gone; Windows refuses while it is open."""
    with suppress(PermissionError):
        path.unlink(missing_ok=True)
        return True
    return False


def _locked(directory: Path, file: IO[bytes]) -> LockedError:
    file.seek(_LOCKED_BYTES)
    holder = _describe_holder(file.read(4096))
    return LockedError(f"{files.show(directory)}: another run is writing here, {holder}")


def _describe_process() -> dict[str, str | int]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now().isoformat(" ", "seconds"),
    }


def _describe_holder(text: bytes) -> str:
    try:
        process = json.loads(text)
        return f"process {process['pid']} on {process['host']} since {process['since']}"
    except (ValueError, KeyError, TypeError):
        return "started a moment ago"
