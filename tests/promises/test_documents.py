"""The documents, read as a reader does: every block of each, in order, from an empty folder.

A YAML block is written to the file with which the paragraph above it ends; so is a Python block below such a paragraph.
A shell block is run line by line; ``# exit code 2`` behind a command and ``# Ctrl+C`` are taken at their word, and what
installs or only watches is checked, not run. Python blocks share one namespace. A text block is what the block before
it printed; ``...`` stands for anything.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
import torch
from helpers import warm

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    Path("README.md"),
    *sorted(path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")),
)
LINKED = (*DOCUMENTS, *map(Path, ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")))
"""Documents whose links are followed; those that are not run tell of commands for developers."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LIMIT_S = 300.0
OF_OTHER_PROGRAMS = ("matlab", "r")
"""What blocks are written in that only a reader with these programs can try."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its line in the document, what it is, its text, and the paragraph above it."""

    line: int
    kind: str
    text: str
    above: str


def blocks(document: Path) -> Iterator[Block]:
    text = (ROOT / document).read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        before = text[: found.start()]
        yield Block(
            before.count("\n") + 1, found[1], found[2], before.rstrip().rpartition("\n\n")[2]
        )


def environment(programs: Path) -> dict[str, str]:
    """Return the environment of a shell that finds ``python`` and ``sensoryforge`` in a folder."""
    real = Path(sys.executable).parent
    path = os.pathsep.join([str(programs), str(real), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONIOENCODING": "utf-8", "MPLBACKEND": "Agg"}


@dataclass
class Reader:
    """Does what a document says, in one folder, and remembers what was printed last."""

    folder: Path
    programs: Path
    namespace: dict[str, Any] = field(default_factory=lambda: {"__name__": "reader"})
    printed: str = ""

    def read(self, block: Block) -> None:
        name = re.search(r"`([\w./-]+)`:$", block.above)
        if block.kind == "yaml" or (block.kind == "python" and name):
            assert name, "the paragraph above does not end with the name of the file"
            self.write(self.folder / name[1], block)
        elif block.kind not in OF_OTHER_PROGRAMS:
            {"bash": self.shell, "python": self.python, "text": self.compare}[block.kind](block)

    def write(self, path: Path, block: Block) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        gpu = torch.cuda.is_available()
        path.write_text(
            block.text if gpu else re.sub(r"device: *\"?cuda\"?", "device: cpu", block.text),
            encoding="utf-8",
        )

    def shell(self, block: Block) -> None:
        lines = block.text.replace("\\\n", "").splitlines()
        self.printed = "".join(
            self.command(line) for line in lines if line.strip() and not line.startswith("#")
        )

    def command(self, line: str) -> str:
        command, _, comment = line.partition("  #")
        steps = [step.strip() for step in command.split(" && ")]
        runs = " && ".join(step for step in steps if not is_only_checked(step))
        if not runs:
            return ""
        if "Ctrl+C" in comment:
            return self.interrupted(runs)
        done = subprocess.run(
            ["bash", "-c", runs], cwd=self.folder, env=environment(self.programs), timeout=LIMIT_S,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        output = done.stdout.decode()
        code = re.search(r"exit code (\d+)", comment)
        assert done.returncode == (int(code[1]) if code else 0), output
        return output

    def interrupted(self, command: str) -> str:
        """Run a command until it has saved something, then do as Ctrl+C does."""
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"], cwd=self.folder, env=environment(self.programs),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        limit = time.monotonic() + LIMIT_S
        while (
            not list(self.folder.glob("*/parts/*"))
            and process.poll() is None
            and time.monotonic() < limit
        ):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=LIMIT_S)[0].decode()
        assert process.returncode == 130, output
        return output

    def python(self, block: Block) -> None:
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile("\n" * block.line + block.text, "<document>", "exec"), self.namespace)
        self.printed = printed.getvalue()

    def compare(self, block: Block) -> None:
        expected, printed = shape(block.text), shape(self.printed)
        assert re.fullmatch(re.escape(expected).replace(r"\.\.\.", ".*"), printed, re.DOTALL), (
            f"the document has:\n{expected}\n\nprinted was:\n{printed}"
        )


def is_only_checked(step: str) -> bool:
    """Tell whether a step is not for a test to run; what it names has to be there."""
    words = step.split()
    if words[:2] == ["pip", "install"]:
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
            "optional-dependencies"
        ]
        assert all(extra in extras for extra in re.findall(r"\[(\w+)\]", step)), step
        assert (ROOT / "constraints.txt").is_file() or "-c" not in words
        return True
    if words[0] == "python" and words[1].endswith(".py"):
        assert (ROOT / words[1]).is_file(), step
        return True
    if words[:3] == ["python", "-m", "venv"]:
        return True
    return words[0] in ("pytest", "watch", "nvidia-smi", "git", "cd", ".")


