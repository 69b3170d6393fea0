from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensoryforge.core.errors import ConfigError
from sensoryforge.design.design import Design
from sensoryforge.design.family import Family

GAUSSIAN = Family(
    "gaussian",
    "sensoryforge.stimuli.gaussian.Gaussian",
    {"amplitude": (10, 20, 30, 40, 50), "sigma": (0.3, 0.5, 0.7, 0.9), "center_x": (0.0,)},
    ("amplitude", "sigma"),
    3,
)
STEP = Family(
    "step",
    "sensoryforge.stimuli.step.Step",
    {"amplitude": (20, 30), "step_time": (50.0,)},
    ("amplitude",),
    2,
)
RAMP = Family("ramp", "sensoryforge.stimuli.ramp.Ramp", {"final": (30,)})

values = st.lists(
    st.floats(-1e6, 1e6) | st.integers(-100, 100), min_size=1, max_size=4, unique_by=float
)
families = st.builds(
    lambda type, axes, repetitions: Family(
        type, "t", {k: tuple(v) for k, v in axes.items()}, tuple(axes), repetitions
    ),
    st.text(min_size=1, max_size=5),
    st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), values, max_size=4),
    st.integers(1, 3),
)
designs = st.lists(families, min_size=1, max_size=3, unique_by=lambda family: family.type).map(
    lambda several: Design(tuple(several), 7)
)


def test_conditions_run_with_the_last_parameter_fastest_and_repetitions_inside() -> None:
    table = Design((GAUSSIAN,)).table()
    expected = [
        (a, s, r) for a, s in product((10, 20, 30, 40, 50), (0.3, 0.5, 0.7, 0.9)) for r in range(3)
    ]
    assert (
        list(zip(table["amplitude"], table["sigma"], table["repetition"], strict=True)) == expected
    )


def test_families_follow_each_other_and_lack_what_they_do_not_have() -> None:
    table = Design((STEP, RAMP)).table()
    assert table["type"] == ["step"] * 4 + ["ramp"]
    assert table["index"] == [0, 1, 2, 3, 4]
    assert table["step_time"] == [50.0] * 4 + [None]
    assert table["final"] == [None] * 4 + [30]


@settings(deadline=None, max_examples=40)
@given(designs)
def test_every_way_to_look_at_a_stimulus_says_the_same(design: Design) -> None:
    table, ids, seeds = design.table(), design.ids(0, len(design)), design.seeds(0, len(design))
    assert len(design) == sum(family.count for family in design.families) == len(ids) == len(seeds)
    for span in design.locate(0, len(design)):
        columns = design.columns(span.family, span.condition)
        for place, index in enumerate(span.index.tolist()):
            parameters = design.parameters(index)
            assert parameters.pop("type") == span.family.type == table["type"][index]
            assert list(parameters) == list(span.family.axes) == list(columns)
            assert all(columns[name][place] == float(value) for name, value in parameters.items())
            assert all(table[name][index] is value for name, value in parameters.items())
            assert table["repetition"][index] == span.repetition[place]
            assert design.id(index) == ids[index]
            assert design.seeds(index, index + 1) == [seeds[index]]


@given(designs, st.data())
def test_any_stretch_of_a_design_is_a_slice_of_the_whole(
    design: Design, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(design)))
    stop = data.draw(st.integers(start, len(design)))
    assert design.ids(start, stop) == design.ids(0, len(design))[start:stop]
    assert design.seeds(start, stop) == design.seeds(0, len(design))[start:stop]
    spans = design.locate(start, stop)
    assert [index for span in spans for index in span.index.tolist()] == list(range(start, stop))


