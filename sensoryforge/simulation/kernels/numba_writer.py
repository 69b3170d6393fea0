"""Readable Python source for one kernel over time, which numba compiles for the CPU.

A kernel takes a tile of up to 512 neurons through all samples of a stimulus. Work is written as
loops over the neurons of the tile that LLVM turns into vector instructions (:mod:`.numba_loops`
says which loops there are). Inside a loop a value is a local variable. What one loop leaves to
another, or to the next sample, has a row of the tile's width, ``at_NAME``: it is loaded at the
start of a loop and written back at its end.

A leaky integrate-and-fire model, ``dv/dt = (E - v + I)/tau``, that fires at ``v >= v_th`` and is
reset to E, without filter or noise, one step a sample, on a drive of one term, becomes
(abbreviated; on the right what writes the line, here or in :mod:`.plan`, :mod:`.body`,
:mod:`.lines`)::

    # model leaky; 1 steps a sample                           # _Writer.header, KernelPlan.title
    from numba import njit                                    # _IMPORTS
    ...
    def kernel(start, stop, rows, space, time, ...            # _SIGNATURE
        wide_vectors()                                        # _Writer.once_a_call
        samples, neurons = times.shape[0], initial.shape[1]
        model_E = shared[0]
        model_tau = shared[1]
        ...
        at_model_v = row(512)
        at_space0 = row(512)
        at_fired = flags(512)
        for stimulus in range(start, stop):                   # _Writer.source
            condition = rows[stimulus]                        # _Writer.stimulus
            finite[stimulus] = True
            for first in range(0, neurons, 512):
                width = min(512, neurons - first)             # _Writer.tile
                ...
                for i in range(padded):
                    n = first + min(i, width - 1)
                    at_model_v[i] = initial[0, n]             # _Writer.first_value
                    at_space0[i] = space[condition, 0, n]
                    at_fired[i] = False
                for sample in range(samples):                 # _Writer.tile
                    now0 = time[condition, 0, sample]         # _Writer.read_drive
                    for i in range(padded):                   # _Writer.loop
                        space0 = at_space0[i]                 # _Writer.load
                        model_v = at_model_v[i]
                        drive = space0 * now0                 # Body.drive
                        filtered = drive                      # Body.filtered
                        current = filtered * gain
                        model3 = model_E - model_v            # ProgramLines.lines
                        model5 = model3 + current
                        model7 = divide(model5, model_tau)
                        model8 = model_dt * model7
                        model9 = model_v + model8
                        model11 = model9 >= model_v_th
                        model12 = select(model11, model_E, ...
                        fired = model11                       # ProgramLines.step
                        model_v = model12
                        at_fired[i] = fired                   # _Writer.loop
                        at_model_v[i] = model_v
                    copy(spikes, ...                          # _Writer.write_out
                for i in range(width):                        # _Writer.check_states
                    finite[stimulus] &= ...

With a filter its steps and its output stand between ``drive`` and ``filtered``. With noise, every
fourth sample begins with a loop that draws the normals of four (``_Writer.noise``). Where a round
takes two neurons, every line stands twice: ``model3 = ...`` is followed by ``other_model3 = ...``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from textwrap import indent

from sensoryforge.equations.program import SETTLED_EVERY
from sensoryforge.simulation.kernels.body import Body, KernelSource
from sensoryforge.simulation.kernels.lines import TAB, nested
from sensoryforge.simulation.kernels.numba_loops import Loop, loops_of_sample
from sensoryforge.simulation.kernels.plan import KernelPlan

WIDTH = 512
"""Neurons in a tile: its rows, of 2 KB each, stay in the first-level cache."""
LANES = 32
"""Loops run over a multiple of this many neurons, so that none is left over for scalar code.

