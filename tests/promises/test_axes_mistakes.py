# a table reads best with one row a line
"""Mistakes with numbers of afferents that are axes: one line each, before anything is run."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.mistakes import assert_told
from omegaconf import OmegaConf

from sensoryforge.config import reading
from sensoryforge.core.errors import ConfigError

SA = "neurons.populations.sa"
TAU = f"{SA}.filter.parameters.tau_d"
ROW = "experiment=fingertip neurons.populations.sa1.units.row"
DRAWN = "stimuli.sampling=random stimuli.samples=9"
NUMBER = "allowed is a number (ms), or a list of them"
AXES = "axes of one dataset are the stimuli's parameters, parameters of filters and models, gain, noise_std, units.row and pipeline.seed"

LINES = [
    # lists
    (f"{TAU}=[]", f"{TAU}: got an empty list, {NUMBER}"),
    (f"{TAU}=[a,3]", f"{TAU}: got 'a', {NUMBER}"),
    (f"{TAU}=[1,[2,3]]", f"{TAU}: got [2, 3], {NUMBER}; lists cannot be nested"),
    (f"{TAU}=[.inf,2]", f"{TAU}: got '.inf', {NUMBER}*"),
    (f"{TAU}=[1,null]", f"{TAU}: got null, {NUMBER}"),
    (f"{TAU}=[1,2,1]", f"{TAU}: got 1 twice, allowed is once"),
    (f"{SA}.gain=[20,20.0]", f"{SA}.gain: got 20.0 twice, allowed is once"),
    (f"{SA}.gain=[1,true]", f"{SA}.gain: got True, allowed is a number, or a list of them"),
    (f"{SA}.noise_std=[-1,2]", f"{SA}.noise_std: got -1, allowed is a number >= 0 (drive x sqrt(ms)), or a list of them"),
    ("pipeline.seed=[1,2.5]", "pipeline.seed: got 2.5, allowed is a whole number >= 0 and <= 9.0072e+15, or a list of them"),
    ("pipeline.seed=[-1,2]", "pipeline.seed: got -1, allowed is a whole number >= 0 and *"),
    ("pipeline.seed=[1,9223372036854775807]", "pipeline.seed: got 9223372036854775807, allowed is a whole number >= 0 and *"),
    (f"{ROW}=[0,4]", "neurons.populations.sa1.units.row: got 4, allowed is a whole number >= 0 and <= 3, or a list of them"),
    (f"{ROW}=4", "neurons.populations.sa1.units.row: got 4, allowed is a whole number from 0 to 3"),
    (f"{ROW}=a", "neurons.populations.sa1.units.row: got 'a', allowed is a whole number from 0 to 3"),
    (f"{ROW}=[0,1] neurons.populations.sa1.units.latency=true", "neurons.populations.sa1.units.row: got [0, 1] beside units.latency: true, allowed is false: a population has the same delays in all conditions"),
    (f"{SA}.units.row=[0,1]", f"{SA}.units.columns: missing, allowed are columns and rows, or a file"),
    (f"{SA}.gain=[1,2,3] stimuli.amplitude=[1,2] stimuli.sampling=paired", "stimuli.sampling: got 'paired' of lists of unlike length (sa_gain 3, amplitude 2); one is allowed"),
    (f"stimuli.where='sa_gian>3' {SA}.gain=[1,5]", "stimuli.where: 'sa_gian>3' has the unknown name 'sa_gian'; known: *; did you mean 'sa_gain'?"),
    (f"{TAU.replace('tau_d', 'tau_x')}=[1,2]", "*tau_x: unknown key, known are tau_r, tau_d, k1, k2; did you mean 'tau_r'?"),
    # ranges
    (f"{TAU}={{low:1,high:2,per:condition}}", f"{TAU}: got {{'low': 1, 'high': 2}}, allowed with sampling: grid are values, *"),
    (f"{TAU}={{low:1,high:2,per:stimulus}}", f"{TAU}: got *, allowed is per: condition; without it each neuron is drawn alone"),
    (f"{SA}.gain={{low:1,high:2}}", f"{SA}.gain: got *, allowed is a finite number (-); for a range that is drawn from write per: condition in it"),
    (f"{SA}.gain={{low:1,high:2,per:neuron}}", f"{SA}.gain: got *, allowed is per: condition"),
    (f"{TAU}={{low:3,high:2,per:condition}} {DRAWN}", f"{TAU}: got {{'low': 3, 'high': 2}}, low is above high; write {{low: 2, high: 3}}"),
    (f"{TAU}={{mean:1,std:0,per:condition}} {DRAWN}", f"{TAU}: got {{'mean': 1, 'std': 0}}, allowed is a std > 0; write the number itself for one without any"),
    (f"{SA}.noise_std={{mean:1,std:1,per:condition}} {DRAWN.replace('9', '40')}", f"{SA}.noise_std: got -*, allowed is a number >= 0 (drive x sqrt(ms)); keep to it with stimuli.where"),
    # what is no axis of a dataset
    (f"{SA}.count=[5,6]", f"{SA}.count: got [5, 6], allowed is a whole number >= 1 (neurons); -m {SA}.count=5,6 makes a dataset for each: {AXES}"),
    (f"{SA}.layout=[even,random]", f"{SA}.layout: got ['even', 'random'], allowed are *; -m {SA}.layout=even,random makes a dataset for each: {AXES}"),
    ("pipeline.dt_ms=[0.5,1]", f"pipeline.dt_ms: got [0.5, 1], allowed is a number > 0 (ms); -m pipeline.dt_ms=0.5,1 makes a dataset for each: {AXES}"),
    ("pipeline.duration_ms=[100,200]", f"pipeline.duration_ms: got *; -m pipeline.duration_ms=100,200 makes a dataset for each: {AXES}"),
    ("pipeline.noise_seed=[1,2]", f"pipeline.noise_seed: got *; -m pipeline.noise_seed=1,2 makes a dataset for each: {AXES}"),
    (f"{SA}.threshold_std=[0,0.1]", f"{SA}.threshold_std: got *; -m {SA}.threshold_std=0,0.1 makes a dataset for each: {AXES}"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "line"), LINES, ids=[words for words, _ in LINES])
def test_a_mistake_is_one_line(words: str, line: str) -> None:
    assert_told(words, line)


def test_two_numbers_with_one_column_are_told() -> None:
    parameters = "neurons.populations.sa.filter.parameters"
    words = "+population@neurons.populations.sa_filter=ra neurons.populations.sa_filter.gain=[3,60]"
    values = reading.compose(*words.split())
    OmegaConf.update(values, f"{parameters}.gain", [0.05, 1], force_add=True)
    OmegaConf.update(values, "neurons.populations.sa.filter.output", "gain*max(y, 0)")
    with pytest.raises(ConfigError) as caught:
        reading.check(values)
    line = "neurons.populations.sa_filter.gain: its column sa_filter_gain is that of"
    assert list(caught.value.problems) == [
        f"{line} {parameters}.gain too; rename the population or the parameter"
    ]


def test_a_number_of_a_table_whose_row_is_an_axis_is_told(tmp_path: Path) -> None:
    table = tmp_path / "u.csv"
    table.write_text("gain,filter.tau_d\n40,30\n80,10\n")
    with pytest.raises(ConfigError) as caught:
        reading.check({"neurons": {"populations": {"sa": {
            "units": {"file": str(table), "row": [0, 1]}, "gain": [1, 1000],
        }}}, "stimuli": [{"type": "gaussian"}]})  # fmt: skip
    (line,) = caught.value.problems
    assert line == (
        f"{SA}.gain: got [1, 1000] beside {SA}.units.row, whose table has the column gain, "
        "allowed is one of them"
    )


@pytest.mark.parametrize("name", ["a.b", 3, "two words"])
def test_a_list_in_a_population_with_a_bad_name_is_told_of_the_name(name: object) -> None:
    config = reading.check({"stimuli": [{"type": "gaussian"}]}).config
    populations = config["neurons"]["populations"]
    neurons = {"populations": {name: {**populations["sa"], "gain": [1, 2]}}}
    with pytest.raises(ConfigError) as caught:
        reading.check({**config, "neurons": neurons})
    assert f"got the name {name!r}" in caught.value.problems[0]
