# a table reads best with one row a line
"""Mistakes with shapes, profiles, motions, files and parts: one line each, before anything is run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from helpers.mistakes import assert_told

from sensoryforge.config.pieces import read_pieces
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Floats
from sensoryforge.stimuli import DRIVE, Allowed, Gaussian, Profile, Recipe, Shape, Sine

PROFILES = "allowed are chirp, hold, noise, *, trapezoid"
LETTERS = "allowed is one of a, b, c, *, z, or a list of them"
HEIGHTS = "allowed is a file with a height map, .png or .npy*"
TRACE = "stimuli.profile=trace stimuli.profile.file"
PATH = "stimuli.motion=path stimuli.motion.file"
PARTS = "stimuli=composite stimuli.parts"

LINES: list[tuple[str, str]] = [
    # options that are not there, or not here
    ("stimuli.profile=sinus", f"+profile@stimuli.profile: got 'sinus', {PROFILES}; did you mean 'sine'?"),
    ("profile@stimuli.profile=trapez", f"+profile@stimuli.profile: got 'trapez', {PROFILES}; did you mean 'trapezoid'?"),
    ("stimuli.motion=lne", "+motion@stimuli.motion: got 'lne', allowed are circle, line, none, path; did you mean 'line'?"),
    ("stimuli=step stimuli.profile=sine", "stimuli.profile: got 'sine', allowed is none: step has a course in time of its own"),
    ("stimuli=frames stimuli.file=press.npy stimuli.motion=line", "stimuli.motion: got 'line', allowed is none: frames has a course of its own"),
    ("+stimuli.profile=3", "stimuli.profile: got 3, allowed is the name of an option of the group profile, or a mapping with a type"),
    ("+stimuli.profile={ramp_ms:3}", "stimuli.profile.type: got null, allowed is one of chirp, *"),
    ("+stimuli.profile={type:[step,ramp]}", "stimuli.profile.type: got ['step', 'ramp'], allowed is one of chirp, *"),
    ("stimuli.profile=step,ramp", "+profile@stimuli.profile=step,ramp: several values need --multirun (-m)*"),
    # keys of a profile and of a motion
    ("stimuli.profile=trapezoid stimuli.profile.ramp=10", "stimuli.profile.ramp: unknown key, known are *; did you mean 'ramp_ms'?"),
    ("stimuli.profile=trapezoid stimuli.profile.ramp_ms=-1", "stimuli.profile.ramp_ms: got -1, allowed is a number >= 0 (ms), or a list of them"),
    ("stimuli.profile=step stimuli.profile.onset_ms=300", "stimuli.profile.onset_ms: got 300, allowed is less than duration_ms, 300 (ms)"),
    ("stimuli.profile=noise stimuli.profile.high_hz=1", "stimuli.profile.high_hz: got 1, allowed is at least low_hz, 5 (Hz)"),
    ("stimuli.profile=pulses stimuli.profile.width_ms=80", "stimuli.profile.width_ms: got 80, allowed is at most period_ms, 50 (ms)"),
    ("stimuli.profile=sine stimuli.profile.depth=2", "stimuli.profile.depth: got 2, allowed is a number >= 0 and <= 1, or a list of them"),
    ("stimuli.motion=line stimuli.motion.speed=3", "stimuli.motion.speed: unknown key, known are *; did you mean 'speed_mm_s'?"),
    ("stimuli.motion.speed_mm_s=20", "stimuli.motion: unknown key, known are *; there is none yet, choose one with stimuli.motion=NAME, of circle, line, none, path"),
    ("+stimuli.speed_mm_s=20", "stimuli.speed_mm_s: unknown key, known are *"),
    ("stimuli.motion=line stimuli.motion.speed_mm_s=fast", "stimuli.motion.speed_mm_s: got 'fast', allowed is a number >= 0 (mm/s), or a list of them"),
    ("stimuli.motion=circle stimuli.motion.radius_mm=0", "stimuli.motion.radius_mm: got 0, allowed is a number > 0 (mm), or a list of them"),
    ("stimuli.motion=line stimuli.motion.onset_ms=400", "stimuli.motion.onset_ms: got 400, allowed is less than duration_ms, 300 (ms)"),
    # shapes
    ("stimuli=braille stimuli.letter=1", f"stimuli.letter: got 1, {LETTERS}"),
    ("stimuli=braille stimuli.letter=[a,A]", f"stimuli.letter: got 'A', {LETTERS}"),
    ("stimuli=braille stimuli.dot_mm=3", "stimuli.dot_mm: got 3, allowed is at most pitch_mm, 2.5 (mm)"),
    ("stimuli=dots stimuli.rows=2.5", "stimuli.rows: got 2.5, allowed is a whole number >= 1 and <= 10000, or a list of them"),
    ("stimuli=dots stimuli.jitter=0.4", "stimuli.jitter: got 0.4, allowed is at most 0.233333, *"),
    ("stimuli=dots stimuli.diameter_mm=2", "stimuli.diameter_mm: got 2, allowed is at most pitch_mm, 1.5 (mm)"),
    ("stimuli=texture stimuli.longest_mm=0.1", "stimuli.longest_mm: got 0.1, allowed is 0.6 to 30, 50 times shortest_mm (mm)"),
    ("stimuli=grating stimuli.duty=2", "stimuli.duty: got 2, allowed is a number > 0 and <= 1 or null, or a list of them"),
    ("stimuli=edge stimuli.edge_mm=-1", "stimuli.edge_mm: got -1, allowed is a number >= 0 (mm), or a list of them"),
    # files
    ("stimuli=image", f"stimuli.file: got null, {HEIGHTS}"),
    ("stimuli=image stimuli.file=gone.png", f"stimuli.file: got 'gone.png', no such file; {HEIGHTS}"),
    ("stimuli=image stimuli.file=trace.txt", f"stimuli.file: got '*trace.txt', {HEIGHTS}"),
    ("stimuli=image stimuli.file=junk.png", "stimuli.file: *junk.png: is no image that can be read"),
    ("stimuli=image stimuli.file=junk.npy", "stimuli.file: *junk.npy: is no array that can be read"),
    ("stimuli=image stimuli.file=flat.npy", "stimuli.file: *flat.npy: is black all over, allowed is a map with some height"),
    ("stimuli=image stimuli.file=cube.npy", "stimuli.file: *cube.npy: holds an array [2, 2, 2, 2], allowed is one [H, W]"),
    ("stimuli=frames stimuli.file=short.npy", "stimuli.file: *short.npy: got 3 frames of 10 ms, which last 30 ms, allowed is at least duration_ms, 300 (ms)"),
    ("stimuli=frames stimuli.file=words.npy", "stimuli.file: *words.npy: holds <U1, allowed are numbers"),
    (f"{TRACE}=nan.npy", "stimuli.profile.file: *nan.npy: got nan at 1, allowed are numbers"),
    (f"{TRACE}=pull.npy", "stimuli.profile.file: *pull.npy: got -1 at 1, allowed are numbers >= 0"),
    (f"{TRACE}=two.csv", "stimuli.profile.file: *two.csv: column: got none, allowed are time, depth"),
    (f"{TRACE}=two.csv stimuli.profile.column=dept", "stimuli.profile.file: *two.csv: column: got 'dept', allowed are time, depth"),
    (f"{TRACE}=two.csv stimuli.profile.column=depth", "stimuli.profile.file: *two.csv: got 2 values, 0.5 ms apart, which last 1 ms, allowed is at least *"),
    (f"{TRACE}=words.csv", "stimuli.profile.file: *words.csv: column depth holds something else than numbers"),
    (f"{PATH}=two.csv", "stimuli.motion.file: *two.csv: got the columns time, depth, allowed are x_mm, y_mm"),
    (f"{PATH}=still.csv", "stimuli.motion.file: *still.csv: all waypoints are the same place, allowed are two or more places"),
    # parts
    ("stimuli=composite stimuli.combine=max", "stimuli.combine: got 'max', allowed is add or larger"),
    ("stimuli=composite stimuli.combine=[add,larger]", "stimuli.combine: got ['add', 'larger'], allowed is add or larger"),
    (f"{PARTS}={{}}", "stimuli.parts: got none, allowed is at least one stimulus with a name"),
    (f"{PARTS}=[1]", "stimuli.parts: got [1], allowed is a mapping of names to stimuli, each with a type"),
    (f"{PARTS}={{a:{{type:gausian}}}}", "stimuli.parts.a.type: got 'gausian', allowed are bar, *; did you mean 'gaussian'?"),
    (f"{PARTS}={{a:3}}", "stimuli.parts.a: got 3, allowed is the name of an option of the group stimuli, or a mapping with a type"),
    (f"{PARTS}={{a:{{type:disc}},a_profile:{{type:disc}}}}", "stimuli.parts: got 'a_profile', allowed is a name that does not begin as another does, with _"),
    (f"{PARTS}={{combine:{{type:disc}}}}", "stimuli.parts: got 'combine', allowed is any name but index, id, *, parts"),
    (f"{PARTS}={{seed:{{type:disc}}}}", "stimuli.parts: got 'seed', allowed is any name but index, id, *, parts"),
    (f"{PARTS}={{left:none}}", "stimuli.parts: got none, allowed is at least one stimulus with a name"),
    (f"stimuli=image stimuli.file={'x' * 300}.png", f"stimuli.file: got *, no such file; {HEIGHTS}"),
    (f"{PARTS}={{a:{{type:composite}}}}", "stimuli.parts.a: got a composite, allowed are other stimuli"),
    (f"{PARTS}={{a:{{type:gaussian,sigm:1}}}}", "stimuli.parts.a.sigm: unknown key, known are *; did you mean 'sigma'?"),
    (f"{PARTS}={{a:{{type:gaussian,onset_ms:400}}}}", "stimuli.parts.a.onset_ms: got 400, allowed is less than duration_ms, 300 (ms)"),
    (f"{PARTS}={{a:{{type:step,profile:sine}}}}", "stimuli.parts.a.profile: got 'sine', allowed is none: step has a course in time of its own"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files of which each has something wrong."""
    monkeypatch.chdir(tmp_path)
    np.save("press.npy", np.ones((60, 4, 4)))
    np.save("short.npy", np.ones((3, 4, 4)))
    np.save("nan.npy", np.array([0.0, np.nan, 1.0]))
    np.save("pull.npy", np.array([0.0, -1.0] * 300))
    np.save("flat.npy", np.zeros((4, 4)))
    np.save("cube.npy", np.ones((2, 2, 2, 2)))
    np.save("words.npy", np.array(["a", "b"]))
    Path("junk.npy").write_bytes(b"zzz")
    Path("junk.png").write_bytes(b"no image")
    Path("trace.txt").write_text("0 1")
    Path("two.csv").write_text("time,depth\n0,0\n1,1\n")
    Path("words.csv").write_text("depth\ndeep\n")
    Path("still.csv").write_text("x_mm,y_mm\n1,1\n1,1\n")
    return tmp_path


