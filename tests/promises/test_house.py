"""The house: the rooms and their rules, heavy libraries wait, exported names are pinned."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import sensoryforge

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "sensoryforge"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = [contract["name"] for contract in PROJECT["tool"]["importlinter"]["contracts"]]
DOORS = {"__init__", "__main__", "run", "train"}
ROOMS = {
    "analysis", "commands", "config", "core", "design", "equations", "learning", "running",
    "simulation", "skin", "stimuli", "store",
}  # fmt: skip


@pytest.fixture(scope="module")
def linted() -> str:
    """Return what import-linter says of the contracts in pyproject.toml."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False, timeout=120
    )
    return ended.stdout + ended.stderr


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_rule_of_the_house_is_kept(linted: str, contract: str) -> None:
    assert f"{contract} KEPT" in linted, linted


def test_only_the_doors_and_the_rooms_stand_at_the_top() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == DOORS
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages == ROOMS


def test_the_tests_stand_in_the_rooms_that_they_test() -> None:
    folders = {path.parent.name for path in (ROOT / "tests").rglob("test_*.py")}
    assert folders <= ROOMS | {"promises"}


def test_the_architecture_page_names_every_room_and_every_rule() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert not [room for room in ROOMS if f"`{room}/`" not in page]
    assert not [contract for contract in CONTRACTS if contract not in page]


def test_the_architecture_page_names_only_files_that_are_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w./]+(?:/|\.py))`", page))
    named |= set(re.findall(r"(?<= )\w+/[\w./]*\.py", page))
    assert len(named) > 50
    assert not [name for name in named if not any((top / name).exists() for top in (ROOT, PACKAGE))]


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, sensoryforge; print(*{n.partition('.')[0] for n in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "hydra", "omegaconf", "numpy", "h5py", "pandas", "numba"} & set(loaded)


def test_checking_a_configuration_imports_no_torch() -> None:
    code = "import sys, sensoryforge.config.reading as c; c.check(c.compose()); print('torch' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False"]


def test_exported_names() -> None:
    classes, functions = (
        ["Results", "SpikeDataModule", "SpikeDataset"],
        ["compose", "load", "load_block", "run", "simulate"],
    )
    assert sorted(sensoryforge.__all__) == classes + functions
    assert set(sensoryforge.__all__) <= set(dir(sensoryforge))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = sensoryforge.nothing  # type: ignore[attr-defined]


def test_run_stays_a_function_once_its_module_is_imported() -> None:
    import sensoryforge.run

    assert callable(sensoryforge.run)
    assert callable(sensoryforge.simulate)
