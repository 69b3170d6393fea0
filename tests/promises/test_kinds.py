"""A kind is a file: a layout and an innervation from outside, each one class and one YAML, and nothing else touched."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from helpers import warm

import sensoryforge as sf
from sensoryforge.analysis import plots
from sensoryforge.config.catalogue import catalogue_lines
from sensoryforge.config.reading import check, check_batch_file, load_batch_file
from sensoryforge.config.sources import conf_dir
from sensoryforge.core import trust
from sensoryforge.core.errors import ConfigError

PACKAGE = Path(sf.__file__).parent
TOYS = '''
from dataclasses import dataclass

import numpy as np

from sensoryforge.skin.innervation import Innervation, ReceptiveFields
from sensoryforge.skin.layouts import Layout


@dataclass(frozen=True)
class Ring(Layout):
    """Afferents on a circle."""

    radius_mm: float

    def place(self, receptors, count, seed):
        angle = 2 * np.pi * np.arange(count) / count
        return self.radius_mm * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


@dataclass(frozen=True)
class Closest(Innervation):
    """The nearest receptor alone."""

    weight: float = 1.0

    def draw(self, receptors, centres, seed):
        away = ((receptors.xy()[None] - centres[:, None]) ** 2).sum(axis=-1)
        nearest = away.argmin(axis=1)[:, None]
        return ReceptiveFields(nearest, np.full(nearest.shape, self.weight))
'''
RING = "# Afferents on a circle.\n_target_: toys.Ring\nradius_mm: 0.5    # mm; how far from the centre\n"
CLOSEST = "# The nearest receptor.\n_target_: toys.Closest\nweight: 2.0    # -; what it counts\n"
FILE = """
batch: {output_dir: toyed, checkpoint_frequency: 1, save: [drive]}
pipeline: {grid_size: 12, duration_ms: 30, device: cpu}
neurons:
  sa_neurons: 6
  ra_neurons: 5
  populations:
    sa: {layout: ring, innervation: closest}
stimuli:
  - {type: ramp, final: [20, 40, 60], sigma: 0.4, center_x: 0.2}
"""
SMALL = (
    "pipeline.grid_size=12",
    "pipeline.duration_ms=30",
    "pipeline.device=cpu",
    "neurons.sa_neurons=6",
    "neurons.ra_neurons=5",
    "stimuli=ramp",
    "stimuli.final=[20,40,60]",
    "stimuli.sigma=0.4",
    "stimuli.center_x=0.2",
    "batch.save=[drive]",
)


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a user's with a module, two options and a batch file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(trust.VARIABLE, raising=False)
    (tmp_path / "toys.py").write_text(TOYS)
    for group, name, text in (("layout", "ring", RING), ("innervation", "closest", CLOSEST)):
        (tmp_path / "conf" / group).mkdir(parents=True)
        (tmp_path / "conf" / group / f"{name}.yaml").write_text(text)
    (tmp_path / "toyed.yml").write_text(FILE)
    return tmp_path


@pytest.fixture
def trusted(toys: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same folder, its module importable and trusted in this process."""
    monkeypatch.syspath_prepend(str(toys))
    monkeypatch.setenv(trust.VARIABLE, "toys")
    yield toys
    sys.modules.pop("toys", None)


