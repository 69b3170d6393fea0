"""A recorded course: values over time from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.numerics import divide, like, namespace
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.base import TIME_TOLERANCE_MS
from sensoryforge.stimuli.files import TRACE_FILE, read_trace, refuse_pull
from sensoryforge.stimuli.profiles.profile import Profile
from sensoryforge.stimuli.ranges import Allowed, Choice, Range


class Trace(Profile):
    """Values from a file, linear between them; the last is held until its time is over.

    Parameters
    ----------
    columns
        ``file`` (a CSV, or an ``.npy``), ``column`` (its heading, or the number of a column of an
        ``.npy``; it may be left out where there is one), ``step_ms`` (time from value to value; a
        configuration that leaves it out has the pipeline's ``dt_ms``), each ``[C]``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "depth.npy"
    >>> np.save(path, [0.0, 1.0, 0.5])
    >>> trace = Trace({"file": np.array([str(path)]), "step_ms": np.array([10.0])})
    >>> trace.height(np.array([0.0, 5.0, 20.0]), duration_ms=30.0).tolist()
    [[0.0, 0.5, 0.5]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "file": TRACE_FILE,
        "column": Choice(optional=True),
        "step_ms": Range("ms", low=0.0, low_open=True, of_pipeline="dt_ms"),
    }

    def height(self, t_ms: Floats, duration_ms: float) -> Floats:
        """Return the factor over time."""
        xp = namespace(t_ms)
        heights = []
        files = zip(self.texts("file"), self.texts("column"), strict=True)
        for condition, (path, column) in enumerate(files):
            values = read_trace(path, column)
            last = len(values) - 1
            place = xp.clip(divide(t_ms, float(self["step_ms"][condition, 0])), 0.0, float(last))
            before = xp.floor(place)
            number = xp.asarray(before, dtype=xp.int64)
            part = place - before
            held = like(values, t_ms)
            following = held[xp.clip(number + 1, 0, last)]
            heights.append(held[number] + part * (following - held[number]))
        height: Floats = xp.stack(heights)
        return height

    @classmethod
    def pulls(cls, columns: Columns) -> list[str]:
        """Name the files with a value below zero."""
        problems = []
        texts = columns.get("column", np.full(len(columns["file"]), ""))
        for path, column in dict.fromkeys(
            zip(columns["file"].tolist(), texts.tolist(), strict=True)
        ):
            try:
                values = read_trace(path, column)
            except ConfigError:  # `check` names it
                continue
            try:
                refuse_pull(path, values)
            except ConfigError as error:
                problems += [f"file: {line}" for line in error.problems]
        return problems

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse a file without values, and values that are over before the stimulus is."""
        problems = []
        texts = columns.get("column", np.full(len(columns["file"]), ""))
        pairs = list(zip(columns["file"].tolist(), texts.tolist(), strict=True))
        for path, column in dict.fromkeys(pairs):
            try:
                count = len(read_trace(path, column))
            except ConfigError as error:
                problems += [f"file: {line}" for line in error.problems]
                continue
            is_this = np.array([pair == (path, column) for pair in pairs])
            step_ms = columns["step_ms"][is_this].min()
            lasts_ms = count * step_ms
            if lasts_ms < duration_ms - TIME_TOLERANCE_MS:
                problems.append(
                    f"file: {path}: got {count} values, {step_ms:g} ms apart, which last "
                    f"{lasts_ms:g} ms, allowed is at least duration_ms, {duration_ms:g} (ms)"
                )
        return problems
