"""A folder or a name → the project it belongs to.

A repository is one project however it is spelt: its identity is the git remote,
normalised, so that every clone, worktree and subfolder of it agrees. Nothing is run:
git's own files are read, at most 256 KiB of each.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mcp_memory.domain import labels
from mcp_memory.errors import InvalidInput
from mcp_memory.identity import git_remote, ssh_config
from mcp_memory.system import environment, paths

GIVEN_CHARS_MAX = 1024
_NAME_CHARS_MAX = 64
_READ_BYTES_MAX = 256 * 1024
_DIGEST = re.compile(r"-[0-9a-f]{12}$")
_REMOTE = re.compile(r'\[\s*remote\s+"((?:[^"\\]|\\.)*)"\s*\]', re.IGNORECASE)
_URL = re.compile(r"\s*url\s*=\s*(.*)", re.IGNORECASE)
_FOLDER_URI = re.compile(r"(file|vscode-remote):", re.IGNORECASE)
_SCP_ADDRESS = re.compile(r"[^/:]*@[^/:]+:|[\w-]+(\.[\w-]+)+:(?!/)")
_BARE_ADDRESS = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:\d+)?/[^/]")
_NO_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[\W_]*|[\w.-]+@", re.IGNORECASE)
_SLASHES = re.compile("/{2,}")
_BEGINS_PATH = re.compile(r"[~$%]|\.{1,2}($|[/\\])")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A project: `id` for the store, `label` for people, e.g. `github.com/acme/app`.

    The label is one that may stand in any answer; see `mcp_memory.domain.labels`. Of a repository,
    `git` is its git folder, and `within` the label of one that it lies in, such as that of
    which it is a submodule. `is_here` is False for a folder that was named and is not there.
    """

    id: str
    label: str
    git: Path | None = field(default=None, compare=False)
    within: str = field(default="", compare=False)
    is_here: bool = field(default=True, compare=False)


def slug(label: str) -> str:
    """The label as a name of `[a-z0-9._-]{1,64}`; different labels give different names.

    A label that is no such name, or that ends like a digest, gets '-' and the first 12
    hex digits of its SHA-256, so that no plain name can be mistaken for another's slug.
    """
    name = re.sub(r"[^a-z0-9._-]+", "-", label.lower()).strip("-")
    if name == label and 0 < len(name) <= _NAME_CHARS_MAX and not _DIGEST.search(name):
        return name
    digest = hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{name[: _NAME_CHARS_MAX - 13]}-{digest}" if name else f"x-{digest}"


def named(name: str, aliases: git_remote.Aliases | None = None) -> Project | None:
    """The project that was given a name, such as `app`, or a repository's address.

    `aliases` say what ssh knows hosts by, where that counts. None for nothing, and for a
    placeholder. Raises InvalidInput for what cannot be meant.
    """
    if len(name) > GIVEN_CHARS_MAX:
        raise InvalidInput("project", name, f"use at most {GIVEN_CHARS_MAX} characters")
    if not name.strip() or paths.is_placeholder(name):
        return None
    text = f"https://{name}" if _BARE_ADDRESS.match(name) else name
    is_address = "://" in text or name.endswith(".git") or _SCP_ADDRESS.match(name)
    address = git_remote.repository(text, aliases or git_remote.itself) if is_address else ""
    if address:
        return _of_repository(address)
    if not any(map(str.isalnum, name)) or _NO_ADDRESS.fullmatch(name):
        raise InvalidInput("project", name, "it names nothing; use a name, an address or a folder")
    name = name if "://" in name else _SLASHES.sub("/", name)
    return Project(id=slug(name), label=labels.shown(name))


def local(name: str, base: Path | None = None) -> Project | None:
    """The project of a name, a path or a URI of a folder on this machine.

    `base` is the folder that a relative path (`.`, `../site`) is seen from. None for nothing,
    and for what leads nowhere here. Raises InvalidInput for a path that cannot be meant.
    """
    text = name.strip()
    if paths.is_placeholder(text):
        return None
    if _FOLDER_URI.match(text):
        folder = paths.of_uri(text)
        return identify(Path(folder)) if folder else None
    if Path(text).is_absolute():
        return identify(Path(text))
    if not _BEGINS_PATH.match(text):
        return named(text, ssh_config.machine)
    if base is None and text in (".", "./"):  # the client's folder, and nobody says which
        return None
    try:
        return identify(Path(paths.expanded(text, environment.whole(), str(base or ""))))
    except paths.PathRefused as error:
        raise InvalidInput("project", name, str(error)) from error


def of_roots(uris: Sequence[str]) -> Project | None:
    """The project of the first of a client's roots that is one; those that are here first."""
    folders = [uri if Path(uri).is_absolute() else paths.of_uri(uri) for uri in uris]
    for folder in sorted(filter(None, folders), key=lambda folder: not os.path.exists(folder)):
        found = identify(Path(folder))
        if found is not None:
            return found
    return None


