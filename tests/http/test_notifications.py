"""A change of a memory is told, over every transport, to those who may read it alone."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
from mcp import Client, MCPError

from mcp_memory.domain.ids import new_id
from tests.server.test_subscriptions import Watcher, subscribe, watching
from tests.support.http_server import ALL, TRANSPORTS, Issuer, Served, connect
from tests.support.mcp_client import call, remember

pytestmark = pytest.mark.anyio

VIEWS = ["memory://recent", "memory://stats"]
PROJECT = {"X-Mcp-Memory-Project": "app"}


class Watchers:
    """Clients that watch the views of their users, through one of the transports."""

    def __init__(
        self, server: Served, issuer: Issuer, transport: str, stack: AsyncExitStack
    ) -> None:
        self._server = server
        self._issuer = issuer
        self._transport = transport
        self._stack = stack

    async def client(self, tenant: str, user: str, watcher: Watcher | None = None) -> Client:
        """A client; with a watcher that writes down what it is told."""
        token = self._issuer.token(tenant, user, ALL)
        options = {"message_handler": watcher.on_message} if watcher else {}
        connection = connect(self._server, self._transport, token, headers=PROJECT, **options)
        return await self._stack.enter_async_context(connection)

    async def watch(self, tenant: str, user: str, *uris: str) -> tuple[Watcher, Client]:
        """A client that watches the views and these resources."""
        watcher = Watcher("legacy" if self._transport.endswith("legacy") else "auto")
        client = await self.client(tenant, user, watcher)
        await watching(self._stack, watcher, client, [*VIEWS, *uris])
        return watcher, client


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_change_is_told_to_those_only_who_may_read_it(
    server: Served, issuer: Issuer, transport: str
) -> None:
    tenant = f"told-{new_id()}"
    async with AsyncExitStack() as stack:
        watchers = Watchers(server, issuer, transport, stack)
        ana = await watchers.client(tenant, "ana")
        private = await remember(ana, "The tide table hangs in the hall", scope="user")
        shared = await remember(ana, "The harbour opens at six", scope="tenant")
        mine, ours = f"memory://memories/{private}", f"memory://memories/{shared}"
        hers, _ = await watchers.watch(tenant, "ana", mine, ours)
        his, bob = await watchers.watch(tenant, "bob", ours)
        theirs, stranger = await watchers.watch(f"{tenant}-x", "ana")
        alike, other = await watchers.watch(tenant.upper(), "ana")

        await call(ana, "update", id=private, content="The tide table hangs in the kitchen")
        await hers.until(mine)
        await call(ana, "forget", ids=[private])
        await hers.until("list")
        await call(bob, "update", id=shared, content="The harbour opens at seven")
        for watcher in (hers, his):
            await watcher.until(ours)
            await watcher.until(VIEWS[0])

        # What each may read is told to it, so that its silence before was no accident.
        assert mine not in his.seen
        for watcher, client in ((theirs, stranger), (alike, other)):
            assert watcher.seen == []
            await remember(client, "A note of one's own")
            await watcher.until(VIEWS[1])
            assert watcher.seen.count(VIEWS[1]) == 1
            assert set(watcher.seen) <= {*VIEWS, "list"}


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_what_one_may_not_read_one_cannot_watch(
    server: Served, issuer: Issuer, transport: str
) -> None:
    async with AsyncExitStack() as stack:
        watchers = Watchers(server, issuer, transport, stack)
        ana = await watchers.client("watched", "ana")
        kept = await remember(ana, f"The seal is kept by {new_id()}", scope="user")
        stranger = await watchers.client("elsewhere", "ana")
        said: list[str] = []
        for name in (kept, new_id()):
            with pytest.raises(MCPError) as refused:
                if transport.endswith("legacy"):
                    await subscribe(stranger, f"memory://memories/{name}")
                else:
                    uris = [f"memory://memories/{name}"]
                    async with stranger.listen(resource_subscriptions=uris):
                        raise AssertionError("it listens to what is another's")
            said.append(refused.value.message.replace(name, ""))
        assert said[0] == said[1]
        assert "no memory" in said[0]
