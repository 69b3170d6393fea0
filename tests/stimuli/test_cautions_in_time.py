"""A run says before it begins what it is too short for, and what it samples too coarsely."""

from __future__ import annotations

from math import ceil, cos, radians, sin
from pathlib import Path

import numpy as np
import pytest
from helpers.experiments import checked
from helpers.touch import PULLING

from sensoryforge.config.catalogue import GROUPS
from sensoryforge.config.reading import check_batch_file
from sensoryforge.config.sources import conf_dir
from sensoryforge.running.silence import foretell_silence
from sensoryforge.stimuli import Gaussian, Line, Sine
from sensoryforge.stimuli.recipe import Recipe

LINE = ("stimuli=disc", "stimuli.motion=line")
CIRCLE = ("stimuli=disc", "stimuli.motion=circle")
SHEET = "the sheet of 4.8 x 4.8 mm"


def foretold(*overrides: str) -> list[str]:
    return foretell_silence(checked(*overrides))


def on_profile(name: str, *values: str) -> list[str]:
    words = [f"stimuli.profile.{value}" for value in values]
    return foretold(f"stimuli.profile={name}", *words)


# --- shapes that move ---


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (
            ["stimuli.motion.speed_mm_s=1"],
            "stimuli.motion.speed_mm_s: got 1, is still entering the sheet when the run is over, "
            "at 300 ms; pipeline.duration_ms=5400 would do",
        ),
        (
            ["stimuli.motion.speed_mm_s=[1,1.5,20]"],
            "stimuli.motion.speed_mm_s: got 1 and others in 2 of 3 conditions, is still entering "
            "the sheet when the run is over, at 300 ms; pipeline.duration_ms=5400 would do",
        ),
        (
            ["stimuli.motion.start_mm=-30"],
            "stimuli.motion.speed_mm_s: got 20, has not come to the sheet when the run is over, "
            "at 300 ms; pipeline.duration_ms=1620 would do",
        ),
        (
            ["stimuli.motion.start_mm=9"],
            f"stimuli.motion.start_mm: got 9, its way never comes to {SHEET}: no receptor feels it; "
            "change motion.start_mm, motion.direction, center_x or center_y",
        ),
        (
            ["stimuli.center_y=[0,9]"],
            "stimuli.center_y: got 9 in 1 of 2 conditions, off the sheet, and its motion never "
            "brings it there: no receptor feels it; change it, motion.start_mm or motion.direction",
        ),
        (
            ["stimuli.motion.speed_mm_s=0"],
            f"stimuli.motion.start_mm: got -9, its way never comes to {SHEET}: no receptor feels "
            "it; change motion.start_mm, motion.direction, center_x or center_y",
        ),
    ],
)
def test_a_scan_that_misses_the_sheet_or_is_cut_off_is_said_in_one_line(
    overrides: list[str], line: str
) -> None:
    if overrides == ["stimuli.motion.speed_mm_s=0"]:
        overrides = [*overrides, "stimuli.motion.start_mm=-9"]
    assert foretold(*LINE, *overrides) == [line]


@pytest.mark.parametrize("direction", [0, 30, 90, 135, 180, 270])
@pytest.mark.parametrize("shape", ["disc", "bar", "braille", "gabor", "gaussian", "sphere"])
def test_the_duration_that_is_said_would_do_and_so_does_one_that_ends_on_the_sheet(
    shape: str, direction: int
) -> None:
    words = [f"stimuli={shape}", "stimuli.motion=line", "stimuli.motion.speed_mm_s=7"]
    words += [f"stimuli.motion.direction={direction}", "stimuli.motion.start_mm=-6"]
    (line,) = foretold(*words)
    said = float(line.split("pipeline.duration_ms=")[1].split()[0])
    assert foretold(*words, f"pipeline.duration_ms={said}") == []
    arrives = (6 - 2.4 / max(abs(cos(radians(direction))), abs(sin(radians(direction))))) / 7e-3
    sample = ceil(arrives / 0.5) * 0.5
    assert foretold(*words, f"pipeline.duration_ms={sample}") == []
    assert foretold(*words, f"pipeline.duration_ms={sample - 1}") != []


@pytest.mark.parametrize(
    "overrides",
    [
        LINE,
        CIRCLE,
        [*LINE, "stimuli.motion.speed_mm_s=0", "stimuli.motion.start_mm=0"],
        [*LINE, "stimuli.motion.direction=180", "stimuli.motion.onset_ms=20"],
        [*LINE, "stimuli.motion.speed_mm_s=5"],  # a stroke that ends on the sheet
        [*LINE, "stimuli.motion.speed_mm_s=1", "stimuli.motion.start_mm=-1"],
        [*CIRCLE, "stimuli.motion.speed_mm_s=0.1"],
        [*CIRCLE, "stimuli.motion.radius_mm=6", "stimuli.center_x=6", "stimuli.motion.speed_mm_s=200"],
        ["stimuli=texture", "stimuli.motion=line", "stimuli.motion.speed_mm_s=1"],
        ["stimuli=grating", "stimuli.motion=line", "stimuli.motion.start_mm=0"],
        ["stimuli=dots", "stimuli.columns=40", "stimuli.motion=line", "stimuli.motion.start_mm=-20"],
    ],
)  # fmt: skip
def test_what_crosses_the_sheet_or_has_no_end_needs_no_line(overrides: list[str]) -> None:
    assert foretold(*overrides) == []


