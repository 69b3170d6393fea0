from __future__ import annotations

import math
from decimal import Decimal, localcontext
from hashlib import sha256

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sensoryforge.core.numerics import (
    cos_turns,
    exp,
    hash64,
    like,
    log,
    normals,
    random_bits,
    sin_turns,
    uniforms,
)
from sensoryforge.core.philox import high_product, random_bit_rows
from sensoryforge.core.types import Floats


def digest(values: Floats) -> str:
    return sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:16]


def error_in_ulps(got: float, exact: Decimal) -> float:
    return abs(float((Decimal(got) - exact) / Decimal(math.ulp(got))))


@given(st.floats(-708.0, 709.0))
def test_exp_is_within_two_ulps_of_the_true_value(x: float) -> None:
    with localcontext(prec=60):
        assert error_in_ulps(float(exp(x)), Decimal(x).exp()) < 2.0


@given(st.floats(1e-300, 1e300))
def test_log_is_within_three_ulps_of_the_true_value(x: float) -> None:
    with localcontext(prec=60):
        assert error_in_ulps(float(log(x)), Decimal(x).ln()) < 3.0 or x == 1.0


def test_exp_keeps_its_limits_without_warnings() -> None:
    x = np.array([-np.inf, -1e308, -750.0, -745.0, -710.0, 0.0, 710.0, 1e308, np.inf, np.nan])
    expected = [0.0, 0.0, 0.0, 5e-324, math.exp(-710.0), 1.0, np.inf, np.inf, np.inf, np.nan]
    np.testing.assert_allclose(exp(x), expected, rtol=1e-13, atol=0.0)


def test_log_of_one_is_zero() -> None:
    assert float(log(1.0)) == 0.0


@given(st.floats(-1e6, 1e6))
def test_cosine_and_sine_are_within_1e15_of_the_true_value(turns: float) -> None:
    angle = 2.0 * math.pi * (turns - round(turns))
    assert abs(float(cos_turns(turns)) - math.cos(angle)) < 1e-15
    assert abs(float(sin_turns(turns)) - math.sin(angle)) < 1e-15


def test_cosine_and_sine_are_exact_at_quarter_turns() -> None:
    quarters = np.arange(-8, 9) / 4.0
    np.testing.assert_array_equal(cos_turns(quarters), np.resize([1.0, 0.0, -1.0, 0.0], 17))
    np.testing.assert_array_equal(sin_turns(quarters), np.resize([0.0, 1.0, 0.0, -1.0], 17))


@pytest.mark.parametrize("function", [exp, cos_turns, sin_turns])
def test_a_value_has_the_same_bits_alone_as_in_any_array(function: object) -> None:
    assert callable(function)
    x = uniforms(3, "x", size=20_001) * 6.0 - 3.0
    whole = function(x)
    assert np.array_equal(whole[::7], function(x[::7]))
    assert np.array_equal(whole[:20_000].reshape(100, 200), function(x[:20_000].reshape(100, 200)))
    assert whole[-1] == function(x[-1])


def test_hash_tells_kinds_and_borders_of_parts_apart() -> None:
    codes = {
        hash64("ab", "c"),
        hash64("a", "bc"),
        hash64("abc"),
        hash64(1, "1"),
        hash64("1", 1),
        hash64(11),
        hash64(),
    }
    assert len(codes) == 7
    assert all(0 <= code < 2**63 for code in codes)


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        (0, 0, "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b"),
        (
            2**256 - 1,
            2**128 - 1,
            "87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0",
        ),
    ],
)
def test_the_generator_gives_the_known_answers_of_philox4x64_10(
    counter: int, key: int, words: str
) -> None:
    # Known-answer vectors of Random123 (Salmon et al. 2011); numpy counts up before it draws.
    generator = np.random.Philox(key=key, counter=(counter - 1) % 2**256)
    assert [f"{word:016x}" for word in generator.random_raw(4).tolist()] == words.split()


