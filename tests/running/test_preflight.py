"""What is looked at before a run: room in memory and on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.runs import experiment, run

from sensoryforge.core.errors import ConfigError, StorageError
from sensoryforge.running import preflight
from sensoryforge.running.dry_run import dry_run


class Usage:
    free = 10


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda place: Usage)


@pytest.mark.usefixtures("full_disk")
def test_a_disk_too_small_for_a_dataset_of_known_size_is_refused(tmp_path: Path) -> None:
    line = r"out: about 1\.4\d MB needed for parts and results, 10 B free in .*; make room, or choose another"
    with pytest.raises(StorageError, match=line):
        run(tmp_path / "out", "batch=pytorch", "stimuli.repetitions=150")
    with pytest.raises(StorageError, match=line):
        dry_run(experiment(tmp_path / "out", "stimuli.repetitions=150"))
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("full_disk")
def test_a_disk_that_may_be_too_small_for_a_compressed_dataset_is_warned_of(tmp_path: Path) -> None:
    line = r"up to .*B needed for parts and results, 10 B free in .*; should the disk fill up, what was committed stays"
    with pytest.warns(UserWarning, match=line):
        assert len(run(tmp_path / "out", "batch=hdf5")) == 1
    with pytest.warns(UserWarning, match=line):
        assert dry_run(experiment(tmp_path / "other", "batch=hdf5"))[-1].endswith("was written")


@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize("form", ["pytorch", "hdf5"])
def test_a_run_that_has_nothing_to_do_needs_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Usage, "free", 10**12)
        run(tmp_path, f"batch.format={form}")
    assert len(run(tmp_path, f"batch.format={form}", "batch.resume=true")) == 1


def test_a_dataset_larger_than_the_memory_is_refused_where_it_is_one_object_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "total_memory_bytes", lambda: 500_000_000)
    line = r"batch\.format: pytorch keeps the dataset in memory, about 600 MB of 500 MB; set batch\.format: hdf5"
    with pytest.raises(ConfigError, match=line):
        preflight.preflight(experiment(tmp_path, "batch=pytorch"))
    preflight.preflight(experiment(tmp_path, "batch=hdf5"))


def test_memory_is_not_checked_where_the_system_does_not_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "total_memory_bytes", lambda: None)
    monkeypatch.setattr(Usage, "free", 10**30)
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda place: Usage)
    assert preflight.preflight(experiment(tmp_path, "stimuli.repetitions=100000000")) == []
