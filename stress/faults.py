"""Kills batch runs, resumes them, and compares the dataset bit for bit with an uninterrupted one.

    python stress/faults.py --rounds 200     # at random times, with random signals
    python stress/faults.py --points         # SIGKILL, and the others in turn, at every named point
    python stress/faults.py --cold 40        # fresh processes: also while Python is still importing

A round is a dataset: it is begun, ended one to three times by a signal, and resumed until it is done. The command runs
in forks of a process that has everything imported, so that the kills fall into the work and not into imports. Every
other round runs in hdf5, every other pair with one thread.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from sensoryforge.analysis.results import load
from sensoryforge.commands import cli
from sensoryforge.simulation.encoder import Encoder
from sensoryforge.store import files

FREQUENCY = 8
STIMULI = 40
FILE = f"""
batch: {{checkpoint_frequency: {FREQUENCY}}}
pipeline: {{grid_size: 12, duration_ms: 30}}
neurons: {{sa_neurons: 5, ra_neurons: 7}}
stimuli:
  - {{type: gaussian, amplitude: [10, 20, 30, 40], sigma: [0.3, 0.6], repetitions: 3}}
  - {{type: step, amplitude: [10, 20, 30, 40], step_time: 5, repetitions: 4}}
"""
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
SETTINGS = tuple((form, workers) for form in ("pytorch", "hdf5") for workers in ("1", "auto"))
GENTLE_S = 30.0
"""A command that takes longer hangs."""


class BrokenPromiseError(Exception):
    """A round that broke a promise."""


@dataclass
class Place:
    """A directory of one round: its batch file, its dataset, what it said, and which stimuli it computed."""

    root: Path
    form: str
    workers: str
    words: list[str] = field(default_factory=list)

    @property
    def output(self) -> Path:
        return self.root / "out"

    def arguments(self, resume: bool) -> list[str]:
        file = self.root / "batch.yml"
        if not file.exists():
            self.root.mkdir(parents=True, exist_ok=True)
            file.write_text(FILE)
        words = [
            "batch",
            str(file),
            f"batch.output_dir={self.output}",
            f"batch.format={self.form}",
            f"batch.num_workers={self.workers}",
        ]
        if resume:
            words.append("--resume")
        return words

    @property
    def log(self) -> Path:
        return self.root / "computed"

    def computed(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def said(self) -> str:
        said = self.root / "said"
        return said.read_text(errors="replace") if said.exists() else ""


def forked(place: Place, resume: bool, crash: Callable[[str], None] | None = None) -> int:
    """Start the command in a fork and return its process id."""
    arguments = place.arguments(resume)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS[1:])
    process = os.fork()
    if process:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS[1:])
        return process
    for number in SIGNALS[1:]:  # as they are for a process that has not come to Python yet
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS[1:])
    handle = os.open(place.root / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(handle, stream)
    faulthandler.dump_traceback_later(GENTLE_S, exit=True, file=handle)
    tqdm.set_lock(threading.RLock())  # the parent's is shared by its forks: a killed one keeps it
    _log_what_is_computed(place.log)
    files.crash_point = crash or files.crash_point
    code = 70
    try:
        code = cli.main(arguments)
    except SystemExit as end:
        code = int(str(end.code))
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def _log_what_is_computed(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    forward = Encoder.forward

    def logging(encoder: Encoder, ranges: Sequence[tuple[int, int]]) -> Any:
        os.write(handle, b"." * sum(stop - start for start, stop in ranges))
        return forward(encoder, ranges)

    Encoder.forward = logging  # type: ignore[method-assign]


def ended(process: int) -> int:
    """Return how a process ended: its exit code, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def digest(directory: Path) -> str:
    """Return a hash of every stimulus of a dataset, entries and bits."""
    total = sha256()
    for stimulus in load(directory):
        for key in sorted(stimulus):
            value = stimulus[key]
            total.update(key.encode())
            is_array = isinstance(value, torch.Tensor)
            total.update(value.numpy().tobytes() if is_array else repr(value).encode())
    return total.hexdigest()


