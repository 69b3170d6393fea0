"""What the results file of a merge says, also where runs that it joins were interrupted."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sensoryforge.core.errors import ConfigError
from sensoryforge.running.metadata import run_metadata, versions

if TYPE_CHECKING:
    from sensoryforge.analysis.results import Results
    from sensoryforge.store.formats.base import Metadata

_OF_THE_RUN = ("versions", "started", "wall_time_s", "stimuli_computed", "failures")
"""Metadata that nobody knows of a run that was interrupted."""


def complete_metadata(dataset: Results) -> Results:
    """Return a dataset with the metadata that its run would have written at its end today.

    An interrupted run has left its configuration alone, which says all but when and by which
    version the stimuli were computed; an earlier version told no design. The dataset stays as it
    is where nothing is missing, or where the configuration needs classes that are not to be had.

    Parameters
    ----------
    dataset
        Finished or interrupted.
    """
    if "design_text" in dataset.facts or "config" not in dataset.facts:
        return dataset
    from sensoryforge.analysis.joint_metadata import without_arrays
    from sensoryforge.config.reading import check

    try:
        experiment = check(dataset.facts["config"])
    except ConfigError:
        return dataset
    told = run_metadata(experiment, datetime.now(UTC), 0.0, 0, [])
    for key in _OF_THE_RUN:
        del told[key]
    metadata = {**told, **dataset.metadata}
    completed = copy.copy(dataset)
    vars(completed).update(metadata=metadata, facts=without_arrays(metadata))
    return completed


def merged_metadata(joint: Results, config: dict[str, Any]) -> Metadata:
    """Return what the results file of a merge says.

    Parameters
    ----------
    joint
        The datasets opened as one.
    config
        The configuration that the whole keeps.

    Raises
    ------
    ConfigError
        Where all runs were interrupted, and the configuration of none can be read here.
    """
    if "design" not in joint.facts:
        from sensoryforge.config.reading import check

        check(joint.facts["config"])  # says what is missing
    now = datetime.now(UTC).isoformat(timespec="seconds")
    unknown: Metadata = {"started": now, "wall_time_s": 0.0, "stimuli_computed": 0}
    if "versions" not in joint.facts:
        unknown["versions"] = versions()  # imports Lightning, for nothing but its number
    return {**unknown, **joint.metadata, "config": config}
