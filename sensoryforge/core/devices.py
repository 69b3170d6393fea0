"""What this machine has (cores, memory, GPUs), and what a configuration asks of it.

Linux, macOS and Windows answer these questions by different calls, and not all of them answer
every one. Who asks here need not know. torch is imported only to look for a GPU.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from math import ceil
from pathlib import Path

BACKENDS = ("torch", "numba", "triton")
"""What ``pipeline.backend`` may name beside ``auto``."""
DEVICES = ("auto", "cpu", "cuda", "cuda:N")
"""What ``pipeline.device`` may name; N is the number of a GPU."""
OLDEST_TRITON = (3, 4)
"""The first version of Triton that says whether it interprets (``triton.knobs``)."""

CORES_OF_TASK = "SLURM_CPUS_PER_TASK"
"""The environment variable in which SLURM says how many cores a task has."""

_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


def usable_cores() -> int:
    """Return how many cores this process may use, at least one.

    They are the fewest that anything grants:

    - the cores that Linux ties the process to, in a container or by ``taskset``; elsewhere those of
      the machine,
    - the time that the process's group gets, in cores, where it has a quota: ``docker --cpus``, or
      a cluster that limits jobs so,
    - ``SLURM_CPUS_PER_TASK``, in a job of SLURM that asked for so many.

    Examples
    --------
    >>> usable_cores() >= 1
    True
    """
    affinity = getattr(os, "sched_getaffinity", None)
    if affinity is not None:
        cores = len(affinity(0))
    else:
        count_cores = getattr(os, "process_cpu_count", os.cpu_count)  # the first is of Python 3.13
        cores = count_cores() or 1
    granted = [cores, *_cores_of_quota(), *_cores_of_slurm()]
    return max(1, min(granted))


def _cores_of_slurm() -> Iterator[int]:
    """Yield how many cores SLURM gave to a task of the job, where the job asked for some."""
    asked = os.environ.get(CORES_OF_TASK, "")
    if asked.isdecimal() and int(asked) > 0:
        yield int(asked)


def _cores_of_quota(
    groups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")
) -> Iterator[int]:
    """Yield the quota of the process's control group and of each above it, in whole cores.

    Version 2 has one hierarchy, whose line in ``own`` begins with ``0::``; version 1 has one for
    each resource. A group of a container may be seen as the root. Half a core counts as one.
    """
    try:
        lines = own.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        number, resources, path = (*line.split(":", 2), "", "")[:3]
        if number == "0" and not resources:
            folder, read = groups, _quota_of_version_2
        elif "cpu" in resources.split(","):
            folder, read = groups / "cpu", _quota_of_version_1
        else:
            continue
        own_group = folder / path.strip("/")
        for group in (own_group, *own_group.parents):
            if group.is_relative_to(folder):
                quota = read(group)
                if quota is not None:
                    yield max(1, ceil(quota))


def _quota_of_version_2(group: Path) -> float | None:
    """Return how many cores' time a group gets, None where it has all."""
    try:
        quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_of_version_1(group: Path) -> float | None:
    """Return how many cores' time a group gets, None where it has all."""
    try:
        quota = int((group / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        period = int((group / "cpu.cfs_period_us").read_text(encoding="ascii"))
        return quota / period if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


def total_memory_bytes() -> int | None:
    """Return the memory of this machine, None where the system does not tell.

    Examples
    --------
    >>> size = total_memory_bytes()
    >>> size is None or size > 2**20
    True
    """
    sysconf = getattr(os, "sysconf", None)
    if sysconf is None:
        return _windows_memory_bytes()
    try:
        pages, page_bytes = sysconf("SC_PHYS_PAGES"), sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):  # a system that does not know these names, or their value
        return None
    if pages <= 0 or page_bytes <= 0:
        return None
    return int(pages * page_bytes)


def _windows_memory_bytes() -> int | None:
    """Return what ``GlobalMemoryStatusEx`` of the Windows API says, None on another system."""
    import ctypes

    windows = getattr(ctypes, "windll", None)
    if windows is None:
        return None

    class MemoryStatus(ctypes.Structure):
        """``MEMORYSTATUSEX``: its own length, the load in per cent, and seven sizes in bytes."""

        _fields_ = (
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            ("total_physical", ctypes.c_ulonglong),
            ("other_sizes", ctypes.c_ulonglong * 6),
        )

    status = MemoryStatus(length=ctypes.sizeof(MemoryStatus))
    if not windows.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.total_physical)


