"""What stands in for ``python`` and for scripts of it: :mod:`helpers.warm` puts its settings on top.

It imports little, and nothing that is installed: it has started within 20 ms.
"""

import marshal
import os
import signal
import socket
import sys
from types import FrameType

SETTINGS: dict = globals().get("SETTINGS", {})  # type: ignore[type-arg]
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
"""What is passed on to the fork."""


def main() -> None:
    """Have a command run in a fork, or in a process of its own, and end as it ends."""
    real: list[str] = SETTINGS["real"]
    words = [*real[1:], *sys.argv[1:]]
    variables = {k: v for k, v in os.environ.items() if k.startswith(SETTINGS["read_at_start"])}
    of_the_stream = variables.pop("PYTHONIOENCODING", "utf-8")
    is_a_program = bool(words) and (words[0] in ("-m", "-c") or not words[0].startswith("-"))
    if not is_a_program or variables != SETTINGS["variables"] or of_the_stream != "utf-8":
        os.execv(real[0], [*real, *sys.argv[1:]])

    ignored = [number for number in SIGNALS if signal.getsignal(number) == signal.SIG_IGN]
    forks: list[int] = []
    waiting: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        if forks:
            os.kill(forks[0], number)
        else:
            waiting.append(number)

    for number in SIGNALS:
        if number not in ignored:
            signal.signal(number, pass_on)
    server = socket.socket(socket.AF_UNIX)
    server.connect(SETTINGS["address"])
    folder = os.getcwd()  # noqa: PTH109 -- pathlib takes long to import
    request = marshal.dumps((words, folder, dict(os.environ), [int(n) for n in ignored]))
    socket.send_fds(server, [len(request).to_bytes(8, "little")], [0, 1, 2])
    server.sendall(request)
    forks.append(int.from_bytes(server.recv(8), "little"))
    for number in waiting:
        os.kill(forks[0], number)
    end(int.from_bytes(server.recv(8), "little"))


def end(status: int) -> None:
    """End as a process did, with its code or by its signal."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
