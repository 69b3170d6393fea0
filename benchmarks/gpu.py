"""The Triton kernel on a GPU: ``python benchmarks/gpu.py [--tiny]``.

An SA filter and an Izhikevich neuron with noise on a separable drive, 600 samples, as in kernel.py. Neuron-steps a
second against stimuli and neurons (a step is an integration step; noise is drawn once a sample), beside

- the floor: each operation of the equations and of the generator counted once, over the rate at which this card
  multiplies and adds without fusing the two; the bytes of the spikes over the rate at which it copies. The lower is it.
- torch's operations one after the other on the same card, and the compiled kernel on this machine's processor.

Every kernel's spikes are compared with the CPU's first. Last come the memory that a chunk takes and the dataset of the
tutorial's seventh part, from the shell's prompt to the prompt. ``--tiny`` runs it all, small, and where there is no GPU
in Triton's interpreter: to see that it works; its times say nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

if "--tiny" in sys.argv and not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # read when Triton is imported

import triton
import triton.language as tl
from kernel import first_of, make_drive, population

from sensoryforge.equations.elementary import normal_pair
from sensoryforge.equations.program import stepwise_program
from sensoryforge.simulation.kernels import Drive, Output, kernel, unpack_spikes
from sensoryforge.simulation.kernels.noise import keys
from sensoryforge.simulation.kernels.plan import OWNERS
from sensoryforge.simulation.kernels.prepared import Prepared

if TYPE_CHECKING:
    from sensoryforge.simulation.kernels import Afferents

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PHILOX = 10 * (2 * 2 + 2 * 2 + 2)
"""Operations for four words: in each round two products of two words each, four exclusive ors, two sums."""
CHAINS, ROUNDS = 8, 1 << 14


@triton.jit
def multiply_and_add(out: tl.tensor, rounds: tl.constexpr, BLOCK: tl.constexpr) -> None:
    """Take eight independent numbers in each lane through a product and a sum, over and over."""
    lane = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = lane.to(tl.float32)
    a, b, c, d, e, f, g, h = x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7
    for _ in range(rounds):
        a, b, c, d = a * 0.5 + 1.0, b * 0.5 + 1.0, c * 0.5 + 1.0, d * 0.5 + 1.0
        e, f, g, h = e * 0.5 + 1.0, f * 0.5 + 1.0, g * 0.5 + 1.0, h * 0.5 + 1.0
    tl.store(out + lane, a + b + c + d + e + f + g + h)


def seconds(run: Callable[[], Any], repeats: int) -> float:
    """Return the best time of several, each until the card is done."""
    found = []
    for _ in range(repeats + 1):  # the first compiles
        _ready()
        start = time.perf_counter()
        run()
        _ready()
        found.append(time.perf_counter() - start)
    return min(found[1:])


def _ready() -> None:
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def rates(tiny: bool, repeats: int) -> tuple[float, float]:
    """Return this card's operations a second, unfused, and bytes copied a second (read and written count each)."""
    lanes, rounds = (128, 8) if tiny else (1 << 20, ROUNDS)
    out = torch.empty(lanes, device=DEVICE)
    run = multiply_and_add[(lanes // 128,)]
    spent = seconds(
        lambda: run(out, rounds, BLOCK=128, num_warps=4, enable_fp_fusion=False), repeats
    )
    size = 1 << (16 if tiny else 30)
    source, target = (torch.zeros(size, dtype=torch.uint8, device=DEVICE) for _ in range(2))
    return 2 * CHAINS * rounds * lanes / spent, 2 * size / seconds(
        lambda: target.copy_(source), repeats
    )


def operations(a: Afferents, d: Drive) -> float:
    """Return the operations of one neuron and sample."""
    plan = Prepared(a, d, keys([0], "sa"), ()).plan
    once, ends, steps = 0, 0, 0
    for name, program in plan.programs.items():
        once += len(program.at(1))
        if name == OWNERS[name]:
            steps += len(program.at(2))
        else:
            ends += len(program.at(2))
    noise = (PHILOX + 2 * len(stepwise_program(normal_pair()).at(2))) / 4 + 2
    return 2 * plan.terms + once + ends + a.substeps * steps + noise


def there(d: Drive) -> Drive:
    return replace(
        d, **{n: v.to(DEVICE) for n, v in vars(d).items() if isinstance(v, torch.Tensor)}
    )


def same(ours: Output, theirs: Output, samples: int) -> bool:
    assert ours.spikes is not None
    assert theirs.spikes is not None
    return torch.equal(unpack_spikes(ours.spikes.cpu(), samples), theirs.spikes)


def row(
    a: Afferents, stimuli: int, neurons: int, samples: int, rate: tuple[float, float], repeats: int
) -> str:
    """Return a row of the table."""
    d = make_drive(stimuli, neurons, samples)
    key, few = keys(range(stimuli), "sa"), max(1, min(stimuli // 2, 64))
    some = first_of(d, few)
    on_card, some_there = there(d), there(some)
    assert same(
        kernel("triton")(a, some_there, key[:few]), kernel("numba")(a, some, key[:few]), samples
    ), "other spikes"
    if DEVICE == "cuda":
        torch.cuda.reset_peak_memory_stats()
    steps = stimuli * neurons * samples * a.substeps
    ours = steps / seconds(lambda: kernel("triton")(a, on_card, key), repeats)
    memory = torch.cuda.max_memory_allocated() / stimuli if DEVICE == "cuda" else float("nan")
    arithmetic = rate[0] / operations(a, d) * a.substeps
    writing = rate[1] * 8 * a.substeps  # a bit a neuron and sample
    floor = min(arithmetic, writing)
    part = few * neurons * samples * a.substeps
    eager = part / seconds(lambda: kernel("torch")(a, some_there, key[:few]), 1)
    cpu = part / seconds(lambda: kernel("numba")(a, some, key[:few]), repeats)
    cells = [
        a.substeps,
        stimuli,
        neurons,
        *(f"{v:.2e}" for v in (ours, floor)),
        f"{ours / floor:.2f}",
    ]
    cells += [f"{ours / eager:.0f}", f"{ours / cpu:.0f}", f"{memory / 1e3:.0f}"]
    return f"| {' | '.join(map(str, cells))} |"


def seventh(tiny: bool) -> float:
    """Return the seconds that the tutorial's seventh dataset takes, start-up included."""
    words = ["experiment=gpu_batch", f"pipeline.device={DEVICE}"]
    words += (
        ["stimuli.repetitions=1", "stimuli.amplitude=20", "pipeline.duration_ms=20"] if tiny else []
    )
    environment = {n: v for n, v in os.environ.items() if n != "TRITON_INTERPRET"}
    with tempfile.TemporaryDirectory() as place:
        words.append(f"batch.output_dir={place}/out")
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "sensoryforge.run", *words], check=True, env=environment
        )
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--tiny", action="store_true", help="small, and in the interpreter where there is no GPU"
    )
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    if DEVICE == "cpu" and not options.tiny:
        parser.error("there is no GPU that torch can use; --tiny shows that the script works")
    repeats = 1 if options.tiny else options.repeats
    rate = rates(options.tiny, repeats)
    name = (
        torch.cuda.get_device_name()
        if DEVICE == "cuda"
        else "no GPU: the interpreter, whose times say nothing"
    )
    print(f"{name}: {rate[0]:.2e} operations/s unfused, {rate[1]:.2e} bytes/s copied")
    heads = (
        "steps a sample",
        "stimuli",
        "neurons",
        "neuron-steps/s",
        "floor",
        "share of it",
        "times torch",
        "times CPU",
    )
    print(f"| {' | '.join(heads)} | kB a stimulus |\n|{'---:|' * (len(heads) + 1)}")
    sizes = (
        [(2, 5)]
        if options.tiny
        else [(64, 350), (256, 350), (1024, 350), (4096, 350), (1024, 70), (1024, 1400)]
    )
    for substeps in (1, 5):
        for stimuli, neurons in sizes:
            print(
                row(
                    population(substeps),
                    stimuli,
                    neurons,
                    9 if options.tiny else 600,
                    rate,
                    repeats,
                ),
                flush=True,
            )
    print(f"the tutorial's seventh dataset, from prompt to prompt: {seventh(options.tiny):.1f} s")


if __name__ == "__main__":
    main()
