"""Sets of afferents' numbers beside as many stimuli, in one process.

    python benchmarks/neuron_axes.py --sets 1000

Each row simulates a design in which numbers of the afferents differ between all conditions, and one
in which the amplitude does, in turn, and prints the median of the ratios of processor time.
"""

from __future__ import annotations

import argparse
from statistics import median
from time import process_time

from sensoryforge.config import check, compose
from sensoryforge.simulation.encoder import Encoder

ROUNDS = 5
CHUNK = 100
SIZE = ("pipeline.grid_size=64", "neurons.sa_neurons=150", "neurons.ra_neurons=200")
SA, RA = "neurons.populations.sa", "neurons.populations.ra"
CASES = {
    "one time constant": (f"{SA}.filter.parameters.tau_d=linspace(5,50,{{sets}})",),
    "five numbers, paired": (
        f"{SA}.filter.parameters.tau_d=linspace(5,50,{{sets}})",
        f"{SA}.gain=linspace(20,80,{{sets}})",
        f"{RA}.model.parameters.a=linspace(0.02,0.1,{{sets}})",
        f"{RA}.noise_std=linspace(1,3,{{sets}})",
        f"{RA}.gain=linspace(5,20,{{sets}})",
        "stimuli.sampling=paired",
    ),
    "exact steps": (
        f"{SA}.filter.parameters.tau_d=linspace(5,50,{{sets}})",
        "pipeline.integrator=exact",
    ),
}


def main() -> None:
    """Print a table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=1000, help="sets of numbers, and stimuli")
    sets = parser.parse_args().sets
    print(f"{sets} conditions{'':14}{'amplitudes':>14}{'numbers':>14}{'ratio':>8}")
    for name, words in CASES.items():
        of_numbers = encoder_of(*(word.format(sets=sets) for word in words))
        same_steps = [word for word in words if word.startswith("pipeline.")]
        of_stimuli = encoder_of(f"stimuli.amplitude=linspace(5,50,{sets})", *same_steps)
        rounds = [(seconds(of_stimuli), seconds(of_numbers)) for _ in range(ROUNDS)]
        stimuli, numbers = (median(column) for column in zip(*rounds, strict=True))
        ratio = median(of_sets / of_one for of_one, of_sets in rounds)
        print(f"{name:25}{stimuli:12.2f} s{numbers:12.2f} s{ratio:8.2f}")


def encoder_of(*words: str) -> Encoder:
    """Return the encoder of a design, its kernels compiled."""
    encoder = Encoder(check(compose("stimuli=step", *SIZE, *words)), "numba")
    encoder([(0, CHUNK)])
    return encoder


def seconds(encoder: Encoder) -> float:
    """Return the processor time of a whole design, chunk by chunk."""
    start = process_time()
    count = len(encoder.experiment.design)
    for first in range(0, count, CHUNK):
        encoder([(first, min(first + CHUNK, count))])
    return process_time() - start


if __name__ == "__main__":
    main()
