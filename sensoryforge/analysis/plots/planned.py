"""Stimuli before any run: where they press, when, and who lies there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import sensoryforge.analysis.plots.instants as instants
import sensoryforge.analysis.plots.style as style
from sensoryforge.analysis.plots.fields import Afferents, draw_fields, draw_outline
from sensoryforge.analysis.plots.plan import Planned, PlannedFamily, choose_conditions
from sensoryforge.analysis.plots.scene import thinned
from sensoryforge.analysis.units import parameter_units, pressure_label
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Floats, Ints
from sensoryforge.stimuli import find_recipe
from sensoryforge.stimuli.guarded import GuardedStimuli

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

    from sensoryforge.analysis.choice import Choice
    from sensoryforge.skin.receptors import Receptors

_MOST_INSTANTS = 5
_LEAST_WIDTH = 6.5
"""Of the picture, in inches."""
_INSTANT_WIDTH = 1.15
"""Least width of an instant, in inches."""
_COURSE_SHARE = 0.33
"""Share of the width that the course over time has."""
_BESIDE = 1.3
"""Inches that labels and the colour bar take beside the instants."""
_ABOVE_INSTANT = 0.75
"""Inches that titles and labels take above and below an instant."""
_TITLE_LINE = 0.17
_MOST_SHEET_HEIGHT = 4.5
_MOST_ASPECT = 1.8
"""Height to width up to which an instant has the whole width of its column."""
_MOST_VALUES = 4_000_000
"""Samples times receptors that a stimulus is looked at to find when and where it presses."""
_FEWEST_RECEPTORS = 900
_AS_HIGH = 0.999
"""Share of the highest drive that is as good as the highest."""
_MOST_SHOWN = 20_000
"""Receptors of an instant; more than pixels would not show."""
_STRIDE = 0.6180339887498949
"""Of samples that are left out: none of a vibration's periods is met at the same phase."""


def stimulus(
    experiment: Planned,
    index: int | None = None,
    *,
    choice: Choice | None = None,
    width: float = style.WIDTH,
) -> style.Picture:
    """Return a picture of the stimuli of an experiment; nothing is simulated.

    A row is a condition: the drive (a.u.) on the sheet in mm at up to five instants while it
    presses, and its course over time at the receptor that is pressed most (a cross on the sheet),
    with the highest drive anywhere as an area behind it. Conditions of a family have one scale of
    drive. Of each family up to three conditions are drawn, of more than six families six; the
    titles say how many there are. Below lie the receptors and the receptive fields of each
    population.

    Parameters
    ----------
    experiment
        A `sensoryforge.design.Experiment`, as ``sensoryforge.config.check`` returns it.
    index
        Which stimulus of the design; None draws some of each family.
    choice
        Only stimuli that meet it; None draws any.
    width
        Width of the picture, in inches; at least 6.5.

    Raises
    ------
    ConfigError
        For an index that is not there, a choice that no stimulus meets, and where a stimulus of
        your own fails.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> experiment = check(sf.compose("stimuli=bar", "stimuli.amplitude=[10, 20]"))
    >>> figure = stimulus(experiment)
    >>> [row.get_suptitle() for row in figure.subfigs[:2]]
    ['bar, condition 1 of 2: amplitude 10', 'bar, condition 2 of 2: amplitude 20']
    """
    width = max(width, _LEAST_WIDTH)
    chosen, headline = choose_conditions(experiment.design, index, choice)
    instants_beside = _instants_beside(width)
    shown = [_look_at(experiment, *condition, instants_beside) for condition in chosen]
    frame_width = (width * (1 - _COURSE_SHARE) - _BESIDE) / instants_beside
    frame_height = frame_width * min(_aspect(experiment.sheet), _MOST_ASPECT)
    heights = []
    for condition in shown:
        lines = _row_title(condition, width).count("\n") + 1
        heights.append(max(frame_height, 0.8) + _ABOVE_INSTANT + lines * _TITLE_LINE)
    names = list(experiment.populations)
    beside = style.columns(width, len(names))
    sheet_width = width / beside - 1.0
    sheet_height = min(sheet_width * _aspect(experiment.sheet), _MOST_SHEET_HEIGHT) + 1.3
    sheet_rows = -(-len(names) // beside)
    heights.append(sheet_rows * sheet_height)
    with style.settings():
        figure = style.picture(width, sum(heights) + 0.4)
        style.headline(figure, headline)
        grid = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)
        rows = list(grid.flat)
        for row, condition in zip(rows, shown, strict=False):
            limits = _limits(shown, condition)
            _draw_condition(row, experiment, condition, limits, instants_beside)
        panels = list(rows[-1].subplots(sheet_rows, beside, squeeze=False).flat)
        for axis, name in zip(panels, names, strict=False):
            _draw_afferents(axis, experiment, name)
        for axis in panels[len(names) :]:
            axis.remove()
        # The first layout takes the labels for smaller than they are, the next one is right.
        figure.draw_without_rendering()
    return figure


