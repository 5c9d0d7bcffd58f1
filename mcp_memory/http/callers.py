"""Who is calling over HTTP, as the server is told: the signals of each request."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.types import Scope

from mcp_memory.auth.principal import Principal
from mcp_memory.http.authentication import PRINCIPAL
from mcp_memory.identity.resolver import HEADER_PROJECT, HEADER_SESSION, Signals, local_signals
from mcp_memory.server.connection import Connection, RequestContext
from mcp_memory.server.scheduler import ClientQueue

if TYPE_CHECKING:
    from mcp_memory.config.settings import Settings

TURNS_MAX = 10_000
LOCAL = "loopback"
"""The transport of a caller without a token: somebody on this machine."""


@dataclass(frozen=True, slots=True)
class Callers:
    """Makes the caller of each request; all requests of one user share one place in the lanes."""

    settings: Settings
    _turns: OrderedDict[str, ClientQueue] = field(default_factory=OrderedDict[str, ClientQueue])

    def of(self, asgi_scope: Scope, transport: str, *, is_alone: bool) -> RequestContext:
        """The caller of a request; one without a session gets a connection for itself."""
        principal: Principal | None = asgi_scope.get(PRINCIPAL)
        sent = Request(asgi_scope).headers
        given = {n: sent[n] for n in (HEADER_PROJECT, HEADER_SESSION) if n in sent}
        if principal is None:
            local = local_signals(self.settings, LOCAL)
            signals = replace(
                local, headers=given, working_dir=None, claude_project_dir="", claude_session=""
            )
        else:
            signals = Signals(
                transport=transport,
                claims=principal.claims,
                permissions=principal.permissions,
                headers=given,
                configured_zone=self.settings.timezone,
                zone_variable=self.settings.zone_variable,
            )
        # Nothing tells the client's TZ here, and that of this process is what is set second.
        if self.settings.timezone:
            signals = replace(signals, zone_variable="")
        alone = Connection(is_kept=False, turn=self.turn(asgi_scope)) if is_alone else None
        return RequestContext(signals=signals, connection=alone)

    def turn(self, asgi_scope: Scope) -> ClientQueue:
        """The place of a request's user in the lanes."""
        principal: Principal | None = asgi_scope.get(PRINCIPAL)
        key = principal.key if principal else ""
        if key not in self._turns:
            self._forget_idle()
            self._turns[key] = ClientQueue(
                patience_s=float(self.settings.http.deadline_seconds), is_answered_here=True
            )
        self._turns.move_to_end(key)
        return self._turns[key]

    def _forget_idle(self) -> None:
        for key in list(self._turns)[: max(0, len(self._turns) - TURNS_MAX + 1)]:
            if not self._turns[key].reads + self._turns[key].writes:
                del self._turns[key]


def owner_of(asgi_scope: Scope) -> str:
    """Whose a session of this request is."""
    principal: Principal | None = asgi_scope.get(PRINCIPAL)
    return principal.owner if principal else ""
