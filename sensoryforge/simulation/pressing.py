"""Pressing: from indentations of a skin that deforms to what afferents in it feel.

Under `sensoryforge.skin.mechanics` the amplitude of a stimulus is an indentation in mm. Where the
shape of what presses stays the same its contact is worked out once, and the kernel multiplies it
with the course in time: a static term, and a rate term that arrives late. Where it changes, as of
a shape that moves, contact is worked out for each still; where several things press at once, for
each sample. All of it is computed with NumPy in float64, for every backend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sensoryforge.core.devices import usable_cores
from sensoryforge.core.types import Floats, Ints
from sensoryforge.equations.program import FAINT
from sensoryforge.simulation.driving import FRAME_BYTES, Stack
from sensoryforge.simulation.feeling import NOWHERE, Contact, Contacts, Felt, Sensing
from sensoryforge.simulation.kernels import Drive
from sensoryforge.simulation.kernels.pooling import blend_rows
from sensoryforge.simulation.shaping import Points, Shaped, ToDevice
from sensoryforge.skin.mechanics import Pins
from sensoryforge.skin.mechanics.half_space import central_difference
from sensoryforge.stimuli import Punches
from sensoryforge.stimuli.blend import Blend
from sensoryforge.stimuli.guarded import GuardedStimuli


@dataclass(frozen=True)
class Pressing:
    """What it takes to press a group of stimuli on a skin that deforms.

    Parameters
    ----------
    contacts
        The skin and the receptors, with the contacts that were worked out before.
    sensing
        The afferents.
    points
        The receptors and the samples.
    dt_ms
        Length of a sample.
    to_device
        Brings an array to the populations' device.
    threads
        The most threads that may work.
    """

    contacts: Contacts
    sensing: Sensing
    points: Points
    dt_ms: float
    to_device: ToDevice
    threads: int | None = None

    def drives(self, group: list[Shaped], rows: Tensor) -> Iterator[tuple[str, Drive]]:
        """Yield the drive of each population with its name; see `Driving.drives`."""
        if group[0].terms:
            yield from self._constant_shapes(group, rows)
        else:
            yield from self._changing_shapes(group, rows)

    # --- shapes that stay the same ---

    def _constant_shapes(self, group: list[Shaped], rows: Tensor) -> Iterator[tuple[str, Drive]]:
        felt: dict[str, list[Felt]] = {name: [] for name in self.sensing}
        times = []
        for shaped in group:
            assert shaped.space is not None
            assert shaped.time is not None
            punches = shaped.stimulus.punches()
            pulls = punches is not None and self.contacts.skin.pulls
            course = shaped.time if pulls else np.maximum(shaped.time, 0.0)
            times.append(np.concatenate([course, central_difference(course, self.dt_ms)], axis=1))
            for condition in range(shaped.stimulus.count):
                if punches is None:
                    of_condition = self._feel_shape(shaped.space[condition, 0])
                else:
                    of_condition = self._feel_punch(punches, condition)
                for name, one in of_condition.items():
                    felt[name].append(one)
        time = self._single(np.concatenate(times))
        for name, of_conditions in felt.items():
            terms = [np.stack([one.static, one.dynamic]) for one in of_conditions]
            yield (
                name,
                Drive(
                    rows,
                    space=self._single(_without_faint(np.stack(terms))),
                    time=time,
                    rates=1,
                    delay=self._upload(_not_negative([one.late for one in of_conditions])),
                ),
            )

    def _feel_shape(self, depths: Floats) -> dict[str, Felt]:
        """Return what each population feels of pins that are pressed in, ``[R]`` in mm."""
        deepest, contact = self.contacts.of(depths)
        felt = {}
        for name, afferents in self.sensing.items():
            one = afferents.feel(self.contacts.pins, contact)
            with np.errstate(over="ignore"):
                felt[name] = Felt(deepest * one.static, deepest * one.dynamic, one.late)
        return felt

    def _feel_punch(self, punches: Punches, condition: int) -> dict[str, Felt]:
        """Return what each population feels of a rigid probe, a single pin."""
        xy_mm = np.array([[punches.x_mm[condition], punches.y_mm[condition]]])
        pins = Pins(xy_mm, float(punches.radius_mm[condition]))
        forces = self.contacts.skin.forces(punches.depth_mm[condition : condition + 1], pins)
        middle_mm = (float(xy_mm[0, 0]), float(xy_mm[0, 1]))
        contact = Contact(np.zeros(1, np.int64), forces, middle_mm)
        felt = {}
        for name, afferents in self.sensing.items():
            felt[name] = afferents.feel(pins, contact, keep=False)
        return felt

    # --- shapes that change ---

    def _changing_shapes(self, group: list[Shaped], rows: Tensor) -> Iterator[tuple[str, Drive]]:
        count = sum(shaped.stimulus.count for shaped in group)
        frames = {name: Stack(count) for name in self.sensing}
        rates = {name: Stack(count) for name in self.sensing}
        for shaped in group:
            for of_condition in self._conditions(shaped.stimulus):
                for name, (static, rate) in of_condition.items():
                    frames[name].add(static)
                    rates[name].add(rate)
        for name in self.sensing:
            yield (
                name,
                Drive(
                    rows,
                    frames=self._upload(frames.pop(name).values),
                    rate_frames=self._upload(rates.pop(name).values),
                ),
            )

    def _conditions(self, stimulus: GuardedStimuli) -> Iterator[dict[str, tuple[Floats, Floats]]]:
        """Yield what populations feel of each condition: drive and rate, float32 ``[T, N]``."""
        conditions = range(stimulus.count)
        threads = min(self.threads or usable_cores(), stimulus.count)

        def feel(condition: int) -> dict[str, tuple[Floats, Floats]]:
            return self._feel_condition(stimulus, condition)

        if threads == 1:
            yield from map(feel, conditions)
            return
        # Conditions are independent of each other, and NumPy works without Python's lock.
        with ThreadPoolExecutor(threads) as pool:
            yield from pool.map(feel, conditions)

    def _feel_condition(
        self, stimulus: GuardedStimuli, condition: int
    ) -> dict[str, tuple[Floats, Floats]]:
        blend = None
        if stimulus.is_blended:
            blend = self.points.blend(stimulus, condition)
        if blend is not None and not blend.mixes:
            courses = self._feel_stills(blend)
        else:
            courses = self._feel_samples(lambda: self._pressures(stimulus, condition, blend))
        return {name: _with_rate(course, self.dt_ms) for name, course in courses.items()}

    def _feel_stills(self, blend: Blend) -> dict[str, Felt]:
        """Return what is felt at each sample, ``[T, N]``, of stills that are each in contact."""
        stills: dict[str, list[Felt]] = {name: [] for name in self.sensing}
        for depths in blend.stills:
            for name, felt in self._feel_shape(depths).items():
                stills[name].append(felt)
        samples = np.arange(len(blend.numbers))
        heaviest = np.abs(blend.weights).argmax(axis=1)
        nearest = blend.numbers[samples, heaviest]
        courses = {}
        for name, of_stills in stills.items():
            static = _blend([one.static for one in of_stills], blend)
            dynamic = _blend([one.dynamic for one in of_stills], blend)
            late = np.stack([one.late for one in of_stills])[nearest]
            courses[name] = Felt(static, dynamic, late)
        return courses

    def _feel_samples(self, pressures: Callable[[], Iterator[Floats]]) -> dict[str, Felt]:
        """Return what is felt at each sample, ``[T, N]``, with a contact for each."""
        samples: dict[str, list[Felt]] = {name: [] for name in self.sensing}
        for some in pressures():
            for depths in some:
                for name, felt in self._feel_shape(depths).items():
                    samples[name].append(felt)
        courses = {}
        for name, of_samples in samples.items():
            courses[name] = Felt(
                np.stack([one.static for one in of_samples]),
                np.stack([one.dynamic for one in of_samples]),
                np.stack([one.late for one in of_samples]),
            )
        return courses

    def _pressures(
        self, stimulus: GuardedStimuli, condition: int, blend: Blend | None
    ) -> Iterator[Floats]:
        """Yield how far receptors are pressed in, some samples at a time, ``[t, R]``."""
        points = self.points
        together = max(1, FRAME_BYTES // (8 * len(points.xy_mm)))
        for first in range(0, len(points.t_ms), together):
            some = slice(first, first + together)
            if blend is None:
                yield points.frames_of(stimulus, condition, first, first + together)
            else:
                part = Blend(blend.stills, blend.numbers[some], blend.weights[some])
                yield part.frames()

    # --- on the way to the kernel ---

    def _single(self, values: Floats) -> Tensor:
        return self._upload(_as_single(values))

    def _upload(self, values: Any) -> Tensor:
        return torch.as_tensor(self.to_device(values))


def _blend(felt: list[Floats], blend: Blend) -> Floats:
    """Return what is felt at each sample, ``[T, N]``, from what is felt of each still."""
    course: Floats = blend_rows(np.stack(felt), blend.numbers, blend.weights, np.float64)
    # Between stills the cubic may dip below zero, where nothing pulls.
    return np.maximum(course, 0.0, out=course)


def _as_single(values: Floats) -> Any:
    """Return values as float32; what overflows is reported as a drive that is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32)


