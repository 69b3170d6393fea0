"""The Triton backend gives the torch backend's bits: in Triton's interpreter here, on a card where there is one.

The PTX of every kernel is read without a card: nothing in it is fused, approximate or flushed to zero.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers import warm
from helpers.blocks import load, needed_substeps, shipped
from helpers.experiments import SHEET
from hypothesis import given, settings
from hypothesis import strategies as st
from test_numba_kernel import (
    FILTERS,
    IZHIKEVICH,
    MODELS,
    SA,
    afferents,
    assert_equal,
    dense,
    separable,
    stem,
    traces,
)  # fmt: skip
from test_random_equations import random_blocks
from torch import Tensor

from sensoryforge.config.reading import check, compose
from sensoryforge.core.errors import ConfigError, SensoryForgeError
from sensoryforge.equations.block import Block
from sensoryforge.simulation.encoder import Encoder
from sensoryforge.simulation.kernels import Afferents, Drive, Output, kernel, unpack_spikes
from sensoryforge.simulation.kernels.noise import keys

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]


@pytest.fixture(scope="module", autouse=True)
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the kernels' text in a folder of this module's own; without a card, conftest has the interpreter on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENSORYFORGE_CACHE", str(tmp_path_factory.mktemp("kernels")))
        yield


def compare(a: Afferents, drive: Drive, *, noise: bool = False) -> Output:
    """Run both backends, expect equal bits, return Triton's output."""
    key = keys(range(len(drive.rows)), "sa") if noise else None
    there = {n: v.to(DEVICE) for n, v in vars(drive).items() if isinstance(v, Tensor)}
    ours = kernel("triton")(a, replace(drive, **there), key, traces(a))
    back = {n: v.cpu() for n, v in ours.traces.items()}
    ours = Output(
        ours.finite.cpu(),
        None if ours.spikes is None else unpack_spikes(ours.spikes.cpu(), drive.samples),
        back,
    )
    assert_equal(ours, kernel("torch")(a, drive, key, traces(a)))
    return ours


@pytest.mark.parametrize(
    ("filter", "model"), [(f, m) for f in FILTERS for m in MODELS if f or m], ids=stem
)
def test_every_filter_and_model_has_the_bits_of_torch(
    filter: Path | None, model: Path | None
) -> None:
    blocks = load(filter) if filter else None, load(model) if model else None
    needed = max(needed_substeps(block, 0.5) for block in blocks if block)
    a = afferents(*blocks, noise_std=2.0, substeps=max(2, needed))
    samples = 27 if needed < 50 else 9  # without a card the steps are interpreted one by one
    out = compare(a, separable([0, 1], 1, samples, 65), noise=True)
    assert out.finite.all()


def test_a_long_run_spikes_as_torch_does() -> None:
    out = compare(
        afferents(SA, IZHIKEVICH, noise_std=2.0), separable([0, 1, 2], 2, 203, 60), noise=True
    )
    assert out.spikes is not None
    assert int(out.spikes.sum()) > 10


@pytest.mark.parametrize("samples", [1, 7, 8, 9, 16])
@pytest.mark.parametrize("neurons", [1, 3, 129])
def test_any_number_of_neurons_and_samples(neurons: int, samples: int) -> None:
    compare(
        afferents(SA, IZHIKEVICH, noise_std=2.0),
        separable([0, 1, 0], 2, samples, neurons),
        noise=True,
    )


@pytest.mark.parametrize("noise", [False, True])
def test_dense_drives(noise: bool) -> None:
    compare(
        afferents(SA, IZHIKEVICH, noise_std=2.0, substeps=2),
        dense([1, 1, 0, 2], 33, 20),
        noise=noise,
    )


@pytest.mark.parametrize("model", ["izhikevich", "adex", "lif"])
def test_parameters_that_differ_between_neurons(model: str) -> None:
    a = afferents(SA, shipped("model", model), varied=21, substeps=2, dt_ms=0.3)
    compare(a, separable([0, 1], 1, 33, 21))