def shape(text: str) -> str:
    """Return what was printed without what differs from run to run: dates, and the course of a progress bar.

    In a pipe the bar is lines, of which only the last is kept.
    """
    lines = [line.rstrip().rpartition("\r")[2] for line in text.strip("\n").split("\n")]
    lines = [line for line in lines if not re.match(r"Progress: +(compiling|\d\d?%)", line)]
    bars = (re.sub(r"(Progress: +\d+%).*?(\d+/\d+) \[.*", r"\1 \2", line) for line in lines)
    return re.sub(r"\d{4}-\d\d-\d\d/\d\d-\d\d-\d\d(-\d+)?", "DATE", "\n".join(bars))


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_block_does_what_the_document_says(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    mpl.use("Agg")
    # The README is read exactly as on a user's machine.
    is_readme = document == Path("README.md")
    reader = Reader(tmp_path, Path(sys.executable).parent if is_readme else warm.programs())
    for block in blocks(document):
        if block.kind:
            reader.read(block)


@pytest.mark.parametrize("document", LINKED, ids=str)
def test_links_lead_somewhere(document: Path) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    titles = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in titles, target
        elif "://" not in target:
            assert (ROOT / document.parent / target.partition("#")[0]).exists(), target


@pytest.mark.slow
def test_the_page_has_the_tables_that_the_physiology_script_prints() -> None:
    script = [warm.python(), str(ROOT / "benchmarks" / "physiology.py")]
    printed = subprocess.run(
        script, check=True, stdout=subprocess.PIPE, encoding="utf-8", timeout=LIMIT_S
    ).stdout
    page = (ROOT / "docs" / "physiology.md").read_text(encoding="utf-8")
    tables = printed.strip().split("\n\n")
    assert len(tables) == 2
    for table in tables:
        assert table in page


def rows_of_speed() -> list[list[str]]:
    """Return the cells of every row of the tables that compare us with other tools on a CPU."""
    page = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    page, _, _ = page.partition("## On a GPU")
    lines = [line for line in page.splitlines() if re.match(r"\| \d \|", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_tables_of_speeds_say_what_their_times_say() -> None:
    rows = rows_of_speed()
    assert len(rows) == 24
    for *_, theirs, ours, times in rows:
        most = float(times.replace(",", "").rpartition(" to ")[2])
        assert float(theirs) / float(ours) == pytest.approx(most, rel=0.05)


def test_the_readme_says_first_what_a_run_takes_by_default_against_a_compiled_tool() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    brian = {
        noise: times
        for steps, noise, tool, _, _, times in rows_of_speed()
        if steps == "5" and tool.startswith("Brian2")
    }
    assert f"{brian['off']} (without noise) to {brian['on']} times" in readme.replace("\n  ", " ")
    assert "naive" not in readme
    assert len(readme.splitlines()) < 250


UNQUOTED = re.compile(r"""'[^']*'|"[^"]*"|\\.|([\[\]{}*?()]|(?<=\s)~|(?<==)~)""", re.DOTALL)


def unquoted(command: str) -> list[str]:
    """Return what zsh and other shells would take for something else."""
    return [found[1] for found in UNQUOTED.finditer(command) if found[1]]


def commands_shown(document: Path) -> Iterator[str]:
    """Yield every command that a document or a notebook shows: in blocks, cells and sentences."""
    text = (ROOT / document).read_text(encoding="utf-8")
    if document.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
        for found in re.finditer(r"^!((?:[^\n\\]|\\\n|\\.)*)", text, re.MULTILINE):
            yield found[1]
    else:
        for block in blocks(document):
            if block.kind == "bash":
                for line in block.text.replace("\\\n", "").splitlines():
                    yield re.split(r"(?:^|\s)#", line)[0]
        text = FENCE.sub("", text)
    for found in re.finditer(r"`([^`]+)`", text):
        words = found[1].replace("\n", " ")
        if re.match(r"(\w+=\S+ )?(python|sensoryforge|pip|pytest) ", words) or re.match(
            r"(-m )?[\w@.]+=[\[{*~]", words
        ):
            yield words


@pytest.mark.parametrize(
    "document",
    [*LINKED, *(path.relative_to(ROOT) for path in sorted((ROOT / "notebooks").glob("*.ipynb")))],
    ids=str,
)
def test_a_shell_takes_every_command_as_it_is_shown(document: Path) -> None:
    shown = [command for command in commands_shown(document) if unquoted(command)]
    assert not [command for command in shown if not command.endswith(" ...")], shown


def test_a_list_without_quotes_is_found() -> None:
    assert unquoted("sensoryforge run stimuli.amplitude=[10,20]") == ["[", "]"]
    assert unquoted("sensoryforge run ~neurons.populations.ra") == ["~"]
    assert not unquoted("sensoryforge run 'stimuli.amplitude=[10,20]' a=1")


def test_no_document_is_left_out() -> None:
    assert len(DOCUMENTS) >= 3
    assert shutil.which("sensoryforge", path=str(Path(sys.executable).parent))
