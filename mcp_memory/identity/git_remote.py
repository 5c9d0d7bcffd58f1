"""The address of a git remote → the repository it means, however it is spelt.

Nothing is looked up: neither a network nor the repository is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from mcp_memory.domain.labels import escaped

Host = tuple[str, int | None]
"""The name of a machine, and the port on it; None for the usual one."""
Aliases = Callable[[str], Host]
"""What a name means to ssh: a machine, and a port if one is configured."""

_SCP = re.compile(r"(?:[^@/]*@)?(\[[^\]]+\]|[^:/@\[\]]{2,}):(?!//)(.+)", re.DOTALL)
_PORTS = {"ssh": 22, "http": 80, "https": 443, "git": 9418}
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
# Hosts that open a repository under any case of its path.
_CASELESS = frozenset(
    {"github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "dev.azure.com"}
)
# The same hosts by other names, e.g. where only the port of HTTPS gets through.
_OTHER_NAMES = {
    **{f"www.{name}": name for name in _CASELESS},
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
    "ssh.dev.azure.com": "dev.azure.com",
    "vs-ssh.visualstudio.com": "dev.azure.com",
}
_AZURE = "dev.azure.com"
_AZURE_TEAM = re.compile(r"([a-z0-9-]+)\.visualstudio\.com")
_AZURE_WORDS = frozenset({"_git", "_ssh", "_full", "_optimized"})
_AZURE_FIRST = frozenset({"v3", "defaultcollection"})
_BITBUCKET_SSH_PORT = 7999
_BITBUCKET_FOLDERS = frozenset({"bitbucket", "stash"})


def itself(host: str) -> Host:
    """The machine that a host is where nobody calls it otherwise."""
    return host, None


def repository(url: str, aliases: Aliases = itself) -> str:
    """The repository that an address names, as `host/path`, escaped as a label is.

    `git@GitHub.com:acme/app.git` and `https://token@github.com/acme/app/` are both
    `github.com/acme/app`. Addresses of different repositories give different names.
    "" for what names a folder rather than a host.
    """
    text = url.strip()
    if "://" not in text:
        match = _SCP.fullmatch(text)
        if match is None:
            return ""
        host, port = aliases(match[1].strip("[]").lower())
        # ssh takes such a path as it is; only Azure decodes it.
        is_azure = _known(host)[0] == _AZURE
        segments = [_decoded(s) if is_azure else s for s in match[2].split("/")]
        return _named(host, None if port == _PORTS["ssh"] else port, segments, is_ssh=True)
    return _of_url(text, aliases)


def _of_url(text: str, aliases: Aliases) -> str:
    try:
        # What is split off first would be dropped or taken for something else.
        parts = urlsplit(_CONTROL.sub(lambda found: f"%{ord(found[0]):02X}", text))
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return ""
    scheme = parts.scheme.lower().removeprefix("git+").removesuffix("+git").removesuffix("+ssh")
    if scheme == "file" or not host:
        return ""
    if scheme == "ssh":
        host, configured = aliases(host)
        port = port or configured
    if port == _PORTS.get(scheme):
        port = None
    segments = [_decoded(s) for s in parts.path.split("/")]
    if _known(host)[0] not in _CASELESS:  # elsewhere these may tell repositories apart
        segments[-1] += f"?{parts.query}" if parts.query else ""
        segments[-1] += f"#{parts.fragment}" if parts.fragment else ""
    return _named(host, port, segments, is_ssh=scheme == "ssh")


def _named(host: str, port: int | None, segments: list[str], *, is_ssh: bool) -> str:
    host, team = _known(host.lower().rstrip("."))
    path = [segment for segment in segments if segment]
    if host in _CASELESS:
        path, port = [segment.lower() for segment in path], None
    if path:
        path[-1] = path[-1].removesuffix(".git")
        path = path if path[-1] else path[:-1]
    if host == _AZURE:
        path = _azure(team, path)
    else:
        path, port = _bitbucket(path, port, is_ssh=is_ssh)
    where = escaped(host)
    if port:
        where += f"@{port}" if ":" in host else f":{port}"  # a colon: it is an address of IPv6
    return "/".join([where, *(escaped(segment, also="/") for segment in path)])


def _decoded(segment: str) -> str:
    return unquote(segment, errors="surrogateescape")


def _known(host: str) -> tuple[str, str]:
    """A host by its first name, and the team of Azure DevOps that it stands for, if any."""
    name = _OTHER_NAMES.get(host, host)
    team = _AZURE_TEAM.fullmatch(name)
    return (_AZURE, team[1]) if team else (name, "")


def _azure(team: str, path: list[str]) -> list[str]:
    """Organisation, project and repository, whichever way Azure DevOps is spoken to."""
    inner = path[1:] if path and path[0] in _AZURE_FIRST else path
    words = [word for word in ([team] if team else []) + inner if word not in _AZURE_WORDS]
    # A repository of the same name as its project need not be named.
    return [*words, words[-1]] if len(words) == 2 else words


def _bitbucket(path: list[str], port: int | None, *, is_ssh: bool) -> tuple[list[str], int | None]:
    """The path of a Bitbucket server over HTTPS, as which its ssh and other paths count."""
    if is_ssh and port == _BITBUCKET_SSH_PORT and len(path) == 2:
        return ["scm", *(segment.lower() for segment in path)], None
    inner = path[1:] if len(path) == 4 and path[0] in _BITBUCKET_FOLDERS else path
    if not is_ssh and len(inner) == 3 and inner[0] == "scm":
        return ["scm", *(segment.lower() for segment in inner[1:])], port
    return path, port
