"""A dataset in the shapes that other libraries take, a file a shape.

``to_xarray``: a labelled array with a dimension for each axis of the design. ``to_events`` and
``from_events``: spikes as a list of events (``EVENT``), there and back. ``tonic_dataset``: these
events as Tonic and its loaders take them.

Examples
--------
>>> from sensoryforge.analysis.exports import to_xarray
>>> to_xarray(results, "sa", "counts").dims
('amplitude', 'sigma', 'repetition', 'neuron')
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensoryforge.core.lazy import import_public

if TYPE_CHECKING:
    from sensoryforge.analysis.exports.events import EVENT as EVENT
    from sensoryforge.analysis.exports.events import from_events as from_events
    from sensoryforge.analysis.exports.events import to_events as to_events
    from sensoryforge.analysis.exports.events import tonic_dataset as tonic_dataset
    from sensoryforge.analysis.exports.labelled_array import to_xarray as to_xarray

_MODULES = {
    "EVENT": "events",
    "from_events": "events",
    "to_events": "events",
    "to_xarray": "labelled_array",
    "tonic_dataset": "events",
}
"""Public name -> the module of this package that defines it."""

__all__ = ["EVENT", "from_events", "to_events", "to_xarray", "tonic_dataset"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    return import_public(__name__, _MODULES, name)


def __dir__() -> list[str]:
    """Return the public names, those that are not imported yet included."""
    return sorted({*globals(), *__all__})
