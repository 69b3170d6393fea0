"""Elementary functions in float32, from operations all machines round alike.

A library's elementary functions differ between processors, so a run would have other bits on
another machine. Here they are graphs of ``+ - * /``, choices and three operations on the bits of
the exponent:

- ``rint``: the nearest whole number, halves to the even one;
- ``exp2i``: two to a whole power from -126 to 127;
- ``exponent``: the binary exponent of a positive normal number.

A worked example: ``exp(x)`` halves and doubles. With n the whole number nearest to x / ln 2 and r
what is left, between -0.35 and 0.35, it is 2**n times e**r, and e**r is a short polynomial:

    x         3.0
    n         4           rint(3.0 / ln 2) = rint(4.328)
    r         0.2274      3.0 - 4 ln 2
    e**r      1.2553      the polynomial
    e**x      20.086      2**4 e**r

The polynomials are minimax fits in relative error, their coefficients rounded to float32;
``tests/equations/test_functions.py`` holds the functions to 2 ulp (units in the last place).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from sensoryforge.equations.graph import Node, name, op, ordered, polynomial, rewrite, where

_LOG2_E = 1.44269504
# ln 2 in two parts, the first with so few bits that n * high is exact for |n| < 2**15.
_LN2_HIGH = 0.693359375
_LN2_LOW = -2.12194440e-4
_INVERSE_PI = 0.31830987
# pi in three parts, the first two with so few bits that their products with n are exact.
_PI_HIGH = 3.140625
_PI_MIDDLE = 0.0009675025939941406
_PI_LOW = 1.509958e-07
_QUARTER_TURN = 1.5707964
_TINY = 1.17549435e-38  # the smallest normal float32

# Coefficients, lowest power first.
_EXP = (
    0.5,
    0.16666666,
    0.04166628,
    0.008333504,
    0.0013945752,
    0.00019789266,
)
_LOG = (
    0.3333331,
    -0.2500001,
    0.20002194,
    -0.16668051,
    0.14217898,
    -0.12403307,
    0.11899021,
    -0.11695716,
    0.06746432,
)
_TANH = (
    -0.33333278,
    0.13331331,
    -0.053730007,
    0.02060618,
    -0.0056669805,
)
_SIN = (
    -0.16666658,
    0.008333059,
    -0.00019809544,
    2.6057778e-06,
)
_MINUS_2_LOG = (
    -2.000002,
    1.000023,
    -0.66628087,
    0.49815604,
    -0.41006318,
    0.37379977,
    -0.23792037,
)
_SINE = (
    1.1107152,
    -0.45658734,
    0.05491915,
)
_COSINE = (
    0.70710677,
    -0.8723555,
    0.17932133,
    -0.014430929,
)


def exp(x: Node) -> Node:
    """Return e**x: 2**n times a polynomial in r = x - n ln 2.

    Beyond the bounds the result is infinite or zero in float32 whatever x is.

    Examples
    --------
    >>> from sensoryforge.equations.graph import ordered
    >>> len(ordered([exp(name("x"))]))  # nodes, literals among them
    47
    """
    bounded_below = where(x < -104.0, -104.0, x)
    bounded = where(x > 89.0, 89.0, bounded_below)
    n = _rint(bounded * _LOG2_E)
    r = (bounded - n * _LN2_HIGH) - n * _LN2_LOW
    tail = polynomial(r, *_EXP)
    fraction = r * r * tail + r + 1.0
    # 2**n in two halves, so that results at both ends of float32 are rounded once.
    half = _rint(n * 0.5)
    other_half = n - half
    return fraction * _exp2i(half) * _exp2i(other_half)


def log(x: Node) -> Node:
    """Return the natural logarithm; -inf at 0 and nan below it."""
    subnormal = x < _TINY
    # Times 2**25 a subnormal number is normal, and its exponent 25 too large.
    normal = where(subnormal, x * 33554432.0, x)
    f, exponent = _split(normal)
    e = where(subnormal, exponent - 25.0, exponent)
    square = f * f
    cube = polynomial(f, *_LOG) * f * square
    # The large terms are added last, so that the small ones are not lost in them.
    small = cube + e * _LN2_LOW
    finite = f + (small - square * 0.5) + e * _LN2_HIGH
    positive = where(x < math.inf, finite, x)
    is_zero = op("eq", x, 0.0)
    not_positive = where(is_zero, -math.inf, math.nan)
    return where(x > 0.0, positive, not_positive)


def tanh(x: Node) -> Node:
    """Return the hyperbolic tangent: a polynomial below 0.625, 1 - 2/(e**2x + 1) above it."""
    size = op("abs", x)
    # Beyond 10 it is 1. An infinity in the branch not taken would make the gradient nan.
    bounded = where(size > 10.0, 10.0, size)
    square = bounded * bounded
    tail = polynomial(square, *_TANH)
    near = tail * square * x + x
    denominator = exp(bounded + bounded) + 1.0
    far = 1.0 - 2.0 / denominator
    far_with_sign = where(x < 0.0, -far, far)
    return where(size < 0.625, near, far_with_sign)


def sin(x: Node) -> Node:
    """Return the sine: x less whole half turns, folded to a quarter turn, then a polynomial.

    The absolute error is below 1.3e-7 for ``|x|`` up to 1000 and below 2.2e-7 up to 8192; beyond,
    it is smaller than what one unit in the last place of x makes. No result is beyond 1.

    Examples
    --------
    >>> from sensoryforge.equations.graph import ordered
    >>> len(ordered([sin(name("x"))]))  # nodes, literals among them
    43
    """
    half_turns = _rint(x * _INVERSE_PI)
    return _sine_of_rest(x, half_turns, half_turns)


def cos(x: Node) -> Node:
    """Return the cosine, a sine a quarter turn later; as exact as :func:`sin`, and 1 at 0."""
    size = op("abs", x)
    # Odd quarter turns: where a cosine is zero, what is left of x is small, and exact.
    half_turns = _rint(size * _INVERSE_PI - 0.5)
    return _sine_of_rest(size, half_turns + 0.5, half_turns + 1.0)


def _sine_of_rest(x: Node, half_turns: Node, sign: Node) -> Node:
    """Return the sine of x less some half turns, the other sign where ``sign`` is odd."""
    rest = x - half_turns * _PI_HIGH - half_turns * _PI_MIDDLE - half_turns * _PI_LOW
    # Where x is so large that float32 cannot hold the rest, the result is still one of a sine.
    below = where(rest < -_QUARTER_TURN, -_QUARTER_TURN, rest)
    r = where(below > _QUARTER_TURN, _QUARTER_TURN, below)
    square = r * r
    sine = polynomial(square, *_SIN) * square * r + r
    is_odd = op("ne", _rint(sign * 0.5) * 2.0, sign)
    return where(is_odd, -sine, sine)


_EXPANSIONS: dict[str, Callable[[Node], Node]] = {
    "exp": exp,
    "log": log,
    "tanh": tanh,
    "cos": cos,
    "sin": sin,
}


def expand(roots: Mapping[str, Node]) -> dict[str, Node]:
    """Return the graph with exp, log, tanh, cos and sin replaced by their float32 graphs.

    Examples
    --------
    >>> small = expand({"y": op("sqrt", name("x"))})  # sqrt is exact everywhere: it stays
    >>> print(small["y"])
    sqrt(x)
    """

    def replace(node: Node) -> Node:
        if node.op not in _EXPANSIONS:
            return node
        return _EXPANSIONS[node.op](*node.args)

    return rewrite(roots, replace)


def has_elementary(roots: Mapping[str, Node]) -> bool:
    """Return whether a graph has a function that only :func:`expand` makes alike everywhere."""
    return any(node.op in _EXPANSIONS for node in ordered(roots.values()))


def normal_pair() -> dict[str, Node]:
    """Return two independent standard normals ``z0`` and ``z1`` as graphs of two random words.

    The transform of Box and Muller (1958, doi:10.1214/aoms/1177706645) takes a radius and an
    angle. Inputs are ``n``, a whole number from 1 to 2**24, for the radius sqrt(-2 ln(n / 2**24));
    ``g``, from -0.5 to 0.5, the angle within a quadrant; ``s0`` and ``s1``, 1 or -1, the quadrant.
    The largest value is sqrt(48 ln 2) = 5.77.

    Examples
    --------
    >>> sorted(normal_pair())
    ['z0', 'z1']
    """
    f, e = _split(name("n"))
    # -2 ln(n / 2**24) = 2 ln 2 (24 - e) - 2 ln(1 + f). Rounding may leave it just below 0 at
    # n = 2**24 - 1, where sqrt would be nan.
    whole = (24.0 - e) * 1.38629436
    fraction = polynomial(f, *_MINUS_2_LOG) * f
    square = whole + fraction
    radius = op("sqrt", where(square > 0.0, square, 0.0))
    g = name("g")
    g2 = g * g
    sine = polynomial(g2, *_SINE) * g
    cosine = polynomial(g2, *_COSINE)
    z0 = radius * (cosine - sine) * name("s0")
    z1 = radius * (cosine + sine) * name("s1")
    return {"z0": z0, "z1": z1}


def _split(x: Node) -> tuple[Node, Node]:
    """Return f and e with x = (1 + f) 2**e and 1/sqrt 2 <= 1 + f <= sqrt 2, for a normal x."""
    e = op("exponent", x)
    # Twice the mantissa: 2**-127, which the largest numbers would need, is beyond exp2i.
    twice = x * _exp2i(1.0 - e)
    big = twice > 2.82842708
    f = twice * where(big, 0.25, 0.5) - 1.0
    return f, where(big, e + 1.0, e)


def _rint(x: Node) -> Node:
    return op("rint", x)


def _exp2i(n: Node) -> Node:
    return op("exp2i", n)
