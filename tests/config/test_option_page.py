"""``sensoryforge list WORD``: a group, or one option with what it takes to use it."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest

from sensoryforge.commands import cli
from sensoryforge.config import check
from sensoryforge.config.catalogue import GROUPS, catalogue_lines, read_option
from sensoryforge.config.composer import Composer
from sensoryforge.config.option_page import list_lines
from sensoryforge.config.reading import compose
from sensoryforge.config.sources import conf_dir
from sensoryforge.core.errors import ConfigError

OPTIONS = sorted(
    f"{group}/{path.stem}" for group in GROUPS for path in (conf_dir() / group).glob("*.yaml")
)
FILES = {
    "motion/path": "way.csv",
    "profile/trace": "course.csv",
    "stimuli/image": "image.npy",
    "stimuli/frames": "frames.npy",
    "innervation/table": "links.csv",
    "layout/table": "cells.csv",
}
MADE_FIRST = ("experiment/recorded_grasp",)
"""What needs a file that a reader makes first, as its page says."""


def value_of(lines: list[str], heading: str) -> list[str]:
    start = f"  {heading}:"
    return [line.removeprefix(start).strip() for line in lines if line.startswith(start)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    (folder / "way.csv").write_text("x_mm,y_mm\n0,0\n1,0\n")
    (folder / "course.csv").write_text("depth\n" + "1\n" * 600)
    (folder / "cells.csv").write_text("x_mm,y_mm\n0,0\n1,0\n")
    (folder / "links.csv").write_text(
        "neuron,receptor,weight\n" + "".join(f"{neuron},0,1\n" for neuron in range(60))
    )
    np.save(folder / "image.npy", np.ones((2, 2)))
    np.save(folder / "frames.npy", np.ones((90, 2, 2)))
    return folder


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_shown_with_its_parameters_and_where_it_lives(option: str) -> None:
    group, _, name = option.partition("/")
    lines = list(list_lines(option))
    read = read_option(conf_dir() / group / f"{name}.yaml")
    assert lines[0] == f"{option}: {read.comment}"
    shown = list(catalogue_lines(group))
    for parameter, line in zip(read.parameters, lines[1:], strict=False):
        assert line.split()[0] == parameter.key
        assert parameter.meaning in line
        assert line in shown
    (place,) = value_of(lines, "lives in")
    assert place.startswith(str(conf_dir() / group / f"{name}.yaml"))


@pytest.mark.parametrize("option", OPTIONS)
def test_the_command_and_the_key_that_are_shown_work(option: str, files: Path) -> None:
    lines = list(list_lines(option))
    (command,) = value_of(lines, "choose it")
    keys = [shlex.split(key)[0] for key in value_of(lines, "set a key")]
    program, verb, *words = shlex.split(command)
    assert program == "sensoryforge"
    if verb == "train":
        composer = Composer.over([], "train")
        composer.load([*words, *keys])
        return
    file = files / FILES.get(option, "")
    words = [word.replace("FILE", str(file)) for word in words]
    if option in MADE_FIRST:
        words.append(f"stimuli.file={files / 'frames.npy'}")
    check(compose(*words, *keys))


def test_a_name_of_several_groups_shows_each() -> None:
    headings = [line.partition(":")[0] for line in list_lines("gaussian") if line[:1].isalpha()]
    assert headings == ["innervation/gaussian", "stimuli/gaussian"]


def test_options_of_ones_own_are_shown_too(tmp_path: Path) -> None:
    folder = tmp_path / "conf"
    (folder / "profile").mkdir(parents=True)
    (folder / "profile" / "decay.yaml").write_text(
        "# Less and less.\n_target_: mine.Decay\ntype: decay\nhalf_ms: 100.0  # ms; half of it\n"
    )
    lines = list(list_lines("decay", [folder]))
    assert "profile/decay: Less and less." in lines
    assert value_of(lines, "set a key")[-1] == "stimuli.profile.half_ms=100.0"
    assert value_of(lines, "lives in")[-1].endswith("decay.yaml, class mine.Decay")


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("brail", "brail: no such group or option, groups are pipeline, "),
        ("brail", "; did you mean 'braille'?"),
        ("stimulus", "; did you mean 'stimuli'?"),
        ("profile/sin", "profile/sin: no such option of profile, known are chirp, hold, "),
        ("profile/sin", "; did you mean 'sine'?"),
        ("shapes/bar", "shapes/bar: no such group or option, groups are "),
    ],
)
def test_a_word_that_is_neither_is_one_line_with_the_nearest(
    word: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError) as told:
        list(list_lines(word))
    assert line in str(told.value)
    assert cli.main(["list", word]) == 2
    assert capsys.readouterr().err.count("\n") == 1
