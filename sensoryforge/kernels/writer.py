"""Readable Python source for one kernel over time, from the programs of its equation blocks.

A kernel runs a tile of neurons through all samples: drive, filter steps, output, gain, noise, model steps, spikes.
Work is written as loops over neurons that LLVM vectorises; a value that one loop leaves to another, or to the next
sample, has a row of the tile's width (``at_NAME``). Few operations give a loop with every step spelled out, many give a
loop a stage, so that compiling stays short. Steps wait for one another: where several are spelled out, filter and model
have a loop each, and each of its rounds takes a neuron of either half of the tile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from textwrap import indent

from sensoryforge.functions import normal_pair
from sensoryforge.kernels.codegen import Body, Line, Part, Plan, Source
from sensoryforge.program import SETTLED_EVERY, plain

WIDTH = 512
"""Neurons in a tile: its rows, 2 KB each, stay in the first-level cache."""
LANES = 32
"""Neuron loops run over multiples of this; what is over repeats the last neuron and is dropped."""
FUSED = 500
"""Operations up to which all the steps of a sample are spelled out in one loop."""


@dataclass
class Loop:
    """Lines for every neuron; ``steps``: repeated for each step of a sample; ``paired``: for two neurons a round."""

    lines: list[Line]
    steps: bool = False
    paired: bool = False

    @property
    def targets(self) -> set[str]:
        """Names that the loop sets."""
        return {line.target for line in self.lines}

    @property
    def needs(self) -> list[str]:
        """Names that the loop reads before it sets them, in order."""
        known: set[str] = set()
        needs: dict[str, None] = {}
        for line in self.lines:
            needs |= dict.fromkeys(n for n in line.reads if n not in known)
            known.add(line.target)
        return list(needs)


@lru_cache(maxsize=64)
def write(plan: Plan, each: frozenset[tuple[str, int]]) -> Source:
    """Return the source of a kernel; ``each`` names the values (part, register) that differ between neurons."""
    return _Writer(plan, each).source()


class _Writer(Body):
    """Puts the lines of a plan into loops and gives rows to what passes between them."""

    def __init__(self, plan: Plan, each: frozenset[tuple[str, int]]) -> None:
        super().__init__(plan)
        self.loops = self.fused() if self.cost() <= FUSED else self.staged()
        self.normal = Part("normal", "normal", plain(normal_pair()), ())
        self.draws = [*self.normal.lines(2, "t"), *self.scaled()] if plan.noisy else []
        self.each, self.shared = self.divided(each)
        kept = {n for loop in self.loops for n in loop.needs} | {plan.trace(n) for n in plan.record}
        self.kept = (kept | {*plan.states, "fired"}) & {n for loop in self.loops for n in loop.targets}
        inputs = [f"space{k}" for k in range(plan.terms)] or ["frame"]
        self.rows = list(dict.fromkeys([*plan.states, *inputs, *(v.name for v in self.each), *sorted(self.kept)]))

    def cost(self) -> int:
        return self.plan.substeps * sum(p.cost for n, p in self.parts.items() if n == p.owner)

    def fused(self) -> list[Loop]:
        stages = [self.drive(), []]
        for lines, name in zip(stages, ("filter", "model"), strict=True):
            if name in self.parts:
                part = self.parts[name]
                lines += part.lines(1, "")
                lines += [line for k in range(self.plan.substeps) for line in part.step(f"t{k}", spiked=k > 0)]
            lines += self.filtered(_NOISE) if name == "filter" else []
        if self.plan.substeps == 1:
            return [Loop(stages[0] + stages[1])]
        return [Loop(lines, paired=True) for lines in stages if lines]

    def staged(self) -> list[Loop]:
        loops = [Loop([*self.drive(), Line("fired", "False")])]
        for name, middle in (("filter", self.filtered(_NOISE)), ("model", [])):
            if name in self.parts:
                part = self.parts[name]
                loops.append(Loop([*part.lines(1, ""), *part.step("t", spiked=True)], steps=True))
            loops.append(Loop(middle))
        return [loop for loop in loops if loop.lines]

    def scaled(self) -> list[Line]:
        outputs = self.normal.program.outputs
        return [
            Line(f"at_noise[half + {k}, i]", f"{self.normal.operand(outputs[f'z{k}'], 't')} * scale") for k in range(2)
        ]

    def source(self) -> Source:
        body = "\n".join([*self.before(), "for stimulus in range(start, stop):", indent(self.stimulus(), _TAB)])
        text = f"{self.header()}\n\n\n{_SIGNATURE.format(**self.drive_types())}{indent(body, _TAB)}\n"
        return Source(text, self.shared, self.each)

    def drive_types(self) -> dict[str, str]:
        return {"space": "space" if self.plan.terms else "frames"}

    def header(self) -> str:
        blocks = [b for b in (self.plan.filter, self.plan.model) if b is not None]
        title = ", ".join(f"{b.kind} {b.source}" for b in blocks) or "no equations"
        parts = [*self.parts.values(), self.normal]
        literals = {n: v for p in parts for n, v in p.literals.items()}
        lines = [f'{name} = float32("{value!r}")' for name, value in sorted(literals.items())]
        return "\n".join([f"# {title}; {self.plan.substeps} steps a sample".replace("\n", " "), _IMPORTS, *lines])

    def before(self) -> list[str]:
        """Return what is set up once a call."""
        shared = [f"{v.name} = shared[{k}]{_TRUTH * v.boolean}" for k, v in enumerate(self.shared)]
        rows = [f"at_{n} = {'flags' if n == 'fired' else 'row'}({WIDTH})" for n in self.rows]
        noise = (
            [
                "one = uint32(min(samples, 1))",
                f"at_noise = table(4, {WIDTH})",
                f"at_pairs = word_pairs(4, {WIDTH // 2})",
                f"at_words = halves(at_pairs, 4, {WIDTH})",
            ]
            if self.plan.noisy
            else []
        )
        return ["wide_vectors()", "samples, neurons = times.shape[0], initial.shape[1]", *shared, *rows, *noise]

    def stimulus(self) -> str:
        keys = ["key0, key1 = keys[stimulus, 0], keys[stimulus, 1]"] if self.plan.noisy else []
        states = " + ".join([f"at_{s}[i]" for s in self.plan.states])
        # Neurons that only fill a vector may divide by a drive of 0: they do not count.
        finite = f"finite[stimulus] &= absolute(ZERO + {states}) < INFINITY"
        check = [f"for i in range(width):\n{_TAB}{finite}"] if states else []
        return "\n".join([
            "condition = rows[stimulus]", *keys, "finite[stimulus] = True",
            f"for first in range(0, neurons, {WIDTH}):",
            indent("\n".join([
                f"width = min({WIDTH}, neurons - first)",
                f"padded = (width + {LANES - 1}) & -{LANES}", "middle = padded // 2",
                _loop(["n = first + min(i, width - 1)", *[f"at_{n}[i] = {self.first(n)}" for n in self.rows]]),
                "for sample in range(samples):", indent("\n".join(self.sample()), _TAB), *check,
            ]), _TAB),
        ])  # fmt: skip

    def first(self, name: str) -> str:
        """Return what a row holds before the first sample."""
        if name in self.plan.states:
            return f"initial[{self.plan.states.index(name)}, n]"
        names = [v.name for v in self.each]
        if name in names:
            return f"each[{names.index(name)}, n]"
        if name.startswith("space"):
            return f"space[condition, {name[5:]}, n]"
        return "False" if name == "fired" else "ZERO"

    def sample(self) -> list[str]:
        place = "(stimulus * samples + sample) * neurons + first"
        spikes = [f"copy(spikes, {place}, at_fired, 0, width)"] if self.plan.model is not None else []
        traces = [
            f"copy(traces, {k} * traces[0].size + {place}, at_{self.plan.trace(n)}, 0, width)"
            for k, n in enumerate(self.plan.record)
        ]
        frame = (
            []
            if self.plan.terms
            else ["copy(at_frame, 0, frames, (condition * samples + sample) * neurons + first, width)"]
        )
        now = [f"now{k} = time[condition, {k}, sample]" for k in range(self.plan.terms)]
        loops = map(self.loop, self.loops)
        return [*self.settle(), *self.noise(), *frame, *now, *self.times(), *loops, *spikes, *traces]

    def settle(self) -> list[str]:
        lines = Loop(self.settled())
        return [f"if sample & {SETTLED_EVERY - 1} == 0:", indent(self.loop(lines), _TAB)] if lines.lines else []

    def times(self) -> list[str]:
        needs = {n for loop in self.loops for n in loop.needs}
        return [f"t{k} = times[sample, {k}]" for k in range(self.plan.substeps) if f"t{k}" in needs]

    def noise(self) -> list[str]:
        if not self.plan.noisy:
            return []
        return ["phase = sample & 3", "if phase == 0:", indent(_WORDS, _TAB), indent(_HALVES, _TAB),
                indent(_loop([*_INPUTS, *[f"{d.target} = {d.text}" for d in self.draws]]), 2 * _TAB)]  # fmt: skip

    def loop(self, loop: Loop) -> str:
        """Return a loop: rows in, lines, rows out."""
        each = {v.name: v for v in self.each}
        loads = [n for n in loop.needs if n in self.rows]
        read = [f"{n} = at_{n}[i]{_TRUTH * (n in each and each[n].boolean)}" for n in loads]
        lines = [f"{line.target} = {line.text}" for line in loop.lines]
        written = [f"at_{n}[i] = {n}" for n in sorted(loop.targets & self.kept)]
        text = _loop([*read, *lines, *written])
        if loop.paired:
            own = loop.targets | set(loads)
            text = _loop([both for line in (*read, *lines, *written) for both in (line, _other(line, own))], "middle")
        if not loop.steps:
            return text
        t = ["t = times[sample, step]"] if "t" in loop.needs else []
        return "\n".join([f"for step in range({self.plan.substeps}):", indent("\n".join([*t, text]), _TAB)])


def _loop(lines: Iterable[str], stop: str = "padded") -> str:
    return "\n".join([f"for i in range({stop}):", *[_TAB + line for line in lines]])


def _other(line: str, own: set[str]) -> str:
    """Return a line for the neuron in the tile's other half; ``own`` are the names that each neuron has of its own.

    They are told apart in front: behind ``filter_`` or ``model_`` a name may end in anything.
    """
    line = _NAME.sub(lambda found: f"other_{found[0]}" if found[0] in own else found[0], line)
    return line.replace("[i]", "[middle + i]").replace(", i]", ", middle + i]")


_TAB = "    "
_NAME = re.compile(r"[A-Za-z_]\w*")
_NOISE = "at_noise[phase, i]"
_TRUTH = " != ZERO"

_IMPORTS = """
from numba import njit
from numpy import float32, uint32, uint64

