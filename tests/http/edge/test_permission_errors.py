"""What a client makes of a call that its token does not permit."""

from __future__ import annotations

import pytest

from tests.support.http_server import TRANSPORTS, Issuer, Served, connect
from tests.support.mcp_client import call, refusal

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_client_hears_which_scope_it_lacks_and_goes_on(
    server: Served, issuer: Issuer, transport: str
) -> None:
    token = issuer.token("acme", "reader", "memory:read")
    async with connect(server, transport, token) as client:
        said = await refusal(client, "remember", memories="The reader was here")
        assert "lacks the permission memory:write, which is needed to use remember" in said
        assert (await call(client, "recall", query="reader"))["memories"] == []
