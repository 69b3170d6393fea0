"""What every output format offers, and what the formats share.

A *file* holds stimuli in rows: an entry (what is known of a stimulus) and named arrays. A *part* is
a file without metadata; a results file has it. A *source* is some rows of a file, as the merge
takes them.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from sensoryforge.core.errors import StorageError
from sensoryforge.store import files
from sensoryforge.store.table import Entry, Shapes

if TYPE_CHECKING:
    import torch

Arrays: TypeAlias = "dict[str, torch.Tensor]"
"""Name -> array of B stimuli: bool spikes ``[B, T, N]``, or what ``batch.save`` asks for.

A name is that of a population and of what is kept, such as ``sa_spikes``.
"""
Metadata: TypeAlias = dict[str, Any]
"""Plain Python values that JSON can hold, and at the top level also tensors."""
Bytes: TypeAlias = npt.NDArray[np.uint8]

_SHIPPED = __name__.rpartition(".")[0]
"""The package of the formats that come with SensoryForge."""


class FileReader(ABC):
    """The rows of one file, read when asked for.

    A reader of your own needs ``entries``, ``shapes``, ``metadata`` and ``array``; the rest may be
    made faster than it is here.

    Examples
    --------
    >>> from sensoryforge.store.formats import locate_format_of
    >>> path = results.stored[0][0]
    >>> reader = locate_format_of(path).reader(path)
    >>> len(reader.entries), reader.shapes["sa_spikes"]
    (8, (60, 5))
    """

    @property
    @abstractmethod
    def entries(self) -> Sequence[Entry]:
        """What is known of each stimulus."""

    @property
    @abstractmethod
    def shapes(self) -> Shapes:
        """Array name -> shape of one stimulus, in the order written."""

    @property
    @abstractmethod
    def metadata(self) -> Metadata:
        """What a results file says of the run; nothing in a part."""

    @abstractmethod
    def array(self, row: int, name: str) -> torch.Tensor:
        """Return one array of one stimulus, in memory of its own.

        Parameters
        ----------
        row
            Of the file.
        name
            Of the array, such as ``sa_spikes``.

        Returns
        -------
        Tensor
            Of the shape that ``shapes`` says, ``[T, N]`` for spikes, which are bools.

        Raises
        ------
        DamagedError
            If the file is not what was written.
        """

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def errors(self) -> Mapping[int, str]:
        """Row of each stimulus that could not be computed, and why."""
        return {row: entry["error"] for row, entry in enumerate(self.entries) if "error" in entry}

    @property
    def facts(self) -> Metadata:
        """The metadata without its arrays."""
        import torch

        metadata = self.metadata
        return {n: value for n, value in metadata.items() if not isinstance(value, torch.Tensor)}

    def read_spikes_into(self, row: int, name: str, out: Bytes) -> None:
        """Write one stimulus's spikes, ``[T, N]``, into ``out`` as bytes 0 and 1.

        Training asks for every stimulus in every epoch: where a format knows a quick way, it is
        here.

        Parameters
        ----------
        row
            Of the file.
        name
            Of the spikes, such as ``sa_spikes``.
        out
            Takes the bytes, ``[T, N]``; it may be a part of a larger array.
        """
        out[:] = self.array(row, name).numpy().view(np.uint8)

    def close(self) -> None:  # noqa: B027 (a reader may hold nothing)
        """Let go of the file."""


class Format(ABC):
    """An output format: how the stimuli of a run are written to a file and read back.

    A format of your own is a subclass with ``name``, ``suffix``, ``reader``, ``write`` and
    ``merge``, and an option ``conf/format/<name>.yaml`` whose ``_target_`` is its dotted path;
    ``batch.format=<name>`` chooses it. The figures of what it costs are those of a slow format
    until it gives its own; a dry run and the checks of memory and disk use them.

    Its module is imported whenever a configuration is checked: let it import large libraries in its
    functions.

    Examples
    --------
    >>> from sensoryforge.store.formats import Hdf5
    >>> Hdf5().results_name
    'results.h5'
    """

    name: ClassVar[str]
    """As ``batch.format`` calls it, such as ``hdf5``."""
    suffix: ClassVar[str]
    """What its files end in, such as ``h5``."""
    whole_in_memory: ClassVar[bool] = True
    """Whether the results file is put together as one object in memory."""
    compresses: ClassVar[bool] = False
    """Whether the bytes on the disk depend on what is stored."""
    nanoseconds_a_byte: ClassVar[float] = 5.0
    """Compressing, writing, checking and merging one neuron-sample."""
    seconds_a_stimulus: ClassVar[float] = 1e-3
    """What a stimulus takes besides its samples."""
    bytes_a_stimulus: ClassVar[int] = 4_000
    """What a stimulus takes on the disk besides its samples."""

    @property
    def results_name(self) -> str:
        """The name of the results file, such as ``results.h5``."""
        return f"results.{self.suffix}"

    @property
    def written_name(self) -> str:
        """The name that a checkpoint keeps, and that `locate_format` finds.

        It is ``name`` for a shipped format, and the dotted path of the class for another.
        """
        kind = type(self)
        is_shipped = kind.__module__.startswith(f"{_SHIPPED}.")
        return self.name if is_shipped else f"{kind.__module__}.{kind.__qualname__}"

    @abstractmethod
    def reader(self, path: Path) -> FileReader:
        """Open a part or a results file.

        Parameters
        ----------
        path
            Of the file.

        Raises
        ------
        StorageError
            If the file is missing or may not be read.
        DamagedError
            If it is not of this format.
        """

    @abstractmethod
    def write(self, sink: files.Sink, entries: Sequence[Entry], arrays: Arrays) -> None:
        """Write a part.

        Parameters
        ----------
        sink
            Takes the bytes; or write a file at ``sink.path`` yourself.
        entries
            What is known of each stimulus, B of them.
        arrays
            ``{"sa_spikes": bool[B, T, N], ...}``; floats for what ``batch.save`` names.

        Raises
        ------
        OSError, RuntimeError
            If the disk refuses; the caller removes the file and says why.
        """

    @abstractmethod
    def merge(self, sink: files.Sink, sources: Sequence[Source], metadata: Metadata) -> None:
        """Write a results file of the sources' rows in order.

        Parameters
        ----------
        sink
            Takes the bytes; or write a file at ``sink.path`` yourself.
        sources
            Which rows of which files. Each entry's ``index`` becomes its position among them all.
        metadata
            What the file is to say of the run, which a reader returns.

        Raises
        ------
        OSError, RuntimeError
            If the disk refuses; the caller removes the file and says why.
        StorageError
            If a source cannot be read, or its arrays differ from the others'.
        """


@dataclass(frozen=True)
class Source:
    """Rows of one file, in the order in which they are wanted."""

    path: Path
    rows: Sequence[int]


_Reader = TypeVar("_Reader", bound=FileReader)


class Shelf(Generic[_Reader]):
    """Readers of files, opened when asked for; the least used are let go.

    It may be copied to other processes. Each opens the files for itself: an open HDF5 file survives
    neither a fork nor pickling.
    """

    def __init__(self, opener: Callable[[Path], _Reader], limit: int = 32) -> None:
        self._opener = opener
        self._limit = limit
        self._owner = os.getpid()
        self._open: OrderedDict[Path, _Reader] = OrderedDict()

    def __reduce__(self) -> tuple[type[Shelf[_Reader]], tuple[Callable[[Path], _Reader], int]]:
        return Shelf, (self._opener, self._limit)

    def __getitem__(self, path: Path) -> _Reader:
        if self._owner != os.getpid():
            self._owner = os.getpid()
            self._open = OrderedDict()
        if path not in self._open:
            self._open[path] = self._opener(path)
        self._open.move_to_end(path)
        while len(self._open) > self._limit:
            # not closed: whoever asked for it may still read; it closes itself when nobody does
            self._open.popitem(last=False)
        return self._open[path]

    def close(self) -> None:
        """Let go of every file; one that is asked for again is opened again."""
        readers = list(self._open.values())
        self._open.clear()
        if self._owner == os.getpid():
            for reader in readers:
                reader.close()


def check_shapes(shapes: Shapes, source: Source, reader: FileReader) -> None:
    """Raise StorageError when a file's arrays differ from those that it is to be merged with."""
    if reader.shapes != shapes:
        raise StorageError(
            f"{files.show(source.path)}: its arrays {reader.shapes} do not match "
            f"the others' {shapes}"
        )
