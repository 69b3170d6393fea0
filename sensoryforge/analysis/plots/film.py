"""One stimulus as a film: the drive on the sheet over time, and spikes where neurons lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import sensoryforge.analysis.plots.scene as scene
import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis.measures import sample_count, step_ms
from sensoryforge.analysis.plots.activity import check_row, describe
from sensoryforge.analysis.plots.fields import draw_outline
from sensoryforge.analysis.plots.skin import drive_greys, sheet_size
from sensoryforge.analysis.selection import unknown
from sensoryforge.analysis.units import amplitude_unit, pressure_label
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Floats, Ints
from sensoryforge.store.files import disk

if TYPE_CHECKING:
    from matplotlib.animation import AbstractMovieWriter
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D

    from sensoryforge.analysis.results import Results

FORMATS = ("mp4", "gif")
FRAMES_A_SECOND = 20
MOST_FRAMES = 240
"""Of a film: it lasts at most twelve seconds."""
WIDTH = 8.0
"""Of a frame, in inches; it has a hundred pixels an inch."""
_DOTS_PER_INCH = 100
_STEPS = (1, 2, 5)
"""Samples of a frame are these times a power of ten."""
_MOST_VALUES = 4_000_000
"""Samples times receptors whose drive is worked out at a time."""
_MOST_SHOWN = 20_000
_GLOW = 0.6
"""What is left of a flash in the next frame."""
_FAINTEST = 0.08
"""Of a flash: what is less is put out."""
_SMALLEST_DOT = 10.0
_LARGEST_DOT = 70.0
"""Areas of a neuron's dot, in square points: with many neurons and with few."""
_COURSE_HEIGHT = 1.5
_ABOVE_SHEET = 0.85
_HEADLINE = 0.45
"""Inches of the panel below, of titles and labels of a panel of the sheet, and of the headline."""
_NEGLIGIBLE = 0.02
"""Of the highest drive: a scale starts at zero, but for a drive that is farther below."""


def save_movie(
    results: Results,
    path: str | PathLike[str],
    row: int = 0,
    *,
    width: float = WIDTH,
    progress: Callable[[int, int], object] | None = None,
) -> Path:
    """Write a film of one stimulus, and return where it lies.

    A panel a population: grey is the drive (a.u.) on the sheet in mm, a ring is a neuron, which
    flashes when it fires and then fades. Below is the drive over time, where a line moves. A frame
    shows some samples: the highest drive and every spike of them. There are up to 240 frames, 20 a
    second; the title of the course says the time in ms, and how much slower the film runs.

    Parameters
    ----------
    results
        The dataset.
    path
        Of the film: it ends in ``.mp4``, which needs the program ffmpeg, or in ``.gif``.
    row
        Which stimulus: a row of ``results.table``.
    width
        Width of a frame, in inches of 100 pixels.
    progress
        Called after each frame with its number, counted from 0, and the number of all.

    Raises
    ------
    ConfigError
        For another row or format, without ffmpeg, and where the stimulus was not saved and cannot
        be worked out again.
    StorageError
        Where the disk refuses.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "stimulus.gif"
    >>> save_movie(results.where(index=[7]), path, width=4).read_bytes()[:6]
    b'GIF89a'
    """
    path = Path(path)
    check_row(results, row)
    writer = _writer(path.suffix.removeprefix("."))
    with style.settings():
        film = _Film(results, row, width)
        unfinished = path.with_name(f".{path.stem}.unfinished{path.suffix}")
        with disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with writer.saving(film.figure, str(unfinished), _DOTS_PER_INCH):
                    for number in range(film.count):
                        film.show(number)
                        writer.grab_frame()
                        if progress is not None:
                            progress(number, film.count)
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
    return path


def choose_format(wanted: str = "") -> str:
    """Return the format of a film: the one that is wanted, else MP4 with ffmpeg, GIF without.

    Raises
    ------
    ConfigError
        For another format, and for MP4 without ffmpeg.

    Examples
    --------
    >>> choose_format("gif")
    'gif'
    """
    from matplotlib.animation import FFMpegWriter

    has_ffmpeg = FFMpegWriter.isAvailable()
    if not wanted:
        return "mp4" if has_ffmpeg else "gif"
    if wanted not in FORMATS:
        raise ConfigError(unknown("format", wanted, FORMATS))
    if wanted == "mp4" and not has_ffmpeg:
        raise ConfigError("format: mp4 needs the program ffmpeg, which is not there; gif does not")
    return wanted


