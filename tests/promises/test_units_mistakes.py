# a table reads best with one row a line
"""Mistakes with units, densities and outlines: one line each, before anything is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.mistakes import assert_told

from sensoryforge.config import reading as config
from sensoryforge.config.reading import check_batch_file
from sensoryforge.core.errors import ConfigError

SA = "neurons.populations.sa"
UNITS = f"{SA}.units"
KNOWN = "known are filter.tau_r, *, latency_ms"
REGIONS = "pipeline.outline={type:regions,parts:"
DENSE = f"{SA}.density_per_cm2=70 {SA}.count=null"
LARGE = "pipeline.grid_size=[48,32] pipeline.spacing_mm=0.5"

LINES: list[tuple[str, str]] = [
    # options
    (f"units@{UNITS}=sa2", f"units@{UNITS}: got 'sa2', allowed are none, pc, ra1, sa1*"),
    (f"{UNITS}=sa2", f"{UNITS}: got 'sa2', allowed are none, pc, ra1, sa1*"),
    (f"{UNITS}=sa1", f"{UNITS}.columns: got 'filter.cutoff_hz' and 7 more, {KNOWN}*"),
    (f"{UNITS}=3", f"{UNITS}: got 3, allowed are none, pc, ra1, sa1"),
    # columns
    (f"{UNITS}.columns=[model.tua] {UNITS}.rows=[[1]]", f"{UNITS}.columns: got 'model.tua', {KNOWN}*"),
    (f"{UNITS}.columns=[a] {UNITS}.rows=[[1]]", f"{UNITS}.columns: got 'a', {KNOWN}*"),
    (f"{UNITS}.columns=[gain,gain] {UNITS}.rows=[[1,2]]", f"{UNITS}.columns: got 'gain' twice, allowed is once"),
    (f"{UNITS}.columns=[] {UNITS}.rows=[[1]]", f"{UNITS}.columns: got [], allowed is a list of names such as *"),
    (f"{UNITS}.columns=gain {UNITS}.rows=[[1]]", f"{UNITS}.columns: got 'gain', allowed is a list of names such as *"),
    (f"{UNITS}.columns=[3] {UNITS}.rows=[[1]]", f"{UNITS}.columns: got 3 among them, allowed is a list of names such as *"),
    (f"{UNITS}.rows=[[1]]", f"{UNITS}.columns: missing, allowed are columns and rows, or a file"),
    (f"{UNITS}.columns=[gain]", f"{UNITS}.rows: missing, allowed are columns and rows, or a file"),
    # rows
    (f"{UNITS}.columns=[gain] {UNITS}.rows=[]", f"{UNITS}.rows: got [], allowed is a list of at least one row"),
    (f"{UNITS}.columns=[gain] {UNITS}.rows=[1]", f"{UNITS}.rows: row 0: got 1, allowed is a list of 1 numbers"),
    (f"{UNITS}.columns=[gain,noise_std] {UNITS}.rows=[[1,2],[3]]", f"{UNITS}.rows: row 1: got 1 numbers for 2 columns, allowed is one for each"),
    (f"{UNITS}.columns=[gain] {UNITS}.rows=[[high]]", f"{UNITS}.rows: row 0: gain: got 'high', allowed is a finite number"),
    (f"{UNITS}.columns=[gain] {UNITS}.rows=[[true]]", f"{UNITS}.rows: row 0: gain: got True, allowed is a finite number"),
    (f"{UNITS}.columns=[gain] {UNITS}.rows=[[.inf]]", f"{UNITS}.rows: row 0: gain: got *inf*, allowed is a finite number"),
    (f"{UNITS}.columns=[noise_std] {UNITS}.rows=[[-1]]", f"{UNITS}.rows: row 0: noise_std: got -1, allowed is a number >= 0"),
    (f"{UNITS}.columns=[latency_ms] {UNITS}.rows=[[-1]]", f"{UNITS}.rows: row 0: latency_ms: got -1, allowed is a number >= 0"),
    # how they are assigned
    (f"{UNITS}.columns=[gain] {UNITS}.rows=[[1]] {UNITS}.assign=cycel", f"{UNITS}.assign: got 'cycel', allowed are random, cycle; did you mean 'cycle'?"),
    (f"{UNITS}.columns=[gain] {UNITS}.rows=[[1]] {UNITS}.latency=2", f"{UNITS}.latency: got 2, allowed are true, false"),
    (f"{UNITS}.columns=[gain] {UNITS}.rows=[[1]] +{UNITS}.colums=[a]", f"{UNITS}.colums: unknown key, known are *; did you mean 'columns'?"),
    # in two places
    (f"{UNITS}.columns=[gain] {UNITS}.rows=[[1]] {SA}.gain=3", f"{SA}.gain: got 3 beside a column of units, allowed is one of them; 40.0 leaves it to the table"),
    (f"{UNITS}.columns=[noise_std] {UNITS}.rows=[[1]] {SA}.noise_std=0", f"{SA}.noise_std: got 0 beside a column of units, allowed is one of them; 2.0 leaves it to the table"),
    (f"{UNITS}.columns=[model.a] {UNITS}.rows=[[1]] {SA}.model.parameters.a=0.1", f"{SA}.model.parameters.a: got 0.1 beside a column of units, allowed is one of them; 0.02 leaves it to the table"),
    (f"{UNITS}.columns=[filter.k1] {UNITS}.rows=[[1]] {SA}.filter.parameters.k1={{mean:1,std:1}}", f"{SA}.filter.parameters.k1: got * beside a column of units, allowed is one of them; 0.05 leaves it to the table"),
    (f"{UNITS}.columns=[latency_ms] {UNITS}.rows=[[1]] {SA}.delay_ms=2", f"{SA}.delay_ms: got 2 beside the column latency_ms of units, allowed is one of them; units.latency: false leaves the column out"),
    (f"{UNITS}.columns=[latency_ms] {UNITS}.rows=[[400]]", f"{UNITS}: latency_ms: got 400, allowed is less than pipeline.duration_ms, which is 300.0 (ms)"),
    # files
    (f"{UNITS}.file=gone.csv", f"{UNITS}.file: got 'gone.csv', which cannot be read (No such file or directory); allowed is a .csv file whose heading names the columns"),
    (f"{UNITS}.file=mine.txt", f"{UNITS}.file: got '*min*', allowed is a .csv file whose heading names the columns"),
    (f"{UNITS}.file=mine.csv {UNITS}.rows=[[1]]", f"{UNITS}.file: got a file and rows, allowed is one of them; type: none leaves those of the option out"),
    (f"{UNITS}.file=empty.csv", f"{UNITS}.file: *empty.csv has no row below its heading"),
    (f"{UNITS}.file=words.csv", f"{UNITS}.file: *words.csv, line 3: gain: got 'high', allowed is a finite number"),
    (f"{UNITS}.file=strange.csv", f"{UNITS}.columns: got 'gian', {KNOWN}; did you mean 'gain'?"),
    (f"{UNITS}.file=mine.csv {UNITS}.checksum=00", f"{UNITS}.checksum: got *, allowed is *, or null for any content: *mine.csv has changed since it was noted"),
    # densities
    (f"{SA}.density_per_cm2=0", f"{SA}.density_per_cm2: got 0, allowed is a number > 0 (1/cm2), in place of count, or a mapping of the tags of regions to numbers"),
    (f"{SA}.density_per_cm2=many", f"{SA}.density_per_cm2: got 'many', allowed is a number > 0 (1/cm2), *"),
    (f"{SA}.density_per_cm2=0.1", f"{SA}.density_per_cm2: got 0.1, which is no neuron on 0.23 cm2, allowed is more"),
    (f"{SA}.density_per_cm2=1e9", f"{SA}.density_per_cm2: got 1000000000.0, allowed is up to 4.34e+07 (1/cm2), which are 10,000,000 neurons"),
    (f"{SA}.density_per_cm2=1e308", f"{SA}.density_per_cm2: got 1e+308, allowed is up to 4.34e+07 (1/cm2), which are 10,000,000 neurons"),
    (f"{UNITS}.columns=[gain] {UNITS}.rows=[[1]] {SA}.count=1000000000000000", f"{SA}.count: got 1000000000000000, allowed with units is at most 10000000 (neurons)"),
    # of the count that a density stands for nothing is said where something else is wrong
    (f"{DENSE} pipeline.seed=-1", "pipeline.seed: got -1, *"),
    (f"{DENSE} pipeline.outline=nail", "pipeline.outline.type: got 'nail', *"),
    (f"{DENSE} {SA}.density_per_cm2=nan", f"{SA}.density_per_cm2: got nan, allowed is a number > 0 (1/cm2), *"),
    (f"{SA}.density_per_cm2=70 {SA}.count=30", f"{SA}.count: got 30 beside density_per_cm2, allowed is one of them"),
    (f"{SA}.density_per_cm2=70 neurons.sa_neurons=30", "neurons.sa_neurons: got 30 beside density_per_cm2, allowed is one of them"),
    (f"{SA}.density_per_cm2={{tip:70}}", f"{SA}.density_per_cm2: got *, allowed is a number: pipeline.outline has no regions"),
    (f"{LARGE} {REGIONS}{{tip:fingertip}}}} {SA}.density_per_cm2={{tip:70,tpi:70}}", f"{SA}.density_per_cm2.tpi: unknown key, known are tip; did you mean 'tip'?"),
    (f"{LARGE} {REGIONS}{{tip:rectangle,pad:{{type:rectangle,center_mm:[0,9]}}}}}} {SA}.density_per_cm2={{tip:70}}", f"{SA}.density_per_cm2.pad: missing, allowed is a number >= 0 (1/cm2)"),
    # outlines
    ("pipeline.outline=fingertp", "pipeline.outline.type: got 'fingertp', allowed are fingertip, none, rectangle, regions; did you mean 'fingertip'?"),
    ("pipeline.outline=3", "pipeline.outline: got 3, allowed is the name of an option of the group outline, or a mapping with a type"),
    ("pipeline.outline=fingertip", "pipeline.outline: got an outline that needs a sheet of 16 x 24 mm, which pipeline.grid_size and spacing_mm make 4.8 x 4.8 mm"),
    ("pipeline.outline={type:rectangle,width_mm:0}", "pipeline.outline.width_mm: got 0, allowed is a number > 0 (mm)"),
    ("pipeline.outline={type:rectangle,width:1}", "pipeline.outline.width: unknown key, known are *; did you mean 'width_mm'?"),
    ("pipeline.outline={type:fingertip,straight_mm:30}", "pipeline.outline.straight_mm: got 30, allowed is less than length_mm, 24 (mm)"),
    ("pipeline.outline={type:rectangle,center_mm:3}", "pipeline.outline.center_mm: got 3, allowed are two finite numbers, [x, y] (mm)"),
    ("pipeline.outline=regions", "pipeline.outline.parts: got {}, allowed is a mapping of tags to outlines, each with a type"),
    (f"{REGIONS}{{tip:fingertp}}}}", "pipeline.outline.parts.tip.type: got 'fingertp', allowed are fingertip, *; did you mean 'fingertip'?"),
    (f"{REGIONS}{{tip:{{width_mm:3}}}}}}", "pipeline.outline.parts.tip: got *, allowed is a mapping with a type"),
    (f"{REGIONS}{{tip:3}}}}", "pipeline.outline.parts.tip: got 3, allowed is a mapping with a type"),
    (f"{REGIONS}{{tip:rectangle,pad:rectangle}}}}", "pipeline.outline.parts.tip: overlaps pad, allowed are regions apart"),
    (f"{SA}.layout={{type:jittered,sd:-1}}", f"{SA}.layout.sd: got -1, allowed is a number >= 0 (spacings)"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with tables of which all but one have something wrong."""
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("gain\n1\n2\n")
    Path("mine.txt").write_text("gain\n1\n")
    Path("empty.csv").write_text("gain\n")
    Path("words.csv").write_text("gain\n1\nhigh\n")
    Path("strange.csv").write_text("gian\n1\n")
    return tmp_path


