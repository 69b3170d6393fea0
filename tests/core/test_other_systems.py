"""Linux, macOS and Windows: what only some of them have is asked for, and done without where it is missing."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sensoryforge.core import devices


@pytest.fixture(autouse=True)
def _nothing_else_grants_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the quota and the job that these tests themselves may run in out of them."""
    monkeypatch.setattr(devices, "_cores_of_quota", lambda: iter(()))
    monkeypatch.delenv(devices.CORES_OF_TASK, raising=False)


QUOTA = devices._cores_of_quota


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"user/job/cpu.max": "400000 100000"}, [4]),
        ({"user/job/cpu.max": "150000 100000"}, [2]),
        ({"user/job/cpu.max": "20000 100000"}, [1]),
        ({"user/job/cpu.max": "max 100000"}, []),
        ({"user/job/cpu.max": "max 100000", "user/cpu.max": "300000 100000"}, [3]),
        ({"cpu.max": "200000 100000"}, [2]),
        ({"user/job/cpu.max": "nonsense"}, []),
        ({"user/job/cpu.max": "100 0"}, []),
        ({}, []),
    ],
)
def test_a_quota_of_version_2_grants_whole_cores(
    tmp_path: Path, files: dict[str, str], cores: list[int]
) -> None:
    write(tmp_path / "own", "0::/user/job\n")
    for name, text in files.items():
        write(tmp_path / "groups" / name, text)
    assert list(QUOTA(tmp_path / "groups", tmp_path / "own")) == cores


@pytest.mark.parametrize(("quota", "cores"), [("250000", [3]), ("-1", [])])
def test_a_quota_of_version_1_grants_whole_cores(
    tmp_path: Path, quota: str, cores: list[int]
) -> None:
    write(tmp_path / "own", "3:cpuset:/\n2:cpu,cpuacct:/job\n1:name=systemd:/\n")
    write(tmp_path / "groups" / "cpu" / "job" / "cpu.cfs_quota_us", quota)
    write(tmp_path / "groups" / "cpu" / "job" / "cpu.cfs_period_us", "100000")
    assert list(QUOTA(tmp_path / "groups", tmp_path / "own")) == cores


def test_without_groups_nothing_is_granted_by_them(tmp_path: Path) -> None:
    assert list(QUOTA(tmp_path / "groups", tmp_path / "missing")) == []


@pytest.mark.parametrize(
    ("quota", "task", "cores"),
    [([], "2", 2), ([], "64", 8), ([4], "", 4), ([4], "2", 2), ([3], "5", 3), ([], "many", 8), ([], "0", 8)],
)  # fmt: skip
def test_the_fewest_cores_that_anything_grants_are_used(
    monkeypatch: pytest.MonkeyPatch, quota: list[int], task: str, cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(devices, "_cores_of_quota", lambda: iter(quota))
    monkeypatch.setenv(devices.CORES_OF_TASK, task)
    assert devices.usable_cores() == cores


def test_cores_are_those_that_the_process_is_tied_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 7}, raising=False)
    assert devices.usable_cores() == 3


def test_cores_are_counted_where_no_process_is_tied_to_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 4, raising=False)
    assert devices.usable_cores() == 4
    monkeypatch.delattr(os, "process_cpu_count")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert devices.usable_cores() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert devices.usable_cores() == 1


def test_memory_is_what_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", answers.__getitem__, raising=False)
    assert devices.total_memory_bytes() == 4_096_000


@pytest.mark.parametrize("pages", [ValueError("unrecognized configuration name"), -1])
def test_memory_is_unknown_where_the_system_does_not_say(
    monkeypatch: pytest.MonkeyPatch, pages: object
) -> None:
    def sysconf(name: str) -> object:
        if isinstance(pages, Exception):
            raise pages
        return pages

    monkeypatch.setattr(os, "sysconf", sysconf, raising=False)
    assert devices.total_memory_bytes() is None


