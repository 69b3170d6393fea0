"""Every shipped experiment is whole: it composes, is checked and felt, has a page, and runs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.touch import options
from omegaconf import OmegaConf

import sensoryforge as sf
from sensoryforge.config import check
from sensoryforge.running.silence import foretell_silence

DOCS = Path(__file__).parents[2] / "docs"
EXPERIMENTS = options("experiment")
PAGES = {
    "braille_reading": "braille.md",
    "fingertip": "fingertip.md",
    "oriented_edges": "edges.md",
    "receptive_fields": "receptive_fields.md",
    "recorded_grasp": "grasp.md",
    "texture_set": "textures.md",
    "touch_and_go": "touch_and_go.md",
    "vibration_tuning": "vibration.md",
    "vibration_uncalibrated": "vibration_uncalibrated.md",
}
"""Experiments with a page of their own."""
COUNTS = {
    "braille_reading": 52,
    "fingertip": 6,
    "oriented_edges": 48,
    "receptive_fields": 800,
    "recorded_grasp": 6,
    "texture_set": 22,
    "touch_and_go": 45,
    "vibration_tuning": 406,
    "vibration_uncalibrated": 20,
}

every_experiment = pytest.mark.parametrize("name", EXPERIMENTS)


@pytest.fixture(autouse=True)
def in_a_folder_with_a_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand where the recorded grasp of an experiment is."""
    monkeypatch.chdir(tmp_path)
    row, column = np.ogrid[:16, :26]
    finger = np.exp(-0.5 * ((row - 7.5) ** 2 + (column - 12.5) ** 2) / 9)
    grip = np.interp(np.arange(81), [0, 10, 70, 80], [0, 1, 1, 0])
    np.save(tmp_path / "grasp.npy", 40 * grip[:, None, None] * finger)


def thinned(value: Any) -> Any:
    """Return a configuration in which every axis has its last value only, once.

    Axes of amplitudes rise: the first may be below every threshold.
    """
    if isinstance(value, dict):
        some = {key: thinned(inner) for key, inner in value.items()}
        return {**some, "repetitions": 1} if "repetitions" in some else some
    return value[-1] if isinstance(value, list) else value


@every_experiment
def test_it_is_checked_and_felt(name: str) -> None:
    experiment = check(sf.compose(f"experiment={name}"))
    assert foretell_silence(experiment) == []
    assert str(experiment.batch.output_dir) in (name, "batch_output")
    if name in COUNTS:
        assert len(experiment.design) == COUNTS[name]


@pytest.mark.slow
@every_experiment
def test_a_thinned_one_runs_and_afferents_fire(name: str) -> None:
    config = sf.compose(f"experiment={name}", "pipeline.device=cpu", "batch.output_dir=thin")
    entries = OmegaConf.to_container(config.stimuli)
    assert isinstance(entries, dict)
    config.stimuli = thinned(entries)
    results = sf.run(config)
    assert results is not None
    assert len(results) == (1 if "type" in entries else len(entries))
    assert "error" not in results.table
    assert (results.counts().sum() > 0).any()


@pytest.mark.parametrize(("name", "page"), PAGES.items())
def test_its_page_shows_its_command_and_its_picture(name: str, page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert f"sensoryforge run experiment={name}\n" in text
    picture = f"images/{Path(page).stem}.png"
    assert f"]({picture})" in text
    assert 0 < (DOCS / picture).stat().st_size < 150_000


def test_no_experiment_that_people_come_for_lacks_a_page() -> None:
    older = {"amplitude_sigma_sweep", "first_batch", "gpu_batch", "touch_dataset"}
    assert set(EXPERIMENTS) - older == set(PAGES)


def test_the_uncalibrated_vibrations_are_those_that_had_the_name_of_the_fitted_ones() -> None:
    """As `experiment=vibration_tuning` made them before it was of fitted populations."""
    design = check(sf.compose("experiment=vibration_uncalibrated")).design
    ids = "".join(design.ids(0, len(design)))
    assert hashlib.sha256(ids.encode()).hexdigest()[:16] == "ec97b049c3de7ed6"