def finished(place: Place, expected: str, kills: int) -> int:
    """Resume until done; return how many stimuli were computed again, or raise what broke."""
    if code := ended(forked(place, resume=True)):
        raise BrokenPromiseError(f"resume ended with {code}: {place.said()}")
    if digest(place.output) != expected:
        raise BrokenPromiseError("the dataset differs from an uninterrupted one")
    rest = sorted(path.name for path in place.output.iterdir())
    if len(rest) != 3:  # checkpoint, results, and their table of stimuli
        raise BrokenPromiseError(f"rests are left behind: {rest}")
    again = place.computed() - STIMULI
    if not 0 <= again <= kills * FREQUENCY:
        raise BrokenPromiseError(f"{again} stimuli were computed again after {kills} kills")
    return again


def killed(place: Place, resume: bool, number: int, after_s: float, twice_s: float | None) -> int:
    """Start the command, send it a signal after a time, and again if wanted; return how it ended."""
    process = forked(place, resume)
    time.sleep(after_s)
    for pause in (0.0, twice_s):
        if pause is not None:
            time.sleep(pause)
            os.kill(process, number)
    code = ended(process)
    if twice_s is not None and code == -number and place.said().count("Interrupted: ") == 1:
        return code  # the second came when the command had ended and the process had not
    check_end(code, number, place.said())
    return code


def check_end(code: int, number: int, said: str) -> None:
    """Raise unless a command ended as the signal, or its own end, wants it."""
    if code == 0 or (number == signal.SIGKILL and code == -number):
        return
    if "Traceback" in said or "Exception ignored" in said:
        raise BrokenPromiseError(f"{signal.Signals(number).name}: a traceback\n{said}")
    before = code == -number and not said.strip()  # it came before there was a handler
    if not before and (code != 128 + number or "Interrupted: " not in said):
        raise BrokenPromiseError(
            f"{signal.Signals(number).name}: ended with {code}, saying {said!r}"
        )


def at_random(rounds: int, seed: int, root: Path) -> Iterator[str]:
    """Kill at random times, and yield the lines of the report."""
    rng, table = random.Random(seed), Counter[str]()
    expected, length_s = reference(root)
    for number in range(rounds):
        place = Place(root / f"round_{number}", *SETTINGS[number % 4])
        kills = 0
        for attempt in range(rng.randint(1, 3)):
            sent = rng.choice(SIGNALS)
            twice = None
            if sent != signal.SIGKILL and rng.random() < 0.4:
                twice = rng.uniform(0, 0.03)
            code = killed(place, attempt > 0, sent, rng.uniform(0, length_s), twice)
            kills += code != 0
            table[signal.Signals(sent).name if code else "came too late"] += 1
        table["computed again"] += finished(place, expected[place.form], kills)
        table["kills"] += kills
        shutil.rmtree(place.root)
    outcomes = [*(sent.name for sent in SIGNALS), "came too late"]
    counts = ", ".join(f"{table[name]} {name}" for name in outcomes)
    yield f"{rounds} rounds, {table['kills']} kills: {counts}"
    yield f"stimuli lost: 0; computed again: {table['computed again']}, at most {FREQUENCY} a kill"
    yield "every dataset equal, bit for bit, to an uninterrupted one"


def reference(root: Path) -> tuple[dict[str, str], float]:
    """Return the digest of an uninterrupted dataset in each format, and how long a run takes."""
    expected, times = {}, []
    for form, workers in SETTINGS:
        place, begun = Place(root / f"whole_{form}_{workers}", form, workers), time.perf_counter()
        if code := ended(forked(place, resume=False)):
            raise BrokenPromiseError(f"an uninterrupted run ended with {code}: {place.said()}")
        times.append(time.perf_counter() - begun)
        expected[form] = digest(place.output)
    if len(set(expected.values())) != 1:
        raise BrokenPromiseError("the formats differ")
    return expected, max(times)


