"""Profiles: how far a shape is pressed in over time, a file a kind."""

from __future__ import annotations

from sensoryforge.stimuli.profiles.chirp import Chirp
from sensoryforge.stimuli.profiles.hold import Hold
from sensoryforge.stimuli.profiles.noise import Noise
from sensoryforge.stimuli.profiles.oscillation import Oscillation
from sensoryforge.stimuli.profiles.profile import Profile
from sensoryforge.stimuli.profiles.pulses import Pulses
from sensoryforge.stimuli.profiles.ramp import RampProfile
from sensoryforge.stimuli.profiles.sine import Sine
from sensoryforge.stimuli.profiles.step import StepProfile
from sensoryforge.stimuli.profiles.trace import Trace
from sensoryforge.stimuli.profiles.trapezoid import Trapezoid

__all__ = [
    "Chirp",
    "Hold",
    "Noise",
    "Oscillation",
    "Profile",
    "Pulses",
    "RampProfile",
    "Sine",
    "StepProfile",
    "Trace",
    "Trapezoid",
]
