"""Names for the roles that arrays play: shapes and units, said once.

B stimuli, C conditions, T samples, R receptors, N neurons, K separable terms. Where stimuli are
shaped on a GPU, torch tensors of the same shape and type play the roles of arrays.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
"""Any array of float64."""
Ints: TypeAlias = npt.NDArray[np.int64]
"""Any array of int64."""
Bools: TypeAlias = npt.NDArray[np.bool_]
"""Any array of bool."""
Texts: TypeAlias = npt.NDArray[np.str_]
"""Any array of text."""
Positions: TypeAlias = npt.NDArray[np.float64]
"""``[R, 2]`` or ``[N, 2]``: x and y on the skin in mm."""
Columns: TypeAlias = dict[str, npt.NDArray[Any]]
"""Parameter name -> ``[C]``: one value a condition, float64, or text where it is a word."""
Space: TypeAlias = npt.NDArray[np.float64]
"""``[C, K, R]``: the spatial factors of separable stimuli."""
Time: TypeAlias = npt.NDArray[np.float64]
"""``[C, K, T]``: the temporal factors of separable stimuli."""
Frames: TypeAlias = npt.NDArray[np.float64]
"""``[C, T, R]``: the pressure of stimuli that do not separate."""
