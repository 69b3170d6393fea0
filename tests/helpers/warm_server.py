"""The process that forks for each command that comes: see :mod:`helpers.warm`, which starts it."""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import marshal
import os
import runpy
import select
import signal
import socket
import sys
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, NoReturn

IMPORTED = (
    "torch",
    "pytorch_lightning",
    "numba",
    "h5py",
    "hydra",
    "pandas",
    "tqdm",
    # Looks for fonts once, and not in each fork anew.
    "matplotlib.font_manager",
)
STARTER = 0
"""The stream that ends when the process does that started this one."""


class Request(NamedTuple):
    """What a command has: its words, its folder, its variables, the signals that it ignores."""

    words: list[str]
    folder: str
    variables: dict[str, str]
    ignored: list[int]


class Command(NamedTuple):
    """A command that runs: its process, and who waits for it."""

    process: int
    client: socket.socket


def serve(listener: socket.socket) -> Request:
    """Fork for each command that comes; return what it asks for, in the fork."""
    commands: dict[int, Command] = {}  # by a descriptor that can be read once the process has ended
    while True:
        clients = {command.client: command for command in commands.values()}
        ready, _, _ = select.select([STARTER, listener, *commands, *clients], [], [])
        for source in ready:
            if source == STARTER:
                for command in commands.values():
                    os.kill(command.process, signal.SIGKILL)
                os._exit(0)
            if source in commands:
                command = commands.pop(source)
                os.close(source)
                tell_the_end(command)
            elif source in clients and clients[source] in commands.values():  # it was killed
                os.kill(clients[source].process, signal.SIGKILL)
        if listener not in ready:
            continue
        client, _ = listener.accept()
        request, streams = receive(client)
        process = os.fork()
        if process == 0:
            for other in (listener, client, *clients):
                other.close()
            for descriptor in commands:
                os.close(descriptor)
            take(streams)
            return request
        for stream in streams:
            os.close(stream)
        client.sendall(process.to_bytes(8, "little"))
        commands[os.pidfd_open(process)] = Command(process, client)


def receive(client: socket.socket) -> tuple[Request, list[int]]:
    """Return what a client asks for, and its three streams."""
    header, streams, _, _ = socket.recv_fds(client, 8, 3)
    size = int.from_bytes(header, "little")
    text = b""
    while len(text) < size:
        text += client.recv(size - len(text))
    return Request(*marshal.loads(text)), streams


def tell_the_end(command: Command) -> None:
    """Send the status of a process that has ended to who waits for it."""
    _, status = os.waitpid(command.process, 0)
    with command.client as client, suppress(OSError):
        client.sendall(status.to_bytes(8, "little"))


def take(streams: list[int]) -> None:
    """Have the streams of a command in place of one's own, as Python opens them."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8")
    sys.stdout = _writer(1, "strict", line_buffering=os.isatty(1))
    sys.stderr = _writer(2, "backslashreplace", line_buffering=True)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr


def _writer(number: int, errors: str, line_buffering: bool) -> io.TextIOWrapper:
    raw = io.BufferedWriter(io.FileIO(number, "w", closefd=False))
    return io.TextIOWrapper(raw, "utf-8", errors, line_buffering=line_buffering)


def run(request: Request) -> NoReturn:
    """Do as ``python WORDS`` does, and end; what is in memory is not taken apart before."""
    code, interrupted = 0, False
    try:
        _do(request)
    except SystemExit as error:
        code = _exit_code(error)
    except BaseException as error:
        code, interrupted = 1, isinstance(error, KeyboardInterrupt)
        _print_traceback(error)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    if interrupted:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(code)


def _print_traceback(error: BaseException) -> None:
    """Print it as Python does, which knows nothing of the functions here."""
    traceback = error.__traceback__
    for _ in (run, _do):
        traceback = traceback.tb_next if traceback else None
    sys.excepthook(type(error), error.with_traceback(traceback), traceback)


def _exit_code(error: SystemExit) -> int:
    """Return the code that Python ends with; what is no number is said."""
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 0xFF
    sys.stderr.write(f"{error.code}\n")
    return 1


def _do(request: Request) -> None:
    for number in request.ignored:
        signal.signal(number, signal.SIG_IGN)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.variables)
    main = sys.modules["__main__"] = ModuleType("__main__")
    program, *arguments = request.words
    if program == "-m":
        sys.argv = arguments
        sys.path[0] = request.folder
        runpy._run_module_as_main(arguments[0])
    elif program == "-c":
        sys.argv = ["-c", *arguments[1:]]
        sys.path[0] = ""
        exec(compile(arguments[0], "<string>", "exec"), main.__dict__)
    else:
        sys.argv = request.words
        sys.path[0] = str(Path(program).resolve().parent)
        main.__file__ = program
        exec(compile(Path(program).read_bytes(), program, "exec"), main.__dict__)


def become_warm() -> None:
    """Import what commands import; what is there already is not looked through for garbage."""
    gc.disable()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in IMPORTED:
            importlib.import_module(name)
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    become_warm()
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        request = serve(listener)
    run(request)
