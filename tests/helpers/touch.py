"""Every stimulus that is shipped: at rest, with each profile, moved by each motion, in parts.

Options that need a file get a small one. A case is known by its name, and by the overrides that
choose it on a command line.
"""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from sensoryforge.config.reading import check, compose
from sensoryforge.config.sources import conf_dir
from sensoryforge.core.numerics import uniforms
from sensoryforge.core.types import Columns
from sensoryforge.design.design import Design
from sensoryforge.design.family import Family
from sensoryforge.stimuli import Range, Recipe, Shape, find_recipe, stimulus_class
from sensoryforge.stimuli.ranges import Allowed


def options(group: str) -> list[str]:
    """Return the names of the shipped options of a group."""
    return sorted(path.stem for path in (conf_dir() / group).glob("*.yaml"))


@cache
def files() -> dict[str, str]:
    """Return an override for each option that needs a file, by group and name."""
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    place = Path(folder.name)
    ramp = np.linspace(0.0, 1.0, 12)
    bump = 1.0 - np.hypot(ramp[:, None] - 0.5, ramp[None, :10] - 0.4)
    np.save(place / "relief.npy", bump)
    np.save(place / "frames.npy", 20.0 * bump[None] * np.linspace(0.0, 1.0, 80)[:, None, None])
    steps = np.linspace(0.0, 1.0, 2000)
    (place / "depth.csv").write_text("depth\n" + "\n".join(f"{value:.4f}" for value in steps))
    (place / "path.csv").write_text("x_mm,y_mm\n-1,0\n0,0.5\n1,-0.5\n")
    return {
        "stimuli/image": f"stimuli.file={place}/relief.npy",
        "stimuli/frames": f"stimuli.file={place}/frames.npy",
        "experiment/recorded_grasp": f"stimuli.file={place}/frames.npy",
        "profile/trace": f"stimuli.profile.file={place}/depth.csv",
        "motion/path": f"stimuli.motion.file={place}/path.csv",
    }


PARTS = (
    "{left:{type:gaussian,center_x:-0.4,profile:step},"
    "right:{type:bar,center_x:0.4,onset_ms:10,motion:line}}"
)

PULLING = ("oscillation",)
"""Profiles that pull: of a probe that is glued to the skin."""
PROBE = [
    "stimuli=disc",
    "pipeline.skin=elastic",
    *(f"innervation@neurons.populations.{name}.innervation=elastic" for name in ("sa", "ra")),
]


def pulls(name: str) -> bool:
    """Tell whether the stimulus of a case pulls the skin."""
    return name.partition("/")[2] in PULLING


def _cases() -> dict[str, list[str]]:
    cases: dict[str, list[str]] = {}
    for name in options("stimuli"):
        cases[f"stimuli/{name}"] = [f"stimuli={name}"]
    for name in options("profile"):
        shape = PROBE if name in PULLING else ["stimuli=gaussian"]
        cases[f"profile/{name}"] = [*shape, f"profile@stimuli.profile={name}"]
    for name in options("motion"):
        cases[f"motion/{name}"] = ["stimuli=gaussian", f"motion@stimuli.motion={name}"]
    for name in SHAPES:
        cases[f"scanned/{name}"] = [f"stimuli={name}", "stimuli.motion=line"]
    ridges = ["stimuli=grating", "stimuli.wavelength=2", "stimuli.duty=0.4"]
    cases["scanned/ridges"] = [*ridges, "stimuli.motion=line"]
    cases["pressed and scanned/disc"] = [
        "stimuli=disc",
        "stimuli.profile=sine",
        "stimuli.motion=circle",
    ]
    cases["parts/added"] = ["stimuli=composite", f"stimuli.parts={PARTS}"]
    cases["parts/larger"] = [*cases["parts/added"], "stimuli.combine=larger"]
    return cases


def _is_shape(name: str) -> bool:
    text = (conf_dir() / "stimuli" / f"{name}.yaml").read_text(encoding="utf-8")
    target = text.partition("_target_: ")[2].split()[0]
    return issubclass(stimulus_class(target), Shape)


SHAPES = [name for name in options("stimuli") if _is_shape(name)]
CASES = _cases()


def overrides(name: str) -> list[str]:
    """Return the overrides that choose a case, on a command line."""
    group, _, option = name.partition("/")
    needed = files().get(f"stimuli/{option}" if group == "scanned" else name)
    return [*CASES[name], needed] if needed else CASES[name]


@dataclass(frozen=True)
class Case:
    """A stimulus as it is shipped.

    Attributes
    ----------
    family
        It, as a family of a single condition.
    recipe
        What it is made of.
    """

    family: Family
    recipe: Recipe

    def defaults(self) -> Columns:
        """Return the shipped parameters, of one condition."""
        return Design((self.family,)).columns(self.family, np.array([0]))

    def columns(self, count: int = 7) -> Columns:
        """Return distinct values in the range of every parameter, around the default."""
        defaults = self.defaults()
        columns: Columns = {}
        for name, values in defaults.items():
            allowed = self.recipe.ranges.get(name)
            if not isinstance(allowed, Range):
                columns[name] = np.repeat(values, count)
                continue
            columns[name] = _around(float(values[0]), name, allowed, count)
        return columns


def _around(default: float, name: str, allowed: Allowed, count: int) -> np.ndarray:
    assert isinstance(allowed, Range)
    if allowed.whole:
        return default + np.arange(count) % 3
    drawn = uniforms(0, name, size=count)
    if not np.isfinite(default):
        return 10.0 + 30.0 * drawn
    values = 0.1 * drawn if default == 0.0 else default * (0.9 + 0.2 * drawn)
    return np.clip(values, allowed.low, allowed.high)


@cache
def case(name: str) -> Case:
    """Return a case by its name."""
    experiment = check(compose(*overrides(name)))
    (family,) = experiment.design.families
    return Case(family, find_recipe(family.target, family.parts))