from sensoryforge.kernels.numba_ops import absolute, divide, exp2i, exponent, inverse, mantissas, rint, root, select
from sensoryforge.kernels.numba_ops import angle_word, pair, philox, radius_word, sign_word_0, sign_word_1
from sensoryforge.kernels.numba_ops import copy, flags, halves, row, table, wide_vectors, word_pairs

ZERO, INFINITY = float32(0.0), float32("inf")"""

_SIGNATURE = """@njit(
    "void(int64, int64, int64[::1], float32[:,:,::1], float32[:,:,::1], float32[:,::1], uint64[:,::1], float32[::1],"
    "float32[:,::1], float32[:,::1], boolean[:,:,::1], boolean[::1], float32[:,:,:,::1])",
    cache=True, nogil=True, error_model="numpy",
)
def kernel(start, stop, rows, {space}, time, times, keys, shared, each, initial, spikes, finite, traces):
"""

_WORDS = """\
call = uint64(sample >> 2)
for j in range(padded >> 1):
    even = philox(call, uint64(first + 2 * j), key0, key1)
    odd = philox(call, uint64(first + 2 * j + 1), key0, key1)
    at_pairs[0, j] = pair(even[0], odd[0])
    at_pairs[1, j] = pair(even[1], odd[1])
    at_pairs[2, j] = pair(even[2], odd[2])
    at_pairs[3, j] = pair(even[3], odd[3])"""

_HALVES = "for half in range(0, 4, 2):"

_INPUTS = (
    "normal_n = radius_word(at_words[half, i], one)",
    "normal_g = angle_word(at_words[half + 1, i])",
    "normal_s0 = sign_word_0(at_words[half + 1, i])",
    "normal_s1 = sign_word_1(at_words[half + 1, i])",
)
