"""Files that appear whole or not at all, and how a refusal of the disk or a damaged file is told.

A file is written aside, flushed and synced to the disk; only then does a rename put it in its
place, and the directory is synced too. Every step passes a named crash point, where the tests stop
the process.

On Windows a file cannot be replaced while somebody has it open or mapped, this process included:
readers are closed before ``publish``. A directory cannot be synced there; the file system keeps its
names in a journal of its own.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sensoryforge.core.errors import DamagedError, SensoryForgeError, StorageError

_BLOCK = 1 << 20
_HIDDEN_NUMBER = re.compile(r"errno = (\d+)")
"""Of an error, as HDF5 writes it in the middle of its message."""
_REASONS = {
    errno.ENOSPC: "no space is left on the disk; free some, what was committed is safe",
    errno.EDQUOT: "the disk quota is used up; free some space, what was committed is safe",
    errno.EFBIG: "the file would be larger than this system or a limit set on it allows",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENAMETOOLONG: "the path is too long",
    errno.ENOTDIR: "a part of the path is a file, not a directory",
    errno.EEXIST: "a file is in the way of the directory",
    errno.EISDIR: "a directory is in the way of the file",
    errno.ENOENT: "it does not exist",
    errno.EIO: "the disk failed to read or write",
}
_SHARING_VIOLATIONS = (32, 33)
"""Numbers of Windows for a file that another program holds open."""
_BEGINNINGS = {".h5": (b"\x89HDF\r\n\x1a\n", "an HDF5 file"), ".pt": (b"PK", "a file of PyTorch")}
"""What files of these kinds begin with, and what a file that does is called."""
_STORED_END = re.compile(r"stored_eof = (\d+)")
"""How long a file was written, as HDF5 says of one that is shorter."""
_COPY_AGAIN = "copy it once more from where it is whole"
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP)
"""What a file system answers that cannot sync a directory."""
_BAD_FILE = (
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
)
"""What the libraries raise at a file that is damaged, or of somebody else."""


def crash_point(name: str) -> None:
    """Mark a place where a crash must lose nothing; tests replace this function to crash there."""


def show(path: Path) -> str:
    """Return a path as text that any terminal can print, also when its name is not UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def not_text(path: Path) -> StorageError:
    """Return the error of an output directory whose name is not UTF-8."""
    return StorageError(f"{show(path)}: the name is not UTF-8; choose another output directory")


def reason(error: BaseException) -> str:
    """Return in words why the disk refused; HDF5 hides the number of the error in its message."""
    if getattr(error, "winerror", None) in _SHARING_VIOLATIONS:
        return "in use by another program; close it there"
    number = _number(error)
    if number:
        return _REASONS.get(number, os.strerror(number))
    text = str(error) or type(error).__name__
    return text.splitlines()[0]


