"""Shapes: what presses on the skin, at rest, a file a kind."""

from __future__ import annotations

from sensoryforge.stimuli.shapes.bar import Bar
from sensoryforge.stimuli.shapes.braille import Braille
from sensoryforge.stimuli.shapes.disc import Disc
from sensoryforge.stimuli.shapes.dots import Dots
from sensoryforge.stimuli.shapes.edge import Edge
from sensoryforge.stimuli.shapes.gabor import Gabor
from sensoryforge.stimuli.shapes.gaussian import Gaussian
from sensoryforge.stimuli.shapes.grating import Grating
from sensoryforge.stimuli.shapes.image import Image
from sensoryforge.stimuli.shapes.shape import Shape
from sensoryforge.stimuli.shapes.sphere import Sphere
from sensoryforge.stimuli.shapes.texture import Texture

__all__ = [
    "Bar",
    "Braille",
    "Disc",
    "Dots",
    "Edge",
    "Gabor",
    "Gaussian",
    "Grating",
    "Image",
    "Shape",
    "Sphere",
    "Texture",
]
