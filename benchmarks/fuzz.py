"""Feeds damaged files and expressions to everything that reads them: none may end in a traceback, a crash or a hang.

    python benchmarks/fuzz.py                    # 10,000 mutations
    python benchmarks/fuzz.py --mutations 100    # fewer, shared out in the same proportions

The readers run in forks, with an alarm that kills them when one mutation takes too long and a limit on memory; a fork
that dies tells which mutation it was at. What is counted as refused ended in one line for the user.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mutations
import torch
import yaml

from sensoryforge import cli
from sensoryforge.batch import dry_run
from sensoryforge.config import check_batch_file
from sensoryforge.encoder import Encoder
from sensoryforge.equations import Block, Kind
from sensoryforge.errors import SensoryForgeError
from sensoryforge.simulate import simulate
from sensoryforge.store.checkpoint import scan
from sensoryforge.store.results import load

LIMIT_S = 20
MEMORY = 8 << 30
FILE = """
defaults: []
batch: {output_dir: out, format: pytorch, checkpoint_frequency: 10, save: []}
pipeline: &sheet {device: cpu, grid_size: [12, 10], duration_ms: 30.0, dt_ms: 0.5, seed: 3}
neurons:
  sa_neurons: 5
  populations:
    sa: {noise_std: 0.5, model: {parameters: {a: {mean: 0.02, std: 0.001}}}}
    ra: {filter: none, innervation: {sigma_mm: 0.4}}
stimuli:
  - {type: gaussian, amplitude: [10, 20.5, 3e1], sigma: 0.5, repetitions: 2}
  - {type: step, amplitude: 20, step_time: [5, 10], hold_ms: .inf}
