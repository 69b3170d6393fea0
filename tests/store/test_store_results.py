"""A dataset is read back lazily, finished or interrupted, the same from either format."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from helpers.store import CONFIG, FORMATS, arrays, design, entry, run, writer_of

from sensoryforge.analysis.results import load
from sensoryforge.core.errors import ConfigError, StorageError
from sensoryforge.store.formats import locate_format

every_format = pytest.mark.parametrize("format", FORMATS)


@every_format
def test_an_item_is_what_results_pt_holds(tmp_path: Path, format: str) -> None:
    ids = design(5)
    run(tmp_path, format, ids)
    results = load(tmp_path)
    item = results[-2]
    assert list(item) == [
        "parameters",
        "sa_spikes",
        "ra_spikes",
        "index",
        "id",
        "seed",
        "repetition",
    ]
    assert {name: item[name] for name in entry(3, ids[3])} == entry(3, ids[3])
    assert torch.equal(item["ra_spikes"], arrays(ids)["ra_spikes"][3])
    assert item["ra_spikes"].dtype == torch.bool
    assert [one["index"] for one in results[1:4]] == [1, 2, 3]
    assert [one["index"] for one in results] == [0, 1, 2, 3, 4]
    assert results.populations == ("sa", "ra")
    assert results.metadata["config"]["batch"] == {"save": [], "format": None}
    with pytest.raises(IndexError):
        results[5]


@every_format
def test_changing_an_item_does_not_change_the_dataset(tmp_path: Path, format: str) -> None:
    run(tmp_path, format, design(2))
    results = load(tmp_path)
    results[0]["parameters"]["sigma"] = 9.0
    results[0]["sa_spikes"].fill_(True)
    assert results[0]["parameters"]["sigma"] == 0.5
    assert not results[0]["sa_spikes"].all()


@every_format
def test_the_spikes_of_a_population_are_read_when_indexed(tmp_path: Path, format: str) -> None:
    ids = design(5)
    run(tmp_path, format, ids)
    spikes, expected = load(tmp_path).spikes("sa"), arrays(ids)["sa_spikes"]
    assert spikes.shape == (5, 6, 3)
    assert len(spikes) == 5
    assert torch.equal(spikes[3], expected[3])
    assert torch.equal(spikes[1:4], expected[1:4])
    assert torch.equal(spikes[::-2], expected[[4, 2, 0]])
    assert spikes[5:].shape == (0, 6, 3)
    assert spikes[5:].dtype == torch.bool
    assert load(tmp_path).take([]).spikes("sa")[:].dtype == torch.bool
    assert all(map(torch.equal, spikes, expected))


@every_format
def test_a_name_that_is_not_there_is_answered_with_those_that_are(
    tmp_path: Path, format: str
) -> None:
    run(tmp_path, format, design(2))
    with pytest.raises(ConfigError, match="population: got 'pc', allowed are sa, ra"):
        load(tmp_path).spikes("pc")
    with pytest.raises(ConfigError, match=r"array: got 'sa_spike', .* did you mean 'sa_spikes'"):
        load(tmp_path).arrays("sa_spike")


@every_format
def test_the_table_has_a_row_a_stimulus_and_a_column_a_parameter(
    tmp_path: Path, format: str
) -> None:
    ids = design(3)
    entries = [entry(row, one) for row, one in enumerate(ids)]
    entries[1] = {
        **entries[1],
        "parameters": {"type": "ramp", "final": 30},
        "error": "drive is not finite",
    }
    writer = writer_of(tmp_path, format, ids, {})
    writer.commit(entries, arrays(ids))
    writer.finish({})
    table = load(tmp_path).table
    columns = [
        "index",
        "id",
        "seed",
        "repetition",
        "type",
        "amplitude",
        "sigma",
        "hold_ms",
        "final",
        "error",
    ]
    assert list(table.columns) == columns
    assert table["seed"].tolist() == [one["seed"] for one in entries]
    assert table["amplitude"].isna().tolist() == [False, True, False]
    assert table.loc[1, "error"] == "drive is not finite"
    assert load(tmp_path)[1]["error"] == "drive is not finite"
    assert "error" not in load(tmp_path)[0]


@every_format
def test_an_interrupted_run_is_read_as_far_as_it_came(tmp_path: Path, format: str) -> None:
    ids = design(9)
    writer = writer_of(tmp_path, format, ids, CONFIG)
    for places in ([6, 7], [1, 2], [4]):
        writer.commit(
            [entry(place, ids[place]) for place in places], arrays([ids[place] for place in places])
        )
    results = load(tmp_path)
    assert not results.complete
    assert results.table["index"].tolist() == [1, 2, 4, 6, 7]
    assert [one["id"] for one in results] == [ids[place] for place in (1, 2, 4, 6, 7)]
    assert torch.equal(results.spikes("ra")[:], arrays(ids)["ra_spikes"][[1, 2, 4, 6, 7]])
    assert results.metadata == {"config": CONFIG}
    assert "interrupted" in repr(results)


@every_format
def test_a_dataset_may_be_sent_to_other_processes(tmp_path: Path, format: str) -> None:
    run(tmp_path, format, design(2))
    results = load(tmp_path)
    assert torch.equal(pickle.loads(pickle.dumps(results)).spikes("sa")[:], results.spikes("sa")[:])


@pytest.mark.skipif(os.name == "nt", reason="Windows replaces no open file")
@every_format
def test_reading_goes_on_while_a_successor_takes_the_place(tmp_path: Path, format: str) -> None:
    run(tmp_path, format, design(2))
    results = load(tmp_path)
    run(tmp_path, format, design(7))
    assert len(results) == 2
    assert torch.equal(results.spikes("sa")[:], arrays(design(2))["sa_spikes"])


@every_format
def test_results_are_read_without_their_checkpoint(tmp_path: Path, format: str) -> None:
    run(tmp_path, format, design(2))
    (tmp_path / "checkpoint.pt").write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="reading the results file without it"):
        assert len(load(tmp_path)) == 2
    (tmp_path / "checkpoint.pt").unlink()
    assert load(tmp_path).complete


def test_a_directory_without_a_dataset_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        StorageError, match=r"no dataset here \(none of results.h5, results.pt, checkpoint.pt\)"
    ):
        load(tmp_path)
    with pytest.raises(StorageError, match="no such directory"):
        load(tmp_path / "nowhere")
    writer_of(tmp_path, "hdf5", design(2), {})
    with pytest.raises(StorageError, match="interrupted before anything was committed"):
        load(tmp_path)
    with pytest.raises(StorageError, match="a file; give its directory"):
        load(tmp_path / "checkpoint.pt")


@every_format
def test_a_missing_results_file_is_named(tmp_path: Path, format: str) -> None:
    run(tmp_path, format, design(2))
    (tmp_path / locate_format(format).results_name).unlink()
    with pytest.raises(StorageError, match=r"results.* does not exist"):
        load(tmp_path)


@every_format
def test_several_threads_may_commit_at_once(tmp_path: Path, format: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    ids = design(40)
    writer = writer_of(tmp_path, format, ids, {})

    def commit(place: int) -> None:
        writer.commit([entry(place, ids[place])], arrays([ids[place]]))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(commit, range(40)))
    writer.finish({})
    assert torch.equal(load(tmp_path).spikes("sa")[:], arrays(ids)["sa_spikes"])


def test_importing_the_store_is_instant() -> None:
    import subprocess
    import sys

    heavy = "{'torch', 'h5py', 'pandas'} & set(sys.modules)"
    imports = "import sys; from sensoryforge.store.formats import Hdf5, Pytorch, shipped_formats"
    more = "import sensoryforge.store.checkpoint, sensoryforge.store.lock"
    code = f"{imports}; {more}; shipped_formats(); Hdf5().results_name; assert not {heavy}"
    subprocess.run([sys.executable, "-c", code], check=True)
