"""A long run of small stimuli, interrupted five times: are the bits right, is memory flat, does it open at once?

python stress/endurance.py                    # 100,000 stimuli, hdf5
python stress/endurance.py --stimuli 20000 --format pytorch
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

REPETITIONS = 10
INTERRUPTIONS = 5
ALLOWED_GROWTH = 0.1
"""Of the peak memory with HDF5, from 1,000 stimuli on; a .pt file is made in memory."""
SHOW_S = 1.0
"""How long ``sensoryforge show`` may take."""
FILE = """
batch: {{output_dir: {output}, format: {form}, checkpoint_frequency: 1000}}
pipeline: {{grid_size: 8, duration_ms: 10}}
neurons: {{sa_neurons: 4, ra_neurons: 4}}
stimuli:
  - type: gaussian
    amplitude: [{amplitudes}]
    repetitions: {repetitions}
"""


class Run:
    """A dataset that is made by the command line."""

    def __init__(self, root: Path, name: str, stimuli: int, form: str) -> None:
        self.output, self.file = root / name, root / f"{name}.yml"
        amplitudes = ", ".join(f"{30 + i / 1000:g}" for i in range(stimuli // REPETITIONS))
        values = {
            "output": self.output,
            "form": form,
            "amplitudes": amplitudes,
            "repetitions": REPETITIONS,
        }
        self.file.write_text(FILE.format(**values))
        self.peak_mb = 0.0

    def go(
        self, *flags: str, stop_s: float | None = None, number: int = signal.SIGKILL
    ) -> tuple[int, float]:
        """Run the command, to its end or to a signal; return its exit code and the time that it took."""
        command = [sys.executable, "-m", "sensoryforge", "batch", str(self.file), *flags]
        begun = time.perf_counter()
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            while process.poll() is None:
                self.peak_mb = max(self.peak_mb, peak_mb(process.pid))
                if stop_s is not None and time.perf_counter() - begun > stop_s:
                    process.send_signal(number)
                    stop_s = None
                time.sleep(0.02)
        return process.returncode, time.perf_counter() - begun


def peak_mb(process: int) -> float:
    """Return the most memory that a process has held, without files that it has mapped."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    sizes = {
        line.split()[0]: float(line.split()[1]) / 1024 for line in lines if line.endswith("kB")
    }
    return sizes.get("RssAnon:", 0.0)


def digest(directory: Path) -> str:
    """Return a hash of the ids and spikes of a dataset."""
    from sensoryforge.analysis.results import load

    total, results = sha256(), load(directory)
    for stimulus in results:
        total.update(str(stimulus["id"]).encode())
        total.update(
            stimulus["sa_spikes"].numpy().tobytes() + stimulus["ra_spikes"].numpy().tobytes()
        )
    return total.hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description="Interrupt a long run.")
    parser.add_argument("--stimuli", type=int, default=100_000)
    parser.add_argument("--format", default="hdf5")
    parser.add_argument("--seed", type=int, default=0)
    found = parser.parse_args()
    rng, root = random.Random(found.seed), Path(tempfile.mkdtemp(prefix="endurance-"))
    small = Run(root, "small", min(1000, found.stimuli), found.format)
    small.go()
    whole = Run(root, "whole", found.stimuli, found.format)
    code, seconds = whole.go()
    print(
        f"{found.stimuli} stimuli, {found.format}: {seconds:.0f} s uninterrupted, exit code {code}",
        flush=True,
    )
    growth = whole.peak_mb / small.peak_mb - 1
    print(
        f"peak memory {whole.peak_mb:.0f} MB, of 1,000 stimuli {small.peak_mb:.0f} MB: {growth:+.1%}",
        flush=True,
    )
    cut = Run(root, "cut", found.stimuli, found.format)
    spent = 0.0
    for attempt in range(INTERRUPTIONS):
        number = rng.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
        stop_s = rng.uniform(0.3, 1) * seconds / INTERRUPTIONS + 4
        code, took = cut.go(*(["--resume"] if attempt else []), stop_s=stop_s, number=number)
        spent += took
        print(f"  {signal.Signals(number).name} after {took:.1f} s: exit code {code}", flush=True)
    code, took = cut.go("--resume")
    print(
        f"resumed: exit code {code}, {spent + took:.0f} s in all, peak memory {cut.peak_mb:.0f} MB",
        flush=True,
    )
    same = digest(cut.output) == digest(whole.output)
    print("the same bits" if same else "FAILED: other bits", flush=True)
    times = []
    for command in ("import sensoryforge as s, sys; s.load(sys.argv[1])", ""):
        begun = time.perf_counter()
        words = ["-c", command] if command else ["-m", "sensoryforge", "show"]
        subprocess.run(
            [sys.executable, *words, str(cut.output)], check=True, stdout=subprocess.DEVNULL
        )
        times.append(time.perf_counter() - begun)
    print(
        f"sensoryforge.load in a new process: {times[0]:.2f} s; sensoryforge show: {times[1]:.2f} s",
        flush=True,
    )
    shutil.rmtree(root, ignore_errors=True)
    flat = found.format != "hdf5" or growth < ALLOWED_GROWTH
    return 0 if same and code == 0 and flat and times[1] < SHOW_S else 1


if __name__ == "__main__":
    sys.exit(main())
