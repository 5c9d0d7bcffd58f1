"""Keeps what a client has set for Python programs of its own away from this one.

A client passes its environment on to the servers that it starts, and works in a folder of
its own: neither may say where our modules come from. The daemon is started without any of it;
the proxy, which the client starts, leaves it before it imports anything else.
"""

from __future__ import annotations

import os
import sys

from mcp_memory.system import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
"""The folder that this package lies in."""
_USER_BASE = "PYTHONUSERBASE"
_HARMLESS = frozenset(
    {
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONFAULTHANDLER",
        "PYTHONNOUSERSITE",
        "PYTHONPYCACHEPREFIX",
        "PYTHONUTF8",
    }
)
"""What says neither where modules come from nor how they work."""


def removed() -> str:
    """What to tell once this package was removed under the process; "" while it is there."""
    if os.path.exists(__file__):
        return ""
    return "the installation of mcp-memory was removed while it ran; restart the client"


def isolate() -> None:
    """Take modules from this installation alone, whatever the environment and the folder hold."""
    given = [
        os.path.abspath(p) for p in environment.whole().get("PYTHONPATH", "").split(os.pathsep) if p
    ]
    if not sys.flags.safe_path:  # then the first one is the folder of the program, or this one
        given.append(os.path.abspath(sys.path[0]))
    if given:
        _leave(frozenset(given))
    if sys.warnoptions:  # PYTHONWARNINGS, PYTHONDEVMODE
        import warnings

        warnings.resetwarnings()
        warnings.simplefilter("ignore")


def without_python(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a process of ours: all that is not about Python, and what is harmless."""
    kept = {
        name: value
        for name, value in environ.items()
        if name in _HARMLESS or not name.startswith(("PYTHON", "__PYVENV_LAUNCHER__"))
    }
    base = environ.get(_USER_BASE, "")
    if base and _is_within(ROOT, os.path.abspath(base)):
        kept[_USER_BASE] = base
    return kept


def with_ours(path: list[str]) -> list[str]:
    """Where modules are looked for, with the folder of this package in its place.

    What was installed beside this package is what it was installed with: it comes after
    the standard library, and before what the interpreter has for everybody.
    """
    if ROOT in path:
        return path
    library = [n for n, folder in enumerate(path, 1) if _is_standard(folder)]
    place = max(library, default=len(path))
    return [*path[:place], ROOT, *path[place:]]


def _leave(folders: frozenset[str]) -> None:
    """Take no module from these folders but those of this installation."""
    rest = [folder for folder in sys.path if os.path.abspath(folder) not in folders]
    kept = [folder for folder in folders if _is_standard(folder)]
    packages = [folder for folder in folders if _is_for_packages(folder)]
    sys.path[:] = with_ours([*kept, *rest, *packages])
    strange = folders.difference(sys.path)
    taken = {name for name, module in sys.modules.items() if _place(module) in strange}
    for name in list(sys.modules):
        if name.partition(".")[0] in taken - {"__main__"}:
            del sys.modules[name]


def _is_standard(folder: str) -> bool:
    """Whether the standard library is there, or a part of it."""
    library = os.path.dirname(os.path.abspath(os.__file__))
    return folder == library or (_is_within(folder, library) and not _is_named(folder))


def _is_for_packages(folder: str) -> bool:
    """Whether the interpreter has its packages there."""
    return _is_named(folder) and _is_within(folder, sys.prefix, sys.base_prefix)


def _is_named(folder: str) -> bool:
    return os.path.basename(folder) in ("site-packages", "dist-packages")


def _place(module: ModuleType) -> str:
    """The folder that a module or package lies in, "" for one that is built in."""
    file = getattr(module, "__file__", None)
    if not file:
        return ""
    folder, name = os.path.split(os.path.abspath(file))
    return os.path.dirname(folder) if name.startswith("__init__.") else folder


def _is_within(path: str, *folders: str) -> bool:
    return any(path.startswith(os.path.join(folder, "")) for folder in folders)
