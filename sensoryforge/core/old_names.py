"""Names that classes had in earlier versions, for configurations that were stored then.

A dataset keeps its configuration, and the configuration names classes in ``_target_``. When a class
moves, its old name is added here, so that datasets written before still load, draw and resume, and
YAML files of users go on working.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OLD_NAMES: Mapping[str, str] = {
    # 0.1.0
    "sensoryforge.innervation.GaussianInnervation": "sensoryforge.skin.innervation.Gaussian",
    "sensoryforge.stimuli.gaussian.Gaussian": "sensoryforge.stimuli.Gaussian",
    "sensoryforge.stimuli.step.Step": "sensoryforge.stimuli.Step",
    "sensoryforge.stimuli.ramp.Ramp": "sensoryforge.stimuli.Ramp",
    "sensoryforge.stimuli.grating.Grating": "sensoryforge.stimuli.Grating",
    "sensoryforge.lightning.decoders.LinearDecoder": "sensoryforge.learning.LinearDecoder",
    "sensoryforge.lightning.decoders.ConvDecoder": "sensoryforge.learning.ConvDecoder",
    "sensoryforge.lightning.decoders.SpikingDecoder": "sensoryforge.learning.SpikingDecoder",
}
"""The dotted path of a class in an earlier version -> its path today."""


def today(path: str) -> str:
    """Return today's dotted path of a class.

    Examples
    --------
    >>> today("sensoryforge.innervation.GaussianInnervation")
    'sensoryforge.skin.innervation.Gaussian'
    >>> today("mine.Ring")
    'mine.Ring'
    """
    return OLD_NAMES.get(path, path)


def upgraded(config: Any) -> Any:
    """Return a stored configuration with today's names of classes; the one given stays as it is.

    Parameters
    ----------
    config
        Plain containers: a mapping, a list or a single value, as read from a dataset or a
        checkpoint.

    Examples
    --------
    >>> upgraded({"stimuli": [{"_target_": "sensoryforge.stimuli.step.Step", "type": "step"}]})
    {'stimuli': [{'_target_': 'sensoryforge.stimuli.Step', 'type': 'step'}]}
    """
    if isinstance(config, list):
        return [upgraded(item) for item in config]
    if not isinstance(config, Mapping):
        return config
    with_todays_names = {}
    for key, value in config.items():
        is_class = key == "_target_" and isinstance(value, str)
        with_todays_names[key] = today(value) if is_class else upgraded(value)
    return with_todays_names
