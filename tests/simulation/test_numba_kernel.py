"""The numba backend gives the torch backend's bits, vectorised, without contraction, compiled once a machine."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.blocks import CONF, is_variant, load, needed_substeps, shipped
from torch import Tensor

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.numerics import uniforms
from sensoryforge.equations.block import Block
from sensoryforge.simulation.kernels import Afferents, Drive, Output, cache, kernel, numba_kernel
from sensoryforge.simulation.kernels.noise import Normals, keys

pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")

FILTERS = [None, *(file for file in sorted(CONF.glob("filter/*.yaml")) if not is_variant(file))]
MODELS = [None, *(file for file in sorted(CONF.glob("model/*.yaml")) if not is_variant(file))]
PAIRS = [(f, m) for f in FILTERS for m in MODELS if f is not None or m is not None]
STIFF_SAMPLES = 103
"""Of what takes a hundred steps a sample; it fires in the first of them."""


def stem(file: object) -> str:
    return file.stem if isinstance(file, Path) else "none" if file is None else str(file)


def _one_of_each(pair: tuple[Path | None, Path | None]) -> bool:
    """Tell of some pairs that they are chosen: together they hold each filter and each model."""
    return FILTERS.index(pair[0]) == MODELS.index(pair[1]) % len(FILTERS)


def _cases() -> list[Any]:
    """Return every pair with one step a sample, and each filter and model twice with five.

    What is too stiff for one step takes as many as it needs, which are more than five.
    """
    needed = {f: needed_substeps(load(f), 0.5) for f in (*FILTERS, *MODELS) if f}
    cases: list[Any] = []
    for pair in PAIRS:
        name = f"{stem(pair[0])}-{stem(pair[1])}"
        marks = () if _one_of_each(pair) else pytest.mark.slow
        steps = max(needed[file] for file in pair if file)
        cases.append(pytest.param(*pair, steps, id=f"{name}-1", marks=marks))
        if steps < 5 and (_one_of_each(pair) or None in pair):
            cases.append(pytest.param(*pair, 5, id=f"{name}-5", marks=pytest.mark.slow))
    return cases


def draw(*shape: int, low: float = 0.0, high: float = 1.0, name: str = "x") -> Tensor:
    values = low + (high - low) * uniforms(0, name, size=int(np.prod(shape)))
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def separable(rows: list[int], terms: int, samples: int, neurons: int) -> Drive:
    """Return a drive that starts, is held, changes and stops."""
    conditions = max(rows) + 1
    time = draw(conditions, terms, samples, high=1.2, name="time").round()
    return Drive(torch.tensor(rows), space=draw(conditions, terms, neurons, high=1.5), time=time)


def dense(rows: list[int], samples: int, neurons: int) -> Drive:
    return Drive(
        torch.tensor(rows), frames=draw(max(rows) + 1, samples, neurons, low=-0.5, high=1.5)
    )


def afferents(
    filter: Block | None, model: Block | None, *, varied: int = 0, **more: Any
) -> Afferents:
    """Return a population; ``varied``: for how many neurons every other parameter differs, 0 for none."""

    def values(block: Block | None) -> dict[str, float | Tensor]:
        numbers = (
            {n: float(p) for n, p in block.parameters.items() if isinstance(p, float)}
            if block
            else {}
        )
        spread = draw(varied, low=0.95, high=1.05, name="spread")
        return {
            n: v * spread if varied and k % 2 == 0 else v
            for k, (n, v) in enumerate(numbers.items())
        }

    gain = (400.0 if filter is not None else 15.0) * (model.drive_scale if model else 1.0)
    return Afferents(filter, model, values(filter), values(model), **{"gain": gain, **more})


def traces(a: Afferents) -> tuple[str, ...]:
    last = a.model or a.filter
    return ("drive", "filtered", *(last.states if last else ()))


def bits(x: Tensor) -> Tensor:
    """Return the bits of floats; whatever is not a number has the same ones."""
    return torch.where(x.isnan(), torch.nan, x).view(torch.int32)


def assert_equal(ours: Output, theirs: Output) -> None:
    assert ours.finite.dtype is theirs.finite.dtype is torch.bool
    assert torch.equal(ours.finite, theirs.finite)
    assert (ours.spikes is None) == (theirs.spikes is None)
    if ours.spikes is not None and theirs.spikes is not None:
        assert torch.equal(ours.spikes, theirs.spikes)
    assert list(ours.traces) == list(theirs.traces)
    for name, values in ours.traces.items():
        assert torch.equal(bits(values), bits(theirs.traces[name])), name


def compare(
    a: Afferents, drive: Drive, *, noise: bool = False, threads: int | None = None
) -> Output:
    """Run both backends, expect equal bits, return numba's output."""
    key = keys(range(len(drive.rows)), "sa") if noise else None
    ours = numba_kernel.run(a, drive, key, traces(a), threads=threads)
    assert_equal(ours, kernel("torch")(a, drive, key, traces(a)))
    return ours


