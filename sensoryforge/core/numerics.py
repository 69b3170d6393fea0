"""Numbers with the same bits on every machine: functions, hashes and random draws in float64.

Libraries round exp, log and cos differently from one processor to the next. Here each is a
reduction to a small interval and a Taylor polynomial there, made of ``+ - * /``, ``sqrt``, ``rint``
and shifts of the exponent, which IEEE 754 fixes to the last bit. Random draws are raw Philox4x64
bits (Salmon et al. 2011, doi:10.1145/2063384.2063405) turned into numbers here.

`exp`, `cos_turns`, `sin_turns`, `root` and `divide` also take torch tensors, on a GPU too, and give
them the same bits.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from hashlib import blake2b
from math import comb, factorial
from typing import Any

import numpy as np
import numpy.typing as npt

from sensoryforge.core.types import Floats, Ints

Function = Callable[[npt.ArrayLike], Floats]

# Constants are written in hexadecimal, which leaves no rounding to whoever reads them.
_LOG2_E = float.fromhex("0x1.71547652b82fep+0")
# ln 2 in two parts: the first ends in 21 zero bits, so that its product with an exponent is exact.
_LN2_HIGH = float.fromhex("0x1.62e42feep-1")
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_TAU = float.fromhex("0x1.921fb54442d18p+2")
_HALF_PI = float.fromhex("0x1.921fb54442d18p+0")
_SQRT_HALF = float.fromhex("0x1.6a09e667f3bcdp-1")

# Coefficients of Taylor series, of the constant first: exp x, sin(x) / x and cos x in x^2, and
# log((1 + s) / (1 - s)) / s in s^2.
_EXP = tuple(1 / factorial(n) for n in range(14))
_SIN = tuple((-1) ** n / factorial(2 * n + 1) for n in range(9))
_COS = tuple((-1) ** n / factorial(2 * n) for n in range(9))
_LOG = tuple(2 / (2 * n + 1) for n in range(12))
# asin(x) / x in x^2, enough of it for x up to one half.
_ASIN = tuple(comb(2 * n, n) / (4**n * (2 * n + 1)) for n in range(26))

_WORDS_OF_A_BLOCK = 4
"""Words that Philox makes of one value of its counter."""
_BLOCK = 8192
"""Numbers worked on at a time: 64 kB, which stay in the cache from one operation to the next."""


def namespace(x: object) -> Any:
    """Return the library that an array is of: torch for a tensor, else numpy.

    What is used of it here has the same name and the same bits in both.

    Examples
    --------
    >>> namespace(np.zeros(3)).__name__
    'numpy'
    """
    # Who has a tensor has imported torch; this module is not to be the one that does.
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        return torch
    return np


def like(array: Floats, other: Floats) -> Floats:
    """Return an array, as a tensor on the same device where the other one is a tensor.

    Examples
    --------
    >>> like(np.array([1.0]), np.zeros(3)).tolist()
    [1.0]
    """
    xp = namespace(other)
    if xp is np:
        return array
    # A tensor may be written to, and torch warns of memory that may not: what is kept is copied.
    writable = np.require(array, requirements=["C", "W"])
    tensor: Floats = xp.asarray(writable, device=other.device)
    return tensor


def divide(x: Floats, by: float) -> Floats:
    """Return x / by, correctly rounded, of any shape.

    Of a plain number torch takes the inverse on a GPU and multiplies, which rounds twice.

    Examples
    --------
    >>> float(divide(np.array(1.0), 3.0)) == 1.0 / 3.0
    True
    """
    quotient: Floats = x / namespace(x).full_like(x, by)
    return quotient


def _blockwise(function: Callable[[Floats], Floats]) -> Function:
    """Apply an elementwise function a block of an array at a time; the result has its shape."""

    @wraps(function)
    def apply(x: npt.ArrayLike) -> Floats:
        if namespace(x) is not np:
            return function(x)  # type: ignore[arg-type]
        values = np.asarray(x, dtype=np.float64)
        flat = values.reshape(-1)
        out = np.empty(values.size)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            for start in range(0, flat.size, _BLOCK):
                block = slice(start, start + _BLOCK)
                out[block] = function(flat[block])
        return out.reshape(values.shape)

    return apply


def _polynomial(x: Floats, coefficients: Sequence[float]) -> Floats:
    """Evaluate ``c[0] + c[1] x + c[2] x^2 + ...`` by Horner's rule, one rounding an operation."""
    out: Floats = namespace(x).full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        out *= x
        out += coefficient
    return out


