"""What an outline is: how far the skin reaches on the sheet of receptors.

A new outline is a subclass, best a frozen dataclass whose fields are its parameters, and a YAML
file in ``conf/outline`` that names it in ``_target_`` and gives the parameters their defaults.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Bools, Positions
from sensoryforge.core.values import is_finite
from sensoryforge.skin.receptors.base import center_problems

MM2_A_CM2 = 100.0


class Outline(ABC):
    """The rim of the skin: afferents lie inside, and pool receptors inside.

    Places are in mm from the middle of the sheet.

    Examples
    --------
    >>> from sensoryforge.skin.outlines import Fingertip
    >>> outline: Outline = Fingertip()
    >>> round(outline.area_mm2), list(outline.regions)
    (343, [''])
    """

    center_mm: Sequence[float] = (0.0, 0.0)
    """x and y of the middle of the outline, from the middle of the sheet."""

    @property
    @abstractmethod
    def width_mm(self) -> float:
        """Extent along x."""

    @property
    @abstractmethod
    def height_mm(self) -> float:
        """Extent along y."""

    @property
    @abstractmethod
    def area_mm2(self) -> float:
        """How much skin it holds, in mm2."""

    @abstractmethod
    def contains(self, xy_mm: Positions) -> Bools:
        """Tell which places lie inside, ``[N]``.

        Parameters
        ----------
        xy_mm
            Places in mm from the middle of the sheet, ``[N, 2]``.
        """

    @abstractmethod
    def rims(self) -> list[Positions]:
        """Return the rim as closed lines for pictures, ``[P, 2]`` each, in mm."""

    @property
    def regions(self) -> Mapping[str, Outline]:
        """The parts that a density may be given for, by tag; an outline in one piece has no tag."""
        return {"": self}


def problems_of_lengths(**lengths_mm: object) -> list[str]:
    """Return a line for each length that is no number above zero.

    Examples
    --------
    >>> problems_of_lengths(width_mm=16.0, length_mm=0)
    ['length_mm: got 0, allowed is a number > 0 (mm)']
    """
    problems = []
    for name, value in lengths_mm.items():
        if not is_finite(value) or float(str(value)) <= 0:
            problems.append(f"{name}: got {value!r}, allowed is a number > 0 (mm)")
    return problems


def check_outline(center_mm: object, **lengths_mm: object) -> None:
    """Raise ConfigError with a line for each number of an outline that is not allowed.

    Examples
    --------
    >>> check_outline((0.0, 1.0), width_mm=16.0)
    """
    problems = [*problems_of_lengths(**lengths_mm), *center_problems(center_mm)]
    if problems:
        raise ConfigError(problems)