@pytest.mark.parametrize(("filter", "model", "substeps"), _cases())
def test_every_filter_and_model_has_the_bits_of_torch(
    filter: Path | None, model: Path | None, substeps: int
) -> None:
    blocks = load(filter) if filter else None, load(model) if model else None
    a = afferents(*blocks, noise_std=2.0, substeps=substeps)
    samples = 403 if substeps < 50 else STIFF_SAMPLES
    out = compare(a, separable([0, 1, 2], 1, samples, 129), noise=True)
    assert out.finite.all()
    # The numbers of a fitted filter are for its own model, and may silence any other.
    is_fitted = filter is not None and filter.stem.startswith("touch_")
    assert out.spikes is None or out.spikes.any() or is_fitted


SA, IZHIKEVICH = shipped("filter", "sa"), shipped("model", "izhikevich")


@pytest.mark.parametrize("neurons", [1, 7, 60, 129, 513, 1100])
@pytest.mark.parametrize(
    ("samples", "substeps"),
    [(1, 1), (6, 2), (203, 1), pytest.param(203, 5, marks=pytest.mark.slow)],
)
def test_any_number_of_neurons_and_samples(neurons: int, samples: int, substeps: int) -> None:
    a = afferents(SA, IZHIKEVICH, noise_std=2.0, substeps=substeps)
    compare(a, separable([0, 1, 0], 2, samples, neurons), noise=True)


def test_names_that_differ_in_their_end_are_kept_apart() -> None:
    twice = {
        "states": {"x": 0.0, "x_2": 0.1}, "derivatives": {"x": "(I - x)/tau", "x_2": "(x - x_2)/tau_2"},
        "output": "x + x_2 + other_x", "parameters": {"tau": 5.0, "tau_2": 9.0, "other_x": 0.01},
    }  # fmt: skip
    fires = {
        "states": {"v": 0.0, "v_2": 0.2, "other_v": 0.0}, "threshold": "v >= 1",
        "reset": {"v": "w", "v_2": "v_2 + w_2"},
        "derivatives": {"v": "(I + v_2 - v)/tau", "v_2": "-v_2/tau_2", "other_v": "v - other_v"},
        "parameters": {"w": 0.0, "w_2": 0.1, "tau": 4.0, "tau_2": 30.0},
    }  # fmt: skip
    blocks = Block.from_config("filter", twice, "twice"), Block.from_config("model", fires, "fires")
    for varied in (0, 130):
        a = afferents(*blocks, varied=varied, substeps=5, noise_std=0.1, gain=2.0)
        out = compare(a, separable([0, 1], 1, 120, 130), noise=True)
        assert out.spikes is not None
        assert out.spikes.any()


