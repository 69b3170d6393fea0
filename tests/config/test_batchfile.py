"""Batch files mean what they say."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from sensoryforge.config import batch_config
from sensoryforge.config import reading as config
from sensoryforge.config.composer import Composer
from sensoryforge.config.entry_references import entry_names
from sensoryforge.config.reading import check_batch_file
from sensoryforge.core.errors import ConfigError
from sensoryforge.design.experiment import Experiment

ONE = "stimuli: [{type: gaussian}]\n"


@pytest.fixture
def batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that checks a batch file of the given text."""
    monkeypatch.chdir(tmp_path)

    def check(text: str, *overrides: str, name: str = "batch.yml") -> Experiment:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return config.check_batch_file(path, overrides)

    return check


def test_a_batch_file_replaces_the_stimuli_and_merges_the_rest(batch: Any) -> None:
    experiment = batch(
        "pipeline: {grid_size: 16}\n"
        "stimuli:\n"
        "  - {type: step, amplitude: [1, 2], step_time: [50, 100.0]}\n"
        "  - {type: gaussian, repetitions: 3}\n"
        "  - {type: gaussian, amplitude: 5}\n"
        "batch: {format: hdf5, output_dir: here}\n"
    )
    assert [(f.type, f.count_conditions, f.repetitions) for f in experiment.design.families] == [
        ("step", 4, 1), ("gaussian", 1, 3), ("gaussian", 1, 1),
    ]  # fmt: skip
    assert (experiment.sheet.rows, experiment.samples, experiment.batch.format.name) == (
        16,
        600,
        "hdf5",
    )
    assert experiment.design.parameters(1)["step_time"] == 100.0


@pytest.mark.parametrize(
    "text",
    [
        "pipeline:",
        "batch:",
        "neurons:",
        "neurons: {populations: }",
        "neurons: {populations: {sa: {model: {parameters: }}}}",
        "neurons: {populations: {sa: {filter: {derivatives: , states: }}}}",
    ],
)
def test_a_section_that_is_empty_changes_nothing(batch: Any, text: str) -> None:
    here = "batch: {output_dir: here}\n"
    usual = batch(f"{ONE}{here}").config
    shared = f"defaults: [shared]\n{text}\n" if text == "batch:" else f"{ONE}{here}{text}\n"
    Path("shared.yml").write_text(f"{ONE}{here}")
    assert batch(shared).config == usual


def test_a_parameter_is_set_in_every_entry_that_has_it(batch: Any) -> None:
    two = "stimuli: [{type: gaussian}, {type: step}, {type: gaussian, amplitude: 1}]"
    given = (
        "stimuli.repetitions=2",
        "stimuli.step_time=[10, 20]",
        "stimuli.step.repetitions=3",
        "pipeline.seed=1",
    )
    experiment = batch(two, *given)
    assert [family.repetitions for family in experiment.design.families] == [2, 3, 2]
    assert [family.listed for family in experiment.design.families] == [(), ("step_time",), ()]
    assert experiment.seed == 1
    dataset = config.check(config.compose("experiment=touch_dataset", "stimuli.sigma=[1,2]"))
    assert [family.axes["sigma"] for family in dataset.design.families] == [(1, 2)] * 3


def test_what_a_file_repeats_by_an_alias_counts_each_time(batch: Any) -> None:
    populations = batch(
        f"{ONE}neurons: {{populations: {{sa: &same {{model: lif, filter: {{states: }}}}, ra: *same}}}}\n"
    )
    assert ["tau_m" in one.model.parameters for one in populations.populations.values()] == [
        True,
        True,
    ]


def test_overrides_come_on_top_of_a_batch_file(batch: Any) -> None:
    text = "stimuli: [{type: gaussian, amplitude: [1, 2]}]\nbatch: {format: pytorch}\n"
    assert len(batch(text, "stimuli.amplitude=[1,2,3]").design) == 3
    assert batch(text, "batch=hdf5").batch.format.name == "hdf5"
    two = "stimuli: [{type: gaussian}, {type: gaussian, amplitude: 1}, {type: step}]"
    assert (
        len(batch(two, "stimuli.gaussian_2.sigma=[1,2]", "stimuli.step.repetitions=4").design) == 7
    )


