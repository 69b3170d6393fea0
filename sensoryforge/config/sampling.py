"""How an entry of the stimuli is sampled, and what each of its parameters is drawn from.

``sampling`` (grid, paired, random, latin_hypercube, sobol), ``samples``, ``sampling_seed`` and
``where`` stand beside the parameters; a parameter may be a range, ``{low: 5, high: 50}`` with
``scale: log``, or ``{mean: 30, std: 5}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from sensoryforge.config.rules import SEED, Rule, one_of, or_null, whole
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import format_value, list_names
from sensoryforge.core.values import is_finite, is_number
from sensoryforge.design.design import MAX_CONDITIONS
from sensoryforge.design.sampling import (
    GRID,
    GROWING,
    LATIN_HYPERCUBE,
    METHODS,
    MOST_DIMENSIONS,
    PAIRED,
    RANDOM,
    SAMPLINGS,
    SOBOL,
    Choices,
    Condition,
    Normal,
    Plan,
    Spread,
    Uniform,
)
from sensoryforge.stimuli import Allowed, Range
from sensoryforge.stimuli.recipe import SAMPLING_KEYS

SAMPLING, SAMPLES, SAMPLING_SEED, WHERE = SAMPLING_KEYS

_RULES: dict[str, Rule] = {
    SAMPLING: one_of(*SAMPLINGS),
    SAMPLES: or_null(whole(1, MAX_CONDITIONS), "as many as the lists make"),
    SAMPLING_SEED: or_null(SEED, "pipeline.seed"),
}
_UNITS = {SAMPLES: "points"}
_RANGE = "{low: .., high: ..} with scale: log where wanted, or {mean: .., std: ..}"
_LINEAR, _LOG = "linear", "log"


@dataclass(frozen=True)
class Sampling:
    """How an entry is sampled, as it is written.

    Attributes
    ----------
    where
        The key of the entry.
    method
        One of grid, paired, random, latin_hypercube, sobol.
    samples
        How many points are wanted; None where that is not said.
    seed
        What they derive from.
    condition
        What they have to meet, as it is written; None for nothing.
    """

    where: str
    method: str = GRID
    samples: int | None = None
    seed: int = 0
    condition: Any = None

    @property
    def draws(self) -> bool:
        """Whether points are drawn, from ranges and lists."""
        return self.method in METHODS


def read_sampling(
    where: str, values: Mapping[str, Any], pipeline: Mapping[str, Any], problems: list[str]
) -> Sampling:
    """Return how an entry is sampled; a line for each mistake goes to ``problems``.

    Parameters
    ----------
    where
        The key of the entry.
    values
        What it holds.
    pipeline
        Its ``seed`` is that of points which have none of their own.
    problems
        Takes the lines; what has one is left as it is by default.

    Examples
    --------
    >>> read_sampling("stimuli", {"sampling": "sobol", "samples": 8}, {"seed": 42}, [])
    Sampling(where='stimuli', method='sobol', samples=8, seed=42, condition=None)
    """
    written: dict[str, Any] = {}
    known = len(problems)
    for key, rule in _RULES.items():
        value = values.get(key)
        if value is None:
            continue
        if rule.allows(value):
            written[key] = value
        else:
            problems.append(rule.problem(f"{where}.{key}", value, _UNITS.get(key, "-")))
    # With a way of sampling that there is not, nothing is to be said of ranges.
    otherwise = GRID if values.get(SAMPLING) is None else RANDOM
    sampling = Sampling(
        where,
        method=written.get(SAMPLING, otherwise),
        samples=written.get(SAMPLES),
        seed=written.get(SAMPLING_SEED, pipeline.get("seed", 0)),
        condition=values.get(WHERE),
    )
    if len(problems) == known:
        problems += _contradictions(sampling)
    return sampling


def _contradictions(sampling: Sampling) -> Iterator[str]:
    """Yield a line for each key that does not go with the way of sampling."""
    where, method, samples = sampling.where, sampling.method, sampling.samples
    if sampling.draws and samples is None:
        allowed = f"allowed is {whole(1, MAX_CONDITIONS).text.removeprefix('is ')}"
        yield f"{where}.samples: missing, {allowed.replace('{unit}', 'points')}"
    if not sampling.draws and samples is not None:
        yield (
            f"{where}.samples: got {samples}, allowed is none: {method} has as many points as its"
            f" lists make; to draw them write {where}.sampling: {list_names(METHODS)}"
        )
    if method == LATIN_HYPERCUBE and sampling.condition is not None:
        yield (
            f"{where}.where: got {format_value(sampling.condition)}, allowed is none:"
            " latin_hypercube has a point in each stratum, and would lose some; take"
            f" {' or '.join(GROWING)}, which draw others instead"
        )


# --- what a parameter is drawn from ---


def read_spread(
    key: str,
    value: Mapping[str, Any],
    allowed: Allowed,
    sampling: Sampling,
    problems: list[str],
) -> Spread | None:
    """Return what a range of a parameter stands for; None where it has a mistake.

    Parameters
    ----------
    key
        The key of the parameter.
    value
        ``low`` and ``high``, or ``mean`` and ``std``.
    allowed
        What the parameter may be.
    sampling
        How the entry is sampled.
    problems
        Takes the lines.

    Examples
    --------
    >>> from sensoryforge.stimuli import LENGTH
    >>> drawn = Sampling("stimuli", "sobol", samples=8)
    >>> value = {"low": 0.1, "high": 1, "scale": "log"}
    >>> read_spread("stimuli.sigma", value, LENGTH, drawn, [])
    Uniform(low=0.1, high=1, is_log=True, is_whole=False)
    """
    got = f"{key}: got {format_value(dict(value))}"
    if not sampling.draws:
        problems.append(
            f"{got}, allowed with sampling: {sampling.method} are values, as in"
            f" linspace(5, 50, 10); to draw from a range write {sampling.where}.sampling:"
            f" {list_names(METHODS)}, and {sampling.where}.samples"
        )
        return None
    if not isinstance(allowed, Range):
        problems.append(f"{got}, allowed is {allowed}, or a list of them; ranges are of numbers")
        return None
    lines = list(_mistakes_of_range(got, value, allowed))
    if lines:
        problems += lines[:1]
        return None
    if "mean" in value:
        return Normal(value["mean"], value["std"])
    is_log = value.get("scale") == _LOG
    return Uniform(value["low"], value["high"], is_log=is_log, is_whole=allowed.whole)


def _mistakes_of_range(got: str, value: Mapping[str, Any], allowed: Range) -> Iterator[str]:
    """Yield a line for what is wrong with a range."""
    keys = set(value)
    is_normal = keys == {"mean", "std"}
    if not is_normal and not ({"low", "high"} <= keys <= {"low", "high", "scale"}):
        yield f"{got}, allowed is {_RANGE}"
        return
    for name in ("mean", "std", "low", "high"):
        if name in value and not is_finite(value[name]):
            yield f"{got}, {name} is {format_value(value[name])}, allowed is a number"
            return
    if is_normal:
        yield from _mistakes_of_normal(got, value, allowed)
    else:
        yield from _mistakes_of_uniform(got, value, allowed)


def _mistakes_of_normal(got: str, value: Mapping[str, Any], allowed: Range) -> Iterator[str]:
    if allowed.whole:
        yield f"{got}, allowed is {allowed}: of whole numbers write {{low: .., high: ..}}"
    if value["std"] <= 0:
        yield f"{got}, allowed is a std > 0; write the number itself for one without any"
    if not allowed.allows(value["mean"]):
        yield f"{got}, allowed is {allowed}"


def _mistakes_of_uniform(got: str, value: Mapping[str, Any], allowed: Range) -> Iterator[str]:
    low, high, scale = value["low"], value["high"], value.get("scale", _LINEAR)
    if scale not in (_LINEAR, _LOG):
        yield f"{got}, allowed is scale: {_LINEAR} or {_LOG}"
    if low > high:
        yield f"{got}, low is above high; write {{low: {high}, high: {low}}}"
    elif low == high:
        yield f"{got}, low is high; write the number itself"
    if scale == _LOG and low <= 0:
        yield f"{got}, allowed is low > 0: a log scale does not reach {low:g}"
    for end in (low, high):
        is_whole = not allowed.whole or float(end).is_integer()
        as_allowed = int(end) if allowed.whole and is_whole else end
        if not is_whole or not allowed.allows(as_allowed):
            yield f"{got}, allowed is {allowed}"


# --- a plan ---


def make_plan(
    sampling: Sampling,
    spreads: Mapping[str, Spread],
    fixed: Mapping[str, Any],
    tied: Mapping[str, str],
) -> Plan:
    """Return the plan of an entry.

    Parameters
    ----------
    sampling
        How it is sampled.
    spreads
        Each parameter that varies by itself -> what it is drawn from.
    fixed
        Parameter -> its value, of those that do not vary.
    tied
        Parameter -> the one that it is equal to.

    Raises
    ------
    ConfigError
        With the line for a plan that cannot be made.
    """
    where = sampling.where
    problems = list(_mistakes_of_plan(sampling, spreads))
    if problems:
        raise ConfigError(problems)
    condition = None
    if sampling.condition is not None:
        known = [name for name, value in fixed.items() if is_number(value)]
        known += [name for name, spread in spreads.items() if _is_of_numbers(spread)]
        known += [name for name, source in tied.items() if source in known]
        condition = Condition(sampling.condition, known, f"{where}.{WHERE}")
    return Plan(
        where=where,
        method=sampling.method,
        spreads=dict(spreads),
        fixed=dict(fixed),
        tied=dict(tied),
        samples=sampling.samples or 0,
        seed=sampling.seed,
        condition=condition,
    )


def _mistakes_of_plan(sampling: Sampling, spreads: Mapping[str, Spread]) -> Iterator[str]:
    """Yield the line for ways of sampling that these parameters do not allow."""
    where, method = sampling.where, sampling.method
    if sampling.draws and not spreads:
        yield f"{where}.sampling: got '{method}', but no parameter is a range or a list"
    if method == SOBOL and len(spreads) > MOST_DIMENSIONS:
        yield (
            f"{where}.sampling: got 'sobol' of {len(spreads)} parameters, allowed are at most"
            f" {MOST_DIMENSIONS}; take latin_hypercube or random"
        )
    if sampling.draws:
        return
    lengths: dict[str, int] = {}
    for name, spread in spreads.items():
        assert isinstance(spread, Choices)
        lengths[name] = len(spread.items)
    if method == PAIRED:
        yield from _mistakes_of_pairs(where, lengths)
    elif prod(lengths.values()) > MAX_CONDITIONS:
        combinations = prod(lengths.values())
        yield f"{where}: got {combinations} combinations, allowed are at most {MAX_CONDITIONS}"


def _mistakes_of_pairs(where: str, lengths: Mapping[str, int]) -> Iterator[str]:
    if not lengths:
        yield f"{where}.sampling: got 'paired', but no parameter is a list"
    elif len(set(lengths.values())) > 1:
        each = list_names(f"{name} {length}" for name, length in lengths.items())
        yield f"{where}.sampling: got 'paired' of lists of unlike length ({each}); one is allowed"


def _is_of_numbers(spread: Spread) -> bool:
    return not isinstance(spread, Choices) or all(map(is_number, spread.items))
