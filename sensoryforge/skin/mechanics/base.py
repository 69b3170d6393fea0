"""What a skin that deforms is: from how deep it is pressed in to what is felt at a depth.

A new kind of skin is a subclass with ``forces``, ``weights`` and ``delay_ms``, best a frozen
dataclass whose fields are its parameters, and a YAML file in ``conf/skin`` that names it in
``_target_`` and gives the parameters their defaults.

Under a skin the amplitude of a stimulus is an indentation in mm. What presses is a set of pins: a
rigid probe is a single one, any other stimulus has one at each receptor of the sheet. Afferents
then feel two things: a static one, which goes with the forces of the pins, and a dynamic one, which
goes with the rates of the forces and arrives late. They are the ``I`` and ``dI`` of their filter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from sensoryforge.core.types import Floats
from sensoryforge.skin.mechanics.contact import Pins


class Skin(ABC):
    """A skin that deforms.

    Attributes
    ----------
    amplitude_unit
        What the amplitude of a stimulus is measured in.
    pulls
        Whether a rigid probe that is withdrawn beyond its rest pulls the skin with it.

    Examples
    --------
    >>> import numpy as np
    >>> from sensoryforge.skin.mechanics import Elastic
    >>> skin: Skin = Elastic(youngs_modulus_mpa=0.05, poisson_ratio=0.4, wave_speed=8.0, glued=True)
    >>> probe = Pins(np.zeros((1, 2)), radius_mm=1.0)
    >>> skin.forces(np.array([1.0]), probe).round(3).tolist()
    [0.119]
    """

    amplitude_unit: ClassVar[str] = "mm"

    @property
    def pulls(self) -> bool:
        """Whether a rigid probe pulls the skin where it is withdrawn beyond its rest."""
        return False

    @abstractmethod
    def forces(self, depths: Floats, pins: Pins) -> Floats:
        """Return the force on each pin.

        Parameters
        ----------
        depths
            How far each pin is pressed in, in mm, ``[n]``.
        pins
            The pins.

        Returns
        -------
        Floats
            ``[n]`` in N, none below zero; in proportion to the depths.
        """

    @abstractmethod
    def weights(
        self, distance_mm: Floats, depth_mm: float, radius_mm: float
    ) -> tuple[Floats, Floats]:
        """Return what a force is worth to an afferent, and what its rate is.

        Parameters
        ----------
        distance_mm
            From pins to afferents along the skin, of any shape.
        depth_mm
            How deep the afferents lie.
        radius_mm
            The radius of the pins.

        Returns
        -------
        static, dynamic
            Of the shape of the distances: what is felt of 1 N, and of 1 N a unit of time.
        """

    @abstractmethod
    def delay_ms(self, distance_mm: Floats, radius_mm: float) -> Floats:
        """Return how late what is dynamic arrives, of the shape of the distances, in ms."""
