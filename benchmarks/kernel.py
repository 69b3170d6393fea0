"""The numba kernel against one written by hand and against torch: ``python benchmarks/kernel.py [--threads 2]``.

An SA filter and an Izhikevich neuron on a separable drive, 256 stimuli x 350 neurons x 600 samples, with one step a
sample and with five, without and with noise. The hand-written kernel does only this: strict float32, a loop over
neurons inside a loop over samples, a generator that draws for all neurons at once. All must give the same spikes.
Times are the best of several runs taken in turn, in nanoseconds per neuron and sample.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numba import njit
from numpy import float32, int32, uint32, uint64

from sensoryforge.core.numerics import uniforms
from sensoryforge.equations.block import Block, Kind
from sensoryforge.simulation.kernels import Afferents, Drive, kernel
from sensoryforge.simulation.kernels.noise import keys

CONF = Path(__file__).parents[1] / "conf"
DT_MS, GAIN, NOISE_STD = 0.5, 60.0, 2.0
BLOCK, MOST = 16, 512
"""Stimuli a task, and how many neurons there may be."""

strict = njit(nogil=True, error_model="numpy")


@strict
def draw_words(call: Any, key0: Any, key1: Any, out: Any) -> None:
    """Philox4x32-10: four words for each neuron."""
    low, half = uint64(0xFFFFFFFF), uint64(32)
    for i in range(out.shape[1]):
        c0, c1, c2, c3 = uint64(call), uint64(i), uint64(0), uint64(0)
        k0, k1 = key0, key1
        for _ in range(10):
            p0, p1 = c0 * uint64(0xD2511F53), c2 * uint64(0xCD9E8D57)
            c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ k0, p1 & low, (p0 >> half) ^ c3 ^ k1, p0 & low
            k0, k1 = (k0 + uint64(0x9E3779B9)) & low, (k1 + uint64(0xBB67AE85)) & low
        out[0, i], out[1, i], out[2, i], out[3, i] = c0, c1, c2, c3


@strict
def draw_normals(first: Any, second: Any, value: Any, z0: Any, z1: Any) -> None:
    """Box and Muller: two normals from two words, for each neuron."""
    bits = value.view(np.int32)
    for i in range(value.size):
        value[i] = float32(int32((first[i] >> uint64(8)) + uint64(1)))
    for i in range(value.size):
        e = float32((bits[i] >> int32(23)) - int32(127))
        bits[i] = (bits[i] & int32(0x7FFFFF)) | int32(0x3F800000)
        big = value[i] > float32(1.41421354)
        f = value[i] * (float32(0.5) if big else float32(1.0)) - float32(1.0)
        e = e + float32(1.0) if big else e
        s = float32(-0.23792037) * f + float32(0.37379977)
        s = s * f + float32(-0.41006318)
        s = s * f + float32(0.49815604)
        s = s * f + float32(-0.66628087)
        s = s * f + float32(1.000023)
        s = s * f + float32(-2.000002)
        square = (float32(24.0) - e) * float32(1.38629436) + s * f
        radius = np.sqrt(square if square > float32(0.0) else float32(0.0))
        word = uint32(second[i])
        g = float32(int32(word >> uint32(8))) * float32(2.0**-24) - float32(0.5)
        g2 = g * g
        sine = ((float32(0.05491915) * g2 + float32(-0.45658734)) * g2 + float32(1.1107152)) * g
        cosine = (float32(-0.014430929) * g2 + float32(0.17932133)) * g2 + float32(-0.8723555)
        cosine = cosine * g2 + float32(0.70710677)
        z0[i] = radius * (cosine - sine) * float32(int32(1) - int32(2) * int32(word & uint32(1)))
        z1[i] = radius * (cosine + sine) * float32(int32(1) - int32(word & uint32(2)))


@cache
def by_hand(substeps: int, noisy: bool) -> Callable[..., None]:
    """Return SA filter, gain, noise and Izhikevich neuron with the shipped parameters, for a number of steps."""
    dt, h, gain = float32(DT_MS), float32(DT_MS / substeps), float32(GAIN)
    k1, k2, tau_r, tau_d = float32(0.05), float32(3.0), float32(5.0), float32(30.0)

    @strict
    def step(space: Any, now: Any, state: Any, random: Any, scale: Any, fired: Any) -> None:
        before, x, y, v, u = state[0], state[1], state[2], state[3], state[4]
        for i in range(space.size):
            drive = space[i] * now
            push = k2 * ((drive - before[i]) / dt) + k1 * drive
            before[i] = drive
            xs, ys, vs, us, spiked = x[i], y[i], v[i], u[i], False
            for _ in range(substeps):
                xs, ys = xs + h * ((push - xs) / tau_r), ys + h * ((xs - ys) / tau_d)
            current = (ys if ys > float32(0) else float32(0)) * gain
            if noisy:
                current = current + random[i] * scale
            for _ in range(substeps):
                slope = (
                    float32(0.04) * (vs * vs) + float32(5.0) * vs + float32(140.0) - us + current
                )
                next_v, next_u = vs + h * slope, us + h * (float32(0.02) * (float32(0.2) * vs - us))
                over = next_v >= float32(30.0)
                vs = float32(-65.0) if over else next_v
                us = next_u + float32(8.0) if over else next_u
                spiked = spiked | over
            x[i], y[i], v[i], u[i], fired[i] = xs, ys, vs, us, spiked

    @strict
    def run(
        start: Any, stop: Any, space: Any, factor: Any, seeds: Any, scale: Any, spikes: Any
    ) -> None:
        neurons, samples = space.shape[1], factor.shape[1]
        state, value = np.empty((5, MOST), dtype=np.float32), np.empty(neurons, dtype=np.float32)
        word, noise = (
            np.empty((4, neurons), dtype=np.uint64),
            np.zeros((4, neurons), dtype=np.float32),
        )
        for b in range(start, stop):
            state[:3], state[3], state[4] = float32(0), float32(-65.0), float32(-13.0)
            for k in range(samples):
                if noisy and k % 4 == 0:
                    draw_words(k // 4, seeds[b, 0], seeds[b, 1], word)
                    draw_normals(word[0], word[1], value, noise[0], noise[1])
                    draw_normals(word[2], word[3], value, noise[2], noise[3])
                step(space[b], factor[b, k], state, noise[k % 4], scale, spikes[b, k])

    return run


def shipped(kind: Kind, name: str) -> Block:
    """Return a filter or a model of ``conf/``."""
    file = CONF / kind / f"{name}.yaml"
    return Block.from_config(kind, yaml.safe_load(file.read_text()), name)


def numbers(block: Block) -> dict[str, float]:
    """Return the parameters of a block that are numbers."""
    parameters = block.parameters.items()
    return {name: value for name, value in parameters if isinstance(value, float)}


def population(substeps: int) -> Afferents:
    """Return afferents with an SA filter and Izhikevich neurons."""
    sa = shipped("filter", "sa")
    izhikevich = shipped("model", "izhikevich")
    return Afferents(
        sa,
        izhikevich,
        numbers(sa),
        numbers(izhikevich),
        gain=GAIN,
        noise_std=NOISE_STD,
        dt_ms=DT_MS,
        substeps=substeps,
    )


def make_drive(stimuli: int, neurons: int, samples: int) -> Drive:
    """Return a separable drive: random in space, a ramp in time."""
    space = torch.from_numpy(uniforms(0, "space", size=stimuli * neurons).astype(np.float32) * 10)
    ramp = torch.linspace(0.2, 1.0, samples).expand(stimuli, 1, samples).contiguous()
    return Drive(torch.arange(stimuli), space=space.reshape(stimuli, 1, neurons), time=ramp)


def first_of(drive: Drive, stimuli: int) -> Drive:
    """Return the first stimuli of a separable drive."""
    assert drive.space is not None
    assert drive.time is not None
    return Drive(drive.rows[:stimuli], space=drive.space[:stimuli], time=drive.time[:stimuli])


def as_frames(drive: Drive) -> Drive:
    """Return a separable drive as the frames of a stimulus that does not separate."""
    assert drive.space is not None
    assert drive.time is not None
    frames = drive.space[:, 0, None, :] * drive.time[:, 0, :, None]
    return Drive(drive.rows, frames=frames.contiguous())


def run_by_hand(
    afferents: Afferents, drive: Drive, key: torch.Tensor | None, threads: int
) -> np.ndarray:
    """Run the hand-written kernel over blocks of stimuli in a pool of threads."""
    assert drive.space is not None
    assert drive.time is not None
    stimuli = len(drive.rows)
    spikes = np.empty((stimuli, drive.samples, drive.neurons), dtype=np.bool_)
    seeds = np.zeros((stimuli, 2), dtype=np.uint64)
    if key is not None:
        seeds = key.numpy().view(np.uint64)
    space = drive.space[:, 0].numpy()
    factor = drive.time[:, 0].numpy()
    scale = float32(afferents.noise_scale)
    run = by_hand(afferents.substeps, key is not None)
    with ThreadPoolExecutor(threads) as pool:
        tasks = []
        for start in range(0, stimuli, BLOCK):
            stop = min(start + BLOCK, stimuli)
            tasks.append(pool.submit(run, start, stop, space, factor, seeds, scale, spikes))
        for task in tasks:
            task.result()
    return spikes


def best(runs: dict[str, Callable[[], Any]], repeats: dict[str, int]) -> dict[str, float]:
    """Return the best time of each in seconds, taken in turn."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(max(repeats.values())):
        for name, run in runs.items():
            if turn < repeats[name]:
                start = time.perf_counter()
                run()
                times[name].append(time.perf_counter() - start)
    return {name: min(taken) for name, taken in times.items()}