def test_memory_of_windows_is_asked_for_by_its_own_call(monkeypatch: pytest.MonkeyPatch) -> None:
    class Kernel32:
        succeeds = 1

        def GlobalMemoryStatusEx(self, reference: object) -> int:  # noqa: N802
            status = reference._obj  # type: ignore[attr-defined]
            assert status.length == ctypes.sizeof(status) == 64
            status.total_physical = 8 * 2**30
            return self.succeeds

    class Windows:
        kernel32 = Kernel32()

    monkeypatch.delattr(os, "sysconf", raising=False)
    monkeypatch.setattr(ctypes, "windll", Windows, raising=False)
    assert devices.total_memory_bytes() == 8 * 2**30
    monkeypatch.setattr(Kernel32, "succeeds", 0)
    assert devices.total_memory_bytes() is None
    monkeypatch.delattr(ctypes, "windll")
    assert devices.total_memory_bytes() is None


LIBRARIES = "import torch, numpy, pandas, h5py, numba, pytorch_lightning, filelock, hydra, yaml"
"""What is not ours may know this system for what it is, and is imported before names are taken away."""

MACOS = """
import os
del os.sched_getaffinity
"""

WINDOWS = """
import errno, os, signal, sys

for name in ("sched_getaffinity", "sysconf", "getuid", "geteuid", "fork", "pread", "pwrite", "O_CLOEXEC", "O_DIRECTORY"):
    delattr(os, name)
for name in ("SIGHUP", "SIGALRM", "SIGQUIT"):
    delattr(signal, name)
for name in ("fcntl", "pwd", "grp", "resource", "termios"):
    sys.modules[name] = None

# In the folder of this test, a file that is open or mapped can be neither removed nor replaced, as if this process had
# it open by the usual call of Windows; and a directory cannot be opened.
here, listdir, readlink, os_open = os.getcwd(), os.listdir, os.readlink, os.open

def is_in_use(path):
    with open("/proc/self/maps") as maps:
        names = [line.split(maxsplit=5)[5].rstrip() for line in maps if "/" in line]
    for number in listdir("/proc/self/fd"):
        try:
            names.append(readlink(f"/proc/self/fd/{number}"))
        except OSError:
            pass
    return path.startswith(here) and path in names

def refusing(call):
    def guarded(*paths, **options):
        for path in paths:
            if is_in_use(os.path.abspath(os.fsdecode(path))):
                raise PermissionError(errno.EACCES, "The process cannot access the file", os.fsdecode(path))
        return call(*paths, **options)
    return guarded

def open_no_directory(path, flags, *rest, **options):
    if os.path.abspath(os.fsdecode(path)).startswith(here) and os.path.isdir(path):
        raise PermissionError(errno.EACCES, "Permission denied", os.fsdecode(path))
    return os_open(path, flags, *rest, **options)

os.open = open_no_directory
os.rename = os.replace = refusing(os.replace)
os.unlink = os.remove = refusing(os.unlink)
"""

RUN = """
import gc, os
import sensoryforge as sf

SMALL = ("pipeline.grid_size=8", "neurons.sa_neurons=3", "neurons.ra_neurons=2", "pipeline.duration_ms=20",
         "pipeline.device=cpu", "stimuli.amplitude=[20, 40, 60]", "batch.checkpoint_frequency=2")

for form, results in (("pytorch", "results.pt"), ("hdf5", "results.h5")):
    def run(*more):
        return sf.run(sf.compose(*SMALL, f"batch.format={form}", f"batch.output_dir={form}", *more))

    assert run("batch.dry_run=true") is None
    first = run()
    assert len(first) == 3
    spikes = first.spikes("sa")[:].clone()
    # a dataset that was read is replaced by one that grew; as long as it is held, its file is open
    del first
    gc.collect()
    grown = run("batch.resume=true", "stimuli.amplitude=[10, 20, 40, 60]")
    assert (grown.spikes("sa")[1:] == spikes).all()
    del grown
    gc.collect()
    assert len(run("batch.overwrite=true")) == 3
    assert len(sf.SpikeDataset(form, target="amplitude")) == 3
    assert sorted(os.listdir(form)) == ["checkpoint.pt", results, "stimuli.csv"]
    print(form, "is good")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="takes away what only Linux has")
@pytest.mark.parametrize("system", [MACOS, WINDOWS], ids=["macos", "windows"])
def test_datasets_are_made_extended_and_read_where_names_of_linux_are_missing(
    tmp_path: Path, system: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", f"{LIBRARIES}\n{system}\n{RUN}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
    assert ended.stdout == "pytorch is good\nhdf5 is good\n"
