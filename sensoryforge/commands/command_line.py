"""The front door of ``sensoryforge.run``: a command line is read once and rewritten once.

Hydra is called with words that it understands. Two kinds of overrides need that: those of several
stimuli at once (``experiment=touch_dataset stimuli.sigma=1``), written for each entry that has the
key; and in a sweep those that only its jobs understand, since they change an option that the sweep
chooses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sensoryforge.commands.checked import remember
from sensoryforge.config.composer import Composer, hydra_errors
from sensoryforge.config.explain import explain_failure, explain_unreadable, join_split_words
from sensoryforge.config.hydra_private import Arguments, parse_arguments
from sensoryforge.config.hydra_runtime import hydra_known
from sensoryforge.config.overrides import (
    DIRECTORY_KEYS,
    is_of_piece,
    is_of_sampling,
    is_sweep,
    key_of,
    list_as_text,
    parse_override,
    quote_text,
    read_directories,
)
from sensoryforge.config.presets import spell_out_presets
from sensoryforge.config.reading import check_composed, compose_overrides
from sensoryforge.config.sources import PRIMARY
from sensoryforge.config.sweep import plan
from sensoryforge.core.errors import ConfigError, raise_if
from sensoryforge.design.experiment import Experiment
from sensoryforge.store import files

_KNOWN_TO_EVERY_JOB = ("batch.", "hydra.")
"""Keys that no choice of an option takes away, and that Hydra needs before there are jobs."""


@dataclass(frozen=True)
class CommandLine:
    """A command line as Hydra's parser reads it."""

    arguments: Arguments

    @classmethod
    def read(cls, words: Sequence[str]) -> CommandLine:
        """Read a command line.

        Raises ConfigError or StorageError for words that are not UTF-8; ends the process where the
        options are none of Hydra's.
        """
        check_encoding(words)
        line = cls(parse_arguments(words).with_overrides(read_directories))
        overrides = spell_out_presets(line.arguments.overrides)
        if any(is_of_piece(text) or is_of_sampling(text) for text in overrides):
            overrides = line.composer.spell_out_pieces(overrides)
        return cls(line.arguments.with_overrides(lambda _: overrides))

    @cached_property
    def composer(self) -> Composer:
        """Composes the options that this command line can choose from."""
        folders = [self.arguments.config_dir] if self.arguments.config_dir else []
        return Composer.over(folders, self.arguments.config_name or PRIMARY)

    def rewritten(self) -> list[str]:
        """Return the words as Hydra understands them."""
        overrides = list(self.arguments.overrides)
        if self.arguments.multirun:
            overrides = self._with_late_overrides_listed(overrides)
        elif self._may_have_entries() and not self.arguments.asks_for_completion:
            overrides = self.composer.spell_out(overrides)
        return [*self.arguments.options, *overrides]

    def problems(self) -> tuple[str, ...]:
        """Return a line for each problem; of a sweep, those of all its jobs."""
        overrides = self.arguments.overrides
        try:
            jobs: list[Sequence[str]] = [overrides]
            if self.arguments.multirun:
                parsed = self.composer.parse(overrides)
                jobs = [job.overrides for job in plan(parsed, self.composer)]
            check_jobs(self.composer, jobs)
        except ConfigError as error:
            return error.problems
        except hydra_errors() as error:
            whole, lines = join_split_words(overrides)
            unreadable = [text for text in whole if parse_override(text) is None]
            lines += [explain_unreadable(text) for text in unreadable]
            return tuple(lines) or (explain_failure(error),)
        return ()

    def _may_have_entries(self) -> bool:
        """Tell whether an option or a folder may have made the stimuli several named entries."""
        if self.arguments.config_dir or self.arguments.config_name or self.arguments.config_path:
            return True
        return any(self.composer.picks_options(text) for text in self.arguments.overrides)

    def _with_late_overrides_listed(self, overrides: Sequence[str]) -> list[str]:
        """Return the overrides of a sweep, those that only its jobs can apply in one of Hydra's.

        Hydra's own composition, before there are jobs, would refuse them.
        """
        late = self._late_overrides(overrides)
        early = [text for text in overrides if text not in late]
        if not late:
            return early
        return [*early, f"hydra.sweeper.late={quote_text(list_as_text(late))}"]

    def _late_overrides(self, overrides: Sequence[str]) -> list[str]:
        """Return the overrides of values that depend on what the sweep chooses.

        All of the stimuli's do, since a sweep may have several types; any other does where an
        option is among what is swept.
        """
        fixed: list[str] = []
        sweeps_an_option = False
        for text in overrides:
            override = parse_override(text)
            if override is None:  # it stays among the others, and Hydra refuses it
                continue
            if not is_sweep(override):
                fixed.append(text)
            elif self.composer.is_choice(text):
                sweeps_an_option = True
        values = [text for text in fixed if not self.composer.picks_options(text)]
        late: list[str] = []
        for text in values:
            key = key_of(text)
            depends = sweeps_an_option or key.startswith("stimuli.")
            if depends and not key.startswith(_KNOWN_TO_EVERY_JOB):
                late.append(text)
        return late


def check_jobs(composer: Composer, jobs: Iterable[Sequence[str]]) -> list[Experiment]:
    """Return the experiment of each job's overrides, or raise the problems of all of them.

    The experiments are remembered for jobs that run in this process.
    """
    experiments: list[Experiment] = []
    problems: list[str] = []
    for number, overrides in enumerate(jobs):
        try:
            config, lines = compose_overrides(composer, overrides)
            with hydra_known(config, number):
                experiment = check_composed(config, lines)
                remember(overrides, config, experiment)
        except ConfigError as error:
            problems += error.problems
        else:
            experiments.append(experiment)
    raise_if(problems)
    return experiments


def check_encoding(words: Iterable[str]) -> None:
    """Refuse overrides that are not UTF-8, before Hydra says that it cannot read them.

    Raises StorageError for the name of a directory, where HDF5 and torch could not write, and
    ConfigError for anything else.
    """
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or _is_text(word):
            continue
        if key in DIRECTORY_KEYS:
            raise files.not_text(Path(value))
        raise ConfigError(f"{files.show(Path(word))}: is not UTF-8")


def _is_text(word: str) -> bool:
    """Tell whether a word was UTF-8; Python puts surrogates in the place of other bytes."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True
