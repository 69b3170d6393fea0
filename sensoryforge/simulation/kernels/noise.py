"""Counter-based random numbers: standard normals that are the same bits wherever they are drawn.

A counter-based generator has no state to carry along: it is a function of a key and a counter that
mixes them until the result looks random. Philox4x32-10 (ten rounds on four 32-bit words; Salmon,
Moraes, Dror and Shaw 2011, doi:10.1145/2063384.2063405) is one. Here

- the key, two words, comes from a stimulus's seed and the population's name,
- the counter is (sample // 4, neuron, 0, 0),
- the four words of a call make the normals of four consecutive samples, by the transform of Box and
  Muller 1958 (doi:10.1214/aoms/1177706645).

A stimulus's noise therefore depends on nothing else: not on chunk, order, worker, resume or device.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sensoryforge.core.numerics import hash64
from sensoryforge.equations.elementary import normal_pair
from sensoryforge.equations.program import stepwise_program
from sensoryforge.simulation.kernels.machine import Machine

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
"""Philox's factors, which mix the counter."""
WEYL = (0x9E3779B9, 0xBB67AE85)
"""What Philox adds to the key from round to round."""
ROUNDS = 10
SAMPLES_A_CALL = 4
"""Normals that the four words of a call make."""
_WORD = 0xFFFFFFFF
_MOST_CALLS = 64
_MOST_DRAWS = 65536


def keys(seeds: Sequence[int], population: str) -> Tensor:
    """Return the keys of stimuli's noise, int64 [B,2]: two words of 32 bits each.

    Parameters
    ----------
    seeds
        The seed of each stimulus.
    population
        The name of the population, so that each has noise of its own.

    Examples
    --------
    >>> keys([1, 2], "sa").shape
    torch.Size([2, 2])
    """
    return _as_words([hash64("noise", seed, population) for seed in seeds])


def receptor_keys(seeds: Sequence[int]) -> Tensor:
    """Return the keys of the noise of receptors, int64 [B,2]; every population has the same.

    Parameters
    ----------
    seeds
        The seed of each stimulus.

    Examples
    --------
    >>> receptor_keys([1, 2, 3]).shape
    torch.Size([3, 2])
    """
    return _as_words([hash64("receptor noise", seed) for seed in seeds])


def _as_words(hashes: Sequence[int]) -> Tensor:
    """Return hashes as two words of 32 bits each, int64 [B,2]."""
    pairs = [[hashed & _WORD, hashed >> 32] for hashed in hashes]
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)


def philox(
    counter: Sequence[Tensor], key: Sequence[Tensor]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return four random words of Philox4x32-10, each in the lower half of an int64.

    Parameters
    ----------
    counter
        Four words, int64 tensors that broadcast.
    key
        Two words.

    Examples
    --------
    The first of the answers that its authors published:

    >>> zero = torch.tensor(0)
    >>> [f"{int(word):x}" for word in philox([zero] * 4, [zero] * 2)]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        # 64 bits of product, whose sign does not matter: only its two halves are used.
        product0 = c0 * MULTIPLIERS[0]
        product1 = c2 * MULTIPLIERS[1]
        high0 = (product0 >> 32) & _WORD
        high1 = (product1 >> 32) & _WORD
        c0 = high1 ^ c1 ^ k0
        c1 = product1 & _WORD
        c2 = high0 ^ c3 ^ k1
        c3 = product0 & _WORD
        k0 = (k0 + WEYL[0]) & _WORD
        k1 = (k1 + WEYL[1]) & _WORD
    return c0, c1, c2, c3


class Normals:
    """Draws standard normals in float32 for consecutive samples of a chunk.

    Parameters
    ----------
    key
        The stimuli's keys, int64 [B,2].
    neurons
        The number of neurons N, or the numbers of those that are wanted, int64 [N]; draws have the
        shape [B,N].
    """

    def __init__(self, key: Tensor, neurons: int | Tensor) -> None:
        stimuli = key.shape[0]
        self.key = (key[:, 0, None], key[:, 1, None])
        count = torch.arange(neurons) if isinstance(neurons, int) else neurons
        neuron = count.to(key.device)
        self.neuron = neuron[None, :].expand(stimuli, len(neuron))
        self.machine = Machine(stepwise_program(normal_pair()), torch.float32, key.device)
        # Calls that are drawn together: many, since each operation of torch has a price of its
        # own, but not so many that their numbers leave the cache.
        calls = _MOST_DRAWS // max(1, self.neuron.numel())
        self.block = max(1, min(_MOST_CALLS, calls))
        self.first, self.values = -1, torch.empty(0)

    def at(self, sample: int) -> Tensor:
        """Return the normals of one sample, [B,N]."""
        size = self.samples_a_block
        first = sample // size * size
        if first != self.first:
            self.first = first
            self.values = self.draw(first // SAMPLES_A_CALL, self.block)
        return self.values[sample - first]

    @property
    def samples_a_block(self) -> int:
        """The samples that are best drawn together."""
        return self.block * SAMPLES_A_CALL

    def between(self, first: int, stop: int) -> Tensor:
        """Return the normals of some samples, [T,B,N]; ``first`` is a multiple of four."""
        calls = -(-(stop - first) // SAMPLES_A_CALL)
        return self.draw(first // SAMPLES_A_CALL, calls)[: stop - first]

    def draw(self, call: int, calls: int) -> Tensor:
        """Return the normals of consecutive calls of the generator, [4 * calls, B, N]."""
        neuron = self.neuron[None]
        zero = torch.zeros_like(neuron)
        numbers = torch.arange(call, call + calls, device=zero.device)
        numbers = numbers[:, None, None].expand(-1, *self.neuron.shape)
        w0, w1, w2, w3 = philox((numbers, neuron, zero, zero), self.key)
        of_call = [*self.pair(w0, w1), *self.pair(w2, w3)]
        return torch.stack(of_call, dim=1).flatten(0, 1)

    def pair(self, radius_word: Tensor, angle_word: Tensor) -> tuple[Tensor, Tensor]:
        """Return two normals from two words: 24 bits of radius; 24 of angle and two of quadrant."""
        radius = (radius_word >> 8) + 1
        angle = (angle_word >> 8).float() * 2.0**-24 - 0.5
        sign0 = 1 - 2 * (angle_word & 1)
        sign1 = 1 - (angle_word & 2)
        normals = self.machine.run(n=radius.float(), g=angle, s0=sign0.float(), s1=sign1.float())
        return normals["z0"], normals["z1"]
