"""The packaging: what is imported is declared, what is declared is imported, and what is pinned is whole."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sensoryforge.core.packages import EXTRAS

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
OPTIONAL: dict[str, list[str]] = PROJECT["optional-dependencies"]
FOR_DEVELOPERS = {"dev", "docs", "test"}
BY_NAME = {"snntorch", "tensorboard", "tonic"}
"""Packages that are asked for by name, or used by another one, and stand in no import."""
OURS = {"sensoryforge", "hydra_plugins"}


def distributions(requirements: list[str]) -> set[str]:
    """Return the names of what some requirements install, ours left out."""
    names = {canonicalize_name(Requirement(text).name) for text in requirements}
    return names - OURS


def imported_by(path: Path) -> Iterator[str]:
    """Yield the top-level packages that a file imports, in functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@cache
def third_party(folder: str) -> set[str]:
    """Return the distributions that the files of a folder import."""
    files = list((ROOT / folder).rglob("*.py"))
    beside = [*files, *(ROOT / folder).iterdir()]
    for on_the_path in ("stress", "docs"):  # pytest's pythonpath
        beside += (ROOT / on_the_path).glob("*.py")
    own = {path.stem for path in beside} | OURS
    modules = {module for path in files for module in imported_by(path)}
    modules -= own | set(sys.stdlib_module_names)
    providers = packages_distributions()
    return {canonicalize_name(providers.get(module, [module])[0]) for module in modules}


DEPENDENCIES = distributions(PROJECT["dependencies"])
FOR_USERS = distributions(
    [text for extra, texts in OPTIONAL.items() if extra not in FOR_DEVELOPERS for text in texts]
)
FOR_TESTS = FOR_USERS | distributions(OPTIONAL["test"] + OPTIONAL["docs"])


def test_the_package_imports_nothing_that_it_does_not_declare() -> None:
    assert third_party("sensoryforge") <= DEPENDENCIES | FOR_USERS


def test_the_package_declares_nothing_that_it_does_not_import() -> None:
    idle = (DEPENDENCIES | FOR_USERS) - third_party("sensoryforge") - BY_NAME
    assert not idle


@pytest.mark.parametrize("folder", ["tests", "stress", "docs"])
def test_the_tests_import_nothing_that_the_test_extra_does_not_install(folder: str) -> None:
    assert third_party(folder) <= DEPENDENCIES | FOR_TESTS


def test_an_optional_package_is_named_with_the_extra_that_installs_it() -> None:
    for package, extra in EXTRAS.items():
        assert package in distributions(OPTIONAL[extra])


def needed(names: set[str]) -> set[str]:
    """Return some distributions and all that they need here, as their metadata says."""
    complete: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        complete.add(name)
        try:
            texts = requires(name) or []
        except PackageNotFoundError:  # for another system
            continue
        requirements = [Requirement(text) for text in texts]
        here = [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
        waiting |= {canonicalize_name(r.name) for r in here} - complete
    return complete


def test_every_version_that_the_tests_run_with_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [re.fullmatch(r"([\w.-]+)==[\w.]+", line) for line in lines if not line.startswith("#")]
    assert all(pins)
    pinned = {canonicalize_name(pin[1]) for pin in pins if pin}
    # torch chooses Triton, setuptools and, on a GPU, the libraries of CUDA
    chosen_by_torch = {"triton", "setuptools"}
    wanted = needed(DEPENDENCIES | FOR_TESTS) - chosen_by_torch
    assert {name for name in wanted if not name.startswith(("nvidia-", "cuda-"))} <= pinned
