"""Pictures of a dataset. Each function returns a matplotlib figure; its ``width`` is in inches.

``response``: a stimulus over time, with rasters and time histograms. ``sheet``: receptors and receptive fields.
``movie``: frames of a stimulus. ``heatmap``: rates over two axes. ``tuning``: rates against a parameter.
"""

from __future__ import annotations

from sensoryforge.plots.activity import response
from sensoryforge.plots.skin import movie, sheet
from sensoryforge.plots.tuning import heatmap, tuning

__all__ = ["heatmap", "movie", "response", "sheet", "tuning"]
