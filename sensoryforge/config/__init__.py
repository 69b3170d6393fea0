"""From YAML and overrides to a checked experiment.

The way of a configuration: options are found (``sources``), a batch file is read (``batch_file``,
``batch_config``), Hydra composes (``composer``), what it refuses is explained (``explain``), what
is composed is looked at (``composed``) and checked whole (``checks``, with ``rules``,
``populations`` and ``stimuli``). ``reading`` has the functions that do all of it. A sweep is
planned in ``sweep``; Hydra's private names stand in ``hydra_private``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensoryforge.config.reading import check as check
    from sensoryforge.config.reading import compose as compose
    from sensoryforge.config.reading import load_batch_file as load_batch_file
    from sensoryforge.config.reading import load_block as load_block

__all__ = ["check", "compose", "load_batch_file", "load_block"]


def __getattr__(name: str) -> Any:
    """Return a public name, imported when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sensoryforge.config import reading

    return getattr(reading, name)
