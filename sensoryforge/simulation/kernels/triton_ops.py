"""Operations that generated GPU kernels call, under the names that numba_ops has for the CPU.

Each rounds as the torch backend's operation of that name does: Triton's own ``/`` and ``sqrt`` are
approximate. Arguments and results are blocks of lanes, one value for each.

In a float32, bit 31 is the sign, bits 23 to 30 are the exponent plus 127, bits 0 to 22 the
mantissa. Numbers are spelled out, since Triton compiles a function without the names around it.
The text of this file is part of the name under which kernels are kept (:mod:`.cache`).
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def full(value: tl.tensor, BLOCK: tl.constexpr) -> tl.tensor:
    """Return one number in every lane, in float32."""
    return tl.full([BLOCK], value, tl.float32)


@triton.jit
def divide(x: tl.tensor, y: tl.tensor) -> tl.tensor:
    """Return the correctly rounded quotient."""
    return tl.math.div_rn(x, y)


@triton.jit
def root(x: tl.tensor) -> tl.tensor:
    """Return the correctly rounded square root."""
    return tl.math.sqrt_rn(x)


@triton.jit
def absolute(x: tl.tensor) -> tl.tensor:
    """Return the magnitude."""
    return tl.abs(x)


@triton.jit
def inverse(condition: tl.tensor) -> tl.tensor:
    """Return where a condition does not hold."""
    return ~condition


@triton.jit
def select(condition: tl.tensor, x: tl.tensor, y: tl.tensor) -> tl.tensor:
    """Return x where the condition holds, else y."""
    return tl.where(condition, x, y)


@triton.jit
def rint(x: tl.tensor) -> tl.tensor:
    """Round half to even, numbers below 2**22.

    Added to 1.5 * 2**23, a number has no bits left for a fraction, and the addition rounds it. A
    negative one that becomes 0 loses its sign, which no caller keeps.
    """
    return (x + 12582912.0) - 12582912.0


@triton.jit
def exp2i(n: tl.tensor) -> tl.tensor:
    """Return two to a whole power from -126 to 127."""
    biased = n.to(tl.int32) + 127
    return (biased << 23).to(tl.float32, bitcast=True)


@triton.jit
def exponent(x: tl.tensor) -> tl.tensor:
    """Return the binary exponent of a positive normal number."""
    bits = x.to(tl.int32, bitcast=True)
    biased = (bits >> 23) & 255
    return (biased - 127).to(tl.float32)


@triton.jit
def mantissas(x: tl.tensor) -> tl.tensor:
    """Return x * exp2i(1 - exponent(x)) of a positive normal number: two mantissas, from 2 to 4."""
    mantissa = x.to(tl.int32, bitcast=True) & 0x7FFFFF
    return (mantissa | 0x40000000).to(tl.float32, bitcast=True)


@triton.jit
def words(key: tl.tensor, call: tl.tensor, neuron: tl.tensor) -> tl.tensor:
    """Return the four words of Philox (:mod:`.noise`) at the counter (call, neuron, 0, 0)."""
    # The call is a plain number to the interpreter, with no type to convert from: make it a block.
    zero = neuron * 0
    counter = (zero + call).to(tl.uint32)
    zero = zero.to(tl.uint32)
    return tl.philox(key, counter, neuron.to(tl.uint32), zero, zero)


@triton.jit
def radius_word(word: tl.tensor) -> tl.tensor:
    """Return the upper 24 bits of a word, plus 1."""
    radius = (word >> 8).to(tl.int32) + 1
    return radius.to(tl.float32)


@triton.jit
def angle_word(word: tl.tensor) -> tl.tensor:
    """Return the upper 24 bits of a word as a number from -0.5 to 0.5."""
    whole = (word >> 8).to(tl.int32).to(tl.float32)
    return whole * 5.9604644775390625e-08 - 0.5  # 2**-24


@triton.jit
def sign_word_0(word: tl.tensor) -> tl.tensor:
    """Return 1, or -1 where the lowest bit is set."""
    sign = word << 31
    return (sign | 0x3F800000).to(tl.float32, bitcast=True)


@triton.jit
def sign_word_1(word: tl.tensor) -> tl.tensor:
    """Return 1, or -1 where the second bit is set."""
    sign = (word >> 1) << 31
    return (sign | 0x3F800000).to(tl.float32, bitcast=True)
