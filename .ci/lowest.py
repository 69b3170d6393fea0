"""Prints the lowest versions that pyproject.toml allows, torch aside, as constraints for pip."""

import re
import sys
import tomllib
from pathlib import Path

LEFT_OUT = ("torch", "triton")
"""Their old versions are large, and tied to versions of Python and to drivers."""
TOOLS = ("dev", "docs", "test")
"""Extras for developing, which no user has to resolve."""
BOUND = re.compile(r"(?P<name>[\w.-]+)(?:\[[^]]*\])?>=(?P<version>[\w.]+)")


def lowest_versions():
    """Yield a constraint for each dependency, those of the extras for users included."""
    path = Path(__file__).parents[1] / "pyproject.toml"
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra, names in project["optional-dependencies"].items():
        if extra not in TOOLS:
            wanted += names
    for requirement in wanted:
        bound = BOUND.match(requirement)
        if bound is None:
            raise SystemExit(f"{requirement}: has no lower bound")
        if bound["name"] not in LEFT_OUT:
            yield f"{bound['name']}=={bound['version']}"


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in lowest_versions()))
