"""What there is to choose from, read from the comments of the files in ``conf/``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sensoryforge.config.sources import conf_dir
from sensoryforge.core.errors import ConfigError, raise_if
from sensoryforge.core.messages import list_names, suggest

GROUPS = {
    "pipeline": "sheet of receptors, time axis, device",
    "skin": "how the skin deforms, and the unit of amplitudes: pipeline.skin=OPTION",
    "neurons": "populations of afferents",
    "population": "one population: +population@neurons.populations.NAME=OPTION",
    "layout": "where afferents lie: neurons.populations.NAME.layout=OPTION",
    "innervation": "receptors to afferents: "
    "innervation@neurons.populations.NAME.innervation=OPTION",
    "filter": "drive in time: filter@neurons.populations.NAME.filter=OPTION",
    "model": "neuron model: model@neurons.populations.NAME.model=OPTION",
    "units": "recorded units that neurons are: units@neurons.populations.NAME.units=OPTION",
    "outline": "how far the skin reaches: pipeline.outline=OPTION",
    "stimuli": "stimulus types; a list of values is an axis, in a sweep -m stimuli=OPTION,OPTION; "
    "stimuli.sampling, samples, sampling_seed and where make other designs than a grid",
    "profile": "how far a shape is pressed in over time: stimuli.profile=OPTION",
    "motion": "how a shape moves over the skin: stimuli.motion=OPTION",
    "batch": "where and how a dataset is written",
    "format": "file format of a dataset: batch.format=OPTION",
    "experiment": "whole experiments: experiment=OPTION",
    "decoder": "what reads stimuli off spikes: sensoryforge train decoder=OPTION",
    "logger": "where a training writes its numbers: sensoryforge train logger=OPTION",
}
_PARAMETER = re.compile(
    r"\s*(?P<key>\w+):\s+(?P<value>.*?)\s+#\s+(?P<unit>[^;]+);\s*(?P<meaning>.*)"
)


@dataclass(frozen=True)
class Parameter:
    """A parameter of an option, as its line in the YAML file says it.

    Attributes
    ----------
    key, value
        The parameter and its default.
    unit
        Its unit, ``-`` where it has none.
    meaning
        What it is.
    """

    key: str
    value: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class Option:
    """An option of a group: its name, the comment at the head of its file, its parameters."""

    name: str
    comment: str
    parameters: tuple[Parameter, ...]


def catalogue_lines(group: str | None = None, search: Sequence[Path] = ()) -> Iterator[str]:
    """Yield the groups, their options in a line each, and every parameter.

    Parameters
    ----------
    group
        Only this group; by default all.
    search
        Folders with options of the user's.

    Raises
    ------
    ConfigError
        For a group or a folder that is not there.
    """
    if group is not None and group not in GROUPS:
        known = f"known are {list_names(GROUPS)}{suggest(group, GROUPS)}"
        raise ConfigError(f"{group}: no such group, {known}")
    raise_if(f"{folder}: no such directory" for folder in search if not folder.is_dir())
    for name in [group] if group else GROUPS:
        yield f"{name}  {GROUPS[name]}"
        for folder in (conf_dir(), *search):
            for path in sorted((folder / name).glob("*.yaml")):
                yield from option_lines(read_option(path))
        yield ""


def read_option(path: Path) -> Option:
    """Return what the comments of an option's file say. Raises ConfigError for a file that is none.

    Examples
    --------
    >>> option = read_option(conf_dir() / "innervation" / "gaussian.yaml")
    >>> option.parameters[0].key, option.parameters[0].unit
    ('sigma_mm', 'mm')
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not a text file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    comments: list[str] = []
    parameters: list[Parameter] = []
    for line in lines:
        match = _PARAMETER.fullmatch(line)
        if match:
            parameters.append(Parameter(**match.groupdict()))
        elif line.startswith("#") and not line.startswith("# @"):  # Hydra's own directives
            comments.append(line.lstrip("# "))
    return Option(path.stem, " ".join(comments), tuple(parameters))


@cache
def declared_units(group: str) -> dict[str, str]:
    """Return the unit of each key that the shipped options of a group declare.

    Parameters
    ----------
    group
        A group of ``conf/``, or a file there such as ``train.yaml``.

    Examples
    --------
    >>> declared_units("pipeline")["dt_ms"]
    'ms'
    """
    if group.endswith(".yaml"):
        paths = [conf_dir() / group]
    else:
        paths = sorted((conf_dir() / group).glob("*.yaml")) if group else []
    units: dict[str, str] = {}
    for path in paths:
        for parameter in read_option(path).parameters:
            units[parameter.key] = parameter.unit
    return units


def option_lines(option: Option) -> Iterator[str]:
    """Yield an option with its comment, then its parameters in columns.

    Examples
    --------
    >>> print(*option_lines(read_option(conf_dir() / "profile" / "step.yaml")), sep="\\n")
      step: Pressed at once and held.
          onset_ms  50.0  ms  when it is pressed
          hold_ms   .inf  ms  how long it is held, .inf to the end
    """
    yield f"  {option.name}: {option.comment}"
    rows = [(row.key, row.value, row.unit) for row in option.parameters]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row, parameter in zip(rows, option.parameters, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield f"      {'  '.join(cells)}  {parameter.meaning}"