@given(designs)
def test_ids_and_seeds_of_different_stimuli_differ_and_have_their_size(design: Design) -> None:
    ids, seeds = design.ids(0, len(design)), design.seeds(0, len(design))
    assert len(set(ids)) == len(set(seeds)) == len(design)
    assert all(len(id) == 16 and int(id, 16) >= 0 for id in ids)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_an_id_does_not_depend_on_position_company_or_key_order() -> None:
    whole = Design((RAMP, GAUSSIAN, STEP), 5)
    alone = Family(
        "gaussian", "elsewhere", {"center_x": (0,), "sigma": (0.7,), "amplitude": (40.0,)}, (), 2
    )
    at = next(
        i
        for i in range(len(whole))
        if whole.parameters(i).items() >= {("amplitude", 40), ("sigma", 0.7)}
    )
    assert Design((alone,), 5).ids(0, 2) == whole.ids(at, at + 2)
    assert Design((alone,), 5).seeds(0, 2) == whole.seeds(at, at + 2)


@pytest.mark.parametrize(("one", "other"), [(10, 10.0), (0.0, -0.0), (1e3, 1000)])
def test_equal_numbers_make_the_same_stimulus_however_written(one: float, other: float) -> None:
    first, second = (Design((Family("ramp", "t", {"final": (value,)}),)) for value in (one, other))
    assert first.id(0) == second.id(0)
    assert first.seeds(0, 1) == second.seeds(0, 1)


def test_type_parameter_repetition_and_base_seed_each_change_id_and_seed() -> None:
    designs = [
        Design((Family("a", "t", {"x": (1, 2)}, ("x",), 2),)),
        Design((Family("b", "t", {"x": (1, 2)}, ("x",), 2),)),
        Design((Family("a", "t", {"y": (1, 2)}, ("y",), 2),)),
        Design((Family("a", "t", {"x": (1, 2)}, ("x",), 2),), seed=1),
    ]
    assert len({id for design in designs for id in design.ids(0, 4)}) == 16
    assert len({seed for design in designs for seed in design.seeds(0, 4)}) == 16


def test_parameters_print_as_written_and_hold_no_repetitions() -> None:
    assert Design((GAUSSIAN,)).parameters(0) == {
        "type": "gaussian",
        "amplitude": 10,
        "sigma": 0.3,
        "center_x": 0.0,
    }
    assert isinstance(Design((GAUSSIAN,)).parameters(0)["amplitude"], int)


@pytest.mark.parametrize("index", [-1, 60])
def test_a_position_outside_the_design_is_an_index_error(index: int) -> None:
    design = Design((GAUSSIAN,))
    for ask in (design.parameters, design.id):
        with pytest.raises(IndexError, match=f"no stimulus {index} in a design of 60"):
            ask(index)


def test_the_same_stimulus_twice_is_refused_with_both_positions_and_the_way_out() -> None:
    twice = Family(
        "gaussian", "t", {"amplitude": (10, 20, 10.0), "sigma": (0.5,)}, ("amplitude",), 2
    )
    with pytest.raises(ConfigError) as caught:
        Design((RAMP, twice)).check()
    assert caught.value.problems == (
        "stimuli: the same stimulus stands at positions 1 and 5 (type=gaussian, amplitude=10, sigma=0.5);"
        " each is allowed once: use repetitions to have it several times",
    )
    with pytest.raises(ConfigError, match=r"positions 0 and 60 .*\(and 19 more\)"):
        Design((GAUSSIAN, GAUSSIAN)).check()


def test_a_design_without_stimuli_is_refused() -> None:
    for empty in (Design(()), Design((Family("ramp", "t", {"final": ()}, ("final",)),))):
        with pytest.raises(ConfigError, match="stimuli: got none"):
            empty.check()


@given(designs)
def test_a_design_of_distinct_stimuli_passes(design: Design) -> None:
    design.check()


def test_one_family_tells_its_grid_in_two_lines() -> None:
    assert Design((GAUSSIAN,)).grid_lines() == [
        "Grid expansion: amplitude=[10, 20, 30, 40, 50], sigma=[0.3, 0.5, 0.7, 0.9]",
        "→ 20 parameter combinations × 3 repetitions = 60 stimuli",
    ]


