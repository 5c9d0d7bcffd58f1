"""Under which names a repository was known before: kept in the store's folder, by this machine.

A repository is found again by its git folder, and that this is still the same by what no
repository can bring along: the number that the file system gave it and when it was made, or
the first line of its log. Nothing that a repository says of itself joins it to another. A
folder that was moved keeps its names; another repository in the place of one that was removed
does not get them.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mcp_memory.identity.project import Project

log = logging.getLogger(__name__)

FILE = "projects.json"
FOLDERS_MAX = 1000
NAMES_MAX = 8
_FILE_BYTES_MAX = 4 * 1024 * 1024
_LINE_BYTES_MAX = 1024
_writing = threading.Lock()

Names = Mapping[str, str]
"""Projects by id, with their labels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """One git folder: what tells it from another in its place, and its names, oldest first.

    From those in `parted` its owner has split it.
    """

    birth: str
    begins: str
    names: dict[str, str]
    parted: tuple[str, ...] = ()

    def is_of(self, birth: str, begins: str) -> bool:
        """Whether this was noted of a git folder of which the same can be said now."""
        return self.birth == birth != "" or self.begins == begins != ""

    def others(self, current: str) -> Names:
        """The names that are joined with the current one."""
        out = {current, *self.parted}
        return (
            {} if current in self.parted else {i: n for i, n in self.names.items() if i not in out}
        )


_Folders = dict[str, _Known]


def before(home: Path, owner: str, found: Project) -> Names:
    """The other names of a repository, this one being noted; none for what is no repository.

    `owner` is whose names they are. Nothing is kept in a folder that is not there yet.
    """
    if found.git is None or not home.is_dir():
        return {}
    with _writing:
        everybody = _read(home)
        folders = everybody.setdefault(owner, {})
        if _note(folders, found):
            _write(home, everybody)
        return folders[str(found.git)].others(found.id)


def split(home: Path, owner: str, found: Project, name: str) -> bool:
    """Part a repository from one of its other names (a label or an id); False for none such."""
    parted = [id_ for id_, label in before(home, owner, found).items() if name in (id_, label)]
    if not parted:
        return False
    with _writing:
        everybody = _read(home)
        known = everybody[owner][str(found.git)]
        changed = replace(known, parted=(*known.parted, *parted))
        everybody[owner][str(found.git)] = changed
        _write(home, everybody)
    return True


def listed(home: Path, owner: str) -> list[list[str]]:
    """The names of each repository that is joined under several, oldest name first."""
    found = _read(home).get(owner, {}).values()
    names = [[n for i, n in known.names.items() if i not in known.parted] for known in found]
    return [each for each in names if len(each) > 1]


def _note(folders: _Folders, found: Project) -> bool:
    """Note the name that a repository has now; whether there was anything to note."""
    git = str(found.git)
    birth, begins = _birth(git), _beginning(git)
    has_moved = _follow(folders, git, birth)
    known = folders.get(git)
    if known is None or not known.is_of(birth, begins):  # else another one is in its place
        known = _Known(birth="", begins="", names={})
    names = list({**known.names, found.id: found.label}.items())[-NAMES_MAX:]
    noted = replace(known, birth=birth, begins=begins, names=dict(names))
    if noted == folders.get(git):
        return has_moved
    folders[git] = noted
    for oldest in list(folders)[: max(0, len(folders) - FOLDERS_MAX)]:
        del folders[oldest]
    return True


def _follow(folders: _Folders, git: str, birth: str) -> bool:
    """Find a git folder again that lies here now, and no longer where it did; whether it was."""
    if git in folders or not birth:
        return False
    for place, known in list(folders.items()):
        if known.birth == birth and not os.path.lexists(place):
            folders[git] = folders.pop(place)
            return True
    return False


def _birth(git: str) -> str:
    """What the file system says of a git folder that does not change while it exists.

    The number of the folder, and when a file was made that git makes with it and never
    touches again.
    """
    try:
        made = os.stat(os.path.join(git, "description")).st_mtime_ns
        return f"{os.stat(git).st_ino}:{made}"
    except OSError:
        return ""


def _beginning(git: str) -> str:
    """The first thing that was done in a repository: by whom, when, and to which commit."""
    file = os.path.join(git, "logs", "HEAD")
    try:
        if not os.path.isfile(file):
            return ""
        with open(file, "rb") as stream:
            return stream.readline(_LINE_BYTES_MAX).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _read(home: Path) -> dict[str, _Folders]:
    try:
        with (home / FILE).open("rb") as stream:
            document: Any = json.loads(stream.read(_FILE_BYTES_MAX))
        return {
            str(owner): {str(git): _known(values) for git, values in folders.items()}
            for owner, folders in document.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s cannot be read, and is made anew: %r", home / FILE, error)
        return {}


def _known(values: Any) -> _Known:
    names = {str(id_): str(label) for id_, label in values["names"].items()}
    parted = tuple(str(id_) for id_ in values["parted"])
    return _Known(birth=values["birth"], begins=values["begins"], names=names, parted=parted)


def _write(home: Path, everybody: Mapping[str, _Folders]) -> None:
    document = {
        owner: {git: asdict(known) for git, known in folders.items()}
        for owner, folders in everybody.items()
    }
    draft = home / f"{FILE}.{os.getpid()}.tmp"
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(json.dumps(document, indent=1).encode())
        os.replace(draft, home / FILE)
    except OSError as error:
        log.warning("%s cannot be written: %s", home / FILE, error)
