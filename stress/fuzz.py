"""Feeds damaged files and expressions to everything that reads them: none may end in a traceback, a crash or a hang.

    python stress/fuzz.py                    # 10,000 mutations
    python stress/fuzz.py --mutations 100    # fewer, shared out in the same proportions

The readers run in forks, with an alarm that kills them when one mutation takes too long and a limit on memory; a fork
that dies tells which mutation it was at. What is counted as refused ended in one line for the user.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
import yaml
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from strategies import (
    EXTREMES,
    Damage,
    changed_trees,
    conditions,
    damaged,
    damages,
    examples,
    expressions,
    spliced,
)

from sensoryforge.analysis.results import load
from sensoryforge.commands import cli
from sensoryforge.config.reading import check_batch_file
from sensoryforge.core.errors import SensoryForgeError
from sensoryforge.equations.block import Block, Kind
from sensoryforge.running.dry_run import dry_run
from sensoryforge.simulation.encoder import Encoder
from sensoryforge.simulation.one_block import simulate
from sensoryforge.store.checkpoint import scan

T = TypeVar("T")
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
    ".", ":", ":=", "=", "where(", "min(", "exp(", "log(", "sqrt(", "abs(", "tanh(", "cos(", "sin(", "__import__('os')", "eval(",
    "v.real", "(" * 200, ")" * 200, "-" * 300, "9" * 5000, "\\", "\n", "\x00", "é", "…", "#", "@", "await",
    "yield", "*v", "f'{v}'", "v" * 5000,
)  # fmt: skip
NO_TEXTS: tuple[Any, ...] = (
    None, True, float("nan"), 10**400, [], {}, {"mean": "x"}, b"v", -0.0,
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
    "innervation": {"_target_": "sensoryforge.skin.innervation.Gaussian", "sigma_mm": 0.4, "connections": 5},
}  # fmt: skip


@dataclass(frozen=True)
class Target(Generic[T]):
    """Something that reads: its share of the mutations, what they are, and what it does with one."""

    name: str
    share: float
    mutations: SearchStrategy[T]
    feed: Callable[[T, Path], None]


def dataset(name: str, form: str, root: Path, share: float) -> Target[Any]:
    """Return a directory one of whose files is damaged, read as far as a user would look."""
    good = root / form
    data = (good / name).read_bytes()
    # The results file tells what a damaged checkpoint no longer does, unless it is missing too.
    alone = st.booleans() if name == "checkpoint.pt" else st.just(False)

    def feed(mutation: tuple[list[Damage], bool], folder: Path) -> None:
        damage, without_results = mutation
        for file in good.iterdir():
            if file.is_file() and not (without_results and file.name != name):
                shutil.copy(file, folder)
        (folder / name).unlink()
        (folder / name).write_bytes(damaged(data, damage))
        try:
            scan(folder)
        finally:
            results = load(folder)
            for place in range(len(results)):
                results[place]
            assert len(results.table) == len(results)
            assert results.metadata

    return Target(name, share, st.tuples(damages(len(data)), alone), feed)


def read_text(mutation: tuple[str, list[Damage]], folder: Path) -> None:
    """Read a batch file whose text is damaged."""
    text, damage = mutation
    path = folder / "batch.yml"
    path.write_bytes(damaged(text.encode("utf-8", "surrogatepass"), damage))
    check_batch_file(path)


def read_tree(tree: dict[str, Any], folder: Path) -> None:
    """Read a batch file some of whose values or keys are others; encode a few stimuli of one that is accepted."""
    path = folder / "batch.yml"
    path.write_text(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False))
    os.chdir(folder)
    experiment = check_batch_file(path)
    batch = replace(experiment.batch, output_dir=folder / "out", resume=False)
    dry_run(replace(experiment, batch=batch))
    counts = sum(population.count for population in experiment.populations.values())
    sheet = experiment.sheet.rows * experiment.sheet.columns
    if max(experiment.samples * experiment.substeps, 10 * counts, sheet) <= 5000:
        encoded = Encoder(experiment, "torch")([(0, min(3, len(experiment.design)))])
        assert all(len(array) for array in encoded.arrays.values())


@dataclass(frozen=True)
class Equations:
    """A filter or a model, and the drive that it runs on for a few samples."""

    kind: Kind
    block: dict[str, Any]
    dtype: torch.dtype
    scale: float


@st.composite
def random_equations(draw: st.DrawFn) -> Equations:
    """Return equations that the grammar allows; in three of ten a value or a key is changed."""
    kind: Kind = draw(st.sampled_from(("filter", "model")))
    literals = st.sampled_from(EXTREMES)
    names = ["v", "u", "I", "t", "dt", "k"]
    if kind == "filter":
        names.append("dI")
    numbers = expressions(*names, literals=literals)
    block: dict[str, Any] = {
        "states": {
            "v": draw(expressions("a", "k", literals=literals)),
            "u": draw(expressions("a", "k", "v", literals=literals)),
        },
        "derivatives": {"v": draw(numbers), "u": draw(numbers)},
        "parameters": {
            "a": draw(st.sampled_from((0.02, 1e30, {"mean": 1.0, "std": 2.0}))),
            "k": draw(st.sampled_from((-3, 0, {"low": 0, "high": 1}))),
        },
    }
    if kind == "filter":
        block["output"] = draw(numbers)
    else:
        block["threshold"] = draw(conditions(numbers))
        block["reset"] = {"v": draw(numbers)}
    if draw(st.integers(0, 9)) < 3:
        block = draw(changed_trees(block))
    dtype = draw(st.sampled_from((torch.float32, torch.float64)))
    return Equations(kind, block, dtype, draw(st.sampled_from((1.0, 1e30, 0.0))))


def run_equations(equations: Equations, folder: Path) -> None:
    """Run a filter or a model for a few samples."""
    del folder
    generator = torch.Generator().manual_seed(0)
    drive = torch.rand(2, 4, 3, dtype=equations.dtype, generator=generator) * equations.scale
    block = Block.from_config(equations.kind, equations.block, "fuzzed")
    out = simulate(block, drive, 0.1, record=[*equations.block["states"]])
    assert all(array.shape == drive.shape for array in out.values())


@st.composite
def broken_models(draw: st.DrawFn) -> dict[str, Any]:
    """Return a model with a part replaced by words of the grammar, or not of it."""
    block = deepcopy(MODEL)
    words = draw(st.lists(st.sampled_from(GRAMMAR), min_size=1, max_size=12))
    text: Any = draw(st.sampled_from((" ", ""))).join(words)
    if draw(st.booleans()):
        equation = MODEL["derivatives"]["v"]
        place = draw(st.integers(0, len(equation) - 1))
        removed = draw(st.integers(0, 5))
        text = equation[:place] + text + equation[place + removed :]
    if draw(st.integers(0, 9)) == 0:
        text = draw(st.sampled_from(NO_TEXTS))
    key = draw(st.sampled_from((*MODEL, "output", "nothing")))
    inside = isinstance(block.get(key), dict) and draw(st.integers(0, 9)) > 0
    if inside:
        block[key][draw(st.sampled_from((*block[key], "w")))] = text
    else:
        block[key] = text
    return block


def read_model(block: dict[str, Any], folder: Path) -> None:
    """Check a block of equations."""
    del folder
    Block.from_config("model", block, "fuzzed")


def outcomes(target: Target[T], mutations: Sequence[T], root: Path) -> Iterator[str]:
    """Feed mutations in forks; yield how each ended: ``read``, ``refused`` or what went wrong."""
    number = 0
    while number < len(mutations):
        read, write = os.pipe()
        process = os.fork()
        if not process:
            os.close(read)
            _feed_all(target, mutations[number:], root, write)
        os.close(write)
        with os.fdopen(read, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                yield line.strip()
                number += 1
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if number < len(
            mutations
        ):  # the fork died at this one, and the next fork goes on behind it
            hung = code == -signal.SIGALRM
            yield f"took more than {LIMIT_S} s" if hung else f"the process died ({code})"
            number += 1


def _feed_all(target: Target[T], mutations: Sequence[T], root: Path, write: int) -> None:
    """In a fork: feed mutations one after the other, and report each; ends the process."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    for mutation in mutations:
        signal.alarm(LIMIT_S)
        folder = Path(tempfile.mkdtemp(dir=root))
        os.write(write, _outcome(target, mutation, folder).encode(errors="replace") + b"\n")
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _outcome(target: Target[T], mutation: T, folder: Path) -> str:
    """Feed one mutation, and return how it ended."""
    try:
        target.feed(mutation, folder)
    except SensoryForgeError as error:
        long = any(len(line) >= 4000 for line in str(error).splitlines())
        return "a line without end" if long else "refused"
    except BaseException:
        return traceback.format_exc().replace("\n", " | ")
    return "read"