def _power_of_two(exponent: Floats) -> Floats:
    """Return ``2**exponent`` for whole exponents from -1022 to 1023, by writing the bits."""
    xp = namespace(exponent)
    bits = (_whole(exponent) + 1023) << 52  # the biased exponent; a mantissa of zero
    power: Floats = bits.view(xp.float64)
    return power


def _whole(x: Floats) -> Ints:
    """Return whole numbers as int64."""
    xp = namespace(x)
    out: Ints = xp.asarray(x, dtype=xp.int64)
    return out


@_blockwise
def exp(x: Floats) -> Floats:
    """Return e to the x, of any shape, within two units in the last place.

    It overflows to inf and underflows to 0 silently.

    Examples
    --------
    >>> exp([0.0, -1000.0]).tolist()
    [1.0, 0.0]
    """
    # x = n ln 2 + r, so that exp x = 2^n exp r with a small r.
    xp = namespace(x)
    x = xp.clip(x, -1000.0, 1000.0)
    n = xp.round(x * _LOG2_E)
    remainder = (x - n * _LN2_HIGH) - n * _LN2_LOW
    out = _polynomial(remainder, _EXP)
    # 2^n in two factors: at the ends of the range one alone is not a float64.
    half = xp.round(0.5 * n)
    out *= _power_of_two(half)
    out *= _power_of_two(n - half)
    return out


@_blockwise
def log(x: Floats) -> Floats:
    """Return the natural logarithm of finite positive x, within three units in the last place.

    Examples
    --------
    >>> float(log(1.0))
    0.0
    """
    # x = 2^n (1 + f), with 1 + f between sqrt(1/2) and sqrt(2).
    mantissa, exponent = np.frexp(x)
    small = mantissa < _SQRT_HALF
    mantissa = np.where(small, 2.0 * mantissa, mantissa)
    n = (exponent - small).astype(np.float64)
    # log(1 + f) = log((1 + s) / (1 - s)), an odd series that converges faster.
    f = mantissa - 1.0
    s = f / (2.0 + f)
    log_of_mantissa = s * _polynomial(s * s, _LOG)
    return n * _LN2_HIGH + (n * _LN2_LOW + log_of_mantissa)


@_blockwise
def asin(x: Floats) -> Floats:
    """Return the angle, in radians, whose sine is x from -1 to 1, within 5e-16.

    Examples
    --------
    >>> asin([0.0, 0.5, 1.0]).round(6).tolist()
    [0.0, 0.523599, 1.570796]
    """
    # Above one half: asin x = pi/2 - 2 asin sqrt((1 - x) / 2), whose root is at most one half.
    size = np.abs(x)
    far = size > 0.5
    square = np.where(far, 0.5 * (1.0 - size), size * size)
    near = np.where(far, np.sqrt(square), size)
    angle = near * _polynomial(square, _ASIN)
    folded = np.where(far, _HALF_PI - 2.0 * angle, angle)
    return np.where(x < 0.0, -folded, folded)


@_blockwise
def root(x: Floats) -> Floats:
    """Return the square root of x >= 0, within a unit in the last place, of arrays and tensors.

    NumPy's own is exact, but torch's differs from it in the last bit.

    Examples
    --------
    >>> root([0.0, 0.25, 2.0]).round(6).tolist()
    [0.0, 0.5, 1.414214]
    """
    # Half the exponent is a first guess; Heron's rule then doubles the right digits four times.
    xp = namespace(x)
    guess = ((x + 0.0).view(xp.int64) >> 1) + (1023 << 51)
    out: Floats = guess.view(xp.float64)
    for _ in range(5):
        out = 0.5 * (out + x / out)
    return xp.where(x > 0.0, out, 0.0 * x)  # type: ignore[no-any-return]


def sum_rows(rows: Floats) -> Floats:
    """Return the sum over the first axis, and spoil ``rows``.

    The lower half is added to the upper one until a single row is left: an order that depends on
    the number of rows alone, where libraries choose one by processor, shape and threads.

    Examples
    --------
    >>> sum_rows(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])).tolist()
    [9.0, 12.0]
    """
    left = len(rows)
    if left == 0:
        return np.zeros(rows.shape[1:])
    while left > 1:
        half = left // 2
        rows[:half] += rows[left - half : left]
        left -= half
    total: Floats = rows[0]
    return total


