"""The house: imports run downward, heavy libraries wait, exported names are pinned."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sensoryforge

ROOT = Path(sensoryforge.__file__).parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
    if path.parent != ROOT or path.name != "__init__.py"
}

LEVELS = [
    {"errors", "types", "imports", "signals", "trust", "yamlfile", "console", "extras"},
    {"numerics", "functions", "expressions", "equations", "program", "kernels", "noise", "receptors"}
    | {"innervation", "stimuli", "design", "rules", "simulate"},
    {
        "encoder",
        "encoded",
        "population",
        "store",
        "experiment",
        "entries",
        "selection",
        "analysis",
        "events",
        "collate",
        "labelled",
        "units",
    },
    {"lightning", "estimate", "survey"},
    {"checks", "composer", "batchfile", "sweep", "config", "preflight", "foreign", "batch", "catalogue"}
    | {"plots", "report", "scores", "training", "completion"},
    {"app", "jobs", "run", "train", "cli", "_plugins", "__main__"},
]


def level(module: str) -> int:
    """Return the level of a module, by the first part of its name."""
    first = module.partition(".")[0]
    return next(number for number, names in enumerate(LEVELS) if first in names)


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports at run time, in functions too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    skipped = {id(node) for block in typing for node in ast.walk(block)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own(path: Path) -> set[str]:
    """Return those of our modules that a file imports."""
    names = (name.removeprefix("sensoryforge.") for name in imports(path) if name.startswith("sensoryforge."))
    return {name for name in names if name in MODULES}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_run_downward(module: str) -> None:
    above = {name for name in own(MODULES[module]) if level(name) > level(module)}
    assert not above, f"{module} imports {above}, which stand above it"


def test_no_module_imports_itself_in_a_circle() -> None:
    TopologicalSorter({module: own(path) - {module} for module, path in MODULES.items()}).prepare()


def test_only_the_configuration_and_the_commands_know_hydra() -> None:
    knowing = {m for m, path in MODULES.items() if any(n.partition(".")[0] == "hydra" for n in imports(path))}
    commands = {"app", "jobs", "train", "_plugins.hydra_plugins.sensoryforge_sweeper"}
    assert knowing <= {"composer", "foreign", "config", "sweep"} | commands


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, sensoryforge; print(*{n.partition('.')[0] for n in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "hydra", "omegaconf", "numpy", "h5py", "pandas", "numba"} & set(loaded)


def test_checking_a_configuration_imports_no_torch() -> None:
    code = "import sys, sensoryforge.config as c; c.check(c.compose()); print('torch' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False"]


def test_exported_names() -> None:
    classes, functions = (
        ["Results", "SpikeDataModule", "SpikeDataset"],
        ["compose", "load", "load_block", "run", "simulate"],
    )
    assert sorted(sensoryforge.__all__) == classes + functions
    assert set(sensoryforge.__all__) <= set(dir(sensoryforge))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = sensoryforge.nothing  # type: ignore[attr-defined]


def test_run_stays_a_function_once_its_module_is_imported() -> None:
    import sensoryforge.run

    assert callable(sensoryforge.run)
    assert callable(sensoryforge.simulate)
