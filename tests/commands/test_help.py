"""``--help`` of run and train is ours: what they do, examples that work, and the way to Hydra's."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from sensoryforge.commands import cli, help_pages
from sensoryforge.config import check
from sensoryforge.config.composer import Composer
from sensoryforge.config.reading import compose
from sensoryforge.config.sweep import plan

PAGES = {"run": help_pages.RUN, "train": help_pages.TRAIN}


def examples(page: str) -> list[list[str]]:
    """Return the words of each example."""
    block = page.partition("examples:\n")[2].partition("\n\n")[0]
    return [shlex.split(line) for line in block.splitlines()]


@pytest.mark.parametrize("command", PAGES)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_is_ours_and_says_how_to_get_hydras(
    command: str, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([command, flag]) == 0
    said = capsys.readouterr().out
    assert said == f"{PAGES[command]}\n"
    assert said.startswith(f"usage: sensoryforge {command} ")
    assert "--hydra-help" in said
    assert max(map(len, said.splitlines())) <= 100


@pytest.mark.parametrize("command", PAGES)
def test_the_doors_of_python_have_the_same_help_and_hydras_too(command: str) -> None:
    door = [sys.executable, "-m", f"sensoryforge.{command}"]
    ours = subprocess.run([*door, "--help"], capture_output=True, text=True, check=True)
    assert ours.stdout == f"{PAGES[command]}\n"
    hydras = subprocess.run([*door, "--hydra-help"], capture_output=True, text=True, check=True)
    assert "See https://hydra.cc for more info" in hydras.stdout


def test_the_examples_of_run_are_three_that_work() -> None:
    shown = examples(help_pages.RUN)
    assert len(shown) == 3
    for program, command, *words in shown:
        assert (program, command) == ("sensoryforge", "run")
        if words[0] == "-m":
            composer = Composer.over()
            assert plan(composer.parse(words[1:]), composer)
        else:
            check(compose(*words))


def test_the_examples_of_train_are_three_that_compose() -> None:
    shown = examples(help_pages.TRAIN)
    assert len(shown) == 3
    composer = Composer.over([], "train")
    for program, command, *words in shown:
        assert (program, command) == ("sensoryforge", "train")
        single = [word.partition(",")[0] for word in words if word != "-m"]
        assert composer.load(single).data == "grid"


def test_the_keys_that_are_shown_are_there() -> None:
    for page, name in ((help_pages.RUN, "config"), (help_pages.TRAIN, "train")):
        keys = re.findall(r"^  ([\w.]+)=", page, re.MULTILINE)
        assert len(keys) >= 4
        config = Composer.over([], name).load()
        for key in keys:
            section, _, name_of_key = key.partition(".")
            assert section in list(config), key
            assert not name_of_key or name_of_key in list(config[section]), key
