"""Who is calling: what a transport knows about a request → one Caller.

No argument of a tool is ever looked at, and what cannot be resolved is denied, not
widened. Sources, first match wins:

    part           with a token (HTTP, SSE)           local (stdio, socket, command line)
    tenant, user   claims of the token, only          configuration, operating-system user
    project        _meta, X-Mcp-Memory-Project        _meta, X-Mcp-Memory-Project (loopback
                                                      HTTP), configuration, Claude's project
                                                      folder, client roots, working directory
                                                      (if it lies in a repository)
    agent          client_id claim, client info       client info
    session        _meta, Codex's turn metadata,      the same, before the connection what
                   Mcp-Session-Id, the connection     Claude Code tells in the environment
                   (older era)
    time zone      _meta, configuration, system       _meta, TZ, configuration, system
"""

from __future__ import annotations

import getpass
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from mcp_memory.domain import time_zones
from mcp_memory.domain.labels import one_line, shown
from mcp_memory.domain.memory import NOTHING, Caller, Json
from mcp_memory.domain.permissions import EVERYTHING, Permissions
from mcp_memory.errors import InvalidInput, ScopeMissing
from mcp_memory.identity import project, project_aliases
from mcp_memory.identity.project import Project, slug
from mcp_memory.identity.project_aliases import Names
from mcp_memory.system import paths
from mcp_memory.system.environment import CLAUDE_PROJECT_DIR, CLAUDE_SESSION, ZONE

if TYPE_CHECKING:
    from mcp_memory.config.settings import Settings

META_PROJECT = "io.github.mcp-memory/project"
"""`_meta` key of a request: its project, as a name, an absolute path or a `file:` URI."""
META_SESSION = "io.github.mcp-memory/session"
"""`_meta` key of a request: the conversation it belongs to."""
META_ZONE = "io.github.mcp-memory/timezone"
"""`_meta` key of a request: the zone of the days that it speaks of, such as Europe/Berlin."""
META_CODEX = "x-codex-turn-metadata"
"""`_meta` key that Codex sends with each call; its `session_id` is the conversation."""
HEADER_PROJECT = "x-mcp-memory-project"
PROJECT_HEADER = "X-Mcp-Memory-Project header"
"""The source of a project, where the header has decided it."""
HEADER_SESSION = "mcp-session-id"
TENANT_CLAIMS = ("tenant", "org_id", "tid")
"""Claims that name the tenant of a token, the first one present counts."""
CLIENT_CLAIMS = ("client_id", "azp")

DEFAULT_TENANT = "local"
GIVEN_CHARS_MAX = 1024
_DECIDING_META = (META_PROJECT, META_SESSION, META_ZONE, META_CODEX)
_DECIDING_HEADERS = (HEADER_PROJECT, HEADER_SESSION)
_REMOTE = frozenset({"http", "sse"})
_NAME = re.compile(r"[a-z0-9._-]{1,64}")

current: ContextVar[Caller] = ContextVar("mcp_memory_scope")
"""The scope of the request in hand, set once by the server's middleware."""

