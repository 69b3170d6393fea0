"""What stands within an entry of the stimuli: its profile, its motion, the parts of a composite.

Each is the name of an option, or a mapping with a ``type``, which is completed with the defaults
of that option. Files are looked for beside the batch file, then where the command was given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sensoryforge.config.kinds import option, option_names
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.instances import TARGET
from sensoryforge.core.messages import format_value, list_names
from sensoryforge.core.paths import is_file
from sensoryforge.stimuli.recipe import PARTS, PIECES

FILE = "file"
"""The key of a parameter that names a file."""
WITH_FILES = ("layout", "innervation", "units")
"""Parts of a population that may name a file."""
LEFT_OUT = "none"
"""The name of an option, such as a motion's, that stands for nothing."""
TWO_POINTS = {
    "left": {"type": "gaussian", "center_x": -1.0},
    "right": {"type": "gaussian", "center_x": 1.0},
}
"""The parts of a composite that has none of its own."""


@dataclass(frozen=True)
class Options:
    """Where options and files are.

    Parameters
    ----------
    search
        Folders with options of the user's.
    beside
        The folder of the batch file, where there is one.
    """

    search: Sequence[Path] = ()
    beside: Path | None = None

    def complete(self, where: str, entry: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
        """Return an entry whose nested mappings have all that their options say.

        Parameters
        ----------
        where
            The key of the entry, for messages.
        entry
            An entry, or a part of one; it is left as it is.
        problems
            Takes a line for each option that does not exist; what it is of is left out.
        """
        completed: dict[str, Any] = {}
        for key, value in entry.items():
            if key in PIECES:
                piece = self._complete_option(f"{where}.{key}", key, value, problems)
                if piece is not None:
                    completed[key] = piece
            elif key == PARTS:
                completed[key] = self._complete_parts(f"{where}.{key}", value, problems)
            elif key == FILE:
                completed[key] = self._find_files(value)
            else:
                completed[key] = value
        return completed

    def _complete_parts(self, where: str, parts: Any, problems: list[str]) -> dict[str, Any] | None:
        """Return the parts of a composite, each completed; None where none is left."""
        if parts is None:
            parts = TWO_POINTS
        if not isinstance(parts, Mapping):
            allowed = "a mapping of names to stimuli, each with a type"
            problems.append(f"{where}: got {format_value(parts)}, allowed is {allowed}")
            return None
        completed: dict[str, Any] = {}
        for name, part in parts.items():
            whole = self._complete_option(f"{where}.{name}", "stimuli", part, problems)
            if whole is not None:
                completed[str(name)] = self.complete(f"{where}.{name}", whole, problems)
        none_was_meant = all(_is_left_out(part) for part in parts.values())
        return completed if completed or none_was_meant else None

    def _complete_option(
        self, where: str, group: str, value: Any, problems: list[str]
    ) -> dict[str, Any] | None:
        """Return what an option says with the values that stand here over it; None for nothing."""
        if isinstance(value, str):
            value = {"type": value}
        if _is_left_out(value):
            return None
        if not isinstance(value, Mapping):
            allowed = f"the name of an option of the group {group}, or a mapping with a type"
            problems.append(f"{where}: got {format_value(value)}, allowed is {allowed}")
            return None
        values = {str(key): item for key, item in value.items()}
        if TARGET not in values:
            name = values.get("type")
            if not isinstance(name, str):
                allowed = f"one of {list_names(option_names(group, self.search))}"
                problems.append(f"{where}.type: got {format_value(name)}, allowed is {allowed}")
                return None
            try:
                defaults = option(group, name, self.search)
            except ConfigError as error:
                problems.append(f"{where}.type: {error}")
                return None
            # A part is repeated with its composite, not by itself.
            defaults.pop("repetitions", None)
            values = {**defaults, **values}
        if FILE in values:
            values[FILE] = self._find_files(values[FILE])
        return values

    def find_files_of_populations(self, populations: Mapping[str, Any]) -> None:
        """Put the paths of files that exist where layouts and innervations of a node name them.

        Parameters
        ----------
        populations
            The populations by name, in plain containers; they are changed.
        """
        for population in populations.values():
            if not isinstance(population, Mapping):
                continue
            for part in WITH_FILES:
                values = population.get(part)
                if isinstance(values, dict) and FILE in values:
                    values[FILE] = self._find_files(values[FILE])

    def _find_files(self, value: Any) -> Any:
        """Return the paths of files that exist, any other value as it is."""
        if isinstance(value, list):
            return [self._find_files(item) for item in value]
        if not isinstance(value, str):
            return value
        folders = [Path.cwd()] if self.beside is None else [self.beside, Path.cwd()]
        for folder in folders:
            path = folder / Path(value).expanduser()
            if is_file(path):
                return str(path.resolve())
        return value


def _is_left_out(value: Any) -> bool:
    """Tell whether a piece stands for nothing."""
    if isinstance(value, Mapping):
        return value.get("type") == LEFT_OUT
    return value is None or value == LEFT_OUT
