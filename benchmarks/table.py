"""The tables of speeds in docs/speed.md: ``python benchmarks/table.py [--brian2-python PATH]``.

350 neurons and 600 samples a stimulus, as in the third dataset of the tutorial; milliseconds a stimulus. Every tool is
timed in turn with ours on the same machine in the same minute, best of several, so that the ratio is what counts. The
others simulate only; ours is shown simulating only, and also from the configuration to a finished HDF5 file.

naive: one stimulus and one step at a time in torch, on a 64 x 64 sheet (naive.py), on one thread, which is no slower
than two. torch: our own torch backend, 64 stimuli at once. snnTorch and SpikingJelly: 64 stimuli at once through their
leaky neuron, which has no filter and half of the arithmetic, hence favours them. Brian2: the same equations as C++,
compiling not counted, in an environment of its own. A tool that cannot be imported is left out.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import naive
import torch
from batching import STIMULI, seconds
from kernel import NOISE_STD, best, make_drive, population

from sensoryforge.simulation.kernels import kernel
from sensoryforge.simulation.kernels.noise import keys

SHEET, NEURONS, SAMPLES, MANY, FEW = 64, 350, 600, 256, 64
REPETITIONS = 10
"""Of the tutorial's dataset, end to end: 1,200 stimuli."""


@dataclass(frozen=True)
class Case:
    """What every tool is asked to do."""

    substeps: int
    noise: bool
    threads: int
    brian: Path | None


def ours(case: Case, backend: str, stimuli: int) -> Callable[[], object]:
    """Return a run of one of our kernels."""
    a, d = population(case.substeps), make_drive(stimuli, NEURONS, SAMPLES)
    key = keys(range(stimuli), "sa") if case.noise else None
    return lambda: kernel(backend)(a, d, key, (), case.threads)


def one_by_one(case: Case) -> Callable[[], object]:
    """Return the naive loop over one stimulus."""
    xy, fields = naive.weights(SHEET, NEURONS)

    def run() -> None:
        torch.set_num_threads(1)
        naive.encode(xy, fields, SAMPLES, case.substeps, case.noise)
        torch.set_num_threads(case.threads)

    return run


def leaky(case: Case, tool: str) -> Callable[[], object] | None:
    """Return a run of another library's leaky neuron over noisy or plain currents; None where it cannot be imported."""
    try:
        step = _snntorch() if tool == "snntorch" else _spikingjelly()
    except ImportError:
        return None
    current = make_drive(FEW, NEURONS, SAMPLES)

    def run() -> None:
        spikes = torch.empty(SAMPLES, FEW, NEURONS, dtype=torch.bool)
        state = None
        for t in range(SAMPLES):
            now = current.at(t)
            if case.noise:
                now = now + NOISE_STD * torch.randn(FEW, NEURONS)
            for k in range(case.substeps):
                fired, state = step(now, state, t + k == 0)
                spikes[t] = fired.bool() if k == 0 else spikes[t] | fired.bool()

    return torch.no_grad()(run)


Step = Callable[[torch.Tensor, torch.Tensor | None, bool], tuple[torch.Tensor, torch.Tensor | None]]


def _snntorch() -> Step:
    import snntorch

    cell = snntorch.Leaky(beta=0.95)
    return lambda now, state, first: cell(now, cell.reset_mem() if state is None else state)


def _spikingjelly() -> Step:
    from spikingjelly.activation_based import neuron

    cell = neuron.LIFNode(tau=20.0)

    def step(
        now: torch.Tensor, state: torch.Tensor | None, first: bool
    ) -> tuple[torch.Tensor, None]:
        if first:
            cell.reset()
        return cell(now), None

    return step


def brian(case: Case) -> float:
    """Return how long Brian2's program takes for one stimulus, in seconds."""
    import json

    words = [MANY, NEURONS, SAMPLES, case.substeps, case.threads, NOISE_STD if case.noise else 0.0]
    script = str(Path(__file__).with_name("brian.py"))
    done = subprocess.run(
        [str(case.brian), script, *map(str, words)], check=True, capture_output=True, text=True
    )
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"]) / MANY


def end_to_end(case: Case) -> float:
    """Return how long a stimulus takes from the configuration to the results file, in seconds."""
    many = [{**family, "repetitions": family["repetitions"] * REPETITIONS} for family in STIMULI]
    options = [f"pipeline.substeps={case.substeps}", f"batch.num_workers={case.threads}"]
    options += (
        [] if case.noise else [f"neurons.populations.{name}.noise_std=0" for name in ("sa", "ra")]
    )
    with tempfile.TemporaryDirectory() as place:
        seconds(Path(place) / "warm", "numba", STIMULI, options)
        return min(
            seconds(Path(place) / f"run{k}", "numba", many, options) / (120 * REPETITIONS)
            for k in range(3)
        )


def rows(case: Case, repeats: int) -> list[tuple[str, float, float]]:
    """Return a tool, its seconds a stimulus, and ours measured beside it, for every tool that is there."""
    fast = ours(case, "numba", MANY)
    fast()
    rivals: dict[str, tuple[Callable[[], object] | None, int]] = {
        "naive loop in torch": (one_by_one(case), 1),
        "torch, batched (ours)": (ours(case, "torch", FEW), FEW),
        "snnTorch, leaky": (leaky(case, "snntorch"), FEW),
        "SpikingJelly, leaky": (leaky(case, "spikingjelly"), FEW),
    }
    found = []
    for name, (rival, stimuli) in rivals.items():
        if rival is not None:
            times = best({"rival": rival, "ours": fast}, {"rival": 3, "ours": repeats})
            found.append((name, times["rival"] / stimuli, times["ours"] / MANY))
    if case.brian:
        theirs = brian(case)
        found.append(
            (
                "Brian2, C++ standalone",
                theirs,
                best({"ours": fast}, {"ours": repeats})["ours"] / MANY,
            )
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--repeats", type=int, default=7, help="runs of ours beside each tool; the best counts"
    )
    parser.add_argument(
        "--brian2-python",
        type=Path,
        metavar="PATH",
        help="the Python of an environment with Brian2",
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("| steps a sample | noise | tool | ms a stimulus | our kernel, ms | times faster |")
    print("|---:|---|---|---:|---:|---:|")
    for substeps in (1, 5):
        for noise in (True, False):
            case = Case(substeps, noise, options.threads, options.brian2_python)
            line = partial(
                "| {} | {} | {} | {:.3g} | {:.3g} | {:,.0f} |".format,
                substeps,
                "on" if noise else "off",
            )
            found = rows(case, options.repeats)
            for name, theirs, mine in found:
                print(line(name, theirs * 1e3, mine * 1e3, theirs / mine), flush=True)
            whole = end_to_end(case)
            first = found[0][1]
            print(
                line("naive loop, against ours to HDF5", first * 1e3, whole * 1e3, first / whole),
                flush=True,
            )


if __name__ == "__main__":
    main()
