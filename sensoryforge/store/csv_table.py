"""``stimuli.csv``: the table of stimuli beside the results file, for whatever reads no HDF5.

It has the rows and columns of ``results.table``. Octave and R read the arrays of a ``results.h5``,
but not the attributes that say which stimulus each is. Both round a seed that they read as a
number: ``docs/files.md`` shows how to read it as text.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from io import StringIO
from typing import Any

from sensoryforge.store.files import Sink
from sensoryforge.store.formats import Format
from sensoryforge.store.formats.base import Shelf, Source
from sensoryforge.store.table import Entry

FILE = "stimuli.csv"
_FIRST_COLUMNS = ("index", "id", "seed", "repetition")
_OPEN = 2
"""Files held open, as by a merge."""
_BLOCK = 1024
"""Rows that are written together."""


def write_table(sink: Sink, format: Format, sources: Sequence[Source]) -> None:
    """Write the table of the stimuli in some rows of files, a row each, in that order.

    The files are read twice, first for the names of the columns: memory does not grow with the
    number of stimuli.

    Parameters
    ----------
    sink
        The file being written.
    format
        That of the files.
    sources
        Which rows of which files.
    """
    with closing(Shelf(format.reader, limit=_OPEN)) as shelf:
        columns = column_names(_entries(shelf, sources))
        _write_rows(sink, columns, _entries(shelf, sources))


def column_names(entries: Iterable[Entry]) -> list[str]:
    """Return the columns: what identifies a stimulus, every parameter, ``error`` if one failed.

    Examples
    --------
    >>> step = {"parameters": {"type": "step", "amplitude": 30}}
    >>> column_names([step, {"parameters": {"type": "ramp", "final": 9}, "error": "not finite"}])
    ['index', 'id', 'seed', 'repetition', 'type', 'amplitude', 'final', 'error']
    """
    names = dict.fromkeys(_FIRST_COLUMNS)
    has_failed = False
    for entry in entries:
        names.update(dict.fromkeys(entry["parameters"]))
        has_failed = has_failed or "error" in entry
    return [*names, "error"] if has_failed else list(names)


def _entries(shelf: Shelf[Any], sources: Sequence[Source]) -> Iterator[Entry]:
    for source in sources:
        entries = shelf[source.path].entries
        for row in source.rows:
            yield entries[row]


def _write_rows(sink: Sink, columns: Sequence[str], entries: Iterable[Entry]) -> None:
    text = StringIO()
    table = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    table.writeheader()
    for index, entry in enumerate(entries):
        table.writerow({**entry["parameters"], **entry, "index": index})
        if index % _BLOCK == _BLOCK - 1:
            _hand_on(text, sink)
    _hand_on(text, sink)


def _hand_on(text: StringIO, sink: Sink) -> None:
    """Write what has gathered, and begin anew."""
    sink.write(text.getvalue().encode())
    text.seek(0)
    text.truncate()
