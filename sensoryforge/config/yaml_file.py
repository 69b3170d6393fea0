"""YAML files read without harm: no tag makes an object, and aliases make no small file large."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from sensoryforge.config.sources import SECTIONS
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names, suggest

SUFFIXES = (".yml", ".yaml")
MAX_DEPTH = 40
"""Levels of nesting that a file may have."""
MAX_VALUES = 2_000_000
"""Values that a file may have, those that aliases repeat counted each time."""
_INT = re.compile(r"[-+]?(0b[01_]+|0x[\da-fA-F_]+|0[0-7_]*|[1-9][\d_]*)\Z")
_FLOAT = re.compile(
    r"([-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z"
)
_NUMBERS = {"tag:yaml.org,2002:int": _INT, "tag:yaml.org,2002:float": _FLOAT}
_REPLACED = (*_NUMBERS, "tag:yaml.org,2002:timestamp")
# What PyYAML lets through of the errors that Python raises for odd scalars, and for deep nesting.
_STRAY_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises ConfigError, with the file and what is wrong in one line.
    """
    values = _load(path)
    if values is None:
        advice = "it needs at least stimuli, 'sensoryforge init' writes an example"
        raise ConfigError(f"{path}: empty; {advice}")
    if not isinstance(values, dict):
        allowed = f"a mapping with {list_names(SECTIONS)}"
        raise ConfigError(f"{path}: holds {type(values).__name__}, not {allowed}")
    return values


def _load(path: Path) -> Any:
    """Return what a YAML file holds."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        _refuse_deep(text)
        values = yaml.load(text, Loader=_loader())
        _refuse_large(values)
    except FileNotFoundError:
        siblings = [file.name for file in path.parent.glob("*") if file.suffix in SUFFIXES]
        raise ConfigError(f"{path}: no such file{suggest(path.name, siblings)}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: a directory, not a batch file") from None
    except (UnicodeDecodeError, yaml.reader.ReaderError):
        raise ConfigError(f"{path}: not a text file") from None
    except OSError as error:
        if path.is_dir():  # Windows has no error of its own for a directory that is read
            raise ConfigError(f"{path}: a directory, not a batch file") from None
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, *_STRAY_ERRORS) as error:
        raise ConfigError(f"{path}: not valid YAML: {_describe(error)}") from error
    return values


def _refuse_deep(text: str) -> None:
    """Raise YAMLError for a text that is nested too deep.

    It is looked at before it is loaded: the quick loader recurses in C, and ends the process where
    its stack does.
    """
    import yaml

    depth = 0
    for event in _events(text):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            mark: Any = event.start_mark
            problem = f"nested deeper than {MAX_DEPTH}"
            raise yaml.constructor.ConstructorError(problem=problem, problem_mark=mark)


def _events(text: str) -> Iterator[Any]:
    """Yield what a text consists of. Some versions of PyYAML look ahead, and refuse depth first."""
    import yaml

    try:
        yield from yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        if "maximum nesting depth" in str(error.problem):
            error.problem = f"nested deeper than {MAX_DEPTH}"
        raise


def _refuse_large(values: Any) -> None:
    """Raise ValueError for values that are too many once aliases are copied.

    An alias shares its value, so that every container is counted once and its size remembered.
    """
    sizes: dict[int, int] = {}

    def size_of(value: Any) -> int:
        if not isinstance(value, dict | list):
            return 1
        if id(value) not in sizes:
            sizes[id(value)] = 1  # until it is known: an alias may stand within its own value
            items = value.values() if isinstance(value, dict) else value
            sizes[id(value)] = 1 + sum(map(size_of, items))
        return sizes[id(value)]

    if size_of(values) > MAX_VALUES:
        raise ValueError(f"more than {MAX_VALUES} values")


def _loader() -> Any:
    """Return a quick YAML loader.

    It reads 1e-3 as a number, 1:30 and dates as text, and refuses a key that is given twice.
    """
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
            letter: [resolver for resolver in resolvers if resolver[0] not in _REPLACED]
            for letter, resolvers in base.yaml_implicit_resolvers.items()
        }

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen: set[str] = set()
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise yaml.constructor.ConstructorError(
                        problem="a key is no name", problem_mark=key.start_mark
                    )
                is_merge = key.tag == "tag:yaml.org,2002:merge"
                if key.value in seen and not is_merge:
                    raise yaml.constructor.ConstructorError(
                        problem=_describe_repeated_key(key.value, node.flow_style),
                        problem_mark=key.start_mark,
                    )
                seen.add(key.value)
            return super().construct_mapping(node, deep=deep)

    for tag, pattern in _NUMBERS.items():
        Loader.add_implicit_resolver(tag, pattern, list("-+0123456789."))
    return Loader


def _describe_repeated_key(key: str, in_braces: bool) -> str:
    """Return what is wrong with a key that stands twice in a mapping."""
    line = f"key {key!r} given twice"
    if in_braces:
        line += "; in braces an expression with a comma is cut there, give it its own line"
    return line


def _describe(error: Any) -> str:
    """Return what YAML complains about, with the line."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or error
    said = " ".join(str(problem).split())
    if mark is None:
        return said
    return f"line {mark.line + 1}, column {mark.column + 1}: {said}"
