"""What the shipped models and populations do: the pictures and tables of docs/models.md.

python benchmarks/models.py [--pictures FOLDER]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import sensoryforge as sf

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEP_MS = 0.1
Part = tuple[float, float, float]
"""When a part of a current begins and ends, in ms, and how high it is."""


def ramp(start: float, stop: float, height: float) -> tuple[Part, ...]:
    """Return the parts of a current that grows for some time, a step each ms."""
    steps = round(stop - start)
    return tuple((start + k, start + k + 1, height * k / steps) for k in range(steps))


SHOWN: dict[str, tuple[float, tuple[Part, ...], int]] = {
    "izhikevich": (300, ((30, 270, 10),), 1),
    "izhikevich_ib": (300, ((30, 270, 10),), 1),
    "izhikevich_ch": (300, ((30, 270, 10),), 1),
    "izhikevich_fs": (300, ((30, 270, 10),), 1),
    "izhikevich_lts": (300, ((30, 270, 10),), 1),
    "izhikevich_tc": (300, ((30, 150, -20),), 1),
    "izhikevich_rz": (300, ((30, 270, 0.6),), 1),
    "izhikevich_phasic_spiking": (300, ((30, 270, 0.5),), 1),
    "izhikevich_phasic_bursting": (300, ((30, 270, 0.6),), 1),
    "izhikevich_adapting": (300, ((30, 270, 30),), 1),
    "izhikevich_class1": (300, ((30, 270, 6),), 1),
    "izhikevich_class2": (300, ((30, 270, 0.9),), 1),
    "izhikevich_latency": (300, ((30, 33, 7.9),), 1),
    "izhikevich_resonator": (500, ((200, 204, 0.65), (220, 224, 0.65), (350, 354, 0.65), (390, 394, 0.65)), 1),
    "izhikevich_rebound_spike": (300, ((30, 35, -15),), 1),
    "izhikevich_rebound_burst": (300, ((30, 35, -15),), 1),
    "izhikevich_bistable": (600, ((200, 205, 1), (409, 414, 1)), 1),
    "izhikevich_accommodating": (400, (*ramp(0, 200, 8), *ramp(300, 313, 4)), 1),
    "izhikevich_subthreshold": (300, ((30, 35, 2),), 1),
    "izhikevich_inhibited_spiking": (400, ((50, 250, -5),), 1),
    "izhikevich_inhibited_bursting": (400, ((50, 250, -5),), 1),
    "qif": (300, ((30, 270, 5),), 1),
    "mqif": (300, ((30, 270, 20),), 1),
    "lif": (300, ((30, 270, 17),), 1),
    "adex": (300, ((30, 270, 400),), 1),
    "adex_mv": (300, ((30, 270, 40),), 1),
    "fa_silicon": (300, ((30, 150, 1.5),), 1),
    "sa_silicon": (300, ((30, 270, 520),), 22),
}  # fmt: skip
"""Model -> how long, which current, and the steps in 0.1 ms."""


def current(duration_ms: float, parts: tuple[Part, ...]) -> torch.Tensor:
    """Return a current, [1, samples, 1]."""
    samples = torch.zeros(1, round(duration_ms / STEP_MS), 1)
    for start, stop, height in parts:
        samples[:, round(start / STEP_MS) : round(stop / STEP_MS)] = height
    return samples


def run_model(name: str) -> dict[str, torch.Tensor]:
    """Return the current, the spikes and the first state of a model, [samples] each."""
    duration_ms, parts, substeps = SHOWN[name]
    block = sf.load_block(f"model/{name}")
    state = next(iter(block.states))
    drive = current(duration_ms, parts)
    out = sf.simulate(block, drive, STEP_MS, substeps=substeps, record=[state])
    arrays = {"current": drive, "spikes": out["spikes"], "state": out[state]}
    return {key: array.flatten() for key, array in arrays.items()}


def draw_models() -> Figure:
    """Return a picture with a panel for each model: its state, its spikes, its current."""
    plt = pyplot()
    columns = 5
    rows = -(-len(SHOWN) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(11, 1.7 * rows), layout="constrained")
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, name in zip(axes.flat, SHOWN, strict=False):
        out = run_model(name)
        time = np.arange(len(out["current"])) * STEP_MS
        spikes = time[out["spikes"].numpy()]
        axis.plot(time, scaled(out["state"]), color="#0072B2", linewidth=0.7)
        axis.vlines(spikes, 1.1, 1.4, color="black", linewidth=0.7)
        axis.plot(time, scaled(out["current"]) * 0.3 - 0.5, color="#888888", linewidth=0.9)
        axis.set_title(name.removeprefix("izhikevich_"), fontsize=9)
    return figure


def scaled(values: torch.Tensor) -> np.ndarray:
    """Return values between 0 and 1."""
    array = values.numpy()
    reach = array.max() - array.min()
    return np.asarray((array - array.min()) / (reach or 1.0))


STEP = (
    "stimuli=step", "stimuli.step_time=50", "stimuli.hold_ms=150", "stimuli.amplitude=30",
    "stimuli.repetitions=40",
)  # fmt: skip
PLAIN = ("neurons=sa_ra", "+population@neurons.populations.sa2=sa2")
REFRACTORY = ("neurons=sa_ra_refractory",)


def draw_populations() -> Figure:
    """Return a picture of the best afferent of each population over the repetitions."""
    plt = pyplot()
    shown = [("plain", PLAIN), ("refractory", REFRACTORY)]
    trains = {}
    for label, overrides in shown:
        for name, raster in kept_spikes(overrides).items():
            trains[f"{name}, {label}" if name != "sa2" else "sa2"] = raster
    order = ["sa, plain", "sa, refractory", "ra, plain", "ra, refractory", "sa2"]
    figure, axes = plt.subplots(len(order), 1, figsize=(8, 8), sharex=True, layout="constrained")
    for axis, label in zip(axes, order, strict=True):
        raster = trains[label]
        best = raster.sum(axis=(0, 1)).argmax()
        repetition, sample = np.nonzero(raster[:, :, best])
        axis.plot(sample * 0.5, repetition, "|", color="black", markersize=3)
        axis.axvspan(50, 200, color="#DDDDDD", zorder=0)
        axis.set_ylabel(label)
        axis.set_yticks([])
    axes[-1].set_xlabel("time (ms)")
    return figure


def kept_spikes(overrides: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return the spikes of each population, [repetition, sample, neuron]."""
    with TemporaryDirectory() as folder:
        results = sf.run(sf.compose(*STEP, *overrides, f"batch.output_dir={folder}/out"))
        assert results is not None
        return {name: np.asarray(results.spikes(name)[:]) for name in results.populations}


