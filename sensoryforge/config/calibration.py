"""Calibrations: the file that ``sensoryforge calibrate`` writes and a batch file takes in.

It says the ``drive_per_mm`` of populations where a batch file would, and in a section of its own
the thresholds of a stimulus, or of each of several, with a digest of all that they depend on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sensoryforge.config.batch_file import CALIBRATION
from sensoryforge.config.outlines import DENSITY
from sensoryforge.config.stimuli import lists_from_texts
from sensoryforge.config.units import DRIVE_PER_MM
from sensoryforge.core.messages import list_names

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
_OF_OTHERS = (DRIVE_PER_MM, DENSITY, "count", "layout", "delay_ms")
"""Keys of a population that do not say what a drive does to one of its afferents."""
POPULATIONS = "populations"
"""The key of a calibration for what each population was like."""


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
    populations
        Population -> a digest of what its afferents are like: see `population_digest`.
    """

    command: str
    stimulus: str
    digest: str
    fraction: float
    unit: str
    thresholds: Mapping[str, float]
    drive_per_mm: Mapping[str, float] = field(default_factory=dict)
    populations: Mapping[str, str] = field(default_factory=dict)


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


def population_digest(values: Mapping[str, Any]) -> str:
    """Return a digest of what a population's afferents are like, 8 hexadecimal digits.

    How many there are, where they lie and how late their spikes arrive does not count.

    Examples
    --------
    >>> one = population_digest({"gain": 2.0, "count": 60})
    >>> one == population_digest({"gain": 2.0, "count": 9}), one == population_digest({"gain": 1.0})
    (True, False)
    """
    of_afferents = {key: values[key] for key in values if key not in _OF_OTHERS}
    content = json.dumps(of_afferents, sort_keys=True, default=str)
    return blake2b(content.encode(), digest_size=4).hexdigest()


def calibration_text(found: Sequence[Calibration]) -> str:
    """Return the file of the calibrations of one stimulus, or of several; the first has factors.

    Examples
    --------
    >>> found = Calibration("calibrate a.yml", "disc", "0f", 0.5, "a.u.", {"sa": 4.0}, {"sa": 40.0})
    >>> print(calibration_text([found]))
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
    first = found[0]
    lines = [f"# Written by: {' '.join(first.command.split())}"]
    if first.drive_per_mm:
        lines += ["neurons:", "  populations:"]
        for name, factor in first.drive_per_mm.items():
            lines.append(f"    {name}: {{{DRIVE_PER_MM}: {factor!r}}}")
    lines.append(f"{CALIBRATION}:")
    for calibration in found:
        section = _section_lines(calibration)
        if len(found) > 1:
            section[0] = f"- {section[0].lstrip()}"
        lines += section
    return "\n".join(lines) + "\n"


def _section_lines(calibration: Calibration) -> list[str]:
    """Return what the file says of one stimulus."""
    thresholds = [f"{name}: {amplitude!r}" for name, amplitude in calibration.thresholds.items()]
    lines = [
        f"  stimulus: {json.dumps(calibration.stimulus)}",
        f"  digest: '{calibration.digest}'",
        f"  fraction: {calibration.fraction!r}",
        f"  unit: {calibration.unit}",
        f"  thresholds: {{{', '.join(thresholds)}}}",
    ]
    if calibration.populations:
        digests = [f"{name}: '{digest}'" for name, digest in calibration.populations.items()]
        lines.insert(2, f"  {POPULATIONS}: {{{', '.join(digests)}}}")
    return lines


def stale_factors(
    path: Path, section: Any, populations: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Yield a line where factors were found for populations that were not as they are now.

    Parameters
    ----------
    path
        The calibration that a batch file takes in.
    section
        What it says of stimuli.
    populations
        The populations of the batch file, in plain containers.

    Examples
    --------
    >>> was, is_now = {"gain": 2.0}, {"gain": 3.0, "drive_per_mm": 8.0}
    >>> section = {"populations": {"sa": population_digest(was)}}
    >>> for line in stale_factors(Path("a.calibration.yml"), section, {"sa": is_now}):
    ...     print(line)
    drive_per_mm: a.calibration.yml is of another sa, calibrate it as it is now
    """
    sections = sections_of(section)
    digests = sections[0].get(POPULATIONS) if sections else None
    if not isinstance(digests, Mapping):
        return  # it was written before digests were
    stale = []
    for name, values in populations.items():
        is_scaled = values.get(DRIVE_PER_MM) is not None
        if is_scaled and name in digests and digests[name] != population_digest(values):
            stale.append(name)
    if stale:
        them = "it as it is" if len(stale) == 1 else "them as they are"
        yield f"{DRIVE_PER_MM}: {path.name} is of another {list_names(stale)}, calibrate {them} now"


def sections_of(section: Any) -> list[Mapping[str, Any]]:
    """Return what a calibration says of each stimulus: a mapping, or a list of them.

    Examples
    --------
    >>> sections_of({"digest": "0f"}), sections_of(None)
    ([{'digest': '0f'}], [])
    """
    sections = section if isinstance(section, list) else [section]
    return [one for one in sections if isinstance(one, Mapping)]


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
