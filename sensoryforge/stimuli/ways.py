"""What keeps a shape that moves from being felt: its way misses the sheet, or the run is too short.

It is told from parameters alone, as the cautions of a shape at rest are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sensoryforge.core.messages import list_alternatives
from sensoryforge.core.types import Bools, Columns, Floats, Ints
from sensoryforge.stimuli.base import Stimulus
from sensoryforge.stimuli.cautions import Caution, Sheet
from sensoryforge.stimuli.motions.motion import Motion
from sensoryforge.stimuli.span import Span, cut_short

PLACES = (33, 1025)
"""Places along a way that are looked at: first a few, then many for what has not been felt yet."""
AT_A_TIME = 200_000
"""Places of all conditions that are looked at together."""
_CENTRE = ("center_x", "center_y")
_MOTION = "motion"


@dataclass(frozen=True)
class Way:
    """Shapes of one kind and the motions that carry them.

    Parameters
    ----------
    shape, motion
        Their classes.
    columns
        The parameters of the shapes, ``[C]`` each.
    of_motion
        Those of the motions, ``[C]`` each.
    sheet
        What they press on.
    """

    shape: type[Stimulus]
    motion: type[Motion]
    columns: Columns
    of_motion: Columns
    sheet: Sheet

    def cautions(self, span: Span) -> Iterator[Caution]:
        """Yield which conditions never come to the sheet, and which the end of the run cuts off.

        Parameters
        ----------
        span
            The time that there is.

        Examples
        --------
        >>> from sensoryforge.stimuli import Gaussian, Line
        >>> blob = {"sigma": 0.5, "center_x": 0.0, "center_y": 0.0}
        >>> scan = {"speed_mm_s": 1.0, "direction": 0.0, "start_mm": -3.0, "onset_ms": 0.0}
        >>> columns, of_motion = (
        ...     {name: np.array([value]) for name, value in values.items()}
        ...     for values in (blob, scan)
        ... )
        >>> way = Way(Gaussian, Line, columns, of_motion, Sheet(4.8, 4.8, 0.15))
        >>> for caution in way.cautions(Span(run_ms=300.0, dt_ms=0.5)):
        ...     if caution.conditions.any():
        ...         print(caution.key, caution.reason)
        motion.speed_mm_s is still entering the sheet when the run is over, at 300 ms; \