def population_rows() -> list[tuple[object, ...]]:
    """Return for each population: shortest interval (ms), Fano factor, best rate in the hold (Hz), rate at rest (Hz)."""
    rows = []
    for overrides in (PLAIN, REFRACTORY):
        for name, raster in kept_spikes(overrides).items():
            label = f"{name}_refractory" if overrides is REFRACTORY else name
            rows.append((label, *numbers(raster)))
    return rows


def numbers(raster: np.ndarray) -> tuple[str, ...]:
    """Return what a table says of a population."""
    intervals = [
        np.diff(np.flatnonzero(raster[r, :, n])).min(initial=10_000) * 0.5
        for r in range(raster.shape[0])
        for n in range(raster.shape[2])
    ]
    counts = raster.sum(axis=1)
    means = counts.mean(axis=0)
    fires = means > 1
    fano = (counts.var(axis=0, ddof=1)[fires] / means[fires]).mean()
    hold = raster[:, 200:400].sum(axis=1).mean(axis=0).max() / 0.1
    rest = raster[:, :100].mean() * 2000
    return f"{min(intervals):g}", f"{fano:.2f}", f"{hold:.0f}", f"{rest:.2f}"


def pyplot() -> Any:
    """Return Matplotlib's pyplot, drawing into files."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    mpl.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    return plt


def main() -> None:
    """Print the tables; draw the pictures where a folder is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path)
    folder = parser.parse_args().pictures
    for name in SHOWN:
        print(f"{name}: {int(run_model(name)['spikes'].sum())} spikes")
    print(
        "| population | shortest interval (ms) | Fano factor | best rate in the hold (Hz) | at rest (Hz) |"
    )
    print("| --- | ---: | ---: | ---: | ---: |")
    for row in population_rows():
        print("| " + " | ".join(map(str, row)) + " |")
    if folder:
        draw_models().savefig(folder / "models.png", dpi=110)
        draw_populations().savefig(folder / "populations.png", dpi=90)


if __name__ == "__main__":
    main()