# --- what there is to see of one ---


@dataclass(frozen=True)
class _Shown:
    """A condition: what it is, where it presses when, and its course at the receptor pressed most.

    ``images`` are ``[F, rows, columns]`` at ``samples``; ``course`` and ``highest``, that anywhere
    on the sheet at ``highest_samples``, are over time.
    """

    family: PlannedFamily
    title: str
    samples: Ints
    images: Floats
    place_mm: Floats
    course: Floats
    highest_samples: Ints
    highest: Floats


def _look_at(experiment: Planned, family: PlannedFamily, condition: int, count: int) -> _Shown:
    """Return what there is to see of a condition."""
    title = _title(family, condition, experiment.amplitude_unit)
    skin = experiment.sheet
    pressure = _Pressure(experiment, family, condition)
    coarse = thinned(skin, max(_FEWEST_RECEPTORS, _MOST_VALUES // experiment.samples)).ravel()
    samples = _spread_over(experiment.samples, max(1, _MOST_VALUES // len(coarse)))
    strength = np.abs(pressure.at(coarse, samples))
    highest = strength.max(axis=1)
    # The sheet may have been thinned: the receptor is looked for again when the drive is highest.
    all_receptors = np.arange(skin.count)
    when = samples[[_middle(highest)]]
    most_pressed = _most_central(skin, np.abs(pressure.at(all_receptors, when)[0]))
    course = pressure.at(np.array([most_pressed]), np.arange(experiment.samples))[:, 0]
    shown = samples[instants.telling(highest, count)]
    receptors = thinned(skin, _MOST_SHOWN)
    images = pressure.at(receptors.ravel(), shown).reshape(len(shown), *receptors.shape)
    return _Shown(
        family=family,
        title=title,
        samples=shown,
        images=images,
        place_mm=skin.xy(np.array([most_pressed]))[0],
        course=course,
        highest_samples=samples,
        highest=highest,
    )


def _middle(strength: Floats) -> int:
    """Return where a course is highest, in the middle of where it is."""
    highest = np.flatnonzero(strength >= _AS_HIGH * strength.max())
    return int(highest[len(highest) // 2])


def _most_central(skin: Receptors, strength: Floats) -> int:
    """Return the receptor that is pressed most; under a flat shape the most central of them."""
    pressed = np.flatnonzero(strength >= _AS_HIGH * strength.max())
    xy_mm = skin.xy(pressed)
    from_middle = ((xy_mm - xy_mm.mean(axis=0)) ** 2).sum(axis=1)
    return int(pressed[from_middle.argmin()])


class _Pressure:
    """The drive of one condition, worked out where and when it is asked for."""

    def __init__(self, experiment: Planned, family: PlannedFamily, condition: int) -> None:
        columns = experiment.design.columns(family, np.array([condition]))
        recipe = find_recipe(family.target, family.parts)
        self._stimuli = GuardedStimuli(recipe, columns)
        self._experiment = experiment
        self._type = family.type

    def at(self, receptors: Ints, samples: Ints) -> Floats:
        """Return the drive, ``[S, R]``, at some samples and receptors."""
        experiment = self._experiment
        xy_mm = experiment.sheet.xy(receptors)
        t_ms = (samples * experiment.dt_ms).astype(np.float64)
        drive: Floats = self._stimuli.frames(xy_mm, t_ms, experiment.duration_ms)[0]
        for problem in self._stimuli.errors.values():
            raise ConfigError(f"{self._type}: {problem}")
        return drive


def _spread_over(total: int, most: int) -> Ints:
    """Return the samples of a stimulus, or as many as are not too many, ascending."""
    if total <= most:
        return np.arange(total)
    within = np.arange(most) * _STRIDE % 1.0
    samples: Ints = ((np.arange(most) + within) * (total / most)).astype(np.int64)
    return samples


def _title(family: PlannedFamily, condition: int, amplitude_unit: str) -> str:
    """Return a condition in words: what it is made of, which one it is, and what it varies."""
    words = ", ".join([family.type, *_pieces(family)])
    if family.count_conditions == 1:
        return words
    units = parameter_units([(family.target, family.parts)], amplitude_unit)
    values = []
    for name, number in family.value_numbers(np.array(condition)).items():
        if len(family.axes[name]) > 1:
            value = style.short(family.axes[name][int(number)], digits=4)
            unit = units.get(name, "")
            values.append(f"{name} {value}" + ("" if unit in ("", "a.u.") else f" {unit}"))
    which = f"condition {condition + 1} of {family.count_conditions}"
    return f"{words}, {which}: {', '.join(values)}"


def _pieces(family: PlannedFamily) -> Iterator[str]:
    """Yield what a stimulus has beside its shape, as its parameters call it."""
    for key in family.parts:
        name = key.replace(".", "_")
        if name != "combine" and name in family.axes:
            yield f"{name} {family.axes[name][0]}"


# --- drawing ---


def _instants_beside(width: float) -> int:
    """Return how many instants stand side by side.

    >>> _instants_beside(10.0), _instants_beside(6.5)
    (4, 2)
    """
    room = width * (1 - _COURSE_SHARE) - _BESIDE
    return max(1, min(_MOST_INSTANTS, int(room // _INSTANT_WIDTH)))


def _aspect(skin: Receptors) -> float:
    """Return the height of the sheet to its width."""
    return skin.height_mm / skin.width_mm


def _limits(shown: Sequence[_Shown], condition: _Shown) -> tuple[float, float]:
    """Return the scale of drive of a family."""
    of_family = [other for other in shown if other.family is condition.family]
    low = min(float(other.images.min()) for other in of_family)
    high = max(float(other.highest.max()) for other in of_family)
    # Between stills a cubic is drawn, which passes zero by a little.
    lowest = low if low < -0.02 * high else 0.0
    return lowest, max(high, 1e-9)


def _draw_condition(
    row: SubFigure,
    experiment: Planned,
    condition: _Shown,
    limits: tuple[float, float],
    beside: int,
) -> None:
    """Draw a condition: the sheet at some instants, and the course over time."""
    figure = row.get_figure(root=True)
    assert figure is not None
    width = float(figure.get_size_inches()[0])
    title = _row_title(condition, width)
    row.suptitle(title, fontsize=style.LABEL_SIZE, ha="left", x=0.1 / width)
    share = (1 - _COURSE_SHARE) / _COURSE_SHARE
    shares = [share / beside] * beside + [1.0]
    axes = list(row.subplots(1, beside + 1, width_ratios=shares))
    drawn = None
    for axis, image, sample in zip(axes, condition.images, condition.samples, strict=False):
        drawn = axis.imshow(
            image,
            origin="lower",
            extent=_extent(experiment.sheet),
            cmap=style.MAP,
            vmin=limits[0],
            vmax=limits[1],
        )
        draw_outline(axis, experiment.sheet, experiment.outline, "white")
        axis.plot(*condition.place_mm, "+", color="white", markersize=5, markeredgewidth=0.8)
        axis.set_title(f"{sample * experiment.dt_ms:g} ms", loc="center")
        axis.set_xlabel("x (mm)")
        if axis is not axes[0]:
            axis.set_yticklabels([])
    axes[0].set_ylabel("y (mm)")
    for axis in axes[len(condition.samples) : beside]:
        axis.set_visible(False)
    assert drawn is not None
    label = pressure_label(experiment.amplitude_unit)
    row.colorbar(drawn, ax=axes[:beside], label=label, fraction=0.04, aspect=14)
    _draw_course(axes[-1], experiment, condition)


def _row_title(condition: _Shown, width: float) -> str:
    """Return the title of a row in lines that fit a width in inches."""
    return style.wrapped(condition.title, width - style.MARGIN, style.LABEL_SIZE)


def _draw_course(axis: Axes, experiment: Planned, condition: _Shown) -> None:
    """Draw the course over time, with a line at each instant that is shown."""
    dt_ms = experiment.dt_ms
    edges = np.arange(experiment.samples + 1) * dt_ms
    times_ms = condition.highest_samples * dt_ms
    axis.fill_between(times_ms, condition.highest, step="post", color=style.FAINT, alpha=0.25, lw=0)
    axis.stairs(condition.course, edges, baseline=None, color=style.INK, linewidth=1.2)
    for sample in condition.samples:
        axis.axvline(sample * dt_ms, color=style.COLOURS[0], linewidth=0.7, linestyle=":")
    lowest = min(0.0, float(condition.course.min()))
    highest = max(float(condition.highest.max()), 1e-9)
    axis.set_ylim(lowest * 1.08, highest * 1.08)
    axis.set_xlim(0, experiment.duration_ms)
    x_mm, y_mm = condition.place_mm
    title = f"+ ({x_mm:.2f}, {y_mm:.2f}) mm"
    if not instants.is_pressed(condition.highest).any():
        title = "nothing on the sheet"
    label = pressure_label(experiment.amplitude_unit)
    axis.set(title=title, xlabel="time (ms)", ylabel=label)


def _draw_afferents(axis: Axes, experiment: Planned, population: str) -> None:
    """Draw where receptors and neurons lie."""
    places = experiment.places(population)
    skin = experiment.sheet
    colour = style.colour_of(list(experiment.populations), population)
    innervation = places.innervation
    fields = places.fields if innervation.pools_receptors else None
    afferents = Afferents(
        population,
        colour,
        skin,
        places.xy_mm,
        fields,
        innervation.field_sd_mm,
        outline=places.outline,
    )
    draw_fields(axis, afferents)
    left, right, bottom, top = _extent(skin)
    axis.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    axis.set(xlabel="x (mm)", ylabel="y (mm)")


def _extent(skin: Receptors) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of the sheet in mm."""
    edges = skin.from_middle(np.array([-0.5, 0.5]), np.array([-0.5, 0.5]))
    (left, bottom), (right, top) = edges.tolist()
    return left, right, bottom, top