@pytest.mark.parametrize(
    ("repetitions", "line"),
    [
        (5, "→ 1 parameter combination × 5 repetitions = 5 stimuli"),
        (1, "→ 1 parameter combination × 1 repetition = 1 stimulus"),
    ],
)
def test_a_family_without_a_list_tells_its_count_only(repetitions: int, line: str) -> None:
    assert Design((Family("ramp", "t", {"final": (30,)}, (), repetitions),)).grid_lines() == [line]


def test_several_families_tell_a_pair_of_lines_each_and_the_total() -> None:
    assert Design((GAUSSIAN, STEP, RAMP)).grid_lines() == [
        "Grid expansion (gaussian): amplitude=[10, 20, 30, 40, 50], sigma=[0.3, 0.5, 0.7, 0.9]",
        "→ 20 parameter combinations × 3 repetitions = 60 stimuli",
        "Grid expansion (step): amplitude=[20, 30]",
        "→ 2 parameter combinations × 2 repetitions = 4 stimuli",
        "Grid expansion (ramp): no lists",
        "→ 1 parameter combination × 1 repetition = 1 stimulus",
        "Total: 65 stimuli",
    ]


def test_axes_describe_the_design_in_plain_containers() -> None:
    assert Design((STEP,)).axes == [
        {
            "type": "step",
            "parameters": {"amplitude": [20, 30], "step_time": 50.0},
            "repetitions": 2,
            "conditions": 2,
            "stimuli": 4,
        }
    ]


def test_twenty_thousand_conditions_have_ids_and_seeds_of_their_own() -> None:
    axes: dict[str, tuple[int | float, ...]] = {
        name: tuple(np.arange(count).tolist())
        for name, count in [("a", 20), ("b", 10), ("c", 10), ("d", 10)]
    }
    design = Design((Family("t", "t", axes, tuple(axes)),))
    design.check()
    ids, seeds = design.ids(0, len(design)), design.seeds(0, len(design))
    assert len(set(ids)) == len(set(seeds)) == 20_000


def test_ids_and_seeds_are_the_pinned_ones() -> None:
    design = Design((GAUSSIAN, STEP, RAMP), 42)
    ids, seeds = design.ids(0, 65), design.seeds(0, 65)
    assert [(ids[index], seeds[index]) for index in (0, 31, 60, 64)] == [
        ("f81f740c031b139d", 8620524083543143596),
        ("c76fdaa047c4eafa", 1841073854685550999),
        ("c1f5113efb515479", 3765916448845123591),
        ("805204e430f90d5c", 5986570702577214868),
    ]


def test_a_long_axis_is_folded_in_the_dry_run() -> None:
    family = Family("gaussian", "x", {"amplitude": tuple(range(10, 1010))}, ("amplitude",))
    assert (
        Design((family,)).grid_lines()[0]
        == "Grid expansion: amplitude=[10, 11, 12, ..., 1009] (1000 values)"
    )


@pytest.mark.parametrize(("sides", "repetitions"), [(4, 1), (1, 10**30), (1, 2**62)])
def test_a_design_that_no_memory_holds_is_refused_at_once(sides: int, repetitions: int) -> None:
    axes = {name: tuple(range(1000)) for name in "abcd"[:sides]}
    design = Design((Family("wide", "t", axes, tuple(axes), repetitions),))
    with pytest.raises(
        ConfigError,
        match=rf"^stimuli: got {1000**sides} parameter combinations, .* at most 10000000 ",
    ):
        design.check()


def test_ids_do_not_depend_on_how_many_are_reckoned_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    design = Design((GAUSSIAN, STEP, RAMP), 42)
    whole = design.ids(0, len(design))
    monkeypatch.setattr("sensoryforge.design.design._BLOCK", 7)
    monkeypatch.setattr("sensoryforge.design.family._BLOCK", 3)
    assert design.ids(0, len(design)) == whole
