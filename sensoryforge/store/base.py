"""What every output format offers, and what the formats share.

A *file* holds stimuli in rows: an entry (what is known of a stimulus) and named arrays. A *part* is a file without
metadata; a results file has it. A *source* is some rows of a file, as the merge takes them.
"""

from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from sensoryforge.errors import DamagedError, StorageError
from sensoryforge.store import files

if TYPE_CHECKING:
    import torch

Entry: TypeAlias = dict[str, Any]
"""``index``, ``id``, ``seed``, ``repetition``, ``parameters``, and ``error`` only if the stimulus failed."""
Arrays: TypeAlias = "dict[str, torch.Tensor]"
"""Name (``sa_spikes``) -> ``[B, ...]``: bool spikes ``[B, T, N]``, or another array asked for by ``batch.save``."""
Shapes: TypeAlias = dict[str, tuple[int, ...]]
"""Array name -> shape of one stimulus, in the order written."""
Metadata: TypeAlias = dict[str, Any]
"""Plain Python values that JSON can hold, and at the top level also tensors."""

COLUMNS: dict[str, type] = {"index": int, "id": str, "seed": int, "repetition": int, "parameters": dict}
_BAD_FILE = (
    AssertionError, AttributeError, EOFError, LookupError, MemoryError, OSError, OverflowError, RuntimeError, TypeError,
    ValueError, pickle.UnpicklingError, zipfile.BadZipFile,
)  # fmt: skip


class FileReader(Protocol):
    """The rows of one file, read when asked for."""

    @property
    def metadata(self) -> Metadata:
        """What a results file says of the run."""

    @property
    def shapes(self) -> Shapes:
        """Array name -> shape of one stimulus, in the order written."""

    @property
    def entries(self) -> Sequence[Entry]:
        """What is known of each stimulus."""

    @property
    def errors(self) -> Mapping[int, str]:
        """Row of each stimulus that could not be computed, and why."""

    @property
    def facts(self) -> Metadata:
        """The metadata without its arrays."""

    def __len__(self) -> int: ...

    def array(self, row: int, name: str) -> torch.Tensor:
        """Return one array of one stimulus, in memory of its own."""


class Format(Protocol):
    """A module that writes and reads one kind of file."""

    SUFFIX: str
    Reader: Callable[[Path], FileReader]

    def write(self, sink: files.Sink, entries: Sequence[Entry], arrays: Arrays) -> None:
        """Write a part."""

    def merge(self, sink: files.Sink, sources: Sequence[Source], metadata: Metadata) -> None:
        """Write a results file of the sources' rows in order; each entry's ``index`` becomes its place."""


@dataclass(frozen=True)
class Source:
    """Rows of one file, in the order in which they are wanted."""

    path: Path
    rows: Sequence[int]


class Shelf:
    """Readers of files, opened when asked for and the least used closed; may be copied to other processes."""

    def __init__(self, opener: Callable[[Path], FileReader], limit: int = 32) -> None:
        self._opener, self._limit = opener, limit
        self._owner = os.getpid()
        self._open: OrderedDict[Path, FileReader] = OrderedDict()

    def __reduce__(self) -> tuple[type[Shelf], tuple[Callable[[Path], FileReader], int]]:
        return Shelf, (self._opener, self._limit)

    def __getitem__(self, path: Path) -> FileReader:
        if self._owner != os.getpid():  # an open HDF5 file must not be shared with a forked process
            self._owner, self._open = os.getpid(), OrderedDict()
        if path not in self._open:
            self._open[path] = self._opener(path)
        self._open.move_to_end(path)
        while len(self._open) > self._limit:
            self._open.popitem(last=False)
        return self._open[path]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a damaged or foreign file makes a library raise into one line, a DamagedError."""
    with files.disk(path), path.open("rb"):
        pass
    try:
        yield
    except StorageError:
        raise
    except _BAD_FILE as error:
        raise DamagedError(f"{files.show(path)}: damaged, or not written by SensoryForge") from error


class _Plain(pickle._Unpickler):
    """Reads containers, texts and numbers, and looks up no name: nothing that a pickle says can run.

    It is Python's own, not that in C, whose memory a made-up pickle can exhaust.
    """

    def find_class(self, module: str, name: str) -> Any:
        """Refuse."""
        raise pickle.UnpicklingError(f"names {module}.{name}")


def load_archive(path: Path) -> dict[str, Any]:
    """Return the dict of plain values that ``torch.save`` wrote; checks the pickle's checksum, which torch ignores."""
    with reading(path):
        try:
            with zipfile.ZipFile(path) as archive:
                inner = next(info for info in archive.infolist() if info.filename.endswith("/data.pkl"))
                if inner.compress_type != zipfile.ZIP_STORED:
                    raise ValueError("a compressed archive")
                data = _Plain(BytesIO(archive.read(inner))).load()
        except StopIteration:
            raise ValueError("not a torch archive") from None
        if not isinstance(data, dict):
            raise TypeError("not a dict")
        return data


def save_archive(data: dict[str, Any], sink: files.Sink) -> None:
    """Write a dict as ``torch.load`` reads it by default."""
    import torch

    torch.save(data, cast("IO[bytes]", sink))


def same_shapes(shapes: Shapes, source: Source, reader: FileReader) -> None:
    """Raise StorageError when a file's arrays differ from those that it is to be merged with."""
    if reader.shapes != shapes:
        raise StorageError(f"{files.show(source.path)}: its arrays {reader.shapes} do not match the others' {shapes}")