def nanoseconds(seconds: float, drive: Drive) -> float:
    """Return a time as nanoseconds per neuron and sample."""
    return seconds * 1e9 / (len(drive.rows) * drive.neurons * drive.samples)


def measure(
    substeps: int, noise: bool, drive: Drive, few: Drive, threads: int, repeats: int
) -> str:
    """Return a row of the table; torch is timed on ``few`` of the stimuli."""
    afferents = population(substeps)
    key = keys(range(len(drive.rows)), "sa") if noise else None
    key_of_few = None if key is None else key[: len(few.rows)]
    ours = kernel("numba")(afferents, drive, key, (), threads).spikes
    theirs = kernel("torch")(afferents, few, key_of_few).spikes
    hand = run_by_hand(afferents, drive, key, threads)
    assert ours is not None
    assert theirs is not None
    assert torch.equal(ours[: len(few.rows)], theirs), "torch gives other spikes"
    assert np.array_equal(ours.numpy(), hand), "the hand-written kernel gives other spikes"
    runs = {
        "numba": lambda: kernel("numba")(afferents, drive, key, (), threads),
        "hand": lambda: run_by_hand(afferents, drive, key, threads),
        "torch": lambda: kernel("torch")(afferents, few, key_of_few),
    }
    seconds = best(runs, {"numba": repeats, "hand": repeats, "torch": 1})
    numba_ns = nanoseconds(seconds["numba"], drive)
    hand_ns = nanoseconds(seconds["hand"], drive)
    torch_ns = nanoseconds(seconds["torch"], few)
    return (
        f"{substeps:>8} {'on' if noise else 'off':>6} {numba_ns:>8.3f} {hand_ns:>13.3f}"
        f" {torch_ns:>8.2f} {numba_ns / hand_ns:>15.2f} {torch_ns / numba_ns:>15.1f}"
    )


