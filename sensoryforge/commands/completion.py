"""Tab completion in bash for ``python -m sensoryforge.run``.

Hydra's own script knows ``python file.py`` only.
"""

from __future__ import annotations

from collections.abc import Sequence

INSTALL = """\
_sensoryforge_run()
{
    local words=($COMP_LINE)
    [ "${words[1]}" == "-m" ] && [ "${words[2]}" == "sensoryforge.run" ] || return
    local line="sensoryforge.run${COMP_LINE#*sensoryforge.run}"
    local choices=$(COMP_LINE="$line" "${words[0]}" -m sensoryforge.run -sc query=bash 2>/dev/null)
    COMPREPLY=($(compgen -o nospace -o default -W "$choices" -- "${COMP_WORDS[COMP_CWORD]}"))
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//[=@:]/}
complete -o nospace -o default -F _sensoryforge_run python python3
"""
UNINSTALL = "complete -r python python3; unset -f _sensoryforge_run\n"
_SCRIPTS = {"install=bash": INSTALL, "uninstall=bash": UNINSTALL}


def script(arguments: Sequence[str]) -> str | None:
    """Return what ``-sc install=bash`` or ``-sc uninstall=bash`` prints; None for other words."""
    if not {"-sc", "--shell-completion"} & set(arguments):
        return None
    return next((_SCRIPTS[argument] for argument in arguments if argument in _SCRIPTS), None)
