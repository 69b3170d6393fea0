"""Objects from configurations: a mapping becomes an instance of the class in ``_target_``."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any, TypeVar

from sensoryforge.core import trust
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import USERS_FAILURES, describe_failure, unknown_key

TARGET = "_target_"
_T = TypeVar("_T")


def make_instance(where: str, mapping: Mapping[str, Any], kind: str, base: type[_T]) -> _T:
    """Return an instance of the class that ``_target_`` names, made with the other keys.

    Parameters
    ----------
    where
        Key of the mapping in the configuration, for messages.
    mapping
        ``_target_`` and a value for each parameter of the class: its fields, where it is a
        dataclass.
    kind
        What is wanted, in words, such as "a class of innervation".
    base
        The class that it must be a subclass of.

    Raises
    ------
    ConfigError
        With a line for each problem: a class that is not there or not trusted, keys that it does
        not know, parameters that are missing, values that it refuses.

    Examples
    --------
    >>> from sensoryforge.skin.layouts import Layout
    >>> make_instance("layout", {"_target_": "sensoryforge.skin.layouts.Even"}, "a layout", Layout)
    Even()
    """
    try:
        cls = trust.locate(mapping.get(TARGET), kind, base)
    except ConfigError as error:
        raise ConfigError(f"{where}.{TARGET}: {error}") from error
    arguments = {str(key): value for key, value in mapping.items() if key != TARGET}
    problems = _argument_problems(where, arguments, _parameters(cls))
    if problems:
        raise ConfigError(problems)
    try:
        return cls(**arguments)
    except ConfigError as error:
        raise ConfigError(f"{where}.{line}" for line in error.problems) from error
    except USERS_FAILURES as error:
        failure = describe_failure(error)
        raise ConfigError(f"{where}: {cls.__name__} cannot be made, {failure}") from error


def _parameters(cls: type) -> dict[str, Parameter]:
    """Return what a class is made with, by name."""
    named = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    parameters = signature(cls).parameters
    return {name: one for name, one in parameters.items() if one.kind in named}


def _argument_problems(
    where: str, arguments: Mapping[str, Any], parameters: Mapping[str, Parameter]
) -> list[str]:
    """Return a line for each argument that is unknown, then for each parameter that is missing."""
    names = list(parameters)
    problems = [unknown_key(where, key, names) for key in arguments if key not in parameters]
    for name, parameter in parameters.items():
        if name not in arguments and parameter.default is Parameter.empty:
            problems.append(f"{where}.{name}: missing")
    return problems
