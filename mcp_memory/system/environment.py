"""What this process was started with: the one place where the environment is read.

Little of the standard library is imported: the stdio proxy needs this in its first
milliseconds.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "MCP_MEMORY_"
HOME = PREFIX + "HOME"
HOME_MEANING, HOME_DEFAULT = "the folder of the store", "the platform's folder for user data"
CLAUDE_PROJECT_DIR = "CLAUDE_PROJECT_DIR"
CLAUDE_SESSION = "CLAUDE_CODE_SESSION_ID"
ZONE = "TZ"
OF_CLIENTS = (CLAUDE_PROJECT_DIR, CLAUDE_SESSION, ZONE)
"""What clients, or those who start them, tell in the environment of their own accord."""
_FOLDER = "mcp-memory"


def whole() -> Mapping[str, str]:
    """Every variable of this process."""
    return os.environ


def ours() -> dict[str, str]:
    """The variables that say whose memory is used and how."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(PREFIX) or name in OF_CLIENTS
    }


def home_dir(given: str = "", environ: Mapping[str, str] | None = None, *, base: str = "") -> str:
    """The absolute path of the store's folder: as given, else configured, else the default.

    Variables and `~` are filled in; what is given is seen from `base`, if that is. Raises
    ValueError, which says what to do, for a path that cannot be meant (a relative one, a
    placeholder that was not filled in) and for a user without a home folder.
    """
    environ = os.environ if environ is None else environ
    text, name = (given, "--home") if given else (environ.get(HOME, "").strip(), HOME)
    if not text:
        folder = _default(environ)
        if not folder:
            raise ValueError(
                f"home: this user has no home folder; set {HOME} to a folder, without ~"
            )
        return os.path.abspath(folder)
    is_plain = text.startswith("/") and text.replace("/", "").replace("-", "").isalnum()
    if is_plain and not text.startswith(("/path/", "/absolute/")):
        return os.path.abspath(text)  # as most are: nothing needs to be imported for it
    from mcp_memory.system import paths

    try:
        return paths.expanded(text, {**os.environ, **environ}, base if given else "")
    except ValueError as error:
        raise ValueError(f"{name}: got '{paths.quoted(text)}'; {error}") from error


def _default(environ: Mapping[str, str]) -> str:
    """Where the platform keeps a user's data."""
    if sys.platform == "win32":
        base = environ.get("LOCALAPPDATA", "") or os.path.expanduser(r"~\AppData\Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Application Support")
    else:
        base = environ.get("XDG_DATA_HOME", "")
        base = base if os.path.isabs(base) else os.path.expanduser("~/.local/share")
    return "" if base.startswith("~") else os.path.join(base, _FOLDER)


def keep_quiet() -> None:
    """Tell the libraries that this process loads to report nothing to anybody.

    onnxruntime writes a device id into the user's cache and sends events to its maker
    unless it is told not to before it is imported; so does the hub that models come from.
    """
    for variable in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ.setdefault(variable, "1")