def _wave(x: Floats, lag: int) -> Floats:
    """Return the cosine of x turns less ``lag`` quarter turns."""
    xp = namespace(x)
    turn = x - xp.round(x)
    quarter = xp.round(4.0 * turn)
    angle = _TAU * (turn - 0.25 * quarter)  # radians from the nearest quarter turn
    square = angle * angle
    sine = angle * _polynomial(square, _SIN)
    cosine = _polynomial(square, _COS)
    phase = (_whole(quarter) - lag) & 3
    value = xp.where((phase & 1) == 1, sine, cosine)
    out: Floats = xp.where((phase == 1) | (phase == 2), -value, value)
    return out


@_blockwise
def cos_turns(x: Floats) -> Floats:
    """Return the cosine of x turns (1 turn = 360 degrees), within 3e-16; exact at quarter turns.

    Examples
    --------
    >>> cos_turns([0.0, 0.5, 1.0]).tolist()
    [1.0, -1.0, 1.0]
    """
    return _wave(x, 0)


@_blockwise
def sin_turns(x: Floats) -> Floats:
    """Return the sine of x turns (1 turn = 360 degrees), within 3e-16; exact at quarter turns.

    Examples
    --------
    >>> sin_turns([0.25, 0.75]).tolist()
    [1.0, -1.0]
    """
    return _wave(x, 1)


def _digest(parts: Sequence[str | int], size: int) -> int:
    """Return ``size`` bytes of BLAKE2b of the parts, each written with its kind and its length."""
    coded = ""
    for part in parts:
        kind = "s" if isinstance(part, str) else "i"
        text = str(part)
        coded += f"{kind}{len(text)}:{text}"
    digest = blake2b(coded.encode(), digest_size=size).digest()
    return int.from_bytes(digest, "little")


def hash64(*parts: str | int) -> int:
    """Return a 63-bit hash of words and whole numbers, the same everywhere and always.

    It is made of BLAKE2b (RFC 7693). Parts are told apart: ``("ab", "c")`` is not ``("a", "bc")``.

    Examples
    --------
    >>> hash64("sa", 0)
    3581742067922464013
    """
    return _digest(parts, 8) >> 1


def stream_key(seed: int, *names: str | int) -> int:
    """Return the 128-bit key of the Philox stream that a seed and names name.

    Examples
    --------
    >>> stream_key(0, "layout").bit_length() <= 128
    True
    """
    return _digest((seed, *names), 16)


def random_bits(seed: int, *names: str | int, size: int, start: int = 0) -> npt.NDArray[np.uint64]:
    """Return raw 64-bit words of the Philox stream named by a seed and names.

    A longer draw starts with the same words as a shorter one.

    Parameters
    ----------
    seed, names
        Together they name the stream: what is drawn for one purpose is independent of any other.
    size
        How many words.
    start
        The first of them, counted from zero; those before it are not drawn.

    Examples
    --------
    >>> random_bits(0, "layout", size=3)[:2].tolist() == random_bits(0, "layout", size=2).tolist()
    True
    """
    block, before = divmod(start, _WORDS_OF_A_BLOCK)
    generator = np.random.Philox(key=stream_key(seed, *names), counter=block)
    words: npt.NDArray[np.uint64] = generator.random_raw(before + size)[before:]
    return words


def uniforms(seed: int, *names: str | int, size: int) -> Floats:
    """Return ``[size]`` numbers uniform in [0, 1), multiples of 2**-53; see `random_bits`.

    Examples
    --------
    >>> uniforms(0, "layout", size=3).shape
    (3,)
    """
    bits = random_bits(seed, *names, size=size)
    mantissas = (bits >> np.uint64(11)).astype(np.float64)  # of 53 bits, which a float64 holds
    return mantissas * 2.0**-53


def normals(seed: int, *names: str | int, size: int) -> Floats:
    """Return ``[size]`` standard normal numbers; see `random_bits`.

    Box and Muller 1958, doi:10.1214/aoms/1177706645: a radius and an angle make a normal number.

    Examples
    --------
    >>> normals(0, "parameters", size=3).shape
    (3,)
    """
    pairs = uniforms(seed, *names, size=2 * size).reshape(size, 2)
    radius = np.sqrt(-2.0 * log(1.0 - pairs[:, 0]))
    return radius * cos_turns(pairs[:, 1])
