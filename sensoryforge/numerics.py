"""Numbers with the same bits on every machine: elementary functions, hashes and random draws in float64.

Libraries round exp, log and cos differently from one processor to the next. Here each is a reduction and a
Taylor polynomial made of ``+ - * /``, ``sqrt``, ``rint`` and shifts of the exponent, which IEEE 754 fixes to
the last bit. Random draws are raw Philox4x64 bits (Salmon et al. 2011, doi:10.1145/2063384.2063405) turned
into numbers here.

exp, cos_turns, sin_turns and divided also take torch tensors, on a GPU too, and give them the same bits.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from hashlib import blake2b
from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt

from sensoryforge.types import Floats, Ints

Function = Callable[[npt.ArrayLike], Floats]

_LOG2_E = float.fromhex("0x1.71547652b82fep+0")
# ln 2 in two parts: the first ends in 21 zero bits, so that its product with an exponent is exact.
_LN2_HIGH = float.fromhex("0x1.62e42feep-1")
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_TAU = float.fromhex("0x1.921fb54442d18p+2")
_SQRT_HALF = float.fromhex("0x1.6a09e667f3bcdp-1")

_EXP = tuple(1 / factorial(n) for n in range(14))
_SIN = tuple((-1) ** n / factorial(2 * n + 1) for n in range(9))
_COS = tuple((-1) ** n / factorial(2 * n) for n in range(9))
_LOG = tuple(2 / (2 * n + 1) for n in range(12))

_BLOCK = 8192


def namespace(x: object) -> Any:
    """Return torch for a tensor, else numpy; what is used of it here has the same name and the same bits in both."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and isinstance(x, torch.Tensor) else np


def divided(x: Floats, by: float) -> Floats:
    """Return x / by, correctly rounded: on a GPU torch multiplies by the inverse of a plain number."""
    return x / namespace(x).full_like(x, by)  # type: ignore[no-any-return]


def _blockwise(function: Callable[[Floats], Floats]) -> Function:
    """Apply an elementwise function, to an array a cache-sized block at a time; the result has the input's shape."""

    @wraps(function)
    def apply(x: npt.ArrayLike) -> Floats:
        if namespace(x) is not np:
            return function(x)  # type: ignore[arg-type]
        values = np.asarray(x, dtype=np.float64)
        flat, out = values.reshape(-1), np.empty(values.size)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            for start in range(0, flat.size, _BLOCK):
                out[start : start + _BLOCK] = function(flat[start : start + _BLOCK])
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
    return ((_whole(exponent) + 1023) << 52).view(xp.float64)


def _whole(x: Floats) -> Ints:
    """Return whole numbers as int64."""
    xp = namespace(x)
    out: Ints = xp.asarray(x, dtype=xp.int64)
    return out


@_blockwise
def exp(x: Floats) -> Floats:
    """Return e to the x, within two units in the last place; overflows to inf and underflows to 0 silently."""
    xp = namespace(x)
    x = xp.clip(x, -1000.0, 1000.0)
    n = xp.round(x * _LOG2_E)
    out = _polynomial((x - n * _LN2_HIGH) - n * _LN2_LOW, _EXP)
    half = xp.round(0.5 * n)
    out *= _power_of_two(half)
    out *= _power_of_two(n - half)
    return out


@_blockwise
def log(x: Floats) -> Floats:
    """Return the natural logarithm of finite positive x, within three units in the last place."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < _SQRT_HALF
    mantissa = np.where(small, 2.0 * mantissa, mantissa)
    n = (exponent - small).astype(np.float64)
    f = mantissa - 1.0
    s = f / (2.0 + f)
    return n * _LN2_HIGH + (n * _LN2_LOW + s * _polynomial(s * s, _LOG))


def _wave(x: Floats, lag: int) -> Floats:
    """Return the cosine of x turns less ``lag`` quarter turns."""
    xp = namespace(x)
    turn = x - xp.round(x)
    quarter = xp.round(4.0 * turn)
    angle = _TAU * (turn - 0.25 * quarter)
    square = angle * angle
    phase = (_whole(quarter) - lag) & 3
    value = xp.where((phase & 1) == 1, angle * _polynomial(square, _SIN), _polynomial(square, _COS))
    out: Floats = xp.where((phase == 1) | (phase == 2), -value, value)
    return out


@_blockwise
def cos_turns(x: Floats) -> Floats:
    """Return the cosine of x turns (1 turn = 360 degrees), within 3e-16; exact at quarter turns."""
    return _wave(x, 0)


@_blockwise
def sin_turns(x: Floats) -> Floats:
    """Return the sine of x turns (1 turn = 360 degrees), within 3e-16; exact at quarter turns."""
    return _wave(x, 1)


def _digest(parts: Sequence[str | int], size: int) -> int:
    """Return ``size`` bytes of BLAKE2b of the parts, each written with its kind and its length."""
    coded = "".join(f"{'s' if isinstance(part, str) else 'i'}{len(str(part))}:{part}" for part in parts)
    return int.from_bytes(blake2b(coded.encode(), digest_size=size).digest(), "little")


def hash64(*parts: str | int) -> int:
    """Return a 63-bit hash of a sequence of words and whole numbers, the same everywhere and always."""
    return _digest(parts, 8) >> 1


def random_bits(seed: int, *names: str | int, size: int) -> npt.NDArray[np.uint64]:
    """Return ``size`` raw 64-bit words of the Philox stream named by the seed and the names.

    A longer draw starts with the same words as a shorter one.
    """
    return np.random.Philox(key=_digest((seed, *names), 16)).random_raw(size)


def uniforms(seed: int, *names: str | int, size: int) -> Floats:
    """Return ``[size]`` numbers uniform in [0, 1), multiples of 2**-53."""
    return (random_bits(seed, *names, size=size) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normals(seed: int, *names: str | int, size: int) -> Floats:
    """Return ``[size]`` standard normal numbers (Box and Muller 1958, doi:10.1214/aoms/1177706645)."""
    pairs = uniforms(seed, *names, size=2 * size).reshape(size, 2)
    return np.sqrt(-2.0 * log(1.0 - pairs[:, 0])) * cos_turns(pairs[:, 1])
