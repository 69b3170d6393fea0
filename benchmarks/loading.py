"""How fast batches come from HDF5: ``SpikeDataset`` against a plain Dataset, ``python benchmarks/loading.py``.

The dataset has the size of the tutorial's first part, 300 samples x 140 neurons. The plain Dataset opens the file in
each worker and reads a stimulus's datasets and attributes through h5py, item by item. Epochs are shuffled; the best of
``--epochs`` is shown, after one that is not counted.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import h5py
import torch
from torch.utils.data import DataLoader, Dataset

import sensoryforge as sf


class PlainDataset(Dataset[Any]):
    """Reads through h5py, an item at a time."""

    def __init__(self, path: Path) -> None:
        self.path, self.file = path, None
        with h5py.File(path, "r") as file:
            self.names = list(file)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Any:
        self.file = self.file or h5py.File(self.path, "r")
        stimulus = self.file[self.names[index]]
        spikes = {name: torch.from_numpy(stimulus[name][:]) for name in ("sa_spikes", "ra_spikes")}
        return {
            **spikes,
            "amplitude": stimulus.attrs["amplitude"],
            "sigma": stimulus.attrs["sigma"],
        }


def rate(dataset: Any, batch_size: int, workers: int, epochs: int) -> float:
    """Return how many stimuli a second a loader delivers in its best epoch."""
    loader = DataLoader(
        dataset, batch_size, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )
    best = 0.0
    for epoch in range(epochs + 1):
        start = time.perf_counter()
        for _ in loader:
            pass
        best = max(best, len(dataset) / (time.perf_counter() - start)) if epoch else best
    return best


def main() -> None:
    """Print a row for each way to read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=200, help="of 20 conditions")
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        sf.run(
            sf.compose(
                "pipeline.duration_ms=150", "stimuli.amplitude=[10,20,30,40,50]", "stimuli.sigma=[0.3,0.5,0.7,0.9]",
                f"stimuli.repetitions={options.repetitions}", "batch=hdf5", f"batch.output_dir={folder}",
                "batch.checkpoint_frequency=1000",
            )
        )  # fmt: skip
        path = Path(folder) / "results.h5"
        ours, plain = sf.SpikeDataset(folder, "amplitude"), PlainDataset(path)
        print(
            f"{len(ours)} stimuli of 300 x 140, {path.stat().st_size / 1e6:.1f} MB; stimuli/s in the best epoch\n"
        )
        print("| workers | batch | plain | SpikeDataset |\n|---|---|---|---|")
        for workers in (0, 2):
            for size in (16, 64):
                rates = [rate(dataset, size, workers, options.epochs) for dataset in (plain, ours)]
                print(f"| {workers} | {size} | {rates[0]:,.0f} | {rates[1]:,.0f} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory of this process {peak:.0f} MB")


if __name__ == "__main__":
    main()