def _number(error: BaseException) -> int:
    """Return the operating system's number of an error, 0 where it has none."""
    number = getattr(error, "errno", None)
    if number:
        return int(number)
    hidden = _HIDDEN_NUMBER.search(str(error))
    return int(hidden[1]) if hidden else 0


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a damaged or foreign file makes a library raise into a DamagedError.

    It says whether the file is empty, cut off, of another kind, or damaged.
    """
    with disk(path), path.open("rb"):
        pass  # a file that is missing or may not be read is a StorageError, and not damaged
    try:
        yield
    except StorageError:
        raise
    except _BAD_FILE as error:
        raise DamagedError(f"{show(path)}: {_what_is_wrong(path, error)}") from error


class NoTableError(ValueError):
    """A file is of the right kind, and has no table of stimuli."""


def _what_is_wrong(path: Path, error: BaseException) -> str:
    """Return in words why a file that may be read cannot be understood."""
    with disk(path), path.open("rb") as file:
        head = file.read(8)
        size = file.seek(0, os.SEEK_END)
    if not size:
        return f"empty; {_COPY_AGAIN}"
    beginning, kind = _BEGINNINGS.get(path.suffix, (b"", ""))
    if not head.startswith(beginning[: len(head)]):
        return f"not {kind}: not written by SensoryForge, or damaged"
    stored_end = _STORED_END.search(str(error))
    if stored_end:
        return f"truncated, {size} of {stored_end[1]} bytes; {_COPY_AGAIN}"
    if isinstance(error, zipfile.BadZipFile) and "not a zip file" in str(error):
        return f"truncated, its end is missing; {_COPY_AGAIN}"
    if isinstance(error, NoTableError):
        return f"{kind} without a table of stimuli: not written by SensoryForge, or damaged"
    return "damaged, or not written by SensoryForge"


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turn an operating system error into a StorageError that names the file and the reason."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{show(path)}: {reason(error)}") from error


class Sink:
    """A file being written aside: takes bytes, and remembers why the disk refused them."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self.error: OSError | None = None
        self._kind = kind
        self._begun = False
        self._file = path.open("wb", buffering=0)

    def write(self, data: bytes | memoryview) -> int:
        """Write all of ``data``; the first call passes a crash point with half of it written."""
        view = memoryview(data).cast("B")
        half = 0 if self._begun else len(view) // 2
        try:
            self._write(view[:half])
            self.begin()
            self._write(view[half:])
        except OSError as error:
            self.error = error
            raise
        return len(view)

    def begin(self) -> None:
        """Pass the crash point of a file half written, once."""
        if not self._begun:
            self._begun = True
            crash_point(f"{self._kind}.begun")

    def flush(self) -> None:
        """Do nothing: no byte is held back."""

    def sync(self) -> None:
        """Return when the bytes, also those that others wrote under this path, are on the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, view: memoryview) -> None:
        while len(view):
            view = view[self._file.write(view) :]


def aside(path: Path) -> Path:
    """Return the name under which a file is written before it takes its place."""
    return path.with_name(f".{path.name}.tmp")


@contextmanager
def written_aside(path: Path, kind: str) -> Iterator[Sink]:
    """Yield a sink that writes to a file beside ``path``, without giving it its name.

    Afterwards its bytes are on the disk; or the file is gone, and a StorageError says why.
    """
    with disk(path):
        sink = Sink(aside(path), kind)
    try:
        yield sink
        crash_point(f"{kind}.written")
        sink.sync()
    except (OSError, RuntimeError, SensoryForgeError) as error:
        sink.close()  # Windows removes no open file
        _remove(sink.path)
        cause = sink.error or error
        if isinstance(cause, OSError) or _number(cause):
            raise StorageError(f"{show(path)}: {reason(cause)}") from error
        raise
    finally:
        sink.close()
    crash_point(f"{kind}.synced")


def publish(path: Path, kind: str) -> None:
    """Give a file written aside its name, and return when the directory has it on the disk."""
    with disk(path):
        aside(path).replace(path)
        crash_point(f"{kind}.renamed")
        sync_directory(path.parent)
    crash_point(f"{kind}.published")


@contextmanager
def replacing(path: Path, kind: str) -> Iterator[Sink]:
    """Yield a sink whose bytes become the file ``path``, whole or not at all."""
    with written_aside(path, kind) as sink:
        yield sink
    publish(path, kind)


def exists(path: Path) -> bool:
    """Return whether a file is there; a directory that may not be looked into is a StorageError."""
    with disk(path):
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True


def make_directory(path: Path) -> None:
    """Make a directory and its parents, on the disk.

    A name that is not UTF-8 is refused: HDF5 and torch need it.
    """
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        raise not_text(path) from None
    with disk(path):
        if not path.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Return when the names in a directory are on the disk, where the system can tell."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no directory
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(handle)


def copy_into(sink: Sink, path: Path) -> None:
    """Write the bytes of a file to a sink; a file that cannot be read is a StorageError."""
    with disk(path):
        file = path.open("rb", buffering=0)
    with file:
        while True:
            with disk(path):
                block = file.read(_BLOCK)
            if not block:
                return
            sink.write(block)


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as hex digits."""
    digest = hashlib.sha256()
    with disk(path), path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def remove(path: Path) -> None:
    """Remove a file that is no longer needed, if it is there."""
    with disk(path):
        path.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