def test_an_edge_that_moves_along_itself_has_nothing_to_cross() -> None:
    slow = ["stimuli=edge", "stimuli.motion=line", "stimuli.motion.speed_mm_s=1"]
    assert foretold(*slow) == []
    (line,) = foretold(*slow, "stimuli.motion.direction=90")
    assert line.startswith("stimuli.motion.speed_mm_s: got 1, is still entering the sheet")
    away = ["stimuli.motion.direction=90", "stimuli.motion.start_mm=9"]
    (line,) = foretold(*slow, *away)
    assert line.startswith("stimuli.motion.start_mm: got 9, its way never comes to the sheet")


def test_a_circle_beside_the_sheet_is_never_felt() -> None:
    (line,) = foretold(*CIRCLE, "stimuli.center_x=9")
    assert line == (
        "stimuli.center_x: got 9, off the sheet, and its motion never brings it there: no receptor "
        "feels it; change it or motion.radius_mm"
    )


def test_a_path_says_how_long_it_takes_and_whether_it_comes_to_the_sheet(tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("x_mm,y_mm\n0,0\n3,0\n3,4\n")
    (tmp_path / "away.csv").write_text("x_mm,y_mm\n9,0\n9,1\n")
    path = ["stimuli=disc", "stimuli.motion=path", "stimuli.motion.onset_ms=10"]
    there = f"stimuli.motion.file={tmp_path / 'there.csv'}"
    away = f"stimuli.motion.file={tmp_path / 'away.csv'}"
    assert foretold(*path, there) == [
        "stimuli.motion.speed_mm_s: got 20, has not come to the end of its path when the run is "
        "over, at 300 ms; pipeline.duration_ms=360 would do"
    ]
    assert foretold(*path, there, "pipeline.duration_ms=360") == []
    assert foretold(*path, away) == [
        f"stimuli.motion.file: got {tmp_path / 'away.csv'}, its way never comes to {SHEET}: no "
        "receptor feels it; change motion.file, center_x or center_y"
    ]


def test_a_part_of_a_composite_has_the_time_that_is_left(tmp_path: Path) -> None:
    file = tmp_path / "two.yml"
    file.write_text(
        "stimuli:\n  - type: composite\n    parts:\n"
        "      left: {type: disc, center_x: 9}\n"
        "      right: {type: bar, onset_ms: [0, 280], motion: line}\n"
        "      hum: {type: disc, onset_ms: 290, profile: {type: trapezoid, onset_ms: 0, hold_ms: .inf}}\n"
    )
    assert foretell_silence(check_batch_file(file, [])) == [
        "stimuli.parts.left.center_x: got 9 in 2 of 2 conditions, off the sheet, whose x goes from "
        "-2.4 to 2.4 mm: no receptor feels it",
        "stimuli.parts.right.motion.speed_mm_s: got 20 in 1 of 2 conditions, is still entering the "
        "sheet when the run is over, at 300 ms; pipeline.duration_ms=550 would do",
        "stimuli.parts.hum.profile.ramp_ms: got 20 in 2 of 2 conditions, is still rising when the "
        "run is over, at 300 ms; pipeline.duration_ms=310 would do",
    ]


class Weaving(Line):
    """Takes another way than its parent: what a line says of itself does not hold."""


class Beating(Sine):
    """Vibrates otherwise than its parent."""


def test_motions_and_profiles_say_so_for_themselves_and_not_for_their_subclasses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["stimuli.profile=sine", "stimuli.profile.frequency_hz=4000", "stimuli.motion=line"]
    slow = "stimuli.motion.speed_mm_s=1"
    assert len(foretold(*words, slow)) == 2
    recipe = Recipe(Gaussian, profile=Beating, motion=Weaving)
    monkeypatch.setattr("sensoryforge.running.silence.find_recipe", lambda *_: recipe)
    assert foretold(*words, slow) == []


# --- profiles ---


@pytest.mark.parametrize(
    ("name", "key", "others"),
    [
        ("sine", "frequency_hz", []),
        ("chirp", "to_hz", []),
        ("chirp", "from_hz", []),
        ("noise", "high_hz", []),
    ],
)
def test_a_vibration_at_half_of_the_sampling_rate_is_told_and_one_below_it_is_not(
    name: str, key: str, others: list[str]
) -> None:
    assert on_profile(name, f"{key}=999", *others) == []
    assert on_profile(name, f"{key}=1000", *others) == [
        f"stimuli.profile.{key}: got 1000, not below 1000 Hz, half of the sampling rate: samples "
        "0.5 ms apart show another frequency; pipeline.dt_ms below 0.5 would do"
    ]
    assert on_profile(name, f"{key}=1000", "depth=0") == []


def test_a_vibration_that_is_told_is_one_that_samples_show_as_another() -> None:
    def heights(frequency_hz: float) -> np.ndarray:
        values = {"frequency_hz": frequency_hz, "depth": 1.0, "phase": 0.0, "onset_ms": 0.0}
        columns = {name: np.array([value]) for name, value in values.items()}
        return Sine(columns).height(np.arange(0.0, 300.0, 0.5), 300.0)[0]

    assert np.abs(heights(1000.0) - 1.0).max() < 1e-9
    assert np.abs(heights(1900.0) + heights(100.0) - 2.0).max() < 1e-9
    assert np.abs(heights(999.0) - 1.0).max() > 0.5


@pytest.mark.parametrize(
    ("name", "values", "lines"),
    [
        ("trapezoid", ["hold_ms=inf"], []),
        ("trapezoid", ["hold_ms=260"], []),
        ("trapezoid", ["hold_ms=240"], []),
        (
            "trapezoid",
            ["hold_ms=250"],
            [
                "stimuli.profile.release_ms: got 20, is still being released when the run is over, "
                "at 300 ms; pipeline.duration_ms=310 would do"
            ],
        ),
        (
            "trapezoid",
            ["onset_ms=[20,290]"],
            [
                "stimuli.profile.ramp_ms: got 20 in 1 of 2 conditions, is still rising when the run "
                "is over, at 300 ms; pipeline.duration_ms=310 would do"
            ],
        ),
        ("step", ["hold_ms=1000"], []),
        ("ramp", ["onset_ms=100"], []),
        (
            "ramp",
            ["onset_ms=100", "ramp_ms=[200,201]"],
            [
                "stimuli.profile.ramp_ms: got 201 in 1 of 2 conditions, has not come to its final "
                "height when the run is over, at 300 ms; pipeline.duration_ms=301 would do"
            ],
        ),
        (
            "pulses",
            ["count=[5,7]"],
            [
                "stimuli.profile.count: got 7 in 1 of 2 conditions, has taps to come when the run "
                "is over, at 300 ms; pipeline.duration_ms=330 would do"
            ],
        ),
        (
            "pulses",
            ["width_ms=[0.4,0.5]"],
            [
                "stimuli.profile.width_ms: got 0.4 in 1 of 2 conditions, less than pipeline.dt_ms, "
                "0.5 ms: some taps fall between samples; a smaller pipeline.dt_ms would do"
            ],
        ),
        (
            "pulses",
            ["period_ms=10.2", "width_ms=[9,10]"],
            [
                "stimuli.profile.period_ms: got 10.2 in 1 of 2 conditions, its gap from tap to tap "
                "is less than pipeline.dt_ms, 0.5 ms: some gaps fall between samples; a smaller "
                "pipeline.dt_ms would do"
            ],
        ),
        (
            "sine",
            ["onset_ms=400"],
            [
                "stimuli.profile.onset_ms: got 400, is still setting in when the run is over, at "
                "300 ms; pipeline.duration_ms=400 would do"
            ],
        ),
    ],
)
def test_a_course_that_the_run_cuts_off_is_said_and_a_hold_to_the_end_is_not(
    name: str, values: list[str], lines: list[str]
) -> None:
    assert on_profile(name, *values) == lines


def test_a_rigid_probe_on_a_skin_that_deforms_is_told_of_its_profile() -> None:
    words = ["pipeline.skin=elastic", "stimuli=disc", "stimuli.amplitude=1"]
    depths = [
        f"innervation@neurons.populations.{name}.innervation=elastic" for name in ("sa", "ra")
    ]
    fast = ["stimuli.profile=sine", "stimuli.profile.frequency_hz=2000"]
    lines = foretold(*words, *depths, *fast, "stimuli.diameter_mm=0.05")
    assert [line.split(":")[0] for line in lines] == ["stimuli.profile.frequency_hz"]


# --- what is shipped ---


@pytest.mark.parametrize("group", ["profile", "motion"])
def test_every_shipped_profile_and_motion_is_felt_as_it_is(group: str, tmp_path: Path) -> None:
    assert group in GROUPS
    (tmp_path / "way.csv").write_text("x_mm,y_mm\n0,0\n1,0\n")
    (tmp_path / "course.csv").write_text("depth\n" + "1\n" * 600)
    files = {"path": "way.csv", "trace": "course.csv"}
    for option in sorted((conf_dir() / group).glob("*.yaml")):
        words = [f"stimuli.{group}={option.stem}"]
        if option.stem in files:
            words.append(f"stimuli.{group}.file={tmp_path / files[option.stem]}")
        if option.stem not in PULLING:
            assert foretold("stimuli=disc", *words) == [], option.stem
