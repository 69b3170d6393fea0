"""Which classes a configuration may name: ours, those of modules the user trusts, and those that are loaded already.

A ``_target_`` in a file makes Python import a module, and importing runs it. A file that comes from somebody else must
not decide that, so permission never comes from a configuration: it is the environment variable ``SENSORYFORGE_TRUST``
(module names, separated by commas), which ``sensoryforge batch --trust MODULE`` adds to. A module that the running
program has imported itself needs none: naming its class runs nothing new.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType
from typing import TypeVar

from sensoryforge.errors import USERS_FAILURES, ConfigError, failure, suggest

VARIABLE = "SENSORYFORGE_TRUST"
OURS = ("sensoryforge",)
_T = TypeVar("_T")


def trust(modules: Iterable[str]) -> None:
    """Trust modules and what lies below them, in this process and those that it starts."""
    os.environ[VARIABLE] = ",".join(dict.fromkeys([*_trusted(), *modules]))


def allows(module: str, ours: Iterable[str] = OURS) -> bool:
    """Tell whether a module may be imported because a configuration names it."""
    return any(module == name or module.startswith(f"{name}.") for name in (*ours, *_trusted()))


def refusal(module: str) -> str:
    """Return why a module is not imported, and how to allow it."""
    top = module.partition(".")[0]
    return (
        f"which is not of SensoryForge, and importing '{module}' runs its code; if you trust it, set "
        f"{VARIABLE}={top}, or use sensoryforge batch --trust {top}"
    )


def locate(target: object, kind: str, base: type[_T]) -> type[_T]:
    """Return the class at a dotted path, a subclass of ``base``; ``kind`` names what is wanted in messages.

    Raises ConfigError, without the key: ``got 'x.Y', ...``.
    """
    path = str(target)
    module_name, _, name = path.rpartition(".")
    if not module_name or not all(part.isidentifier() for part in path.split(".")):
        raise ConfigError(f"got {target!r}, allowed is the dotted path of {kind}")
    found = vars(_imported(path, module_name))
    wanted = found.get(name)
    if not (isinstance(wanted, type) and issubclass(wanted, base)):
        hint = "" if name in found else suggest(name, found)
        raise ConfigError(f"got {target!r}, allowed is the dotted path of {kind}{hint}")
    return wanted


def _imported(target: str, name: str) -> ModuleType:
    """Return a module, imported if that is allowed."""
    if name in sys.modules:
        return sys.modules[name]
    if not allows(name):
        raise ConfigError(f"got {target!r}, {refusal(name)}")
    try:
        return import_module(name)
    except USERS_FAILURES as error:
        said = str(error) if isinstance(error, ImportError) else failure(error)
        raise ConfigError(f"got {target!r}, which cannot be imported ({' '.join(said.split())})") from error


def _trusted() -> list[str]:
    return [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