def command(*words: str, code: int = 0, **environment: str) -> str:
    """Type a command in the working directory; return what it says."""
    ended = subprocess.run(
        [warm.python(), "-m", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == code, said
    return said


def assert_toyed(directory: Path) -> None:
    """SA lies on the ring and its drive is twice the pressure at the receptor nearest to each; RA is as ever."""
    results = sf.load(directory)
    xy = results.metadata["sa_xy_mm"].numpy()
    angle = 2 * np.pi * np.arange(6) / 6
    np.testing.assert_allclose(xy, 0.5 * np.stack([np.cos(angle), np.sin(angle)], axis=-1))
    receptors = (np.arange(12) - 5.5) * 0.15
    nearest = receptors[np.abs(xy[:, :, None] - receptors).argmin(axis=-1)]
    away = ((nearest - [0.2, 0.0]) ** 2).sum(axis=-1)
    for row, final in enumerate((20, 40, 60)):
        at_the_end = final * 59 / 60
        expected = 2.0 * at_the_end * np.exp(-away / (2 * 0.4**2))
        np.testing.assert_allclose(results[row]["sa_drive"][59], expected, rtol=1e-6)
    populations = results.metadata["populations"]
    assert populations["sa"] == {
        "count": 6,
        "layout": {"_target_": "toys.Ring", "radius_mm": 0.5},
    }
    assert populations["ra"] == {"count": 5, "layout": "even"}
    stored = results.metadata["config"]["neurons"]["populations"]
    assert stored["sa"]["layout"] == populations["sa"]["layout"]
    assert stored["sa"]["innervation"] == {"_target_": "toys.Closest", "weight": 2.0}
    assert stored["ra"]["layout"] == "even"


@pytest.mark.slow
@pytest.mark.parametrize("format", ["pytorch", "hdf5"])
def test_a_batch_file_runs_on_kinds_from_outside_and_its_dataset_loads_draws_and_resumes(
    toys: Path, format: str
) -> None:
    words = ("sensoryforge", "batch", "toyed.yml", f"batch.format={format}", "--trust", "toys")
    command(*words)
    assert_toyed(toys / "toyed")
    command("sensoryforge", "plot", "toyed", "sheet", SENSORYFORGE_TRUST="toys", PYTHONPATH=".")
    assert (toys / "toyed" / "plots" / "sheet.png").stat().st_size > 1000
    command(*words, "stimuli.final=[20,40,60,80]", "--resume")
    assert len(sf.load("toyed")) == 4
    assert_toyed(toys / "toyed")


@pytest.mark.slow
def test_the_hydra_application_runs_on_kinds_from_outside(toys: Path) -> None:
    command(
        "sensoryforge.run", "--config-dir", "conf", *SMALL, "batch.output_dir=toyed",
        "neurons.populations.sa.layout=ring", "innervation@neurons.populations.sa.innervation=closest",
        SENSORYFORGE_TRUST="toys",
    )  # fmt: skip
    assert_toyed(toys / "toyed")


def test_python_runs_on_kinds_from_outside_and_the_configuration_describes_itself(
    trusted: Path,
) -> None:
    chosen = "innervation@neurons.populations.sa.innervation=closest"
    config = sf.compose(
        *SMALL, chosen, "neurons.populations.sa.layout=ring", "batch.output_dir=toyed", search=["conf"]
    )  # fmt: skip
    assert config.neurons.populations.sa.layout == {"_target_": "toys.Ring", "radius_mm": 0.5}
    assert config.neurons.populations.ra.layout == "even"
    sf.run(config)
    assert_toyed(trusted / "toyed")


def test_a_layout_may_be_written_out_with_parameters_of_its_own(trusted: Path) -> None:
    written_out = "{_target_: toys.Ring, radius_mm: 0.25}"
    (trusted / "toyed.yml").write_text(FILE.replace("layout: ring", f"layout: {written_out}"))
    xy_mm = check_batch_file("toyed.yml").places("sa").xy_mm
    np.testing.assert_allclose(np.hypot(*xy_mm.T), 0.25)


def test_a_parameter_of_a_chosen_layout_may_be_set_on_the_command_line(trusted: Path) -> None:
    config = sf.compose(
        "+layout@neurons.populations.sa.layout=ring",
        "neurons.populations.sa.layout.radius_mm=0.125",
        search=["conf"],
    )
    np.testing.assert_allclose(np.hypot(*check(config).places("sa").xy_mm.T), 0.125)


def test_options_of_the_users_own_are_listed_with_the_shipped_ones(toys: Path) -> None:
    listed = list(catalogue_lines("layout", [Path("conf")]))
    # An option has a line with its name, its keys have one each further in.
    names = re.findall(r"^  (\w+): ", "\n".join(listed), flags=re.MULTILINE)
    assert names == ["blue_noise", "even", "hex", "jittered", "point", "random", "table", "ring"]
    assert "  random: Afferents at independent places, uniform over the skin." in listed
    at = listed.index("  ring: Afferents on a circle.")
    assert " ".join(listed[at + 1].split()) == "radius_mm 0.5 mm how far from the centre"


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ("rign", ".layout: got 'rign', allowed are blue_noise, even, hex, jittered, point, random, table, ring; did you mean 'ring'?"),
        ("3", ".layout: got 3, allowed are blue_noise, even, hex, jittered, point, random, table, ring"),
        ("{radius_mm: 1}", ".layout._target_: got None, allowed is the dotted path of a class of layout"),
        ("{_target_: toys.Ring}", ".layout.radius_mm: missing"),
        ("{_target_: toys.Ring, radius_mm: 1, radius: 2}", ".layout.radius: unknown key, known are radius_mm; did you mean 'radius_mm'?"),
        ("{_target_: toys.Rng, radius_mm: 1}", ".layout._target_: got 'toys.Rng', allowed is the dotted path of a class of layout; did you mean 'Ring'?"),
        ("{_target_: toys.Closest}", ".layout._target_: got 'toys.Closest', allowed is the dotted path of a class of layout"),
        ("{_target_: toys.Layout}", ".layout: Layout cannot be made, TypeError: Can't instantiate abstract class Layout *place*"),
    ],
)  # fmt: skip
def test_a_wrong_layout_is_one_line(trusted: Path, layout: str, said: str) -> None:
    (trusted / "toyed.yml").write_text(FILE.replace("layout: ring", f"layout: {layout}"))
    with pytest.raises(ConfigError) as caught:
        check_batch_file("toyed.yml")
    (line,) = caught.value.problems
    assert fnmatchcase(line, f"neurons.populations.sa{said}".replace("[", "[[]"))


