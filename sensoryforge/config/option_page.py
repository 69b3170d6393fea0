"""What one option is: its parameters, where it lives, and how it is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sensoryforge.config.catalogue import GROUPS, Option, catalogue_lines, option_lines, read_option
from sensoryforge.config.sources import conf_dir
from sensoryforge.core.errors import ConfigError, raise_if
from sensoryforge.core.instances import TARGET
from sensoryforge.core.messages import list_names, suggest

_OF_SA = "neurons.populations.sa"
_TRAIN = "sensoryforge train data=DIR"
_CHOSEN_BY = {
    "pipeline": "sensoryforge run pipeline={option}",
    "skin": "sensoryforge run pipeline.skin={option}",
    "neurons": "sensoryforge run neurons={option}",
    "population": "sensoryforge run +population@neurons.populations.mine={option}",
    "layout": f"sensoryforge run {_OF_SA}.layout={{option}}",
    "innervation": f"sensoryforge run innervation@{_OF_SA}.innervation={{option}}",
    "filter": f"sensoryforge run filter@{_OF_SA}.filter={{option}}",
    "model": f"sensoryforge run model@{_OF_SA}.model={{option}}",
    "units": f"sensoryforge run units@{_OF_SA}.units={{option}}",
    "outline": "sensoryforge run pipeline.outline={option}",
    "stimuli": "sensoryforge run stimuli={option}",
    "profile": "sensoryforge run stimuli=disc stimuli.profile={option}",
    "motion": "sensoryforge run stimuli=disc stimuli.motion={option}",
    "batch": "sensoryforge run batch={option}",
    "format": "sensoryforge run batch.format={option}",
    "experiment": "sensoryforge run experiment={option}",
    "decoder": f"{_TRAIN} decoder={{option}}",
    "logger": f"{_TRAIN} logger={{option}}",
}
"""Group -> a command that chooses an option of it."""
_KEYS_AT = {
    "pipeline": "pipeline",
    "innervation": f"{_OF_SA}.innervation",
    "population": "neurons.populations.mine",
    "neurons": "neurons",
    "stimuli": "stimuli",
    "profile": "stimuli.profile",
    "motion": "stimuli.motion",
    "batch": "batch",
    "decoder": "decoder",
}
"""Group -> where the keys of an option stand, for those whose keys are not within equations."""
_ELASTIC = " ".join(
    [
        "pipeline.skin=elastic",
        f"innervation@{_OF_SA}.innervation=elastic",
        "innervation@neurons.populations.ra.innervation=elastic",
    ]
)
_FITTED = "experiment=fingertip +population@neurons.populations.mine={option}"
_UNITS = "experiment=fingertip units@neurons.populations.{option}.units={option}"
_ALSO_NEEDS = {
    "filter/touch_fast": "{usual} pipeline.dt_ms=0.2",
    "filter/touch_slow": "{usual} pipeline.dt_ms=0.2",
    "innervation/elastic": f"sensoryforge run {_ELASTIC}",
    "layout/table": f"sensoryforge run '{_OF_SA}.layout={{{{type:table,file:FILE}}}}' "
    f"{_OF_SA}.count=2",
    "model/touch": "{usual} pipeline.dt_ms=0.2",
    "outline/fingertip": "{usual} 'pipeline.grid_size=[60,40]' pipeline.spacing_mm=0.4",
    "outline/regions": "sensoryforge run 'pipeline.outline={{type:regions,parts:"
    "{{tip:{{type:rectangle,width_mm:2,height_mm:2}}}}}}'",
    "population/pc": f"sensoryforge run {_FITTED}",
    "population/ra1": f"sensoryforge run {_FITTED}",
    "population/sa1": f"sensoryforge run {_FITTED}",
    "profile/oscillation": f"sensoryforge run {_ELASTIC} stimuli=disc stimuli.profile=oscillation",
    "skin/elastic": f"sensoryforge run {_ELASTIC}",
    "units/pc": f"sensoryforge run {_UNITS}",
    "units/ra1": f"sensoryforge run {_UNITS}",
    "units/sa1": f"sensoryforge run {_UNITS}",
}
"""Option -> a command that chooses it, where that of its group alone would be refused."""
_TO_BE_GIVEN = "to be given"
"""How the meaning of a parameter without a default begins."""


@dataclass(frozen=True)
class Found:
    """An option that a word may mean: its group and its file."""

    group: str
    path: Path


def list_lines(word: str | None = None, search: Sequence[Path] = ()) -> Iterator[str]:
    """Yield what ``sensoryforge list`` says: all groups, one group, or one option.

    Parameters
    ----------
    word
        A group, an option, or both as in ``profile/sine``; by default all groups.
    search
        Folders with options of the user's.

    Raises
    ------
    ConfigError
        For a word that is neither a group nor an option, and for a folder that is not there.

    Examples
    --------
    >>> lines = list(list_lines("profile/sine"))
    >>> print(lines[0])
    profile/sine: Vibration: a sine on a pre-load, which is the amplitude of the shape.
    >>> [line for line in lines if "sensoryforge run" in line]
    ['  choose it:  sensoryforge run stimuli=disc stimuli.profile=sine']
    """
    raise_if(f"{folder}: no such directory" for folder in search if not folder.is_dir())
    word = word.strip("/") if word else word
    if word is None or word in GROUPS:
        yield from catalogue_lines(word, search)
        return
    found = _find(word, search)
    if not found:
        raise ConfigError(_no_such_word(word, search))
    for one in found:
        yield from _page(one)
        yield ""


def _find(word: str, search: Sequence[Path]) -> list[Found]:
    """Return the options that a word may mean: of several groups where it names none."""
    group, _, name = word.rpartition("/")
    found = []
    for one in _all_options(search):
        if one.path.stem == name and group in ("", one.group):
            found.append(one)
    return found


def _all_options(search: Sequence[Path]) -> Iterator[Found]:
    for group in GROUPS:
        for folder in (conf_dir(), *search):
            for path in sorted((folder / group).glob("*.yaml")):
                yield Found(group, path)


def _page(found: Found) -> Iterator[str]:
    """Yield what an option is, its parameters, how it is chosen, and where it lives."""
    option = read_option(found.path)
    first, *parameters = option_lines(option)
    yield f"{found.group}/{first.strip()}"
    yield from parameters
    yield f"  choose it:  {_command(found.group, option)}"
    keys_at = _KEYS_AT.get(found.group)
    with_value = [parameter for parameter in option.parameters if parameter.value != "null"]
    if keys_at and with_value:
        key, value = with_value[0].key, with_value[0].value
        yield f"  set a key:  {keys_at}.{key}={_value(value)}"
    target = _target(found.path)
    of_class = f", class {target}" if target else ""
    yield f"  lives in:   {found.path}{of_class}"


def _command(group: str, option: Option) -> str:
    """Return a command that chooses an option, with the files that have to be given."""
    usual = _CHOSEN_BY[group].format(option=option.name)
    special = _ALSO_NEEDS.get(f"{group}/{option.name}")
    if special:
        return special.format(option=option.name, usual=usual)
    words = [usual]
    for parameter in option.parameters:
        if parameter.meaning.startswith(_TO_BE_GIVEN) and group in _KEYS_AT:
            words.append(f"{_KEYS_AT[group]}.{parameter.key}=FILE")
    return " ".join(words)


def _value(text: str) -> str:
    """Return a value as a shell takes it."""
    return f"'{text}'" if set(text) & set("[]{}*() ") else text


def _target(path: Path) -> str:
    """Return the class that an option's file names; an empty text where it names none."""
    for line in path.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(": ")
        if key == TARGET:
            return value.strip()
    return ""


def _no_such_word(word: str, search: Sequence[Path]) -> str:
    """Return the message for a word that is neither a group nor an option."""
    group, slash, name = word.partition("/")
    options = list(_all_options(search))
    if slash and group in GROUPS:
        names = [one.path.stem for one in options if one.group == group]
        known = f"known are {list_names(names)}{suggest(name, names)}"
        return f"{word}: no such option of {group}, {known}"
    words = [*GROUPS, *dict.fromkeys(one.path.stem for one in options)]
    hint = suggest(word, words)
    return f"{word}: no such group or option, groups are {list_names(GROUPS)}{hint}"
