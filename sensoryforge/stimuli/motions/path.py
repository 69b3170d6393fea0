"""Through waypoints of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.numerics import like, namespace
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.cautions import Sheet
from sensoryforge.stimuli.files import WAYPOINTS_FILE, read_waypoints
from sensoryforge.stimuli.motions.motion import Motion
from sensoryforge.stimuli.ranges import INSTANT, SPEED, Allowed


class Path(Motion):
    """From waypoint to waypoint on straight lines, at a steady speed; at the last one it stops.

    Parameters
    ----------
    columns
        ``file`` (a CSV with ``x_mm`` and ``y_mm``, from where the shape rests), ``speed_mm_s``,
        ``onset_ms`` (when it starts to move), each ``[C]``.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "corner.csv"
    >>> _ = file.write_text("x_mm,y_mm\\n0,0\\n1,0\\n1,2\\n")
    >>> values = {"file": str(file), "speed_mm_s": 20.0, "onset_ms": 0.0}
    >>> path = Path({name: np.array([value]) for name, value in values.items()})
    >>> x, y = path.place(np.array([[0.5, 2.0, 9.0]]))
    >>> x.tolist(), y.tolist()
    ([[0.5, 1.0, 1.0]], [[0.0, 1.0, 2.0]])
    """

    tensors = True
    leads = ("file",)
    unfinished = "has not come to the end of its path"

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "file": WAYPOINTS_FILE,
        "speed_mm_s": SPEED,
        "onset_ms": INSTANT,
    }

    def place(self, distance_mm: Floats) -> tuple[Floats, Floats]:
        """Return where the shape is."""
        xp = namespace(distance_mm)
        places_x = []
        places_y = []
        for condition, file in enumerate(self.texts("file")):
            waypoints, starts = _legs(read_waypoints(file))
            distance = xp.clip(distance_mm[condition], 0.0, float(starts[-1]))
            x, y, begins = (like(column, distance) for column in (*waypoints.T, starts))
            following = xp.searchsorted(begins, distance)
            leg = xp.clip(following, 1, len(starts) - 1) - 1
            part = (distance - begins[leg]) / (begins[leg + 1] - begins[leg])
            places_x.append(x[leg] + part * (x[leg + 1] - x[leg]))
            places_y.append(y[leg] + part * (y[leg + 1] - y[leg]))
        return xp.stack(places_x), xp.stack(places_y)

    @classmethod
    def ends_ms(cls, columns: Columns, x_mm: Floats, y_mm: Floats, sheet: Sheet) -> Floats:
        """Return when it comes to the last waypoint; infinite where it stands still."""
        files, of_condition = np.unique(columns["file"], return_inverse=True)
        lengths_mm = np.array([_legs(read_waypoints(file))[1][-1] for file in files.tolist()])
        speed = columns["speed_mm_s"]
        moves_ms = np.full(len(speed), np.inf)
        is_moving = speed > 0
        way_mm = lengths_mm[of_condition]
        moves_ms[is_moving] = 1000.0 * way_mm[is_moving] / speed[is_moving]
        ends_ms: Floats = columns["onset_ms"] + moves_ms
        return ends_ms

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse a file without waypoints, and a motion that starts when the stimulus is over."""
        problems = super().check(columns, duration_ms)
        for path in dict.fromkeys(columns["file"].tolist()):
            try:
                waypoints, _ = _legs(read_waypoints(path))
            except ConfigError as error:
                problems += [f"file: {line}" for line in error.problems]
                continue
            if len(waypoints) < 2:
                line = "all waypoints are the same place, allowed are two or more places"
                problems.append(f"file: {path}: {line}")
        return problems


def _legs(waypoints: Floats) -> tuple[Floats, Floats]:
    """Return waypoints without those that repeat the one before, and how far along each lies."""
    steps = np.diff(waypoints, axis=0)
    lengths = np.sqrt(steps[:, 0] * steps[:, 0] + steps[:, 1] * steps[:, 1])
    is_new = np.concatenate([[True], lengths > 0])
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    return waypoints[is_new], starts[is_new]
