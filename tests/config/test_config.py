"""Every option composes and checks, and overrides mean what they say."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from math import inf
from pathlib import Path

import pytest
import yaml
from helpers.fitted import write_options
from helpers.touch import PROBE, files, pulls
from omegaconf import OmegaConf

from sensoryforge.config import reading as config
from sensoryforge.config import rules
from sensoryforge.config.catalogue import declared_units
from sensoryforge.config.composer import Composer
from sensoryforge.config.sources import conf_dir
from sensoryforge.core.errors import ConfigError
from sensoryforge.design.experiment import Experiment

OPTIONS = sorted(
    path.relative_to(conf_dir()).with_suffix("").as_posix()
    for path in conf_dir().glob("*/*.yaml")
    if path.parent.name not in ("decoder", "logger")  # of training, not of an experiment
)

PLACES = {
    "layout": "neurons.populations.sa.layout={}",
    "format": "batch.format={}",
    "profile": "profile@stimuli.profile={}",
    "motion": "motion@stimuli.motion={}",
    "population": "+population@neurons.populations.new={}",
    "skin": "pipeline.skin={}",
    "innervation": "innervation@neurons.populations.sa.innervation={}",
    "filter": "filter@neurons.populations.sa.filter={}",
    "model": "model@neurons.populations.sa.model={}",
    "units": "units@neurons.populations.sa.units={}",
    "outline": "pipeline.outline={}",
}
LARGE_SHEET = ("pipeline.grid_size=[48,32]", "pipeline.spacing_mm=0.5")


FITTED = ("filter/touch_fast", "filter/touch_slow", "model/touch")
"""Equations that run at the step alone that they were fitted at."""
FITTED_POPULATIONS = ("population/sa1", "population/ra1", "population/pc")
"""Populations of such equations, which feel a skin that deforms and mix with no others."""


def checked(*overrides: str) -> Experiment:
    return config.check(config.compose(*overrides))


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_composes_and_checks(option: str, tmp_path: Path) -> None:
    group, name = option.split("/")
    chosen = [PLACES.get(group, group + "={}").format(name)]
    search: list[Path] = []
    if option == "layout/table":
        (tmp_path / "cells.csv").write_text("x_mm,y_mm\n0,0\n")
        cells = f"{{type:table,file:'{tmp_path / 'cells.csv'}'}}"
        chosen = [f"neurons.populations.sa.layout={cells}"]
    elif option == "innervation/table":
        (tmp_path / "links.csv").write_text("neuron,receptor,weight\n0,0,1\n")
        links = tmp_path / "links.csv"
        chosen.append(f"neurons.populations.sa.innervation.file='{links}'")
    elif option in ("innervation/elastic", "skin/elastic"):  # neither goes without the other
        chosen = ["pipeline.skin=elastic", "~neurons.populations.ra"]
        chosen.append("innervation@neurons.populations.sa.innervation=elastic")
    elif group == "profile" and pulls(option):
        chosen += PROBE
    elif option in FITTED_POPULATIONS:
        chosen += ["pipeline.skin=elastic", "pipeline.dt_ms=0.2"]
        chosen += ["~neurons.populations.sa", "~neurons.populations.ra"]
    elif option == "outline/regions":
        tip = "{tip:{type:fingertip},base:{type:rectangle,center_mm:[0,-14]}}"
        chosen = [f"pipeline.outline={{type:regions,parts:{tip}}}", "pipeline.spacing_mm=2"]
    elif group == "outline":
        chosen += LARGE_SHEET
    elif option.startswith("units/") and name != "none":
        # The fits are of filters and models of their own.
        search.append(write_options(tmp_path, name))
        for group in ("filter", "model"):
            chosen.append(f"{group}@neurons.populations.sa.{group}={name}_like")
    elif option in files():
        chosen.append(files()[option])
    if option in FITTED:
        chosen.append("pipeline.dt_ms=0.2")
    experiment = config.check(config.compose(*chosen, search=search))
    assert len(experiment.design) > 0


@pytest.mark.parametrize("option", OPTIONS)
def test_every_parameter_says_its_unit_and_meaning(option: str) -> None:
    group = option.split("/")[0]
    text = (conf_dir() / f"{option}.yaml").read_text(encoding="utf-8")
    assert any(line.startswith("# ") and "@package" not in line for line in text.splitlines())
    if group in ("pipeline", "population", "stimuli", "innervation", "layout"):
        values = yaml.safe_load(text)
        described = [
            line.split(":")[0].strip()
            for line in text.splitlines()
            if "  # " in line and "; " in line
        ]
        assert {key for key in values if key not in ("defaults", "_target_", "type")} == set(
            described
        )


def test_the_defaults() -> None:
    experiment = checked()
    assert (experiment.sheet.rows, experiment.sheet.columns, experiment.sheet.spacing_mm) == (
        32,
        32,
        0.15,
    )
    assert {name: one.count for name, one in experiment.populations.items()} == {"sa": 60, "ra": 80}
    assert (experiment.duration_ms, experiment.dt_ms, experiment.samples, experiment.substeps) == (
        300.0,
        0.5,
        600,
        5,
    )
    assert experiment.design.parameters(0) == {
        "type": "gaussian", "amplitude": 30.0, "sigma": 0.5, "center_x": 0.0, "center_y": 0.0,
    }  # fmt: skip
    assert (experiment.batch.format.name, experiment.batch.checkpoint_frequency) == ("pytorch", 100)
    assert experiment.batch.num_workers == len(os.sched_getaffinity(0))
    assert experiment.batch.output_dir.parts[0] == "outputs"


@pytest.mark.parametrize(
    ("dt", "substeps", "expected"),
    [
        ("0.5", "auto", 5),
        ("0.1", "auto", 1),
        ("0.05", "auto", 1),
        ("1.0", "auto", 10),
        ("0.3", "auto", 3),
        ("0.5", "1", 1),
    ],
)
def test_auto_substeps_keep_a_step_at_a_tenth_of_a_millisecond(
    dt: str, substeps: str, expected: int
) -> None:
    assert checked(f"pipeline.dt_ms={dt}", f"pipeline.substeps={substeps}").substeps == expected


def test_a_list_of_two_is_a_rectangle_and_no_axis() -> None:
    experiment = checked("pipeline.grid_size=[32,48]")
    assert (experiment.sheet.rows, experiment.sheet.columns, len(experiment.design)) == (32, 48, 1)


def test_lists_of_a_stimulus_are_axes_in_the_order_of_the_configuration() -> None:
    (family,) = checked("stimuli.sigma=[0.3,0.5]", "stimuli.amplitude=[10,20,30]").design.families
    assert family.listed == ("amplitude", "sigma")
    assert family.axes["amplitude"] == (10, 20, 30)


def test_a_population_is_added_changed_and_removed_by_overrides() -> None:
    experiment = checked(
        "+population@neurons.populations.pc=ra",
        "neurons.populations.pc.count=7",
        "model@neurons.populations.pc.model=lif",
        "~neurons.populations.ra",
        "neurons.populations.sa.model.parameters.a={mean:0.02,std:0.005}",
    )
    assert {name: one.count for name, one in experiment.populations.items()} == {"sa": 60, "pc": 7}
    assert "tau_m" in experiment.populations["pc"].model.parameters
    assert vars(experiment.populations["sa"].model.parameters["a"]) == {
        "kind": "normal",
        "first": 0.02,
        "second": 0.005,
    }


def test_the_count_of_a_population_has_the_last_word() -> None:
    assert checked("neurons.populations.sa.count=5").populations["sa"].count == 5


def test_the_config_of_an_experiment_is_plain_and_checks_again() -> None:
    first = checked("stimuli=step", "stimuli.amplitude=[1,2.5]", "batch.output_dir=here")
    assert isinstance(first.config["stimuli"], list)
    assert first.config["stimuli"][0]["hold_ms"] == inf
    again = config.check(OmegaConf.create(first.config))
    assert (again.config, again.design.ids(0, 2)) == (first.config, first.design.ids(0, 2))


def test_entries_without_an_option_take_the_defaults_of_their_type() -> None:
    cfg = config.compose("batch.output_dir=here")
    cfg.stimuli = [{"type": "step", "step_time": [10, 20]}, {"type": "ramp"}]
    experiment = config.check(cfg)
    assert [family.type for family in experiment.design.families] == ["step", "ramp"]
    assert experiment.design.parameters(1)["step_time"] == 20


def test_a_taken_dated_directory_gets_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cfg = config.compose("batch.output_dir=${now:fixed}")
    (tmp_path / "fixed").mkdir()
    assert config.check(cfg).batch.output_dir == Path("fixed-2")
    (tmp_path / "fixed-2").mkdir()
    assert config.check(cfg).batch.output_dir == Path("fixed-3")


def test_a_named_directory_keeps_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert checked("batch.output_dir=here").batch.output_dir == Path("here")


def test_a_key_of_an_empty_mapping_is_added_and_the_line_says_how() -> None:
    with pytest.raises(
        ConfigError,
        match=r"^where\.type: unknown key, where is empty; write \+where\.type=gaussian$",
    ):
        config.compose("where.type=gaussian", config_name="train")


def test_load_block_overrides_parameters() -> None:
    assert config.load_block("model/izhikevich", a=0.1).parameters["a"] == 0.1
    assert config.load_block("filter/sa").kind == "filter"


@pytest.mark.parametrize(
    ("path", "parameters", "message"),
    [
        (
            "model/izhikevitch",
            {},
            "lif, mqif, qif, sa_silicon, touch; did you mean 'izhikevich'?",
        ),
        (
            "modle/lif",
            {},
            "got the group 'modle', allowed are filter, model; did you mean 'model'?",
        ),
        ("filter/sa", {"path": 1.0}, "unknown name 'path'; known: tau_r, tau_d, k1, k2"),
        (
            "filter/sa",
            {"tau_rr": 1.0},
            "unknown name 'tau_rr'; known: tau_r, tau_d, k1, k2; did you mean 'tau_r'?",
        ),
    ],
)
def test_load_block_refuses_in_one_line(
    path: str, parameters: dict[str, float], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load_block(path, **parameters)
    assert message in str(caught.value)
    assert len(caught.value.problems) == 1


def test_a_block_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    text = "states: {v: 0.0}\nderivatives: {v: I - v}\nthreshold: v >= top\nreset: {v: 0.0}\nparameters: {top: 1.0}\n"
    (tmp_path / "model" / "plain.yaml").write_text(text)
    assert config.load_block("model/plain", search=[tmp_path], top=2.0).parameters == {"top": 2.0}
    (tmp_path / "model" / "spare.yaml").write_text(
        text.replace("{top: 1.0}", "{top: 1.0, tip: 2.0}")
    )
    with pytest.raises(ConfigError, match=r"model/spare: parameters\.tip: no equation reads it"):
        config.load_block("model/spare", search=[tmp_path])


TWICE = (
    "states: {v: 0.0}\nderivatives: {v: where(v > 0, v, -v)}\nthreshold: v >= 1\nreset: {v: 0.0}\n"
)


def test_an_option_of_ones_own_that_gives_a_key_twice_is_named_with_its_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "conf" / "model" / "mine.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(TWICE)
    (tmp_path / "batch.yml").write_text(
        "stimuli: [{type: gaussian}]\nneurons: {populations: {sa: {model: mine}}}\n"
    )
    reads: list[Callable[[], object]] = [
        lambda: config.load_block("model/mine", search=[tmp_path / "conf"]),
        lambda: config.check_batch_file(tmp_path / "batch.yml"),
    ]
    for read in reads:
        with pytest.raises(ConfigError) as caught:
            read()
        (line,) = caught.value.problems
        assert line.startswith(
            f"{path}: not valid YAML: line 2, column 31: key 'v' given twice; in braces an expression"
        )


def test_a_composer_refuses_an_option_that_would_be_hidden(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "lif.yaml").write_text("states: {}\n")
    with pytest.raises(
        ConfigError, match="hidden by the shipped option model/lif; give it another name"
    ):
        Composer.over([tmp_path])


def test_a_key_is_declared_once_default_and_unit_in_its_file_range_in_its_rule() -> None:
    tables = {
        "pipeline": rules.PIPELINE,
        "batch": rules.batch_rules(()),
        "population": rules.population_rules(()),
    }
    for group, table in tables.items():
        units = declared_units(group)
        blocks = {"innervation", "filter", "model", "units"}  # options of groups of their own
        assert set(table) - blocks == set(units) - blocks  # of which a preset may set numbers
        for rule in table.values():
            told = re.search(r"\(([^)]+)\)", rule.text)
            assert told is None or told[1] == "{unit}"
