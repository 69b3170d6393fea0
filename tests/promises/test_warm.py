"""What the tests start in place of Python is a process as any other: see helpers.warm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import warm

pytestmark = pytest.mark.skipif(
    warm.programs() == Path(sys.executable).parent, reason="real processes are started here"
)
SAY = "import os, sys; print(sys.argv, os.getcwd(), os.environ.get('SAID'), 'torch' in sys.modules)"


def python(*words: str, folder: Path | None = None, **variables: str) -> tuple[int, str, str]:
    """Run what stands for Python; return its code and what it said."""
    ended = subprocess.run(
        [warm.python(), *words],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_a_process_has_words_a_folder_and_variables_of_its_own(tmp_path: Path) -> None:
    code, said, _ = python("-c", SAY, "a", "b c", folder=tmp_path, SAID="one")
    assert (code, said) == (0, f"['-c', 'a', 'b c'] {tmp_path} one True\n")
    (tmp_path / "say.py").write_text(f"{SAY}; sys.exit('no')")
    code, said, complaint = python("say.py", folder=tmp_path)
    assert (code, said, complaint) == (1, f"['say.py'] {tmp_path} None True\n", "no\n")


def test_a_process_ends_with_its_code_or_its_traceback_or_by_its_signal() -> None:
    assert python("-c", "raise SystemExit(3)")[0] == 3
    code, _, complaint = python("-c", "import atexit; atexit.register(print, 'end'); 1 / 0")
    assert code == 1
    assert complaint.startswith('Traceback (most recent call last):\n  File "<string>", line 1')
    assert complaint.endswith("ZeroDivisionError: division by zero\n")
    kills = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert python("-c", kills)[0] == -signal.SIGKILL


def test_a_signal_reaches_the_process_and_who_is_killed_takes_it_along() -> None:
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    for sent in (signal.SIGTERM, signal.SIGKILL):
        with subprocess.Popen([warm.python(), "-c", program], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            fork = int(process.stdout.readline())
            process.send_signal(sent)
            # Its output ends when the last process that holds it has ended.
            assert process.stdout.read() == b""
        assert process.returncode == -sent
        assert fork != process.pid


def test_a_process_starts_anew_where_a_fork_would_not_be_the_same() -> None:
    loaded = "import sys; print('torch' in sys.modules)"
    assert python("-c", loaded)[1] == "True\n"
    assert python("-c", loaded, PYTHONHASHSEED="1")[1] == "False\n"
    assert python("-X", "utf8", "-c", loaded)[1] == "False\n"


def test_nothing_of_the_package_is_imported_before() -> None:
    ours = "import sys; print([name for name in sys.modules if name.startswith('sensoryforge')])"
    assert python("-c", ours)[1] == "[]\n"