def prepared(root: Path) -> list[Target[Any]]:
    """Make small datasets, and return what is fuzzed."""
    for form in ("pytorch", "hdf5"):
        path = root / f"{form}.yml"
        path.write_text(
            FILE.replace("output_dir: out", f"output_dir: {root / form}").replace("pytorch", form)
        )
        cli.main(["batch", str(path), "batch.num_workers=1"])
    some_damage = st.just([]) | st.just([]) | damages(len(FILE))
    return [
        dataset("results.pt", "pytorch", root, 0.18),
        dataset("results.h5", "hdf5", root, 0.18),
        dataset("checkpoint.pt", "hdf5", root, 0.16),
        Target(
            "text of a batch file", 0.08, st.tuples(spliced(FILE, WORDS), some_damage), read_text
        ),
        Target("values of a batch file", 0.15, changed_trees(TREE), read_tree),
        Target("text of equations", 0.10, broken_models(), read_model),
        Target("equations that run", 0.15, random_equations(), run_equations),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Feed damaged files to the readers.")
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="one target")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    root = Path(tempfile.mkdtemp(prefix="fuzz-"))
    bad = 0
    for target in prepared(root):
        if asked.only and target.name != asked.only:
            continue
        begun = time.perf_counter()
        count = max(1, round(asked.mutations * target.share))
        mutations = examples(target.mutations, count, f"{asked.seed}/{target.name}")
        table = {"read": 0, "refused": 0}
        for mutation, outcome in zip(mutations, outcomes(target, mutations, root), strict=True):
            if outcome in table:
                table[outcome] += 1
            else:
                bad += 1
                print(f"FAILED: {target.name}: {outcome[-600:]}\n  {mutation!r:.2000}", flush=True)
        ended = f"{table['refused']} refused in one line each, {table['read']} read"
        seconds = time.perf_counter() - begun
        print(f"{target.name}: {len(mutations)} mutations, {ended}, {seconds:.0f} s", flush=True)
    shutil.rmtree(root, ignore_errors=True)
    print(
        "none ended in a traceback, a crash or a hang" if not bad else f"{bad} FAILED", flush=True
    )
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())
