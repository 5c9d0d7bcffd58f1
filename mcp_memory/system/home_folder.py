"""What keeps a store from living in a folder, told before anything is tried in it."""

from __future__ import annotations

import os
import stat

_UNUSABLE = "?" if os.sep == "\\" else "?\\"
"""What DuckDB takes for something else in the path of a file."""
_ELSEWHERE = "or set MCP_MEMORY_HOME to another folder"


def fault(home: str) -> str:
    """Why no store can live in the folder `home`, and what to do; "" where nothing is known.

    A folder that is not there yet can be made in the nearest one that is.
    """
    odd = next((sign for sign in _UNUSABLE if sign in home), "")
    if odd:
        why = f"the database cannot open a file below a folder with {odd} in its name"
        return f"the store's folder cannot be used: {home}: {why}; rename it, {_ELSEWHERE}"
    for folder in (home, os.path.join(home, "daemon")):
        said = _fault(folder, home)
        if said:
            return f"the store's folder cannot be used: {said}"
    return ""


def _fault(folder: str, home: str) -> str:
    where = _nearest(folder)
    try:
        found = os.stat(where)
    except FileNotFoundError:
        return f"{where} is a link that leads nowhere; mend it, {_ELSEWHERE}"
    except OSError as error:
        return f"{where} cannot be looked at ({error.strerror}); mend its rights, {_ELSEWHERE}"
    if not stat.S_ISDIR(found.st_mode):
        return f"{where} is a file and no folder; move it away, {_ELSEWHERE}"
    is_effective = os.access in os.supports_effective_ids
    is_open = os.access(where, os.R_OK | os.W_OK | os.X_OK, effective_ids=is_effective)
    if not hasattr(os, "geteuid"):
        return "" if is_open else f"{where} may not be written to; change its rights, {_ELSEWHERE}"
    if not is_open and os.statvfs(where).f_flag & os.ST_RDONLY:
        return f"{where} is on a file system that is read-only; mount it for writing, {_ELSEWHERE}"
    user = os.geteuid()
    # What lies in the folder of a daemon is believed only where that is one's own.
    if user != found.st_uid and (len(where) > len(home) or not is_open):
        advice = f"run mcp-memory as that user, give it to user {user} (chown -R)"
        return f"{where} belongs to user {found.st_uid}; {advice}, {_ELSEWHERE}"
    return "" if is_open else f"{where} may not be read or written; run chmod u+rwx, {_ELSEWHERE}"


def _nearest(folder: str) -> str:
    """The folder, or the nearest one above it that is there."""
    while not os.path.lexists(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return folder
