"""Readable Triton source for one kernel over time, from the programs of its equation blocks.

A program owns a block of lanes, each one neuron under one stimulus, and takes them through all samples in registers:
drive, filter steps, output, gain, noise, model steps. Only spikes leave it, eight samples to a byte, and the traces
that are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from textwrap import indent

import numpy as np

from sensoryforge.functions import normal_pair
from sensoryforge.kernels.codegen import Body, Line, Part, Plan, Source
from sensoryforge.program import SETTLED_EVERY, plain


@lru_cache(maxsize=64)
def write(plan: Plan, each: frozenset[tuple[str, int]]) -> Source:
    """Return the source of a kernel; ``each`` names the values (part, register) that differ between neurons."""
    return _Writer(plan, each).source()


class _Writer(Body):
    """Puts the lines of a plan into one loop over samples."""

    def __init__(self, plan: Plan, each: frozenset[tuple[str, int]]) -> None:
        super().__init__(plan)
        self.normal = Part("normal", "normal", plain(normal_pair()), ())
        self.body = "\n".join([*self.noise(), *self.sample()])
        self.each, self.shared = self.divided(each)

    def source(self) -> Source:
        loop = "\n".join(["for sample in range(samples):", indent(self.body, _TAB)])
        lines = indent("\n".join([*self.before(), loop, *self.after()]), _TAB)
        blocks = [b for b in (self.plan.filter, self.plan.model) if b is not None]
        title = ", ".join(f"{b.kind} {b.source}" for b in blocks) or "no equations"
        title = f"# {title}; {self.plan.substeps} steps a sample".replace("\n", " ")
        return Source(f"{title}\n{_IMPORTS}\n\n{_SIGNATURE}{lines}\n", self.shared, self.each)

    def before(self) -> list[str]:
        """Return what is set up once a program."""
        literals = {n: v for p in [*self.parts.values(), self.normal] for n, v in p.literals.items()}
        shared = [
            f"{v.name} = full(tl.load(shared + {k}), BLOCK){_TRUTH * v.boolean}" for k, v in enumerate(self.shared)
        ]
        each = [f"{v.name} = tl.load(each + {k} * neurons + n){_TRUTH * v.boolean}" for k, v in enumerate(self.each)]
        terms = self.plan.terms
        space = [f"space{k} = tl.load(space + (condition * {terms} + {k}) * neurons + n)" for k in range(terms)]
        states = [f"{s} = tl.load(initial + {k} * neurons + n)" for k, s in enumerate(self.plan.states)]
        noise = ["key = tl.load(keys + stimulus)", "z0, z1, z2, z3 = ZERO, ZERO, ZERO, ZERO"]
        constants = [f"{n} = full({_number(v)}, BLOCK)" for n, v in sorted(literals.items())]
        return [
            *_LANES, "ZERO = full(0.0, BLOCK)", *constants, *shared, *each, *space, *states,
            *["before = ZERO"][: self.wants_slope], *noise[: 2 * self.plan.noisy],
            *["bits = tl.zeros([BLOCK], tl.int32)"][: self.spiking],
        ]  # fmt: skip

    @property
    def spiking(self) -> bool:
        return self.plan.model is not None

    def noise(self) -> list[str]:
        """Return the draw of four samples' normals, where it is time for it."""
        if not self.plan.noisy:
            return []
        draws = ["w0, w1, w2, w3 = words(key, sample // 4, n)"]
        for half in (0, 2):
            lines = self.normal.lines(2, "t")
            ends = [self.normal.operand(self.normal.program.outputs[f"z{k}"], "t") for k in range(2)]
            draws += [
                f"normal_n, normal_g = radius_word(w{half}), angle_word(w{half + 1})",
                f"normal_s0, normal_s1 = sign_word_0(w{half + 1}), sign_word_1(w{half + 1})",
                *[f"{line.target} = {line.text}" for line in lines],
                *[f"z{half + k} = {end} * scale" for k, end in enumerate(ends)],
            ]
        return ["if sample % 4 == 0:", indent("\n".join(draws), _TAB)]

    def sample(self) -> list[str]:
        """Return the lines of one sample."""
        terms = self.plan.terms
        now = [f"now{k} = tl.load(time + (condition * {terms} + {k}) * samples + sample)" for k in range(terms)]
        frame = ["frame = tl.load(space + (condition * samples + sample) * neurons + n)"]
        settled = [indent(line, _TAB) for line in _texts(self.settled())]
        settled = [f"if (sample & {SETTLED_EVERY - 1}) == 0:", *settled] if settled else []
        lines = [*settled, *(now or frame), *_texts(self.drive()), *self.steps("filter")]
        last = f"t{self.plan.substeps - 1}"
        output = _texts(self.filtered("z0"))
        if any(last in line for line in output):
            lines.append(f"{last} = tl.load(times + sample * {self.plan.substeps} + {self.plan.substeps - 1})")
        lines += [*output, *["z0, z1, z2 = z1, z2, z3"][: self.plan.noisy]]
        if self.spiking:
            lines += ["fired = lane < 0", *self.steps("model"), *_SPIKES]
        return lines + [
            f"tl.store(traces + (({k} * stimuli + stimulus) * samples + sample) * neurons + n, "
            f"{self.plan.trace(name)}, mask=inside)"
            for k, name in enumerate(self.plan.record)
        ]

    def steps(self, name: str) -> list[str]:
        """Return the integration steps of a part, as a loop where there are several."""
        if name not in self.parts:
            return []
        part, substeps = self.parts[name], self.plan.substeps
        lines = _texts(part.step("t", spiked=True))
        if part.reads("t"):
            lines.insert(0, f"t = tl.load(times + sample * {substeps} + step)")
        loop = [f"for step in range({substeps}):", indent("\n".join(lines), _TAB)]
        return [*_texts(part.lines(1, "")), *loop[: 2 * bool(lines)]]

    def after(self) -> list[str]:
        """Return what is stored at the end."""
        states = " + ".join(["ZERO", *self.plan.states])
        return [
            *[_REST][: self.spiking],
            f"sound = absolute({states}) < float('inf')",
            "tl.store(finite + lane, sound.to(tl.uint8), mask=inside)",
        ]


