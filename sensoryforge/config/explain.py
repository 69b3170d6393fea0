"""What is wrong with an override that Hydra refuses, in one line.

Hydra stops at the first override that it cannot compose. Here overrides are tried one after the
other, so that all that is wrong is told in one go, in the words of whoever typed it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sensoryforge.config.composer import Composer, hydra_errors
from sensoryforge.config.explain_key import (
    explain_choice,
    explain_piece,
    explain_shape,
    explain_unknown_key,
)
from sensoryforge.config.explain_option import explain_option_file
from sensoryforge.config.hydra_private import value_as_written
from sensoryforge.config.overrides import format_override, parse_override
from sensoryforge.config.yaml_file import read_yaml
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import format_value, list_names, suggest

if TYPE_CHECKING:
    from omegaconf import DictConfig
    from omegaconf.errors import OmegaConfBaseException

_OMEGACONF_PREFIX = re.compile(r"^\w+ raised while resolving interpolation: ")
_UNQUOTED = re.compile(r"[A-Za-z0-9_./+\-%@?|*\\]")
"""Letters that a value may have without quotes, whatever stands beside them."""
_ADVICE_ON_RANGE = (
    "interval() is a word of sweeps; write '{key}={{low: .., high: ..}}', with "
    "stimuli.sampling=random (or latin_hypercube, sobol) and stimuli.samples=N"
)


def compose_with_problems(
    composer: Composer, overrides: Sequence[str]
) -> tuple[DictConfig, list[str]]:
    """Compose what can be composed, and return a line for each override that cannot be.

    Parameters
    ----------
    composer
        Composes the options.
    overrides
        Overrides as they were typed.

    Returns
    -------
    config : DictConfig
        The configuration of all overrides that Hydra takes.
    problems : list of str
        A line for each of the others; empty when all is well.
    """
    overrides = composer.spell_out_pieces(overrides)
    misread = list(find_misread_overrides(overrides, composer))
    if not misread:
        with suppress(*hydra_errors(ValueError)):
            return composer.load(overrides), []
    whole, split = join_split_words(overrides)
    misread = list(find_misread_overrides(whole, composer))
    spelled_out = composer.spell_out(whole)  # composes once more, so it comes second
    if not misread and not split:
        with suppress(*hydra_errors(ValueError)):
            return composer.load(spelled_out), []
    config, explanations = _compose_one_by_one(composer, spelled_out)
    return config, [*split, *misread, *explanations]


def _compose_one_by_one(
    composer: Composer, overrides: Sequence[str]
) -> tuple[DictConfig, list[str]]:
    """Add one override after the other: where options are, which are chosen, then the values."""

    def order(text: str) -> tuple[bool, bool]:
        return not text.startswith("hydra."), not composer.picks_options(text)

    config = composer.load()
    accepted: list[str] = []
    explanations: list[str] = []
    for text in sorted(overrides, key=order):
        if list(find_misread_overrides([text], composer)):
            continue
        try:
            config = composer.load([*accepted, text])
        except hydra_errors(ValueError) as error:
            explanations.append(explain_override(text, error, config, composer))
        else:
            accepted.append(text)
    return config, explanations


def join_split_words(overrides: Sequence[str]) -> tuple[list[str], list[str]]:
    """Find the overrides that spaces split into several words.

    Parameters
    ----------
    overrides
        Overrides as they were typed.

    Returns
    -------
    whole : list of str
        The words that are none of those.
    problems : list of str
        A line for each override that was split.

    Examples
    --------
    >>> whole, problems = join_split_words(["a=1", "b", "=", "10,", "20"])
    >>> whole, problems
    (['a=1'], ['b = 10, 20: no spaces around = and after commas; write b=10,20'])
    """
    whole: list[str] = []
    problems: list[str] = []
    run: list[str] = []
    for text in overrides:
        if _may_be_a_piece(text):
            run.append(text)
        else:
            _end_run(run, whole, problems)
            whole.append(text)
            run = []
    _end_run(run, whole, problems)
    return whole, problems


def _may_be_a_piece(text: str) -> bool:
    """Tell whether a word is no override, as what is left of one that spaces split."""
    return text.startswith("=") or parse_override(text) is None


def _end_run(run: Sequence[str], whole: list[str], problems: list[str]) -> None:
    """Say what words that follow each other were meant to be; they stay where that is nothing."""
    joined = "".join(run)
    if len(run) > 1 and not _may_be_a_piece(joined):
        problems.append(
            f"{' '.join(run)}: no spaces around = and after commas; write {shlex.quote(joined)}"
        )
    else:
        whole += run


def find_misread_overrides(overrides: Iterable[str], composer: Composer) -> Iterator[str]:
    """Yield a line for each override that Hydra would take and do something else with.

    ``stimuli=[gaussian,step]`` composes the last of the two in silence; several values without
    ``-m`` are an error in words that tell nobody what to write.
    """
    for text in overrides:
        override = parse_override(text)
        if override is None:
            continue
        if text.startswith("="):
            yield explain_unreadable(text)
            continue
        key = override.get_key_element()
        value = override.value()
        if override.is_sweep_override():
            values = text.partition("=")[2]
            is_range = override.is_interval_sweep() and key.startswith("stimuli.")
            advice = _ADVICE_ON_RANGE.format(key=key) if is_range else ""
            advice = advice or _advice_on_several_values(key, values, composer.can_sweep)
            yield f"{text}: {advice}"
        elif isinstance(value, dict) and text.startswith("+"):
            continue  # a node that is written out, in the place of an option
        elif not (isinstance(value, str) or override.is_delete()) and composer.is_choice(text):
            yield explain_choice(text, key, value, composer)


def _advice_on_several_values(key: str, values: str, can_sweep: bool) -> str:
    """Return how several values are written where none are swept."""
    as_list = ""
    if key.startswith("stimuli."):
        shown = "..." if "(" in values else values
        as_list = f"'{key}=[{shown}]'"
    if can_sweep:
        alternative = f"or a list, {as_list}" if as_list else "to sweep"
        return f"several values need --multirun (-m), {alternative}"
    if key == "stimuli":
        return "a batch file lists its stimuli itself"
    if as_list:
        return f"several values are a list, {as_list}"
    return "a batch file is one dataset; to sweep this use sensoryforge run -m"


def explain_override(text: str, error: Exception, config: DictConfig, composer: Composer) -> str:
    """Return the line for an override that Hydra cannot compose.

    Parameters
    ----------
    text
        The override.
    error
        What Hydra raised for it.
    config
        What is composed without it.
    composer
        Knows the options.
    """
    from hydra.errors import MissingConfigException, OverrideParseException
    from yaml import YAMLError

    key = text.partition("=")[0]
    # A choice that is added, or that has no such place, is wrong by itself; others by their file.
    is_placed_choice = key in config.hydra.runtime.choices
    if isinstance(error, OverrideParseException):
        return explain_unreadable(text)
    if isinstance(error, YAMLError):
        return explain_failure(error)
    if is_placed_choice:
        of_file = explain_option_file(text, composer)
        if of_file is not None:
            return of_file
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        return composer.no_such_option(key, group, name)
    name = key.lstrip("+~")
    if text.startswith("+") and not text.startswith("++") and _is_there(name, config):
        return f"{text}: {name} is there already; write {text.lstrip('+')}"
    if "@" in name:
        choices = sorted(str(choice) for choice in config.hydra.runtime.choices)
        placed = [choice for choice in choices if "@" in choice]
        return f"{key}: no such choice, known are {list_names(placed)}{suggest(name, placed)}"
    if is_placed_choice:
        return f"{text}: {one_line(error)}"
    return (
        explain_piece(name, text, composer)
        or explain_unknown_key(name, config, text)
        or explain_shape(name, text, config, composer)
        or f"{text}: {one_line(error)}"
    )


def _is_there(name: str, config: DictConfig) -> bool:
    """Tell whether a key has a value, or a group an option, in a composed configuration."""
    from omegaconf import OmegaConf

    if name in config.hydra.runtime.choices:
        return True
    return OmegaConf.select(config, name, throw_on_missing=False) is not None


def explain_unreadable(text: str) -> str:
    """Return the line for an override that does not parse: what is wrong in it, and what works."""
    key, equals, value = text.partition("=")
    line = f"{text}: cannot be read as key=value"
    if text in ("=", ",") or not key or key != key.strip():
        return f"{line}; no spaces around = and after commas"
    if not equals and key.endswith((".yml", ".yaml")):
        return f"{line}; to run a batch file write sensoryforge batch {key}"
    if not equals:
        return f"{line}; a key needs a value, and = and commas no spaces around them"
    if value.endswith(","):
        return f"{line}; a value is missing after the last comma, no spaces after commas"
    if value[:1] in ("[", "{", "(") or "(" in value:
        return f"{line}; an expression with ( , : = needs quotes inside those of the shell"
    letter = _first_that_needs_quotes(value)
    if letter is None:
        return f"{line}; ( , : = and spaces need quotes inside those of the shell"
    return f"{line}; {letter!r} needs quotes, write {format_override(key, value)}"


def _first_that_needs_quotes(value: str) -> str | None:
    """Return the first letter of a value that Hydra does not read without quotes."""
    for letter in value:
        if _UNQUOTED.fullmatch(letter) is None:
            return letter
    return None


def explain_unresolved(error: OmegaConfBaseException) -> str:
    """Return the line for a value with ``${...}`` in it that stands for nothing."""
    first_line = str(error).splitlines()[0]
    reason = _OMEGACONF_PREFIX.sub("", first_line).strip('"')
    reason = reason[:1].lower() + reason[1:]
    got = format_value(value_as_written(error))
    allowed = "allowed is a value, or another key's as in ${pipeline.seed}"
    return f"{error.full_key}: got {got} ({reason}); {allowed}"


def explain_failure(error: Exception) -> str:
    """Return the line for what kept Hydra from composing; of a YAML file, what is wrong in it."""
    path = _file_of(error)
    if path is not None:
        try:
            read_yaml(path)  # its message says more than Hydra's
        except ConfigError as of_file:
            return str(of_file)
    return one_line(error)


def is_in_another_file(error: Exception) -> bool:
    """Tell whether an error is in an option's file, which its message names."""
    return _file_of(error) is not None


def _file_of(error: Exception) -> Path | None:
    """Return the YAML file that an error is in; None for any other error."""
    mark = getattr(error, "problem_mark", None)
    name = getattr(mark, "name", None)
    return None if name is None else Path(name)


def one_line(error: BaseException) -> str:
    """Return an error's message, and its cause's, as one line."""
    texts = [str(error)]
    if error.__cause__ is not None:
        texts.append(str(error.__cause__))
    return " ".join(" ".join(texts).split())
