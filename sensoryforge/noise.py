"""Counter-based random numbers: Philox4x32-10 and standard normals, the same bits wherever they are drawn.

Salmon et al. 2011, doi:10.1145/2063384.2063405. The key comes from a stimulus's seed and the population's name, the
counter is (sample // 4, neuron, 0, 0), and the four words of one call are the normals of four consecutive samples. A
stimulus's noise therefore depends on nothing else: not on chunk, order, worker, resume or device.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sensoryforge.functions import normal_pair
from sensoryforge.kernels.machine import Machine
from sensoryforge.numerics import hash64
from sensoryforge.program import plain

_WORD = 0xFFFFFFFF
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
SAMPLES_A_CALL = 4


def keys(seeds: Sequence[int], population: str) -> Tensor:
    """Return the Philox keys of stimuli, int64 [B,2], from their seeds and the population's name."""
    words = [hash64("noise", seed, population) for seed in seeds]
    return torch.tensor([[w & _WORD, w >> 32] for w in words], dtype=torch.int64).reshape(-1, 2)


def philox(counter: Sequence[Tensor], key: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return four random 32-bit words, as int64 tensors, from four counter words and two key words (Philox4x32-10)."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]  # the low 64 bits, whatever their sign
        c0, c1, c2, c3 = (
            ((p1 >> 32) & _WORD) ^ c1 ^ k0, p1 & _WORD, ((p0 >> 32) & _WORD) ^ c3 ^ k1, p0 & _WORD,
        )  # fmt: skip
        k0, k1 = (k0 + WEYL[0]) & _WORD, (k1 + WEYL[1]) & _WORD
    return c0, c1, c2, c3


class Normals:
    """Draws standard normals in float32 for consecutive samples of a chunk."""

    def __init__(self, key: Tensor, neurons: int) -> None:
        """``key``: int64 [B,2]; draws have the shape [B, neurons]."""
        self.key = (key[:, 0, None], key[:, 1, None])
        self.neuron = torch.arange(neurons, device=key.device)[None, :].expand(key.shape[0], neurons)
        self.machine = Machine(plain(normal_pair()), torch.float32, key.device)
        self.block = max(1, min(64, 65536 // max(1, self.neuron.numel())))
        self.first, self.values = -1, torch.empty(0)

    def at(self, sample: int) -> Tensor:
        """Return the normals of one sample, [B, neurons]."""
        size = self.block * SAMPLES_A_CALL
        first = sample // size * size
        if first != self.first:
            self.first, self.values = first, self.draw(first // SAMPLES_A_CALL, self.block)
        return self.values[sample - first]

    def draw(self, call: int, calls: int) -> Tensor:
        """Return the normals of consecutive generator calls, [4 * calls, B, neurons]."""
        zero = torch.zeros_like(self.neuron)[None]
        counter = torch.arange(call, call + calls, device=zero.device)[:, None, None].expand(-1, *self.neuron.shape)
        words = philox((counter, self.neuron[None], zero, zero), self.key)
        pairs = [z for i in (0, 2) for z in self.pair(words[i], words[i + 1])]
        return torch.stack(pairs, dim=1).flatten(0, 1)

    def pair(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Return two normals from two words: 24 bits of radius; 24 of angle and two of quadrant."""
        out = self.machine.run(
            n=((first >> 8) + 1).float(),
            g=(second >> 8).float() * 2.0**-24 - 0.5,
            s0=(1 - 2 * (second & 1)).float(),
            s1=(1 - (second & 2)).float(),
        )
        return out["z0"], out["z1"]