def _writer(format: str) -> AbstractMovieWriter:
    """Return what writes frames of a format."""
    from matplotlib.animation import FFMpegWriter, PillowWriter

    if choose_format(format) == "gif":
        return PillowWriter(fps=FRAMES_A_SECOND)
    # What every player can show.
    options = ["-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    return FFMpegWriter(fps=FRAMES_A_SECOND, codec="h264", extra_args=options)


@dataclass(frozen=True)
class _Flashes:
    """The neurons of a population in a film: their rings, and when they fire.

    ``spikes`` says how often each fires in each frame, ``[F, N]``.
    """

    dots: Any
    colour: tuple[float, float, float]
    spikes: Ints


class _Reel(style.Picture):
    """A figure that is drawn once; afterwards only what changes is drawn anew.

    Attributes
    ----------
    changing
        What changes, in the order in which it is drawn.
    """

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        size = (_even(width), _even(height))
        super().__init__(figsize=size, dpi=_DOTS_PER_INCH, layout="constrained")
        self._canvas: Any = FigureCanvasAgg(self)
        self.changing: list[Artist] = []
        self._still: Any = None

    def savefig(self, *args: Any, **_: Any) -> None:
        """Write the pixels of a frame to a stream, as writers of films ask for them."""
        if self._still is None:
            for artist in self.changing:
                artist.set_animated(True)
            self._canvas.draw()
            self._still = self._canvas.copy_from_bbox(self.bbox)
        self._canvas.restore_region(self._still)
        for artist in self.changing:
            self.draw_artist(artist)
        args[0].write(self._canvas.buffer_rgba())


def _even(inches: float) -> float:
    """Return a length of an even number of pixels: h264 takes no other.

    >>> _even(3.337)
    3.34
    """
    return 2 * round(inches * _DOTS_PER_INCH / 2) / _DOTS_PER_INCH


class _Film:
    """The frames of a film, drawn one after the other into one figure.

    Attributes
    ----------
    figure
        What a frame is drawn into.
    count
        Number of frames.
    """

    def __init__(self, results: Results, row: int, width: float) -> None:
        dt_ms = step_ms(results)
        per_frame = samples_of_frame(sample_count(results))
        self._frame_ms = per_frame * dt_ms
        self._images, course = _drive(results, row, per_frame)
        self.count = len(self._images)
        names = results.populations
        width, columns, panel_height = sheet_size(results, width, len(names))
        rows = ceil(len(names) / columns)
        heights = [rows * (panel_height + _ABOVE_SHEET), _COURSE_HEIGHT]
        self.figure = _Reel(width, sum(heights) + _HEADLINE)
        style.headline(self.figure, describe(results, row))
        parts = self.figure.subfigures(2, 1, squeeze=False, height_ratios=heights)
        top, bottom = parts.flat
        axes = list(top.subplots(rows, columns, squeeze=False).flat)
        for axis in axes[len(names) :]:
            axis.remove()
        axes = axes[: len(names)]
        self._shown = []
        self._flashes = []
        for axis, name in zip(axes, names, strict=True):
            self._shown.append(_draw_image(axis, results, self._images))
            self._flashes.append(_draw_neurons(axis, results, row, name, per_frame))
        self._glows = [np.zeros(flashes.spikes.shape[1]) for flashes in self._flashes]
        label = pressure_label(amplitude_unit(results))
        top.colorbar(self._shown[-1], ax=axes, label=label, fraction=0.04, aspect=25, pad=0.02)
        below = bottom.subplots()
        self._line = _draw_course(below, course, dt_ms, label)
        self._time = below.text(0.0, 1.04, "", transform=below.transAxes)
        self.figure.changing += [*self._shown, *(flashes.dots for flashes in self._flashes)]
        for axis in axes:
            self.figure.changing += axis.spines.values()
        self.figure.changing += [self._line, self._time]

    def show(self, number: int) -> None:
        """Draw a frame; frames are shown in order, so that flashes fade."""
        for image in self._shown:
            image.set_data(self._images[number])
        for place, flashes in enumerate(self._flashes):
            glow = self._glows[place] * _GLOW
            glow[glow < _FAINTEST] = 0.0
            glow[flashes.spikes[number] > 0] = 1.0
            self._glows[place] = glow
            faces = np.tile([*flashes.colour, 0.0], (len(glow), 1))
            faces[:, 3] = glow
            flashes.dots.set_facecolors(faces)
        self._line.set_xdata([number * self._frame_ms] * 2)
        time = f"{number * self._frame_ms:g} ms"
        self._time.set_text(f"{time}; {describe_speed(self._frame_ms)}")


def describe_speed(frame_ms: float) -> str:
    """Return in words how fast a film runs whose frames show so many ms.

    >>> describe_speed(2.5), describe_speed(50.0)
    ('shown 20 times slower', 'shown at its own speed')
    """
    share = frame_ms * FRAMES_A_SECOND / 1000.0
    if abs(share - 1.0) < 1e-9:
        return "shown at its own speed"
    return f"shown {1 / share:.3g} times slower" if share < 1 else f"shown {share:.3g} times faster"


def frame_count(results: Results) -> int:
    """Return how many frames the film of a stimulus has.

    >>> frame_count(results)
    60
    """
    samples = sample_count(results)
    return ceil(samples / samples_of_frame(samples))


def samples_of_frame(samples: int) -> int:
    """Return how many samples a frame shows: 1, 2 or 5 times a power of ten.

    >>> samples_of_frame(60), samples_of_frame(600), samples_of_frame(10_000)
    (1, 5, 50)
    """
    power = 1
    while True:
        for step in _STEPS:
            if step * power * MOST_FRAMES >= samples:
                return step * power
        power *= 10


def _drive(results: Results, row: int, per_frame: int) -> tuple[Floats, Floats]:
    """Return the drive on the sheet in each frame, and the highest on the sheet at each sample.

    That of a frame is the highest of its samples at each receptor, or the lowest where that is
    farther from zero: a vibration that is faster than the film is seen by how far it goes.
    """
    total = sample_count(results)
    frames = ceil(total / per_frame)
    receptors = min(scene.sheet(results).count, _MOST_SHOWN)
    at_a_time = max(1, _MOST_VALUES // (receptors * per_frame))
    images = []
    course = []
    for first in range(0, frames, at_a_time):
        stop = min((first + at_a_time) * per_frame, total)
        samples = np.arange(first * per_frame, stop)
        drive = scene.frames(results, row, samples, most=_MOST_SHOWN)
        course.append(drive.reshape(len(samples), -1).max(axis=1))
        for start in range(0, len(samples), per_frame):
            of_frame = drive[start : start + per_frame]
            high = of_frame.max(axis=0)
            low = of_frame.min(axis=0)
            images.append(np.where(-low > high, low, high))
    return np.stack(images), np.concatenate(course)


def _draw_image(axis: Axes, results: Results, images: Floats) -> AxesImage:
    """Draw the first frame of the drive on the scale of all."""
    left, right, bottom, top = scene.extent_mm(results)
    axis.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    axis.set(xlabel="x (mm)", ylabel="y (mm)")
    draw_outline(axis, scene.sheet(results), scene.outline(results))
    low = float(images.min())
    high = max(float(images.max()), 1e-9)
    return axis.imshow(
        images[0],
        origin="lower",
        extent=(left, right, bottom, top),
        cmap=drive_greys(),
        vmin=low if low < -_NEGLIGIBLE * high else 0.0,
        vmax=high,
        zorder=0,
    )


def _draw_neurons(
    axis: Axes, results: Results, row: int, population: str, per_frame: int
) -> _Flashes:
    """Draw the ring of each neuron, and return when they flash."""
    from matplotlib.colors import to_rgb

    xy_mm = scene.positions(results, population)
    colour = style.colour(results, population)
    area = float(np.clip(9_000 / len(xy_mm), _SMALLEST_DOT, _LARGEST_DOT))
    x, y = xy_mm.T
    dots = axis.scatter(
        x, y, s=area, facecolors="none", edgecolors=colour, linewidths=0.6, zorder=2
    )
    spikes = results.spikes(population)[row].numpy()
    starts = np.arange(0, len(spikes), per_frame)
    of_frames = np.add.reduceat(spikes.astype(np.int64), starts, axis=0)
    axis.set_title(f"{style.title(population)}: {int(spikes.sum())} spikes")
    return _Flashes(dots, to_rgb(colour), of_frames)


def _draw_course(axis: Axes, course: Floats, dt_ms: float, label: str) -> Line2D:
    """Draw the highest drive on the sheet over time, and return the line that will move."""
    edges = np.arange(len(course) + 1) * dt_ms
    axis.stairs(course, edges, baseline=None, color=style.INK, linewidth=1.2)
    axis.set(xlabel="time (ms)", ylabel=f"highest\n{label}")
    axis.set_xlim(0, edges[-1])
    axis.set_ylim(min(0.0, float(course.min())) * 1.1, max(float(course.max()) * 1.1, 1e-9))
    return axis.axvline(0.0, color=style.COLOURS[1], linewidth=1.2)