def at_points(root: Path, step: int) -> Iterator[str]:
    """Send signals at each named point, the first and the last time that it is passed; ``step`` takes some of these.

    SIGKILL at every one, and the other signals in turn.
    """
    expected, _ = reference(root)
    again, table = 0, Counter[str]()
    names: set[str] = set()
    for form, workers in SETTINGS:
        passed = recorded(Place(root / f"recorded_{form}_{workers}", form, workers))
        names.update(passed)
        first = {name: point for point, name in reversed(list(enumerate(passed)))}
        last = {name: point for point, name in enumerate(passed)}
        ends = sorted({*first.values(), *last.values()})
        for turn, point in enumerate(ends[::step]):
            for sent in (signal.SIGKILL, SIGNALS[1 + turn % 3]):
                place = Place(root / f"{form}_{workers}_{point}_{sent}", form, workers)
                code = ended(forked(place, False, _at(point, sent)))
                if sent == signal.SIGKILL and code != -sent:
                    raise BrokenPromiseError(
                        f"{passed[point]} was not reached: ended with {code}, {place.said()}"
                    )
                check_end(code, sent, place.said())
                again += finished(place, expected[form], 1)
                table[sent.name if code else "came too late"] += 1
                shutil.rmtree(place.root)
    yield f"{table.total()} signals inside {len(names)} named points: {', '.join(sorted(names))}"
    yield ", ".join(f"{count} {name}" for name, count in table.items())
    yield f"stimuli lost: 0; computed again: {again}, at most {FREQUENCY} a signal"


def _at(point: int, sent: int) -> Callable[[str], None]:
    left = [point]

    def crash_point(name: str) -> None:
        left[0] -= 1
        if left[0] == -1:
            os.kill(os.getpid(), sent)

    return crash_point


def recorded(place: Place) -> list[str]:
    """Return the names of the points that a run passes."""
    read, write = os.pipe()
    if ended(forked(place, False, lambda name: os.write(write, name.encode() + b"\n") and None)):
        raise BrokenPromiseError(place.said())
    os.close(write)
    with os.fdopen(read) as stream:
        return stream.read().split()


def cold(rounds: int, seed: int, root: Path) -> Iterator[str]:
    """Send signals to fresh processes at any time from their start to their end."""
    rng, table = random.Random(seed), Counter[str]()
    expected, _ = reference(root)
    length_s = 0.0
    for number in range(rounds + 1):
        place = Place(root / f"cold_{number}", *SETTINGS[number % 4])
        begun = time.perf_counter()
        with (root / "said").open("w") as said:
            command = [sys.executable, "-m", "sensoryforge", *place.arguments(False)]
            process = subprocess.Popen(command, stdout=said, stderr=said)
            if number:  # the first tells how long it takes
                time.sleep(rng.uniform(0, length_s))
                sent = rng.choice(SIGNALS[1:])
                process.send_signal(sent)
                check_end(process.wait(GENTLE_S), sent, (root / "said").read_text())
                table["finished" if process.returncode == 0 else "ended in order"] += 1
            elif process.wait():
                raise BrokenPromiseError("an uninterrupted run failed")
        length_s = length_s or time.perf_counter() - begun

        if ended(forked(place, resume=True)) or digest(place.output) != expected[place.form]:
            raise BrokenPromiseError(f"not resumed to the same bits: {place.said()}")
    yield f"{rounds} fresh processes: {dict(table)}; no traceback, exit code 128 + signal, same bits after a resume"


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill batch runs and resume them.")
    parser.add_argument("--rounds", type=int, default=0, help="rounds of kills at random times")
    parser.add_argument(
        "--points", action="store_true", help="signals at the named points, first and last passage"
    )
    parser.add_argument("--step", type=int, default=1, help="with --points: every which of them")
    parser.add_argument("--cold", type=int, default=0, help="signals to fresh processes")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="faults-"))
    torch.set_num_threads(1)  # a fork must not inherit a pool of threads
    warm = Place(root / "warm", "hdf5", "1")
    reports: list[Iterator[str]] = []
    if asked.rounds:
        reports.append(at_random(asked.rounds, asked.seed, root / "random"))
    if asked.points:
        reports.append(at_points(root / "points", asked.step))
    if asked.cold:
        reports.append(cold(asked.cold, asked.seed, root / "cold"))
    try:
        cli.main([*warm.arguments(False), "batch.num_workers=1"])
        for report in reports:
            begun = time.perf_counter()
            for line in report:
                print(line, flush=True)
            print(f"{time.perf_counter() - begun:.0f} s", flush=True)
    except BrokenPromiseError as problem:
        print(f"FAILED: {problem}", flush=True)
        return 1
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