@pytest.mark.parametrize(("words", "line"), LINES)
def test_a_mistake_is_one_line_with_key_value_and_what_is_allowed(
    folder: Path, words: str, line: str
) -> None:
    assert_told(words, line)


# --- classes of a user's own ---


class Deep(Shape):
    """A shape with a parameter whose column the depth of a sine has too."""

    ranges: ClassVar[Mapping[str, Allowed]] = {"amplitude": DRIVE, "profile_depth": DRIVE}


class Steered(Shape):
    """A shape with a parameter that is called as what a shape may have."""

    ranges: ClassVar[Mapping[str, Allowed]] = {"amplitude": DRIVE, "motion": DRIVE}


class Counted(Shape):
    """A shape whose ranges are none."""

    ranges = 5  # type: ignore[assignment]


class Bare(Shape):
    """A shape without ranges."""


class Wild(Profile):
    """A profile whose ranges are none."""

    ranges: ClassVar[Mapping[str, Allowed]] = {"depth": 3}  # type: ignore[dict-item]

    def height(self, t_ms: Floats, duration_ms: float) -> Floats:
        return np.ones((self.count, len(t_ms)))


NOT_RANGES = "has no ranges, a mapping of parameters to Range"


@pytest.mark.parametrize(
    ("recipe", "values", "line"),
    [
        (
            Recipe(Deep, profile=Sine),
            {"profile": {"type": "sine"}},
            "stimuli.profile.depth: its column is called profile_depth, as that of "
            "stimuli.profile_depth is",
        ),
        (
            Recipe(Steered),
            {},
            "stimuli._target_: a parameter of Steered is called motion, allowed is any name but "
            "repetitions, sampling, samples, sampling_seed, where, type, _target_, profile, motion, parts",
        ),
        (Recipe(Counted), {}, f"stimuli._target_: Counted {NOT_RANGES}"),
        (Recipe(Bare), {}, f"stimuli._target_: Bare {NOT_RANGES}"),
        (
            Recipe(Gaussian, profile=Wild),
            {"profile": {"type": "wild"}},
            f"stimuli.profile._target_: Wild {NOT_RANGES}",
        ),
    ],
)
def test_a_class_that_cannot_be_configured_is_named_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, recipe: Recipe, values: dict[str, object], line: str
) -> None:
    monkeypatch.setattr("sensoryforge.config.pieces.find_recipe", lambda *_: recipe)
    with pytest.raises(ConfigError) as caught:
        read_pieces("stimuli", {"type": "own", **values})
    assert list(caught.value.problems) == [line]


def test_a_part_with_a_dot_in_its_name_is_refused_and_not_dropped() -> None:
    parts = {"a.b": {"type": "disc"}, "c": {"type": "disc"}}
    target = "sensoryforge.stimuli.Composite"
    with pytest.raises(ConfigError) as caught:
        read_pieces("stimuli", {"type": "composite", "_target_": target, "parts": parts})
    (line,) = caught.value.problems
    assert line == "stimuli.parts: got 'a.b', allowed is a name of letters, digits and _"
