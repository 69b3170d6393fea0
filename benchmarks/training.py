"""How much memory training from a file of 12 GB takes: ``python benchmarks/training.py``.

90,000 stimuli of the size of the tutorial's first part, each with its noisy voltages, which hardly compress; then one
epoch of a linear decoder, two workers reading. Shown is the most that the process and its workers held at one time, a
page that several share counted once. It needs 25 GB of disk for a while.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Trainer

import sensoryforge as sf
from sensoryforge.learning import DecodingModule, LinearDecoder
from sensoryforge.simulation import silence

QUIET: dict[str, Any] = dict.fromkeys(
    ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
)


def held_mb() -> float:
    """Return the memory of this process and its children, each page once."""
    tasks = Path("/proc/self/task").iterdir()
    children = [word for task in tasks for word in (task / "children").read_text().split()]
    total = 0
    for process in (str(os.getpid()), *children):
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:  # it has ended
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


class Watch(threading.Thread):
    """Keeps the most that was held."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_mb = 0.0

    def run(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, held_mb())
            time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=4500, help="of 20 conditions")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        if not os.fork():  # what simulating leaves in memory is not training's
            sf.run(
                sf.compose(
                    "pipeline.duration_ms=150", "stimuli.amplitude=[10,20,30,40,50]", "stimuli.sigma=[0.3,0.5,0.7,0.9]",
                    f"stimuli.repetitions={options.repetitions}", "batch=hdf5", "batch.save=[voltage]",
                    f"batch.output_dir={folder}", "batch.checkpoint_frequency=500",
                )
            )  # fmt: skip
            os._exit(0)
        os.wait()
        size = (Path(folder) / "results.h5").stat().st_size
        watch = Watch()
        watch.start()
        data = sf.SpikeDataModule(folder, "amplitude", batch_size=64, num_workers=2, bin_ms=5)
        decoder = DecodingModule(LinearDecoder(*data.data.shape, data.target.size), classify=False)
        begun = time.perf_counter()
        with silence():
            Trainer(max_epochs=1, accelerator="cpu", num_sanity_val_steps=0, **QUIET).fit(
                decoder, data
            )
        took = time.perf_counter() - begun
    print(
        f"{size / 1e9:.1f} GB: an epoch of {len(data.train)} stimuli in {took:.0f} s, at most {watch.peak_mb:.0f} MB"
    )


if __name__ == "__main__":
    main()
