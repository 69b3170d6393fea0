"""Readable Triton source for one kernel over time, which Triton compiles for a GPU.

A *lane* is one neuron under one stimulus. A program owns a block of lanes and takes them through
all samples in registers: drive, filter steps, output, gain, noise, model steps. Only spikes leave
it, eight samples to a byte, and the traces that are asked for. A variable is therefore the value
of every lane of the block, there are no loops over neurons, and nothing has to be put aside from
sample to sample.

The leaky integrate-and-fire model of :mod:`.numba_writer` becomes (abbreviated; on the right what
writes the line, here or in :mod:`.plan`, :mod:`.body`, :mod:`.lines`)::

    # model leaky; 1 steps a sample                           # KernelPlan.title
    import triton                                             # _IMPORTS
    ...
    @triton.jit(do_not_specialize=[...                        # _SIGNATURE
    ...
        lane = tl.program_id(0).to(tl.int64) * BLOCK + ...    # _LANES
        ...
        ZERO = full(0.0, BLOCK)                               # _Writer.once_a_program
        model_E = full(tl.load(shared + 0), BLOCK)            # _Writer.load_constants
        ...
        space0 = tl.load(space + ...                          # _Writer.once_a_program
        model_v = tl.load(initial + 0 * neurons + n)
        bits = tl.zeros([BLOCK], tl.int32)
        for sample in range(samples):                         # _Writer.source
            now0 = tl.load(time + ...                         # _Writer.read_drive
            drive = space0 * now0                             # Body.drive
            filtered = drive                                  # Body.filtered
            current = filtered * gain
            fired = lane < 0                                  # _Writer.sample
            for step in range(1):                             # _Writer.steps
                model3 = model_E - model_v                    # ProgramLines.lines
                ...
                fired = fired | model11                       # ProgramLines.step
                model_v = model12
            bits = bits | (fired.to(tl.int32) << ...          # _PACK
            if (sample & 7) == 7:
                tl.store(spikes + ...
                bits = bits & 0
        if (samples & 7) != 0:                                # _Writer.at_the_end
            tl.store(spikes + ...                             # _LAST_BYTE
        sound = absolute(ZERO + model_v) < float('inf')       # _Writer.at_the_end
        tl.store(finite + lane, ...
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from textwrap import indent

import numpy as np

from sensoryforge.equations.program import SETTLED_EVERY
from sensoryforge.simulation.kernels.body import Body, KernelSource
from sensoryforge.simulation.kernels.lines import TAB, Line, nested
from sensoryforge.simulation.kernels.plan import KernelPlan


@lru_cache(maxsize=64)
def write(plan: KernelPlan, differing: frozenset[tuple[str, int]]) -> KernelSource:
    """Return the source of a kernel.

    Parameters
    ----------
    plan
        What it is written for.
    differing
        The constants (program, register) of which each neuron has its own.
    """
    return _Writer(plan, differing).source()


class _Writer:
    """Puts the lines of a sample into one loop over samples."""

    def __init__(self, plan: KernelPlan, differing: frozenset[tuple[str, int]]) -> None:
        self.plan = plan
        self.body = Body(plan)
        self.lines = [*self.noise(), *self.sample()]
        # Constants and literals are known once the lines have been written.
        self.shared, self.each = self.body.split_constants(differing)

    def source(self) -> KernelSource:
        samples = nested("for sample in range(samples):", self.lines)
        lines = [*self.once_a_program(), samples, *self.at_the_end()]
        text = indent("\n".join(lines), TAB)
        delay = "delay, " if self.plan.delayed else ""
        signature = _SIGNATURE.format(delay=delay)
        text = f"{self.plan.title}\n{_IMPORTS}\n\n{signature}{text}\n"
        return KernelSource(text, self.shared, self.each)

    def once_a_program(self) -> list[str]:
        """Return what is set up once: lanes, constants, what does not change over time, states."""
        lines = [*_LANES, "ZERO = full(0.0, BLOCK)"]
        for name, value in self.body.literals.items():
            lines.append(f"{name} = full({_format_float32(value)}, BLOCK)")
        lines += self.load_constants()
        if self.plan.delayed:
            lines.append("late = tl.load(delay + condition * neurons + n)")
        for k in range(self.plan.terms):
            offset = f"(condition * {self.plan.terms} + {k}) * neurons + n"
            lines.append(f"space{k} = tl.load(space + {offset})")
        for k, state in enumerate(self.plan.states):
            row = self.row(k, len(self.plan.states))
            lines.append(f"{state} = tl.load(initial + {row} * neurons + n)")
        if self.body.takes_differences:
            lines.append("before = ZERO")
        if self.plan.noisy:
            lines.append("key = tl.load(keys + stimulus)")
            lines.append("z0, z1, z2, z3 = ZERO, ZERO, ZERO, ZERO")
        if self.body.has_model:
            lines.append("bits = tl.zeros([BLOCK], tl.int32)")
        return lines

    def load_constants(self) -> list[str]:
        lines = []
        for k, constant in enumerate(self.shared):
            truth = _IS_TRUE if constant.boolean else ""
            load = f"full(tl.load(shared + {k}), BLOCK)"
            if self.plan.varied:
                load = f"tl.load(shared + {self.row(k, len(self.shared))})"
            lines.append(f"{constant.name} = {load}{truth}")
        for k, constant in enumerate(self.each):
            truth = _IS_TRUE if constant.boolean else ""
            row = self.row(k, len(self.each))
            lines.append(f"{constant.name} = tl.load(each + {row} * neurons + n){truth}")
        return lines

    def row(self, k: int, count: int) -> str:
        """Return where the k-th of some numbers stands: each stimulus has its own if they vary."""
        return f"(stimulus * {count} + {k})" if self.plan.varied else f"{k}"

    def noise(self) -> list[str]:
        """Return the draw of the normals of four samples; z0 is the next to be used."""
        if not self.plan.noisy:
            return []
        draws = ["w0, w1, w2, w3 = words(key, sample // 4, n)"]
        lines, ends = self.body.normals()
        for half in (0, 2):
            radius, angle = f"w{half}", f"w{half + 1}"
            draws.append(f"normal_n, normal_g = radius_word({radius}), angle_word({angle})")
            draws.append(f"normal_s0, normal_s1 = sign_word_0({angle}), sign_word_1({angle})")
            draws += _texts(lines)
            for k, end in enumerate(ends):
                draws.append(f"z{half + k} = {end} * scale")
        return [nested("if sample % 4 == 0:", draws)]

    def sample(self) -> list[str]:
        """Return the lines of one sample."""
        lines = [*self.settle(), *self.read_drive()]
        lines += _texts(self.body.drive())
        lines += self.steps("filter")
        lines += self.filtered()
        if self.plan.noisy:
            lines.append("z0, z1, z2 = z1, z2, z3")
        if self.body.has_model:
            lines.append("fired = lane < 0")  # False in every lane
            lines += self.steps("model")
            lines += _PACK
        return [*lines, *self.store_traces()]

    def settle(self) -> list[str]:
        lines = self.body.settle()
        if not lines:
            return []
        every_eighth = f"if (sample & {SETTLED_EVERY - 1}) == 0:"
        return [nested(every_eighth, _texts(lines))]

    def read_drive(self) -> list[str]:
        if self.plan.terms == 0:
            offset = "(condition * samples + sample) * neurons + n"
            frames = [f"frame = tl.load(space + {offset})"]
            if self.plan.rates and self.body.wants_slope:
                frames.append(f"rate_frame = tl.load(time + {offset})")
            return frames
        lines = []
        own_terms = self.plan.terms - self.plan.rates
        for k in range(self.plan.terms):
            start = f"time + (condition * {self.plan.terms} + {k}) * samples + sample"
            if self.plan.delayed and k >= own_terms:
                # What is on its way at the first samples has not arrived: it is 0.
                lines.append(f"now{k} = tl.load({start} - late, mask=sample >= late, other=0.0)")
            else:
                lines.append(f"now{k} = tl.load({start})")
        return lines

    def steps(self, name: str) -> list[str]:
        """Return a program's operations of the sample, and the loop over its integration steps."""
        if name not in self.body.programs:
            return []
        program = self.body.programs[name]
        lines = _texts(program.lines(1, ""))
        step = _texts(self.body.repeated_step(name))
        if program.reads("t"):
            time = f"tl.load(times + sample * {self.plan.substeps} + step)"
            step.insert(0, f"t = full({time}, BLOCK)")  # a state may become t
        if step:
            lines.append(nested(f"for step in range({self.plan.substeps_of(name)}):", step))
        return lines

    def filtered(self) -> list[str]:
        """Return the filter's output and the model's current."""
        lines = _texts(self.body.filtered("z0"))
        time = self.body.last_time
        # Also true of a name that ends in it (output0 and t0): the compiler drops a load too many.
        if any(time in line for line in lines):
            substeps = self.plan.substeps
            offset = f"sample * {substeps} + {substeps - 1}"
            lines.insert(0, f"{time} = tl.load(times + {offset})")
        return lines

    def store_traces(self) -> list[str]:
        lines = []
        for k, name in enumerate(self.plan.record):
            offset = f"(({k} * stimuli + stimulus) * samples + sample) * neurons + n"
            trace = self.plan.trace(name)
            lines.append(f"tl.store(traces + {offset}, {trace}, mask=inside)")
        return lines

    def at_the_end(self) -> list[str]:
        """Return what is stored at the end: a byte not yet full, whether states are finite."""
        lines = [_LAST_BYTE] if self.body.has_model else []
        states = " + ".join(["ZERO", *self.plan.states])
        lines.append(f"sound = absolute({states}) < float('inf')")
        lines.append("tl.store(finite + lane, sound.to(tl.uint8), mask=inside)")
        return lines


