"""What presses on the skin, a file a type; a configuration names the class in ``_target_``."""

from __future__ import annotations

from sensoryforge.core import trust
from sensoryforge.core.errors import ConfigError
from sensoryforge.stimuli.base import DRIVE, LENGTH, PLACE, Range, Stimulus, footprint, steady
from sensoryforge.stimuli.cautions import Caution, Sheet
from sensoryforge.stimuli.gaussian import Gaussian
from sensoryforge.stimuli.grating import Grating
from sensoryforge.stimuli.ramp import Ramp
from sensoryforge.stimuli.step import Step

__all__ = [
    "DRIVE",
    "LENGTH",
    "PLACE",
    "Caution",
    "Gaussian",
    "Grating",
    "Ramp",
    "Range",
    "Sheet",
    "Step",
    "Stimulus",
    "footprint",
    "steady",
    "stimulus_class",
]


def stimulus_class(target: str) -> type[Stimulus]:
    """Return the class of stimulus at a dotted path.

    Parameters
    ----------
    target
        What an option has under ``_target_``.

    Raises
    ------
    ConfigError
        Where there is no such class, it is no Stimulus, or its module is not trusted.

    Examples
    --------
    >>> stimulus_class("sensoryforge.stimuli.Step").__name__
    'Step'
    """
    try:
        return trust.locate(target, "a Stimulus class", Stimulus)
    except ConfigError as error:
        raise ConfigError(f"_target_: {error}") from error.__cause__
