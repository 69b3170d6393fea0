"""Stimuli that do not separate, and are a few stills blended over time."""

from __future__ import annotations

from typing import ClassVar

from sensoryforge.core.numerics import namespace
from sensoryforge.core.types import Floats, Frames, Positions
from sensoryforge.stimuli.base import Stimulus
from sensoryforge.stimuli.blend import Blend, blend_of_factors, blend_of_frames


class BlendedStimulus(Stimulus):
    """A stimulus whose pressure is a blend of stills, told condition by condition.

    A subclass has ``blend`` instead of ``frames``. The stills are pooled, not the samples, so that
    it costs little more than a stimulus at rest.
    """

    separable: ClassVar[bool] = False

    def blend(self, condition: int, xy: Positions, t_ms: Floats, duration_ms: float) -> Blend:
        """Return the pressure of one condition.

        Parameters
        ----------
        condition
            Which condition.
        xy
            Receptors, ``[R, 2]`` in mm.
        t_ms
            When each sample starts, ``[T]``.
        duration_ms
            How long the stimulus is.
        """
        raise NotImplementedError(f"{type(self).__name__} has no blend")

    def frames(self, xy: Positions, t_ms: Floats, duration_ms: float) -> Frames:
        """Return the pressure ``[C, T, R]``: each blend at all samples."""
        pressed = []
        for condition in range(self.count):
            pressed.append(self.blend(condition, xy, t_ms, duration_ms).frames())
        frames: Frames = namespace(xy).stack(pressed)
        return frames


def blend_of(stimulus: Stimulus, xy: Positions, t_ms: Floats, duration_ms: float) -> Blend:
    """Return the pressure of a stimulus of any kind, of a single condition, as a blend.

    Examples
    --------
    >>> import numpy as np
    >>> from sensoryforge.stimuli import Gaussian
    >>> values = {"amplitude": 30.0, "sigma": 1.0, "center_x": 0.0, "center_y": 0.0}
    >>> press = Gaussian({name: np.array([value]) for name, value in values.items()})
    >>> blend_of(press, np.zeros((1, 2)), np.arange(2.0), duration_ms=2.0).frames().tolist()
    [[30.0], [30.0]]
    """
    if isinstance(stimulus, BlendedStimulus):
        return stimulus.blend(0, xy, t_ms, duration_ms)
    if stimulus.separable:
        space = stimulus.space(xy)
        time = stimulus.time(t_ms, duration_ms)
        return blend_of_factors(space[0], time[0])
    return blend_of_frames(stimulus.frames(xy, t_ms, duration_ms)[0])
