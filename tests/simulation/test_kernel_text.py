"""The text of compiled kernels: the examples that explain it are what is written."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from sensoryforge.equations.block import Block
from sensoryforge.equations.elementary import normal_pair
from sensoryforge.equations.program import stepwise_program
from sensoryforge.simulation.kernels import lines, numba_writer, triton_writer
from sensoryforge.simulation.kernels.plan import KernelPlan

LEAKY = {
    "states": {"v": "E"},
    "derivatives": {"v": "(E - v + I)/tau"},
    "threshold": "v >= v_th",
    "reset": {"v": "E"},
    "parameters": {"E": -65.0, "tau": 10.0, "v_th": -50.0},
}
WRITERS = [numba_writer, triton_writer]


def text(writer: ModuleType) -> list[str]:
    plan = KernelPlan(None, Block.from_config("model", LEAKY, "leaky"), terms=1, substeps=1)
    return str(writer.write(plan, frozenset()).text).splitlines()


def example(writer: ModuleType) -> list[tuple[str, str]]:
    """Return the lines of the example in a module's head, and the names that are said to write them."""
    assert writer.__doc__ is not None
    shown = re.search(r"::\n\n((?:    .*\n)+)", writer.__doc__)
    assert shown is not None
    rows = []
    for row in shown[1].splitlines():
        line, _, names = row[4:].partition("   # ")
        rows.append((line.rstrip(), names))
    return rows


@pytest.mark.parametrize("writer", WRITERS)
def test_the_example_in_a_writers_head_is_what_it_writes(writer: ModuleType) -> None:
    """Lines are cut off, and left out, only where the example says ``...``."""
    rest = [line for line in text(writer) if line]
    may_skip = False
    for line, _ in example(writer):
        if line.strip() == "...":
            may_skip = True
            continue
        beginning = line.removesuffix("...").rstrip()
        if may_skip:
            while not rest[0].startswith(beginning):
                del rest[0]
        assert rest[0].startswith(beginning)
        assert line.endswith("...") or rest[0] == line
        may_skip = False
        del rest[0]
    assert not rest


@pytest.mark.parametrize("writer", WRITERS)
def test_the_functions_that_an_example_names_are_there(writer: ModuleType) -> None:
    named = [name for _, names in example(writer) for name in re.findall(r"[\w.]+", names)]
    assert len(named) > 5
    for name in named:
        owner, _, member = name.rpartition(".")
        where = getattr(writer, owner, None) or getattr(lines, owner) if owner else writer
        assert hasattr(where, member), name


def test_a_mantissa_is_found_where_the_normal_transform_writes_one() -> None:
    program = stepwise_program(normal_pair())
    found = lines.find_mantissas(program)
    assert list(found.values()) == [program.inputs()["n"]]
    assert [program.instructions[register].op for register in found] == ["mul"]


@pytest.mark.parametrize("writer", WRITERS)
def test_a_title_of_several_lines_stays_a_comment(writer: ModuleType) -> None:
    block = Block.from_config("model", LEAKY, "a\nb")
    written = writer.write(KernelPlan(None, block, terms=1, substeps=1), frozenset()).text
    assert written.startswith("# model a b; 1 steps a sample\n")
