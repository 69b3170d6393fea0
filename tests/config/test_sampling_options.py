"""Sampled entries of the stimuli: what may be written, on the command line and in files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from helpers.experiments import checked
from hypothesis import given, settings
from hypothesis import strategies as st

import sensoryforge as sf
from sensoryforge.config.composer import Composer
from sensoryforge.config.families import read_families
from sensoryforge.config.nested import Options
from sensoryforge.config.neuron_axes import read_neuron_axes
from sensoryforge.config.presets import expand_preset
from sensoryforge.config.reading import check, check_batch_file
from sensoryforge.config.stimuli import Entry
from sensoryforge.config.sweep import plan
from sensoryforge.design.design import Design
from sensoryforge.design.family import Family

PIPELINE = {"duration_ms": 300.0, "dt_ms": 0.5, "seed": 42}
RANGE = "stimuli.amplitude={low: 5, high: 50}"
SOBOL = ("stimuli.sampling=sobol", "stimuli.samples=16")


def family_of(neurons: Mapping[str, Any] | None = None, /, **values: Any) -> Family:
    """Return the family of an entry that is written without what its option says.

    ``neurons`` are numbers of a population, of which some may be axes.
    """
    problems: list[str] = []
    whole = Options()._complete_option("stimuli", "stimuli", values, problems)
    assert whole is not None
    entry = Entry("stimuli", {"repetitions": 1, **Options().complete("stimuli", whole, problems)})
    axes = read_neuron_axes({"neurons": {"populations": {"sa": neurons or {}}}})
    (family,) = read_families([entry], PIPELINE, problems, neurons=axes)
    assert not problems
    return family


def rows(family: Family) -> list[dict[str, Any]]:
    design = Design((family,), 42)
    return [design.parameters(index) for index in range(len(design))]


def jobs(*overrides: str) -> list[list[str]]:
    """Return the overrides of each job of a sweep, as the sweeper has them composed."""
    composer = Composer.over()
    spelled_out = composer.spell_out_pieces(overrides)
    return [list(job.overrides) for job in plan(composer.parse(spelled_out), composer)]


# --- every way to write it ---


def test_hydras_interval_is_a_range() -> None:
    (job,) = jobs(
        "stimuli.amplitude=interval(5,50)", "stimuli.sigma=tag(log,interval(0.1,1))", *SOBOL
    )
    written = checked(RANGE, "stimuli.sigma={low: 0.1, high: 1, scale: log}", *SOBOL)
    assert checked(*job).design.ids(0, 16) == written.design.ids(0, 16)


def test_choices_of_a_sweep_are_drawn_from_too() -> None:
    (job,) = jobs("stimuli.amplitude=choice(10,20)", "stimuli.sigma=interval(0.1,1)", *SOBOL)
    (family,) = checked(*job).design.families
    assert {row["amplitude"] for row in rows(family)} == {10, 20}
    assert len({row["sigma"] for row in rows(family)}) == 16


def test_each_of_several_types_is_sampled() -> None:
    (job,) = jobs("stimuli=gaussian,step", "stimuli.amplitude=interval(5,50)", *SOBOL)
    families = checked(*job).design.families
    assert [family.count for family in families] == [16, 16]


def test_a_batch_file_says_the_same_as_a_command_line(tmp_path: Path) -> None:
    path = tmp_path / "drawn.yml"
    path.write_text(
        "stimuli:\n- type: gaussian\n  sampling: sobol\n  samples: 16\n"
        "  amplitude: {low: 5, high: 50}\n"
    )
    from_file = check_batch_file(path).design
    assert from_file.ids(0, 16) == checked(RANGE, *SOBOL).design.ids(0, 16)


@pytest.mark.parametrize(
    ("override", "count"),
    [
        ("stimuli.samples=40", 40),
        ("stimuli.amplitude=[1,2]", 2),
        ("stimuli.amplitude={mean: 30, std: 1}", 16),
        ("stimuli.amplitude=linspace(1,9,5)", 5),
    ],
)
def test_an_override_replaces_what_a_batch_file_draws_from(
    tmp_path: Path, override: str, count: int
) -> None:
    path = tmp_path / "drawn.yml"
    path.write_text(
        "stimuli:\n- type: gaussian\n  sampling: random\n  samples: 16\n"
        "  amplitude: {low: 5, high: 50}\n  sigma: 0.5\n"
    )
    overrides = [override]
    if "[" in override or "linspace" in override:
        overrides += ["stimuli.sampling=grid", "stimuli.samples=null"]
    assert len(check_batch_file(path, overrides).design) == count


def test_every_entry_of_an_experiment_is_sampled_or_the_one_that_is_named() -> None:
    every = checked(
        "experiment=touch_dataset", RANGE, "stimuli.sampling=random", "stimuli.samples=3"
    )
    assert {family.count_conditions for family in every.design.families} == {3}
    one = checked(
        "experiment=touch_dataset", "stimuli.ramp.sampling=random", "stimuli.ramp.samples=2"
    )
    assert [f.count_conditions for f in one.design.families if f.drawn] == [2]


def test_python_takes_the_same_mapping() -> None:
    entry = {"type": "gaussian", "sampling": "sobol", "samples": 16}
    values = {"stimuli": {**entry, "amplitude": {"low": 5, "high": 50}}}
    assert check(values).design.ids(0, 16) == checked(RANGE, *SOBOL).design.ids(0, 16)


def test_a_stored_configuration_draws_the_same_points_again() -> None:
    experiment = checked(
        RANGE,
        *SOBOL,
        "stimuli.center_x={mean: 0, std: 1}",
        "stimuli.center_y=${stimuli.center_x}",
        "stimuli.where='center_x < 1'",
    )
    again = check(experiment.config)
    assert again.design.ids(0, 16) == experiment.design.ids(0, 16)
    assert again.config == experiment.config


# --- what comes out ---


def test_a_sampled_stimulus_has_the_id_and_the_seed_of_the_same_plain_one() -> None:
    design = checked(RANGE, "stimuli.sigma={low: 0.1, high: 1, scale: log}", *SOBOL).design
    for index in range(16):
        values = design.parameters(index)
        plain = checked(*(f"stimuli.{name}={values[name]!r}" for name in ("amplitude", "sigma")))
        assert plain.design.ids(0, 1) == [design.id(index)]
        assert plain.design.seeds(0, 1) == design.seeds(index, index + 1)


def test_pairs_are_zipped_and_numbers_stay_as_they_are() -> None:
    family = family_of(
        type="gaussian", sampling="paired", amplitude=[10, 20, 30], sigma=[0.3, 0.5, 0.7]
    )
    assert [(row["amplitude"], row["sigma"], row["center_x"]) for row in rows(family)] == [
        (10, 0.3, 0.0),
        (20, 0.5, 0.0),
        (30, 0.7, 0.0),
    ]


def test_a_condition_drops_combinations_of_a_grid_in_order() -> None:
    values = {"wavelength": [1, 2], "orientation": [0, 90, 180], "type": "grating"}
    family = family_of(**values, where="orientation < 100*wavelength and orientation != 90")
    assert [(row["wavelength"], row["orientation"]) for row in rows(family)] == [
        (1, 0),
        (2, 0),
        (2, 180),
    ]
    assert Design((family,)).grid_lines() == [
        "Grid expansion: wavelength=[1, 2], orientation=[0, 90, 180],"
        " where orientation < 100*wavelength and orientation != 90 (3 of 6 kept)",
        "→ 3 parameter combinations × 1 repetition = 3 stimuli",
    ]


def test_a_parameter_equal_to_another_has_its_value_in_every_condition() -> None:
    design = checked("stimuli.center_x=[1,2,3]", "stimuli.center_y=${.center_x}").design
    assert [(p["center_x"], p["center_y"]) for p in map(design.parameters, range(3))] == [
        (1, 1),
        (2, 2),
        (3, 3),
    ]
    assert design.grid_lines()[0] == "Grid expansion: center_x=[1, 2, 3], center_y=center_x"
    assert len(design) == 3


def test_equal_parameters_may_lie_at_any_depth_and_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "tied.yml"
    path.write_text(
        "stimuli:\n"
        "- type: disc\n  amplitude: [1, 2]\n"
        "- type: gaussian\n  sampling: random\n  samples: 5\n"
        "  amplitude: {low: 5, high: 50}\n  sigma: ${stimuli.1.center_x}\n"
        "  center_x: {low: 0.1, high: 1}\n  center_y: ${.sigma}\n"
        "  profile: {type: trapezoid, ramp_ms: '${..amplitude}', hold_ms: '${.ramp_ms}'}\n"
    )
    drawn = check_batch_file(path).design.families[1]
    for row in rows(drawn):
        assert row["sigma"] == row["center_x"] == row["center_y"]
        assert row["amplitude"] == row["profile_ramp_ms"] == row["profile_hold_ms"]


def test_a_reference_to_a_plain_number_is_that_number_as_before() -> None:
    design = checked("stimuli.center_x=2", "stimuli.center_y=${.center_x}").design
    assert design.families[0].drawn is None
    assert design.ids(0, 1) == checked("stimuli.center_x=2", "stimuli.center_y=2").design.ids(0, 1)


def test_points_derive_from_the_seed_of_the_experiment_or_from_one_of_their_own() -> None:
    ids = {
        seeds: tuple(row["amplitude"] for row in rows(checked(RANGE, *SOBOL, *seeds).design.families[0]))
        for seeds in [
            (),
            ("pipeline.seed=0",),
            ("pipeline.seed=1",),
            ("pipeline.seed=1", "stimuli.sampling_seed=0"),
            ("pipeline.noise_seed=5",),
        ]
    }  # fmt: skip
    same, *_ = ids.values()
    assert [values == same for values in ids.values()] == [True, True, False, True, True]


def test_a_dry_run_tells_ranges_and_first_points() -> None:
    design = checked(RANGE, "stimuli.sigma=[0.3,0.5]", *SOBOL, "stimuli.repetitions=2").design
    assert design.grid_lines() == [
        "Sampling: sobol, 16 points of 2 parameters, seed 0",
        "  amplitude  from 5 to 50: 45.8674, 23.3674, 12.1174, ...",
        "  sigma      [0.3, 0.5]: 0.5, 0.3, 0.5, ...",
        "→ 16 parameter combinations × 2 repetitions = 32 stimuli",
    ]


# --- presets ---


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("linspace(5, 50, 10)", [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]),
        ("linspace(0.1, 0.7, 3)", [0.1, 0.4, 0.7]),
        ("linspace(1,-1,5)", [1, 0.5, 0, -0.5, -1]),
        ("linspace(3, 3, 1)", [3]),
        ("logspace(1, 1000, 4)", [1, 10, 100, 1000]),
        ("logspace(0.1, 10, 5)", [0.1, 0.316227766017, 1.0, 3.16227766017, 10.0]),
    ],
)
def test_presets_are_lists(text: str, values: list[float]) -> None:
    assert expand_preset(text) == values
    override = f"stimuli.sigma={text.replace(' ', '')}"
    if all(value > 0 for value in values):
        listed = checked(override).design
        assert listed.families[0].axes["sigma"] == tuple(values)
        assert len(listed) == len(values)


def test_a_preset_may_stand_within_a_list_and_within_a_profile() -> None:
    profile = {"type": "trapezoid", "ramp_ms": "linspace(5, 7, 2)"}
    amplitude = [1, "linspace(2, 4, 3)"]
    values = {"stimuli": {"type": "gaussian", "amplitude": amplitude, "profile": profile}}
    axes = check(values).design.families[0].axes
    assert axes["amplitude"] == (1, 2, 3, 4)
    assert axes["profile_ramp_ms"] == (5, 7)


# --- properties ---

numbers = st.sampled_from(
    [30, [10, 20], {"low": 1, "high": 50}, {"low": 1, "high": 50, "scale": "log"}, {"mean": 30, "std": 2}]
)  # fmt: skip
entries = st.fixed_dictionaries(
    {
        "type": st.just("braille"),
        "letter": st.sampled_from(["a", ["a", "b"], ["x", "y", "z"]]),
        "amplitude": numbers,
        "center_x": st.sampled_from([0, {"low": -2, "high": 2}, [-1, 0, 1]]),
        "center_y": st.just({"low": -1, "high": 1}),
        "profile": st.fixed_dictionaries(
            {"type": st.just("trapezoid"), "ramp_ms": numbers, "hold_ms": st.just("${.ramp_ms}")}
        ),
        "motion": st.fixed_dictionaries({"type": st.just("line"), "speed_mm_s": numbers}),
    }
)
sampled = st.tuples(entries, st.sampled_from(["random", "latin_hypercube", "sobol"]))
of_neurons = st.fixed_dictionaries(
    {
        "gain": st.sampled_from([40, [20, 40], {"low": 1, "high": 80, "per": "condition"}]),
        "filter": st.fixed_dictionaries(
            {
                "parameters": st.fixed_dictionaries(
                    {"tau_d": st.sampled_from([30, [10, 30], "linspace(5, 50, 4)"])}
                )
            }
        ),
    }
)


def without_tie(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry in which only what varies is tied, as a checked configuration has it."""
    profile = dict(entry["profile"])
    if not isinstance(profile["ramp_ms"], Mapping | list):
        profile["hold_ms"] = profile["ramp_ms"]
    return {**entry, "profile": profile}