def _without_faint(values: Floats) -> Floats:
    """Return values with those zero that would be subnormal, with which processors take long."""
    return np.where(np.abs(values) < FAINT, 0.0, values)


def _with_rate(course: Felt, dt_ms: float) -> tuple[Any, Any]:
    """Return what is felt over time and its rate, as late as it arrives, float32 ``[T, N]``."""
    rate = central_difference(course.dynamic.T, dt_ms).T
    sent = np.arange(len(rate))[:, None] - _last_known(course.late)
    arrived = np.take_along_axis(rate, np.maximum(sent, 0), axis=0)
    arrived = np.where(sent >= 0, arrived, 0.0)
    return _as_single(course.static), _as_single(arrived)


def _last_known(late: Ints) -> Ints:
    """Return delays over time ``[T, N]``; where nothing presses, those of what pressed last.

    What was sent before is still on its way then. Before anything presses they are those of what
    presses first, as the central difference rises a sample before it.
    """
    presses = late[:, 0] != NOWHERE
    if not presses.any():
        return np.zeros_like(late)
    last = np.maximum.accumulate(np.where(presses, np.arange(len(late)), presses.argmax()))
    known: Ints = late[last]
    return known


def _not_negative(late: list[Ints]) -> Ints:
    """Return delays of conditions, ``[C, N]``, none where nothing presses and none is needed."""
    return np.maximum(np.stack(late), 0)
