"""Overrides, the words ``key=value`` of a command line: read, looked at and written."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sensoryforge.core.values import is_number
from sensoryforge.stimuli.recipe import PIECES, SAMPLING_KEYS

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

_PREFIXES = "+~"
DIRECTORY_KEYS = ("batch.output_dir", "hydra.run.dir", "hydra.sweep.dir", "data", "resume")
"""Keys whose values are directories, of runs and of trainings."""
LONG_LIST = 100
"""Lists longer than this travel through Hydra as text: it takes 0.7 ms for each value of a list."""
_PIECE = re.compile(
    rf"\+*(?:(?:{'|'.join(PIECES)})@)?stimuli(?P<entry>\.\w+)?\.(?P<group>{'|'.join(PIECES)})"
    r"=(?P<value>[A-Za-z_][\w, ]*)"
)
_KEY_OF_ENTRY = re.compile(r"(?P<stimuli>[+~]*(?:\w+@)?stimuli)\.(?P<entry>\w+)\.(?P<key>.+)")
_OF_SAMPLING = re.compile(
    rf"\+*stimuli(?P<entry>\.\w+)?\.(?P<key>{'|'.join(SAMPLING_KEYS)})=(?P<value>.*)",
    re.DOTALL,
)
_NEEDS_NO_QUOTES = re.compile(r"[\w./-]+", re.ASCII)


def parse_override(text: str) -> Override | None:
    """Return an override as Hydra reads it, or None where Hydra cannot.

    Examples
    --------
    >>> parse_override("stimuli.amplitude=10").value()
    10
    >>> parse_override("stimuli.amplitude") is None
    True
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    try:
        return OverridesParser.create().parse_overrides([text])[0]
    except OverrideParseException:
        return None


def is_sweep(override: Override) -> bool:
    """Tell whether an override has several values, to be swept with ``-m``."""
    return bool(override.is_sweep_override())


def task_overrides(hydra: Any) -> list[str]:
    """Return the overrides that a node ``hydra`` records, as they were typed.

    What they refer to, such as the number of a job, may be known only later.
    """
    from omegaconf import OmegaConf

    texts: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    return [str(text) for text in texts]


def format_override(key: str, value: object) -> str:
    """Return an override as it is typed in a shell, quoted where it must be.

    Examples
    --------
    >>> format_override("batch.output_dir", "outputs/first")
    'batch.output_dir=outputs/first'
    >>> print(format_override("batch.output_dir", "my run"))
    'batch.output_dir="my run"'
    """
    from hydra.core.override_parser.types import Quote, QuotedString

    text = str(value)
    if _NEEDS_NO_QUOTES.fullmatch(text):
        return f"{key}={text}"
    quoted = QuotedString(text, Quote.double).with_quotes()
    return shlex.quote(f"{key}={quoted}")


def read_directories(texts: Iterable[str]) -> list[str]:
    """Return overrides with the names of directories quoted where Hydra would not read them.

    A directory may be called anything: ``~/touch``, a number, or ``sizes/neurons.sa_neurons=6``
    as our sweeps call theirs.

    Examples
    --------
    >>> read_directories(["data=sizes/neurons.sa_neurons=6", "target=sigma"])
    ['data="sizes/neurons.sa_neurons=6"', 'target=sigma']
    """
    return [_quote_directory(text) for text in texts]


def _quote_directory(text: str) -> str:
    """Return an override of a directory as Hydra reads it as text, any other as it is."""
    from hydra.core.override_parser.types import Quote, QuotedString

    key, _, value = text.partition("=")
    if key not in DIRECTORY_KEYS or not value:
        return text
    if key == "resume" and value in ("true", "false", "null"):  # of a training, no directory
        return text
    override = parse_override(text)
    if override is None:
        return f"{key}={QuotedString(value, Quote.double).with_quotes()}"
    is_text = override.is_sweep_override() or isinstance(override.value(), str | QuotedString)
    return text if is_text else f'{key}="{value}"'


def quote_text(text: str) -> str:
    """Return a text as a value within an override, in single quotes."""
    from hydra.core.override_parser.types import Quote, QuotedString

    return QuotedString(text, Quote.single).with_quotes()


def list_as_text(texts: Sequence[str]) -> str:
    """Return texts as JSON in which Hydra sees no reference to another value.

    A reference means another value in each job of a sweep: it must not be resolved before.

    Examples
    --------
    >>> text = list_as_text(["stimuli.sigma=${stimuli.center_x}"])
    >>> "${" in text, json.loads(text)
    (False, ['stimuli.sigma=${stimuli.center_x}'])
    """
    return json.dumps(list(texts)).replace("$", "\\u0024")


def key_of(text: str) -> str:
    """Return the key of an override, without the signs that add or delete.

    Examples
    --------
    >>> key_of("+population@neurons.populations.pc=ra")
    'population@neurons.populations.pc'
    """
    return text.partition("=")[0].lstrip(_PREFIXES)


def is_of_piece(text: str) -> bool:
    """Tell whether an override picks the profile or the motion of a stimulus.

    Examples
    --------
    >>> is_of_piece("profile@stimuli.profile=step"), is_of_piece("stimuli.profile=step")
    (True, True)
    >>> is_of_piece("stimuli.profile.onset_ms=5")
    False
    """
    return _PIECE.fullmatch(text) is not None