@settings(deadline=None, max_examples=40)
@given(sampled, st.integers(1, 30))
def test_any_mixture_makes_stimuli_with_the_ids_of_plain_ones(
    drawn: tuple[dict[str, Any], str], samples: int
) -> None:
    entry, method = without_tie(drawn[0]), drawn[1]
    family = family_of(**entry, sampling=method, samples=samples)
    design = Design((family,), 42)
    design.check()
    assert len(set(design.ids(0, samples))) == samples
    for index in (0, samples - 1):
        row = design.parameters(index)
        assert row["profile_hold_ms"] == row["profile_ramp_ms"]
        profile = {name: row[f"profile_{name}"] for name in ("ramp_ms", "hold_ms")}
        plain = family_of(
            type="braille",
            **{name: row[name] for name in ("letter", "amplitude", "center_x", "center_y")},
            profile={"type": "trapezoid", **profile},
            motion={"type": "line", "speed_mm_s": row["motion_speed_mm_s"]},
        )
        assert Design((plain,), 42).ids(0, 1) == [design.id(index)]


@settings(deadline=None, max_examples=40)
@given(
    entries,
    of_neurons,
    st.sampled_from(["random", "sobol"]),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_any_mixture_that_grew_begins_with_what_it_was(
    entry: dict[str, Any], neurons: dict[str, Any], method: str, few: int, more: int
) -> None:
    entry = without_tie(entry)
    short, long = (
        Design((family_of(neurons, **entry, sampling=method, samples=samples),))
        for samples in (few, few + more)
    )
    assert long.ids(0, few) == short.ids(0, few)
    assert long.seeds(0, few) == short.seeds(0, few)


@settings(deadline=None, max_examples=40)
@given(entries, of_neurons, st.integers(1, 20))
def test_any_mixture_with_numbers_of_neurons_has_the_noise_of_its_stimuli(
    entry: dict[str, Any], neurons: dict[str, Any], samples: int
) -> None:
    entry = without_tie(entry)
    design = Design(
        (family_of(neurons, **entry, sampling="random", samples=samples, repetitions=2),), 42
    )
    row = design.parameters(len(design) - 1)
    plain = family_of(
        type="braille",
        **{name: row[name] for name in ("letter", "amplitude", "center_x", "center_y")},
        profile={"type": "trapezoid", **{n: row[f"profile_{n}"] for n in ("ramp_ms", "hold_ms")}},
        motion={"type": "line", "speed_mm_s": row["motion_speed_mm_s"]},
        repetitions=2,
    )
    alone = Design((plain,), 42)
    assert design.seeds(len(design) - 1, len(design)) == alone.seeds(1, 2)
    is_listed = design.families[0].of_neurons != ()
    assert (design.ids(len(design) - 1, len(design)) == alone.ids(1, 2)) is not is_listed


@settings(deadline=None, max_examples=40)
@given(entries, st.integers(1, 20), st.data())
def test_the_order_of_keys_changes_no_random_stimulus(
    entry: dict[str, Any], samples: int, data: st.DataObject
) -> None:
    entry = without_tie(entry)
    keys = data.draw(st.permutations(sorted(entry)))
    shuffled = {key: entry[key] for key in keys}
    one, other = (
        Design((family_of(**values, sampling="random", samples=samples),))
        for values in (entry, shuffled)
    )
    assert one.ids(0, samples) == other.ids(0, samples)


@settings(deadline=None, max_examples=25)
@given(sampled, st.integers(2, 30), st.data())
def test_any_stretch_of_a_sampled_design_is_a_slice_of_the_whole(
    drawn: tuple[dict[str, Any], str], samples: int, data: st.DataObject
) -> None:
    family = family_of(**without_tie(drawn[0]), sampling=drawn[1], samples=samples, repetitions=2)
    design = Design((family,), 1)
    start = data.draw(st.integers(0, len(design)))
    stop = data.draw(st.integers(start, len(design)))
    assert design.ids(start, stop) == design.ids(0, len(design))[start:stop]
    table = design.table()
    for span in design.locate(start, stop):
        columns = design.columns(family, span.condition)
        for name, column in columns.items():
            expected = table[name][start:stop]
            assert column.tolist() == [v if isinstance(v, str) else float(v) for v in expected]


# --- size ---


def test_a_million_sampled_conditions_are_planned_in_ten_seconds() -> None:
    config = sf.compose(
        RANGE,
        "stimuli.sigma={low: 0.1, high: 1, scale: log}",
        "stimuli.center_x={low: -1, high: 1}",
        "stimuli.center_y={mean: 0, std: 0.5}",
        "stimuli.where='sigma*30 < amplitude'",
        "stimuli.sampling=sobol",
        "stimuli.samples=1000000",
    )
    start = perf_counter()
    design = check(config).design
    assert len(design) == 1_000_000
    assert perf_counter() - start < 10
    (family,) = design.families
    held = sum(np.asarray(family.axes[name]).nbytes for name in family.axes)
    assert held < 64e6
