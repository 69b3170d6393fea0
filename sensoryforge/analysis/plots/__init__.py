"""Pictures of a dataset. Each function returns a matplotlib figure; its ``width`` is in inches.

``response``: a stimulus over time, with rasters and time histograms. ``sheet``: receptors and
receptive fields. ``movie``: frames of a stimulus. ``rates_on_sheet``: the rate of each afferent at
its place. ``afferent``: the spikes of one afferent over repetitions. ``heatmap``: rates over two
axes of the design. ``tuning``: rates against a parameter. ``thresholds``: the least amplitude that
is enough, against the frequency of a vibration. ``coverage``: the conditions of a design among the
values of its parameters. ``stimulus``: the stimuli of an
experiment before any run. ``save_movie`` writes a film of a stimulus with its spikes.

Matplotlib is imported when the first picture is asked for.

Examples
--------
>>> from sensoryforge.analysis import plots
>>> figure = plots.heatmap(results, "amplitude", "sigma")
>>> [axis.get_title(loc="left") for axis in figure.axes[:2]]
['SA', 'RA']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensoryforge.core.lazy import import_public

if TYPE_CHECKING:
    from sensoryforge.analysis.plots.activity import response as response
    from sensoryforge.analysis.plots.afferents import afferent as afferent
    from sensoryforge.analysis.plots.afferents import rates_on_sheet as rates_on_sheet
    from sensoryforge.analysis.plots.curves import tuning as tuning
    from sensoryforge.analysis.plots.film import save_movie as save_movie
    from sensoryforge.analysis.plots.maps import heatmap as heatmap
    from sensoryforge.analysis.plots.pairs import coverage as coverage
    from sensoryforge.analysis.plots.planned import stimulus as stimulus
    from sensoryforge.analysis.plots.skin import movie as movie
    from sensoryforge.analysis.plots.skin import sheet as sheet
    from sensoryforge.analysis.plots.vibrations import thresholds as thresholds

_MODULES = {
    "afferent": "afferents",
    "coverage": "pairs",
    "heatmap": "maps",
    "movie": "skin",
    "rates_on_sheet": "afferents",
    "response": "activity",
    "save_movie": "film",
    "sheet": "skin",
    "stimulus": "planned",
    "thresholds": "vibrations",
    "tuning": "curves",
}
"""Public name -> the module of this package that defines it."""

__all__ = [
    "afferent",
    "coverage",
    "heatmap",
    "movie",
    "rates_on_sheet",
    "response",
    "save_movie",
    "sheet",
    "stimulus",
    "thresholds",
    "tuning",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    return import_public(__name__, _MODULES, name)


def __dir__() -> list[str]:
    """Return the public names, those that are not imported yet included."""
    return sorted({*globals(), *__all__})
