"""The noise: Philox as published, normals that are normal, and the same bits whatever they are drawn with."""

from __future__ import annotations

import math
from itertools import product

import numba
import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy import stats
from torch import Tensor

from sensoryforge.core.numerics import hash64
from sensoryforge.equations.block import Block
from sensoryforge.simulation.kernels import Afferents, Drive, kernel, numba_ops
from sensoryforge.simulation.kernels.noise import Normals, keys, philox

pytestmark = pytest.mark.usefixtures("one_thread")

STREAMS, NEURONS, SAMPLES = 16, 125, 512
COUNT = STREAMS * NEURONS * SAMPLES
SIGMAS = 4.5
"""How many standard errors a statistic may be off; about 100 are tested."""

# From the Random123 distribution, file kat_vectors, "philox4x32 10": counter, key, result.
KNOWN_ANSWERS = {
    "zeros": (
        "00000000 00000000 00000000 00000000", "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    "ones": (
        "ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    "pi": (
        "243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
}  # fmt: skip


def words(text: str) -> list[Tensor]:
    return [torch.tensor([int(word, 16)]) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "wanted"), KNOWN_ANSWERS.values(), ids=KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(counter: str, key: str, wanted: str) -> None:
    assert [f"{int(w):08x}" for w in philox(words(counter), words(key))] == wanted.split()


def test_philox_is_elementwise() -> None:
    counters, used_keys, wanted = zip(*KNOWN_ANSWERS.values(), strict=True)
    counter = [torch.cat(w) for w in zip(*map(words, counters), strict=True)]
    key = [torch.cat(w) for w in zip(*map(words, used_keys), strict=True)]
    assert torch.equal(
        torch.stack(philox(counter, key), 1), torch.stack([torch.cat(words(w)) for w in wanted])
    )


WORDS = (0, 1, 0x243F6A88, 0x85A308D3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def test_the_compiled_philox_gives_the_published_answer_and_that_of_the_reference() -> None:
    """Its counter has two words that are zero always, so that one published answer is within its reach."""

    @numba.njit
    def compiled(call: int, neuron: int, k0: int, k1: int) -> tuple[int, int, int, int]:
        return numba_ops.philox(np.uint64(call), np.uint64(neuron), np.uint64(k0), np.uint64(k1))

    def of(*given: int) -> list[int]:
        return [int(word) & 0xFFFFFFFF for word in compiled(*given)]

    assert " ".join(f"{word:08x}" for word in of(0, 0, 0, 0)) == KNOWN_ANSWERS["zeros"][2]
    for call, neuron, k0, k1 in product(WORDS, repeat=4):
        counter = [torch.tensor([word]) for word in (call, neuron, 0, 0)]
        assert of(call, neuron, k0, k1) == [
            int(w) for w in philox(counter, [torch.tensor([k0]), torch.tensor([k1])])
        ]


def draw(key: Tensor, neurons: int = NEURONS, samples: int = SAMPLES) -> npt.NDArray[np.float64]:
    """Return [samples, B, neurons] in float64."""
    normals = Normals(key, neurons)
    return torch.stack([normals.at(k) for k in range(samples)]).double().numpy()


@pytest.fixture(scope="module")
def drawn() -> npt.NDArray[np.float64]:
    """A million normals of streams with neighbouring seeds, [samples, streams, neurons]."""
    return draw(keys(range(STREAMS), "sa"))


def test_normals_are_float32_and_bounded() -> None:
    values = Normals(keys([3], "sa"), 50).at(0)
    assert values.dtype == torch.float32
    assert values.shape == (1, 50)


def test_moments_are_those_of_the_standard_normal(drawn: npt.NDArray[np.float64]) -> None:
    assert abs(drawn.mean()) < SIGMAS * COUNT**-0.5
    assert abs(drawn.var() - 1) < SIGMAS * (2 / COUNT) ** 0.5
    assert abs(stats.skew(drawn.ravel())) < SIGMAS * (6 / COUNT) ** 0.5
    assert abs(stats.kurtosis(drawn.ravel())) < SIGMAS * (24 / COUNT) ** 0.5
    assert 4.5 < np.abs(drawn).max() < 5.78


def test_the_distribution_is_normal(drawn: npt.NDArray[np.float64]) -> None:
    assert stats.kstest(drawn.ravel()[::4], "norm").pvalue > 1e-3
    every_sample_of_four = [
        stats.kstest(drawn[k::4, :, ::3].ravel(), "norm").pvalue for k in range(4)
    ]
    assert min(every_sample_of_four) > 1e-3


def test_the_four_quadrants_are_equally_likely(drawn: npt.NDArray[np.float64]) -> None:
    first, second = drawn[0::2] > 0, drawn[1::2] > 0
    counts = np.bincount((2 * first + second).ravel(), minlength=4)
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("axis", [0, 2], ids=["samples", "neurons"])
@pytest.mark.parametrize("lag", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("power", [1, 2])
def test_neighbours_are_independent(
    drawn: npt.NDArray[np.float64], axis: int, lag: int, power: int
) -> None:
    x = np.moveaxis(drawn, axis, 0) ** power
    assert abs(correlation(x[:-lag], x[lag:])) < SIGMAS * COUNT**-0.5


def correlation(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    return float(np.mean((a - a.mean()) * (b - b.mean())) / (a.std() * b.std()))


def test_streams_of_neighbouring_seeds_are_independent(drawn: npt.NDArray[np.float64]) -> None:
    for power in (1, 2):
        matrix = np.corrcoef((drawn**power).transpose(1, 0, 2).reshape(STREAMS, -1))
        assert np.abs(matrix - np.eye(STREAMS)).max() < SIGMAS * (NEURONS * SAMPLES) ** -0.5


def test_populations_of_one_stimulus_are_independent(drawn: npt.NDArray[np.float64]) -> None:
    other = draw(keys(range(STREAMS), "ra"))
    assert abs(correlation(drawn, other)) < SIGMAS * COUNT**-0.5


def test_power_is_the_same_at_every_frequency(drawn: npt.NDArray[np.float64]) -> None:
    power = (np.abs(np.fft.rfft(drawn, axis=0)[1:-1]) ** 2).mean(axis=(1, 2)) / SAMPLES
    assert np.abs(power - 1).max() < SIGMAS * (STREAMS * NEURONS) ** -0.5


def test_keys_depend_on_seed_and_population_alone() -> None:
    both = keys([5, 2**62 + 11, 5], "sa")
    assert both.dtype == torch.int64
    assert torch.equal(both[0], both[2])
    assert torch.equal(both[1], keys([2**62 + 11], "sa")[0])
    assert not torch.equal(both[0], keys([5], "ra")[0])
    assert (both >= 0).all()
    assert (both < 2**32).all()
    assert keys([], "sa").shape == (0, 2)


def test_ten_thousand_seeds_have_ten_thousand_keys() -> None:
    assert len(keys(range(10_000), "sa").unique(dim=0)) == 10_000


def test_a_stimulus_draws_the_same_bits_in_any_company() -> None:
    alone = draw(keys([7], "sa"), 20, 600)
    crowd = draw(keys([*range(100, 160), 7, *range(39)], "sa"), 20, 600)
    np.testing.assert_array_equal(alone[:, 0], crowd[:, 60])


def test_a_neuron_draws_the_same_bits_among_any_number() -> None:
    np.testing.assert_array_equal(
        draw(keys([7], "sa"), 3, 300), draw(keys([7], "sa"), 1500, 300)[:, :, :3]
    )


@pytest.mark.parametrize("block", [1, 3, 64])
def test_the_block_size_changes_no_bit(block: int) -> None:
    usual, other = (Normals(keys([1, 2], "sa"), 5) for _ in range(2))
    other.block = block
    assert all(torch.equal(usual.at(k), other.at(k)) for k in range(400))


def test_samples_may_be_drawn_in_any_order() -> None:
    usual, other = (Normals(keys([1, 2], "sa"), 5) for _ in range(2))
    wanted = {k: usual.at(k) for k in range(300)}
    assert all(torch.equal(other.at(k), wanted[k]) for k in (299, 0, 17, 256, 3, 255, 299))


PLACES = [(0, 0, 0), (1, 0, 0), (2, 1, 2), (3, 1, 2), (257, 0, 1)]
"""Sample, stimulus, neuron."""
BITS = [
    "0x1.36314a0000000p+0",
    "0x1.30a3a60000000p+0",
    "0x1.7a76620000000p+0",
    "-0x1.c76e2a0000000p-1",
    "-0x1.db59940000000p-4",
]


def test_draws_never_change() -> None:
    normals = Normals(keys([0, 12345], "sa"), 3)
    assert [normals.at(k)[b, n].item().hex() for k, b, n in PLACES] == BITS


@pytest.mark.parametrize(("sample", "stimulus", "neuron"), PLACES)
def test_a_draw_is_box_and_muller_of_the_documented_counter(
    sample: int, stimulus: int, neuron: int
) -> None:
    """Plain integers and float64: two words make two consecutive samples."""
    hashed = hash64("noise", [0, 12345][stimulus], "sa")
    key, counter = [hashed & 0xFFFFFFFF, hashed >> 32], [sample // 4, neuron, 0, 0]
    for _ in range(10):
        low, high = counter[0] * 0xD2511F53, counter[2] * 0xCD9E8D57
        counter = [
            high >> 32 ^ counter[1] ^ key[0],
            high % 2**32,
            low >> 32 ^ counter[3] ^ key[1],
            low % 2**32,
        ]
        key = [(key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32]
    first, second = counter[:2] if sample % 4 < 2 else counter[2:]
    radius = math.sqrt(-2 * math.log(((first >> 8) + 1) / 2**24))
    angle = (second >> 8) / 2**24 * math.pi / 2
    part = (math.cos(angle), math.sin(angle))[sample % 2] * (1, -1)[second >> sample % 2 & 1]
    drawn = Normals(keys([0, 12345], "sa"), 3).at(sample)[stimulus, neuron].item()
    assert drawn == pytest.approx(radius * part, abs=3e-6)


def accumulated(dt_ms: float, std: float, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the noise of 200 ms summed up by perfect integrators, [B,N]."""
    integrator = {
        "states": {"x": 0},
        "derivatives": {"x": "I"},
        "threshold": "x > 1e30",
        "reset": {"x": 0},
    }
    model = Block.from_config("model", integrator, "test")
    afferents = Afferents(None, model, noise_std=std, dt_ms=dt_ms)
    drive = Drive(torch.arange(10), frames=torch.zeros(10, round(200 / dt_ms), 1000, dtype=dtype))
    return kernel("torch")(afferents, drive, keys(range(10), "sa"), ("x",)).traces["x"][:, -1]


@pytest.mark.parametrize("dt_ms", [2.0, 1.0, 0.5])
def test_the_power_of_the_noise_does_not_depend_on_dt(dt_ms: float) -> None:
    """The variance of the sum over T ms is std**2 T."""
    x = accumulated(dt_ms, 3.0)
    assert x.var().item() == pytest.approx(9 * 200, rel=SIGMAS * (2 / x.numel()) ** 0.5)
    assert abs(x.mean().item()) < SIGMAS * (9 * 200 / x.numel()) ** 0.5


def test_the_noise_is_the_same_in_float64() -> None:
    torch.testing.assert_close(
        accumulated(2.0, 3.0, torch.float64).float(), accumulated(2.0, 3.0), rtol=1e-4, atol=1e-3
    )


def test_noise_of_std_zero_is_none() -> None:
    assert (accumulated(2.0, 0.0) == 0).all()
