"""The encoder: stimuli in, spike trains out, for every population of an experiment.

receptors -> stimulus (space x time, or frames) -> innervation -> drive -> kernel (filter, gain, noise, model). A
stimulus is evaluated only at receptors that some afferent pools, and only once for all its repetitions.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import torch
from torch import Tensor, nn

from sensoryforge.design import Design, Span
from sensoryforge.errors import ConfigError, SensoryForgeError, listing, suggest
from sensoryforge.experiment import Experiment, PopulationSpec
from sensoryforge.kernels import Afferents, Drive, Output, kernel
from sensoryforge.kernels.learned import Learned
from sensoryforge.kernels.surrogate import Surrogate
from sensoryforge.noise import keys
from sensoryforge.numerics import hash64
from sensoryforge.receptors import layout
from sensoryforge.stimuli import stimulus_class
from sensoryforge.stimuli.guarded import Guarded
from sensoryforge.types import Floats, Ints, Positions

FRAME_BYTES = 64 * 1024**2
"""How much of a stimulus that does not separate is formed at a time."""
FAINT = 1e-30
"""A drive below it is none: far from a footprint it would be a subnormal number, with which processors take long."""


@dataclass
class Encoded:
    """What the encoder made of some stimuli: arrays [B, ...] by name, and what went wrong, by row."""

    arrays: dict[str, Tensor]
    errors: dict[int, str] = field(default_factory=dict)


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


class Population(nn.Module):
    """Afferents on the sheet: where they lie, which receptors they pool, and their equations."""

    positions: Positions
    weights: Floats
    gather: Ints

    def __init__(self, name: str, spec: PopulationSpec, experiment: Experiment) -> None:
        super().__init__()
        self.name, self.spec = name, spec
        self.dt_ms, self.substeps = experiment.dt_ms, experiment.substeps
        self.surrogate = Surrogate(experiment.surrogate, experiment.surrogate_width)
        self.learned = nn.ModuleDict()
        seed = experiment.seed
        self.positions = layout(spec.layout, experiment.sheet, spec.count, hash64("layout", seed, name))
        drawn = spec.innervation.draw(experiment.sheet, self.positions, hash64("innervation", seed, name))
        self.indices, self.weights = drawn.indices, drawn.weights
        self.values: dict[str, dict[str, float | str]] = {}
        for kind, block in (("filter", spec.filter), ("model", spec.model)):
            for parameter, value in block.draw(spec.count, seed, name, kind).items():
                self._keep(kind, parameter, value)

    def _keep(self, kind: str, parameter: str, value: float | Floats) -> None:
        """Hold a parameter: a number as it is, one value a neuron as a buffer that moves with the module."""
        kept = self.values.setdefault(kind, {})
        if isinstance(value, float):
            kept[parameter] = value
        else:
            kept[parameter] = buffer = f"{kind}_{parameter}"
            self.register_buffer(buffer, torch.as_tensor(value).float(), persistent=False)

    def _given(self, kind: str) -> dict[str, float | Tensor]:
        values = self.values.get(kind, {})
        given = {n: getattr(self, v) if isinstance(v, str) else v for n, v in values.items()}
        return {n: self._learned(f"{kind}.{n}", v) for n, v in given.items()}

    def _learned(self, name: str, value: float | Tensor) -> float | Tensor:
        """Return what a number has become by learning."""
        key = name.replace(".", "/")
        return self.learned[key]() if key in self.learned else value

    @property
    def learnable(self) -> tuple[str, ...]:
        """Names of the numbers that can be learned: ``gain``, ``filter.tau_d``, ``model.a``, ..."""
        return ("gain", *(f"{kind}.{n}" for kind in ("filter", "model") for n in self.values.get(kind, {})))

    def learn(self, name: str, *, each: bool = False) -> nn.Parameter:
        """Make a number a parameter to train, one for the population or one for each neuron; return it.

        Raises ConfigError for a number that is not there.
        """
        if name not in self.learnable:
            known = f"known are {listing(self.learnable)}{suggest(name, self.learnable)}"
            raise ConfigError(f"learn: population {self.name} has no number '{name}', {known}")
        kind, _, parameter = name.rpartition(".")
        start = self._given(kind)[parameter] if kind else self.spec.gain
        self.learned[name.replace(".", "/")] = made = Learned(start, self.spec.count if each else None)
        return made.change

    @property
    def learning(self) -> bool:
        """Whether spikes have a gradient: something is learned, in training, and gradients are on."""
        wanted = any(p.requires_grad for p in self.learned.parameters())
        return wanted and self.training and torch.is_grad_enabled()

    def afferents(self) -> Afferents:
        """Return the equations and numbers that a kernel needs."""
        spec = self.spec
        return Afferents(
            filter=spec.filter,
            model=spec.model,
            filter_values=self._given("filter"),
            model_values=self._given("model"),
            gain=self._learned("gain", spec.gain) * spec.model.drive_scale,
            noise_std=spec.noise_std * spec.model.drive_scale,
            dt_ms=self.dt_ms,
            substeps=self.substeps,
            surrogate=self.surrogate if self.learning else None,
        )

    def pool(self, pressure: Floats) -> Floats:
        """Return the weighted sum of pooled receptors: [..., R] -> [..., N], added in a fixed order."""
        total = pressure[..., self.gather[:, 0]] * self.weights[:, 0]
        for c in range(1, self.weights.shape[1]):
            total += pressure[..., self.gather[:, c]] * self.weights[:, c]
        return total


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
            population.gather = np.searchsorted(pooled, population.indices)

    def forward(self, ranges: Sequence[tuple[int, int]]) -> Encoded:
        """Encode the stimuli of some ranges of the design, in order.

        Returns ``<population>_spikes`` bool [B,T,N] (0.0 and 1.0 with a gradient where the population is learning) and
        what ``batch.save`` asks for. A stimulus that overflows or whose class fails is reported by its row, no spikes.
        A chunk too large for the device's memory is encoded in halves, and so are those after it.
        """
        size = sum(stop - start for start, stop in ranges)
        if size > self.most:
            return self._in_halves(ranges, size)
        try:
            return self._encode_all(ranges)
        except torch.OutOfMemoryError:
            if size == 1:
                raise SensoryForgeError(
                    f"stimulus {ranges[0][0]}: does not fit the memory of {self.device}; set pipeline.device: cpu"
                ) from None
            self.most = size // 2
        torch.cuda.empty_cache()
        return self._in_halves(ranges, size)

    def _in_halves(self, ranges: Sequence[tuple[int, int]], size: int) -> Encoded:
        halves: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        left = size // 2
        for start, stop in ranges:
            middle = min(stop, start + left)
            left -= middle - start
            for half, first, last in ((halves[0], start, middle), (halves[1], middle, stop)):
                half += [(first, last)] * (first < last)
        return _joined([self(half) for half in halves])

    def _encode_all(self, ranges: Sequence[tuple[int, int]]) -> Encoded:
        design = self.experiment.design
        spans = [span for start, stop in ranges for span in design.locate(start, stop)]
        seeds = [seed for start, stop in ranges for seed in design.seeds(start, stop)]
        parts, done = [], 0
        for group in self._groups(spans, design):
            count = sum(len(s.rows) for s in group)
            parts.append(self._encode(group, seeds[done : done + count]))
            done += count
        return _joined(parts)

    def _groups(self, spans: list[Span], design: Design) -> Iterator[list[Shaped]]:
        """Shape the spans; neighbours with equally many terms go through the kernel together."""
        shaped = (self._shape(span, design) for span in spans)
        return (list(group) for _, group in groupby(shaped, key=lambda s: s.terms))

    def _shape(self, span: Span, design: Design) -> Shaped:
        conditions, rows = np.unique(span.condition, return_inverse=True)
        stimulus = Guarded(stimulus_class(span.family.target), design.columns(span.family, conditions))
        if not stimulus.separable:
            return Shaped(stimulus, rows, None, None)
        with np.errstate(over="ignore", invalid="ignore"):
            space, time = stimulus.shape(self.receptors, self.times, self.experiment.duration_ms)
            return Shaped(stimulus, rows, space, time)

    def _encode(self, group: list[Shaped], seeds: list[int]) -> Encoded:
        offsets = np.cumsum([0, *(s.stimulus.count for s in group)])
        rows = torch.from_numpy(np.concatenate([s.rows + o for s, o in zip(group, offsets, strict=False)]))
        encoded = Encoded({})
        for population in self.populations.values():
            drive = self._drive(population, group, rows)
            out = self._run(population, drive, seeds)
            # A model may hide an infinite drive behind its reset, so the drive is looked at as well.
            self._collect(encoded, population, out, out.finite & drive.finite())
        if "stimulus" in self.experiment.batch.save:
            encoded.arrays["stimulus"] = torch.cat([self._movie(s) for s in group])
        self._mark(encoded, group)
        return encoded

    def _mark(self, encoded: Encoded, group: list[Shaped]) -> None:
        """Empty the rows whose stimulus could not be formed, and keep why."""
        done = 0
        for shaped in group:
            for condition, message in shaped.stimulus.errors.items():
                for row in (np.flatnonzero(shaped.rows == condition) + done).tolist():
                    encoded.errors[row] = message
                    for array in encoded.arrays.values():
                        array[row] = 0
            done += len(shaped.rows)

    def _drive(self, population: Population, group: list[Shaped], rows: Tensor) -> Drive:
        rows = rows.to(self.device)
        if group[0].terms:
            space = [population.pool(s.space) for s in group if s.space is not None]
            time = [s.time for s in group if s.time is not None]
            strong = [np.where(abs(s) < FAINT, 0.0, s) for s in space]
            return Drive(rows, space=self._tensor(strong), time=self._tensor(time))
        return Drive(rows, frames=self._tensor([self._frames(population, s.stimulus) for s in group]))

    def _tensor(self, arrays: list[Floats]) -> Tensor:
        with np.errstate(over="ignore"):
            return torch.from_numpy(np.concatenate(arrays).astype(np.float32)).to(self.device)

    def _frames(self, population: Population, stimulus: Guarded) -> Floats:
        """Return the pooled drive [C,T,N] of a stimulus that does not separate, some samples at a time."""
        step = max(1, FRAME_BYTES // (8 * stimulus.count * len(self.receptors)))
        duration = self.experiment.duration_ms
        return np.concatenate(
            [
                population.pool(stimulus.frames(self.receptors, self.times[k : k + step], duration))
                for k in range(0, len(self.times), step)
            ],
            axis=1,
        )

    def _run(self, population: Population, drive: Drive, seeds: list[int]) -> Output:
        afferents, save = population.afferents(), self.experiment.batch.save
        traces = {"drive": "drive", "filtered": "filtered", "voltage": next(iter(population.spec.model.states))}
        record = tuple(traces[s] for s in save if s in traces)
        threads = self.experiment.batch.num_workers
        return kernel(self.backend)(afferents, drive, keys(seeds, population.name), record, threads)

    def _collect(self, encoded: Encoded, population: Population, out: Output, finite: Tensor) -> None:
        assert out.spikes is not None
        for row in torch.nonzero(~finite).flatten().tolist():
            out.spikes[row] = False
            encoded.errors.setdefault(row, f"population {population.name}: its drive or its states are not finite")
        encoded.arrays[f"{population.name}_spikes"] = out.spikes if population.learning else out.spikes.cpu()
        voltage = next(iter(population.spec.model.states))
        for trace, values in out.traces.items():
            encoded.arrays[f"{population.name}_{'voltage' if trace == voltage else trace}"] = values.cpu()

    def _movie(self, shaped: Shaped) -> Tensor:
        """Return the pressure on the whole sheet, float32 [B,T,H,W]."""
        sheet = self.experiment.sheet
        frames = shaped.stimulus.frames(sheet.xy(), self.times, self.experiment.duration_ms)
        movie = torch.from_numpy(frames.astype(np.float32)[shaped.rows])
        return movie.reshape(*movie.shape[:2], sheet.rows, sheet.columns)

    @property
    def device(self) -> torch.device:
        """Where the kernels run."""
        return self.anchor.device


def _joined(parts: list[Encoded]) -> Encoded:
    """Return the groups of a chunk as one."""
    if len(parts) == 1:
        return parts[0]
    joined = Encoded({n: torch.cat([p.arrays[n] for p in parts]) for n in parts[0].arrays})
    done = 0
    for part in parts:
        joined.errors |= {row + done: message for row, message in part.errors.items()}
        done += len(next(iter(part.arrays.values())))
    return joined


def positions(experiment: Experiment) -> dict[str, Positions]:
    """Return where the afferents of every population lie, [N,2] in mm."""
    return {
        n: layout(s.layout, experiment.sheet, s.count, hash64("layout", experiment.seed, n))
        for n, s in experiment.populations.items()
    }