pipeline.duration_ms=5400 would do
        """
        ends_ms, arrives_ms = self._ends_ms()
        duration_ms = span.duration_ms + np.zeros_like(ends_ms)
        is_silent = ~self._is_felt(duration_ms)
        # A longer run is of use only to what is still on its way, and does come to the sheet.
        is_late = is_silent & np.isfinite(ends_ms) & (ends_ms > duration_ms)
        is_late[is_late] = self._of(is_late)._is_felt(ends_ms[is_late])
        if "speed_mm_s" in self.of_motion:
            yield self._cut(np.where(is_late, ends_ms, np.nan), span, "has not come to the sheet")
            may_end = is_silent | ~(arrives_ms > duration_ms)
            yield self._cut(np.where(may_end, np.nan, ends_ms), span, self.motion.unfinished)
        yield from self._never(is_silent & ~is_late)

    def _ends_ms(self) -> tuple[Floats, Floats]:
        """Return when each condition is through, and from when on it may be cut off, ``[C]`` each.

        Infinite where nothing is to come.
        """
        count = len(next(iter(self.of_motion.values())))
        # What a class says of itself does not hold for its subclasses.
        if "ends_ms" not in vars(self.motion):
            never = np.full(count, np.inf)
            return never, never
        x_mm, y_mm = (np.full(count, np.nan), np.full(count, np.nan))
        if all(name in self.columns for name in _CENTRE):
            # A strip that is longer than the sheet passes under it all the time, as a texture does.
            has_a_middle = ~self._is_longer_than_the_sheet()
            x_mm, y_mm = (np.where(has_a_middle, self.columns[name], np.nan) for name in _CENTRE)
        places = (self.of_motion, x_mm, y_mm, self.sheet)
        ends_ms = self.motion.ends_ms(*places)
        if "arrives_ms" not in vars(self.motion):
            return ends_ms, ends_ms
        return ends_ms, self.motion.arrives_ms(*places)

    def _is_longer_than_the_sheet(self) -> Bools:
        """Tell which shapes are felt from as far as the sheet is long, before and behind it."""
        count = len(self.columns["center_x"])
        if not self._knows_its_place():
            return np.zeros(count, dtype=bool)
        x_mm, y_mm = self.motion(self.of_motion).place(np.array([[0.0, 1.0]] * count))
        sides_mm = (self.sheet.width_mm, self.sheet.height_mm)
        far = 0.5 * float(np.hypot(*sides_mm)) + max(sides_mm)
        forward = [far * (places[:, 1] - places[:, 0]) for places in (x_mm, y_mm)]
        is_off: Bools = np.zeros(count, dtype=bool)
        for side in (-1.0, 1.0):
            places = dict(self.columns)
            for name, middle, way in zip(_CENTRE, self.sheet.center_mm, forward, strict=True):
                places[name] = middle + side * way
            is_off |= self._is_off(places)
        return ~is_off

    def _is_off(self, columns: Columns) -> Bools:
        """Tell which shapes no receptor feels where they are."""
        is_off = np.zeros(len(columns["center_x"]), dtype=bool)
        for caution in self._place_cautions(columns):
            is_off |= caution.conditions
        return is_off

    def _cut(self, ends_ms: Floats, span: Span, state: str) -> Caution:
        return cut_short("speed_mm_s", ends_ms, span, state).within(_MOTION, _MOTION)

    def _never(self, is_silent: Bools) -> Iterator[Caution]:
        """Yield the cautions of conditions whose way does not come near the sheet."""
        others = [f"{_MOTION}.{name}" for name in self.motion.leads]
        left = is_silent.copy()
        for caution in self._place_cautions(self.columns):
            advice = list_alternatives(["it", *others])
            reason = "off the sheet, and its motion never brings it there: no receptor feels it"
            is_off = left & caution.conditions
            yield Caution(caution.parameter, is_off, f"{reason}; change {advice}")
            left &= ~caution.conditions
        advice = list_alternatives([*others, *_CENTRE])
        reason = f"its way never comes to {self.sheet}: no receptor feels it; change {advice}"
        if self.motion.leads:
            yield Caution(self.motion.leads[0], left, reason).within(_MOTION, _MOTION)
        else:
            yield Caution(_CENTRE[0], left, reason)

    def _is_felt(self, until_ms: Floats) -> Bools:
        """Tell which conditions come to the sheet until some time, ``[C]``."""
        if not self._knows_its_place():
            return np.ones(len(until_ms), dtype=bool)
        first, which = self._distinct(until_ms)
        is_felt: Bools = self._of(first)._is_felt_each(until_ms[first])[which]
        return is_felt

    def _distinct(self, until_ms: Floats) -> tuple[Ints, Ints]:
        """Return a condition of each distinct way, and which of these each condition takes.

        How hard a shape presses does not matter, but to one that touches more skin the deeper.
        """
        no_matter = ("amplitude",) if getattr(self.shape, "in_proportion", False) else ()
        columns = [values for name, values in self.columns.items() if name not in no_matter]
        columns += [*self.of_motion.values(), until_ms]
        codes = [np.unique(values, return_inverse=True)[1].ravel() for values in columns]
        _, first, which = np.unique(
            np.stack(codes, axis=1), axis=0, return_index=True, return_inverse=True
        )
        return first, which.ravel()

    def _is_felt_each(self, until_ms: Floats) -> Bools:
        """Tell which conditions come to the sheet until some time, each looked at by itself."""
        is_felt = np.zeros(len(until_ms), dtype=bool)
        for end_ms in np.unique(until_ms).tolist():
            for count in PLACES:
                rows = np.flatnonzero((until_ms == end_ms) & ~is_felt)
                times_ms = np.linspace(0.0, end_ms, count)
                step = max(1, AT_A_TIME // count)
                for start in range(0, len(rows), step):
                    some = rows[start : start + step]
                    is_felt[some] = self._of(some)._is_felt_at(times_ms)
        return is_felt

    def _knows_its_place(self) -> bool:
        """Tell whether the shape has a place, and says where nothing feels it."""
        has_place = all(name in self.columns for name in _CENTRE)
        return has_place and "cautions" in vars(self.shape)

    def _is_felt_at(self, times_ms: Floats) -> Bools:
        """Tell which conditions some receptor may feel at one of some times, ``[C]``."""
        motion = self.motion(self.of_motion)
        x_mm, y_mm = motion.place(motion.distance(times_ms))
        places = {name: np.repeat(values, len(times_ms)) for name, values in self.columns.items()}
        for name, moved_mm in zip(_CENTRE, (x_mm, y_mm), strict=True):
            places[name] = places[name] + np.broadcast_to(moved_mm, x_mm.shape).ravel()
        is_off = self._is_off(places).reshape(x_mm.shape)
        is_felt: Bools = ~np.asarray(is_off.all(axis=1))
        return is_felt

    def _place_cautions(self, columns: Columns) -> list[Caution]:
        cautions = self.shape.cautions(columns, self.sheet)
        return [caution for caution in cautions if caution.parameter in _CENTRE]

    def _of(self, rows: Bools | Ints) -> Way:
        """Return some of the conditions."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        of_motion = {name: values[rows] for name, values in self.of_motion.items()}
        return Way(self.shape, self.motion, columns, of_motion, self.sheet)
