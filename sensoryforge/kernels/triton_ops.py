"""Operations that generated GPU kernels call, under the names that numba_ops has for the CPU.

Each rounds as the torch backend's operation of that name does: Triton's own ``/`` and ``sqrt`` are approximate.
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
    """Round half to even, numbers below 2**22; a negative one that becomes 0 loses its sign, which no caller keeps."""
    return (x + 12582912.0) - 12582912.0


@triton.jit
def exp2i(n: tl.tensor) -> tl.tensor:
    """Return two to a whole power from -126 to 127."""
    return ((n.to(tl.int32) + 127) << 23).to(tl.float32, bitcast=True)


@triton.jit
def exponent(x: tl.tensor) -> tl.tensor:
    """Return the binary exponent of a positive normal number."""
    return (((x.to(tl.int32, bitcast=True) >> 23) & 255) - 127).to(tl.float32)


@triton.jit
def mantissas(x: tl.tensor) -> tl.tensor:
    """Return x * exp2i(1 - exponent(x)) of a positive normal number: two mantissas, from 2 to 4."""
    return ((x.to(tl.int32, bitcast=True) & 0x7FFFFF) | 0x40000000).to(tl.float32, bitcast=True)


@triton.jit
def words(key: tl.tensor, call: tl.tensor, neuron: tl.tensor) -> tl.tensor:
    """Return the four words of Philox4x32-10 at the counter (call, neuron, 0, 0)."""
    zero = neuron * 0  # the call is a plain number to the interpreter, which has no dtype to convert from
    counter = (zero + call).to(tl.uint32)
    zero = zero.to(tl.uint32)
    return tl.philox(key, counter, neuron.to(tl.uint32), zero, zero)


@triton.jit
def radius_word(word: tl.tensor) -> tl.tensor:
    """Return the upper 24 bits of a word, plus 1."""
    return ((word >> 8).to(tl.int32) + 1).to(tl.float32)


@triton.jit
def angle_word(word: tl.tensor) -> tl.tensor:
    """Return the upper 24 bits of a word as a number from -0.5 to 0.5."""
    return (word >> 8).to(tl.int32).to(tl.float32) * 5.9604644775390625e-08 - 0.5


@triton.jit
def sign_word_0(word: tl.tensor) -> tl.tensor:
    """Return 1, or -1 where the lowest bit is set."""
    return ((word << 31) | 0x3F800000).to(tl.float32, bitcast=True)


@triton.jit
def sign_word_1(word: tl.tensor) -> tl.tensor:
    """Return 1, or -1 where the second bit is set."""
    return (((word >> 1) << 31) | 0x3F800000).to(tl.float32, bitcast=True)
