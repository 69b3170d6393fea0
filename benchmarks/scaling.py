"""How speed scales: stimuli a second, end to end, against stimuli, neurons and samples, as a picture.

    python benchmarks/scaling.py [--picture docs/images/scaling.png]

One thing is varied at a time around the third dataset of the tutorial: a 64 x 64 sheet, 150 SA and 200 RA afferents,
600 samples of 0.5 ms, noise on, two threads. A run counts from the checked configuration to the closed HDF5 file;
importing the libraries, once a process, is not in it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batching import seconds

from sensoryforge.analysis.plots.style import COLOURS, settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STIMULI, NEURONS, SAMPLES = 600, 350, 600
VARIED = {
    "stimuli": (3, 10, 30, 100, 300, 1000, 3000),
    "neurons": (50, 100, 200, 350, 700, 1400, 2800),
    "samples": (75, 150, 300, 600, 1200, 2400, 4800),
}
LABELS = {
    "stimuli": "stimuli in the dataset",
    "neurons": "neurons",
    "samples": "samples a stimulus (0.5 ms each)",
}
STEPS = {1: "one step a sample", 5: "five steps a sample (default)"}


def speed(
    place: Path, steps: int, stimuli: int = STIMULI, neurons: int = NEURONS, samples: int = SAMPLES
) -> float:
    """Return stimuli a second of one run, the better of two."""
    sa = round(neurons * 3 / 7)
    options = (
        f"pipeline.substeps={steps}", f"pipeline.duration_ms={samples / 2}", "batch.num_workers=2",
        f"neurons.sa_neurons={sa}", f"neurons.ra_neurons={neurons - sa}", "batch.overwrite=true",
    )  # fmt: skip
    repetitions = -(-stimuli // 3)
    design: list[dict[str, Any]] = [
        {"type": "gaussian", "amplitude": [15, 30, 45], "repetitions": repetitions}
    ]
    return (
        3 * repetitions / min(seconds(place / f"{k}", "numba", design, options) for k in range(2))
    )


def measure(steps: int) -> dict[str, list[float]]:
    """Return stimuli a second for each thing that is varied; long runs have fewer stimuli."""
    found: dict[str, list[float]] = {}
    for name, values in VARIED.items():
        found[name] = []
        for value in values:
            size = {"neurons": NEURONS, "samples": SAMPLES} | {name: value}
            fewer = min(
                STIMULI, max(60, STIMULI * NEURONS * SAMPLES // (size["neurons"] * size["samples"]))
            )
            with tempfile.TemporaryDirectory() as place:
                found[name].append(
                    speed(Path(place), steps, **({"stimuli": fewer} | {name: value}))
                )
            print(f"| {steps} | {name} | {value} | {found[name][-1]:.0f} |", flush=True)
    return found


def draw(found: dict[int, dict[str, list[float]]]) -> Figure:
    """Return the picture: a panel for each thing varied, a line for each number of steps."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 3, figsize=(10, 3.3), sharey=True, layout="constrained")
    for panel, (name, values) in zip(panels, VARIED.items(), strict=True):
        for (steps, speeds), colour, marker in zip(found.items(), COLOURS, "os", strict=False):
            panel.plot(values, speeds[name], marker=marker, color=colour, label=STEPS[steps])
        _finish(panel, name)
    panels[0].set_ylabel("stimuli a second, to HDF5")
    panels[0].legend(loc="lower right")
    return figure


def _finish(panel: Axes, name: str) -> None:
    usual = {"stimuli": STIMULI, "neurons": NEURONS, "samples": SAMPLES}[name]
    panel.axvline(usual, color="#8a8a8a", linewidth=0.8, linestyle=":")
    panel.set(xscale="log", yscale="log", xlabel=LABELS[name])
    panel.grid(True, which="major", color="#dddddd", linewidth=0.6)
    panel.set_axisbelow(True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    picture = Path(__file__).parents[1] / "docs" / "images" / "scaling.png"
    parser.add_argument("--picture", type=Path, default=picture, metavar="FILE")
    options = parser.parse_args()
    print("| steps a sample | varied | value | stimuli a second |\n|---:|---|---:|---:|")
    with tempfile.TemporaryDirectory() as place:
        speed(Path(place), 1, stimuli=3), speed(Path(place), 5, stimuli=3)
    found = {steps: measure(steps) for steps in STEPS}
    import matplotlib as mpl

    mpl.use("Agg")
    with settings():
        draw(found).savefig(options.picture, dpi=150)


if __name__ == "__main__":
    main()
