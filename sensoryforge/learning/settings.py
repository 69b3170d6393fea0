"""The settings of a training, the keys of ``conf/train.yaml``: what each may hold.

Default, unit and meaning of a key stand in that file, its range stands here. What depends on the
dataset (which parameters and populations there are, which splits leave something to train on) is
checked once it is open.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from sensoryforge.config import rules
from sensoryforge.config.rules import Rule
from sensoryforge.core import trust
from sensoryforge.core.devices import device_problems
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import unknown_key
from sensoryforge.core.values import is_number, is_whole

TASKS = ("auto", "classification", "regression")
_TARGET = "_target_"
_MISSING = "???"
"""How Hydra writes a key that has no default."""


def _is_directory_name(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_data(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_directory_name(name) for name in value)
    return _is_directory_name(value)


def _is_target(value: object) -> bool:
    return isinstance(value, str | list)


def _is_list_or_null(value: object) -> bool:
    return value is None or isinstance(value, list)


def _is_mapping_or_null(value: object) -> bool:
    return value is None or isinstance(value, dict)


def _is_resume(value: object) -> bool:
    return value is None or isinstance(value, bool) or _is_directory_name(value)


def _is_number_or_null(value: object) -> bool:
    return value is None or is_number(value)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_anything(value: object) -> bool:
    return True


def _is_positive(value: object) -> bool:
    return is_number(value) and value > 0


def _is_positive_whole(value: object) -> bool:
    return is_whole(value) and value > 0


_ANYTHING = Rule(_is_anything, "is anything")

RULES: dict[str, Rule] = {
    "data": Rule(_is_data, "is the directory of a dataset, or a list of them"),
    "target": Rule(_is_target, "is a parameter, type, or a list of them"),
    "task": rules.one_of(*TASKS),
    "populations": Rule(_is_list_or_null, "is null or a list of names"),
    "where": Rule(_is_mapping_or_null, "is a mapping"),
    "bin_ms": Rule(_is_number_or_null, "is null or a number ({unit})"),
    "split": _ANYTHING,  # a mapping has parameters of the dataset, which is not open yet
    "fractions": Rule(_is_list, "is a list of three numbers"),
    "seed": rules.whole(0, 2**63 - 1),
    "batch_size": rules.whole(2),  # batch normalisation needs two
    "num_workers": rules.whole(0),
    "max_epochs": rules.whole(1),
    "patience": rules.whole(1),
    "device": rules.PIPELINE["device"],
    "num_threads": rules.whole(1, 4096),
    "resume": Rule(_is_resume, "is null, true, or the directory of a training"),
    "overwrite": rules.FLAG,
    "decoder": rules.BLOCK,
    "logger": Rule(_is_mapping_or_null, "is null or loggers by name"),
}
"""What each key of ``conf/train.yaml`` may hold."""

OPTIMISER_RULES: dict[str, Rule] = {
    "learning_rate": rules.number("a number > 0", 0, strict=True),
    "weight_decay": rules.number("a number >= 0", 0),
}
"""The keys of a decoder's block that are for the optimiser, not for its class."""


def check_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a training, if each keeps its rule.

    Parameters
    ----------
    settings
        Every key of ``conf/train.yaml``, in plain containers.

    Raises
    ------
    ConfigError
        With a line for each setting that is wrong.

    Examples
    --------
    >>> from sensoryforge.core.errors import ConfigError
    >>> try:
    ...     check_settings({key: None for key in RULES if key != "data"})
    ... except ConfigError as error:
    ...     print(error.problems[0])
    data: missing, allowed is the directory of a dataset, or a list of them
    """
    problems: list[str] = []
    given = {key: value for key, value in settings.items() if value != _MISSING}
    values = rules.read("", given, RULES, problems, "train.yaml")
    problems = [line.removeprefix(".") for line in problems]
    problems += device_problems(values.get("device", "auto"), "device")
    if "decoder" in values:
        problems += decoder_problems(values["decoder"])
    if values.get("logger"):
        from sensoryforge.learning.loggers import logger_problems

        problems += logger_problems(values["logger"])
    if problems:
        raise ConfigError(problems)
    return values


def decoder_problems(decoder: Mapping[str, Any]) -> list[str]:
    """Return a line for each option that the class of a decoder does not take."""
    try:
        decoder_class = locate_decoder(decoder)
    except ConfigError as error:
        return [f"decoder.{_TARGET}: {error}"]
    option_rules = {**_option_rules(decoder_class), **OPTIMISER_RULES}
    known = list(option_rules)
    problems = []
    for key in decoder:
        if key != _TARGET and key not in known:
            problems.append(unknown_key("decoder", key, known))
    for key, rule in option_rules.items():
        if key in decoder and not rule.allows(decoder[key]):
            problems.append(rule.problem(f"decoder.{key}", decoder[key]))
    return problems


def locate_decoder(decoder: Mapping[str, Any]) -> Any:
    """Return the class that a decoder's block names.

    Raises
    ------
    ConfigError
        Where there is no such class, or its module is not trusted.
    """
    from torch import nn

    return trust.locate(decoder.get(_TARGET), "a class of decoder", nn.Module)


def class_options(decoder: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options in a decoder's block that are for its class."""
    fixed = (_TARGET, *OPTIMISER_RULES)
    return {key: value for key, value in decoder.items() if key not in fixed}


def full_options(decoder: Mapping[str, Any]) -> dict[str, Any]:
    """Return every option of a decoder's class: those in its block, else the class's defaults."""
    options = {}
    for name, option in inspect.signature(locate_decoder(decoder)).parameters.items():
        has_default = option.default is not inspect.Parameter.empty
        if option.kind is inspect.Parameter.KEYWORD_ONLY and has_default:
            options[name] = option.default
    return options | class_options(decoder)


def optimiser_options(decoder: Mapping[str, Any]) -> dict[str, float]:
    """Return the options in a decoder's block that are for the optimiser."""
    return {key: decoder[key] for key in OPTIMISER_RULES if key in decoder}


def _option_rules(decoder_class: type) -> dict[str, Rule]:
    """Return a rule for each option of a decoder's class: what it takes by keyword alone."""
    option_rules = {}
    for name, option in inspect.signature(decoder_class).parameters.items():
        if option.kind is inspect.Parameter.KEYWORD_ONLY:
            option_rules[name] = _rule_like(option.default)
    return option_rules


def _rule_like(default: object) -> Rule:
    """Return the rule of an option with some default: positive, where that is a number."""
    if is_whole(default):
        return Rule(_is_positive_whole, "is a whole number > 0")
    if is_number(default):
        return Rule(_is_positive, "is a number > 0")
    return _ANYTHING
