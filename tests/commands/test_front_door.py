"""The front door: a command line is read and rewritten once, checked once, and Hydra is called once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl

from sensoryforge.commands import hydra_app
from sensoryforge.config import reading
from sensoryforge.running import execute

SWEEP = "stimuli.amplitude=10,20,30"


class Counts:
    """How often configurations are composed and checked, and Hydra is called."""

    composed = 0
    checked = 0
    called = 0


@pytest.fixture
def count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Counts]:
    """Return a function that runs a command line, its simulation apart, and counts."""
    monkeypatch.chdir(tmp_path)
    counts = Counts()
    compose, check, main = (
        ConfigLoaderImpl._load_configuration_impl, reading.check_plain, hydra.main,
    )  # fmt: skip

    def composing(*arguments: Any, **options: Any) -> Any:
        counts.composed += 1
        return compose(*arguments, **options)

    def checking(*arguments: Any, **options: Any) -> Any:
        counts.checked += 1
        return check(*arguments, **options)

    def calling(*arguments: Any, **options: Any) -> Any:
        counts.called += 1
        return main(*arguments, **options)

    monkeypatch.setattr(ConfigLoaderImpl, "_load_configuration_impl", composing)
    monkeypatch.setattr(reading, "check_plain", checking)
    monkeypatch.setattr(hydra, "main", calling)
    monkeypatch.setattr(execute, "run_experiment", lambda experiment, **_: None)

    def run(*words: str) -> Counts:
        monkeypatch.setattr(sys, "argv", ["sensoryforge.run", *words])
        assert hydra_app.main() == 0
        return counts

    return run


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (["stimuli.amplitude=10"], 2),
        (["-m", SWEEP], 3),
        (["experiment=touch_dataset", "stimuli.amplitude=10"], 3),
        (["-m", "stimuli=gaussian,step", SWEEP], 4),
        (["-m", "experiment=touch_dataset", SWEEP], 4),
        (["-m", "pipeline.grid_size=8,16,24"], 2 + 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_a_command_line_is_composed_as_seldom_as_can_be(
    count: Callable[..., Counts], words: list[str], most: int
) -> None:
    """Hydra itself composes twice, and once more for each job of a sweep."""
    counts = count(*words, "batch.output_dir=here")
    assert counts.composed <= most
    assert counts.called == 1


@pytest.mark.parametrize(
    ("words", "jobs"),
    [
        (["stimuli.amplitude=10"], 1),
        (["-m", SWEEP], 1),
        (["-m", "stimuli=gaussian,step", SWEEP], 1),
        (["experiment=touch_dataset", "stimuli.amplitude=10"], 1),
        (["-m", "pipeline.grid_size=8,16"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_every_job_is_checked_once(
    count: Callable[..., Counts], words: list[str], jobs: int
) -> None:
    assert count(*words, "batch.output_dir=here").checked == jobs
