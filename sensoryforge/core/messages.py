"""The words that messages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

USERS_FAILURES = (Exception, SystemExit, GeneratorExit)
"""What a user's own code raises when it fails.

Its ``sys.exit`` must not end a batch; an interrupt has to, so KeyboardInterrupt is not among them.
"""
LONGEST_VALUE = 80
"""Characters of a value that a message shows."""


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known word, or an empty text.

    Examples
    --------
    >>> suggest("gausian", ["gaussian", "step"])
    "; did you mean 'gaussian'?"
    >>> suggest("pin", ["gaussian", "step"])
    ''
    """
    nearest = get_close_matches(word, list(known), n=1)
    return f"; did you mean '{nearest[0]}'?" if nearest else ""


def format_value(value: object) -> str:
    """Return a value as a user would write it, on one line, cut where it is long.

    Examples
    --------
    >>> format_value("gausian"), format_value(None), format_value([1, 2.5])
    ("'gausian'", 'null', '[1, 2.5]')
    """
    if value is None:
        return "null"
    if isinstance(value, str):
        return repr(_cut(value))
    try:
        text = repr(value)
    except ValueError:  # Python does not print whole numbers of more than 4300 digits
        text = f"{type(value).__name__} too long to print"
    return _cut(_on_one_line(text))


def list_names(names: Iterable[object]) -> str:
    """Return names in their order, separated by commas.

    Examples
    --------
    >>> list_names(["sa", "ra"])
    'sa, ra'
    """
    return ", ".join(str(name) for name in names)


def list_alternatives(names: Sequence[str]) -> str:
    """Return names in their order, as in "a, b or c".

    Examples
    --------
    >>> list_alternatives([".png", ".npy"])
    '.png or .npy'
    """
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def unknown_key(where: str, key: object, known: Sequence[str]) -> str:
    """Return the message for a key that does not exist.

    Parameters
    ----------
    where
        The section that the key stands in, an empty text at the top of the configuration.
    key
        What was written.
    known
        The keys that exist there.

    Examples
    --------
    >>> unknown_key("batch", "resumee", ["resume", "save"])
    "batch.resumee: unknown key, known are resume, save; did you mean 'resume'?"
    """
    name = f"{where}.{key}" if where else str(key)
    names = list_names(known) or "none"
    return f"{name}: unknown key, known are {names}{suggest(str(key), known)}"


def describe_failure(error: BaseException) -> str:
    """Return what kind of error it is and what it says, on one line.

    Examples
    --------
    >>> describe_failure(ValueError("no such skin"))
    'ValueError: no such skin'
    >>> describe_failure(MemoryError())
    'MemoryError'
    """
    try:
        reason = str(error)
    except USERS_FAILURES:  # an error of a user's own class may fail at this too
        reason = ""
    return _on_one_line(f"{type(error).__name__}: {reason}").removesuffix(":")


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str) -> str:
    if len(text) <= LONGEST_VALUE:
        return text
    return text[: LONGEST_VALUE - 3] + "..."


def hint_at_number(value: object) -> str:
    """Return how a text that says a number is written as one; empty for any other value.

    Examples
    --------
    >>> hint_at_number("0.7")
    '; it is text, write 0.7 without quotes, or ${oc.decode:${oc.env:NAME}} for a variable'
    >>> hint_at_number("wide")
    ''
    """
    if not isinstance(value, str):
        return ""
    try:
        float(value)
    except ValueError:
        return ""
    variable = "${oc.decode:${oc.env:NAME}} for a variable"
    return f"; it is text, write {value.strip()} without quotes, or {variable}"