def test_options_are_chosen_by_name_in_a_batch_file(batch: Any) -> None:
    experiment = batch(
        "defaults:\n"
        "  - population@neurons.populations.pc: ra\n"
        "batch: hdf5\n"
        "neurons:\n"
        "  populations:\n"
        "    sa: {model: lif, gain: 5}\n"
        "    touch: sa\n"
        "stimuli: [{type: gaussian}]\n"
    )
    assert experiment.batch.format.name == "hdf5"
    assert list(experiment.populations) == ["sa", "ra", "pc", "touch"]
    assert "tau_m" in experiment.populations["sa"].model.parameters
    assert experiment.populations["sa"].gain == 5.0


def test_shared_files_are_found_beside_the_file_and_in_its_parents(
    batch: Any, tmp_path: Path
) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "base_pipeline.yml").write_text(
        "pipeline: {grid_size: 8, dt_ms: 1.0}\nbatch: {format: hdf5}\n"
    )
    text = "defaults: [base_pipeline]\npipeline: {dt_ms: 0.25}\nstimuli: [{type: ramp}]\n"
    experiment = batch(text, name="configs/batches/one.yml")
    assert (experiment.sheet.rows, experiment.dt_ms, experiment.batch.format.name) == (
        8,
        0.25,
        "hdf5",
    )


def test_a_conf_folder_beside_the_file_joins_the_search_path(batch: Any, tmp_path: Path) -> None:
    model = "states: {v: 0.0}\nderivatives: {v: I - v}\nthreshold: v >= 1\nreset: {v: 0.0}\nparameters: {}\n"
    stimulus = "defaults: [gaussian]\nsigma: 0.1\n"
    for name, text in {"model/plain": model, "stimuli/pin": stimulus}.items():
        (tmp_path / "conf" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "conf" / f"{name}.yaml").write_text(text)
    experiment = batch(
        "neurons: {populations: {sa: {model: plain}}}\nstimuli: [{type: pin}]\n",
        name="batches/one.yml",
    )
    assert list(experiment.populations["sa"].model.states) == ["v"]
    assert experiment.design.parameters(0)["sigma"] == 0.1


@pytest.mark.parametrize(
    "reference", ["${stimuli.0.amplitude}", "${stimuli[0].amplitude}", "${..0.amplitude}"]
)
@pytest.mark.parametrize("more", [0, batch_config.COMPOSED_ONE_BY_ONE])
def test_an_entry_refers_to_another_by_its_place_in_the_list(
    batch: Any, reference: str, more: int
) -> None:
    others = "".join(f"  - {{type: gaussian, amplitude: {k + 10}}}\n" for k in range(more))
    experiment = batch(
        "pipeline: {seed: '${stimuli[1].step_time}'}\n"
        "stimuli:\n"
        "  - {type: step, amplitude: [1, 2]}\n"
        f"  - {{type: step, amplitude: '{reference}', step_time: 30}}\n"
        "  - {type: gaussian, amplitude: '${stimuli.1.amplitude}', sigma: '${.amplitude}'}\n"
        f"{others}"
    )
    families = experiment.design.families[:3]
    assert [family.axes["amplitude"] for family in families] == [(1, 2)] * 3
    assert families[2].axes["sigma"] == (1, 2)
    assert experiment.seed == 30


def test_the_only_entry_refers_to_itself_by_its_place(batch: Any) -> None:
    experiment = batch("stimuli: [{type: gaussian, amplitude: 7, sigma: '${stimuli.0.amplitude}'}]")
    assert experiment.design.parameters(0)["sigma"] == 7


def test_a_place_behind_the_last_entry_is_named(batch: Any) -> None:
    with pytest.raises(ConfigError, match=r"stimuli\.2\.amplitude' not found"):
        batch("stimuli: [{type: step, amplitude: '${stimuli.2.amplitude}'}, {type: gaussian}]")


def test_the_names_that_references_get_are_those_of_the_entries(batch: Any) -> None:
    types = ["step", "gaussian", "step", "ramp", "gaussian", "step"]
    entries = []
    for k, name in enumerate(types):
        parameter = "final" if name == "ramp" else "amplitude"
        entries.append({"type": name, "repetitions": k + 1, parameter: k + 1})
    names = entry_names(entries)
    assert names == ["step", "gaussian", "step_2", "ramp", "gaussian_2", "step_3"]
    for k, name in enumerate(names):
        experiment = batch(json.dumps({"stimuli": entries}), f"stimuli.{name}.repetitions=9")
        repetitions = [family.repetitions for family in experiment.design.families]
        assert repetitions == [9 if j == k else j + 1 for j in range(len(names))]


