"""One run at a time in an output directory.

The lock is the operating system's, on the file ``.lock``: it ends with its process, however that ends. The file says
who holds it. Where a file system has no locks, a warning says so and the run goes on.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
import warnings
from datetime import datetime
from pathlib import Path

from sensoryforge.errors import LockedError
from sensoryforge.store import files

FILE = ".lock"
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)
_MOMENT_S = 0.05


def probe(directory: Path) -> None:
    """Raise LockedError if a run is writing in a directory; nothing is made, and a run that starts is not hindered."""
    path = directory / FILE
    if not files.exists(path):
        return
    with files.disk(path):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _locked(directory, handle) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        finally:
            os.close(handle)


class DirectoryLock:
    """Holds an output directory for as long as the ``with`` block runs; LockedError says who else does."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / FILE
        self._handle = -1

    def __enter__(self) -> DirectoryLock:
        files.make_directory(self._directory)
        with files.disk(self._path):
            while not self._acquired():
                pass
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, json.dumps(_whoami()).encode(), 0)
        return self

    def __exit__(self, *error: object) -> None:
        with files.disk(self._path):
            self._path.unlink(missing_ok=True)
            os.close(self._handle)

    def _acquired(self) -> bool:
        """Lock the file, and return False if its last holder removed it meanwhile."""
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            self._flock()
            mine = os.fstat(self._handle)
            if self._path.exists() and os.path.samestat(mine, self._path.stat()):
                return True
        except BaseException:
            os.close(self._handle)
            raise
        os.close(self._handle)
        return False

    def _flock(self) -> None:
        try:
            self._patient_flock()
        except BlockingIOError:
            raise _locked(self._directory, self._handle) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            warnings.warn(f"{self._directory}: the file system has no locks; let no other run write here", stacklevel=4)

    def _patient_flock(self) -> None:
        """Take the lock; a probe of another process may be in the way for a moment."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_MOMENT_S)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _locked(directory: Path, handle: int) -> LockedError:
    holder = _holder(os.pread(handle, 4096, 0))
    return LockedError(f"{files.show(directory)}: another run is writing here, {holder}")


def _whoami() -> dict[str, str | int]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now().isoformat(" ", "seconds")}


def _holder(text: bytes) -> str:
    try:
        who = json.loads(text)
        return f"process {who['pid']} on {who['host']} since {who['since']}"
    except (ValueError, KeyError, TypeError):
        return "started a moment ago"
