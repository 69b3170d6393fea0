"""Amplitudes in thresholds: ``amplitude: {thresholds: [0.5, 1, 2], of: ra}`` becomes numbers.

A threshold is what ``sensoryforge calibrate`` wrote beside the batch file. The numbers stand in the
place of the mapping before anything else is read, so that ids, seeds and datasets are theirs.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sensoryforge.config.batch_file import CALIBRATION, populations_of
from sensoryforge.config.calibration import calibration_path, digest_of, sections_of
from sensoryforge.config.presets import RANGE_KEYS
from sensoryforge.config.stimuli import list_from_text, named_entries
from sensoryforge.config.units import DRIVE_PER_MM
from sensoryforge.config.yaml_file import read_yaml
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import format_value, list_names, suggest, unknown_key
from sensoryforge.core.values import is_finite

AMPLITUDE, THRESHOLDS, OF = "amplitude", "thresholds", "of"
PLACEHOLDER = 1.0
"""The amplitude where a threshold is yet to be found."""


def put_amplitudes(plain: dict[str, Any], file: Path | None, *, calibrating: bool = False) -> None:
    """Put numbers where amplitudes are in thresholds.

    Parameters
    ----------
    plain
        A configuration in plain containers; it is changed.
    file
        The batch file, beside which the calibration lies; None where there is none.
    calibrating
        Whether thresholds are about to be found: a number stands for them then.

    Raises
    ------
    ConfigError
        With a line for each amplitude that cannot be told.

    Examples
    --------
    >>> plain = {"stimuli": [{"type": "disc", "amplitude": {"thresholds": [1, 2]}}]}
    >>> put_amplitudes(plain, None, calibrating=True)
    >>> plain["stimuli"][0]["amplitude"]
    1.0
    """
    problems: list[str] = []
    entries = [
        (number, where, entry)
        for number, (where, entry) in enumerate(named_entries(plain.get("stimuli")))
        if isinstance(entry, dict) and _is_in_thresholds(entry)
    ]
    numbers = [number for number, _, _ in entries]
    for _, where, entry in entries:
        key = f"{where}.{AMPLITUDE}"
        mistakes = list(_mistakes(key, entry[AMPLITUDE]))
        problems += mistakes
        if mistakes:
            continue
        if calibrating:
            entry[AMPLITUDE] = PLACEHOLDER
            continue
        try:
            threshold = _threshold(key, numbers, entry, plain, file)
        except ConfigError as error:
            problems += error.problems
            continue
        entry[AMPLITUDE] = _times(list_from_text(entry[AMPLITUDE][THRESHOLDS]), threshold)
    if problems:
        raise ConfigError(problems)


def _is_in_thresholds(entry: Mapping[str, Any]) -> bool:
    """Tell whether an amplitude is meant to be in thresholds, and no range to draw from."""
    amplitude = entry.get(AMPLITUDE)
    if not isinstance(amplitude, Mapping):
        return False
    if THRESHOLDS in amplitude or OF in amplitude:
        return True
    return entry.get("sampling") in (None, "grid") and not RANGE_KEYS & set(map(str, amplitude))


def _mistakes(key: str, amplitude: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each key of an amplitude that is unknown, missing or not allowed."""
    unknown = [name for name in amplitude if name not in (THRESHOLDS, OF)]
    if unknown:
        for name in unknown:
            yield unknown_key(key, name, [THRESHOLDS, OF])
        return  # it may be the one that is missing, misspelt
    thresholds = list_from_text(amplitude.get(THRESHOLDS))
    values = thresholds if isinstance(thresholds, list) else [thresholds]
    if not values or not all(is_finite(value) and value >= 0 for value in values):
        allowed = "allowed is a number >= 0 (thresholds), or a list of them"
        yield f"{key}.{THRESHOLDS}: got {format_value(thresholds)}, {allowed}"
    population = amplitude.get(OF)
    if population is not None and not isinstance(population, str):
        yield f"{key}.{OF}: got {format_value(population)}, allowed is the name of a population"


def _times(values: Any, threshold: float) -> Any:
    """Return amplitudes of six digits: what a user would write."""
    if isinstance(values, list):
        return [_times(value, threshold) for value in values]
    return float(f"{values * threshold:.6g}")


def _threshold(
    key: str,
    numbers: Sequence[int],
    entry: Mapping[str, Any],
    plain: Mapping[str, Any],
    file: Path | None,
) -> float:
    """Return the threshold of an entry, in the unit of its amplitude.

    ``numbers`` are those of all entries that are in thresholds, which are calibrated together.
    """
    if file is None:
        raise ConfigError(
            f"{key}: got thresholds, which are those of a batch file that was calibrated; "
            "allowed here is a number or a list of them"
        )
    found = _Found.read(key, numbers, file, digest_of(plain, entry))
    population = _population(key, entry[AMPLITUDE].get(OF), found)
    factor = populations_of(dict(plain))[population].get(DRIVE_PER_MM)
    threshold = found.thresholds[population]
    if found.unit == "mm" or not is_finite(factor) or factor <= 0:
        return threshold
    return threshold / float(factor)


def _population(key: str, said: str | None, found: _Found) -> str:
    """Return the population whose thresholds are meant."""
    names = list(found.thresholds)
    if said in names:
        return said
    if said is None and len(names) == 1:
        return names[0]
    got = "missing" if said is None else f"got {said!r}"
    allowed = f"allowed are the populations with a threshold, {list_names(names)}"
    raise ConfigError(f"{key}.{OF}: {got}, {allowed}{suggest(said or '', names)}")


@dataclass(frozen=True)
class _Found:
    """What a calibration says."""

    unit: str
    thresholds: Mapping[str, float]

    @classmethod
    def read(cls, key: str, numbers: Sequence[int], file: Path, digest: str) -> _Found:
        """Read of the calibration of a batch file what has a digest, or say what makes it."""
        path = calibration_path(file)
        of_entries = [f" --stimulus {number}" for number in numbers if numbers != [0]]
        command = f"sensoryforge calibrate {shlex.quote(str(file))}{''.join(of_entries)}"
        if not path.is_file():
            raise ConfigError(f"{key}: got thresholds, and there is no {path}; run: {command}")
        anew = f"make it anew with: {command}"
        with_thresholds = []
        for section in sections_of(read_yaml(path).get(CALIBRATION)):
            thresholds = section.get(THRESHOLDS)
            if isinstance(thresholds, Mapping) and thresholds:
                with_thresholds.append(section)
        if not with_thresholds:
            raise ConfigError(f"{key}: {path} has no thresholds; {anew}")
        for section in with_thresholds:
            if str(section.get("digest")) == digest:
                found = section[THRESHOLDS]
                amplitudes = {str(name): float(value) for name, value in found.items()}
                return cls(str(section.get("unit")), amplitudes)
        others = "of other populations, another pipeline or stimulus"
        raise ConfigError(f"{key}: {path} is {others}; {anew}")
