"""exp, log, tanh and the normal transform in float32, as graphs of operations that every machine rounds alike.

A library's elementary functions differ between processors; these are built from ``+ - * /``, selects and three
operations on the exponent bits: ``rint`` (round half to even), ``exp2i`` (two to a whole power from -126 to 127) and
``exponent`` (the binary exponent of a positive normal number). The polynomials are minimax fits in relative error,
rounded to float32; ``tests/test_functions.py`` holds them to 2 ulp.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from sensoryforge.expressions import Node, name, op, polynomial, rewrite

_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4  # ln 2 in two parts; n * high is exact for |n| < 2**15
_TINY = 1.17549435e-38  # the smallest normal float32


def exp(x: Node) -> Node:
    """Return e**x: 2**n times a polynomial in x - n ln 2, with n split in two so that the ends round once."""
    x = op("where", op("gt", x, 89.0), 89.0, op("where", op("lt", x, -104.0), -104.0, x))
    n = op("rint", op("mul", x, 1.44269504))
    r = op("sub", op("sub", x, op("mul", n, _LN2_HIGH)), op("mul", n, _LN2_LOW))
    tail = polynomial(r, 0.5, 0.16666666, 0.04166628, 0.008333504, 0.0013945752, 0.00019789266)
    p = op("add", op("add", op("mul", op("mul", r, r), tail), r), 1.0)
    half = op("rint", op("mul", n, 0.5))
    return op("mul", op("mul", p, op("exp2i", half)), op("exp2i", op("sub", n, half)))


def _split(x: Node) -> tuple[Node, Node]:
    """Return f and e with x = (1 + f) 2**e and 1 + f between 1/sqrt 2 and sqrt 2, for a normal x."""
    e = op("exponent", x)
    # Twice the mantissa: 2**-127, which the largest numbers would need, is beyond exp2i.
    m = op("mul", x, op("exp2i", op("sub", 1.0, e)))
    big = op("gt", m, 2.82842708)
    f = op("sub", op("mul", m, op("where", big, 0.25, 0.5)), 1.0)
    return f, op("where", big, op("add", e, 1.0), e)


def log(x: Node) -> Node:
    """Return the natural logarithm; -inf at 0 and nan below it."""
    small = op("lt", x, _TINY)
    f, e = _split(op("where", small, op("mul", x, 33554432.0), x))
    e = op("where", small, op("sub", e, 25.0), e)
    tail = polynomial(
        f, 0.3333331, -0.2500001, 0.20002194, -0.16668051, 0.14217898, -0.12403307, 0.11899021, -0.11695716, 0.06746432
    )
    square = op("mul", f, f)
    y = op("add", op("mul", op("mul", tail, f), square), op("mul", e, _LN2_LOW))
    y = op("add", op("add", f, op("sub", y, op("mul", square, 0.5))), op("mul", e, _LN2_HIGH))
    y = op("where", op("lt", x, math.inf), y, x)
    return op("where", op("gt", x, 0.0), y, op("where", op("eq", x, 0.0), -math.inf, math.nan))


def tanh(x: Node) -> Node:
    """Return the hyperbolic tangent: a polynomial below 0.625, 1 - 2/(e**2x + 1) above it."""
    a = op("abs", x)
    bounded = op("where", op("gt", a, 10.0), 10.0, a)
    square = op("mul", bounded, bounded)  # an infinity in the branch not taken would make the gradient nan
    tail = polynomial(square, -0.33333278, 0.13331331, -0.053730007, 0.02060618, -0.0056669805)
    near = op("add", op("mul", op("mul", tail, square), x), x)
    far = op("sub", 1.0, op("div", 2.0, op("add", exp(op("add", bounded, bounded)), 1.0)))
    return op("where", op("lt", a, 0.625), near, op("where", op("lt", x, 0.0), op("neg", far), far))


_EXPANSIONS = {"exp": exp, "log": log, "tanh": tanh}


def expand(roots: Mapping[str, Node]) -> dict[str, Node]:
    """Return the graph with exp, log and tanh replaced by their float32 graphs."""
    return rewrite(roots, lambda n: _EXPANSIONS[n.op](*n.args) if n.op in _EXPANSIONS else n)


def normal_pair() -> dict[str, Node]:
    """Return two independent standard normals ``z0``, ``z1`` from two random words, by Box and Muller.

    Inputs: ``n``, a whole number from 1 to 2**24 (radius); ``g``, from -0.5 to 0.5 (angle within a quadrant); ``s0``
    and ``s1``, 1 or -1 (the quadrant). The largest value is sqrt(48 ln 2) = 5.77.
    """
    f, e = _split(name("n"))
    series = polynomial(f, -2.000002, 1.000023, -0.66628087, 0.49815604, -0.41006318, 0.37379977, -0.23792037)
    # -2 ln(n / 2**24), as 2 ln 2 (24 - e) - 2 ln(1 + f); rounding may leave it just below 0 at n = 2**24 - 1.
    square = op("add", op("mul", op("sub", 24.0, e), 1.38629436), op("mul", series, f))
    radius = op("sqrt", op("where", op("gt", square, 0.0), square, 0.0))
    g = name("g")
    g2 = op("mul", g, g)
    sine = op("mul", polynomial(g2, 1.1107152, -0.45658734, 0.05491915), g)
    cosine = polynomial(g2, 0.70710677, -0.8723555, 0.17932133, -0.014430929)
    return {
        "z0": op("mul", op("mul", radius, op("sub", cosine, sine)), name("s0")),
        "z1": op("mul", op("mul", radius, op("add", cosine, sine)), name("s1")),
    }