def _texts(lines: Iterable[Line]) -> list[str]:
    return [f"{line.target} = {line.text}" for line in lines]


def _number(value: float) -> str:
    """Return a literal as float32 has it."""
    with np.errstate(over="ignore"):
        rounded = float(np.float32(value))
    return repr(rounded) if np.isfinite(rounded) else f"float('{rounded}')"


_TAB = "    "
_TRUTH = " != 0"

_IMPORTS = """
import triton
import triton.language as tl

from sensoryforge.kernels.triton_ops import absolute, divide, exp2i, exponent, full, inverse, mantissas, rint, root
from sensoryforge.kernels.triton_ops import angle_word, radius_word, select, sign_word_0, sign_word_1, words
"""

_SIGNATURE = """
@triton.jit(do_not_specialize=["stimuli", "samples", "neurons"])
def kernel(
    rows, space, time, times, keys, shared, each, initial, spikes, finite, traces,
    stimuli, samples, neurons, BLOCK: tl.constexpr,
):
"""

_LANES = (
    "lane = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)",
    "total = stimuli.to(tl.int64) * neurons",
    "inside = lane < total",
    "lane = tl.minimum(lane, total - 1)",
    "stimulus = lane // neurons",
    "n = lane - stimulus * neurons",
    "condition = tl.load(rows + stimulus)",
)

_SPIKES = (
    "bits = bits | (fired.to(tl.int32) << (sample & 7))",
    """\
if (sample & 7) == 7:
    tl.store(spikes + (stimulus * ((samples + 7) // 8) + sample // 8) * neurons + n, bits.to(tl.uint8), mask=inside)
    bits = bits & 0""",
)

_REST = """\
if (samples & 7) != 0:
    tl.store(spikes + (stimulus * ((samples + 7) // 8) + samples // 8) * neurons + n, bits.to(tl.uint8), mask=inside)"""
