"""What a person or a client wrote as a path → an absolute path on this machine."""

from __future__ import annotations

import os
import re
import sys
from urllib.parse import unquote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PATH_CHARS_MAX = 4096
_VARIABLE = re.compile(
    r"\$\{(?:env[:.])?([^}:]*)(?::-([^}]*))?\}|\$(?:env:)?([A-Za-z_]\w*)|%([A-Za-z_]\w*)%"
)
_UNFILLED = re.compile(r"[$][({]|`|\{\{|^[<{\[]|<[\w -]+>|^/(absolute/)?path/to(/|$)")
_LEFT = re.compile(
    r"\$\{|<[^<>]+>|\{\{.*\}\}|^\{[^{}]*\}$|^/(absolute/)?path/to(/|$)"
    r"|^\W*(null|none|nil|undefined|nan|object object)\W*$",
    re.IGNORECASE,
)
_OF_WINDOWS = re.compile(r"[A-Za-z]:([\\/]|$)|\\\\")
_REMOTE = re.compile(r"vscode-(remote|userdata):", re.IGNORECASE)
_DRIVE = re.compile(r"/([A-Za-z])[:|](?=/|$)")
_WSL = ("wsl.localhost", "wsl$")


class PathRefused(ValueError):
    """A path that cannot be meant; the text says why and what to do."""


def expanded(text: str, environ: Mapping[str, str], base: str = "") -> str:
    """The absolute path that is meant, with `~` and variables filled in.

    `base` is what a relative one is seen from; without it a relative one is refused. Raises
    PathRefused.
    """
    path = text.strip()
    if len(path) > 1 and path[0] == path[-1] and path[0] in "\"'":
        path = path[1:-1].strip()
    if path.lower().startswith("file:"):
        path = of_uri(path)
    path = os.path.expanduser(_filled(path, environ))
    _check(path)
    if not os.path.isabs(path):
        if not base:
            raise PathRefused(
                "it is relative, and a client may start this anywhere; write the whole path, or one"
                " that begins with ~"
            )
        path = os.path.join(base, path)
    return os.path.abspath(path)


def quoted(text: str) -> str:
    """The beginning of a text as an error may show it."""
    return "".join(c if c.isprintable() else "?" for c in text[:200])


def is_placeholder(text: str) -> bool:
    """Whether a text is what nobody filled in: ${workspaceFolder}, <your project>, null."""
    return _LEFT.search(text.strip()) is not None


def of_uri(uri: str) -> str:
    """The path of a folder that a client names by a URI; "" where it means none on this machine.

    A `file:` URI of this machine means its path, there or not. One of another machine, and
    one of an editor's remote window, means the same path here, if that is a folder.
    """
    scheme, _, rest = uri.partition(":")
    if len(uri) > PATH_CHARS_MAX or not rest:
        return ""
    if not rest.startswith("//"):
        path = unquote(rest, errors="surrogateescape")
        return _local(path) if scheme.lower() == "file" and path.startswith("/") else ""
    host, slash, tail = rest[2:].partition("/")
    host, path = unquote(host).lower(), unquote(slash + tail, errors="surrogateescape")
    if scheme.lower() == "file":
        return _local(path) if host in ("", "localhost", "127.0.0.1") else _shared(host, path)
    return _here(path) if _REMOTE.match(uri) else ""


def _local(path: str) -> str:
    """The path of a `file:` URI, which on Windows begins with a drive."""
    drive = _DRIVE.match(path)
    if drive is None:
        return path
    if sys.platform == "win32":
        return path[1:].replace("|", ":", 1)
    # The client runs on Windows, and this in its Linux.
    return _here(f"/mnt/{drive[1].lower()}{path[3:]}") or path


def _shared(host: str, path: str) -> str:
    if sys.platform == "win32":
        return "\\\\" + host + path.replace("/", "\\")
    if host in _WSL:  # what follows is the name of a Linux, and the path in it
        path = "/" + path.lstrip("/").partition("/")[2]
    return _here(path)


def _here(path: str) -> str:
    return path if path.startswith("/") and os.path.isdir(path) else ""


def _filled(path: str, environ: Mapping[str, str]) -> str:
    def fill(found: re.Match[str]) -> str:
        name = found[1] or found[3] or found[4] or ""
        if name == "userHome":
            return "~"
        value = environ.get(name) or found[2]
        if value is None and found[4] is not None and sys.platform != "win32":
            raise PathRefused(f"%{name}% is a way of Windows to write a folder; use ~ or a path")
        if value is None:
            raise PathRefused(
                f"{found[0]} was not filled in, for no variable {name} is set here; write the path"
                " itself"
            )
        return value

    return _VARIABLE.sub(fill, path)


def _check(path: str) -> None:
    if not path:
        raise PathRefused("it names no folder on this machine; write a path")
    if path.startswith("~"):
        raise PathRefused("this user has no home folder here; write the path without ~")
    if _UNFILLED.search(path) or not path.isprintable():
        raise PathRefused("it is an example that was not filled in; write the path itself")
    if sys.platform != "win32" and _OF_WINDOWS.match(path):
        raise PathRefused("it is a path of Windows, and this is not; write one of this machine")
    if len(path) > PATH_CHARS_MAX:
        raise PathRefused(f"it has {len(path)} characters; use at most {PATH_CHARS_MAX}")
