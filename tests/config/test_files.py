"""A file that a layout or an innervation is read from is part of the dataset by its content."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sensoryforge as sf
from sensoryforge.analysis.plots import scene
from sensoryforge.config.files import note_checksums
from sensoryforge.config.reading import check_batch_file, load_batch_file
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.source_file import SourceFile
from sensoryforge.skin.layouts import CellTable

CELLS = "x_mm,y_mm\n0,0\n0.5,0.5\n-0.5,0.25\n"
LINKS = "neuron,receptor,weight\n0,1,1\n1,2,1\n2,3,0.5\n2,4,0.5\n"
FILE = """
batch: {output_dir: out}
pipeline: {grid_size: 12, duration_ms: 30, device: cpu}
neurons:
  populations:
    sa:
      count: 3
      layout: {type: table, file: cells.csv}
      innervation: {type: table, file: links.csv}
    ra: {count: 2}
stimuli:
  - {type: gaussian, amplitude: [10, 20]}
"""
LAYOUT = "neurons.populations.sa.layout"
INNERVATION = "neurons.populations.sa.innervation"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a batch file and its tables, in which commands are given."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells.csv").write_text(CELLS)
    (tmp_path / "links.csv").write_text(LINKS)
    (tmp_path / "touch.yml").write_text(FILE)
    return tmp_path


def run_file(*overrides: str) -> None:
    sf.run(load_batch_file("touch.yml", overrides))


def grow(lab: Path) -> None:
    (lab / "touch.yml").write_text(FILE.replace("[10, 20]", "[10, 20, 30]"))


def test_the_checksum_of_a_file_stands_in_the_configuration(lab: Path) -> None:
    populations = check_batch_file("touch.yml").config["neurons"]["populations"]
    for part, name in (("layout", "cells.csv"), ("innervation", "links.csv")):
        stored = populations["sa"][part]
        assert stored["file"] == str(lab / name)
        assert stored["checksum"] == SourceFile(name, name).checksum
    assert "checksum" not in populations["ra"]["innervation"]


@pytest.mark.parametrize(
    ("name", "text", "key"),
    [
        ("cells.csv", CELLS.replace("0.25", "0.3"), LAYOUT),
        ("links.csv", LINKS.replace("2,4", "2,5"), INNERVATION),
    ],
)
@pytest.mark.parametrize("resume", [True, False])
def test_a_dataset_is_not_gone_on_with_once_its_file_has_changed(
    lab: Path, name: str, text: str, key: str, resume: bool
) -> None:
    sf.run("touch.yml")
    before = sf.load("out")
    (lab / name).write_text(text)
    grow(lab)
    with pytest.raises(ConfigError) as caught:
        run_file(f"batch.resume={resume}".lower())
    (line,) = caught.value.problems
    assert f"{key}.checksum: " in line
    assert len(sf.load("out")) == len(before) == 2


def test_a_dataset_is_gone_on_with_where_its_file_lies_elsewhere_by_now(lab: Path) -> None:
    sf.run("touch.yml")
    (lab / "tables").mkdir()
    (lab / "cells.csv").rename(lab / "tables" / "places.csv")
    moved = FILE.replace("file: cells.csv", "file: tables/places.csv")
    (lab / "touch.yml").write_text(moved.replace("[10, 20]", "[10, 20, 30]"))
    run_file("batch.resume=true")
    assert len(sf.load("out")) == 3


def test_a_dataset_does_not_show_receptive_fields_of_a_file_that_has_changed(lab: Path) -> None:
    sf.run("touch.yml")
    results = sf.load("out")
    xy_mm, _ = scene.receptive_fields(results, "sa")
    np.testing.assert_array_equal(xy_mm, [[0, 0], [0.5, 0.5], [-0.5, 0.25]])
    (lab / "cells.csv").write_text(CELLS.replace("0.25", "0.3"))
    changed = rf"^{re.escape(LAYOUT)}\.checksum: got '[0-9a-f]{{32}}', allowed is [0-9a-f]{{32}}, or null "
    with pytest.raises(ConfigError, match=changed):
        scene.receptive_fields(results, "sa")


@pytest.mark.parametrize("checksum", ["0" * 32, 3, ""])
def test_a_checksum_of_another_content_is_one_line(lab: Path, checksum: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        CellTable("cells.csv", checksum)
    (line,) = caught.value.problems
    assert line.startswith("checksum: got ")
    assert line.endswith("for any content: cells.csv has changed since it was noted")


def test_only_kinds_that_take_a_checksum_get_one(lab: Path) -> None:
    ours = {"_target_": "sensoryforge.skin.layouts.CellTable", "file": "cells.csv"}
    foreign = {"_target_": "toys.Ring", "file": "cells.csv"}
    asking = {"_target_": "toys.Ring", "file": "cells.csv", "checksum": None}
    noted = {**ours, "checksum": "as noted"}
    missing = {**ours, "file": "nowhere.csv"}
    layouts = {"a": ours, "b": foreign, "c": asking, "d": noted, "e": missing}
    populations = {name: {"layout": layout} for name, layout in layouts.items()}
    note_checksums({"neurons": {"populations": populations}})
    checksum = SourceFile("cells.csv", "cells.csv").checksum
    found = [layout.get("checksum") for layout in layouts.values()]
    assert found == [checksum, None, checksum, "as noted", None]


@pytest.mark.parametrize("neurons", [None, 3, {}, {"populations": 3}, {"populations": {"sa": 3}}])
def test_what_is_no_population_is_left_to_the_checks(neurons: Any) -> None:
    note_checksums({"neurons": neurons})
