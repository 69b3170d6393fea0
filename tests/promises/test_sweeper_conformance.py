"""Hydra's own suites for launchers and batched sweepers, run through our sweeper on Hydra's own test configs.

Its IntegrationTestSuite does not apply: it starts Hydra's own applications in processes of their own, which find
plugins only in an installed ``hydra_plugins`` package, and ours is registered by ``sensoryforge.run``. What it covers,
sweeps from a shell into directories, is in test_hydra.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra.test_utils.launcher_common_tests import BatchedSweeperTestSuite, LauncherTestSuite
from hydra.version import VersionBase
from packaging.version import Version

from sensoryforge.config.composer import register_sweeper

register_sweeper()

pytestmark = pytest.mark.filterwarnings(
    "ignore:Future Hydra versions"
)  # the suites set no version_base

SWEEPER = "hydra/sweeper=sensoryforge"


@pytest.fixture(autouse=True)
def base() -> Iterator[None]:
    """Give the suites the behaviour they were written for: jobs change into their directory."""
    base = VersionBase.instance()
    usual, base.version_base = base.version_base, Version("1.1")
    yield
    base.version_base = usual


@pytest.mark.parametrize(("launcher_name", "overrides"), [("basic", [SWEEPER])])
class TestBasicLauncher(LauncherTestSuite):
    """Every job of a sweep that has no stimuli is a structural one."""


@pytest.mark.parametrize(
    ("launcher_name", "overrides"), [("basic", [SWEEPER, "hydra.sweeper.max_batch_size=2"])]
)
class TestBatches(BatchedSweeperTestSuite):
    """Jobs go to the launcher ``max_batch_size`` at a time."""


def test_an_older_copy_of_the_sweeper_is_not_the_one_that_is_taken(tmp_path: Path) -> None:
    """An editable installation leaves a copy in site-packages."""
    copy = tmp_path / "hydra_plugins" / "sensoryforge_sweeper" / "__init__.py"
    copy.parent.mkdir(parents=True)
    copy.write_text("", encoding="utf-8")
    root = Path(__file__).parents[2]
    script = (
        "from sensoryforge.config.composer import register_sweeper; register_sweeper(); "
        "import hydra_plugins.sensoryforge_sweeper as taken; print(taken.__file__)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(ended.stdout.strip()).is_relative_to(root)