def measure_frames(substeps: int, noise: bool, drive: Drive, threads: int, repeats: int) -> str:
    """Return a row on frames instead of a separable drive, a moving stimulus's form."""
    frames = as_frames(drive)
    afferents = population(substeps)
    key = keys(range(len(drive.rows)), "sa") if noise else None
    runs = {
        "frames": lambda: kernel("numba")(afferents, frames, key, (), threads),
        "products": lambda: kernel("numba")(afferents, drive, key, (), threads),
    }
    for run in runs.values():
        run()  # compiles
    seconds = best(runs, dict.fromkeys(runs, repeats))
    frames_ns = nanoseconds(seconds["frames"], drive)
    products_ns = nanoseconds(seconds["products"], drive)
    return (
        f"{substeps:>8} {'on' if noise else 'off':>6} {frames_ns:>8.3f} {products_ns:>10.3f}"
        f" {frames_ns / products_ns:>7.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--stimuli", type=int, default=256)
    options = parser.parse_args()
    threads, repeats = options.threads, options.repeats
    torch.set_num_threads(threads)
    drive = make_drive(options.stimuli, neurons=350, samples=600)
    few = first_of(drive, min(64, options.stimuli))
    size = f"{options.stimuli} stimuli x 350 neurons x 600 samples"
    print(f"{size}, {threads} threads; ns per neuron and sample")
    print("substeps  noise    numba  hand-written    torch  numba / hand  torch / numba")
    for substeps, noise in product((1, 5), (False, True)):
        print(measure(substeps, noise, drive, few, threads, repeats), flush=True)
    print("substeps  noise   frames  separable   ratio")
    for substeps, noise in product((1, 5), (False, True)):
        print(measure_frames(substeps, noise, drive, threads, repeats), flush=True)


if __name__ == "__main__":
    main()