Found = tuple[str, str]
"""A value and the source that gave it; ("", "") for none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signals:
    """Everything that a transport knows about one request.

    `claims` are those of a verified access token, None without one, and `permissions` what it
    permits; who is on this machine may do everything. `headers` have lower-case names.
    `roots` are URIs. `connection_id` is random, one per connection of the older protocol
    era; the newer era has no connection, `modern` is then True. `notes` are what somebody on
    this machine should know of how it is configured, `home` is the store's folder.
    """

    transport: str = "stdio"
    modern: bool = False
    claims: Json | None = None
    permissions: Permissions = frozenset()
    configured_user: str = ""
    configured_tenant: str = ""
    configured_project: str = ""
    configured_zone: str = ""
    system_user: str = ""
    meta: Json = field(default_factory=lambda: NOTHING)
    headers: Json = field(default_factory=lambda: NOTHING)
    client_name: str = ""
    client_version: str = ""
    roots: tuple[str, ...] = ()
    working_dir: Path | None = None
    claude_project_dir: str = ""
    claude_session: str = ""
    zone_variable: str = ""
    connection_id: str = ""
    notes: tuple[str, ...] = ()
    home: Path | None = None


def resolve(signals: Signals) -> Caller:
    """The scope of a request; looks at nothing but the signals, git's files and ssh's, and at
    what is noted in the store's folder of the names that a repository had before.

    Raises InvalidInput for a name that cannot be used, ScopeMissing when a remote
    caller has no token or its token does not say who it is.
    """
    remote = signals.transport in _REMOTE or signals.claims is not None
    tenant, user = _from_claims(signals) if remote else _from_machine(signals)
    found_project, project_source = _project(signals, remote=remote)
    joined: Names = {}
    if found_project and signals.home is not None and not remote:
        joined = project_aliases.before(signals.home, f"{tenant[0]}/{user[0]}", found_project)
    agent = _agent(signals)
    session = _session(signals)
    zone, zone_source = _zone(signals)
    sources = {
        "tenant": tenant[1],
        "user": user[1],
        "project": project_source,
        "agent": agent[1],
        "session": session[1],
        "timezone": zone_source,
    }
    return Caller(
        tenant=tenant[0],
        user=user[0],
        project=found_project.id if found_project else "",
        agent=agent[0],
        session=session[0],
        client=_client(signals),
        project_label=found_project.label if found_project else "",
        sources=MappingProxyType({part: source or "none" for part, source in sources.items()}),
        permissions=signals.permissions if remote else EVERYTHING,
        zone=zone,
        notes=(
            *(() if remote else signals.notes),
            *_left_open(signals, remote=remote),
            *_told_of(found_project, project_source, joined),
        ),
        joined=MappingProxyType(joined),
    )


def _absent(found: Project, source: str) -> str:
    return (
        f"the folder {found.label}, named by {_named(source)}, is not on this machine; it is the"
        " project all the same"
    )


def _named(source: str) -> str:
    """The source of a project as its user knows it."""
    return "MCP_MEMORY_PROJECT" if source == "configuration" else source


def _left_open(signals: Signals, *, remote: bool) -> Iterator[str]:
    """What names no project because nobody filled it in; the configuration tells by itself."""
    ours = () if remote else ((signals.claude_project_dir, CLAUDE_PROJECT_DIR),)
    for text, source in (*_given_projects(signals), *ours):
        if paths.is_placeholder(text):
            yield f"{source} was left as {shown(text)} and counts as not set"


def _told_of(found: Project | None, source: str, joined: Names) -> Iterator[str]:
    """What the caller should know of its project."""
    if found and not found.is_here:
        yield _absent(found, source)
    if found and found.within:
        yield f"{found.label} lies within {found.within}, and is a project of its own"
    for name in joined.values():
        yield (
            f"this repository was {name} before, and what is remembered there is seen here too;"
            f" to end that, run here: mcp-memory project split {name}"
        )


def deciding(signals: Signals) -> Signals:
    """The signals without what decides nothing, so that like requests have equal ones."""
    meta = {name: signals.meta[name] for name in _DECIDING_META if name in signals.meta}
    turn = meta.get(META_CODEX)
    if isinstance(turn, dict):
        codex = cast("Json", turn)
        meta[META_CODEX] = {name: codex[name] for name in ("session_id",) if name in codex}
    headers = {name: signals.headers[name] for name in _DECIDING_HEADERS if name in signals.headers}
    return replace(signals, meta=meta, headers=headers)


def local_signals(settings: Settings, transport: str = "local") -> Signals:
    """What a transport on this machine knows before any request: configuration and user."""
    return Signals(
        transport=transport,
        configured_user=settings.user,
        configured_tenant=settings.tenant,
        configured_project=settings.project,
        configured_zone=settings.timezone,
        system_user=system_user(),
        working_dir=settings.working_dir,
        claude_project_dir=settings.claude_project_dir,
        claude_session=settings.claude_session,
        zone_variable=settings.zone_variable,
        notes=tuple(doubt.text for doubt in settings.doubts),
        home=settings.home,
    )


def project_of(signals: Signals) -> Project | None:
    """The project of somebody on this machine."""
    return _project(signals, remote=False)[0]


def absence(signals: Signals) -> str:
    """That somebody on this machine has a project by a folder which is not there; else ""."""
    found, source = _project(signals, remote=False)
    return _absent(found, source) if found and not found.is_here else ""


def system_user() -> str:
    """The name of the operating-system user that runs this process."""
    if sys.platform == "win32":
        return getpass.getuser()
    import pwd  # not on Windows

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number that has no name
        return f"uid-{os.getuid()}"


def _from_claims(signals: Signals) -> tuple[Found, Found]:
    claims = signals.claims
    if claims is None:
        raise ScopeMissing(
            "this request carries no access token, so nobody's memories can be used; "
            "sign in, or connect over stdio"
        )
    tenant, user = _claim(claims, *TENANT_CLAIMS), _claim(claims, "sub")
    for value, needed in ((user, "sub"), (tenant, "tenant")):
        if not value:
            raise ScopeMissing(
                f"the access token has no '{needed}' claim, so it does not say whose memories "
                "to use; ask whoever issues the tokens to add it"
            )
    return (slug(tenant), "token"), (slug(user), "token")


def _claim(claims: Json, *names: str) -> str:
    for name in names:
        value = claims.get(name)
        if value is not None:
            return value if isinstance(value, str) else ""
    return ""


def _from_machine(signals: Signals) -> tuple[Found, Found]:
    tenant: Found = (DEFAULT_TENANT, "default")
    if signals.configured_tenant:
        tenant = (_configured("tenant", signals.configured_tenant), "configuration")
    if signals.configured_user:
        return tenant, (_configured("user", signals.configured_user), "configuration")
    if signals.system_user:
        return tenant, (slug(signals.system_user), "operating-system user")
    raise ScopeMissing("nothing says who is calling; set MCP_MEMORY_USER to a name")


def check_name(part: str, value: str, where: str = "") -> str:
    """A name of a user or a tenant, in lower case. Raises InvalidInput."""
    name = value.strip().lower()
    if not _NAME.fullmatch(name):
        expected = f"use 1 to 64 of the characters a-z 0-9 . _ -{where}"
        raise InvalidInput(part, value, expected)
    return name


def _configured(part: str, value: str) -> str:
    return check_name(part, value, f" in MCP_MEMORY_{part.upper()}")


def _project(signals: Signals, *, remote: bool) -> tuple[Project | None, str]:
    if remote:  # a remote caller's path means nothing here, and must not be looked up
        for text, source in _given_projects(signals):
            found = project.named(text)
            if found is not None:
                return found, source
        return None, ""
    for find, source in _local_projects(signals):
        try:
            found = find()
        except InvalidInput as error:
            field = f"{error.field} ({_named(source)})"
            raise InvalidInput(field, error.value, error.expected) from error
        if found is not None:
            return found, source
    return None, ""


def _given_projects(signals: Signals) -> Iterator[Found]:
    yield _given(signals.meta, META_PROJECT, "_meta"), "_meta"
    yield _given(signals.headers, HEADER_PROJECT, "header"), PROJECT_HEADER


def _local_projects(signals: Signals) -> Iterator[tuple[Callable[[], Project | None], str]]:
    """Each way to find the project on this machine, best first, with its name."""
    here = signals.working_dir
    given = (
        *_given_projects(signals),
        (signals.configured_project, "configuration"),
        (signals.claude_project_dir, CLAUDE_PROJECT_DIR),
    )
    for text, source in given:
        yield partial(project.local, text, here), source
    yield partial(project.of_roots, signals.roots), "client roots"
    if here is not None:
        # Clients start servers anywhere: a working directory that is no repository says nothing.
        yield partial(project.checkout, here), "working directory"


def _agent(signals: Signals) -> Found:
    client_id = _claim(signals.claims or NOTHING, *CLIENT_CLAIMS)
    if client_id:
        return slug(client_id), "token"
    name = signals.client_name.strip()[:GIVEN_CHARS_MAX]
    return (slug(name), "client info") if one_line(name) else ("", "")


def _session(signals: Signals) -> Found:
    turn = signals.meta.get(META_CODEX)
    codex = cast("Json", turn) if isinstance(turn, dict) else NOTHING
    sources = (
        (_given(signals.meta, META_SESSION, "_meta"), "_meta"),
        (_given(codex, "session_id", f"_meta {META_CODEX}"), "Codex session"),
        (_given(signals.headers, HEADER_SESSION, "header"), "Mcp-Session-Id header"),
        (_told(signals.claude_session), CLAUDE_SESSION),
        ("" if signals.modern else signals.connection_id, "connection"),
    )
    for text, source in sources:
        if text.strip() and not paths.is_placeholder(text):
            return slug(text.strip()), source
    return "", ""


def _zone(signals: Signals) -> tuple[tzinfo, str]:
    """The time zone of the caller, and what says so. Raises InvalidInput."""
    given = _given(signals.meta, META_ZONE, "_meta")
    if given.strip():
        zone = time_zones.named(given)
        if zone is None:
            raise InvalidInput(f"_meta {META_ZONE}", given, time_zones.EXPECTED)
        return zone, "_meta"
    zone = time_zones.of_variable(signals.zone_variable)
    if zone is not None:
        return zone, ZONE
    configured = time_zones.named(signals.configured_zone)
    return (configured, "configuration") if configured else (time_zones.system(), "system")


def _told(text: str) -> str:
    """What a client told in the environment; a placeholder that was left there says nothing."""
    is_usable = text.isprintable() and len(text) <= GIVEN_CHARS_MAX
    return text if is_usable and not paths.is_placeholder(text) else ""


def _given(values: Json, name: str, place: str) -> str:
    """A text that the client gave under `name`, "" for none."""
    value = values.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > GIVEN_CHARS_MAX or not value.isprintable():
        expected = f"use one line of text of at most {GIVEN_CHARS_MAX} characters"
        raise InvalidInput(f"{place} {name}", value, expected)
    return value


def _client(signals: Signals) -> str:
    return one_line(f"{signals.client_name} {signals.client_version}")
