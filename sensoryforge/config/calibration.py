"""Calibrations: the file that ``sensoryforge calibrate`` writes and a batch file takes in.

It says the ``drive_per_mm`` of populations where a batch file would, and in a section of its own
the thresholds, with a digest of all that they depend on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sensoryforge.config.batch_file import CALIBRATION
from sensoryforge.config.outlines import DENSITY
from sensoryforge.config.stimuli import lists_from_texts
from sensoryforge.config.units import DRIVE_PER_MM

_OF_MACHINE = (
    "device",
    "devices",
    "backend",
    "chunk_size",
    "surrogate",
    "surrogate_width",
)
"""Keys of the pipeline that change no spike."""
_NO_SHAPE = ("amplitude", "repetitions")
"""Keys of a stimulus that do not say its shape."""


@dataclass(frozen=True)
class Calibration:
    """What was found for one stimulus.

    Parameters
    ----------
    command
        What found it.
    stimulus
        The number of the entry, and in words what it is.
    digest
        Of populations, pipeline and stimulus: see `digest_of`.
    fraction
        The part of the reached neurons that fires at a threshold.
    unit
        The unit of the thresholds, ``a.u.`` or ``mm``.
    thresholds
        Population -> the amplitude at which it fires.
    drive_per_mm
        Population -> the drive that 1 mm stands for; empty where it was not found for all.
    """

    command: str
    stimulus: str
    digest: str
    fraction: float
    unit: str
    thresholds: Mapping[str, float]
    drive_per_mm: Mapping[str, float] = field(default_factory=dict)


def calibration_path(file: Path) -> Path:
    """Return where the calibration of a batch file lies: beside it.

    Examples
    --------
    >>> calibration_path(Path("studies/grid.yml")).as_posix()
    'studies/grid.calibration.yml'
    """
    return file.with_name(f"{file.stem}.calibration.yml")


def digest_of(plain: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """Return a digest of all that a threshold depends on, 16 hexadecimal digits.

    Parameters
    ----------
    plain
        A configuration in plain containers; of its ``pipeline`` what changes spikes counts, and of
        its populations all but ``drive_per_mm``.
    entry
        The stimulus; all but its amplitude and repetitions count.

    Examples
    --------
    >>> plain = {"pipeline": {"seed": 1}, "neurons": {"populations": {"sa": {"gain": 2.0}}}}
    >>> one = digest_of(plain, {"type": "disc", "amplitude": 3})
    >>> other = digest_of(plain, {"type": "disc", "amplitude": 4})
    >>> one == other, one == digest_of(plain, {"type": "bar", "amplitude": 3})
    (True, False)
    """
    pipeline = {key: plain["pipeline"][key] for key in plain["pipeline"] if key not in _OF_MACHINE}
    populations = {}
    for name, values in plain["neurons"]["populations"].items():
        # A count that follows from a density is set only when that is read.
        says_density = values.get(DENSITY) is not None
        left_out = (DRIVE_PER_MM, "count" if says_density else DENSITY)
        populations[name] = {key: values[key] for key in values if key not in left_out}
    written = lists_from_texts(entry)
    shape = {key: value for key, value in written.items() if key not in _NO_SHAPE}
    content = json.dumps([pipeline, populations, shape], sort_keys=True, default=str)
    return blake2b(content.encode(), digest_size=8).hexdigest()


def calibration_text(calibration: Calibration) -> str:
    """Return the file of a calibration.

    Examples
    --------
    >>> found = Calibration("calibrate a.yml", "disc", "0f", 0.5, "a.u.", {"sa": 4.0}, {"sa": 40.0})
    >>> print(calibration_text(found))
    # Written by: calibrate a.yml
    neurons:
      populations:
        sa: {drive_per_mm: 40.0}
    calibration:
      stimulus: "disc"
      digest: '0f'
      fraction: 0.5
      unit: a.u.
      thresholds: {sa: 4.0}
    <BLANKLINE>
    """
    lines = [f"# Written by: {' '.join(calibration.command.split())}"]
    if calibration.drive_per_mm:
        lines += ["neurons:", "  populations:"]
        for name, factor in calibration.drive_per_mm.items():
            lines.append(f"    {name}: {{{DRIVE_PER_MM}: {factor!r}}}")
    thresholds = [f"{name}: {amplitude!r}" for name, amplitude in calibration.thresholds.items()]
    lines += [
        f"{CALIBRATION}:",
        f"  stimulus: {json.dumps(calibration.stimulus)}",
        f"  digest: '{calibration.digest}'",
        f"  fraction: {calibration.fraction!r}",
        f"  unit: {calibration.unit}",
        f"  thresholds: {{{', '.join(thresholds)}}}",
    ]
    return "\n".join(lines) + "\n"


def factors(
    thresholds: Mapping[str, float], depths_mm: Mapping[str, float], populations: Sequence[str]
) -> dict[str, float]:
    """Return the drive that 1 mm stands for, six digits; empty where one population has none.

    Examples
    --------
    >>> factors({"sa": 4.0}, {"sa": 0.05}, ["sa"])
    {'sa': 80.0}
    >>> factors({"sa": 4.0, "ra": 9.0}, {"sa": 0.05}, ["sa", "ra"])
    {}
    """
    drive_per_mm = {}
    for name in populations:
        if name not in thresholds or name not in depths_mm:
            return {}
        drive_per_mm[name] = float(f"{thresholds[name] / depths_mm[name]:.6g}")
    return drive_per_mm
