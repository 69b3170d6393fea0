"""Private names of Hydra and OmegaConf stand in one file, so that their next release costs one file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import sensoryforge
from sensoryforge.config.composer import Composer
from sensoryforge.config.hydra_private import parse_arguments, with_values

PACKAGE = Path(sensoryforge.__file__).parent
ADAPTER = PACKAGE / "config" / "hydra_private.py"
OTHERS = sorted(path for path in PACKAGE.rglob("*.py") if path != ADAPTER)


def private_names(path: Path) -> set[str]:
    """Return what a file imports of Hydra's or OmegaConf's private modules and names."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            dotted = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            dotted = [alias.name for alias in node.names]
        else:
            continue
        for name in dotted:
            first, *parts = name.split(".")
            if first in ("hydra", "omegaconf") and any(part.startswith("_") for part in parts):
                names.add(name)
    return names


def knows_hydra(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return "import hydra" in text or "from hydra" in text or "omegaconf" in text


def private_attributes(path: Path) -> set[str]:
    """Return the private attributes of other objects than ``self`` that a file reads."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Attribute) or not node.attr.startswith("_"):
            continue
        of_self = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        if not of_self and not node.attr.startswith("__"):
            names.add(node.attr)
    return names


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_other_file_uses_private_names_of_hydra(path: Path) -> None:
    assert private_names(path) == set()
    if knows_hydra(path):
        assert private_attributes(path) == set()


def test_the_adapter_is_where_they_are() -> None:
    assert "hydra._internal.utils.get_args_parser" in private_names(ADAPTER)


def test_overrides_may_stand_on_both_sides_of_an_option() -> None:
    arguments = parse_arguments(["a=1", "--config-dir", "conf", "b=2", "-m", "c=3"])
    assert arguments.options == ("--config-dir", "conf", "-m")
    assert arguments.overrides == ("a=1", "b=2", "c=3")
    assert (arguments.multirun, arguments.config_dir) == (True, "conf")


@pytest.mark.parametrize(
    "values",
    [
        ["stimuli.sigma=[0.3,0.5]", "pipeline.dt_ms=1"],
        ["+neurons.populations.sa.tag=mine", "~neurons.populations.ra"],
        ["neurons.populations.sa.model.parameters.a={mean: 0.02, std: 0.004}"],
    ],
)
def test_values_set_afterwards_are_those_that_composing_sets(values: list[str]) -> None:
    composer = Composer.over()
    choices = ["stimuli=step", "model@neurons.populations.sa.model=izhikevich"]
    quick = with_values(composer.load(choices), composer.parse(values))
    slow = composer.load([*choices, *values])
    for section in ("pipeline", "neurons", "stimuli", "batch"):
        read = [OmegaConf.to_container(config[section], resolve=False) for config in (quick, slow)]
        assert read[0] == read[1]