Half a tile is then filled by whole vectors too, of 16 float32 each. The neurons that are added
repeat the last one, and what they give is dropped.
"""


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
    """Puts the lines of a sample into loops over neurons, samples and stimuli."""

    def __init__(self, plan: KernelPlan, differing: frozenset[tuple[str, int]]) -> None:
        self.plan = plan
        self.body = Body(plan)
        self.loops = loops_of_sample(self.body)
        self.shared, self.each = self.body.split_constants(differing)
        self.handed_on = self._handed_on()
        self.rows = self._rows()

    def _handed_on(self) -> set[str]:
        """Return what a loop computes that is needed after it."""
        wanted = {*self.plan.states, "fired"}
        wanted |= {self.plan.trace(name) for name in self.plan.record}
        computed: set[str] = set()
        for loop in self.loops:
            wanted |= set(loop.needs)
            computed |= loop.targets
        return wanted & computed

    def _rows(self) -> list[str]:
        """Return the variables that have a row of the tile's width."""
        inputs = self._inputs()
        constants = [constant.name for constant in self.each]
        names = [*self.plan.states, *inputs, *constants, *sorted(self.handed_on)]
        return list(dict.fromkeys(names))

    def _inputs(self) -> list[str]:
        """Return the parts of the drive that have a row: those that neurons have for themselves."""
        plan = self.plan
        if plan.terms == 0:
            given_rate = ["rate_frame"] if self.body.wants_slope and plan.rates else []
            return ["frame", *given_rate]
        used = self.used_terms()
        late = [f"now{k}" for k in used if self.is_late(k)]
        return [*(f"space{k}" for k in used), *late]

    def used_terms(self) -> range:
        """Return the terms that the lines read: those of a rate only where an equation does."""
        plan = self.plan
        return range(plan.terms if self.body.wants_slope else plan.terms - plan.rates)

    def is_late(self, term: int) -> bool:
        """Whether a term reaches each neuron at a time of its own."""
        return self.plan.delayed and term >= self.plan.terms - self.plan.rates

    def source(self) -> KernelSource:
        stimuli = nested("for stimulus in range(start, stop):", self.stimulus())
        lines = indent("\n".join([*self.once_a_call(), stimuli]), TAB)
        signature = _SIGNATURE.format(
            space="space" if self.plan.terms else "frames",
            time="rate_frames" if self.plan.terms == 0 and self.plan.rates else "time",
            delay="delay, " if self.plan.delayed else "",
            delay_type=" int64[:,::1]," if self.plan.delayed else "",
            more=":," if self.plan.varied else "",
        )
        # The header comes last: literals are known once everything else has been written.
        text = f"{self.header()}\n\n\n{signature}{lines}\n"
        return KernelSource(text, self.shared, self.each)

    def header(self) -> str:
        literals = [f'{name} = float32("{value!r}")' for name, value in self.body.literals.items()]
        return "\n".join([self.plan.title, _IMPORTS, *literals])

    def once_a_call(self) -> list[str]:
        """Return what is set up once a call: constants and rows."""
        of_neurons = 2 if self.plan.varied else 1
        lines = [
            "wide_vectors()",
            f"samples, neurons = times.shape[0], initial.shape[{of_neurons}]",
        ]
        if not self.plan.varied:
            lines += self.load_shared()
        for name in self.rows:
            maker = "flags" if name == "fired" else "row"
            lines.append(f"at_{name} = {maker}({WIDTH})")
        if self.plan.noisy:
            # `one` is 1, but the compiler must not know: see numba_ops, radius_word.
            lines.append("one = uint32(min(samples, 1))")
            lines.append(f"at_noise = table(4, {WIDTH})")
            lines.append(f"at_pairs = word_pairs(4, {WIDTH // 2})")
            lines.append(f"at_words = halves(at_pairs, 4, {WIDTH})")
        return lines

    def load_shared(self) -> list[str]:
        """Return the loads of what all neurons share."""
        lines = []
        for k, constant in enumerate(self.shared):
            truth = _IS_TRUE if constant.boolean else ""
            lines.append(f"{constant.name} = shared[{self.of_stimulus}{k}]{truth}")
        return lines

    @property
    def of_stimulus(self) -> str:
        """The first index of numbers that differ between stimuli."""
        return "stimulus, " if self.plan.varied else ""

    def stimulus(self) -> list[str]:
        lines = ["condition = rows[stimulus]"]
        if self.plan.varied:
            lines += self.load_shared()
        if self.plan.noisy:
            lines.append("key0, key1 = keys[stimulus, 0], keys[stimulus, 1]")
        lines.append("finite[stimulus] = True")
        lines.append(nested(f"for first in range(0, neurons, {WIDTH}):", self.tile()))
        return lines

    def tile(self) -> list[str]:
        beginnings = [f"at_{name}[i] = {self.first_value(name)}" for name in self.rows]
        return [
            f"width = min({WIDTH}, neurons - first)",
            f"padded = (width + {LANES - 1}) & -{LANES}",
            "middle = padded // 2",
            _over_neurons(["n = first + min(i, width - 1)", *beginnings]),
            nested("for sample in range(samples):", self.sample()),
            *self.check_states(),
        ]

    def first_value(self, name: str) -> str:
        """Return what a row holds before the first sample."""
        constants = [constant.name for constant in self.each]
        if name in self.plan.states:
            return f"initial[{self.of_stimulus}{self.plan.states.index(name)}, n]"
        if name in constants:
            return f"each[{self.of_stimulus}{constants.index(name)}, n]"
        if name.startswith("space"):
            return f"space[condition, {name.removeprefix('space')}, n]"
        return "False" if name == "fired" else "ZERO"

    def check_states(self) -> list[str]:
        """Return the look at the last states: one that is not finite makes their sum so."""
        if not self.plan.states:
            return []
        states = " + ".join(f"at_{state}[i]" for state in self.plan.states)
        # Over `width`, not `padded`: a neuron that only fills a vector has no drive of frames, and
        # may divide by that 0.
        check = f"finite[stimulus] &= absolute(ZERO + {states}) < INFINITY"
        return [_over_neurons([check], stop="width")]

    def sample(self) -> list[str]:
        loops = [self.loop(loop) for loop in self.loops]
        return [
            *self.settle(),
            *self.noise(),
            *self.read_drive(),
            *self.read_times(),
            *loops,
            *self.write_out(),
        ]

    def settle(self) -> list[str]:
        """Return the look at the filter's states; at every step it would cost 10 to 18%."""
        lines = self.body.settle()
        if not lines:
            return []
        every_eighth = f"if sample & {SETTLED_EVERY - 1} == 0:"
        return [nested(every_eighth, [self.loop(Loop(lines))])]

    def noise(self) -> list[str]:
        """Return the draw of the normals of four samples, which one call of the generator gives."""
        if not self.plan.noisy:
            return []
        lines, ends = self.body.normals()
        draws = [str(line) for line in lines]
        for k, end in enumerate(ends):
            draws.append(f"at_noise[half + {k}, i] = {end} * scale")
        own_scale = [self.load("scale")] if "scale" in self.rows else []
        halves = nested(_HALVES, [_over_neurons([*_NORMAL_INPUTS, *own_scale, *draws])])
        return ["phase = sample & 3", nested("if phase == 0:", [_WORDS, halves])]

    def read_drive(self) -> list[str]:
        if self.plan.terms == 0:
            offset = "(condition * samples + sample) * neurons + first"
            frames = [f"copy(at_frame, 0, frames, {offset}, width)"]
            if "rate_frame" in self.rows:
                frames.append(f"copy(at_rate_frame, 0, rate_frames, {offset}, width)")
            return frames
        lines = []
        for k in self.used_terms():
            if self.is_late(k):
                lines.append(_over_neurons([*_SOURCE, _LATE.format(k=k)], stop="width"))
            else:
                lines.append(f"now{k} = time[condition, {k}, sample]")
        return lines

    def read_times(self) -> list[str]:
        needs: set[str] = set()
        for loop in self.loops:
            needs |= set(loop.needs)
        lines = []
        for k in range(self.plan.substeps):
            if f"t{k}" in needs:
                lines.append(f"t{k} = times[sample, {k}]")
        return lines

    def write_out(self) -> list[str]:
        offset = "(stimulus * samples + sample) * neurons + first"
        lines = []
        if self.plan.model is not None:
            lines.append(f"copy(spikes, {offset}, at_fired, 0, width)")
        for k, name in enumerate(self.plan.record):
            row = f"at_{self.plan.trace(name)}"
            lines.append(f"copy(traces, {k} * traces[0].size + {offset}, {row}, 0, width)")
        return lines

    def loop(self, loop: Loop) -> str:
        """Return a loop over neurons: rows in, lines, rows out."""
        loaded = [name for name in loop.needs if name in self.rows]
        lines = [self.load(name) for name in loaded]
        lines += [str(line) for line in loop.lines]
        stored = sorted(loop.targets & self.handed_on)
        lines += [f"at_{name}[i] = {name}" for name in stored]
        if loop.paired:
            text = _over_pairs(lines, own=loop.targets | set(loaded))
        else:
            text = _over_neurons(lines)
        if not loop.steps:
            return text
        time = ["t = times[sample, step]"] if "t" in loop.needs else []
        return nested(f"for step in range({loop.steps}):", [*time, text])

    def load(self, name: str) -> str:
        conditions = {constant.name for constant in self.each if constant.boolean}
        truth = _IS_TRUE if name in conditions else ""
        return f"{name} = at_{name}[i]{truth}"


