"""YAML files read without harm: no tag makes an object, and neither depth nor aliases make a small file large."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from sensoryforge.errors import ConfigError, listing, suggest

SECTIONS = ("pipeline", "neurons", "stimuli", "batch")
SUFFIXES = (".yml", ".yaml")
MAX_DEPTH = 40
"""Levels of nesting that a file may have."""
MAX_NODES = 2_000_000
"""Values that a file may have, those that aliases repeat counted each time."""
_INT = re.compile(r"[-+]?(0b[01_]+|0x[\da-fA-F_]+|0[0-7_]*|[1-9][\d_]*)\Z")
_FLOAT = re.compile(r"([-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_NUMBERS = {"tag:yaml.org,2002:int": _INT, "tag:yaml.org,2002:float": _FLOAT}
_REPLACED = (*_NUMBERS, "tag:yaml.org,2002:timestamp")


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file, or raise ConfigError in one line."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        bound(text)
        found = yaml.load(text, Loader=_loader())
    except FileNotFoundError:
        near = [str(each.name) for each in path.parent.glob("*") if each.suffix in SUFFIXES]
        raise ConfigError(f"{path}: no such file{suggest(path.name, near)}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: a directory, not a batch file") from None
    except (UnicodeDecodeError, yaml.reader.ReaderError):
        raise ConfigError(f"{path}: not a text file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {_yaml_problem(error)}") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:  # PyYAML lets these through
        raise ConfigError(f"{path}: not valid YAML: {_yaml_problem(error)}") from error
    if found is None:
        raise ConfigError(f"{path}: empty; it needs at least stimuli, 'sensoryforge init' writes an example")
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: holds {type(found).__name__}, not a mapping with {listing(SECTIONS)}")
    return found


def unreadable(folders: Iterable[str | Path]) -> Iterator[str]:
    """Yield a line for each option in folders of the user's that Hydra could not read, or not in reasonable time."""
    import yaml

    for path in (each for folder in folders for each in sorted(Path(folder).glob("*/*.yaml"))):
        try:
            text = path.read_text(encoding="utf-8")
            bound(text)
            yaml.load(text, Loader=_loader())
        except (OSError, ValueError, yaml.YAMLError) as error:
            yield f"{path}: not valid YAML: {_yaml_problem(error)}"


def bound(text: str) -> None:
    """Raise YAMLError for a text that would take long to read: too deep, or too large once aliases are copied."""
    import yaml

    sizes: dict[str, int] = {}
    opened: list[tuple[str | None, int]] = []
    size = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, start = opened.pop()
            sizes |= {anchor: size - start} if anchor else {}
            continue
        if isinstance(event, yaml.AliasEvent):
            size += sizes.get(str(event.anchor), 1)
        elif isinstance(event, yaml.NodeEvent):
            size += 1
        if isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, size))
        if len(opened) > MAX_DEPTH or size > MAX_NODES:
            what = f"nested deeper than {MAX_DEPTH}" if len(opened) > MAX_DEPTH else f"more than {MAX_NODES} values"
            raise yaml.MarkedYAMLError(problem=what, problem_mark=event.start_mark)  # type: ignore[arg-type]


def _loader() -> Any:
    """Return a quick YAML loader that reads 1e-3 as a number, 1:30 and dates as text, and refuses a key given twice."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
            first: [each for each in known if each[0] not in _REPLACED]
            for first, known in base.yaml_implicit_resolvers.items()
        }

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen: set[str] = set()
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise yaml.constructor.ConstructorError(problem="a key is no name", problem_mark=key.start_mark)
                if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                    cut = "; in braces an expression with a comma is cut there, give it its own line"
                    problem = f"key {key.value!r} given twice{cut if node.flow_style else ''}"
                    raise yaml.constructor.ConstructorError(problem=problem, problem_mark=key.start_mark)
                seen.add(key.value)
            return super().construct_mapping(node, deep=deep)

    for tag, pattern in _NUMBERS.items():
        Loader.add_implicit_resolver(tag, pattern, list("-+0123456789."))
    return Loader


def _yaml_problem(error: Any) -> str:
    """Return what YAML complains about, with the line."""
    mark = getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return place + " ".join(str(getattr(error, "problem", None) or error).split())
