"""What presses on the skin, a file a kind; a configuration names the class in ``_target_``.

A stimulus is a shape with a profile and a motion (`shapes`, `profiles`, `motions`), several such
as one (`composite`), recorded frames, or a class of its own.
"""

from __future__ import annotations

from sensoryforge.stimuli.base import Punches, Stimulus, footprint, steady
from sensoryforge.stimuli.blend import Blend
from sensoryforge.stimuli.blended import BlendedStimulus
from sensoryforge.stimuli.cautions import Caution, Sheet
from sensoryforge.stimuli.composite import Composite
from sensoryforge.stimuli.frames import Recorded
from sensoryforge.stimuli.motions import Circle, Line, Motion, Path
from sensoryforge.stimuli.profiles import (
    Chirp,
    Hold,
    Noise,
    Oscillation,
    Profile,
    Pulses,
    RampProfile,
    Sine,
    StepProfile,
    Trace,
    Trapezoid,
)
from sensoryforge.stimuli.ramp import Ramp
from sensoryforge.stimuli.ranges import (
    ANGLE,
    COUNT,
    DRIVE,
    FRACTION,
    FREQUENCY,
    INSTANT,
    LENGTH,
    PLACE,
    RIM,
    SEED,
    SPEED,
    Allowed,
    Choice,
    FileOf,
    Range,
)
from sensoryforge.stimuli.recipe import Recipe, find_recipe, stimulus_class
from sensoryforge.stimuli.shapes import (
    Bar,
    Braille,
    Disc,
    Dots,
    Edge,
    Gabor,
    Gaussian,
    Grating,
    Image,
    Shape,
    Sphere,
    Texture,
)
from sensoryforge.stimuli.span import Span
from sensoryforge.stimuli.step import Step

__all__ = [
    "ANGLE",
    "COUNT",
    "DRIVE",
    "FRACTION",
    "FREQUENCY",
    "INSTANT",
    "LENGTH",
    "PLACE",
    "RIM",
    "SEED",
    "SPEED",
    "Allowed",
    "Bar",
    "Blend",
    "BlendedStimulus",
    "Braille",
    "Caution",
    "Chirp",
    "Choice",
    "Circle",
    "Composite",
    "Disc",
    "Dots",
    "Edge",
    "FileOf",
    "Gabor",
    "Gaussian",
    "Grating",
    "Hold",
    "Image",
    "Line",
    "Motion",
    "Noise",
    "Oscillation",
    "Path",
    "Profile",
    "Pulses",
    "Punches",
    "Ramp",
    "RampProfile",
    "Range",
    "Recipe",
    "Recorded",
    "Shape",
    "Sheet",
    "Sine",
    "Span",
    "Sphere",
    "Step",
    "StepProfile",
    "Stimulus",
    "Texture",
    "Trace",
    "Trapezoid",
    "find_recipe",
    "footprint",
    "steady",
    "stimulus_class",
]
