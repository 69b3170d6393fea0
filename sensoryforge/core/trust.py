"""Which classes a configuration may name.

They are ours, those of modules that the user trusts, and those of modules that are loaded already.

A ``_target_`` in a file makes Python import a module, and importing runs it. A file that comes from
somebody else must not decide that, so permission never comes from a configuration: it is the
environment variable ``SENSORYFORGE_TRUST`` (module names, separated by commas), which the option
``--trust MODULE`` of the commands adds to. A module that the running program has imported itself
needs none: naming its class runs nothing new.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import USERS_FAILURES, describe_failure, suggest
from sensoryforge.core.old_names import today

VARIABLE = "SENSORYFORGE_TRUST"
OURS = ("sensoryforge",)
_TARGETS = re.compile(r"""^\s*_target_:\s*["']?([\w.]+)""", re.MULTILINE)
_T = TypeVar("_T")


def trust(modules: Iterable[str]) -> None:
    """Trust modules and what lies below them, in this process and those that it starts."""
    names = [*_trusted(), *modules]
    os.environ[VARIABLE] = ",".join(dict.fromkeys(names))


def trust_folder(folder: Path) -> None:
    """Trust the modules that the options in a folder name, since the folder is the user's own.

    A module may lie beside the folder: its parent joins the places that Python imports from.

    Parameters
    ----------
    folder
        A folder of options, ``GROUP/OPTION.yaml``, that the user named on the command line.
    """
    modules: list[str] = []
    for path in sorted(folder.glob("*/*.yaml")):
        text = path.read_text(encoding="utf-8", errors="replace")
        for target in _TARGETS.findall(text):
            module = target.rpartition(".")[0]
            if module and not allows(module):
                modules.append(module)
    if modules:
        trust(modules)
        sys.path.append(str(folder.resolve().parent))


def allows(module: str, ours: Iterable[str] = OURS) -> bool:
    """Tell whether a module may be imported because a configuration names it.

    Parameters
    ----------
    module
        Dotted path of the module.
    ours
        Modules that need no permission, with what lies below them.

    Examples
    --------
    >>> allows("sensoryforge.stimuli"), allows("somebody.elses")
    (True, False)
    """
    allowed = (*ours, *_trusted())
    return any(module == name or module.startswith(f"{name}.") for name in allowed)


def explain_refusal(module: str) -> str:
    """Return why a module is not imported, and how to allow it."""
    top = module.partition(".")[0]
    return (
        f"which is not of SensoryForge, and importing '{module}' runs its code; "
        f"if you trust it, set {VARIABLE}={top}, or use --trust {top}"
    )


def locate(target: object, kind: str, base: type[_T]) -> type[_T]:
    """Return the class at a dotted path.

    A name that the class had in an earlier version is taken for today's.

    Parameters
    ----------
    target
        What a configuration has under ``_target_``.
    kind
        What is wanted, for messages: ``a class of decoder``.
    base
        The class must be a subclass of this one.

    Raises
    ------
    ConfigError
        Where there is no such class, or it is not trusted. The message lacks the key, which the
        caller puts before it: ``got 'x.Y', ...``.

    Examples
    --------
    >>> locate("sensoryforge.core.errors.StorageError", "an error", Exception).__name__
    'StorageError'
    """
    path = today(str(target))
    module_name, _, name = path.rpartition(".")
    is_dotted_path = all(part.isidentifier() for part in path.split("."))
    if not module_name or not is_dotted_path:
        raise ConfigError(f"got {target!r}, allowed is the dotted path of {kind}")
    module = _import_trusted(path, module_name)
    member = _member(module, name)
    if isinstance(member, type) and issubclass(member, base):
        return member
    names = dir(module)
    hint = "" if name in names else suggest(name, names)
    raise ConfigError(f"got {target!r}, allowed is the dotted path of {kind}{hint}")


def _import_trusted(target: str, name: str) -> ModuleType:
    """Return a module, imported if that is allowed; ``target`` is what the message names."""
    if name in sys.modules:
        return sys.modules[name]
    if not allows(name):
        raise ConfigError(f"got {target!r}, {explain_refusal(name)}")
    here = str(Path.cwd())
    if here not in sys.path:  # as with python -m, also for the command sensoryforge
        sys.path.append(here)
    try:
        return import_module(name)
    except USERS_FAILURES as error:
        reason = str(error) if isinstance(error, ImportError) else describe_failure(error)
        on_one_line = " ".join(reason.split())
        raise ConfigError(f"got {target!r}, which cannot be imported ({on_one_line})") from error


def _member(module: ModuleType, name: str) -> object:
    """Return what a module holds under a name, or None.

    A package may import its public names when they are first used (PEP 562), which runs code: this
    is asked only of modules that may be imported, of any other what is there already counts.
    """
    if allows(module.__name__):
        return getattr(module, name, None)
    return vars(module).get(name)


def _trusted() -> list[str]:
    names = os.environ.get(VARIABLE, "").split(",")
    return [name.strip() for name in names if name.strip()]
