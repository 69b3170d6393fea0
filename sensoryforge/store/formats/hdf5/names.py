"""What things are called in a ``results.h5``."""

from __future__ import annotations

TABLE = "_table"
"""The root's attribute with entries, shapes and metadata for our own reader."""
_FEWEST_DIGITS = 4


def group_name(row: int, count: int) -> bytes:
    """Return the name of a stimulus's group; names sort as the rows do.

    Examples
    --------
    >>> group_name(7, 100), group_name(7, 20_000)
    (b'stimulus_0007', b'stimulus_00007')
    """
    digits = max(_FEWEST_DIGITS, len(str(count - 1)))
    return f"stimulus_{row:0{digits}d}".encode()
