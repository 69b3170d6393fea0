"""``results.h5``: a group per stimulus, read by any HDF5 library of version 1.10 or later.

The root holds nothing but the groups ``stimulus_0000``, ... (as many digits as the count needs, at
least four); a group's datasets are the arrays (bool as uint8 0 and 1; gzip), its attributes the
parameters and what identifies the stimulus. The root's attributes are the metadata, values other
than numbers, texts and arrays as JSON. For our own reader ``_table`` holds entries and metadata
once more, as zlib-compressed JSON: a large file opens at once, and damage shows (HDF5 keeps no
checksum of its texts, and may never return from reading a damaged one).

    names.py     what things are called in the file
    reader.py    reading it, also past HDF5, for training
    writer.py    parts and the results file
    deflate.py   compression
    links.py     refusing what leads out of the file
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sensoryforge.store.files import Sink
from sensoryforge.store.formats.base import Arrays, Format, Metadata, Source
from sensoryforge.store.table import Entry

if TYPE_CHECKING:
    from sensoryforge.store.formats.hdf5.reader import Hdf5Reader


class Hdf5(Format):
    """Results in one ``results.h5``, a group per stimulus, compressed.

    Memory does not grow with the dataset.

    Examples
    --------
    >>> Hdf5().results_name, Hdf5().whole_in_memory
    ('results.h5', False)
    """

    name = "hdf5"
    suffix = "h5"
    whole_in_memory = False
    compresses = True
    # benchmarks/scaling.py; a group with a dozen attributes costs more than its samples
    nanoseconds_a_byte = 0.3
    seconds_a_stimulus = 0.5e-3
    bytes_a_stimulus = 1_000

    def reader(self, path: Path) -> Hdf5Reader:
        """Open a part or a results file."""
        from sensoryforge.store.formats.hdf5.reader import Hdf5Reader

        return Hdf5Reader(path)

    def write(self, sink: Sink, entries: Sequence[Entry], arrays: Arrays) -> None:
        """Write a part: made in memory, so that the disk sees one plain write."""
        from sensoryforge.store.formats.hdf5.writer import write_part

        write_part(sink, entries, arrays)

    def merge(self, sink: Sink, sources: Sequence[Source], metadata: Metadata) -> None:
        """Write the results file; groups are copied as they are, still compressed."""
        from sensoryforge.store.formats.hdf5.writer import write_results

        write_results(sink, sources, metadata)