@pytest.mark.slow
def test_a_layout_that_fails_is_one_line_and_leaves_nothing_behind(toys: Path) -> None:
    (toys / "toys.py").write_text(TOYS.replace("angle = 2", "angle = 1 / 0"))
    said = command("sensoryforge", "batch", "toyed.yml", "--trust", "toys", code=2)
    line = "neurons.populations.sa.layout: Ring fails, ZeroDivisionError: division by zero"
    assert said.splitlines()[-1] == line
    assert not (toys / "toyed").exists()


def test_drawing_a_dataset_imports_no_kind_that_is_not_trusted(
    trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sf.run(load_batch_file("toyed.yml"))
    (trusted / "toys.py").write_text("open('reached', 'w').close()")
    sys.modules.pop("toys")
    monkeypatch.delenv(trust.VARIABLE)
    line = "neurons.populations.sa.layout._target_: got 'toys.Ring', which is not of SensoryForge"
    with pytest.raises(ConfigError, match=f"^{re.escape(line)}"):
        plots.sheet(sf.load("toyed"))
    assert not (trusted / "reached").exists()


# --- the shipped ones ---

ROOMS = {
    "layout": "skin/layouts",
    "innervation": "skin/innervation",
    "outline": "skin/outlines",
    "stimuli": "stimuli",
    "profile": "stimuli/profiles",
    "motion": "stimuli/motions",
    "format": "store/formats",
}


def public_classes(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    return [name for name in names if not name.startswith("_")]


@pytest.mark.parametrize("group", ROOMS)
def test_every_shipped_option_has_a_file_of_its_own_and_names_the_package(group: str) -> None:
    room = PACKAGE / ROOMS[group]
    package = f"sensoryforge.{ROOMS[group].replace('/', '.')}"
    files: dict[str, Path] = {}
    for option in sorted((conf_dir() / group).glob("*.yaml")):
        if option.stem == "none":  # stands for nothing
            continue
        target: Any = yaml.safe_load(option.read_text(encoding="utf-8"))["_target_"]
        module, _, name = target.rpartition(".")
        assert module == package
        (files[option.stem],) = [
            path for path in room.rglob("*.py") if name in public_classes(path)
        ]
        assert trust.locate(target, "a class", object).__name__ == name
    assert files
    assert len(set(files.values())) == len(files)


BESIDE = {
    "layout": {"base"},
    "innervation": {"base", "links"},
    "outline": {"base"},
    "profile": {"profile", "timing"},
    "motion": {"motion"},
}
"""Files beside the kinds, in their room."""


@pytest.mark.parametrize("group", BESIDE)
def test_every_file_of_a_kind_is_an_option(group: str) -> None:
    room = PACKAGE / ROOMS[group]
    kinds = {path.stem for path in room.glob("*.py")} - BESIDE[group] - {"__init__"}
    assert kinds == {path.stem for path in (conf_dir() / group).glob("*.yaml")} - {"none"}


def test_every_shape_is_an_option() -> None:
    shapes = {path.stem for path in (PACKAGE / "stimuli" / "shapes").glob("*.py")}
    options = {path.stem for path in (conf_dir() / "stimuli").glob("*.yaml")}
    assert shapes - {"__init__", "shape"} == options - {"step", "ramp", "frames", "composite"}
