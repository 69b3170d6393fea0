"""Points of designs that are drawn: where they lie, that they grow, and what they have to meet."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, qmc

from sensoryforge.core.errors import ConfigError, EquationError
from sensoryforge.design.sampling import (
    GROWING,
    METHODS,
    MOST_DIMENSIONS,
    Choices,
    Condition,
    Normal,
    Plan,
    Uniform,
    draw,
)
from sensoryforge.design.sampling.normal import normal_quantile
from sensoryforge.design.sampling.points import coordinates
from sensoryforge.design.sampling.rounding import round_to_digits
from sensoryforge.design.sampling.sobol import BITS, sobol_words

NAMES = ["a", "b", "c", "d"]
SEEDS = range(20)


def points(method: str, count: int, seed: int = 0, names: list[str] = NAMES) -> np.ndarray:
    return np.stack(coordinates(method, names, 0, count, seed, total=count), axis=1)


# --- methods ---


def test_sobols_sequence_is_scipys_before_it_is_shifted() -> None:
    expected = qmc.Sobol(MOST_DIMENSIONS, scramble=False).random(4096)
    ours = [sobol_words(0, 4096, dimension) / 2**BITS for dimension in range(MOST_DIMENSIONS)]
    assert np.array_equal(np.stack(ours, axis=1), expected)


@given(start=st.integers(0, 2**20), count=st.integers(1, 50), dimension=st.integers(0, 63))
def test_sobols_sequence_may_be_begun_anywhere(start: int, count: int, dimension: int) -> None:
    whole = sobol_words(max(start - 5, 0), start + count, dimension)
    assert np.array_equal(whole[-count:], sobol_words(start, start + count, dimension))


def test_the_shift_flips_the_same_digits_of_every_point() -> None:
    plain = np.stack([sobol_words(0, 64, dimension) for dimension in range(4)], axis=1)
    shifted = np.floor(points("sobol", 64, seed=7) * 2**BITS).astype(np.uint64)
    flipped = plain ^ shifted
    assert (flipped == flipped[0]).all()
    assert len(set(flipped[0].tolist())) == 4


@pytest.mark.parametrize("seed", SEEDS)
def test_a_latin_hypercube_has_one_point_in_each_stratum_of_every_dimension(seed: int) -> None:
    count = 97
    strata = np.floor(count * points("latin_hypercube", count, seed)).astype(int)
    for dimension in range(4):
        assert sorted(strata[:, dimension].tolist()) == list(range(count))


def test_discrepancy_is_least_for_sobol_then_latin_then_random() -> None:
    by_method = {
        method: [qmc.discrepancy(points(method, 256, seed)) for seed in SEEDS] for method in METHODS
    }
    assert max(by_method["sobol"]) < min(by_method["latin_hypercube"])
    assert max(by_method["latin_hypercube"]) < min(by_method["random"])


@pytest.mark.parametrize("method", METHODS)
def test_coordinates_lie_between_zero_and_one_and_depend_on_the_seed(method: str) -> None:
    many = points(method, 5000)
    assert 0 < many.min() < 0.001
    assert 0.999 < many.max() < 1
    assert (many != points(method, 5000, seed=1)).all()
    assert np.abs(np.corrcoef(many.T) - np.eye(4)).max() < 0.06


@pytest.mark.parametrize("method", GROWING)
def test_more_points_begin_with_fewer(method: str) -> None:
    assert np.array_equal(points(method, 1000), points(method, 2000)[:1000])


def test_random_coordinates_depend_on_the_name_and_not_on_company() -> None:
    alone = points("random", 50, names=["c"])[:, 0]
    assert np.array_equal(alone, points("random", 50)[:, 2])


PINNED = {
    "random": [
        [0.100634865806, 1.00930471841, 1.38670485777],
        [-2.03459481488, -0.631963377322, 0.474395839092],
        [163, 358, 958],
    ],
    "latin_hypercube": [
        [1.24243201393, 0.361828004804, 2.43089237478],
        [-0.46421773254, -0.3680262112, 1.66093452999],
        [461, 245, 679],
    ],
    "sobol": [
        [1.04631029684, 0.104631029684, 0.330872367729],
        [0.648923252871, -0.700504948375, 2.40015827855],
        [977, 477, 727],
    ],
}


@pytest.mark.parametrize("method", METHODS)
def test_drawn_values_are_the_pinned_ones(method: str) -> None:
    spreads = {
        "sigma": Uniform(0.1, 10, is_log=True),
        "x": Normal(0, 1),
        "n": Uniform(1, 1000, is_whole=True),
    }
    drawn = draw(Plan("stimuli", method, spreads, samples=3, seed=42))
    assert [drawn.values[name].tolist() for name in spreads] == PINNED[method]


# --- what is made of points ---


def test_normal_quantiles_are_scipys() -> None:
    p = np.concatenate([np.logspace(-17, -0.31, 999), 1 - np.logspace(-15, -0.31, 999)])
    assert np.allclose(normal_quantile(p), norm.ppf(p), rtol=2e-15, atol=1e-15)


@given(st.floats(-1e9, 1e9), st.integers(1, 15))
def test_rounding_gives_the_number_that_its_digits_are_read_as(value: float, digits: int) -> None:
    rounded = float(round_to_digits(np.array([value]), digits)[0])
    if abs(value) > 1e-6:
        assert float(f"{rounded:.{digits - 1}e}") == rounded
        assert abs(rounded - value) <= 0.51 * 10.0 ** (np.floor(np.log10(abs(value))) - digits + 1)


def test_a_log_scale_has_as_many_values_in_each_decade() -> None:
    values = Uniform(0.1, 100, is_log=True).values(points("sobol", 3000)[:, 0])
    counts, _ = np.histogram(values, [0.1, 1, 10, 100])
    assert abs(counts - 1000).max() < 10


def test_whole_numbers_are_drawn_alike_and_both_ends_are_reached() -> None:
    values = Uniform(1, 6, is_whole=True).values(points("latin_hypercube", 600)[:, 0])
    assert np.bincount(values).tolist() == [0, 100, 100, 100, 100, 100, 100]


def test_a_normal_distribution_has_its_mean_and_std() -> None:
    values = Normal(30, 5).values(points("latin_hypercube", 10_000)[:, 0])
    assert values.mean() == pytest.approx(30, abs=0.01)
    assert values.std() == pytest.approx(5, abs=0.02)


def test_choices_are_drawn_alike() -> None:
    numbers = Choices(("a", "b", "c")).numbers(points("latin_hypercube", 300)[:, 0])
    assert np.bincount(numbers).tolist() == [100, 100, 100]


# --- conditions ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x < 2", [True, False, False]),
        ("x <= 2 and y > 0.5", [False, True, False]),
        ("not x == 2", [True, False, True]),
        ("min(x, y) == y", [True, True, True]),
        ("where(x > 1.5, x, 10) > 2.5", [True, False, True]),
        ("x**2 - 3*x + 2 == 0", [True, True, False]),
        ("exp(log(x)) > 2.5", [False, False, True]),
        ("sqrt(x)*cos(0*x) + tanh(y) + sin(0*y) <= 1", [True, False, False]),
        ("log(x - 2) < 10", [False, False, True]),
        ("1 < x < 3", [False, True, False]),
        ("1 < 2", [True, True, True]),
    ],
)
def test_a_condition_means_what_it_says(text: str, expected: list[bool]) -> None:
    columns = {"x": np.array([1, 2, 3]), "y": np.array([0.0, 1.0, 0.0])}
    assert Condition(text, columns, "stimuli.where").holds(columns, 3).tolist() == expected


@pytest.mark.parametrize("text", ["x + 1", "z < 1", "x <", "x in y", "open(x) < 1"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(EquationError, match=r"^stimuli\.where: "):
        Condition(text, ["x", "y"], "stimuli.where")


# --- plans ---

spreads = st.one_of(
    st.tuples(st.floats(-50, 50), st.floats(0.1, 50)).map(lambda x: Uniform(x[0], x[0] + x[1])),
    st.floats(0.1, 10).map(lambda low: Uniform(low, 100 * low, is_log=True)),
    st.integers(0, 9).map(lambda low: Uniform(low, low + 1000, is_whole=True)),
    st.builds(Normal, st.floats(-50, 50), st.floats(0.1, 5)),
    st.lists(st.integers(-3, 3) | st.sampled_from(["p", "q"]), min_size=1, max_size=4).map(
        lambda items: Choices(tuple(items))
    ),
)
mixtures = st.dictionaries(st.sampled_from("abcdefgh"), spreads, min_size=1, max_size=5).map(
    lambda drawn: {**drawn, "z": Uniform(0.0, 1.0)}
)


@settings(deadline=None, max_examples=60)
@given(mixtures, st.integers(1, 60), st.integers(1, 60), st.integers(0, 5), st.data())
def test_any_mixture_grows_point_by_point(
    mixture: dict[str, Uniform], few: int, more: int, seed: int, data: st.DataObject
) -> None:
    method = data.draw(st.sampled_from(GROWING))
    condition = Condition("z < 0.7 or z > 0.9", ["z"], "stimuli.where")
    short, long = (
        draw(Plan("stimuli", method, mixture, samples=count, seed=seed, condition=condition))
        for count in (few, few + more)
    )
    for name in mixture:
        values = [drawn.values[name][number] for drawn in (short, long) for number in drawn.numbers[name][:few]]  # fmt: skip
        assert values[:few] == values[few:]
    assert short.tried <= long.tried


@settings(deadline=None, max_examples=60)
@given(mixtures, st.integers(1, 60), st.sampled_from(METHODS))
def test_any_mixture_stays_within_what_it_is_drawn_from(
    mixture: dict[str, Uniform], count: int, method: str
) -> None:
    drawn = draw(Plan("stimuli", method, mixture, samples=count))
    assert drawn.count == count
    for name, spread in mixture.items():
        values = [drawn.values[name][number] for number in drawn.numbers[name]]
        assert len(values) == count
        if isinstance(spread, Choices):
            assert set(values) <= set(spread.items)
        elif isinstance(spread, Uniform):
            assert spread.low <= min(values) <= max(values) <= spread.high


@pytest.mark.parametrize("method", GROWING)
def test_no_point_is_drawn_twice(method: str) -> None:
    lists = {"a": Choices(("x", "y", "z")), "b": Choices((1, 2, 2.0))}
    drawn = draw(Plan("stimuli", method, lists, samples=6))
    pairs = {(drawn.numbers["a"][i], lists["b"].items[drawn.numbers["b"][i]]) for i in range(6)}
    assert len(pairs) == 6
    with pytest.raises(ConfigError, match=r"^stimuli\.samples: got 7, allowed is at most 6"):
        draw(Plan("stimuli", method, lists, samples=7))


def test_a_condition_that_keeps_too_few_is_told_and_ends() -> None:
    rare = Condition("a > 0.9999", ["a"], "stimuli.where")
    plan = Plan("stimuli", "random", {"a": Uniform(0, 1)}, samples=200, condition=rare)
    with pytest.raises(ConfigError, match=r"keeps \d of 20000 points; allowed is a condition that"):
        draw(plan)


def test_points_beyond_a_condition_are_drawn_anew_in_order() -> None:
    half = Condition("a > 0.5", ["a"], "stimuli.where")
    all_points = draw(Plan("stimuli", "sobol", {"a": Uniform(0, 1)}, samples=400)).values["a"]
    kept = draw(Plan("stimuli", "sobol", {"a": Uniform(0, 1)}, samples=200, condition=half))
    expected = [value for value in all_points if value > 0.5]
    assert kept.values["a"].tolist() == expected[:200]


def test_an_infinite_fixed_number_is_no_problem_for_a_condition() -> None:
    rule = Condition("a < hold", ["a", "hold"], "stimuli.where")
    fixed = {"hold": inf}
    plan = Plan("stimuli", "random", {"a": Uniform(0, 1)}, fixed, samples=5, condition=rule)
    assert draw(plan).tried == 5
