"""CSV files that say where something lies or what is connected, read and refused in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import isfinite, nan
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import format_value, list_names
from sensoryforge.core.source_file import SourceFile

SUFFIX = ".csv"
KEPT_FILES = 16
"""Tables that are kept in memory: the simulation, metadata and pictures ask again and again."""

Table = Mapping[str, npt.NDArray[Any]]
"""Column by its heading, ``[L]`` each."""


def read_table(
    file: object,
    numbers: tuple[str, ...] | None,
    counts: tuple[str, ...] = (),
    checksum: str | None = None,
) -> Table:
    """Return the columns of a CSV file.

    Parameters
    ----------
    file
        Its path.
    numbers
        Headings of columns of finite numbers, in float64; None for all that the file has.
    counts
        Headings of columns of whole numbers from zero, in int64.
    checksum
        What the content of the file has to have, as `SourceFile` counts it; None for any.

    Raises
    ------
    ConfigError
        Where it is no such file; the message begins with the key ``file``, or with ``checksum``
        where the content is not the one that was asked for.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "cells.csv"
    >>> _ = path.write_text("x_mm,y_mm\\n0.5,1\\n")
    >>> read_table(str(path), ("x_mm", "y_mm"))["x_mm"].tolist()
    [0.5]
    """
    named = f"with the columns {list_names([*counts, *(numbers or ())])}"
    columns = "whose heading names the columns" if numbers is None else named
    allowed = f"allowed is a {SUFFIX} file {columns}"
    if not isinstance(file, str) or Path(file).suffix.lower() != SUFFIX:
        raise ConfigError(f"file: got {format_value(file)}, {allowed}")
    try:
        state = Path(file).stat()
        content = SourceFile(file, file).checksum
    except OSError as error:
        reason = f"which cannot be read ({error.strerror})"
        raise ConfigError(f"file: got '{file}', {reason}; {allowed}") from error
    if checksum is not None and checksum != content:
        reason = f"{file} has changed since it was noted"
        allowed = f"allowed is {content}, or null for any content"
        raise ConfigError(f"checksum: got {format_value(checksum)}, {allowed}: {reason}")
    return _read_version(file, numbers, counts, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=KEPT_FILES)
def _read_version(
    file: str, numbers: tuple[str, ...] | None, counts: tuple[str, ...], size: int, modified: int
) -> Table:
    """Read one version of a file, which its size and the time of its last change tell apart."""
    import pandas as pd

    try:
        # As texts: pandas of the one version or the other rounds what it reads as numbers.
        table = pd.read_csv(file, dtype=str, keep_default_na=False, skipinitialspace=True)
    except (OSError, ValueError) as error:  # pandas's own errors are ValueErrors
        reason = " ".join(str(error).split())
        raise ConfigError(f"file: {file} is no table that can be read ({reason})") from error
    wanted = [*counts, *(map(str, table) if numbers is None else numbers)]
    if any(name not in table for name in wanted):
        got = list_names([str(name) for name in table])
        raise ConfigError(f"file: {file} has the columns {got}, allowed are {list_names(wanted)}")
    if table.empty:
        raise ConfigError(f"file: {file} has no row below its heading")
    columns: dict[str, npt.NDArray[Any]] = {}
    for name in wanted:
        values = _as_numbers(file, name, table[name])
        columns[name] = _as_counts(file, name, values) if name in counts else values
    return columns


def _as_numbers(file: str, name: str, texts: Iterable[str]) -> npt.NDArray[np.float64]:
    """Return a column as finite numbers."""
    numbers = []
    for row, text in enumerate(texts):
        try:
            number = float(text)
        except ValueError:
            number = nan
        if not isfinite(number):
            # The heading is the first line.
            line = f"file: {file}, line {row + 2}: {name}"
            raise ConfigError(f"{line}: got {text!r}, allowed is a finite number")
        numbers.append(number)
    return np.array(numbers)


def _as_counts(file: str, name: str, values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return a column as whole numbers from zero."""
    wrong = np.flatnonzero((values < 0) | (values != np.rint(values)) | (values > 2**53))
    if len(wrong):
        line = f"file: {file}, line {wrong[0] + 2}: {name}"
        got = f"{values[wrong[0]]:g}"
        raise ConfigError(f"{line}: got {got}, allowed is a whole number >= 0")
    return values.astype(np.int64)