def identify(path: Path) -> Project | None:
    """The project that a folder lies in: its repository, else the folder itself.

    None for the home folder, the root of a drive, and a path that cannot be resolved.
    """
    folder = _resolved(path)
    if folder is None:
        return None
    if os.path.isfile(folder):
        folder = folder.parent
    found = checkout(folder)
    if found is not None or _is_nobodys(folder):
        return found
    return replace(_of_folder(folder), is_here=os.path.exists(folder))


def checkout(path: Path) -> Project | None:
    """The project of the repository that a folder lies in; None outside of any.

    A repository that is the home folder itself (dotfiles) does not count.
    """
    folder = _resolved(path)
    for candidate in (folder, *folder.parents) if folder else ():
        if _is_nobodys(candidate):
            break
        repository = _repository(candidate)
        if repository is not None:
            root, git = repository
            found = _of_remote(git / "config", root) or _of_folder(root)
            around = checkout(candidate.parent)
            within = around.label if around and around.id != found.id else ""
            return replace(found, git=git, within=within)
    return None


def _of_folder(folder: Path) -> Project:
    return Project(id=slug(str(folder)), label=labels.shown(folder.as_posix()))


def _of_repository(address: str) -> Project:
    return Project(id=slug(address), label=labels.shortened(address))


def _resolved(path: Path) -> Path | None:
    try:
        # Two slashes at the beginning mean nothing here, and would be another name.
        text = str(path.resolve())
        return Path("/" + text.lstrip("/")) if text.startswith("/") else Path(text)
    except (OSError, RuntimeError, ValueError):
        return None


def _is_nobodys(folder: Path) -> bool:
    """Whether it is the home folder or the root of a drive, which are no projects."""
    try:
        return folder in (Path.home().resolve(), Path(folder.anchor))
    except (OSError, RuntimeError):
        return folder == Path(folder.anchor)


def _repository(folder: Path) -> tuple[Path, Path] | None:
    """The root and the shared git folder, if `folder` is where a checkout begins."""
    entry = folder / ".git"
    git = entry if os.path.isdir(entry) else _pointed(entry, "gitdir:")
    if git is None or not os.path.isfile(git / "HEAD"):
        return None
    common = _pointed(git / "commondir", "")
    if common is None:
        return folder, git
    return (common.parent if common.name == ".git" else common), common


def _pointed(file: Path, prefix: str) -> Path | None:
    """The path that a one-line file names, relative to the folder it lies in."""
    line = _read(file).strip()
    if not line or not line.startswith(prefix):
        return None
    try:
        return (file.parent / line.removeprefix(prefix).strip()).resolve()
    except (OSError, RuntimeError, ValueError):
        return None


def _of_remote(config: Path, root: Path) -> Project | None:
    """The project of `origin`, else of the first remote by name; None when there is none."""
    found = _remotes(_read(config))
    if not found:
        return None
    url = found.get("origin") or found[min(found)]
    address = git_remote.repository(url, ssh_config.machine)
    if address:
        return _of_repository(address)
    folder = _folder_named(url, root)
    return _of_folder(folder) if folder else None


def _folder_named(url: str, root: Path) -> Path | None:
    """A remote that is a folder of this machine, as an absolute path without `.git`."""
    text = url2pathname(urlsplit(url).path) if url.lower().startswith("file:") else url
    try:
        return Path(str((root / text).resolve()).removesuffix(".git"))
    except (OSError, RuntimeError, ValueError):
        return None


def _remotes(config: str) -> dict[str, str]:
    """Each remote of a git config file with its first url."""
    found: dict[str, str] = {}
    remote = ""
    for line in config.replace("\\\n", "").split("\n"):
        text = line.strip()
        if text.startswith("["):
            section = _REMOTE.match(text)
            remote = _ESCAPE.sub(r"\1", section[1]) if section else ""
            text = text[section.end() :] if section else ""
        url = _URL.match(text)
        if remote and url:
            found.setdefault(remote, _value(url[1]))
    return {name: url for name, url in found.items() if url}


def _value(text: str) -> str:
    """A value of a git config file without its quotes and its comment."""
    match = re.match(r'\s*"((?:[^"\\]|\\.)*)"', text)
    value = match[1] if match else re.split(r"\s[#;]", text, maxsplit=1)[0].strip()
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), value)


def _read(file: Path) -> str:
    """The beginning of a text file; "" for what is none or cannot be read."""
    try:
        if not os.path.isfile(file):  # e.g. a pipe, which would be waited for
            return ""
        with file.open("rb") as stream:
            return stream.read(_READ_BYTES_MAX).decode("utf-8", "surrogateescape")
    except (OSError, ValueError):
        return ""