def _over_neurons(lines: Iterable[str], stop: str = "padded") -> str:
    return nested(f"for i in range({stop}):", lines)


def _over_pairs(lines: Iterable[str], own: set[str]) -> str:
    """Return a loop whose rounds take a neuron of the tile's first half and one of its second."""
    both: list[str] = []
    for line in lines:
        both += [line, _of_other_neuron(line, own)]
    return _over_neurons(both, stop="middle")


def _of_other_neuron(line: str, own: set[str]) -> str:
    """Return a line for the neuron in the tile's other half.

    ``own`` are the names that each neuron has for itself. They are told apart by what stands in
    front: behind ``filter_`` or ``model_`` a user's name may end in anything.
    """

    def rename(name: re.Match[str]) -> str:
        if name[0] in own:
            return f"other_{name[0]}"
        return name[0]

    line = _NAME.sub(rename, line)
    return line.replace("[i]", "[middle + i]").replace(", i]", ", middle + i]")


_NAME = re.compile(r"[A-Za-z_]\w*")
_IS_TRUE = " != ZERO"

_OPERATIONS = "sensoryforge.simulation.kernels.numba_ops"
_IMPORTS = f"""
from numba import njit
from numpy import float32, uint32, uint64

from {_OPERATIONS} import absolute, divide, exp2i, exponent, inverse, mantissas, rint, root, select
from {_OPERATIONS} import angle_word, pair, philox, radius_word, sign_word_0, sign_word_1
from {_OPERATIONS} import copy, flags, halves, row, table, wide_vectors, word_pairs

ZERO, INFINITY = float32(0.0), float32("inf")"""

