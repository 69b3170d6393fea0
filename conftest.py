"""What the examples in docstrings find made: ``sf``, and ``results``, a tiny dataset."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sensoryforge import Results

# Hydra imports the plugin by another name; the module `run` gives its place to the function `run`.
collect_ignore = ["sensoryforge/commands/_plugins", "sensoryforge/run.py"]
collect_ignore_glob = []
if find_spec("triton") is None:
    collect_ignore_glob.append("sensoryforge/simulation/kernels/triton_*.py")
if find_spec("tonic") is None:
    collect_ignore_glob.append("sensoryforge/analysis/exports/tonic_events.py")
if find_spec("matplotlib") is None:
    collect_ignore_glob.append("sensoryforge/analysis/plots/*.py")
TINY = (
    "pipeline.grid_size=12",
    "pipeline.duration_ms=30",
    "pipeline.device=cpu",
    "neurons.sa_neurons=5",
    "neurons.ra_neurons=7",
    "stimuli.amplitude=[10, 30]",
    "stimuli.sigma=[0.3, 0.6]",
    "stimuli.repetitions=2",
)
"""8 stimuli of 60 samples each."""


@pytest.fixture(scope="session")
def tiny_results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return a finished dataset, made once."""
    import sensoryforge as sf

    directory = tmp_path_factory.mktemp("examples") / "results"
    config = sf.compose(*TINY, f"batch.output_dir={directory}")
    results = sf.run(config)
    assert results is not None
    return results


@pytest.fixture(autouse=True)
def names_of_examples(request: pytest.FixtureRequest) -> Iterator[None]:
    """Give an example the names that it uses, and make no dataset for one that needs none."""
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    source = "".join(example.source for example in request.node.dtest.examples)
    namespace = request.getfixturevalue("doctest_namespace")
    if "results" in source:
        namespace["results"] = request.getfixturevalue("tiny_results")
    if "sf." in source:
        namespace["sf"] = import_module("sensoryforge")
    root = logging.getLogger()
    handlers = list(root.handlers)  # Hydra sets up the root logger
    yield
    root.handlers[:] = handlers
