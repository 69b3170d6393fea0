"""Several datasets open as one: every stimulus once, in order, with all that a dataset has."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from helpers.joining import changed, copy_of, items
from helpers.runs import run
from hypothesis import given
from hypothesis import strategies as st

import sensoryforge as sf
from sensoryforge.analysis.joining import choose_once, join
from sensoryforge.analysis.joint_entries import fold_entries
from sensoryforge.analysis.results import Results, load
from sensoryforge.config.reading import check
from sensoryforge.core.errors import ConfigError, StorageError
from sensoryforge.store.formats.hdf5.reader import Hdf5Reader
from sensoryforge.store.reader import SpikeReader


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return the dataset that others are parts of: six stimuli, three amplitudes twice."""
    directory = tmp_path_factory.mktemp("whole")
    grid = ("stimuli.amplitude=[10,20,30]", "stimuli.repetitions=2", "batch.save=[drive]")
    return run(directory, *grid, "batch.format=hdf5")


@pytest.fixture(scope="module")
def pair(whole: Results, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return two datasets of it in different formats that have two stimuli in common."""
    root = tmp_path_factory.mktemp("pair")
    first = changed(whole, "stimuli", [{**entry(whole), "amplitude": [10, 20]}])
    second = changed(whole, "stimuli", [{**entry(whole), "amplitude": [20, 30]}])
    return (
        copy_of(whole, root / "first", range(4), config=first),
        copy_of(whole, root / "second", range(2, 6), config=second, format="pytorch"),
    )


def entry(results: Results) -> dict[str, Any]:
    """Return the only entry of a configuration's stimuli."""
    (only,) = results.metadata["config"]["stimuli"]
    return dict(only)


def test_datasets_of_one_pipeline_open_as_one_with_each_stimulus_once(
    whole: Results, pair: tuple[Path, Path]
) -> None:
    joint = sf.load(list(pair))
    assert items(joint) == items(whole)
    assert joint.complete
    assert joint.table.equals(whole.table)
    assert joint.names == whole.names
    assert repr(joint).endswith(f"complete, {pair[0]}, {pair[1]}>")


def test_a_joint_dataset_has_all_that_a_dataset_has(
    whole: Results, pair: tuple[Path, Path]
) -> None:
    joint = load(pair)
    assert joint.axes == whole.axes == {"amplitude": [10, 20, 30]}
    assert joint.counts().equals(whole.counts())
    assert joint.rates().equals(whole.rates())
    assert joint.latency().equals(whole.latency())
    assert np.array_equal(joint.psth("sa")[1], whole.psth("sa")[1])
    assert np.array_equal(joint.events(5, "ra"), whole.events(5, "ra"))
    assert joint.to_xarray("sa", "counts").equals(whole.to_xarray("sa", "counts"))
    assert torch.equal(joint.arrays("sa_drive")[1:5], whole.arrays("sa_drive")[1:5])
    assert items(joint.where(amplitude=[10, 30])) == items(whole.where(amplitude=[10, 30]))
    assert items(joint.take([5, 0])) == items(whole.take([5, 0]))
    assert (joint[5] in joint, 6 in joint, "sa" in joint) == (True, False, True)
    assert torch.equal(joint.metadata["sa_xy_mm"], whole.metadata["sa_xy_mm"])
    assert joint.facts == {
        name: value for name, value in joint.metadata.items() if not isinstance(value, torch.Tensor)
    }


def test_no_array_is_read_before_it_is_asked_for(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    usual = Hdf5Reader.array
    monkeypatch.setattr(
        Hdf5Reader, "array", lambda self, row, name: read.append(row) or usual(self, row, name)
    )
    joint = load(pair)
    joint.table.describe()
    assert joint.axes
    assert read == []
    joint.spikes("sa")[1]
    assert read == [1]


def test_a_joint_dataset_is_read_in_other_processes(
    whole: Results, pair: tuple[Path, Path]
) -> None:
    reader = pickle.loads(pickle.dumps(SpikeReader(load(pair), ["sa", "ra"])))
    assert torch.equal(reader.read([5, 0, 3]), SpikeReader(whole, ["sa", "ra"]).read([5, 0, 3]))


def test_a_decoder_trains_on_several_datasets_as_on_their_whole(
    whole: Results, pair: tuple[Path, Path]
) -> None:
    of_pair = sf.SpikeDataModule(list(pair), "amplitude", split="stimulus", batch_size=2)
    of_whole = sf.SpikeDataModule(whole, "amplitude", split="stimulus", batch_size=2)
    batches = zip(of_pair.train_dataloader(), of_whole.train_dataloader(), strict=True)
    for (spikes, targets), (same_spikes, same_targets) in batches:
        assert torch.equal(spikes, same_spikes)
        assert torch.equal(targets, same_targets)


# --- what it says of itself ---


def test_grids_that_overlap_are_one_grid_that_runs(whole: Results, pair: tuple[Path, Path]) -> None:
    config = load(pair).metadata["config"]
    assert [entry["amplitude"] for entry in config["stimuli"]] == [[10, 20, 30]]
    design = check(config).design
    assert design.ids(0, len(design)) == whole.ids


def test_entries_of_grids_that_do_not_overlap_stand_one_after_the_other(
    whole: Results, tmp_path: Path
) -> None:
    places = []
    for number, amplitude in enumerate((10, 20, 30)):
        config = changed(whole, "stimuli", [{**entry(whole), "amplitude": amplitude}])
        rows = [2 * number, 2 * number + 1]
        places.append(copy_of(whole, tmp_path / str(amplitude), rows, config=config))
    joint = load(places)
    assert [one["amplitude"] for one in joint.metadata["config"]["stimuli"]] == [10, 20, 30]
    assert joint.ids == whole.ids
    design = check(joint.metadata["config"]).design
    assert design.ids(0, len(design)) == whole.ids


def test_a_dataset_that_another_holds_whole_adds_nothing(whole: Results, tmp_path: Path) -> None:
    config = changed(whole, "stimuli", [{**entry(whole), "amplitude": 30}])
    small = copy_of(whole, tmp_path / "small", [5, 4], config=config)
    joint = load([small, whole.directory])
    assert joint.ids == whole.ids
    assert joint.metadata["config"]["stimuli"] == whole.metadata["config"]["stimuli"]


def test_metadata_say_what_came_from_where(whole: Results, pair: tuple[Path, Path]) -> None:
    joint = load(pair)
    assert [(one["directory"], one["stimuli"], one["taken"]) for one in joint.facts["joined"]] == [
        (str(pair[0]), 4, 4),
        (str(pair[1]), 4, 2),
    ]
    line = f"From {pair[1]}: 4 stimuli, 2 of them taken from another dataset"
    assert line in joint.facts["design_text"]
    for key in ("wall_time_s", "stimuli_computed"):
        assert joint.facts[key] == pytest.approx(2 * whole.facts[key])
    assert joint.facts["started"] == whole.facts["started"]


# --- which copy ---


def test_a_stimulus_that_was_computed_is_preferred_to_one_that_failed(
    whole: Results, tmp_path: Path
) -> None:
    first = copy_of(whole, tmp_path / "first", range(4), failed=[1, 3])
    second = copy_of(whole, tmp_path / "second", range(2, 6), failed=[2, 5])
    joint = load([first, second])
    assert joint.ids == whole.ids
    assert sorted(joint.errors) == [1, 5]
    assert [one["index"] for one in joint.facts["failures"]] == [1, 5]
    assert items(joint.take([0, 2, 3, 4])) == items(whole.take([0, 2, 3, 4]))


ROWS = st.lists(st.integers(0, 5), min_size=1, max_size=6, unique=True)


@given(parts=st.lists(ROWS, min_size=1, max_size=4))
def test_whatever_is_joined_has_each_stimulus_once_and_the_right_one(
    whole: Results, parts: list[list[int]]
) -> None:
    selections = [whole.take(rows) for rows in parts]
    choice = choose_once(selections)
    ids = [selections[number].ids[row] for number, row in choice.rows]
    assert len(set(ids)) == len(ids)
    assert set(ids) == {whole.ids[row] for rows in parts for row in rows}
    assert len(ids) + len(choice.repeated) == sum(map(len, parts))
    joint = join(selections) if len(parts) > 1 else selections[0]
    assert joint.table["seed"].tolist() == [
        int(whole.table["seed"][whole.ids.index(stimulus)]) for stimulus in joint.ids
    ]


VALUES = st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True)
GRIDS = st.fixed_dictionaries(
    {"a": VALUES, "b": VALUES, "profile": st.fixed_dictionaries({"c": VALUES})}
)


def conditions(entries: Sequence[dict[str, Any]]) -> set[tuple[int, ...]]:
    """Return every combination of the values of some grids."""
    return {
        point for grid in entries for point in product(grid["a"], grid["b"], grid["profile"]["c"])
    }


@given(grids=st.lists(GRIDS, min_size=1, max_size=4))
def test_folded_entries_have_the_conditions_of_all_and_no_other(
    grids: list[dict[str, Any]],
) -> None:
    folded = fold_entries(grids)
    assert conditions(folded) == conditions(grids)
    assert len(folded) <= len(grids)


def test_what_is_drawn_or_tied_is_not_folded() -> None:
    step = {"type": "step", "amplitude": [1, 2], "sigma": 1}
    for other in (
        {**step, "amplitude": "${.sigma}"},
        {**step, "amplitude": {"low": 1, "high": 2}},
        {**step, "amplitude": [2, 3], "sampling": "paired"},
        {**step, "amplitude": [2, 3], "where": "amplitude > 2"},
        {**step, "amplitude": [2, 3], "sigma": 2},
        {**step, "type": "ramp"},
    ):
        assert fold_entries([step, other]) == [step, other]
    twice = {**step, "repetitions": 2}
    assert fold_entries([twice, {**twice, "repetitions": 5}]) == [{**step, "repetitions": 5}]


# --- what can be named ---


def test_interrupted_runs_sweeps_and_results_files_are_joined(
    whole: Results, tmp_path: Path
) -> None:
    interrupted = copy_of(whole, tmp_path / "interrupted", range(4), complete=False)
    copy_of(whole, tmp_path / "sweep" / "x=1", [3])
    copy_of(whole, tmp_path / "sweep" / "x=2", [4])
    (tmp_path / "sweep" / "multirun.yaml").write_text(yaml.safe_dump({}))
    copy_of(whole, tmp_path / "last", [5])
    renamed = (tmp_path / "last" / "results.h5").rename(tmp_path / "the_last.h5")
    joint = load([interrupted, tmp_path / "sweep", renamed])
    assert items(joint) == items(whole)
    assert not joint.complete
    assert items(load(whole.directory / "results.h5")) == items(whole)
    assert load(whole.directory / "results.h5").total_spikes == whole.total_spikes


def test_a_list_of_one_dataset_is_that_dataset(whole: Results) -> None:
    assert repr(load([whole.directory])) == repr(whole)


def test_datasets_of_different_versions_open_with_a_warning(whole: Results, tmp_path: Path) -> None:
    older = copy_of(whole, tmp_path, [5], version="0.0.9")
    with pytest.warns(UserWarning, match=rf"versions of SensoryForge: {tmp_path} 0\.0\.9, "):
        assert len(load([older, whole.directory])) == 6


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("pipeline.seed", 1, "made with pipeline.seed: 1 ({whole}: 0); "),
        ("pipeline.noise_seed", 3, "made with pipeline.noise_seed: 3 ({whole}: null); "),
        ("neurons.populations.sa.gain", 2.5, "made with neurons.populations.sa.gain: 2.5 ({whole}: 40.0); "),
        ("pipeline.skin", {"_target_": "a.Skin", "modulus": 3}, "made with pipeline.skin: Skin ({whole}: 'none'); "),
        ("neurons.populations.pc", {"count": 3, "gain": 1.0}, "made with neurons.populations: sa, ra, pc ({whole}: sa, ra); "),
    ],
)  # fmt: skip
def test_datasets_of_different_pipelines_are_refused_in_a_line_that_names_the_keys(
    whole: Results, tmp_path: Path, key: str, value: object, line: str
) -> None:
    other = copy_of(whole, tmp_path, [0], config=changed(whole, key, value))
    with pytest.raises(ConfigError) as caught:
        load([whole.directory, other])
    said = line.format(whole=whole.directory)
    assert caught.value.problems == (f"{other}: {said}only datasets of one pipeline are joined",)


def test_device_and_other_keys_that_change_no_spike_are_no_difference(
    whole: Results, tmp_path: Path
) -> None:
    other = copy_of(whole, tmp_path, [0], config=changed(whole, "pipeline.chunk_size", 3))
    assert len(load([whole.directory, other])) == 6


def test_other_mistakes_are_one_line(whole: Results, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="load: got no dataset, allowed are one or more"):
        load([])
    with pytest.raises(ConfigError, match=r"got twice, allowed is each dataset once$"):
        load([whole.directory, whole.directory / "results.h5"])
    with pytest.raises(StorageError, match="no such directory"):
        load([whole.directory, tmp_path / "nowhere"])
    with pytest.raises(StorageError, match="no dataset here"):
        load([whole.directory, tmp_path])
    config = changed(whole, "batch.save", [])
    other = copy_of(whole, tmp_path / "other", [0], config=config)
    with pytest.raises(ConfigError, match=r"made with batch\.save: \[\] .*: \['drive'\]"):
        load([whole.directory, other])
