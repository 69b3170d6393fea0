"""An option that is chosen anew brings its own values, and what is no option is told in our words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sensoryforge as sf
from sensoryforge.config.kinds import option
from sensoryforge.config.reading import check_batch_file
from sensoryforge.core.errors import ConfigError

SA = "neurons.populations.sa"


def config_of(file: Path, *overrides: str) -> Any:
    return check_batch_file(file, list(overrides)).config


# --- an option in the place of another ---


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.yml"
    path.write_text(
        "stimuli:\n"
        "  - {type: gaussian, motion: {type: line, start_mm: -1, speed_mm_s: 40}}\n"
        "  - {type: disc, motion: {type: line, start_mm: -2}, profile: sine}\n",
        encoding="utf-8",
    )
    return path


def test_a_motion_chosen_anew_has_none_of_the_files_keys(scan: Path) -> None:
    for entry in config_of(scan, "stimuli.motion=circle")["stimuli"]:
        assert entry["motion"] == option("motion", "circle", [])
    gaussian, disc = config_of(scan, "stimuli.disc.motion=circle")["stimuli"]
    assert gaussian["motion"]["start_mm"] == -1
    assert disc["motion"]["type"] == "circle"


def test_a_motion_of_the_files_type_chosen_again_is_as_it_comes_along(scan: Path) -> None:
    gaussian, _ = config_of(scan, "stimuli.motion=line")["stimuli"]
    assert gaussian["motion"] == option("motion", "line", [])


def test_values_of_a_motion_chosen_anew_can_be_set(scan: Path) -> None:
    words = ["stimuli.gaussian.motion=circle", "stimuli.gaussian.motion.radius_mm=0.5"]
    gaussian, _ = config_of(scan, *words)["stimuli"]
    assert gaussian["motion"]["radius_mm"] == 0.5


def test_a_motion_chosen_anew_has_none_of_an_experiments_keys() -> None:
    composed = sf.compose("experiment=braille_reading", "stimuli.motion=circle")
    assert dict(composed.stimuli.motion) == option("motion", "circle", [])
    kept = sf.compose("experiment=braille_reading", "stimuli.motion=line").stimuli.motion
    assert kept == sf.compose("experiment=braille_reading").stimuli.motion


@pytest.mark.parametrize(
    ("part", "values", "name"),
    [
        ("model", "{parameters: {a: 0.03}}", "lif"),
        ("filter", "{parameters: {tau_r: 3}}", "ra"),
        ("innervation", "{sigma_mm: 0.4}", "nearest"),
    ],
)
def test_a_part_of_a_population_chosen_anew_has_none_of_the_files_values(
    tmp_path: Path, part: str, values: str, name: str
) -> None:
    file = tmp_path / "batch.yml"
    population = f"populations: {{sa: {{gain: 3, {part}: {values}}}}}"
    file.write_text(f"neurons: {{{population}}}\nstimuli: [{{type: gaussian}}]\n", encoding="utf-8")
    words = f"{part}@{SA}.{part}={name}"
    anew = config_of(file, words)["neurons"]["populations"]["sa"]
    plain: Any = sf.compose(words).neurons.populations.sa
    assert anew[part] == plain[part]
    assert anew["gain"] == 3
    shipped = {"model": "izhikevich", "filter": "sa", "innervation": "gaussian"}[part]
    again = config_of(file, f"{part}@{SA}.{part}={shipped}")
    assert again["neurons"] == config_of(file)["neurons"]


# --- what is no option ---


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("batch=[1]", "batch: got [1], allowed are hdf5, pytorch"),
        (
            "amplitude=20",
            "amplitude: unknown key, known are pipeline, neurons, stimuli, batch; write "
            "stimuli.amplitude=20",
        ),
        ("pipeline=5", "pipeline: got 5, allowed are default"),
        (f"units@{SA}.units=[1]", f"units@{SA}.units: got [1], allowed are none, pc, ra1, sa1"),
        (
            f"{SA}.units=[1]",
            f"{SA}.units: got [1], allowed is a mapping; to choose an option write "
            f"units@{SA}.units=NAME, of none, pc, ra1, sa1",
        ),
        (
            f"{SA}.units={{a: 1}}",
            f"{SA}.units.a: unknown key, known are assign, row, latency, columns, rows, "
            "file, checksum",
        ),
        (
            f"{SA}.model={{a: 1}}",
            f"{SA}.model.a: unknown key, known are states, derivatives, threshold, reset, "
            f"parameters; write {SA}.model.parameters.a=1",
        ),
        (
            "stimuli.motion=[1]",
            "stimuli.motion: got [1], allowed are circle, line, none, path",
        ),
        (
            "stimuli.motion={type: line}",
            "stimuli.motion: got {'type': 'line'}, allowed are circle, line, none, path; its "
            "values are set by themselves, as in stimuli.motion.onset_ms=5",
        ),
    ],
)
def test_what_is_no_option_is_told_with_those_that_are(override: str, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sf.compose(override)
    assert list(caught.value.problems) == [line]
