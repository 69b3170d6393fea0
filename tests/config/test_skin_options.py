"""Receptors, layouts and innervations in batch files and on command lines, up to the dataset and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.experiments import QUIET, SMALL, checked
from helpers.runs import run
from omegaconf import OmegaConf

import sensoryforge as sf
from sensoryforge.analysis import plots
from sensoryforge.analysis.plots import scene
from sensoryforge.analysis.skin_tables import write_tables
from sensoryforge.commands.cli import main
from sensoryforge.config.reading import check, check_batch_file
from sensoryforge.core.errors import ConfigError
from sensoryforge.running.silence import foretell_silence
from sensoryforge.skin.innervation import Nearest, Uniform
from sensoryforge.skin.layouts import CellTable, Hex
from sensoryforge.skin.receptors import ARRANGEMENTS, Grid

FILE = """
batch: {output_dir: out}
pipeline: {grid_size: 12, duration_ms: 30, device: cpu}
neurons:
  populations:
    sa: {count: 3, layout: LAYOUT, innervation: INNERVATION}
stimuli:
  - {type: ramp, final: 20, sigma: 0.4}
"""
CELLS = "x_mm,y_mm\n0.1,0\n0.2,0.1\n-0.3,0.25\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a batch file and its tables, and another that commands are given in."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "lab" / "cells.csv").write_text(CELLS)
    return tmp_path


def spec_of(folder: Path, layout: str = "even", innervation: str = "gaussian") -> Any:
    text = FILE.replace("LAYOUT", layout).replace("INNERVATION", innervation)
    (folder / "lab" / "touch.yml").write_text(text)
    return check_batch_file(folder / "lab" / "touch.yml")


def test_a_plain_text_and_a_type_pick_the_same_option(folder: Path) -> None:
    for layout in ("hex", "{type: hex}"):
        assert spec_of(folder, layout).populations["sa"].layout == Hex()
    for innervation in ("nearest", "{type: nearest}"):
        assert spec_of(folder, innervation=innervation).populations["sa"].innervation == Nearest()


def test_values_beside_a_type_are_set(folder: Path) -> None:
    planned = spec_of(folder, innervation="{type: uniform, radius_mm: 0.25}")
    assert planned.populations["sa"].innervation == Uniform(0.25)
    stored = planned.config["neurons"]["populations"]["sa"]["innervation"]
    assert stored == {"_target_": "sensoryforge.skin.innervation.Uniform", "radius_mm": 0.25}


def test_a_type_on_a_command_line_picks_the_layout() -> None:
    planned = checked(*SMALL, "neurons.populations.sa.layout={type:hex}")
    assert planned.populations["sa"].layout == Hex()


def test_a_file_is_looked_for_beside_the_batch_file_then_where_the_command_is_given(
    folder: Path,
) -> None:
    layout = "{type: table, file: cells.csv}"
    beside = spec_of(folder, layout).populations["sa"].layout
    assert beside == CellTable(str(folder / "lab" / "cells.csv"))
    (folder / "lab" / "cells.csv").rename(folder / "elsewhere" / "cells.csv")
    here = spec_of(folder, layout).populations["sa"].layout
    assert here == CellTable(str(folder / "elsewhere" / "cells.csv"))
    assert here.place(Grid(4, 4, 1.0), 3, 0).tolist() == [[0.1, 0.0], [0.2, 0.1], [-0.3, 0.25]]


@pytest.mark.parametrize(
    ("layout", "innervation", "said"),
    [
        ("{type: hx}", "gaussian", "neurons.populations.sa.layout.type: got 'hx', allowed are blue_noise, even, hex, jittered, point, random, table; did you mean 'hex'?"),
        ("table", "gaussian", "neurons.populations.sa.layout.file: got null, allowed is a .csv file with the columns x_mm, y_mm"),
        ("{type: table, file: x.csv}", "gaussian", "neurons.populations.sa.layout.file: got 'x.csv', which cannot be read (No such file or directory); allowed is a .csv file with the columns x_mm, y_mm"),
        ("{type: hex, angle: 3}", "gaussian", "neurons.populations.sa.layout.angle: unknown key, known are none"),
        ("even", "{type: uniform, radius_mm: -1}", "neurons.populations.sa.innervation.radius_mm: got -1, allowed is a number > 0 (mm)"),
        ("even", "{type: decay, falloff: cubic}", "neurons.populations.sa.innervation.falloff: got 'cubic', allowed are exponential, linear, inverse_square"),
        ("even", "{type: table}", "neurons.populations.sa.innervation.file: got null, allowed is a .csv file with the columns neuron, receptor, weight"),
        ("even", "{type: nearst}", "innervation@neurons.populations.sa.innervation: got 'nearst', allowed are decay, elastic, gaussian, nearest, one_to_one, table, uniform; did you mean 'nearest'?"),
    ],
)  # fmt: skip
def test_a_bad_part_is_one_line(folder: Path, layout: str, innervation: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        spec_of(folder, layout, innervation)
    assert caught.value.problems == (said,)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("pipeline.arrangement=hx", "pipeline.arrangement: got 'hx', allowed are grid, hex, jittered, random, blue_noise; did you mean 'hex'?"),
        ("pipeline.jitter=0.7", "pipeline.jitter: got 0.7, allowed is a number from 0 to 0.5 (pitches)"),
        ("pipeline.center_mm=[1]", "pipeline.center_mm: got [1], allowed are two finite numbers, [x, y] (mm)"),
        ("pipeline.center_mm=3", "pipeline.center_mm: got 3, allowed are two finite numbers, [x, y] (mm)"),
    ],
)  # fmt: skip
def test_a_bad_sheet_is_one_line(override: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(*SMALL, override)
    assert caught.value.problems == (said,)


def test_too_many_neurons_for_one_to_one_are_told_before_anything_is_written(
    tmp_path: Path,
) -> None:
    one_to_one = "innervation@neurons.populations.sa.innervation=one_to_one"
    with pytest.raises(ConfigError, match=r"^neurons\.populations\.sa\.innervation: got 5 neurons"):
        run(tmp_path / "out", one_to_one, "pipeline.grid_size=2")
    assert not (tmp_path / "out").exists()


def test_a_pipeline_without_the_new_keys_is_that_of_an_earlier_version() -> None:
    plain: Any = OmegaConf.to_container(sf.compose(*SMALL))
    for key in ("arrangement", "jitter", "center_mm"):
        del plain["pipeline"][key]
    assert check(plain).sheet == Grid(12, 12, 0.15)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_a_saved_stimulus_is_what_the_receptors_feel(tmp_path: Path, arrangement: str) -> None:
    sheet = (f"pipeline.arrangement={arrangement}", "pipeline.center_mm=[5,0]")
    results = run(tmp_path / "out", *sheet, "stimuli.center_x=5.1", "batch.save=[stimulus,drive]")
    skin = scene.sheet(results)
    saved = results[0]["stimulus"].numpy()
    assert saved.shape == (60, *skin.shape)
    xy, fields = scene.receptive_fields(results, "sa")
    felt = (saved.reshape(60, -1)[:, fields.indices] * fields.weights).sum(axis=-1)
    np.testing.assert_allclose(results[0]["sa_drive"].numpy(), felt, rtol=1e-4, atol=1e-4)
    assert felt.max() > 1
    np.testing.assert_array_equal(xy, results.metadata["sa_xy_mm"].numpy())
    assert ("receptors_xy_mm" in results.metadata) == (arrangement != "grid")
    assert plots.sheet(results).axes[0].get_xlim() == pytest.approx((4.1, 5.9))
    shown = scene.highest_drive(results, 0)
    assert shown.max() == saved.max()


def test_arrangements_differ_in_the_drive(tmp_path: Path) -> None:
    drives = []
    for arrangement in ARRANGEMENTS:
        results = run(
            tmp_path / arrangement, f"pipeline.arrangement={arrangement}", "batch.save=[drive]"
        )
        drives.append(results[0]["sa_drive"].numpy())
    for number, drive in enumerate(drives):
        for other in drives[:number]:
            assert np.abs(drive - other).max() > 1e-3


def test_cautions_follow_the_centre_of_the_sheet() -> None:
    moved = "pipeline.center_mm=[50,0]"
    assert foretell_silence(checked(moved, "stimuli.center_x=50")) == []
    (line,) = foretell_silence(checked(moved))
    assert line.startswith("stimuli.center_x: got 0, off the sheet, whose x goes from 47.6 to 52.4")


# --- there and back ---


@pytest.mark.parametrize("kind", ["gaussian", "nearest", "one_to_one", "uniform", "decay"])
@pytest.mark.parametrize("arrangement", ["grid", "blue_noise"])
def test_what_is_exported_and_read_back_gives_the_same_bits(
    tmp_path: Path, kind: str, arrangement: str
) -> None:
    skin = (
        f"pipeline.arrangement={arrangement}",
        "pipeline.center_mm=[0.3,-0.1]",
        "batch.save=[drive]",
    )
    chosen = [f"innervation@neurons.populations.{name}.innervation={kind}" for name in ("sa", "ra")]
    layout = ["neurons.populations.sa.layout=blue_noise", "neurons.populations.ra.layout=random"]
    there = run(tmp_path / "there", *QUIET, *skin, *chosen, *layout)
    assert len(list(write_tables(there, tmp_path / "skin", ["cells", "links"]))) == 4
    tables = []
    for name in ("sa", "ra"):
        where = f"neurons.populations.{name}"
        cells, links = (
            tmp_path / "skin" / f"{name}_cells.csv",
            tmp_path / "skin" / f"{name}_links.csv",
        )
        tables.append(f"{where}.layout={{type:table,file:'{cells}'}}")
        tables.append(f"innervation@{where}.innervation=table")
        tables.append(f"{where}.innervation.file='{links}'")
    back = run(tmp_path / "back", *QUIET, *skin, *tables)
    for name in ("sa", "ra"):
        assert torch.equal(back.metadata[f"{name}_xy_mm"], there.metadata[f"{name}_xy_mm"])
        old, new = (scene.receptive_fields(results, name)[1] for results in (there, back))
        np.testing.assert_array_equal(old.indices, new.indices)
        np.testing.assert_array_equal(old.weights, new.weights)
        for array in ("drive", "spikes"):
            assert torch.equal(back[0][f"{name}_{array}"], there[0][f"{name}_{array}"])


def test_the_command_writes_what_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    run(out)
    assert main(["export", str(out), "--cells"]) == 0
    assert capsys.readouterr().out.split() == [
        "Wrote", str(out / "skin" / "sa_cells.csv"), "Wrote", str(out / "skin" / "ra_cells.csv")
    ]  # fmt: skip
    assert main(["export", str(out), "--links", "--output", str(tmp_path / "here")]) == 0
    heading = (tmp_path / "here" / "sa_links.csv").read_text().splitlines()[0]
    assert heading == "neuron,receptor,weight"
    assert not (tmp_path / "here" / "sa_cells.csv").exists()
    assert main(["export", str(tmp_path / "nowhere")]) == 1