def test_twenty_thousand_listed_values_are_read_quickly(batch: Any) -> None:
    batch("stimuli: [{type: gaussian}]")
    text = f"stimuli: [{{type: gaussian, amplitude: {[i / 10 for i in range(20_000)]}}}]"
    seconds = []
    for _ in range(3):  # the least of three: other threads of this process may be busy
        start = time.process_time()  # of this process alone: others may be busy too
        experiment = batch(text)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 2.0
    assert len(experiment.design) == 20_000
    assert experiment.config["stimuli"][0]["amplitude"][:3] == [0.0, 0.1, 0.2]


def test_numbers_with_an_exponent_are_numbers(batch: Any) -> None:
    assert (
        batch("stimuli: [{type: gaussian, amplitude: 1e1}]").design.parameters(0)["amplitude"]
        == 10.0
    )


@pytest.mark.parametrize(
    "name",
    ["01_sweep", "2026-sweep", "2026-11-25", "1.2.3", "10,20", "1:30", "5e", "2026-11-25 10:00:00"],
)
def test_words_that_begin_like_a_number_are_words(batch: Any, name: str) -> None:
    assert str(batch(f"{ONE}batch:\n  output_dir: {name}\n").batch.output_dir) == name


def test_an_equation_may_begin_with_a_digit(batch: Any) -> None:
    model = "neurons: {populations: {sa: {model: {derivatives: {v: 5*v + 140 - u + I}}}}}\n"
    assert (
        batch(ONE + model).config["neurons"]["populations"]["sa"]["model"]["derivatives"]["v"]
        == "5*v + 140 - u + I"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1_000", 1000),
        ("-0", 0),
        ("0x10", 16),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1e3),
        ("2.5e-1", 0.25),
    ],
)
def test_numbers_of_every_spelling_are_numbers(batch: Any, text: str, value: float) -> None:
    assert (
        batch(f"stimuli: [{{type: gaussian, amplitude: {text}}}]").design.parameters(0)["amplitude"]
        == value
    )


def test_the_starter_file_checks() -> None:
    from sensoryforge.commands.cli import STARTER

    assert len(config.check_batch_file(STARTER).design) == 13


def test_an_option_leaves_the_directory_of_a_file_however_late_it_is_composed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The default directory has the time in it, which two composes need not share."""
    load = Composer.load

    def load_late(composer: Composer, overrides: Any = ()) -> Any:
        composed = load(composer, overrides)
        assert composed.batch.output_dir
        time.sleep(1.01)
        return composed

    monkeypatch.setattr(Composer, "load", load_late)
    primary: dict[str, Any] = {"batch": {"output_dir": "here", "format": "pytorch"}}
    batch_config._drop_overridden_values(primary, ["batch=hdf5"], Composer.over())
    assert primary == {"batch": {"output_dir": "here"}}


# --- files of many entries ---

MIXTURE = """
batch: {{output_dir: out}}
pipeline: {{seed: 3}}
stimuli:
{entries}
"""


def many_entries(count: int) -> str:
    """Return a file with entries of three types, with a list, an interpolation, a name twice."""
    lines = []
    for number in range(count):
        amplitude = number + 1.5
        lines.append(f"  - {{type: gaussian, amplitude: {amplitude}, sigma: 0.25}}")
        lines.append(
            f"  - {{type: step, amplitude: [{amplitude}, {1000 + number}], repetitions: 2}}"
        )
        lines.append(f"  - {{type: ramp, final: {amplitude}, initial: '${{pipeline.seed}}'}}")
    return MIXTURE.format(entries="\n".join(lines))


@pytest.mark.parametrize("overrides", [[], ["pipeline.dt_ms=1.0", "batch=hdf5"]])
def test_many_entries_are_what_they_are_when_hydra_composes_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overrides: list[str]
) -> None:
    (tmp_path / "many.yml").write_text(many_entries(4), encoding="utf-8")
    by_hydra = check_batch_file(tmp_path / "many.yml", overrides)
    monkeypatch.setattr(batch_config, "COMPOSED_ONE_BY_ONE", 1)
    made = check_batch_file(tmp_path / "many.yml", overrides)
    assert made.config == by_hydra.config
    assert [list(entry) for entry in made.config["stimuli"]] == [
        list(entry) for entry in by_hydra.config["stimuli"]
    ]
    assert made.design.ids(0, len(made.design)) == by_hydra.design.ids(0, len(by_hydra.design))


@pytest.mark.parametrize(
    "entry",
    [
        "{type: gaussian, amplitude: -3}",
        "{type: gaussian, amplitud: 3}",
        "{type: gausian}",
        "{type: gaussian, amplitude: '${nothing}'}",
        "{type: gaussian, amplitude: '${'}",
        "{type: gaussian, amplitude: {mean: 3}}",
        "7",
    ],
)
def test_mistakes_in_many_entries_are_told_as_in_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    text = many_entries(2) + f"  - {entry}\n"
    (tmp_path / "many.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as by_hydra:
        check_batch_file(tmp_path / "many.yml")
    monkeypatch.setattr(batch_config, "COMPOSED_ONE_BY_ONE", 1)
    with pytest.raises(ConfigError) as made:
        check_batch_file(tmp_path / "many.yml")
    assert made.value.problems == by_hydra.value.problems


@pytest.mark.parametrize("override", ["stimuli.sigma=0.75", "stimuli.gaussian_3.sigma=0.75"])
def test_overrides_of_stimuli_go_on_working_in_files_of_many_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, override: str
) -> None:
    monkeypatch.setattr(batch_config, "COMPOSED_ONE_BY_ONE", 1)
    (tmp_path / "many.yml").write_text(many_entries(3), encoding="utf-8")
    entries = check_batch_file(tmp_path / "many.yml", [override]).config["stimuli"]
    assert entries[6]["sigma"] == 0.75
    fewer = check_batch_file(tmp_path / "many.yml", ["~stimuli.gaussian_2"]).config["stimuli"]
    assert len(fewer) == 8


def test_what_hydra_composes_does_not_grow_with_the_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its defaults list takes a time that grows with the square of what is in it."""
    listed: list[int] = []
    composes: list[int] = []
    primary_config, load = batch_config._primary_config, Composer.load

    def count_listed(*arguments: Any) -> dict[str, Any]:
        primary = primary_config(*arguments)
        listed.append(len(primary["defaults"]))
        return primary

    def count_composes(composer: Composer, overrides: Any = ()) -> Any:
        composes[-1] += 1
        return load(composer, overrides)

    monkeypatch.setattr(batch_config, "_primary_config", count_listed)
    monkeypatch.setattr(Composer, "load", count_composes)
    for count in (40, 400):
        composes.append(0)
        (tmp_path / "many.yml").write_text(many_entries(count), encoding="utf-8")
        experiment = check_batch_file(tmp_path / "many.yml")
        assert len(experiment.design.families) == 3 * count
    assert listed[0] == listed[1]
    assert composes[0] == composes[1]


