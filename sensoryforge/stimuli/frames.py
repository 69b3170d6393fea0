"""Recorded frames: pressure that a sensor measured, or that another program made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.numerics import divide, namespace
from sensoryforge.core.types import Columns, Floats, Positions
from sensoryforge.stimuli.base import TIME_TOLERANCE_MS
from sensoryforge.stimuli.blend import Blend
from sensoryforge.stimuli.blended import BlendedStimulus
from sensoryforge.stimuli.files import FRAMES_FILE, read_frames
from sensoryforge.stimuli.ranges import DRIVE, LENGTH, PLACE, Allowed, Range
from sensoryforge.stimuli.surface import Surface


class Recorded(BlendedStimulus):
    """Frames from a file, ``amplitude`` times what it holds.

    Between pixels they are bilinear, between frames linear; outside the frames nothing presses.
    After the last frame the skin feels that frame until its time is over.

    Parameters
    ----------
    columns
        ``amplitude`` (factor to model drive), ``file`` (``[T, H, W]``, the first row at the
        smallest y), ``frame_ms`` (time from frame to frame), ``pixel_mm``, ``center_x``,
        ``center_y`` (mm; where the middle of the frames lies), each ``[C]``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "grasp.npy"
    >>> np.save(path, [[[0.0]], [[8.0]]])
    >>> values = {"amplitude": 2.0, "frame_ms": 10.0, "pixel_mm": 1.0}
    >>> values |= {"center_x": 0.0, "center_y": 0.0, "file": str(path)}
    >>> grasp = Recorded({name: np.array([value]) for name, value in values.items()})
    >>> grasp.frames(np.zeros((1, 2)), np.array([0.0, 5.0, 10.0]), 20.0).tolist()
    [[[0.0], [8.0], [16.0]]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "amplitude": DRIVE,
        "file": FRAMES_FILE,
        "frame_ms": Range("ms", low=0.0, low_open=True),
        "pixel_mm": LENGTH,
        "center_x": PLACE,
        "center_y": PLACE,
    }

    def blend(self, condition: int, xy: Positions, t_ms: Floats, duration_ms: float) -> Blend:
        """Return the frames at the receptors, and which two lie around each sample."""
        xp = namespace(xy)
        frames = read_frames(self.texts("file")[condition])
        count, lines, columns = frames.shape
        # What one number a condition says, as plain numbers.
        pixel, frame_ms, amplitude, center_x, center_y = (
            float(self[name][condition, 0])
            for name in ("pixel_mm", "frame_ms", "amplitude", "center_x", "center_y")
        )
        place = divide(t_ms, frame_ms)
        last = int(min(count - 1, np.ceil((duration_ms + TIME_TOLERANCE_MS) / frame_ms)))
        column = divide(xy[:, 0] - center_x, pixel) + 0.5 * (columns - 1)
        row = divide(xy[:, 1] - center_y, pixel) + 0.5 * (lines - 1)
        stills = []
        for number in range(last + 1):
            stills.append(amplitude * Surface.island(frames[number]).at(column, row))
        place = xp.clip(place, 0.0, float(last))
        before = xp.floor(place)
        number = xp.asarray(before, dtype=xp.int64)
        following = xp.clip(number + 1, 0, last)
        part = place - before
        return Blend(
            stills=xp.stack(stills),
            numbers=xp.stack([number, following], 1),
            weights=xp.stack([1.0 - part, part], 1),
        )

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse a file without frames, and a recording that is over before the stimulus is."""
        problems = []
        paths = columns["file"].tolist()
        for path in dict.fromkeys(paths):
            try:
                count = len(read_frames(path))
            except ConfigError as error:
                problems += [f"file: {line}" for line in error.problems]
                continue
            frame_ms = columns["frame_ms"][np.array(paths) == path].min()
            lasts_ms = count * frame_ms
            if lasts_ms < duration_ms - TIME_TOLERANCE_MS:
                problems.append(
                    f"file: {path}: got {count} frames of {frame_ms:g} ms, which last "
                    f"{lasts_ms:g} ms, allowed is at least duration_ms, {duration_ms:g} (ms)"
                )
        return problems
