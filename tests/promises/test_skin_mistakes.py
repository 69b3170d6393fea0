# a table reads best with one row a line
"""Mistakes with a skin that deforms: one line each, before anything is run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.mistakes import assert_told

from sensoryforge.config import reading as config

SA, RA = "neurons.populations.sa", "neurons.populations.ra"
DEEP = f"innervation@{SA}.innervation=elastic innervation@{RA}.innervation=elastic"
ELASTIC = f"pipeline.skin=elastic {DEEP}"
FITTED = f"{ELASTIC} filter@{SA}.filter=touch_slow model@{SA}.model=touch"
POOLS = "which pools receptors; under pipeline.skin allowed is elastic, with a depth_mm"
ALONE = "elastic needs a skin that deforms, set pipeline.skin: elastic"

LINES: list[tuple[str, list[str]]] = [
    # a skin and its populations
    ("pipeline.skin=elastic", [f"{SA}.innervation: got Gaussian, {POOLS}", f"{RA}.innervation: got Gaussian, {POOLS}"]),
    (DEEP, [f"{SA}.innervation: {ALONE}", f"{RA}.innervation: {ALONE}"]),
    (f"{ELASTIC} innervation@{SA}.innervation=uniform", [f"{SA}.innervation: got Uniform, {POOLS}"]),
    (f"{ELASTIC} {SA}.innervation.depth_mm=-1", [f"{SA}.innervation.depth_mm: got -1, allowed is a number > 0 (mm)"]),
    (f"{ELASTIC} {SA}.innervation.depth_mm=0", [f"{SA}.innervation.depth_mm: got 0, allowed is a number > 0 (mm)"]),
    (f"{ELASTIC} +{SA}.innervation.depth=1", [f"{SA}.innervation.depth: unknown key, known are depth_mm; did you mean 'depth_mm'?"]),
    (f"{ELASTIC} {SA}.receptor_noise_std=2", [f"{SA}.receptor_noise_std: got 2, under pipeline.skin allowed is 0: no receptors are pooled; set noise_std"]),
    (f"{ELASTIC} pipeline.arrangement=random", ["pipeline.arrangement: got 'random', under pipeline.skin allowed are grid, hex, whose receptors can be pins"]),
    # the step of the fit: what is dynamic is a central difference of samples
    (f"{FITTED} pipeline.dt_ms=0.4", [f"pipeline.dt_ms: got 0.4, under pipeline.skin allowed is 0.2 (ms), the step_ms of {SA}.filter, which was fitted at it"]),
    (f"{FITTED} pipeline.dt_ms=0.1", [f"pipeline.dt_ms: got 0.1, under pipeline.skin allowed is 0.2 (ms), the step_ms of {SA}.filter, which was fitted at it"]),
    # its constants
    (f"{DEEP} pipeline.skin=elstic", ["pipeline.skin.type: got 'elstic', allowed are elastic, none; did you mean 'elastic'?"]),
    ("pipeline.skin=elstic", ["pipeline.skin.type: got 'elstic', allowed are elastic, none; did you mean 'elastic'?"]),
    (f"{DEEP} pipeline.skin=3", ["pipeline.skin: got 3, allowed is the name of an option of the group skin, or a mapping"]),
    (f"{DEEP} pipeline.skin={{type:elastic,poisson_ratio:0.6}}", ["pipeline.skin.poisson_ratio: got 0.6, allowed is a number > 0 and <= 0.5"]),
    (f"{DEEP} pipeline.skin={{type:elastic,youngs_modulus_mpa:0}}", ["pipeline.skin.youngs_modulus_mpa: got 0, allowed is a number > 0 (MPa)"]),
    (f"{DEEP} pipeline.skin={{type:elastic,wave_speed:-8}}", ["pipeline.skin.wave_speed: got -8, allowed is a number > 0 or .inf (mm/ms)"]),
    (f"{DEEP} pipeline.skin={{type:elastic,glued:maybe}}", ["pipeline.skin.glued: got 'maybe', allowed are true, false"]),
    (f"{DEEP} pipeline.skin={{type:elastic,modulus:1}}", ["pipeline.skin.modulus: unknown key, known are youngs_modulus_mpa, poisson_ratio, wave_speed, glued*"]),
    # stimuli
    (f"{ELASTIC} stimuli=sphere stimuli.radius_mm=0", ["stimuli.radius_mm: got 0, allowed is a number > 0 (mm), or a list of them"]),
    (f"{ELASTIC} stimuli.amplitude=-1", ["stimuli.amplitude: got -1, allowed is a number >= 0, or a list of them"]),
    # a probe that pulls: it must be rigid, at rest and glued
    (f"{ELASTIC} stimuli=bar stimuli.profile=trace stimuli.profile.file=pull.npy", ["stimuli.profile.file: *pull.npy: got -1 at 1, allowed are numbers >= 0"]),
    (f"{DEEP} pipeline.skin={{type:elastic,glued:false}} stimuli=disc stimuli.profile=trace stimuli.profile.file=pull.npy", ["stimuli.profile.file: *pull.npy: got -1 at 1, allowed are numbers >= 0"]),
]  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("pull.npy", np.array([0.0, -1.0] * 300))


@pytest.mark.parametrize(("words", "wanted"), LINES, ids=[words for words, _ in LINES])
def test_a_mistake_with_a_skin_is_said_in_a_line(words: str, wanted: list[str]) -> None:
    assert_told(words, *wanted)
    assert sorted(path.name for path in Path().iterdir()) == ["pull.npy"]


def test_a_glued_probe_may_pull() -> None:
    words = f"{ELASTIC} stimuli=disc stimuli.profile=trace stimuli.profile.file=pull.npy"
    assert config.check(config.compose(*words.split())).skin is not None


def test_an_unset_skin_is_none() -> None:
    assert config.check(config.compose()).skin is None
    assert config.check(config.compose("pipeline.skin=null")).skin is None


def cautions(*words: str) -> list[str]:
    from sensoryforge.running.silence import foretell_silence

    return foretell_silence(config.check(config.compose(*f"{ELASTIC} {' '.join(words)}".split())))


def test_pins_that_are_felt_one_by_one_are_warned_of() -> None:
    coarse = "pipeline.spacing_mm=0.5"
    line = "pipeline.spacing_mm: got 0.5, receptors press as pins and single ones are felt by"
    of_both = f"{line} sa (0.3 mm deep), ra (0.3 mm deep)"
    assert cautions("stimuli=bar", coarse) == [of_both]
    deep = f"{RA}.innervation.depth_mm=1.6"
    assert cautions("stimuli=bar", coarse, deep) == [f"{line} sa (0.3 mm deep)"]
    assert cautions("stimuli=bar", "pipeline.spacing_mm=0.4") == []


def test_a_rigid_probe_may_be_finer_than_the_receptors_and_not_off_the_sheet() -> None:
    fine = ("stimuli=disc", "stimuli.diameter_mm=0.2", "pipeline.spacing_mm=0.5")
    assert cautions(*fine) == []
    (line,) = cautions(*fine, "stimuli.center_x=50")
    assert line.startswith("stimuli.center_x: got 50, off the sheet")


def test_how_far_the_ripple_of_pins_reaches() -> None:
    """The number behind the warning: a flat probe of pins 0.4 and 0.5 mm apart, 0.3 mm deep."""
    from sensoryforge.skin.mechanics import Elastic, Pins
    from sensoryforge.skin.receptors import Grid

    skin = Elastic(youngs_modulus_mpa=0.05, poisson_ratio=0.4, wave_speed=8.0, glued=True)
    ripples = []
    for spacing_mm in (0.4, 0.5):
        side = round(6 / spacing_mm)
        pins = Pins(Grid(side, side, spacing_mm).xy(), 0.5 * spacing_mm)
        forces = skin.forces((np.abs(pins.xy_mm).max(axis=1) < 2.5).astype(float), pins)
        places = (np.random.default_rng(0).random((2000, 2)) - 0.5) * 2 * spacing_mm
        distance = np.linalg.norm(places[:, None] - pins.xy_mm[None], axis=-1)
        stress = skin.weights(distance, 0.3, pins.radius_mm)[0] @ forces
        ripples.append(np.ptp(stress) / stress.mean() / 2)
    assert ripples[0] < 0.02 < ripples[1] < 0.04
