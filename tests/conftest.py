"""Settings shared by all tests."""

from __future__ import annotations

import logging
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")
if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)  # the workers have a core each
# A shell starts what it puts in the background, and nohup what it starts, with signals ignored.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
if not torch.cuda.is_available():
    # Triton reads it when it is imported, which Lightning may do.
    os.environ["TRITON_INTERPRET"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest; leave out what this system has no means for.

    A worker takes the next file when it has ended one. Were a long one last, the others would wait.
    """
    slow_of: Counter[Path] = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow_of[item.path])
    if os.name == "posix":
        return
    for item in items:
        if item.get_closest_marker("posix"):
            item.add_marker(pytest.mark.skip(reason="needs Linux or macOS"))


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Hydra sets up the root logger of the process that it runs in."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Threads that wait for each other make work on small tensors slow on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compile anew, once in a run of the tests, so that they prove the code that is here.

    Who names a folder of kernels, as the gate does, has it used by all tests alike.
    """
    from sensoryforge.simulation.kernels import cache

    if cache.VARIABLE in os.environ:
        yield
        return
    of_this_run = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        of_this_run = of_this_run.parent  # what one worker has compiled the others load
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(of_this_run / "kernels"))
        yield


@pytest.fixture(scope="session", params=[pytest.param("pytorch", marks=pytest.mark.slow), "hdf5"])
def dataset(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a small real dataset: 3 amplitudes x 2 sigmas x 2 repetitions, in either format."""
    from helpers.datasets import GRID, run

    return run(tmp_path_factory.mktemp(request.param), *GRID, f"batch.format={request.param}")


@pytest.fixture(scope="session")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a small dataset of two types."""
    from helpers.datasets import MIXTURE, run

    return run(tmp_path_factory.mktemp("mixture"), *MIXTURE)
