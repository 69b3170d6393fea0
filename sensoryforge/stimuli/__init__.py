"""Stimuli: one family a file; a configuration names the class in ``_target_``."""

from __future__ import annotations

from sensoryforge import trust
from sensoryforge.errors import ConfigError
from sensoryforge.stimuli.base import Range, Stimulus

__all__ = ["Range", "Stimulus", "stimulus_class"]


def stimulus_class(target: str) -> type[Stimulus]:
    """Return the Stimulus subclass at a dotted path; raises ConfigError where there is none, or it is not trusted."""
    try:
        return trust.locate(target, "a Stimulus class", Stimulus)
    except ConfigError as error:
        raise ConfigError(f"_target_: {error}") from error.__cause__
