"""Stimuli that fail: named, recorded, and no others with them."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from helpers.experiments import FORMATS
from helpers.runs import bits, experiment, run

from sensoryforge.analysis.results import load
from sensoryforge.core.errors import ConfigError, FailedStimuliError
from sensoryforge.stimuli import Range, Stimulus
from sensoryforge.stimuli.base import DRIVE


class Silent(Exception):  # noqa: N818
    """Cannot even say what is wrong."""

    def __str__(self) -> str:
        sys.exit(6)


class Fragile(Stimulus):
    """Fails for one amplitude, in the way that its other parameter says."""

    ranges: ClassVar[dict[str, Range]] = {"amplitude": DRIVE, "how": DRIVE}

    def space(self, xy: np.ndarray, columns: int = 0) -> np.ndarray:
        bad = self["amplitude"][:, 0] == 20
        if bad.any() and self["how"][0, 0] == 0:
            raise KeyError("no\nsuch skin")
        if bad.any() and self["how"][0, 0] >= 3:
            raise (SystemExit(5), GeneratorExit, MemoryError, Silent)[int(self["how"][0, 0]) - 3]
        if bad.any() and self["how"][0, 0] == 1:
            return np.zeros((self.count, len(xy)))
        return np.ones((self.count, 1, len(xy))) * self["amplitude"][:, None]

    def time(self, t_ms: np.ndarray, duration_ms: float) -> np.ndarray:
        time_ = np.ones((self.count, 1, len(t_ms)))
        time_[self["amplitude"][:, 0] == 20] = np.nan if self["how"][0, 0] == 2 else 1
        return time_


class Moving(Fragile):
    """The same, and it does not separate."""

    separable = False

    def frames(self, xy: np.ndarray, t_ms: np.ndarray, duration_ms: float) -> np.ndarray:
        return Stimulus.frames(self, xy, t_ms, duration_ms)


def fragile(how: int, name: str = "Fragile") -> dict[str, object]:
    values = {"amplitude": [10, 20, 30], "how": how, "repetitions": 3}
    return {"_target_": f"{__name__}.{name}", "type": "fragile", **values}


@pytest.mark.parametrize("name", ["Fragile", "Moving"])
@pytest.mark.parametrize(
    ("how", "message"),
    [
        (0, "KeyError: 'no\\nsuch skin'"), (1, "ValueError: space returned"), (2, "not finite"),
        (3, "SystemExit: 5"), (4, "GeneratorExit"), (5, "MemoryError"), (6, "Silent"),
    ],
)  # fmt: skip
def test_a_stimulus_of_ones_own_that_fails_is_named_and_the_others_are_computed(
    tmp_path: Path, how: int, message: str, name: str
) -> None:
    line = r"3 of 9 stimuli failed and have no spikes; the first: stimulus 3 \(type=fragile, amplitude=20, how="
    with pytest.raises(FailedStimuliError, match=line):
        run(tmp_path, "batch.save=[drive]", entry=fragile(how, name))
    results = load(tmp_path)
    assert list(results.table["error"].notna()) == [False] * 3 + [True] * 3 + [False] * 3
    assert message in results.table["error"][3] or (name == "Moving" and how == 1)
    failures = results.metadata["failures"]
    assert [failure["index"] for failure in failures] == [3, 4, 5]
    assert failures[0]["parameters"]["amplitude"] == 20
    alone = run(
        tmp_path / "alone",
        "batch.save=[drive]",
        entry={**fragile(how, name), "amplitude": [10, 30]},
    )
    assert bits(alone)[0] == bits(results)[0]
    assert torch.equal(alone[5]["sa_spikes"], results[8]["sa_spikes"])
    assert not results[4]["sa_spikes"].any()


@pytest.mark.parametrize("form", FORMATS)
def test_failures_before_an_interruption_count_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            "sensoryforge.running.execute.run_metadata",
            lambda *given: signal.raise_signal(signal.SIGINT),
        )
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, f"batch.format={form}", entry=fragile(0))
    with pytest.raises(FailedStimuliError, match="3 of 9 stimuli failed"):
        run(tmp_path, f"batch.format={form}", "batch.resume=true", entry=fragile(0))
    assert len(load(tmp_path).metadata["failures"]) == 3
    says: list[str] = []
    run(tmp_path, f"batch.format={form}", "batch.resume=true", entry=fragile(0), says=says)
    assert says == [f"Nothing to do: {tmp_path} already holds all 9 stimuli, 3 of them failed"]


def test_on_error_stop_ends_at_the_first_stimulus_that_fails(tmp_path: Path) -> None:
    with pytest.raises(
        FailedStimuliError, match=r"stimulus 3 .*KeyError.* left.*go on with --resume"
    ):
        run(tmp_path, "batch.on_error=stop", "pipeline.chunk_size=1", entry=fragile(0))
    assert len(load(tmp_path)) == 4


def test_an_interrupt_in_a_stimulus_of_ones_own_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fragile, "space", lambda *given: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, entry=fragile(0))


def test_a_class_whose_check_exits_is_refused_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fragile, "check", lambda *given: sys.exit(5))
    with pytest.raises(
        ConfigError, match=r"stimuli\.0\._target_: Fragile.check fails, SystemExit: 5"
    ):
        experiment(tmp_path, entry=fragile(0))


def test_a_class_without_ranges_is_refused_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fragile, "ranges", None)
    with pytest.raises(ConfigError, match=r"stimuli\.0\._target_: Fragile has no ranges"):
        experiment(tmp_path, entry=fragile(0))