def spell_out_piece(text: str, entries: Iterable[str], chosen: Collection[str]) -> list[str]:
    """Return ``stimuli.profile=NAME`` as the choice of an option, as Hydra wants it.

    Parameters
    ----------
    text
        An override of a profile or a motion (`is_of_piece`).
    entries
        The named entries of the stimuli: with some of them, each gets the option.
    chosen
        The choices that are made already, which are replaced; others are added with ``+``.

    Examples
    --------
    >>> spell_out_piece("stimuli.profile=step", [], [])
    ['+profile@stimuli.profile=step']
    >>> spell_out_piece("motion@stimuli.motion=line", ["bar", "disc"], [])
    ['+motion@stimuli.bar.motion=line', '+motion@stimuli.disc.motion=line']
    """
    match = _PIECE.fullmatch(text)
    if match is None:
        return [text]
    group, name, value = match["group"], match["entry"], match["value"]
    names = [name] if name else [f".{entry}" for entry in entries] or [""]
    spelled_out: list[str] = []
    for entry in names:
        key = f"{group}@stimuli{entry}.{group}"
        sign = "" if key in chosen else "+"
        spelled_out.append(f"{sign}{key}={value}")
    return spelled_out


def with_entry_name(text: str, names: Mapping[str, str]) -> str:
    """Return an override of an entry of the stimuli with the name that Hydra knows it by.

    Parameters
    ----------
    text
        An override.
    names
        Name or number, as a batch file has it -> its name; empty for a single entry, which stands
        at ``stimuli`` itself.

    Examples
    --------
    >>> with_entry_name("stimuli.1.amplitude=3", {"0": "braille", "1": "bar"})
    'stimuli.bar.amplitude=3'
    >>> with_entry_name("motion@stimuli.braille.motion=line", {"0": "", "braille": ""})
    'motion@stimuli.motion=line'
    >>> with_entry_name("stimuli.letter=b", {"0": "", "braille": ""})
    'stimuli.letter=b'
    """
    key, equals, value = text.partition("=")
    match = _KEY_OF_ENTRY.fullmatch(key)
    if match is None or match["entry"] not in names:
        return text
    path = [match["stimuli"], names[match["entry"]], match["key"]]
    return f"{'.'.join(filter(None, path))}{equals}{value}"


def is_of_sampling(text: str) -> bool:
    """Tell whether an override says how stimuli are sampled.

    Examples
    --------
    >>> is_of_sampling("stimuli.samples=100"), is_of_sampling("stimuli.sigma=1")
    (True, False)
    """
    return _OF_SAMPLING.fullmatch(text) is not None


def spell_out_sampling(text: str, entries: Iterable[str]) -> list[str]:
    """Return an override of how stimuli are sampled as Hydra wants it.

    No option has these keys, so that Hydra wants ``++`` before them; a condition is quoted.

    Parameters
    ----------
    text
        An override of sampling (`is_of_sampling`).
    entries
        The named entries of the stimuli: with some of them, each gets the key.

    Examples
    --------
    >>> spell_out_sampling("stimuli.samples=9", [])
    ['++stimuli.samples=9']
    >>> spell_out_sampling("stimuli.samples=9", ["bar", "disc"])
    ['++stimuli.bar.samples=9', '++stimuli.disc.samples=9']
    >>> print(spell_out_sampling("stimuli.where=sigma < 1", [])[0])
    ++stimuli.where='sigma < 1'
    """
    match = _OF_SAMPLING.fullmatch(text)
    if match is None:
        return [text]
    key, value = match["key"], match["value"]
    if key == "where" and value[:1] not in ("", "'", '"', "[", "{", "$") and value != "null":
        value = quote_text(value)
    named = [match["entry"]] if match["entry"] else [f".{entry}" for entry in entries] or [""]
    return [f"++stimuli{entry}.{key}={value}" for entry in named]


def spell_out_override(text: str, entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return ``stimuli.x=1`` written out as ``stimuli.NAME.x=1`` for each entry that has an x.

    Parameters
    ----------
    text
        An override.
    entries
        The named entries of the stimuli: a mapping of parameters each.

    Returns
    -------
    list of str
        The override as it is where it belongs to no entry's parameter; none where no entry has it.

    Examples
    --------
    >>> spell_out_override("stimuli.sigma=1", {"step": {"sigma": 0.5}, "grating": {}})
    ['stimuli.step.sigma=1']
    """
    key, equals, value = text.partition("=")
    bare = key.lstrip(_PREFIXES)
    prefix = key.removesuffix(bare)
    group, _, parameter = bare.partition(".")
    name = parameter.partition(".")[0]
    names_an_entry = name in entries
    if group != "stimuli" or not parameter or "@" in key or names_an_entry:
        return [text]
    adds = prefix.startswith("+")
    having = [entry for entry, parameters in entries.items() if adds or name in parameters]
    return [f"{prefix}stimuli.{entry}.{parameter}{equals}{value}" for entry in having]


def spell_out_overrides(
    texts: Iterable[str], entries: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return overrides in which ``stimuli.x=1``, meant for every stimulus, is written out.

    One that adds a key (``+stimuli.pad.type=step``) stays, since Hydra takes it as it is; and so
    does one whose key no entry has: that it is unknown is said later.
    """
    spelled_out: list[str] = []
    for text in texts:
        if text.startswith("+"):
            spelled_out.append(text)
        else:
            spelled_out += spell_out_override(text, entries) or [text]
    return spelled_out


def remaining_entries(
    entries: Mapping[str, Mapping[str, Any]], texts: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    """Return the entries of the stimuli that no override (``~stimuli.step``) takes away."""
    deleted = {text.removeprefix("~stimuli.") for text in texts if text.startswith("~")}
    return {name: entry for name, entry in entries.items() if name not in deleted}


def text_of_long_list(value: Any) -> Any:
    """Return a long list of numbers as text, which Hydra handles as one value; others as they are.

    `config.stimuli.list_from_text` makes a list of it again.
    """
    if isinstance(value, list) and len(value) > LONG_LIST and all(map(is_number, value)):
        return json.dumps(value)
    return value