def test_a_neuron_that_overflows_is_reported_as_torch_reports_it() -> None:
    drive = separable([0, 1, 2], 1, 23, 20)
    assert drive.space is not None
    drive.space[1, 0, 3] = 3e38
    assert compare(afferents(SA, IZHIKEVICH), drive).finite.tolist() == [True, False, True]


@pytest.mark.slow
@settings(max_examples=4, derandomize=True, deadline=None)
@given(random_blocks("filter", 8), random_blocks("model", 8), st.booleans())
def test_random_equations_have_the_bits_of_torch(filter: Block, model: Block, varied: bool) -> None:
    a = afferents(filter, model, varied=9 * varied, gain=1.0, noise_std=1.0)
    compare(a, dense([0, 1], 9, 9), noise=True)


QUICK = (*SHEET, "pipeline.duration_ms=12")


@pytest.mark.slow
def test_an_experiment_has_the_spikes_of_the_other_backends() -> None:
    experiment = check(compose(*QUICK, "stimuli.amplitude=[20, 60]", "stimuli.repetitions=2"))
    whole = Encoder(experiment, "numba")([(0, 4)])
    ours = Encoder(experiment, "triton").to(DEVICE)([(0, 4)])
    assert whole.arrays["ra_spikes"].any()
    for name, array in whole.arrays.items():
        assert torch.equal(ours.arrays[name], array), name


def test_a_chunk_that_does_not_fit_the_memory_is_halved_and_those_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    experiment = check(compose(*QUICK, "stimuli.amplitude=[20, 60]", "stimuli.repetitions=5"))
    whole = Encoder(experiment, "numba")([(0, 3), (4, 10)])
    asked: list[int] = []

    def small(backend: str) -> object:
        def run(afferents: Afferents, drive: Drive, *more: object) -> Output:
            asked.append(len(drive.rows))
            if len(drive.rows) > most:
                raise torch.OutOfMemoryError
            return kernel("numba")(afferents, drive, *more)  # type: ignore[arg-type]

        return run

    most = 3
    monkeypatch.setattr("sensoryforge.simulation.encoder.kernel", small)
    encoder = Encoder(experiment, "numba")
    for _ in range(2):
        cut = encoder([(0, 3), (4, 10)])
        for name, array in whole.arrays.items():
            assert torch.equal(cut.arrays[name], array), name
    assert asked[:3] == [9, 9, 4]  # once more, for what an earlier chunk may hold
    assert set(asked[3:]) == {4, 1, 2}
    most = 0
    with pytest.raises(
        SensoryForgeError,
        match=r"stimulus 0: does not fit the memory of cpu; set pipeline.device: cpu",
    ):
        encoder([(0, 1)])


