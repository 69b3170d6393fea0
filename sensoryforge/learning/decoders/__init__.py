"""Networks that read a stimulus off spikes: float32 counts ``[B, T, N]`` in, ``[B, outputs]`` out.

A decoder is a class that takes samples, neurons and outputs, then its options by keyword, and one
file ``conf/decoder/NAME.yaml`` with its ``_target_`` and the values of its options. Neither is
listed anywhere.
"""

from __future__ import annotations

from sensoryforge.learning.decoders.conv import ConvDecoder as ConvDecoder
from sensoryforge.learning.decoders.linear import LinearDecoder as LinearDecoder
from sensoryforge.learning.decoders.spiking import SpikingDecoder as SpikingDecoder

__all__ = ["ConvDecoder", "LinearDecoder", "SpikingDecoder"]