def test_many_entries_are_told_in_a_few_lines(tmp_path: Path) -> None:
    (tmp_path / "many.yml").write_text(many_entries(100), encoding="utf-8")
    lines = check_batch_file(tmp_path / "many.yml").design.grid_lines()
    assert lines == [
        "Grid expansion (gaussian): 100 entries without lists",
        "→ 100 parameter combinations × 1 repetition = 100 stimuli",
        "Grid expansion (step): 100 entries with lists",
        "→ 200 parameter combinations × 2 repetitions = 400 stimuli",
        "Grid expansion (ramp): 100 entries without lists",
        "→ 100 parameter combinations × 1 repetition = 100 stimuli",
        "Total: 600 stimuli",
    ]


LIKE_RA = """
neurons:
  populations:
    ra: {model: lif, noise_std: 0, gain: 3}
    pc: LIKENESS
stimuli: [{type: step}]
"""


@pytest.mark.parametrize("likeness", ["ra", "{type: ra, count: 25}", "{type: ra, gain: 5}"])
def test_a_population_that_is_like_another_is_like_the_files_own(batch: Any, likeness: str) -> None:
    populations = batch(LIKE_RA.replace("LIKENESS", likeness)).populations
    assert list(populations) == ["sa", "ra", "pc"]
    assert (
        list(populations["pc"].model.states) == list(populations["ra"].model.states) == ["v", "r"]
    )
    assert populations["pc"].noise_std == 0
    assert populations["pc"].gain == (5 if "gain" in likeness else 3)
    assert populations["pc"].count == (25 if "count" in likeness else populations["ra"].count)


@pytest.mark.parametrize("text", ["{ra: null}", "{ra: null, sa: {count: 3}}"])
def test_null_takes_a_population_away(batch: Any, text: str) -> None:
    experiment = batch(f"neurons: {{populations: {text}}}\nstimuli: [{{type: step}}]\n")
    assert list(experiment.populations) == ["sa"]
    assert list(experiment.config["neurons"]["populations"]) == ["sa"]


def test_null_takes_a_population_away_on_a_command_line() -> None:
    assert list(config.check(config.compose("neurons.populations.ra=null")).populations) == ["sa"]