PROGRAM = """
import json, sys
sys.path.insert(0, {tests!r})
sys.path.insert(0, {tests!r} + "/simulation")
import test_numba_kernel as t
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, compile
from sensoryforge.simulation.kernels import cache, triton_kernel, triton_writer
from sensoryforge.simulation.kernels.prepared import Prepared
from sensoryforge.simulation.kernels.noise import keys

types = dict.fromkeys(("space", "time", "times", "shared", "each", "initial", "traces"), "*fp32")
types |= {{"rows": "*i64", "keys": "*i64", "spikes": "*u8", "finite": "*u8"}}
types |= dict.fromkeys(("stimuli", "samples", "neurons"), "i32") | {{"BLOCK": "constexpr"}}
texts = {{}}
for filter in t.FILTERS:
    for model in t.MODELS:
        if filter is None and model is None:
            continue
        a = t.afferents(t.load(filter) if filter else None, t.load(model) if model else None, noise_std=1.0, substeps=5)
        made = Prepared(a, t.separable([0], 1, 4, 3), keys([0], "sa"), ())
        function = cache.load(triton_writer.write(made.plan, made.differing).text, "triton")
        source = ASTSource(function, {{n: types[n] for n in function.arg_names}}, {{"BLOCK": triton_kernel.LANES}})
        texts[f"{{filter and filter.stem}}-{{model and model.stem}}"] = compile(
            source, target=GPUTarget("cuda", 90, 32), options=triton_kernel.OPTIONS
        ).asm["ptx"]
for name, d, more in (("dense", t.dense([0], 4, 3), ("v", "drive")), ("two terms", t.separable([0], 2, 4, 3), ("u",))):
    made = Prepared(t.afferents(t.SA, t.IZHIKEVICH, varied=3, noise_std=1.0), d, keys([0], "sa"), more)
    function = cache.load(triton_writer.write(made.plan, made.differing).text, "triton")
    source = ASTSource(function, {{n: types[n] for n in function.arg_names}}, {{"BLOCK": triton_kernel.LANES}})
    texts[name] = compile(source, target=GPUTarget("cuda", 90, 32), options=triton_kernel.OPTIONS).asm["ptx"]
sys.path.insert(0, {benchmarks!r})
from gpu import multiply_and_add
types = {{"out": "*fp32", "rounds": "constexpr", "BLOCK": "constexpr"}}
source = ASTSource(multiply_and_add, types, {{"rounds": 9, "BLOCK": 128}})
texts["none-rate"] = compile(source, target=GPUTarget("cuda", 90, 32), options=triton_kernel.OPTIONS).asm["ptx"]
json.dump(texts, sys.stdout)
"""
FLOAT = re.compile(
    r"\b(?:add|sub|mul|div|sqrt|rcp|rsqrt|fma|mad|ex2|lg2|sin|cos|tanh|neg|abs)\.[\w.]*f(?:16|32|64)[\w.]*"
)
EXACT = {
    "add.rn.f32",
    "sub.rn.f32",
    "mul.rn.f32",
    "div.rn.f32",
    "sqrt.rn.f32",
    "neg.f32",
    "abs.f32",
}
EXACT |= {"add.rn.f32x2", "mul.rn.f32x2"}  # two at a time, on cards of the generation after


@pytest.mark.slow
def test_the_ptx_of_every_kernel_rounds_each_operation_and_fuses_none(tmp_path: Path) -> None:
    environment = {n: v for n, v in os.environ.items() if n != "TRITON_INTERPRET"}
    environment |= {
        "SENSORYFORGE_CACHE": str(tmp_path),
        "TRITON_CACHE_DIR": str(tmp_path / "triton"),
    }
    code = PROGRAM.format(tests=str(Path(__file__).parents[1]), benchmarks=str(BENCHMARKS))
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    texts: dict[str, str] = json.loads(done.stdout)
    assert len(texts) == (len(FILTERS) * len(MODELS)) - 1 + 3
    for name, text in texts.items():
        used = set(FLOAT.findall(text))
        assert used <= EXACT, (name, used - EXACT)
        assert {"mul.rn.f32", "add.rn.f32"} <= used or name == "none-None"
        assert not re.search(r"\.(ftz|approx|full)\b", text), name
    assert "div.rn.f32" in texts["sa-izhikevich"]
    assert "sqrt.rn.f32" in texts["sa-izhikevich"]


@pytest.mark.skipif(DEVICE == "cuda", reason="there is a card")
def test_without_a_card_the_backend_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET")
    drive = dense([0], 3, 2)
    with pytest.raises(ConfigError, match="the triton backend runs on a GPU, use backend numba"):
        kernel("triton")(afferents(SA, IZHIKEVICH), drive, None)
    with pytest.raises(ConfigError, match=r"^pipeline.backend: got 'triton', which runs on a GPU"):
        check(compose("pipeline.backend=triton"))


def test_float64_is_left_to_torch() -> None:
    drive = Drive(torch.tensor([0]), frames=torch.zeros(1, 4, 3, dtype=torch.float64))
    with pytest.raises(ConfigError, match="use backend torch"):
        kernel("triton")(afferents(SA, IZHIKEVICH), drive, None)


@pytest.mark.slow
def test_the_benchmark_of_a_gpu_runs_and_its_spikes_are_those_of_the_cpu() -> None:
    done = subprocess.run(
        [warm.python(), str(BENCHMARKS / "gpu.py"), "--tiny"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("|")]
    assert [int(row[0]) for row in rows[2:]] == [1, 5]
    assert all(float(row[3]) > 0 and float(row[4]) > 0 for row in rows[2:])
    assert "seventh dataset, from prompt to prompt" in done.stdout
