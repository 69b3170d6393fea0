"""Held from the first sample to the last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sensoryforge.core.numerics import namespace
from sensoryforge.core.types import Floats
from sensoryforge.stimuli.profiles.profile import Profile
from sensoryforge.stimuli.ranges import Allowed


class Hold(Profile):
    """The whole amplitude, all the time; what a shape without a profile has.

    Examples
    --------
    >>> import numpy as np
    >>> Hold({}).height(np.arange(3.0), duration_ms=3.0).tolist()
    [[1.0, 1.0, 1.0]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {}

    def height(self, t_ms: Floats, duration_ms: float) -> Floats:
        """Return ones, ``[1, T]``."""
        ones: Floats = namespace(t_ms).ones_like(t_ms)[None]
        return ones
