"""Processes that have imported what every command imports before they start.

A command imports torch, Lightning and numba, which takes a processor five seconds, and the tests
type some three hundred commands. So one process imports these packages, nothing of SensoryForge, and
forks itself for each command that comes. A fork is a process as any other: it has words, variables,
a folder, streams and signals of its own, imports SensoryForge anew, and ends with a code or by a
signal.

:func:`python` stands for ``sys.executable`` and :func:`programs` for the folder that it lies in.
What lies there hands all it has over to the process that forks, and starts the real program where a
fork would not be the same: with options of Python, or with a variable that Python or a package reads
as it starts. Where there is no fork (or ``SENSORYFORGE_COLD=1`` is set) both are the real ones.

What a test proves of the start itself (what is imported, how it ends before anything is imported)
needs ``sys.executable``, and so does what is to be tried exactly as on a user's machine: the README.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

CLIENT = Path(__file__).with_name("warm_client.py")
SERVER = Path(__file__).with_name("warm_server.py")
COLD = "SENSORYFORGE_COLD"
READ_AT_START = (
    *("PYTHON", "LC_", "LANG", "TMPDIR", "XDG_"),
    *("OMP_", "MKL_", "OPENBLAS_", "NUMBA_", "TRITON_", "TORCH_", "CUDA_"),
)
"""How variables begin that are read once, as Python or a package starts."""


def python() -> str:
    """Return a program that does as ``sys.executable``, sooner."""
    return str(programs() / "python")


@cache
def programs() -> Path:
    """Return the folder of ``python`` and ``sensoryforge``, for the PATH of a shell."""
    real = Path(sys.executable).parent
    if not sys.platform.startswith("linux") or os.environ.get(COLD):
        return real
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    address = folder / "socket"
    _start(address)
    settings = {
        "address": str(address),
        "read_at_start": READ_AT_START,
        "variables": _variables(),
    }
    script = str(real / "sensoryforge")
    for name, words in {"python": [], "sensoryforge": [script]}.items():
        written = {**settings, "real": [sys.executable, *words]}
        program = folder / name
        program.write_text(f"#!{sys.executable} -IS\nSETTINGS = {written!r}\n{CLIENT.read_text()}")
        program.chmod(0o700)
    return folder


def _variables() -> dict[str, str]:
    names = [name for name in os.environ if name.startswith(READ_AT_START)]
    return {name: os.environ[name] for name in names if name != "PYTHONIOENCODING"}


def _start(address: Path) -> None:
    """Start the process that forks; it ends when this one does."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen(64)
        number = listener.fileno()
        server = subprocess.Popen(
            [sys.executable, str(SERVER), str(number)],
            stdin=subprocess.PIPE,
            pass_fds=[number],
            env={**os.environ, "MPLBACKEND": "Agg"},
        )

    atexit.register(server.communicate)
