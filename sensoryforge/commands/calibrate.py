"""``sensoryforge calibrate FILE``: at which amplitude populations fire, and what 1 mm is worth."""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge.commands import console
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import format_value, list_names

if TYPE_CHECKING:
    from sensoryforge.config.calibration import Calibration
    from sensoryforge.design.experiment import Experiment
    from sensoryforge.design.family import Family
    from sensoryforge.running.thresholds import Threshold

_PER_MM = "drive_per_mm"
_NOT_SAID = "say --like {0}=sa1 (or ra1, pc), or --threshold-mm {0}=MM"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes to its parser."""
    parser.add_argument("file", metavar="FILE", help="a batch file")
    parser.add_argument(
        "overrides", metavar="key=value", nargs="*", default=[], help="change a value of the file"
    )
    parser.add_argument(
        "--fraction",
        type=float,
        default=0.5,
        help="which part of the neurons that can be reached fires (default: %(default)s)",
    )
    parser.add_argument(
        "--stimulus",
        metavar="NUMBER",
        type=int,
        action="append",
        default=[],
        help="which entry of the stimuli (default: 0, the first), or several: the first of them "
        "says drive_per_mm; of lists the first values",
    )
    parser.add_argument(
        "--highest",
        metavar="AMPLITUDE",
        type=float,
        help="the highest amplitude tried; neurons that do not fire at it are left out (default: "
        "30, or 1 mm under a skin that deforms)",
    )
    parser.add_argument(
        "--highest-mm",
        metavar="MM",
        type=float,
        help="the same of the fitted populations (default: 1)",
    )
    parser.add_argument(
        "--like",
        metavar="NAME=FITTED",
        action="append",
        default=[],
        help="whose threshold in mm a population has: sa1, ra1 or pc (default: sa=sa1, ra=ra1, "
        "pc=pc)",
    )
    parser.add_argument(
        "--threshold-mm",
        metavar="[NAME=]MM",
        action="append",
        default=[],
        help="the threshold in mm of all populations or of one, instead of a fitted one's",
    )
    parser.add_argument("--output", metavar="PATH", help="where to (default: FILE.calibration.yml)")
    parser.add_argument(
        "--trust", metavar="MODULE", action="append", help="use classes of this module of yours"
    )


@dataclass(frozen=True)
class _Search:
    """A population whose threshold is to be found."""

    shown: str
    experiment: Experiment
    population: str
    highest: float | None


def run(arguments: argparse.Namespace) -> int:
    """Calibrate the populations of a batch file, and return the exit code."""
    from sensoryforge.config.fitted import read_depths

    experiment = _read_experiment(arguments)
    numbers = list(dict.fromkeys(arguments.stimulus or [0]))
    families = [_family(experiment, number) for number in numbers]
    names = list(experiment.populations)
    depths_mm = read_depths(arguments.threshold_mm, names)
    likenesses = _likenesses(arguments, experiment)
    # Neither all nor none is no unit: where one has no threshold in mm, none is looked for.
    unlike = [name for name in names if name not in {**likenesses, **depths_mm}]
    wanted = {name: fitted for name, fitted in likenesses.items() if name not in depths_mm}
    searches = [_Search(name, experiment, name, arguments.highest) for name in names]
    if not unlike:
        searches += _searches_of_fitted(experiment, wanted, arguments.highest_mm)
    found = _find_and_tell(searches, families[0], arguments.fraction)
    thresholds = found[: len(names)]
    for fitted in found[len(names) :]:
        if fitted.amplitude is not None:
            depths_mm[fitted.population] = fitted.amplitude
    _refuse_if_none(thresholds)
    factors = _factors(thresholds, depths_mm, names)
    in_mm = experiment.skin is not None
    for line in _lines_of_factors(factors, depths_mm, unlike, thresholds, in_mm=in_mm):
        console.say(line)
    calibrations = [_calibration(arguments, experiment, numbers[0], thresholds, factors)]
    for number, family in zip(numbers[1:], families[1:], strict=True):
        thresholds = _find_and_tell(searches[: len(names)], family, arguments.fraction)
        _refuse_if_none(thresholds)
        calibrations.append(_calibration(arguments, experiment, number, thresholds, {}))
    _write(arguments, calibrations)
    return 0


def _read_experiment(arguments: argparse.Namespace) -> Experiment:
    """Return the experiment of the batch file."""
    from sensoryforge.commands.command_line import check_encoding
    from sensoryforge.config.reading import check_batch_file
    from sensoryforge.core.trust import trust

    _check_numbers(arguments)
    check_encoding(arguments.overrides)
    if arguments.trust:
        trust(arguments.trust)
        sys.path.append(str(Path(arguments.file).resolve().parent))
    return check_batch_file(arguments.file, arguments.overrides, calibrating=True)


def _likenesses(arguments: argparse.Namespace, experiment: Experiment) -> dict[str, str]:
    """Return which fitted population each is like; none under a skin, where all is in mm."""
    from sensoryforge.config.fitted import read_likenesses

    likenesses = read_likenesses(arguments.like, list(experiment.populations))
    if experiment.skin is None:
        return likenesses
    _refuse_depths(arguments)
    return {}


def _searches_of_fitted(
    experiment: Experiment, wanted: Mapping[str, str], highest_mm: float | None
) -> list[_Search]:
    """Return the searches of thresholds in mm."""
    from sensoryforge.config.fitted import fitted_experiment

    if not wanted:
        return []
    fitted = fitted_experiment(experiment, wanted)
    return [_Search(f"{wanted[name]} for {name}", fitted, name, highest_mm) for name in wanted]


# --- what is asked for ---


def _check_numbers(arguments: argparse.Namespace) -> None:
    """Refuse a part or an amplitude that is none."""
    if not 0.0 < arguments.fraction <= 1.0:
        got = f"--fraction: got {arguments.fraction:g}"
        raise ConfigError(f"{got}, allowed is a number above 0 and at most 1")
    for option in ("highest", "highest_mm"):
        value = getattr(arguments, option)
        if value is not None and not 0.0 < value < math.inf:
            shown = option.replace("_", "-")
            raise ConfigError(f"--{shown}: got {value:g}, allowed is a number > 0")


def _family(experiment: Experiment, number: int) -> Family:
    """Return the family of an entry, which must have an amplitude to search."""
    from sensoryforge.running.thresholds import check_stimulus

    families = experiment.design.families
    if not 0 <= number < len(families):
        allowed = f"allowed is a whole number from 0 to {len(families) - 1}"
        raise ConfigError(f"--stimulus: got {number}, {allowed}, the entries of the stimuli")
    check_stimulus(families[number], f"stimuli.{number}", in_mm=experiment.skin is not None)
    return families[number]


def _refuse_depths(arguments: argparse.Namespace) -> None:
    """Refuse options that only go with amplitudes that are drive."""
    for option, texts in (("like", arguments.like), ("threshold-mm", arguments.threshold_mm)):
        if texts:
            got = f"--{option}: got {format_value(texts[0])}"
            raise ConfigError(f"{got}, under pipeline.skin amplitudes are in mm; leave it out")


# --- what is found ---


def _find_and_tell(searches: Sequence[_Search], family: Family, fraction: float) -> list[Threshold]:
    """Return the threshold of each search, and print the table of them."""
    found = _find(searches, family, fraction)
    console.say(f"Stimulus: {describe(family)}")
    for line in _table(searches, found):
        console.say(line)
    return found


def _find(searches: Sequence[_Search], family: Family, fraction: float) -> list[Threshold]:
    """Return the threshold of each search, with a bar that counts amplitudes."""
    from sensoryforge.core.packages import import_heavy
    from sensoryforge.core.progress import open_bar

    import_heavy("torch")
    import torch

    from sensoryforge.running.thresholds import TRIED, find_threshold

    bar = open_bar(TRIED * len(searches), 0, "Progress", "amplitude")
    found = []
    try:
        with torch.no_grad():
            for search in searches:
                found.append(
                    find_threshold(
                        search.experiment,
                        search.population,
                        family,
                        fraction=fraction,
                        highest=search.highest,
                        tick=bar.update,
                    )
                )
    finally:
        bar.close()
    return found


def _factors(
    thresholds: Sequence[Threshold], depths_mm: Mapping[str, float], names: Sequence[str]
) -> dict[str, float]:
    """Return the drive that 1 mm stands for in each population, or none."""
    from sensoryforge.config.calibration import factors

    drives = {one.population: one.amplitude for one in thresholds if one.amplitude is not None}
    return factors(drives, depths_mm, names)


def _refuse_if_none(thresholds: Sequence[Threshold]) -> None:
    """Refuse a calibration in which no population has a threshold."""
    if all(one.amplitude is None for one in thresholds):
        lines = [f"{one.population}: {one.problem}" for one in thresholds]
        raise ConfigError(lines)


# --- what is said ---


def describe(family: Family) -> str:
    """Return a stimulus in words: its type, and the first value of each parameter.

    Examples
    --------
    >>> from sensoryforge.design.family import Family
    >>> describe(Family("disc", "", {"amplitude": (1, 2), "diameter_mm": (2.0, 3.0)}))
    'disc, diameter_mm 2.0'
    """
    words = [family.type]
    for name, values in family.axes.items():
        if name != "amplitude":
            words.append(f"{name} {values[0]}")
    return ", ".join(words)


def _table(searches: Sequence[_Search], found: Sequence[Threshold]) -> Iterator[str]:
    """Yield the rows of the table, and a line for each population without a threshold."""
    rows = [("population", "threshold", "unit", "reached", "neurons")]
    for search, one in zip(searches, found, strict=True):
        unit = search.experiment.skin is not None
        amplitude = "-" if one.amplitude is None else f"{one.amplitude:g}"
        rows.append(
            (
                search.shown,
                amplitude,
                "mm" if unit else "a.u.",
                str(one.reached),
                str(one.neurons),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()
    for search, one in zip(searches, found, strict=True):
        if one.problem:
            yield f"{search.shown}: {one.problem}"


def _lines_of_factors(
    factors: Mapping[str, float],
    depths_mm: Mapping[str, float],
    unlike: Sequence[str],
    thresholds: Sequence[Threshold],
    *,
    in_mm: bool,
) -> Iterator[str]:
    """Yield what 1 mm is worth, or why it is not known."""
    if in_mm:
        return
    if factors:
        shown = [f"{name} {factor:g}" for name, factor in factors.items()]
        yield f"{_PER_MM}: {list_names(shown)}"
        return
    if unlike:
        hint = _NOT_SAID.format(unlike[0])
        yield f"no {_PER_MM}: no threshold in mm is known of {list_names(unlike)}; {hint}"
        return
    silent = [one.population for one in thresholds if one.amplitude is None]
    lacking = silent or [one.population for one in thresholds if one.population not in depths_mm]
    yield f"no {_PER_MM}: {list_names(lacking)} has no threshold, and all populations need one"


# --- what is written ---


_OPTIONS: dict[str, Any] = {
    "fraction": 0.5,
    "stimulus": [],
    "highest": None,
    "highest_mm": None,
    "like": [],
    "threshold_mm": [],
}
"""Options that what is found depends on, with their defaults."""


def _command(arguments: argparse.Namespace) -> str:
    """Return the command as it was typed, but for where the file is written."""
    words = ["sensoryforge", "calibrate", Path(arguments.file).name, *arguments.overrides]
    for name, default in _OPTIONS.items():
        value = getattr(arguments, name)
        for said in value if isinstance(value, list) else [value]:
            if value != default:
                words += [f"--{name.replace('_', '-')}", str(said)]
    return shlex.join(words)


def _calibration(
    arguments: argparse.Namespace,
    experiment: Experiment,
    number: int,
    thresholds: Sequence[Threshold],
    factors: Mapping[str, float],
) -> Calibration:
    """Return what was found for an entry of the stimuli."""
    from sensoryforge.config.calibration import Calibration, digest_of, population_digest

    found = {one.population: one.amplitude for one in thresholds if one.amplitude is not None}
    populations = experiment.config["neurons"]["populations"]
    return Calibration(
        command=_command(arguments),
        stimulus=describe(experiment.design.families[number]),
        digest=digest_of(experiment.config, experiment.config["stimuli"][number]),
        fraction=arguments.fraction,
        unit="a.u." if experiment.skin is None else "mm",
        thresholds=found,
        drive_per_mm=factors,
        populations={name: population_digest(populations[name]) for name in factors},
    )


def _write(arguments: argparse.Namespace, calibrations: Sequence[Calibration]) -> None:
    """Write calibrations beside the batch file, whole or not at all."""
    from sensoryforge.config.calibration import calibration_path, calibration_text
    from sensoryforge.core.paths import expand_home
    from sensoryforge.store import files

    file = Path(arguments.file)
    path = expand_home(arguments.output) if arguments.output else calibration_path(file)
    with files.replacing(path, "calibration") as sink:
        sink.write(calibration_text(calibrations).encode())
    factors = calibrations[0].drive_per_mm
    use = f"; a batch file takes it in with defaults: [{path.stem}]" if factors else ""
    console.say(f"Wrote {path}{use}")
