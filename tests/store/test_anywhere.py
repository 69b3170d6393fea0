"""The store where something that Linux has is missing: on Windows, on odd file systems, in a bare Python."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers.store import FORMATS, arrays, commit_all, design, run, writer_of

from sensoryforge.analysis.results import load
from sensoryforge.core.errors import LockedError, StorageError
from sensoryforge.store import files
from sensoryforge.store.checkpoint import scan
from sensoryforge.store.formats.hdf5 import reader as hdf5_reader
from sensoryforge.store.lock import DirectoryLock, probe
from sensoryforge.store.reader import SpikeReader

every_format = pytest.mark.parametrize("format", FORMATS)
BARE = """
import os, sys, warnings
for module in ("fcntl", "resource", "pwd", "grp"):
    sys.modules[module] = None
for name in ("pread", "pwrite", "O_CLOEXEC", "O_DIRECTORY", "sched_getaffinity", "geteuid"):
    if hasattr(os, name):
        delattr(os, name)
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from helpers.store import design, run
from sensoryforge.analysis.results import load
from sensoryforge.store.lock import DirectoryLock, probe
from sensoryforge.store.reader import SpikeReader
directory = Path(sys.argv[2])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    with DirectoryLock(directory):
        for format in ("hdf5", "pytorch"):
            run(directory / format, format, design(5))
    said = [str(warning.message) for warning in caught]
assert any("the file system has no locks" in line for line in said), said
assert not (directory / ".lock").exists()
probe(directory)
for format in ("hdf5", "pytorch"):
    results = load(directory / format)
    print(int(SpikeReader(results, ["sa", "ra"]).read(range(5)).sum()))
"""


def spikes_of(count: int) -> torch.Tensor:
    expected = arrays(design(count))
    return torch.cat([expected["sa_spikes"], expected["ra_spikes"]], dim=2)


def test_datasets_are_written_and_read_without_what_only_unix_has(tmp_path: Path) -> None:
    words = [sys.executable, "-c", BARE, str(Path(__file__).parents[1]), str(tmp_path)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == [str(int(spikes_of(5).sum()))] * 2


@every_format
def test_a_directory_that_cannot_be_opened_is_not_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    open_before = os.open

    def open_no_directory(path: str | Path, *more: int, **options: int) -> int:
        if tmp_path in (Path(path), *Path(path).parents) and Path(path).is_dir():
            raise PermissionError(13, "Permission denied", str(path))
        return open_before(path, *more, **options)

    monkeypatch.setattr(os, "open", open_no_directory)
    with DirectoryLock(tmp_path / "out"):
        run(tmp_path / "out", format, design(5))
    assert torch.equal(load(tmp_path / "out").spikes("sa")[:], arrays(design(5))["sa_spikes"])


def test_training_reads_through_hdf5_where_a_file_cannot_be_read_at_a_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdf5_reader, "_CAN_READ_AT", False)
    monkeypatch.delattr(os, "pread")
    run(tmp_path, "hdf5", design(5))
    reader = SpikeReader(load(tmp_path), ["sa", "ra"])
    assert torch.equal(reader.read(range(5)), spikes_of(5))


def is_held(path: Path) -> bool:
    """Tell whether this process has a file open or mapped."""
    if not path.exists():
        return False
    links = [link for link in Path("/proc/self/fd").iterdir() if link.exists()]
    is_open = path in [link.readlink() for link in links]
    return is_open or str(path) in Path("/proc/self/maps").read_text()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no /proc here")
@every_format
def test_a_file_is_held_by_nobody_when_it_is_replaced_or_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    replaced: list[str] = []
    replace, unlink = Path.replace, Path.unlink

    def replace_as_on_windows(self: Path, target: Path) -> Path:
        assert not is_held(self), self
        assert not is_held(target), target
        replaced.append(target.name)
        return replace(self, target)

    def unlink_as_on_windows(self: Path, missing_ok: bool = False) -> None:
        assert not is_held(self), self
        unlink(self, missing_ok)

    ids = design(200)
    run(tmp_path, format, ids[:130], per_part=130)
    monkeypatch.setattr(Path, "replace", replace_as_on_windows)
    monkeypatch.setattr(Path, "unlink", unlink_as_on_windows)
    writer = writer_of(tmp_path, format, ids, {}, scan(tmp_path))
    writer.find_failed()
    commit_all(writer, ids, per_part=35)
    path = writer.finish({})
    assert path.name in replaced
    monkeypatch.undo()
    assert torch.equal(load(tmp_path).spikes("ra")[:], arrays(ids)["ra_spikes"])


def test_a_file_that_the_disk_refused_is_closed_before_it_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    unlink = Path.unlink
    sinks: list[files.Sink] = []

    def unlink_as_on_windows(self: Path, missing_ok: bool = False) -> None:
        closed.append(sinks[0]._file.closed)
        unlink(self, missing_ok)

    def refuse(sink: files.Sink) -> None:
        sinks.append(sink)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "unlink", unlink_as_on_windows)
    monkeypatch.setattr(files.Sink, "sync", refuse)
    with (
        pytest.raises(StorageError, match="no space is left"),
        files.replacing(tmp_path / "a.pt", "part"),
    ):
        pass
    assert closed == [True]
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_that_is_removed_only_when_closed_is_gone_after_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = DirectoryLock(tmp_path)
    unlink = Path.unlink

    def unlink_as_on_windows(self: Path, missing_ok: bool = False) -> None:
        if not lock._file.closed:
            raise PermissionError(13, "the file is used by another process")
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink_as_on_windows)
    with lock, pytest.raises(LockedError, match=f"process {os.getpid()} on "):
        probe(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_that_the_next_run_has_opened_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "the file is used by another process")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        with DirectoryLock(tmp_path):
            pass
    assert (tmp_path / ".lock").exists()
    with DirectoryLock(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_who_holds_the_lock_is_not_written_where_windows_lets_nobody_read(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path):
        assert (tmp_path / ".lock").read_bytes()[:1] == b" "


def test_many_looks_at_the_lock_leave_it_as_it_is(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path):
        said = (tmp_path / ".lock").read_bytes()
        for _ in range(3):
            with pytest.raises(LockedError, match=f"process {os.getpid()} on "):
                probe(tmp_path)
        assert (tmp_path / ".lock").read_bytes() == said
    probe(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_of_somebody_else_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".lock").write_text("{}")
    open_before = Path.open

    def open_read_only(self: Path, mode: str = "r", *more: object, **options: object) -> object:
        if "+" in mode:
            raise PermissionError(13, "Permission denied", str(self))
        return open_before(self, mode, *more, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", open_read_only)
    probe(tmp_path)


def test_a_look_at_a_lock_file_where_there_are_no_locks_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int, blocking: bool) -> bool:
        raise OSError(errno.ENOSYS, "Function not implemented")

    (tmp_path / ".lock").write_text("{}")
    monkeypatch.setattr("filelock.lock_descriptor", refuse)
    probe(tmp_path)
