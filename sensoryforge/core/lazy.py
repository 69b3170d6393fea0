"""Public names of a package that are imported when they are first used (PEP 562).

So ``import sensoryforge`` takes no time, and ``--help`` waits neither for torch nor for Hydra.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any


def import_public(package: str, homes: Mapping[str, str], name: str) -> Any:
    """Return a public name of a package, imported from its home; the package then keeps it.

    Parameters
    ----------
    package
        The package's ``__name__``.
    homes
        Public name -> the module that defines it, relative to the package.
    name
        The name that is asked for.

    Raises
    ------
    AttributeError
        For a name without a home.

    Examples
    --------
    >>> suggest = import_public("sensoryforge.core", {"suggest": "messages"}, "suggest")
    >>> suggest("amplitud", ["amplitude"])
    "; did you mean 'amplitude'?"
    """
    if name not in homes:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    value = getattr(import_module(f"{package}.{homes[name]}"), name)
    setattr(sys.modules[package], name, value)
    return value