"""
WORDS = (
    "null", "~", "true", "-1", "0", "1e999", ".nan", ".inf", "9" * 400, "''", "[]", "{}", "[[1, 2], [3]]",
    "{a: 1}", "???", "${batch}", "${", "${oc.env:HOME}", "!!python/name:os.system", "!!binary aGk=", "!!set {a}",
    "2020-01-01", "2020-99-99", "&a [*a]", "*a", "*sheet", "<<: *sheet", "|", ">", "? [1]", "\x00", "\u2028",
    "../../etc/passwd", "é", "0x10", "1_0", "12:30:45", "!!float x", "!!int 1.5", "1", "2", "7", "20.0", " ", "  ",
    "\n", "a", "# x", "@", "`", "%", "#", ": ", "- ", "\t", "\ufeff",
)  # fmt: skip
GRAMMAR = (
    "v", "u", "I", "t", "dt", "a", "1", "2.5", "v*u", "-a", "(v)", "v + 1", "2*a", "where(v > 1, u, a)",
    "min(v, u)", "1e38", "1e999", "0x1", "1j", "'x'", "True", "None", "+", "-", "*", "/", "**", "%", "//", "<",
    "<=", "==", "!=", "and", "or", "not", "in", "is", "if", "else", "lambda", "(", ")", "[", "]", "{", "}", ",",
    ".", ":", ":=", "=", "where(", "min(", "exp(", "log(", "sqrt(", "abs(", "tanh(", "__import__('os')", "eval(",
    "v.real", "(" * 200, ")" * 200, "-" * 300, "9" * 5000, "\\", "\n", "\x00", "é", "…", "#", "@", "await",
    "yield", "*v", "f'{v}'", "v" * 5000,
)  # fmt: skip
MODEL: dict[str, Any] = {
    "states": {"v": -65.0, "u": "a*v"},
    "derivatives": {"v": "0.04*v**2 + 5*v + 140 - u + I", "u": "a*(b*v - u)"},
    "threshold": "v >= v_peak",
    "reset": {"v": "c", "u": "u + d"},
    "parameters": {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0, "v_peak": 30.0},
}
TREE: dict[str, Any] = yaml.safe_load(FILE) | {"defaults": []}
TREE["neurons"]["populations"]["own"] = {
    "count": 3, "layout": "even", "gain": 2.0, "noise_std": 0.1,
    "model": MODEL,
    "filter": {"states": {"y": 0.0}, "derivatives": {"y": "(k*abs(dI) - y)/tau"}, "output": "y",
               "parameters": {"tau": 3.0, "k": 1.0}},
    "innervation": {"_target_": "sensoryforge.innervation.GaussianInnervation", "sigma_mm": 0.4, "connections": 5},
}  # fmt: skip


@dataclass(frozen=True)
class Target:
    """Something that reads: its share of the mutations, and what it does with one of them."""

    name: str
    share: float
    feed: Callable[[random.Random, Path], None]


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Return bytes with one to four of them flipped, cut out, zeroed, doubled, shuffled or replaced."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(max(1, len(changed)))
        length = rng.choice((1, 2, 4, 8, 64, 512))
        kind = rng.randrange(6)
        if kind == 0:
            changed[place : place + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del changed[place : place + length]
        elif kind == 2:
            changed[place : place + length] = bytes(length)
        elif kind == 3:
            changed[place:place] = changed[place : place + length]
        elif kind == 4:
            changed[place : place + length] = rng.randbytes(length)
        else:
            numbers = (b"\xff" * 8, b"\x7f" + b"\xff" * 7, (1 << 40).to_bytes(8, "little"))
            changed[place : place + 8] = rng.choice(numbers)
    return bytes(changed[: rng.randrange(len(changed))] if rng.random() < 0.1 and changed else changed)


def dataset(name: str, form: str, root: Path) -> Callable[[random.Random, Path], None]:
    """Return what reads a directory whose file ``name`` is damaged, all that a user would look at."""
    good = root / form
    data = (good / name).read_bytes()

    def feed(rng: random.Random, folder: Path) -> None:
        for file in good.iterdir():
            if file.is_file() and (name != "checkpoint.pt" or file.name == "checkpoint.pt" or rng.random() < 0.5):
                shutil.copy(file, folder)
        (folder / name).unlink()
        (folder / name).write_bytes(damaged(data, rng))
        try:
            scan(folder)
        finally:
            results = load(folder)
            for place in range(len(results)):
                results[place]
            assert len(results.table) == len(results)
            assert results.metadata

    return feed


def text(rng: random.Random, folder: Path) -> None:
    """Read a batch file whose text is damaged."""
    text = FILE
    for _ in range(rng.randint(1, 3)):
        place, length = rng.randrange(len(text)), rng.choice((0, 0, 1, 3, 10))
        text = text[:place] + rng.choice(WORDS) + text[place + length :]
    data = text.encode("utf-8", "surrogatepass")
    path = folder / "batch.yml"
    path.write_bytes(damaged(data, rng) if rng.random() < 0.3 else data)
    check_batch_file(path)


def tree(rng: random.Random, folder: Path) -> None:
    """Read a batch file some of whose values or keys are others; encode a few stimuli of one that is accepted."""
    path = folder / "batch.yml"
    path.write_text(yaml.safe_dump(mutations.changed(TREE, rng), allow_unicode=True, sort_keys=False))
    os.chdir(folder)
    experiment = check_batch_file(path)
    dry_run(replace(experiment, batch=replace(experiment.batch, output_dir=folder / "out", resume=False)))
    counts = sum(population.count for population in experiment.populations.values())
    sheet = experiment.sheet.rows * experiment.sheet.columns
    if max(experiment.samples * experiment.substeps, 10 * counts, sheet) <= 5000:
        encoded = Encoder(experiment, "torch")([(0, min(3, len(experiment.design)))])
        assert all(len(array) for array in encoded.arrays.values())


def equations(rng: random.Random, folder: Path) -> None:
    """Run a filter or a model of equations that the grammar allows, some of them damaged, for a few samples."""
    del folder
    kind: Kind = rng.choice(("filter", "model"))
    names = (*mutations.NAMES[:5], "k", *(("dI",) if kind == "filter" else ()))
    block: dict[str, Any] = {
        "states": {"v": mutations.number(rng, ("a", "k")), "u": mutations.number(rng, ("a", "k", "v"))},
        "derivatives": {"v": mutations.number(rng, names), "u": mutations.number(rng, names)},
        "parameters": {
            "a": rng.choice((0.02, 1e30, {"mean": 1.0, "std": 2.0})),
            "k": rng.choice((-3, 0, {"low": 0, "high": 1})),
        },
    }
    if kind == "filter":
        block["output"] = mutations.number(rng, names)
    else:
        block |= {"threshold": mutations.condition(rng, names), "reset": {"v": mutations.number(rng, names)}}
    if rng.random() < 0.3:
        block = mutations.changed(block, rng)
    drive = torch.rand(2, 4, 3, dtype=rng.choice((torch.float32, torch.float64))) * rng.choice((1.0, 1e30, 0.0))
    out = simulate(Block.from_config(kind, block, "fuzzed"), drive, 0.1, record=[*block["states"]])
    assert all(array.shape == drive.shape for array in out.values())


def grammar(rng: random.Random, folder: Path) -> None:
    """Check a block of equations with a part replaced by words of the grammar, or not of it."""
    block = {key: dict(value) if isinstance(value, dict) else value for key, value in MODEL.items()}
    words = [rng.choice(GRAMMAR) for _ in range(rng.randint(1, 12))]
    text: Any = rng.choice((" ", "")).join(words)
    if rng.random() < 0.5:
        base = "0.04*v**2 + 5*v + 140 - u + I"
        place = rng.randrange(len(base))
        text = base[:place] + text + base[place + rng.randrange(6) :]
    if rng.random() < 0.1:
        text = rng.choice((None, True, float("nan"), 10**400, [], {}, {"mean": "x"}, b"v", -0.0))
    key = rng.choice((*MODEL, "output", "nothing"))
    if isinstance(block.get(key), dict) and rng.random() < 0.9:
        block[key][rng.choice((*block[key], "w"))] = text
    else:
        block[key] = text
    Block.from_config("model", block, "fuzzed")


def outcomes(target: Target, first: int, last: int, seed: int, root: Path) -> Iterator[tuple[int, str]]:
    """Run mutations in forks; yield the number of each and how it ended: ``read``, ``refused`` or what went wrong."""
    number = first
    while number < last:
        read, write = os.pipe()
        process = os.fork()
        if not process:
            os.close(read)
            _feed_all(target, number, last, seed, root, write)
        os.close(write)
        with os.fdopen(read, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                yield number, line.strip()
                number += 1
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if number < last:
            hung = code == -signal.SIGALRM
            yield number, f"took more than {LIMIT_S} s" if hung else f"the process died ({code})"
            number += 1


def _feed_all(target: Target, first: int, last: int, seed: int, root: Path, write: int) -> None:
    """In a fork: feed mutations one after the other, and report each; ends the process."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    for number in range(first, last):
        signal.alarm(LIMIT_S)
        folder = Path(tempfile.mkdtemp(dir=root))
        try:
            target.feed(random.Random(f"{seed}/{target.name}/{number}"), folder)
            said = "read"
        except SensoryForgeError as error:
            said = "refused" if all(len(line) < 4000 for line in str(error).splitlines()) else "a line without end"
        except BaseException:
            said = traceback.format_exc().replace("\n", " | ")
        os.write(write, said.encode(errors="replace") + b"\n")
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def prepared(root: Path) -> list[Target]:
    """Make small datasets, and return what is fuzzed."""
    for form in ("pytorch", "hdf5"):
        path = root / f"{form}.yml"
        path.write_text(FILE.replace("output_dir: out", f"output_dir: {root / form}").replace("pytorch", form))
        cli.main(["batch", str(path), "batch.num_workers=1"])
    return [
        Target("results.pt", 0.18, dataset("results.pt", "pytorch", root)),
        Target("results.h5", 0.18, dataset("results.h5", "hdf5", root)),
        Target("checkpoint.pt", 0.16, dataset("checkpoint.pt", "hdf5", root)),
        Target("text of a batch file", 0.08, text),
        Target("values of a batch file", 0.15, tree),
        Target("text of equations", 0.10, grammar),
        Target("equations that run", 0.15, equations),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Feed damaged files to the readers.")
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="one target")
    found = parser.parse_args()
    torch.set_num_threads(1)
    root = Path(tempfile.mkdtemp(prefix="fuzz-"))
    bad = 0
    for target in prepared(root):
        if found.only and target.name != found.only:
            continue
        count, begun = max(1, round(found.mutations * target.share)), time.perf_counter()
        table = {"read": 0, "refused": 0}
        for number, said in outcomes(target, 0, count, found.seed, root):
            if said in table:
                table[said] += 1
            else:
                bad += 1
                print(f"FAILED: {target.name}, mutation {number}: {said[-600:]}", flush=True)
        rest = f"{table['refused']} refused in one line each, {table['read']} read"
        print(f"{target.name}: {count} mutations, {rest}, {time.perf_counter() - begun:.0f} s", flush=True)
    shutil.rmtree(root, ignore_errors=True)
    print("none ended in a traceback, a crash or a hang" if not bad else f"{bad} FAILED", flush=True)
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())
