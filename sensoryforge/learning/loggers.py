"""The loggers of a training: Lightning's, or one's own, as the group ``logger`` names them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger

from sensoryforge.core import trust
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import USERS_FAILURES, describe_failure, format_value, unknown_key

_TARGET = "_target_"
_OPTIONAL = "optional"
_DIRECTORY = "save_dir"
"""The parameter by which Lightning's loggers take the directory that they write to."""
_PACKAGES = {
    "TensorBoardLogger": ("tensorboard", "tensorboardX"),
    "WandbLogger": ("wandb",),
    "MLFlowLogger": ("mlflow", "mlflow_skinny"),
    "CometLogger": ("comet_ml",),
    "NeptuneLogger": ("neptune",),
}
"""Class of logger -> packages one of which it needs."""
_INSTALL = {"TensorBoardLogger": '"sensoryforge[tensorboard]"'}
"""Class of logger -> what pip installs for it, where that is not the package."""

Blocks = Mapping[str, Any]
"""Name -> ``_target_`` and arguments of a logger; None for one that is switched off."""


def logger_problems(blocks: Blocks) -> list[str]:
    """Return a line for each logger that cannot be made.

    Parameters
    ----------
    blocks
        What the group ``logger`` composes to.

    Examples
    --------
    >>> logger_problems({"own": 3})
    ['logger.own: got 3, allowed is null or a mapping with _target_']
    """
    problems: list[str] = []
    for name, block in blocks.items():
        if block is not None:
            problems += _block_problems(f"logger.{name}", block)
    return problems


def missing_packages(blocks: Blocks) -> list[str]:
    """Return the package of each optional logger that is left out, since it is not installed."""
    missing = []
    for block in blocks.values():
        if block is None or not block.get(_OPTIONAL):
            continue
        package = _missing_package(_locate(block))
        if package:
            missing.append(package)
    return missing


def make_loggers(blocks: Blocks, directory: Path) -> list[Logger]:
    """Return the loggers of a training.

    Parameters
    ----------
    blocks
        Checked ones.
    directory
        Where those write that were given no other place.

    Raises
    ------
    ConfigError
        Where one cannot be made.
    """
    loggers = []
    for name, block in blocks.items():
        if block is None:
            continue
        logger_class = _locate(block)
        if block.get(_OPTIONAL) and _missing_package(logger_class):
            continue
        arguments = _arguments(block)
        if _DIRECTORY in inspect.signature(logger_class).parameters:
            arguments.setdefault(_DIRECTORY, str(directory))
        try:
            loggers.append(logger_class(**arguments))
        except USERS_FAILURES as error:
            failure = describe_failure(error)
            raise ConfigError(f"logger.{name}: cannot be made, {failure}") from error
    return loggers


def install_command(logger_class: str) -> str:
    """Return what installs the package of a class of logger.

    Examples
    --------
    >>> install_command("WandbLogger"), install_command("TensorBoardLogger")
    ('pip install wandb', 'pip install "sensoryforge[tensorboard]"')
    """
    package = _INSTALL.get(logger_class) or _PACKAGES[logger_class][0]
    return f"pip install {package}"


def _block_problems(where: str, block: object) -> list[str]:
    if not isinstance(block, Mapping):
        return [f"{where}: got {format_value(block)}, allowed is null or a mapping with {_TARGET}"]
    try:
        logger_class = _locate(block)
    except ConfigError as error:
        return [f"{where}.{_TARGET}: {error}"]
    package = _missing_package(logger_class)
    if package and not block.get(_OPTIONAL):
        command = install_command(logger_class.__name__)
        return [f"{where}: {package} is not installed; {command}"]
    parameters = inspect.signature(logger_class).parameters
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return []
    known = list(parameters)
    return [unknown_key(where, key, known) for key in _arguments(block) if key not in known]


def _locate(block: Mapping[str, Any]) -> type[Logger]:
    """Return the class of a logger. Lightning's need no trust: their module is loaded already."""
    return trust.locate(block.get(_TARGET), "a class of logger", Logger)


def _arguments(block: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in block.items() if key not in (_TARGET, _OPTIONAL)}


def _missing_package(logger_class: type[Logger]) -> str | None:
    """Return the package that a class needs and that is not installed, None where all is there."""
    packages = _PACKAGES.get(logger_class.__name__, ())
    if not packages or any(find_spec(package) for package in packages):
        return None
    return packages[0]
