"""A design in words: the lines of a dry run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sensoryforge.core.messages import list_names
from sensoryforge.design.family import Family, Values
from sensoryforge.design.sampling import GRID, Drawn
from sensoryforge.design.sampling.spread import list_values

SHOWN_FAMILIES = 20
"""Families of one type that are told one by one; more are summed up."""
SHOWN_POINTS = 3
"""Points of a drawn design whose values are told."""


def families_lines(families: Sequence[Family]) -> list[str]:
    """Return the lines of all families, those of a type together where they are many.

    Examples
    --------
    >>> taps = [Family("tap", "", {"height": (height,)}) for height in range(1000)]
    >>> families_lines([*taps, Family("ramp", "", {"final": (10, 20)}, ("final",))])
    ... # doctest: +NORMALIZE_WHITESPACE
    ['Grid expansion (tap): 1000 entries without lists',
     '→ 1000 parameter combinations × 1 repetition = 1000 stimuli',
     'Grid expansion (ramp): final=[10, 20]',
     '→ 2 parameter combinations × 1 repetition = 2 stimuli']
    """
    groups: dict[tuple[str, bool], list[Family]] = {}
    for family in families:
        groups.setdefault((family.type, bool(family.listed)), []).append(family)
    told: set[tuple[str, bool]] = set()
    lines: list[str] = []
    for family in families:
        key = (family.type, bool(family.listed))
        group = groups[key]
        if len(group) <= SHOWN_FAMILIES:
            lines += family_lines(family, is_one_of_several=len(families) > 1)
        elif key not in told:
            told.add(key)
            lines += _summed_lines(group)
    return lines


def _summed_lines(families: Sequence[Family]) -> list[str]:
    """Return the two lines of many families of one type."""
    lists = "with lists" if families[0].listed else "without lists"
    if any(family.drawn is not None for family in families):
        lists = "with designs of their own"
    conditions = sum(family.count_conditions for family in families)
    stimuli = sum(family.count for family in families)
    repetitions = {family.repetitions for family in families}
    times = with_noun(repetitions.pop(), "repetition", "repetitions")
    if repetitions:
        times = "their repetitions"
    return [
        f"Grid expansion ({families[0].type}): {len(families)} entries {lists}",
        f"→ {conditions} parameter combinations × {times} = {stimuli} stimuli",
    ]


def family_lines(family: Family, *, is_one_of_several: bool) -> list[str]:
    """Return a family's axes, where it has any or stands among others, and its number of stimuli.

    Examples
    --------
    >>> family_lines(Family("ramp", "", {"final": (10, 20)}, ("final",)), is_one_of_several=False)
    ['Grid expansion: final=[10, 20]', '→ 2 parameter combinations × 1 repetition = 2 stimuli']
    """
    label = f" ({family.type})" if is_one_of_several else ""
    if family.drawn is not None and family.drawn.is_random:
        return [*_lines_of_points(family, family.drawn, label), _count_line(family)]
    axes = [f"{name}={list_values(tuple(family.axes[name]))}" for name in _listed(family)]
    if family.drawn is not None:
        axes += _ties_of_lists(family.drawn)
    if not axes and not is_one_of_several:
        return [_count_line(family)]
    axes_text = ", ".join(axes) if axes else "no lists"
    return [f"{_heading(family)}{label}: {axes_text}{_condition(family)}", _count_line(family)]


def describe_spread(family: Family, name: str) -> str:
    """Return in words what a parameter is drawn from, or which one it is equal to.

    Parameters
    ----------
    family
        A family whose design is no plain product.
    name
        A parameter that varies.
    """
    assert family.drawn is not None
    plan = family.drawn.plan
    return f"as {plan.tied[name]}" if name in plan.tied else str(plan.spreads[name])


def _listed(family: Family) -> list[str]:
    """Return the parameters that were written as lists, in order."""
    return [name for name in family.axes if name in family.listed]


def _ties_of_lists(drawn: Drawn) -> list[str]:
    return [f"{name}={source}" for name, source in drawn.plan.tied.items()]


def _heading(family: Family) -> str:
    is_product = family.drawn is None or family.drawn.plan.method == GRID
    return "Grid expansion" if is_product else "Pairs"


def _condition(family: Family) -> str:
    """Return the condition on combinations, and how many keep it."""
    drawn = family.drawn
    if drawn is None or drawn.plan.condition is None:
        return ""
    kept = f"{drawn.count} of {drawn.tried} kept"
    return f", where {drawn.plan.condition.text} ({kept})"


def _lines_of_points(family: Family, drawn: Drawn, label: str) -> Iterator[str]:
    """Yield what was drawn: a line for all of it, one a parameter with the first of its values."""
    plan = drawn.plan
    parameters = with_noun(len(plan.spreads), "parameter", "parameters")
    points = with_noun(drawn.count, "point", "points")
    yield f"Sampling{label}: {plan.method}, {points} of {parameters}, seed {plan.seed}"
    varied = [name for name in family.axes if name in drawn.numbers]
    width = max(map(len, varied))
    for name in varied:
        yield f"  {name:{width}}  {describe_spread(family, name)}: {_first_values(family, name)}"
    if plan.condition is not None:
        yield f"  where {plan.condition.text}: {drawn.count} of {drawn.tried} points kept"


def _first_values(family: Family, name: str) -> str:
    """Return the values of a parameter at the first points."""
    assert family.drawn is not None
    values: Values = family.axes[name]
    shown = []
    for number in family.drawn.numbers[name][:SHOWN_POINTS].tolist():
        value = values[number]
        shown.append(str(value) if isinstance(value, str) else f"{value:.6g}")
    more = ", ..." if family.drawn.count > SHOWN_POINTS else ""
    return f"{list_names(shown)}{more}"


def _count_line(family: Family) -> str:
    """Return the line that says how many conditions and stimuli a family has."""
    combinations = with_noun(
        family.count_conditions, "parameter combination", "parameter combinations"
    )
    repetitions = with_noun(family.repetitions, "repetition", "repetitions")
    stimuli = with_noun(family.count, "stimulus", "stimuli")
    return f"→ {combinations} × {repetitions} = {stimuli}"


def with_noun(count: int, singular: str, plural: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> with_noun(1, "stimulus", "stimuli"), with_noun(2, "stimulus", "stimuli")
    ('1 stimulus', '2 stimuli')
    """
    return f"{count} {singular if count == 1 else plural}"
