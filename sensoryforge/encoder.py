"""The encoder: stimuli in, spike trains out, for every population of an experiment.

receptors -> stimulus (space x time, or frames) -> innervation -> drive -> kernel (filter, gain, noise, model). A
stimulus is evaluated only at receptors that some afferent pools, and only once for all its repetitions. On a GPU all of
it is done there, but for stimuli whose class computes with NumPy: those are pressed on the CPU.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sensoryforge.design import Design, Span
from sensoryforge.encoded import Arrays, Encoded, Made, joined, send
from sensoryforge.errors import SensoryForgeError
from sensoryforge.experiment import Experiment
from sensoryforge.kernels import Drive, Output, kernel, unpacked, uploaded
from sensoryforge.noise import keys
from sensoryforge.numerics import hash64
from sensoryforge.population import Population
from sensoryforge.receptors import layout
from sensoryforge.stimuli import stimulus_class
from sensoryforge.stimuli.guarded import Guarded
from sensoryforge.types import Floats, Ints, Positions

FRAME_BYTES = 64 * 1024**2
"""How much of a stimulus that does not separate is formed at a time."""
FAINT = 1e-30
"""A drive below it is none: far from a footprint it would be a subnormal number, with which processors take long."""


@dataclass(frozen=True)
class Shaped:
    """Conditions of one type at the pooled receptors: space [C,K,R] and time [C,K,T]; neither for frames."""

    stimulus: Guarded
    rows: Ints
    space: Floats | None
    time: Floats | None

    @property
    def terms(self) -> int:
        """How many separable terms; 0 for frames."""
        return 0 if self.space is None else self.space.shape[1]


class Encoder(nn.Module):
    """Encodes stimuli of a design; holds the sheet and its populations."""

    anchor: Tensor

    def __init__(self, experiment: Experiment, backend: str = "torch") -> None:
        super().__init__()
        self.experiment, self.backend = experiment, backend
        self.most = sys.maxsize  # stimuli that are known to fit the device's memory together
        self.times: Floats = (np.arange(experiment.samples) * experiment.dt_ms).astype(np.float64)
        self.populations = {n: Population(n, s, experiment) for n, s in experiment.populations.items()}
        self.parts = nn.ModuleList(self.populations.values())  # a ModuleDict has no room for some names, such as keys
        self.register_buffer("anchor", torch.zeros(0), persistent=False)
        pooled = np.unique(np.concatenate([p.indices.ravel() for p in self.populations.values()]))
        self.receptors = experiment.sheet.xy(pooled)
        for population in self.populations.values():
            population.connect(pooled)

    def forward(self, ranges: Sequence[tuple[int, int]]) -> Encoded:
        """Encode the stimuli of some ranges of the design, in order.

        Returns ``<population>_spikes`` bool [B,T,N] (0.0 and 1.0 with a gradient where the population is learning) and
        what ``batch.save`` asks for. A stimulus that overflows or whose class fails is reported by its row, no spikes.
        A chunk too large for the device's memory is encoded in halves, and so are those after it. A GPU may still be at
        work when this returns.
        """
        size = sum(stop - start for start, stop in ranges)
        if size > self.most:
            return self._in_halves(ranges, size)
        for _ in range(2):
            with suppress(torch.OutOfMemoryError):
                return self._encode_all(ranges)
            self._make_room()
        if size == 1:
            where = f"the memory of {self.device}"
            raise SensoryForgeError(f"stimulus {ranges[0][0]}: does not fit {where}; set pipeline.device: cpu")
        self.most = size // 2
        return self._in_halves(ranges, size)

    def _make_room(self) -> None:
        """Give back what an earlier chunk, still on its way, may hold of a GPU's memory."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            torch.cuda.empty_cache()

    def _in_halves(self, ranges: Sequence[tuple[int, int]], size: int) -> Encoded:
        halves: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        left = size // 2
        for start, stop in ranges:
            middle = min(stop, start + left)
            left -= middle - start
            for half, first, last in ((halves[0], start, middle), (halves[1], middle, stop)):
                half += [(first, last)] * (first < last)
        return joined([self(half) for half in halves])

    def _encode_all(self, ranges: Sequence[tuple[int, int]]) -> Encoded:
        design = self.experiment.design
        spans = [span for start, stop in ranges for span in design.locate(start, stop)]
        seeds = [seed for start, stop in ranges for seed in design.seeds(start, stop)]
        parts, done = [], 0
        for group in self._groups(spans, design):
            count = sum(len(s.rows) for s in group)
            parts.append(self._encode(group, seeds[done : done + count]))
            done += count
        return joined(parts)

    def _groups(self, spans: list[Span], design: Design) -> Iterator[list[Shaped]]:
        """Shape the spans; neighbours with equally many terms go through the kernel together."""
        shaped = (self._shape(span, design) for span in spans)
        return (list(group) for _, group in groupby(shaped, key=lambda s: s.terms))

    def _shape(self, span: Span, design: Design) -> Shaped:
        conditions, rows = np.unique(span.condition, return_inverse=True)
        stimulus = Guarded(stimulus_class(span.family.target), design.columns(span.family, conditions), self._there)
        if not stimulus.separable:
            return Shaped(stimulus, rows, None, None)
        with np.errstate(over="ignore", invalid="ignore"):
            space, time = stimulus.shape(self.receptors, self.times, self.experiment.duration_ms)
            return Shaped(stimulus, rows, space, time)

    def _encode(self, group: list[Shaped], seeds: list[int]) -> Encoded:
        offsets = np.cumsum([0, *(s.stimulus.count for s in group)])
        rows = torch.from_numpy(np.concatenate([s.rows + o for s, o in zip(group, offsets, strict=False)]))
        tensors: Arrays = {}
        for population in self.populations.values():
            drive = self._drive(population, group, rows)
            out = self._run(population, drive, seeds)
            # A model may hide an infinite drive behind its reset, so the drive is looked at as well.
            tensors |= self._named(population, out) | {f"{population.name}.finite": out.finite & drive.finite()}
        if "stimulus" in self.experiment.batch.save:
            tensors["stimulus"] = torch.cat([self._movie(s) for s in group])
        learning = any(p.learning for p in self.populations.values())
        failed = [(s.rows, s.stimulus.errors) for s in group]
        return Encoded(partial(self._arrived, failed, (lambda: tensors) if learning else send(tensors)))

    def _named(self, population: Population, out: Output) -> Arrays:
        """Return what a kernel computed, by the names that it has in a dataset."""
        assert out.spikes is not None
        voltage = next(iter(population.spec.model.states))
        traces = {"voltage" if n == voltage else n: values for n, values in out.traces.items()}
        return {f"{population.name}_{n}": values for n, values in {"spikes": out.spikes, **traces}.items()}

    def _arrived(self, failed: list[tuple[Ints, dict[int, str]]], wait: Callable[[], Arrays]) -> Made:
        """Return arrays that have come to the CPU, the rows of what went wrong empty, and what that was."""
        arrays, errors = wait(), dict[int, str]()
        for name in self.populations:
            finite = arrays.pop(f"{name}.finite")
            spikes = arrays[f"{name}_spikes"] = unpacked(arrays[f"{name}_spikes"], self.experiment.samples)
            for row in torch.nonzero(~finite).flatten().tolist():
                spikes[row] = False
                _same_nan(arrays, row)
                errors.setdefault(row, f"population {name}: its drive or its states are not finite")
        done = 0
        for rows, messages in failed:
            for condition, message in messages.items():
                for row in (np.flatnonzero(rows == condition) + done).tolist():
                    errors[row] = message
                    for array in arrays.values():
                        array[row] = 0
            done += len(rows)
        return arrays, errors

    def _drive(self, population: Population, group: list[Shaped], rows: Tensor) -> Drive:
        rows = uploaded(rows, self.device)
        if group[0].terms:
            space = _whole([population.pool(self._there(s.space)) for s in group if s.space is not None])
            time = _whole([self._there(s.time) for s in group if s.time is not None])
            strong = torch.where(space.abs() < FAINT, 0.0, space)
            return Drive(rows, space=strong.float(), time=time.float())
        return Drive(rows, frames=torch.cat([self._frames(population, s.stimulus) for s in group]).float())

    def _frames(self, population: Population, stimulus: Guarded) -> Tensor:
        """Return the pooled drive [C,T,N] of a stimulus that does not separate, some samples at a time."""
        step = max(1, FRAME_BYTES // (8 * stimulus.count * len(self.receptors)))
        duration = self.experiment.duration_ms
        pieces = []
        for k in range(0, len(self.times), step):
            pressure = stimulus.frames(self.receptors, self.times[k : k + step], duration)
            pieces.append(population.pool(self._there(pressure)))
        return _whole(pieces, 1)

    def _there(self, array: Any) -> Any:
        """Return an array, or a tensor, where stimuli are shaped and innervated: on the GPU if there is one."""
        return uploaded(torch.as_tensor(array), self.device) if self.on_gpu else array

    def _run(self, population: Population, drive: Drive, seeds: list[int]) -> Output:
        afferents, save = population.afferents(), self.experiment.batch.save
        traces = {"drive": "drive", "filtered": "filtered", "voltage": next(iter(population.spec.model.states))}
        record = tuple(traces[s] for s in save if s in traces)
        threads = self.experiment.batch.num_workers
        return kernel(self.backend)(afferents, drive, keys(seeds, population.name), record, threads)

    def _movie(self, shaped: Shaped) -> Tensor:
        """Return the pressure on the whole sheet, float32 [B,T,H,W]."""
        sheet = self.experiment.sheet
        frames = shaped.stimulus.frames(sheet.xy(), self.times, self.experiment.duration_ms)
        movie = torch.as_tensor(self._there(frames)).float()[self._there(shaped.rows)]
        return movie.reshape(*movie.shape[:2], sheet.rows, sheet.columns)

    @property
    def on_gpu(self) -> bool:
        """Whether stimuli are tensors, not arrays."""
        return self.device.type != "cpu"

    @property
    def device(self) -> torch.device:
        """Where the kernels run."""
        return self.anchor.device


def _whole(pieces: list[Floats], dim: int = 0) -> Tensor:
    """Return arrays or tensors, one after the other, as a tensor."""
    return torch.cat([torch.as_tensor(piece) for piece in pieces], dim)


def _same_nan(arrays: Arrays, row: int) -> None:
    """Give what is not a number in a row the same bits everywhere; processors differ in them."""
    for array in arrays.values():
        if array.is_floating_point():
            array[row] = torch.where(array[row].isnan(), torch.nan, array[row])


def positions(experiment: Experiment) -> dict[str, Positions]:
    """Return where the afferents of every population lie, [N,2] in mm."""
    return {
        n: layout(s.layout, experiment.sheet, s.count, hash64("layout", experiment.seed, n))
        for n, s in experiment.populations.items()
    }