def is_device_name(value: object) -> bool:
    """Tell whether a value names a device, whether or not this machine has it.

    Examples
    --------
    >>> is_device_name("cuda:1"), is_device_name("gpu")
    (True, False)
    """
    return isinstance(value, str) and _DEVICE.fullmatch(value) is not None


def resolve_device(device: str, backend: str = "auto") -> str:
    """Return the device that runs: ``auto`` takes a GPU if torch and the backend can use one.

    Parameters
    ----------
    device
        One of :data:`DEVICES`.
    backend
        One of :data:`BACKENDS`, or ``auto``; numba computes on the CPU alone.

    Examples
    --------
    >>> resolve_device("cpu")
    'cpu'
    """
    import torch

    if device != "auto":
        return device
    if backend == "numba":
        return "cpu"
    return "cuda" if torch.cuda.is_available() else "cpu"


def device_problems(device: str, key: str = "pipeline.device") -> Iterator[str]:
    """Yield the message for a GPU that this machine does not have.

    Parameters
    ----------
    device
        One of :data:`DEVICES`.
    key
        The configuration key that the message names.

    Examples
    --------
    >>> list(device_problems("cpu"))
    []
    """
    if not device.startswith("cuda"):
        return
    number = int(device.partition(":")[2] or 0)
    if number >= _count_gpus():
        got = f"{key}: got '{device}'"
        yield f"{got}, but this machine {_gpus_in_words()}; set {key}: cpu (or auto)"


def devices_problems(devices: int | list[int] | str, device: str) -> Iterator[str]:
    """Yield the message for GPUs that this machine, or ``pipeline.device``, does not leave.

    Parameters
    ----------
    devices
        ``pipeline.devices``: how many GPUs, their numbers, or ``auto``.
    device
        ``pipeline.device``.

    Examples
    --------
    >>> list(devices_problems(2, "cpu"))
    ['pipeline.devices: got 2, which are GPUs, but pipeline.device is cpu; set pipeline.devices: 1']
    """
    if devices in (1, "auto"):
        return
    got = f"pipeline.devices: got {devices}"
    if device == "cpu":
        yield f"{got}, which are GPUs, but pipeline.device is cpu; set pipeline.devices: 1"
    elif ":" in device:
        yield f"{got}, but pipeline.device is one GPU, {device}; set pipeline.device: cuda"
    elif _gpus_needed(devices) > _count_gpus():
        yield f"{got}, but this machine {_gpus_in_words()}; set pipeline.devices: 1 (or auto)"


def _gpus_needed(devices: int | list[int] | str) -> int:
    if isinstance(devices, list):
        return max(devices) + 1
    return int(devices)


def _count_gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _gpus_in_words() -> str:
    count = _count_gpus()
    return f"has {count}" if count else "has no GPU that torch can use"


def backend_problems(backend: str, device: str) -> Iterator[str]:
    """Yield the message for a backend that does not run on the device, or is not installed.

    Parameters
    ----------
    backend
        One of :data:`BACKENDS`, or ``auto``.
    device
        One of :data:`DEVICES`.

    Examples
    --------
    >>> list(backend_problems("numba", "cpu"))
    []
    """
    got = f"pipeline.backend: got '{backend}', which"
    if backend == "numba" and device.startswith("cuda"):
        yield f"{got} runs on the CPU, not on {device}; set auto, torch or triton"
    if backend != "triton":
        return
    lacking = triton_lacks()
    if lacking:
        yield f'{got} {lacking}; set auto, or pip install "sensoryforge[gpu]"'
    elif not _triton_runs_on(device):
        yield f"{got} runs on a GPU, not on the CPU; set auto, numba or torch"


def _triton_runs_on(device: str) -> bool:
    """Tell whether Triton has a GPU to run on, or interprets its kernels on the CPU."""
    if os.environ.get("TRITON_INTERPRET"):
        return True
    return device != "cpu" and not any(device_problems("cuda"))


def triton_lacks() -> str:
    """Return in words why Triton cannot be used, an empty text if it can.

    Examples
    --------
    >>> triton_lacks() in ("", "is not installed") or triton_lacks().startswith("is too old, ")
    True
    """
    # torch's own builds of Triton have another name, hence the look-up of the distribution. A mere
    # folder called triton can be imported too, and belongs to no distribution.
    names = packages_distributions().get("triton") if find_spec("triton") else None
    if not names:
        return "is not installed"
    installed = version(names[0])
    numbers = re.findall(r"\d+", installed)[:2]
    if tuple(map(int, numbers)) < OLDEST_TRITON:
        return f"is too old, {installed}"
    return ""
