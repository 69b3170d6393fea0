"""A drive may bring its own rate of change: the same bits on every backend, late where it is late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import test_numba_kernel as on_numba
import test_triton_kernel as on_triton
import torch
from helpers.blocks import shipped
from test_numba_kernel import afferents, dense, draw, separable

from sensoryforge.core.errors import ConfigError
from sensoryforge.equations.block import Block
from sensoryforge.simulation.kernels import Afferents, Drive, Output, kernel

pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")

Compare = Callable[..., Output]
COMPARE: list[Compare] = [on_numba.compare, on_triton.compare]
IDS = ["numba", "triton"]
RA, IZHIKEVICH = shipped("filter", "ra"), shipped("model", "izhikevich")

RATE = Block.from_config(
    "filter",
    {"states": {}, "derivatives": {}, "output": "I + 1000*dI"},
    "what the drive and its rate are",
)


def run(a: Afferents, drive: Drive, trace: str = "output") -> torch.Tensor:
    return kernel("torch")(a, drive, None, (trace,)).traces[trace]


def with_rates(terms: int, rates: int, *, delayed: bool, samples: int = 41) -> Drive:
    drive = separable([0, 1, 0], terms, samples, 67)
    if not delayed:
        return replace(drive, rates=rates)
    # Up to beyond the last sample: some neurons never feel the rate.
    late = draw(2, 67, high=samples + 3.0, name="late").long()
    return replace(drive, rates=rates, delay=late)


@pytest.mark.parametrize("compare", COMPARE, ids=IDS)
@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize(("terms", "rates"), [(2, 1), (4, 2), (3, 2)])
@pytest.mark.parametrize("substeps", [1, 3])
def test_rate_terms_have_the_bits_of_torch(
    compare: Compare, terms: int, rates: int, delayed: bool, substeps: int
) -> None:
    drive = with_rates(terms, rates, delayed=delayed)
    a = afferents(RA, IZHIKEVICH, gain=200.0, noise_std=2.0, substeps=substeps)
    out = compare(a, drive, noise=True)
    assert out.spikes is not None
    assert out.spikes.any()


@pytest.mark.parametrize("compare", COMPARE, ids=IDS)
def test_a_population_that_does_not_read_the_rate_runs_without_it(compare: Compare) -> None:
    drive = with_rates(3, 1, delayed=True)
    assert drive.space is not None
    assert drive.time is not None
    without = Drive(drive.rows, drive.space[:, :2], drive.time[:, :2])
    a = afferents(None, IZHIKEVICH, gain=20.0)
    assert torch.equal(compare(a, drive).traces["v"], run(a, without, "v"))


@pytest.mark.parametrize("compare", COMPARE, ids=IDS)
def test_frames_of_the_rate_have_the_bits_of_torch(compare: Compare) -> None:
    drive = replace(dense([0, 1, 1], 41, 67), rate_frames=draw(2, 41, 67, low=-0.5, name="rate"))
    out = compare(afferents(RA, IZHIKEVICH, noise_std=2.0, substeps=2), drive, noise=True)
    assert out.spikes is not None
    assert out.spikes.any()


def test_the_terms_of_the_rate_are_not_drive_and_arrive_when_they_are_due() -> None:
    drive = with_rates(4, 2, delayed=True)
    assert drive.space is not None
    assert drive.time is not None
    assert drive.delay is not None
    space, time = drive.space.double(), drive.time.double()
    expected = torch.einsum("ckn,ckt->ctn", space[:, :2], time[:, :2])
    for condition in range(2):
        for neuron in range(67):
            late = int(drive.delay[condition, neuron])
            for term in (2, 3):
                felt = space[condition, term, neuron] * time[condition, term]
                if late < 41:
                    expected[condition, late:, neuron] += 1000 * felt[: 41 - late]
    found = run(Afferents(RATE, None), drive)
    torch.testing.assert_close(found.double(), expected[drive.rows], rtol=1e-5, atol=1e-3)


def test_given_frames_are_what_equations_read_as_the_rate() -> None:
    rate = draw(2, 9, 5, low=-0.5, name="rate")
    drive = replace(dense([0, 1, 1], 9, 5), rate_frames=rate)
    assert drive.frames is not None
    assert torch.equal(run(Afferents(RATE, None), drive), (drive.frames + 1000 * rate)[drive.rows])


def test_a_rate_that_is_the_difference_gives_what_no_rate_gives() -> None:
    drive = dense([0, 1], 33, 20)
    assert drive.frames is not None
    before = torch.cat([torch.zeros(2, 1, 20), drive.frames[:, :-1]], dim=1)
    given = replace(drive, rate_frames=(drive.frames - before) / 0.5)
    a = afferents(RA, None)
    assert torch.equal(run(a, drive), run(a, given))


def test_gradients_reach_the_terms_of_a_late_rate() -> None:
    drive = with_rates(2, 1, delayed=True)
    assert drive.space is not None
    space = drive.space.clone().requires_grad_()
    run(Afferents(RATE, None), replace(drive, space=space)).sum().backward()
    assert space.grad is not None
    assert space.grad[:, 1].abs().sum() > 0


def test_a_rate_that_is_not_finite_is_reported() -> None:
    rate = torch.zeros(2, 9, 5)
    rate[1, 3, 2] = torch.inf
    assert replace(dense([0, 1, 1], 9, 5), rate_frames=rate).finite().tolist() == [
        True,
        False,
        False,
    ]


TWO_TERMS = {"space": torch.ones(1, 2, 3), "time": torch.ones(1, 2, 4)}
MISTAKES = [
    ({**TWO_TERMS, "rates": 2}, "rates: got 2; allowed: fewer than the terms, 2"),
    ({**TWO_TERMS, "rates": -1}, "rates: got -1; allowed: fewer than the terms, 2"),
    ({"frames": torch.ones(1, 4, 3), "rates": 1}, "rates: got 1; allowed: fewer than the terms, 0"),
    (
        {**TWO_TERMS, "delay": torch.zeros(1, 3, dtype=torch.int64)},
        "delay: got one without rates; allowed: a delay of rate terms",
    ),
    (
        {**TWO_TERMS, "rates": 1, "delay": torch.zeros(3, dtype=torch.int64)},
        "delay: got torch.int64 [3]; allowed: int64 [1, 3]",
    ),
    (
        {**TWO_TERMS, "rates": 1, "delay": torch.zeros(1, 3)},
        "delay: got torch.float32 [1, 3]; allowed: int64 [1, 3]",
    ),
    (
        {**TWO_TERMS, "rate_frames": torch.ones(1, 4, 3)},
        "rate_frames: got them without frames; allowed: beside frames",
    ),
    (
        {"frames": torch.ones(1, 4, 3), "rate_frames": torch.ones(1, 4, 2)},
        "rate_frames: got [1, 4, 2]; allowed: [1, 4, 3]",
    ),
]


@pytest.mark.parametrize(("parts", "line"), MISTAKES)
def test_parts_that_do_not_go_together_are_refused(parts: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Drive(torch.tensor([0]), **parts)  # type: ignore[arg-type]
    assert list(refused.value.problems) == [f"drive: {line}"]


# --- noise that differs between neurons ---


@pytest.mark.parametrize("compare", COMPARE, ids=IDS)
@pytest.mark.parametrize("substeps", [1, 2])
def test_noise_that_differs_between_neurons_has_the_bits_of_torch(
    compare: Compare, substeps: int
) -> None:
    std = draw(67, high=4.0, name="std")
    std[::3] = 0.0
    drive = separable([0, 1, 0], 1, 41, 67)
    out = compare(
        afferents(RA, IZHIKEVICH, noise_std=std, substeps=substeps, dt_ms=0.3), drive, noise=True
    )
    assert out.spikes is not None
    assert out.spikes.any()


@pytest.mark.parametrize("backend", ["torch", "numba"])
def test_equal_noise_of_each_neuron_has_the_bits_of_one_number(backend: str) -> None:
    drive = separable([0, 1, 0], 1, 41, 67)
    key = on_numba.keys(range(3), "sa")
    of_number, of_each = (
        kernel(backend)(
            afferents(None, IZHIKEVICH, noise_std=std, dt_ms=0.3), drive, key, ("v",)
        ).traces["v"]
        for std in (2.7, torch.full((67,), 2.7, dtype=torch.float64))
    )
    assert torch.equal(of_number, of_each)
    quiet = kernel(backend)(
        afferents(None, IZHIKEVICH, noise_std=torch.zeros(67), dt_ms=0.3), drive, key, ("v",)
    ).traces["v"]
    assert not torch.equal(of_number, quiet)
