"""Datasets and interrupted runs of earlier versions are read as they were written.

``tests/data/v0.1.0`` was made by version 0.1.0 of ``small.yml`` there: a finished run and one stopped after two parts, in
both formats.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from sensoryforge.analysis.results import load
from sensoryforge.core.old_names import OLD_NAMES
from sensoryforge.store.archive import RECORD, load_archive
from sensoryforge.store.checkpoint import Checkpoint, read_or_recover, scan
from sensoryforge.store.reader import SpikeReader

DATA = Path(__file__).parents[1] / "data" / "v0.1.0"
WHOLE = ("whole_h5", "whole_pt")
STOPPED = ("stopped_hdf5", "stopped_pytorch")


def test_both_formats_of_an_old_dataset_hold_the_same() -> None:
    hdf5, pytorch = (load(DATA / name) for name in WHOLE)
    assert hdf5.complete
    assert pytorch.complete
    assert len(hdf5) == 13
    assert hdf5.table.equals(pytorch.table)
    assert set(hdf5.table["type"]) == {"gaussian", "step", "ramp", "grating"}
    for population in ("sa", "ra"):
        assert torch.equal(hdf5.spikes(population)[:], pytorch.spikes(population)[:])
        assert hdf5.spikes(population)[:].any()
        layouts = [dataset.metadata[f"{population}_xy_mm"] for dataset in (hdf5, pytorch)]
        assert torch.equal(*layouts)


def test_old_files_read_by_the_field_s_own_tools_agree_with_ours() -> None:
    hdf5, pytorch = (load(DATA / name) for name in WHOLE)
    stimuli = torch.load(DATA / "whole_pt" / "results.pt")["stimuli"]
    with h5py.File(DATA / "whole_h5" / "results.h5") as file:
        for place, stimulus in enumerate(stimuli):
            group = file[f"stimulus_{place:04d}"]
            assert torch.equal(pytorch[place]["sa_spikes"], stimulus["sa_spikes"])
            np.testing.assert_array_equal(group["sa_spikes"][:], hdf5[place]["sa_spikes"].numpy())
            assert group.attrs["id"] == stimulus["id"] == hdf5.table["id"][place]


def test_the_committed_part_of_an_old_stopped_run_is_that_of_the_whole() -> None:
    whole = load(DATA / "whole_h5")
    hdf5, pytorch = (load(DATA / name) for name in STOPPED)
    assert not hdf5.complete
    assert hdf5.table.equals(pytorch.table)
    places = hdf5.table["index"].tolist()
    assert places == [0, 1, 2, 3]
    for dataset in (hdf5, pytorch):
        for population in ("sa", "ra"):
            expected = whole.take(places).spikes(population)[:]
            assert torch.equal(dataset.spikes(population)[:], expected)


@pytest.mark.parametrize("name", [*WHOLE, *STOPPED])
def test_training_reads_old_spikes(name: str) -> None:
    dataset = load(DATA / name)
    reader = SpikeReader(dataset, dataset.populations)
    sa, ra = dataset.spikes("sa")[:], dataset.spikes("ra")[:]
    assert torch.equal(reader.read(range(len(dataset))), torch.cat([sa, ra], dim=2))


@pytest.mark.parametrize("name", STOPPED)
def test_what_an_old_run_committed_is_found_good(name: str) -> None:
    committed = scan(DATA / name)
    assert committed.problems == ()
    assert len(committed.ids) == 4
    assert committed.checkpoint is not None
    assert committed.checkpoint.todo.tolist() == list(range(4, 13))


@pytest.mark.parametrize("name", [*WHOLE, *STOPPED])
def test_an_old_configuration_names_todays_classes(name: str) -> None:
    dataset = load(DATA / name)
    checkpoint = Checkpoint.read(DATA / name)
    assert checkpoint is not None
    for config in (dataset.metadata["config"], dataset.facts["config"], checkpoint.config):
        text = json.dumps(config)
        assert "sensoryforge.stimuli.Step" in text
        assert not [old for old in OLD_NAMES if f'"{old}"' in text]


def test_what_a_results_file_tells_when_its_old_checkpoint_is_damaged_names_todays_classes(
    tmp_path: Path,
) -> None:
    shutil.copytree(DATA / "whole_h5", tmp_path / "whole")
    (tmp_path / "whole" / "checkpoint.pt").write_bytes(b"damaged")
    with pytest.warns(UserWarning, match=r"results.h5 says what it did"):
        told = read_or_recover(tmp_path / "whole")
    assert told is not None
    assert "sensoryforge.skin.innervation.Gaussian" in json.dumps(told.config)


@pytest.mark.parametrize("name", [*WHOLE, *STOPPED])
def test_a_checkpoint_written_anew_has_a_record_that_needs_no_torch(
    tmp_path: Path, name: str
) -> None:
    path = DATA / name / "checkpoint.pt"
    old = load_archive(path)
    with zipfile.ZipFile(path) as archive:
        assert not [info for info in archive.namelist() if info.endswith(RECORD)]
    checkpoint = Checkpoint.from_dict(old)
    checkpoint.write(tmp_path)
    with zipfile.ZipFile(tmp_path / "checkpoint.pt") as archive:
        (record,) = [info for info in archive.namelist() if info.endswith(RECORD)]
        assert json.loads(archive.read(record)) == checkpoint.to_dict()
    assert torch.load(tmp_path / "checkpoint.pt") == checkpoint.to_dict()
    assert Checkpoint.read(tmp_path) == checkpoint
    assert {**old, "config": checkpoint.config} == checkpoint.to_dict()
