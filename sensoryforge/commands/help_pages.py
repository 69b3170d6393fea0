"""What ``sensoryforge run --help`` and ``sensoryforge train --help`` say.

Both are Hydra applications, and Hydra would print its own help, which knows neither what they do
nor an example.
"""

from __future__ import annotations

from collections.abc import Sequence

_HYDRA = """\
  -m, --multirun         sweep over values separated by commas
  --cfg job              print the composed configuration and do nothing (--resolve: with ${..}
                         filled in; --package PART: a part of it)
  --info defaults-tree   show where the options come from
  --config-dir DIR       a folder with options of your own
  -h, --help             this page
  --hydra-help           Hydra's own flags, all of them
"""
RUN = f"""\
usage: sensoryforge run [-m] [FLAG ...] [KEY=VALUE ...]

Make a dataset: press stimuli on a sheet of receptors, and save the spikes of its afferents.
Words choose options (stimuli=bar) or set values (stimuli.amplitude=20); a list is an axis.

examples:
  sensoryforge run stimuli=bar 'stimuli.orientation=[0,45,90]' stimuli.motion=line
  sensoryforge run -m stimuli=gaussian,step stimuli.amplitude=10,20,30 batch.output_dir=grid
  sensoryforge run experiment=braille_reading batch.dry_run=true

keys of a run:
  batch.output_dir=DIR   where the dataset goes (default: outputs/DATE/TIME)
  batch.dry_run=true     say what would run and what it costs; write nothing
  batch.resume=true      go on with an interrupted run
  batch.overwrite=true   replace a finished dataset, or discard an interrupted run

flags:
{_HYDRA}
Every option and key: sensoryforge list, one of them: sensoryforge list braille
The same from a file: sensoryforge batch FILE"""
TRAIN = f"""\
usage: sensoryforge train data=DIR [-m] [FLAG ...] [KEY=VALUE ...]

Train a decoder that tells what was pressed from the spikes of a dataset.

examples:
  sensoryforge train data=grid target=amplitude
  sensoryforge train data=grid target=type decoder=conv max_epochs=50
  sensoryforge train -m data=grid target=amplitude decoder=linear,conv,snn

keys of a training:
  data=DIR               the dataset (must be given); several read as one: 'data=[DIR,DIR]'
  target=NAME            what is decoded: a parameter, type (default), or a list of them
  decoder=NAME           linear (default), conv or snn
  split=condition        what is kept apart for the test: condition, stimulus, or values held out
  resume=true            go on with a training in its directory (hydra.run.dir)
  logger=csv             where its numbers go: csv, tensorboard or wandb

flags:
{_HYDRA}
All keys with their defaults: sensoryforge train --cfg job, decoders: sensoryforge list decoder
Apply a trained decoder: sensoryforge decode DIR --decoder FILE"""


def asks_for_help(words: Sequence[str]) -> bool:
    """Tell whether a command line asks for help, and not for Hydra's.

    Examples
    --------
    >>> asks_for_help(["--help"]), asks_for_help(["-h"]), asks_for_help(["--hydra-help"])
    (True, True, False)
    """
    return "--help" in words or "-h" in words
