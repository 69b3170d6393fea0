"""The quantiles of the normal distribution, with the same bits on every machine.

Wichura 1988, "Algorithm AS 241: the percentage points of the normal distribution",
doi:10.2307/2347330, routine PPND16: three ratios of polynomials, within 1e-15.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sensoryforge.core.numerics import log
from sensoryforge.core.types import Floats

# Numerator and denominator, the constant first: near the middle, in the tails, far out.
_MIDDLE = (
    (
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ),
    (
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ),
)
_TAIL = (
    (
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ),
    (
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
)
_FAR = (
    (
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ),
    (
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ),
)
_MIDDLE_REACHES = 0.425
_TAIL_REACHES = 5.0


def normal_quantile(p: Floats) -> Floats:
    """Return the standard normal number that a part ``p`` of all lies below, elementwise.

    Parameters
    ----------
    p
        Numbers in (0, 1).

    Examples
    --------
    >>> normal_quantile(np.array([0.025, 0.5, 0.975])).round(6).tolist()
    [-1.959964, 0.0, 1.959964]
    """
    from_middle = p - 0.5
    is_middle = np.abs(from_middle) <= _MIDDLE_REACHES
    square = _MIDDLE_REACHES**2 - np.where(is_middle, from_middle * from_middle, 0.0)
    middle = from_middle * _ratio(square, _MIDDLE)
    beyond = np.where(from_middle < 0, p, 1.0 - p)
    r = np.sqrt(-log(np.where(is_middle, 0.5, beyond)))
    tail = np.where(r <= _TAIL_REACHES, _ratio(r - 1.6, _TAIL), _ratio(r - _TAIL_REACHES, _FAR))
    quantiles: Floats = np.where(is_middle, middle, np.where(from_middle < 0, -tail, tail))
    return quantiles


def _ratio(x: Floats, polynomials: tuple[Sequence[float], Sequence[float]]) -> Floats:
    """Return the ratio of two polynomials, each by Horner's rule."""
    numerator, denominator = (np.full_like(x, coefficients[-1]) for coefficients in polynomials)
    for above, below in zip(polynomials[0][-2::-1], polynomials[1][-2::-1], strict=True):
        numerator = numerator * x + above
        denominator = denominator * x + below
    return numerator / denominator
