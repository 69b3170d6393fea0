"""A design in words: the lines of a dry run."""

from __future__ import annotations

from sensoryforge.design.family import Family, Number

SHOWN_VALUES = 20
"""The longest axis that is printed whole."""


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


def _list_values(values: tuple[Number, ...]) -> str:
    """Return an axis as a list, its middle left out where it is long."""
    if len(values) <= SHOWN_VALUES:
        return str(list(values))
    first = ", ".join(str(value) for value in values[:3])
    return f"[{first}, ..., {values[-1]}] ({len(values)} values)"
