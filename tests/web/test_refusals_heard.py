"""What a client makes of a call that its token does not permit."""

from __future__ import annotations

import pytest
from mcp import MCPError

from tests.protocol.harness import call
from tests.web.harness import Issuer, Served, connect

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("door", ["http-legacy", "http-auto"])
async def test_a_client_hears_which_scope_it_lacks_and_goes_on(
    server: Served, issuer: Issuer, door: str
) -> None:
    token = issuer.token("acme", "reader", "memory:read")
    async with connect(server, door, token) as client:
        with pytest.raises(MCPError, match="lacks the scope memory:write, needed to use remember"):
            await client.call_tool("remember", {"memories": "The reader was here"})
        assert (await call(client, "recall", query="reader"))["memories"] == []