@pytest.mark.parametrize("substeps", [1, pytest.param(5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("noise", [False, True])
def test_dense_drives(noise: bool, substeps: int) -> None:
    a = afferents(SA, IZHIKEVICH, noise_std=2.0, substeps=substeps)
    assert compare(a, dense([1, 1, 0, 2], 203, 60), noise=noise).spikes is not None


@pytest.mark.parametrize("model", ["izhikevich", "adex", "lif"])
def test_parameters_that_differ_between_neurons(model: str) -> None:
    spread = draw(61, low=30, high=50)
    a = afferents(SA, shipped("model", model), varied=61, substeps=2, dt_ms=0.3)
    compare(replace(a, gain=spread), separable([0, 1], 1, 203, 61))


@pytest.mark.parametrize("dt", [0.1, 0.25, 0.3, 1.0])
def test_any_sample_length(dt: float) -> None:
    compare(
        afferents(SA, IZHIKEVICH, noise_std=1.0, dt_ms=dt), separable([0], 1, 203, 60), noise=True
    )


def test_many_steps_a_sample_are_looped_over() -> None:
    block = {
        "states": {"v": 0.0, "w": 0.0}, "derivatives": {"v": "I*exp(-abs(v)/k) - w + t/100", "w": "-w/k"},
        "threshold": "v >= 5 and not t < 1", "reset": {"v": 0, "w": "w + tanh(t)"}, "parameters": {"k": 20.0},
    }  # fmt: skip
    model = Block.from_config("model", block, "looped")
    drive = separable([0, 1], 1, 53, 40)
    out = compare(afferents(SA, model, substeps=60, varied=40, noise_std=1.0), drive, noise=True)
    assert out.spikes is not None
    assert out.spikes.any()


def test_rows_repeat_conditions_and_only_the_noise_differs() -> None:
    drive = separable([0, 0, 1, 0], 1, 203, 60)
    quiet = compare(afferents(SA, IZHIKEVICH), drive).spikes
    loud = compare(afferents(SA, IZHIKEVICH, noise_std=5.0), drive, noise=True).spikes
    assert quiet is not None
    assert loud is not None
    assert torch.equal(quiet[0], quiet[3])
    assert not torch.equal(loud[0], loud[3])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads(threads: int) -> None:
    compare(
        afferents(SA, IZHIKEVICH, noise_std=2.0),
        separable([k % 5 for k in range(40)], 1, 53, 60),
        noise=True,
        threads=threads,
    )


@pytest.mark.parametrize(("threads", "pools"), [(1, []), (3, [3])])
def test_as_many_threads_work_as_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, threads: int, pools: list[int]
) -> None:
    made, workers = list[int](), set[int]()

    class Pool(ThreadPoolExecutor):
        def __init__(self, size: int) -> None:
            made.append(size)
            super().__init__(size)

    def kernel(start: int, stop: int, *arrays: object) -> None:
        workers.add(threading.get_ident())
        time.sleep(0.02)

    monkeypatch.setattr(numba_kernel, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(numba_kernel, "load", lambda text: kernel)
    numba_kernel.run(afferents(SA, IZHIKEVICH), separable([0] * 40, 1, 4, 3), None, threads=threads)
    assert made == pools
    assert len(workers) <= threads


def test_a_stimulus_alone_has_the_bits_that_it_has_in_company() -> None:
    a, drive, key = (
        afferents(SA, IZHIKEVICH, noise_std=2.0),
        separable([0, 1, 2], 1, 203, 60),
        keys(range(3), "sa"),
    )
    together = numba_kernel.run(a, drive, key).spikes
    alone = numba_kernel.run(a, replace(drive, rows=drive.rows[2:]), key[2:]).spikes
    assert together is not None
    assert alone is not None
    assert torch.equal(together[2], alone[0])


def test_a_neuron_that_overflows_is_reported_as_torch_reports_it() -> None:
    drive = separable([0, 1, 2], 1, 53, 20)
    assert drive.space is not None
    drive.space[1, 0, 3] = 3e38
    out = compare(afferents(SA, IZHIKEVICH), drive)
    assert out.finite.tolist() == [True, False, True]


@pytest.mark.parametrize("substeps", [1, 5, 200])
def test_filter_states_that_have_decayed_are_zero_and_never_subnormal(substeps: int) -> None:
    time = torch.zeros(1, 1, 400)
    time[:, :, :10] = 1
    quick = afferents(shipped("filter", "sa", tau_r=1.0, tau_d=2.0), None, substeps=substeps)
    out = compare(
        quick, Drive(torch.tensor([0]), space=draw(1, 1, 60, low=1.0, high=40.0), time=time)
    ).traces["y"]
    assert not out[:, -1].any()
    assert out[out > 0].min() > 1e-34  # at most the decay of eight samples below 1e-30


def test_drives_below_the_normal_numbers_are_kept() -> None:
    drive = Drive(
        torch.tensor([0]), space=draw(1, 1, 60, low=1e-39, high=1e-37), time=torch.ones(1, 1, 40)
    )
    out = compare(afferents(SA, None), drive)
    assert ((out.traces["drive"] > 0) & (out.traces["drive"] < 1.17e-38)).any()


def test_noise_is_that_of_the_reference_generator() -> None:
    block = {
        "states": {"v": 0.0},
        "derivatives": {"v": "I"},
        "threshold": "v > 1e30",
        "reset": {"v": 0},
    }
    model = Block.from_config("model", {**block, "derivatives": {"v": "(I - v)/dt"}}, "last input")
    a = Afferents(None, model, gain=0.0, noise_std=1.0, dt_ms=1.0)
    key, drive = keys([3, 4], "ra"), separable([0, 0], 1, 41, 70)
    got = numba_kernel.run(a, drive, key, ("v",)).traces["v"]
    reference = Normals(key, 70)
    expected, v = [], torch.zeros(2, 70)
    for k in range(41):
        v = v + (reference.at(k) - v)
        expected.append(v)
    assert torch.equal(got, torch.stack(expected, dim=1))


def test_neurons_that_only_fill_a_vector_do_not_make_a_stimulus_fail() -> None:
    block = {
        "states": {"v": 0.0}, "derivatives": {"v": "t/I - v"}, "threshold": "v > 90", "reset": {"v": 0},
    }  # fmt: skip
    out = compare(
        afferents(None, Block.from_config("model", block, "ratio"), gain=1.0), dense([0, 1], 12, 33)
    )
    assert out.finite.all()


def compiled(a: Afferents, noise: bool) -> Any:
    """Return the compiled function of a population."""
    with pytest.MonkeyPatch.context() as patch:
        kept: list[Any] = []
        patch.setattr(numba_kernel, "load", lambda text: kept.append(cache.load(text)) or kept[0])
        numba_kernel.run(a, separable([0], 1, 4, 3), keys([0], "sa") if noise else None)
    return kept[0]


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("model", ["izhikevich", "adex"])
def test_loops_are_vectorised_and_nothing_is_fused(
    model: str, noise: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import llvmlite.binding as llvm

    # What numba loads from a cache it shows no assembly of.
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    cache.load.cache_clear()
    a = afferents(SA, shipped("model", model, b=0.125), noise_std=1.0, substeps=3)
    assembly = "\n".join(compiled(a, noise).inspect_asm().values())
    assert not re.search(r"\bv?fn?m(add|sub|la|ls)", assembly)
    features = llvm.get_host_cpu_features()
    if not (features.get("avx512f") or features.get("avx2")):
        pytest.skip("the names of the vector registers are those of AVX")
    register = "zmm" if features.get("avx512f") else "ymm"
    # The filter's two divisions a step are done for many neurons at once, and for those of the tile's other half.
    assert len(re.findall(rf"vdivps\s.*%{register}", assembly)) >= 12
    if noise:
        assert len(re.findall(rf"vpmuludq\s.*%{register}", assembly)) >= 28


def test_float64_is_left_to_torch() -> None:
    drive = Drive(torch.tensor([0]), frames=torch.zeros(1, 4, 3, dtype=torch.float64))
    with pytest.raises(ConfigError, match="use backend torch"):
        numba_kernel.run(afferents(SA, IZHIKEVICH), drive, None)
