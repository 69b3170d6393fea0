"""Draws the vocabulary of touch: ``python docs/pictures_of_touch.py`` writes ``docs/images``."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

import sensoryforge as sf
from sensoryforge.analysis.plots import style
from sensoryforge.config import check
from sensoryforge.core.numerics import uniforms
from sensoryforge.core.types import Floats
from sensoryforge.design.design import Design
from sensoryforge.skin.receptors import Grid
from sensoryforge.stimuli import find_recipe

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IMAGES = Path(__file__).parent / "images"
DOTS_A_SIDE = 121
SIDE_MM = 8.0
DURATION_MS = 300.0
SAMPLES = 1200
COLUMNS = 4
INSTANTS_MS = (0.0, 75.0, 150.0, 225.0, 299.0)
"""When a shape that moves is drawn."""
PROBE = ("stimuli=disc", "stimuli.diameter_mm=1.2")
"""What is moved."""
SHAPES = {
    "gaussian": ("stimuli=gaussian", "stimuli.sigma=1"),
    "disc": ("stimuli=disc",),
    "bar": ("stimuli=bar", "stimuli.orientation=30"),
    "edge": ("stimuli=edge", "stimuli.orientation=30"),
    "grating": ("stimuli=grating", "stimuli.wavelength=2", "stimuli.orientation=30"),
    "grating, duty 0.3": ("stimuli=grating", "stimuli.wavelength=2", "stimuli.duty=0.3"),
    "gabor": ("stimuli=gabor", "stimuli.sigma=1.5", "stimuli.orientation=30"),
    "dots, jitter 0.2": ("stimuli=dots", "stimuli.rows=4", "stimuli.jitter=0.2"),
    "braille, letter r": ("stimuli=braille", "stimuli.letter=r"),
    "texture": ("stimuli=texture",),
    "image": ("stimuli=image", "stimuli.file=key.npy", "stimuli.width_mm=6"),
    "composite": (
        "stimuli=composite",
        "stimuli.parts={a:{type:bar,orientation:45},b:{type:disc,center_x:2,center_y:-2}}",
    ),
}
PROFILES = {
    "hold": ("hold",),
    "step": ("step",),
    "ramp": ("ramp", "onset_ms=50", "ramp_ms=150"),
    "trapezoid": ("trapezoid", "ramp_ms=40"),
    "sine": ("sine",),
    "oscillation": ("oscillation",),
    "chirp": ("chirp", "to_hz=120"),
    "noise": ("noise", "high_hz=100"),
    "pulses": ("pulses",),
    "trace": ("trace", "file=depth.npy", "step_ms=10"),
}
GLUED = [
    "stimuli=disc",
    "pipeline.skin=elastic",
    "innervation@neurons.populations.sa.innervation=elastic",
    "innervation@neurons.populations.ra.innervation=elastic",
]
"""What pulls the skin: a probe that is glued to it."""
MOTIONS = {
    "line, direction 30": ("line", "direction=30"),
    "circle": ("circle", "radius_mm=2"),
    "path": ("path", "file=way.csv"),
}


def main() -> None:
    """Draw all three pictures."""
    with TemporaryDirectory() as folder:
        files = write_files(Path(folder))
        with style.settings():
            draw_shapes(files)
            draw_profiles(files)
            draw_motions(files)


def write_files(folder: Path) -> dict[str, str]:
    """Write a relief, a course and waypoints, and return their names with their paths."""
    x, y = np.meshgrid(np.linspace(-1, 1, 80), np.linspace(-0.5, 0.5, 40))
    ring = np.abs(np.hypot(x + 0.6, y) - 0.25) < 0.09
    shaft = (np.abs(y) < 0.08) & (x > -0.35) & (x < 0.9)
    teeth = (y < 0) & (y > -0.3) & (np.abs(np.abs(x - 0.65) - 0.12) < 0.06)
    np.save(folder / "key.npy", (ring | shaft | teeth).astype(np.float64))
    steps = np.cumsum(uniforms(3, "depth", size=31) - 0.45)
    np.save(folder / "depth.npy", np.clip(steps / np.abs(steps).max(), 0, None))
    (folder / "way.csv").write_text("x_mm,y_mm\n-2.5,-1\n-1,2\n1,-1\n2,1\n")
    return {path.name: str(path) for path in folder.iterdir()}


def pressed(overrides: tuple[str, ...], files: dict[str, str], xy: Floats, t_ms: Floats) -> Floats:
    """Return what the stimulus of some overrides presses, ``[T, R]``."""
    texts = []
    for text in overrides:
        for name, path in files.items():
            text = text.replace(name, path)
        texts.append(text)
    experiment = check(sf.compose(*texts))
    (family,) = experiment.design.families
    recipe = find_recipe(family.target, family.parts)
    columns = Design((family,)).columns(family, np.array([0]))
    frames: Floats = recipe(columns).frames(xy, t_ms, DURATION_MS)[0]
    return frames


def draw_shapes(files: dict[str, str]) -> None:
    """Draw each shape at rest, seen from above."""
    xy = Grid(DOTS_A_SIDE, DOTS_A_SIDE, SIDE_MM / DOTS_A_SIDE).xy()
    rows = -(-len(SHAPES) // COLUMNS)
    figure = style.picture(8.0, 2.1 * rows)
    axes = figure.subplots(rows, COLUMNS, sharex=True, sharey=True)
    for axis, (title, overrides) in zip(axes.flat, SHAPES.items(), strict=True):
        image = pressed(overrides, files, xy, np.array([0.0]))[0]
        draw_sheet(axis, image)
        axis.set_title(title)
    name_sides(axes)
    figure.savefig(IMAGES / "shapes.png", dpi=80)


def draw_profiles(files: dict[str, str]) -> None:
    """Draw each profile over time."""
    t_ms = np.asarray(np.arange(SAMPLES) * DURATION_MS / SAMPLES)
    place = np.zeros((1, 2))
    figure = style.picture(10.0, 3.6)
    axes = figure.subplots(2, 5, sharex=True, sharey=True)
    for axis, (title, (name, *values)) in zip(axes.flat, PROFILES.items(), strict=True):
        overrides = ["stimuli.amplitude=1", f"stimuli.profile={name}"]
        overrides += [f"stimuli.profile.{value}" for value in values]
        if name == "oscillation":
            overrides += GLUED
        height = pressed(tuple(overrides), files, place, t_ms)[:, 0]
        axis.plot(t_ms, height, color=style.COLOURS[0], linewidth=1.2)
        axis.set_title(title)
        axis.set(ylim=(-1.1, 2.0), xlim=(0, DURATION_MS))
    for axis in axes[-1]:
        axis.set_xlabel("time (ms)")
    for axis in axes[:, 0]:
        axis.set_ylabel("factor")
    figure.savefig(IMAGES / "profiles.png", dpi=80)


def draw_motions(files: dict[str, str]) -> None:
    """Draw a disc at some instants of each motion, the later the darker."""
    xy = Grid(DOTS_A_SIDE, DOTS_A_SIDE, SIDE_MM / DOTS_A_SIDE).xy()
    figure = style.picture(8.0, 3.1)
    axes = np.array([figure.subplots(1, len(MOTIONS), sharex=True, sharey=True)])
    for axis, (title, (name, *values)) in zip(axes.flat, MOTIONS.items(), strict=True):
        overrides = [*PROBE, "stimuli.amplitude=1", f"stimuli.motion={name}"]
        overrides += [f"stimuli.motion.{value}" for value in values]
        frames = pressed(tuple(overrides), files, xy, np.array(INSTANTS_MS))
        shades = np.linspace(0.3, 1.0, len(INSTANTS_MS))
        draw_sheet(axis, (frames * shades[:, None]).max(axis=0))
        axis.set_title(title)
    name_sides(axes)
    figure.savefig(IMAGES / "motions.png", dpi=80)


def draw_sheet(axis: Axes, image: Floats) -> None:
    """Draw pressure on the sheet."""
    half = SIDE_MM / 2
    axis.imshow(
        image.reshape(DOTS_A_SIDE, DOTS_A_SIDE),
        origin="lower",
        extent=(-half, half, -half, half),
        cmap=style.MAP,
        vmin=0,
    )


def name_sides(axes: np.ndarray) -> None:
    """Name the axes of the outer panels."""
    for axis in axes[-1]:
        axis.set_xlabel("x (mm)")
    for axis in axes[:, 0]:
        axis.set_ylabel("y (mm)")


if __name__ == "__main__":
    main()
