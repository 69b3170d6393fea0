"""Numbers of an encoder's equations as parameters to train, and what they have become."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names, suggest
from sensoryforge.simulation.encoder import Encoder


def make_trainable(
    encoder: Encoder, names: Sequence[str], *, per_neuron: bool = False
) -> dict[str, nn.Parameter]:
    """Make numbers of the equations parameters to train, and return them by name.

    What is trained is the logarithm of the factor by which a number differs from where it starts:
    it keeps its sign, and one learning rate fits numbers of any size.

    Parameters
    ----------
    encoder
        On the torch backend; the others have no gradients.
    names
        ``<population>.gain``, ``<population>.filter.<parameter>`` or
        ``<population>.model.<parameter>``.
    per_neuron
        One value a neuron instead of one a population.

    Returns
    -------
    dict of str to Parameter
        What is trained, by name: a scalar, or ``[N]`` with ``per_neuron``.

    Raises
    ------
    ConfigError
        With a line for each unknown name.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> encoder = Encoder(check(sf.compose("pipeline.grid_size=12")))
    >>> list(make_trainable(encoder, ["sa.gain", "ra.filter.tau_ra"]))
    ['sa.gain', 'ra.filter.tau_ra']
    """
    problems = []
    for name in names:
        problems += _name_problems(encoder, name)
    if encoder.backend != "torch":
        problems.append(f"learn: backend {encoder.backend} has no gradients; use backend torch")
    if problems:
        raise ConfigError(problems)
    trainable = {}
    for name in names:
        population, _, number = name.partition(".")
        trainable[name] = encoder.populations[population].learn(number, each=per_neuron)
    return trainable


def learned_values(encoder: Encoder) -> dict[str, Tensor]:
    """Return what each trained number has become, by its name: a scalar, or one a neuron ``[N]``.

    Parameters
    ----------
    encoder
        One whose numbers were made trainable.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> encoder = Encoder(check(sf.compose("pipeline.grid_size=12")))
    >>> _ = make_trainable(encoder, ["sa.gain"])
    >>> learned_values(encoder)
    {'sa.gain': tensor(40.)}
    """
    values = {}
    for name, population in encoder.populations.items():
        for key, number in population.learned.items():
            parameter = key.replace("/", ".")  # a ModuleDict takes no dots
            values[f"{name}.{parameter}"] = number().detach()
    return values


def learned_overrides(encoder: Encoder) -> list[str]:
    """Return the overrides that give a run the learned numbers, bit for bit.

    Parameters
    ----------
    encoder
        One whose numbers were made trainable.

    Raises
    ------
    ConfigError
        Where a number differs from neuron to neuron, which no override can say.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> encoder = Encoder(check(sf.compose("pipeline.grid_size=12")))
    >>> _ = make_trainable(encoder, ["sa.filter.tau_d"])
    >>> learned_overrides(encoder)
    ['neurons.populations.sa.filter.parameters.tau_d=30']
    """
    values = learned_values(encoder)
    differing = [name for name, value in values.items() if value.ndim]
    if differing:
        raise ConfigError(
            f"learned: {list_names(differing)} differ from neuron to neuron, "
            "which no override can say"
        )
    overrides = []
    for name, value in values.items():
        # Nine digits are enough for any float32.
        overrides.append(f"neurons.populations.{_configuration_key(name)}={value.item():.9g}")
    return overrides


def _configuration_key(name: str) -> str:
    """Return ``sa.filter.parameters.tau_d`` for ``sa.filter.tau_d``."""
    population, _, number = name.partition(".")
    block, _, parameter = number.rpartition(".")
    if not block:
        return f"{population}.{parameter}"
    return f"{population}.{block}.parameters.{parameter}"


def _name_problems(encoder: Encoder, name: str) -> list[str]:
    """Return the line for a name that is no number of an encoder, if it is none."""
    population, _, number = name.partition(".")
    populations = list(encoder.populations)
    if population not in populations:
        hint = suggest(population, populations)
        return [f"learn: got '{name}', populations are {list_names(populations)}{hint}"]
    numbers = encoder.populations[population].learnable
    if number not in numbers:
        hint = suggest(number, numbers)
        return [f"learn: got '{name}', numbers of {population} are {list_names(numbers)}{hint}"]
    return []
