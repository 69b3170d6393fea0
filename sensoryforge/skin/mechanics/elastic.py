"""Skin as an elastic half space: the mechanics that the fitted afferents are fitted under."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Floats
from sensoryforge.core.values import is_finite, is_number
from sensoryforge.skin.mechanics.base import Skin
from sensoryforge.skin.mechanics.contact import Pins, press
from sensoryforge.skin.mechanics.half_space import rate_weight, stress_weight


@dataclass(frozen=True)
class Elastic(Skin):
    """An elastic half space without friction or viscosity, under flat round pins.

    What is static is the vertical stress at the afferent. What is dynamic is the velocity of the
    surface above it, over the square of its depth; it spreads as a wave.

    Parameters
    ----------
    youngs_modulus_mpa
        Young's modulus E, above zero.
    poisson_ratio
        Poisson's ratio, above zero and at most 0.5, where nothing can be compressed.
    wave_speed
        How fast what is dynamic spreads, in mm/ms; infinite for no delay.
    glued
        Whether a rigid probe pulls where it is withdrawn beyond its rest, as in the recordings that
        afferents were fitted to; otherwise it lets go.

    Raises
    ------
    ConfigError
        Where a parameter is not allowed; all are named at once.

    References
    ----------
    Sneddon 1946, doi:10.1017/S0305004100022982: stress under a flat punch.
    Saal, Delhaye, Rayhaun, Bensmaia 2017, doi:10.1073/pnas.1704856114: the two components.
    Manfredi and others 2012, doi:10.1371/journal.pone.0031203: how fast waves run in the skin.

    Examples
    --------
    >>> skin = Elastic(youngs_modulus_mpa=0.05, poisson_ratio=0.4, wave_speed=8.0, glued=True)
    >>> probe = Pins(np.zeros((1, 2)), radius_mm=1.0)
    >>> static, _ = skin.weights(np.array([0.0]), depth_mm=0.3, radius_mm=1.0)
    >>> (static * skin.forces(np.array([1.0]), probe)).round(4).tolist()  # MPa under 1 mm
    [0.0203]
    """

    youngs_modulus_mpa: float
    poisson_ratio: float
    wave_speed: float
    glued: bool

    def __post_init__(self) -> None:
        problems = []
        glued: object = self.glued  # of a configuration, which may hold anything
        if not (is_finite(self.youngs_modulus_mpa) and self.youngs_modulus_mpa > 0):
            got = f"youngs_modulus_mpa: got {self.youngs_modulus_mpa!r}"
            problems.append(f"{got}, allowed is a number > 0 (MPa)")
        if not (is_finite(self.poisson_ratio) and 0 < self.poisson_ratio <= 0.5):
            got = f"poisson_ratio: got {self.poisson_ratio!r}"
            problems.append(f"{got}, allowed is a number > 0 and <= 0.5")
        is_speed = is_number(self.wave_speed) and 0 < self.wave_speed <= inf
        if not is_speed:
            got = f"wave_speed: got {self.wave_speed!r}"
            problems.append(f"{got}, allowed is a number > 0 or .inf (mm/ms)")
        if not isinstance(glued, bool):
            problems.append(f"glued: got {glued!r}, allowed are true, false")
        if problems:
            raise ConfigError(problems)

    @property
    def pulls(self) -> bool:
        """Whether a rigid probe is glued to the skin."""
        return self.glued

    def newton_per_mm(self, radius_mm: float) -> float:
        """Return the force on a lone pin for each mm of indentation, ``2 a E / (1 - nu^2)``.

        Examples
        --------
        >>> skin = Elastic(youngs_modulus_mpa=0.05, poisson_ratio=0.4, wave_speed=8.0, glued=True)
        >>> round(skin.newton_per_mm(0.5), 4)
        0.0595
        """
        return 2.0 * radius_mm * self.youngs_modulus_mpa / (1.0 - self.poisson_ratio**2)

    def forces(self, depths: Floats, pins: Pins) -> Floats:
        """Return the force on each pin, ``[n]`` in N, for depths in mm, ``[n]``."""
        return self.newton_per_mm(pins.radius_mm) * press(depths, pins)

    def weights(
        self, distance_mm: Floats, depth_mm: float, radius_mm: float
    ) -> tuple[Floats, Floats]:
        """Return what is felt of 1 N, in 1/mm^2, and of 1 N a unit of time, in 1/mm^3."""
        static = stress_weight(distance_mm, depth_mm, radius_mm)
        return static, rate_weight(distance_mm, depth_mm, radius_mm)

    def delay_ms(self, distance_mm: Floats, radius_mm: float) -> Floats:
        """Return how long a wave takes from the rim of a pin to afferents."""
        return np.maximum(distance_mm - radius_mm, 0.0) / self.wave_speed