@pytest.mark.parametrize("draw", [uniforms, normals])
def test_a_longer_draw_starts_with_the_shorter_one(draw: object) -> None:
    assert callable(draw)
    assert np.array_equal(draw(7, "noise", size=10), draw(7, "noise", size=1000)[:10])


def test_draws_of_other_seeds_and_names_differ() -> None:
    draws = [
        uniforms(1, "a", size=4),
        uniforms(2, "a", size=4),
        uniforms(1, "b", size=4),
        uniforms(1, "a", 0, size=4),
    ]
    assert len({tuple(draw) for draw in draws}) == 4


def test_uniforms_are_uniform_in_the_unit_interval() -> None:
    u = uniforms(5, "u", size=100_000)
    assert u.min() >= 0.0
    assert u.max() < 1.0
    counts = np.bincount((u * 100).astype(int), minlength=100)
    assert (
        (counts - 1000) ** 2 / 1000
    ).sum() < 149.4  # chi squared, 99 degrees of freedom, p = 0.0008


def test_normals_are_standard_normal() -> None:
    z = np.sort(normals(5, "z", size=100_000))
    assert abs(z.mean()) < 0.0127  # four standard errors
    assert abs(z.std() - 1.0) < 0.009
    assert abs((z**3).mean()) < 0.05
    assert abs((z**4).mean() - 3.0) < 0.13
    cumulative = np.array([0.5 * math.erfc(-value / math.sqrt(2.0)) for value in z[::100]])
    assert (
        np.abs(cumulative - np.arange(0, 100_000, 100) / 100_000).max() < 0.0062
    )  # Kolmogorov-Smirnov, p = 0.001


def test_bits_are_the_pinned_ones() -> None:
    x = np.linspace(-30.0, 30.0, 10_001)
    bits = {
        "exp": digest(exp(x)),
        "log": digest(log(1.0 + x * x)),
        "cos": digest(cos_turns(x)),
        "sin": digest(sin_turns(x)),
        "uniforms": digest(uniforms(0, "golden", size=1000)),
        "normals": digest(normals(0, "golden", size=1000)),
        "hash64": f"{hash64('golden', 0):016x}",
    }
    assert bits == {
        "exp": "b2256984c4675eab",
        "log": "4a21b7f91b22ca83",
        "cos": "1e6fc2bd066deee2",
        "sin": "dcb49ba25eb4e64d",
        "uniforms": "ec311cdd06db7dd4",
        "normals": "1ea4c475bc764776",
        "hash64": "461f874f4f70aecd",
    }


@pytest.mark.parametrize("size", [1, 4, 5, 36])
def test_streams_drawn_together_have_the_words_of_each(size: int) -> None:
    numbers = [0, 1, 7, 123_456]
    rows = random_bit_rows(99, numbers, size)
    expected = [random_bits(99, number, size=size) for number in numbers]
    np.testing.assert_array_equal(rows, expected)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_the_upper_half_of_a_product_is_exact(a: int, b: int) -> None:
    (product,) = high_product(np.array([a], np.uint64), np.array([b], np.uint64))
    assert int(product) == (a * b) >> 64


def test_an_array_that_is_kept_elsewhere_becomes_a_tensor_of_its_own() -> None:
    kept = np.arange(3.0)
    kept.flags.writeable = False
    torch.set_warn_always(True)  # or a warning of another test would use up this one
    try:
        tensor = like(kept, torch.zeros(1))
    finally:
        torch.set_warn_always(False)
    tensor[0] = 5.0
    assert kept[0] == 0.0


@given(start=st.integers(0, 100), size=st.integers(1, 20))
def test_random_words_may_be_drawn_from_any_one_on(start: int, size: int) -> None:
    whole = random_bits(7, "a", size=start + size)
    assert random_bits(7, "a", size=size, start=start).tolist() == whole[start:].tolist()