# What is on its way at the first samples has not arrived: it is 0.
_SOURCE = ("source = sample - delay[condition, first + i]",)
_LATE = "at_now{k}[i] = time[condition, {k}, source] if source >= 0 else ZERO"

# nogil: blocks of stimuli run in a pool of threads. error_model="numpy": a division by zero gives
# infinity, as in torch, and no branch that would keep a loop from being vectorised.
_SIGNATURE = """@njit(
    "void(int64, int64, int64[::1], float32[:,:,::1], float32[:,:,::1],{delay_type} float32[:,::1], uint64[:,::1], float32[{more}::1],"
    "float32[{more}:,::1], float32[{more}:,::1], boolean[:,:,::1], boolean[::1], float32[:,:,:,::1])",
    cache=True, nogil=True, error_model="numpy",
)
def kernel(start, stop, rows, {space}, {time}, {delay}times, keys, shared, each, initial, spikes, finite, traces):
"""  # noqa: E501

# Two neurons a round: their words lie side by side in 64 bits, as the loop over normals reads them.
_WORDS = """\
call = uint64(sample >> 2)
for j in range(padded >> 1):
    even = philox(call, uint64(first + 2 * j), key0, key1)
    odd = philox(call, uint64(first + 2 * j + 1), key0, key1)
    at_pairs[0, j] = pair(even[0], odd[0])
    at_pairs[1, j] = pair(even[1], odd[1])
    at_pairs[2, j] = pair(even[2], odd[2])
    at_pairs[3, j] = pair(even[3], odd[3])"""

# Words 0 and 1 make the normals of the first two samples of four, words 2 and 3 of the last two.
_HALVES = "for half in range(0, 4, 2):"

_NORMAL_INPUTS = (
    "normal_n = radius_word(at_words[half, i], one)",
    "normal_g = angle_word(at_words[half + 1, i])",
    "normal_s0 = sign_word_0(at_words[half + 1, i])",
    "normal_s1 = sign_word_1(at_words[half + 1, i])",
)
