"""What is made of a dataset: selections, measures, tables, pictures, and shapes of other libraries.

`load` opens a dataset as `Results`; ``plots`` draws it, ``exports`` hands it to other libraries. A
public name is imported when it is first used (PEP 562): ``import sensoryforge.analysis`` loads
neither torch nor pandas.

Examples
--------
>>> import sensoryforge.analysis
>>> sensoryforge.analysis.load(results.directory).populations
('sa', 'ra')
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sensoryforge.core.lazy import import_public

if TYPE_CHECKING:
    from sensoryforge.analysis import exports as exports
    from sensoryforge.analysis import plots as plots
    from sensoryforge.analysis.results import Results as Results
    from sensoryforge.analysis.results import load as load

_MODULES = {"Results": "results", "load": "results"}
"""Public name -> the module of this package that defines it."""
_PACKAGES = ("exports", "plots")

__all__ = ["Results", "exports", "load", "plots"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name in _PACKAGES:
        return import_module(f"{__name__}.{name}")
    return import_public(__name__, _MODULES, name)


def __dir__() -> list[str]:
    """Return the public names, those that are not imported yet included."""
    return sorted({*globals(), *__all__})
