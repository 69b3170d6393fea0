"""A file that a parameter names: as it was written, where it is, and what it holds."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

CHECKSUM_BYTES = 16
_BLOCK = 1024**2


class SourceFile(str):
    """The name of a file as a configuration has it; it also knows the path and the content.

    Parameters
    ----------
    name
        As it was written.
    path
        Where the file is found.

    Attributes
    ----------
    path
        Where the file is found.
    checksum
        A hash of its content, by which it is part of what a stimulus is.

    Examples
    --------
    >>> source = SourceFile("types.py", path=__file__)
    >>> source, len(source.checksum)
    ('types.py', 32)
    """

    __slots__ = ("checksum", "path")

    path: str
    checksum: str

    def __new__(cls, name: str, path: str | Path) -> SourceFile:
        """Make it of a name; OSError where the file cannot be read."""
        source = super().__new__(cls, name)
        source.path = str(path)
        state = Path(path).stat()
        source.checksum = _checksum(str(path), state.st_size, state.st_mtime_ns)
        return source

    def __reduce__(self) -> tuple[type[SourceFile], tuple[str, str]]:
        """Return what a copy or a pickle is made of."""
        return SourceFile, (str(self), self.path)


@lru_cache(maxsize=1024)
def _checksum(path: str, size: int, modified: int) -> str:
    """Return the checksum of a file, read again only where it has changed."""
    digest = blake2b(digest_size=CHECKSUM_BYTES)
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