def _texts(lines: Iterable[Line]) -> list[str]:
    return [str(line) for line in lines]


def _format_float32(value: float) -> str:
    """Return the number that a literal is in float32."""
    with np.errstate(over="ignore"):
        rounded = float(np.float32(value))
    if not np.isfinite(rounded):
        return f"float('{rounded}')"
    return repr(rounded)


_IS_TRUE = " != 0"

_OPERATIONS = "sensoryforge.simulation.kernels.triton_ops"
_IMPORTS = f"""
import triton
import triton.language as tl

from {_OPERATIONS} import absolute, divide, exp2i, exponent, full, inverse, mantissas, rint, root
from {_OPERATIONS} import angle_word, radius_word, select, sign_word_0, sign_word_1, words
"""

# do_not_specialize: one compiled kernel serves any number of stimuli, samples and neurons.
_SIGNATURE = """
@triton.jit(do_not_specialize=["stimuli", "samples", "neurons"])
def kernel(
    rows, space, time, {delay}times, keys, shared, each, initial, spikes, finite, traces,
    stimuli, samples, neurons, BLOCK: tl.constexpr,
):
"""

# Lanes beyond the last one compute what the last one does, and store nothing.
_LANES = (
    "lane = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)",
    "total = stimuli.to(tl.int64) * neurons",
    "inside = lane < total",
    "lane = tl.minimum(lane, total - 1)",
    "stimulus = lane // neurons",
    "n = lane - stimulus * neurons",
    "condition = tl.load(rows + stimulus)",
)

_STORE_BYTE = (
    "tl.store(spikes + (stimulus * ((samples + 7) // 8) + {byte}) * neurons + n, "
    "bits.to(tl.uint8), mask=inside)"
)
_PACK = (
    "bits = bits | (fired.to(tl.int32) << (sample & 7))",
    nested("if (sample & 7) == 7:", [_STORE_BYTE.format(byte="sample // 8"), "bits = bits & 0"]),
)
_LAST_BYTE = nested("if (samples & 7) != 0:", [_STORE_BYTE.format(byte="samples // 8")])
