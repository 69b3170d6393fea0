"""A design in words: the lines of a dry run."""

from __future__ import annotations

from collections.abc import Sequence

from sensoryforge.design.family import Family, Value

SHOWN_FAMILIES = 20
"""Families of one type that are told one by one; more are summed up."""
SHOWN_VALUES = 20
"""The longest axis that is printed whole."""


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
    axes = []
    for name, values in family.axes.items():
        if name in family.listed:
            axes.append(f"{name}={_list_values(values)}")
    combinations = with_noun(
        family.count_conditions, "parameter combination", "parameter combinations"
    )
    repetitions = with_noun(family.repetitions, "repetition", "repetitions")
    stimuli = with_noun(family.count, "stimulus", "stimuli")
    count_line = f"→ {combinations} × {repetitions} = {stimuli}"
    if not axes and not is_one_of_several:
        return [count_line]
    label = f"Grid expansion ({family.type})" if is_one_of_several else "Grid expansion"
    axes_text = ", ".join(axes) if axes else "no lists"
    return [f"{label}: {axes_text}", count_line]


def with_noun(count: int, singular: str, plural: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> with_noun(1, "stimulus", "stimuli"), with_noun(2, "stimulus", "stimuli")
    ('1 stimulus', '2 stimuli')
    """
    return f"{count} {singular if count == 1 else plural}"


def _list_values(values: tuple[Value, ...]) -> str:
    """Return an axis as a list, its middle left out where it is long."""
    if len(values) <= SHOWN_VALUES:
        return str(list(values))
    first = ", ".join(str(value) for value in values[:3])
    return f"[{first}, ..., {values[-1]}] ({len(values)} values)"