@pytest.mark.parametrize(("words", "line"), LINES)
def test_a_mistake_is_one_line_with_key_value_and_what_is_allowed(
    folder: Path, words: str, line: str
) -> None:
    assert_told(words, line)


SPELLINGS: list[dict[str, Any]] = [
    {"units": {"columns": ["gain"], "rows": [[1], [2]]}},
    {"units": {"type": "none", "columns": ["gain"], "rows": [[1], [2]]}},
    {"units": {"file": "mine.csv"}},
    {"units": {"type": "none", "file": "mine.csv", "assign": "cycle"}},
]


@pytest.mark.parametrize("population", SPELLINGS)
@pytest.mark.parametrize("moved", [{"gain": 41}, {}])
def test_a_batch_file_is_told_of_a_number_that_is_set_twice(
    folder: Path, population: dict[str, Any], moved: dict[str, Any]
) -> None:
    text = {
        "batch": {"output_dir": "out"},
        "neurons": {"populations": {"sa": {**population, **moved}}},
        "stimuli": [{"type": "gaussian"}],
    }
    Path("touch.yml").write_text(yaml.safe_dump(text))
    if not moved:
        units = check_batch_file("touch.yml").populations["sa"].units
        assert units is not None
        assert set(units) == {0, 1}
        return
    with pytest.raises(ConfigError) as caught:
        check_batch_file("touch.yml")
    (line,) = caught.value.problems
    assert line.startswith(f"{SA}.gain: got 41 beside a column of units")


def test_places_from_a_file_have_to_lie_inside_the_outline(folder: Path) -> None:
    Path("cells.csv").write_text("x_mm,y_mm\n0,0\n7.5,11\n")
    words = f"{LARGE} pipeline.outline=fingertip {SA}.count=2"
    chosen = f"{SA}.layout={{type: table, file: cells.csv}}"
    experiment = config.check(config.compose(*words.split(), chosen))
    with pytest.raises(ConfigError) as caught:
        _ = experiment.places("sa").xy_mm
    (line,) = caught.value.problems
    assert line == (
        f"{SA}.layout: got 1 of 2 neurons outside pipeline.outline, neuron 1 at (7.5, 11) mm first; "
        "allowed are places inside"
    )
