"""Whom a request is from, once its token was verified."""

from __future__ import annotations

from dataclasses import dataclass

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from mcp_memory.domain.memory import Json
from mcp_memory.domain.permissions import Permissions
from mcp_memory.identity.project import slug


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """A user of a tenant, as a verified token names it.

    `client` is the OAuth client, `token` the id of a bearer token, "" when there is none.
    """

    tenant: str
    user: str
    permissions: Permissions
    client: str = ""
    token: str = ""

    @property
    def key(self) -> str:
        """The user, unambiguously: what limits and sessions are counted by."""
        return f"{slug(self.tenant)}/{slug(self.user)}"

    @property
    def owner(self) -> str:
        """Whose a session is: the user, with the client or the token that it uses."""
        return f"{self.key}/{slug(self._means) if self._means else ''}"

    @property
    def claims(self) -> Json:
        """What the scope is resolved from."""
        client = {"client_id": self.client} if self.client else {}
        return {"tenant": self.tenant, "sub": self.user, **client}

    @property
    def known_to_sdk(self) -> AuthenticatedUser:
        """The same as the SDK keeps it, which seals questions for their principal."""
        permissions = sorted(permission.value for permission in self.permissions)
        return AuthenticatedUser(
            AccessToken(token="", client_id=self._means, subject=self.key, scopes=permissions)
        )

    @property
    def _means(self) -> str:
        return self.client or self.token
