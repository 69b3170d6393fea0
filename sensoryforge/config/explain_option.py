"""What is wrong in the file of an option that is there, and that Hydra cannot compose."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sensoryforge.config.composer import Composer, hydra_errors
from sensoryforge.config.overrides import key_of
from sensoryforge.config.yaml_file import read_yaml
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import suggest

_BESIDE_THE_REASON = re.compile(r"In '[^']*': |\w+ raised while composing config: ")
"""What Hydra says of its own ways, before it says what is wrong."""
_TWICE = re.compile(r"Multiple values for (\S+?)\. To override a value use 'override (\S+): (\S+)'")
_NOT_CHOSEN = re.compile(r"Could not override '(\S+?)'\. No match in the defaults list\.")


def explain_option_file(text: str, composer: Composer) -> str | None:
    """Return the line for an option whose own file cannot be composed.

    Parameters
    ----------
    text
        The override that chooses it, which Hydra refused.
    composer
        Knows the options.

    Returns
    -------
    str or None
        The file and what is wrong in it; None where the mistake is in the override.
    """
    group = key_of(text).partition("@")[0]
    name = text.partition("=")[2]
    if name not in composer.options(group):
        return None
    path = composer.option_file(group, name)
    if path is None:
        return None
    try:
        composer.load([text])
    except hydra_errors(ValueError) as error:
        return _explain(path, error, composer)
    return None  # it composes by itself: something else is in its way


def _explain(path: Path, error: Exception, composer: Composer) -> str:
    """Return the line for the file of an option that Hydra refuses."""
    from hydra.errors import MissingConfigException

    try:
        read_yaml(path)  # its message says more than Hydra's
    except ConfigError as of_file:
        return str(of_file)
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        return f"{path}: {composer.no_such_option(group, group, name)}"
    return f"{path}: {_reason(error, composer)}"


def _reason(error: Exception, composer: Composer) -> str:
    """Return why Hydra refuses, with the spelling that works where there is one."""
    reason = _BESIDE_THE_REASON.sub("", " ".join(str(error).split()))
    twice = _TWICE.search(reason)
    if twice:
        return f"defaults: {twice[1]} is chosen already; write override /{twice[1]}: {twice[3]}"
    not_chosen = _NOT_CHOSEN.search(reason)
    if not_chosen:
        chosen: Any = composer.load().hydra.runtime.choices
        hint = suggest(not_chosen[1], [str(key) for key in chosen])
        return f"defaults: no {not_chosen[1]} is chosen that could be overridden{hint}"
    return reason[:1].lower() + reason[1:]
