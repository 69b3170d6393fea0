"""The encoder: stimuli in, spike trains out, for every population of an experiment.

What happens to a chunk of stimuli, and where:

====================================================  ==========================
the stimuli at the receptors: space x time or frames  :mod:`.shaping`
innervation: the drive of each population             :mod:`.driving`
or, in a skin that deforms, what they feel of it      :mod:`.pressing`
noise of the receptors                                :mod:`.receptor_noise`
filter, gain, noise and model over time: the spikes   :mod:`.kernels`
the way to the CPU                                    :mod:`.encoded`
conduction; failed stimuli are emptied                :mod:`.arrival`
====================================================  ==========================

A stimulus is looked at only at receptors that some afferent pools, and only once for all its
repetitions.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sensoryforge.core.axes import SEED_AXIS
from sensoryforge.core.errors import SensoryForgeError
from sensoryforge.core.types import Floats
from sensoryforge.design.design import Design
from sensoryforge.design.experiment import Experiment
from sensoryforge.design.family import Span
from sensoryforge.simulation.arrival import Arrival
from sensoryforge.simulation.chunks import count_stimuli, halve
from sensoryforge.simulation.driving import Driving
from sensoryforge.simulation.encoded import Arrays, Encoded, join, leave, send
from sensoryforge.simulation.feeling import Contacts, sensing_of
from sensoryforge.simulation.kernels import Drive, Output, kernel, upload
from sensoryforge.simulation.kernels.noise import keys
from sensoryforge.simulation.population import Population
from sensoryforge.simulation.pressing import Pressing
from sensoryforge.simulation.receptor_noise import add_receptor_noise
from sensoryforge.simulation.shaping import (
    Points,
    Shaped,
    condition_rows,
    failed_rows,
    group_by_terms,
    shape_span,
)
from sensoryforge.skin.mechanics import Pins
from sensoryforge.skin.mechanics.pins_of_sheet import pin_radius_mm

KEPT_SKINS = 2
"""Skins of other seeds whose receptive fields are kept for the next chunk."""


class Encoder(nn.Module):
    """Encodes stimuli of a design into spike trains; holds the receptors and the populations.

    Parameters
    ----------
    experiment
        What is simulated.
    backend
        The kernels: ``torch``, ``numba`` or ``triton``. All have the same bits; ``torch`` has
        gradients.

    Examples
    --------
    >>> from sensoryforge.config.reading import check, compose
    >>> experiment = check(compose("stimuli.amplitude=[10, 30]", "pipeline.duration_ms=20"))
    >>> encoder = Encoder(experiment)
    >>> encoder([(0, 2)]).arrays["sa_spikes"].shape  # stimuli 0 and 1: [B,T,N]
    torch.Size([2, 40, 60])
    """

    anchor: Tensor

    def __init__(self, experiment: Experiment, backend: str = "torch") -> None:
        super().__init__()
        self.experiment = experiment
        self.backend = backend
        self.largest_chunk = sys.maxsize  # stimuli; halved each time a chunk did not fit
        self.populations: dict[str, Population] = {}
        for name, spec in experiment.populations.items():
            self.populations[name] = Population(name, spec, experiment)
        # A ModuleDict has no room for some names, such as keys. Checkpoints of a training call the
        # list ``parts``, so that it must go on being called so.
        self.parts = nn.ModuleList(self.populations.values())
        # No submodules: what is learned belongs to one skin.
        self._skins: dict[int, Encoder] = {}
        # Moves with the module, and so says where it is.
        self.register_buffer("anchor", torch.zeros(0), persistent=False)
        self._connect()

    def _connect(self) -> None:
        """Find the receptors that some afferent pools; stimuli are looked at only there.

        In a skin that deforms every receptor is a pin, and all of them are looked at.
        """
        skin = self.experiment.skin
        if skin is not None:
            self.receptors = self.experiment.sheet.xy()
            pins = Pins(self.receptors, pin_radius_mm(self.experiment.sheet))
            self._contacts = Contacts(skin, pins)
            self._sensing = sensing_of(skin, self.populations)
            return
        indices = [population.indices.ravel() for population in self.populations.values()]
        pooled = np.unique(np.concatenate(indices))
        self.receptors = self.experiment.sheet.xy(pooled)
        for population in self.populations.values():
            population.connect(pooled)

    @cached_property
    def _delays(self) -> dict[str, Tensor]:
        """By how many samples spikes are late, [N], of each population whose are."""
        delays = {name: population.delays() for name, population in self.populations.items()}
        return {name: late for name, late in delays.items() if late is not None}

    @property
    def times(self) -> Floats:
        """The samples in ms, [T]."""
        numbers = np.arange(self.experiment.samples)
        return (numbers * self.experiment.dt_ms).astype(np.float64)

    @property
    def device(self) -> torch.device:
        """Where the kernels run."""
        return self.anchor.device

    @property
    def on_gpu(self) -> bool:
        """Whether stimuli are shaped and innervated as tensors on the device, not as arrays."""
        return self.device.type != "cpu"

    @property
    def learning(self) -> bool:
        """Whether spikes have a gradient, in one population at least."""
        return any(population.learning for population in self.populations.values())

    # --- a chunk, halved where memory is short ---

    def forward(self, ranges: Sequence[tuple[int, int]]) -> Encoded:
        """Encode stimuli of the design.

        A chunk too large for the device's memory is encoded in halves, and so are those after it.

        Parameters
        ----------
        ranges
            Positions in the design, each range from first to last + 1.

        Returns
        -------
        Encoded
            ``<population>_spikes``, bool [B,T,N] (0.0 and 1.0 with a gradient where the population
            is learning), and what ``batch.save`` asks for. A stimulus that overflows, or whose
            class fails, is reported by its row and has no spikes. A GPU may still be at work.

        Raises
        ------
        SensoryForgeError
            Where not even a single stimulus fits the device's memory.
        """
        size = count_stimuli(ranges)
        if size > self.largest_chunk:
            return self._encode_halves(ranges)
        encoded = self._encode_if_it_fits(ranges)
        if encoded is not None:
            return encoded
        if size == 1:
            position = ranges[0][0]
            problem = f"stimulus {position}: does not fit the memory of {self.device}"
            raise SensoryForgeError(f"{problem}; set pipeline.device: cpu")
        self.largest_chunk = size // 2
        return self._encode_halves(ranges)

    def _encode_halves(self, ranges: Sequence[tuple[int, int]]) -> Encoded:
        first, second = halve(ranges)
        return join([self(first), self(second)])

    def _encode_if_it_fits(self, ranges: Sequence[tuple[int, int]]) -> Encoded | None:
        """Encode stimuli, or return None where the memory is too small for them.

        The second try has the memory that an earlier chunk, still on its way, may have held.
        """
        for _ in range(2):
            with suppress(torch.OutOfMemoryError):
                return self._encode(ranges)
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
                torch.cuda.empty_cache()
        return None

    # --- from stimuli to spikes ---

    def _encode(self, ranges: Sequence[tuple[int, int]]) -> Encoded:
        design = self.experiment.design
        spans = []
        seeds = []
        for start, stop in ranges:
            spans += design.locate(start, stop)
            seeds += design.seeds(start, stop)
        if self.experiment.skin_of_seed is None:
            return self._encode_spans(spans, seeds)
        encodings = []
        first = 0
        for seed, of_skin in _by_skin(spans, design):
            stop = first + sum(len(span.index) for span in of_skin)
            encoder = self._on_skin(seed)
            encodings.append(encoder._encode_spans(of_skin, seeds[first:stop]))
            first = stop
        return join(encodings)

    def _on_skin(self, seed: int) -> Encoder:
        """Return the encoder of the same experiment on the skin of a seed."""
        if seed == self.experiment.seed:
            return self
        if seed not in self._skins:
            if len(self._skins) == KEPT_SKINS:
                del self._skins[next(iter(self._skins))]
            encoder = Encoder(self.experiment.at_seed(seed), self.backend).to(self.device)
            self._skins[seed] = encoder.train(self.training)
        return self._skins[seed]

    def _encode_spans(self, spans: list[Span], seeds: list[int]) -> Encoded:
        """Encode stimuli that are felt by one skin; ``seeds`` are those of their noise."""
        points = self._points(self.receptors)
        conditions = (self._shape_span(span, points) for span in spans)
        encodings = []
        first = 0
        for group in group_by_terms(conditions):
            stop = first + sum(len(shaped.rows) for shaped in group)
            encodings.append(self._encode_group(group, seeds[first:stop], points))
            first = stop
        return join(encodings)

    def _shape_span(self, span: Span, points: Points) -> Shaped:
        """Return what neighbouring stimuli of one family are at the receptors."""
        design = self.experiment.design
        if self.experiment.skin is None:
            return shape_span(span, design, points, self._to_device)
        # Contact is worked out with NumPy, and several terms press together.
        return shape_span(span, design, points, _leave_array, most_terms=1)

    def _driving(self, points: Points) -> Driving | Pressing:
        """Return what drives the populations."""
        threads = 1 if self.on_gpu else self.experiment.batch.num_workers
        if self.experiment.skin is None:
            return Driving(self.populations, points, self._to_device, threads)
        return Pressing(
            contacts=self._contacts,
            sensing=self._sensing,
            points=points,
            dt_ms=self.experiment.dt_ms,
            to_device=self._to_device,
            threads=self.experiment.batch.num_workers,
        )

    def _encode_group(self, group: list[Shaped], seeds: list[int], points: Points) -> Encoded:
        """Encode stimuli that go through the kernels together."""
        rows = upload(torch.from_numpy(condition_rows(group)), self.device)
        arrays: Arrays = {}
        finite: Arrays = {}
        for name, clean in self._driving(points).drives(group, rows):
            population = self.populations[name]
            drive = add_receptor_noise(population, clean, seeds)
            output = self._simulate(population, drive, seeds, self._numbers(name, group))
            arrays |= self._arrays_to_save(population, output)
            # A model may hide an infinite drive behind its reset: the drive is looked at as well.
            finite[name] = output.finite & drive.finite()
        if "stimulus" in self.experiment.batch.save:
            arrays["stimulus"] = torch.cat([self._movie(shaped) for shaped in group])
        # What has a gradient stays where it is.
        bring = leave if self.learning else send
        arrival = Arrival(
            arrays=bring(arrays),
            finite=bring(finite),
            samples=self.experiment.samples,
            delays=self._delays,
            failed=failed_rows(group),
        )
        return Encoded(arrival)

    def _numbers(self, population: str, group: list[Shaped]) -> dict[str, Tensor]:
        """Return the numbers of a population that differ between stimuli, float64 [B,1] each."""
        numbers: dict[str, Tensor] = {}
        for axis in self.experiment.neuron_axes:
            if axis.population != population:
                continue
            values = np.concatenate([shaped.of_neurons[axis.name] for shaped in group])
            for path, of_stimuli in axis.numbers(values).items():
                numbers[path] = torch.from_numpy(of_stimuli)[:, None]
        return numbers

    def _simulate(
        self, population: Population, drive: Drive, seeds: list[int], numbers: dict[str, Tensor]
    ) -> Output:
        """Run a population's kernel."""
        return kernel(self.backend)(
            population.afferents(numbers),
            drive,
            keys(seeds, population.name),
            tuple(self._traces_to_save(population).values()),
            self.experiment.batch.num_workers,
        )

    def _arrays_to_save(self, population: Population, output: Output) -> Arrays:
        """Return what a kernel computed by the names that it has in a dataset."""
        assert output.spikes is not None  # every population of an experiment has a model
        arrays = {f"{population.name}_spikes": output.spikes}
        for saved_as, trace in self._traces_to_save(population).items():
            arrays[f"{population.name}_{saved_as}"] = output.traces[trace]
        return arrays

    def _traces_to_save(self, population: Population) -> dict[str, str]:
        """Return what is kept beside spikes: name in a dataset -> name of the kernel's trace."""
        traces = {"drive": "drive", "filtered": "filtered", "voltage": population.voltage}
        return {name: traces[name] for name in self.experiment.batch.save if name in traces}

    def _movie(self, shaped: Shaped) -> Tensor:
        """Return the pressure on the whole sheet, float32 [B,T,H,W]; without a grid [B,T,R]."""
        sheet = self.experiment.sheet
        frames = self._points(sheet.xy()).frames(shaped.stimulus)
        of_conditions = torch.as_tensor(self._to_device(frames)).float()
        of_stimuli = of_conditions[self._to_device(shaped.rows)]
        stimuli, samples, _ = of_stimuli.shape
        return of_stimuli.reshape(stimuli, samples, *sheet.shape)

    def _points(self, xy_mm: Floats) -> Points:
        return Points(xy_mm, self.times, self.experiment.duration_ms)

    def _to_device(self, array: Any) -> Any:
        """Return an array where stimuli are shaped and innervated: on a GPU, as a tensor."""
        if not self.on_gpu:
            return array
        return upload(torch.as_tensor(array), self.device)


def _by_skin(spans: list[Span], design: Design) -> Iterator[tuple[int, list[Span]]]:
    """Yield neighbouring stimuli that are felt by the same skin, with its seed."""
    cut: list[tuple[int, Span]] = []
    for span in spans:
        seeds = design.columns_of_neurons(span.family, span.condition)[SEED_AXIS].astype(np.int64)
        starts = [0, *(np.flatnonzero(np.diff(seeds)) + 1).tolist(), len(seeds)]
        for start, stop in pairwise(starts):
            part = slice(start, stop)
            piece = Span(span.family, span.index[part], span.condition[part], span.repetition[part])
            cut.append((int(seeds[start]), piece))
    for seed, group in groupby(cut, key=lambda of_skin: of_skin[0]):
        yield seed, [piece for _, piece in group]


def _leave_array(array: Any) -> Any:
    """Leave an array where it is."""
    return array
