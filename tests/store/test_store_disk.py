"""The disk's refusals, damaged files and a second run: one clear line each."""

from __future__ import annotations

import errno
import io
import os
import random
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import h5py
import pytest
import torch
from helpers.store import FORMATS, arrays, commit_all, design, entry, resume, run, writer_of

from sensoryforge.analysis.results import load
from sensoryforge.core.errors import DamagedError, LockedError, SensoryForgeError, StorageError
from sensoryforge.store import files
from sensoryforge.store.checkpoint import Checkpoint, scan
from sensoryforge.store.formats import locate_format
from sensoryforge.store.formats.base import Source
from sensoryforge.store.lock import DirectoryLock

CODES = ("ENOSPC", "EDQUOT", "EROFS", "EACCES", "EIO", "EFBIG")
FULL = """
import resource, sys, signal
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from sensoryforge.core.errors import StorageError
from helpers.store import design, run, writer_of
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]),) * 2)
try:
    run(Path(sys.argv[2]), sys.argv[3], design(60))
except StorageError as error:
    print(error)
"""
HOLD = """
import sys
from pathlib import Path
from sensoryforge.store.lock import DirectoryLock
with DirectoryLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def one_line(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("code", CODES)
def test_a_refusal_of_the_disk_is_one_line_and_costs_nothing_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str, code: str
) -> None:
    ids = design(8)
    writer = writer_of(tmp_path, format, ids, {})
    writer.commit([entry(0, ids[0])], arrays(ids[:1]))
    number = getattr(errno, code)

    def refuse(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(StorageError) as caught:
            commit_all(writer, ids)
    assert "part_000001" in one_line(caught.value)
    assert not list((tmp_path / "parts").glob(".*"))
    assert scan(tmp_path).ids == {ids[0]}
    resume(tmp_path, format, ids)
    assert len(load(tmp_path)) == 8


@pytest.mark.skipif(find_spec("resource") is None, reason="no limits on files here")
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "kilobytes",
    [pytest.param(1, marks=pytest.mark.slow), 6, pytest.param(10, marks=pytest.mark.slow)],
)
def test_a_full_disk_in_the_middle_of_a_write_is_one_line(
    tmp_path: Path, format: str, kilobytes: int
) -> None:
    arguments = [
        sys.executable,
        "-c",
        FULL,
        str(Path(__file__).parents[1]),
        str(tmp_path),
        format,
        str(kilobytes << 10),
    ]
    ended = subprocess.run(arguments, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    assert ended.stdout.count("\n") == 1
    assert "the file would be larger" in ended.stdout
    assert not list(tmp_path.rglob(".*.tmp"))
    assert scan(tmp_path).problems == ()
    resume(tmp_path, format, design(60))
    assert len(load(tmp_path)) == 60


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_device_without_space_is_named(tmp_path: Path) -> None:
    (tmp_path / ".checkpoint.pt.tmp").symlink_to("/dev/full")
    with pytest.raises(StorageError, match=r"checkpoint.pt: no space is left on the disk"):
        Checkpoint(1, {}, "hdf5").write(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows says it in other words")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("file/below", "a part of the path is a file"),
        ("file", "a file is in the way"),
        ("n" * 300, "the path is too long"),
        (os.fsdecode(b"caf\xe9"), r"caf\\xe9: the name is not UTF-8"),
    ],
)
def test_a_directory_that_cannot_be_is_one_line(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=text) as caught, DirectoryLock(tmp_path / name):
        pass
    assert one_line(caught.value).isprintable()


def mutated(data: bytes, seed: int) -> bytes:
    """Return the bytes flipped, cut, zeroed or doubled at a random place."""
    rng = random.Random(seed)
    changed, place = bytearray(data), rng.randrange(len(data))
    kind = rng.randrange(4)
    if kind == 0:
        changed[place] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del changed[place:]
    elif kind == 2:
        changed[place : place + 64] = bytes(len(changed[place : place + 64]))
    else:
        changed[place:place] = changed[place : place + 32]
    return bytes(changed)


def complaint(read: Callable[[Path], Any], directory: Path) -> str:
    """Return the line that a user would see, empty if the files could be read; any other exception ends the test."""
    try:
        read(directory)
    except SensoryForgeError as error:
        return one_line(error)
    return ""


def read_whole(directory: Path) -> None:
    results = load(directory)
    assert [results[place]["sa_spikes"].shape for place in range(len(results))]
    assert len(results.table) == len(results)
    assert results.metadata


@pytest.mark.parametrize("format", FORMATS)
def test_a_damaged_results_file_never_ends_in_a_traceback(tmp_path: Path, format: str) -> None:
    run(tmp_path, format, design(4))
    path = tmp_path / locate_format(format).results_name
    good = path.read_bytes()
    errors = 0
    for seed in range(300):
        path.unlink()
        path.write_bytes(mutated(good, seed))
        line = complaint(read_whole, tmp_path)
        errors += bool(line)
        assert not line or "results" in line
    assert errors > 100


def test_a_damaged_checkpoint_never_ends_in_a_traceback(tmp_path: Path) -> None:
    commit_all(writer_of(tmp_path, "hdf5", design(4), {}), design(4))
    good = (tmp_path / "checkpoint.pt").read_bytes()
    before = Checkpoint.read(tmp_path)
    for seed in range(300):
        (tmp_path / "checkpoint.pt").write_bytes(mutated(good, seed))
        line = complaint(Checkpoint.read, tmp_path)
        assert (
            re.search(r"checkpoint.pt: .*(damaged|truncated|empty)", line)
            or Checkpoint.read(tmp_path) == before
        )


KINDS = {"pytorch": "a file of PyTorch", "hdf5": "an HDF5 file"}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("empty", "results.*: empty; copy it once more"),
        ("text", "results.*: not {0}: not written by SensoryForge, or damaged"),
        ("foreign", "results.*: {0} without a table of stimuli: not written by SensoryForge"),
        ("cut", "results.*: truncated, .*; copy it once more"),
        ("hurt", "results.*: damaged, or not written by SensoryForge"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_apart(
    tmp_path: Path, format: str, kind: str, says: str
) -> None:
    path = tmp_path / locate_format(format).results_name
    run(tmp_path, format, design(4))
    (tmp_path / "checkpoint.pt").unlink()
    spoil(path, kind)
    with pytest.raises(DamagedError, match=says.format(KINDS[format])) as caught:
        read_whole(tmp_path)
    one_line(caught.value)


def spoil(path: Path, kind: str) -> None:
    """Make of a results file another kind of file, or a part of it."""
    data = path.read_bytes()
    if kind == "foreign" and path.suffix == ".pt":
        torch.save({"stimuli": []}, path)
    elif kind == "foreign":
        with h5py.File(path, "w") as file:
            file["data"] = [1, 2]
    else:
        hurt = data.replace(b"index", b"\0\0\0\0\0") if path.suffix == ".pt" else zeroed_table(data)
        made = {"empty": b"", "text": b"not a dataset", "cut": data[:-50], "hurt": hurt}
        path.write_bytes(made[kind])


def zeroed_table(data: bytes) -> bytes:
    """Return an HDF5 file whose table holds zeros where it was compressed."""
    with h5py.File(io.BytesIO(data), "r+") as file:
        table = file.attrs["_table"]
        place = data.index(table.tobytes())
    return data[:place] + bytes(len(table)) + data[place + len(table) :]


HOLD_OPEN = """
import sys, h5py
file = h5py.File(sys.argv[1], "r+")
file.attrs["note"] = "x"
file.flush()
print("open", flush=True)
sys.stdin.read()
"""


def test_a_whole_file_that_is_open_elsewhere_or_was_left_open_is_not_called_damaged(
    tmp_path: Path,
) -> None:
    run(tmp_path, "hdf5", design(4))
    path = tmp_path / "results.h5"
    arguments = [sys.executable, "-c", HOLD_OPEN, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        in_use = r"results\.h5: .*open for writing.*; close it there"
        for read in (load, scan):
            with pytest.raises(StorageError, match=in_use) as caught:
                read(tmp_path)
            assert not isinstance(caught.value, DamagedError)
        holder.kill()
        holder.wait()
    with pytest.raises(StorageError, match=r"not closed by one that was stopped.*h5clear -s"):
        load(tmp_path)


def test_a_file_that_others_only_read_is_read(tmp_path: Path) -> None:
    run(tmp_path, "hdf5", design(4))
    with h5py.File(tmp_path / "results.h5"):
        assert len(load(tmp_path)) == 4


def test_the_document_of_faults_has_each_word_of_damage() -> None:
    document = Path(__file__).parents[2] / "docs/reliability.md"
    text = document.read_text(encoding="utf-8")
    words = (
        "empty",
        "truncated, ",
        "its end is missing",
        "damaged, or not written by SensoryForge",
    )
    of_others = ("not an HDF5 file: ", "without a table of stimuli: ")
    of_use = ("in use by another program", "not closed by one that was stopped", "h5clear -s")
    assert [word for word in (*words, *of_others, *of_use) if word not in text] == []


class Evil:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, ("reached",)


def test_no_file_can_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("results.pt", "checkpoint.pt"):
        torch.save({"stimuli": [Evil()], "version": Evil()}, tmp_path / name)
    with pytest.warns(UserWarning, match="checkpoint.pt: .*damaged"), pytest.raises(DamagedError):
        load(tmp_path)
    with zipfile.ZipFile(tmp_path / "results.pt") as archive:
        assert any(b"mkdir" in archive.read(name) for name in archive.namelist())
    assert not (tmp_path / "reached").exists()


@pytest.mark.parametrize(
    "name", ["../secret.pt", "/etc/passwd.pt", "parts/../../x.pt", "parts/.pt"]
)
def test_a_checkpoint_cannot_lead_out_of_its_directory(tmp_path: Path, name: str) -> None:
    commit_all(writer_of(tmp_path, "pytorch", design(2), {}), design(2))
    data = torch.load(tmp_path / "checkpoint.pt")
    data["parts"] = " ".join([name, *data["parts"].split(" ")[1:]])
    torch.save(data, tmp_path / "checkpoint.pt")
    with pytest.raises(DamagedError):
        scan(tmp_path)


def test_a_checkpoint_of_a_newer_version_is_not_guessed_at(tmp_path: Path) -> None:
    torch.save({**Checkpoint(1, {}, "hdf5").to_dict(), "version": 99}, tmp_path / "checkpoint.pt")
    with pytest.raises(StorageError, match="written by a newer version"):
        scan(tmp_path)


@pytest.mark.parametrize("format", FORMATS)
def test_a_run_begun_in_another_format_is_not_mixed(tmp_path: Path, format: str) -> None:
    other = FORMATS[FORMATS.index(format) - 1]
    commit_all(writer_of(tmp_path, format, design(2), {}), design(2))
    with pytest.raises(StorageError, match=f"begun as {format}"):
        writer_of(tmp_path, other, design(2), {}, scan(tmp_path))


def test_a_results_file_is_not_made_of_an_unfinished_run(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="2 of 2 stimuli are not committed"):
        writer_of(tmp_path, "hdf5", design(2), {}).finish({})


@pytest.mark.parametrize("format", FORMATS)
def test_a_part_that_vanishes_is_named_by_the_merge(tmp_path: Path, format: str) -> None:
    suffix = locate_format(format).suffix
    with (
        pytest.raises(StorageError, match=r"gone.*does not exist"),
        files.replacing(tmp_path / f"results.{suffix}", "results") as sink,
    ):
        locate_format(format).merge(sink, [Source(tmp_path / f"gone.{suffix}", [0])], {})
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_is_refused_with_who_holds_the_directory(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        pattern = rf"another run is writing here, process {holder.pid} on \S+ since \d{{4}}-"
        with pytest.raises(LockedError, match=pattern), DirectoryLock(tmp_path):
            pass
        holder.kill()
        holder.wait()
        assert (tmp_path / ".lock").exists()
        with DirectoryLock(tmp_path):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_free_again_after_its_run(tmp_path: Path) -> None:
    for _ in range(2):
        with DirectoryLock(tmp_path), pytest.raises(LockedError), DirectoryLock(tmp_path):
            pass


@pytest.mark.skipif(find_spec("fcntl") is None, reason="locks in another way here")
def test_a_file_system_without_locks_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(handle: int, how: int) -> None:
        raise OSError(errno.ENOSYS, "no")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.warns(UserWarning, match="the file system has no locks"), DirectoryLock(tmp_path):
        assert (tmp_path / ".lock").exists()
