"""Notices of changes reach, in both eras, those who may read the memory, and nobody else."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import anyio
import anyio.to_thread
import mcp.types as types
import pytest
from mcp import Client, MCPError

from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import Caller, Partition, Scope
from mcp_memory.runtime import Application
from mcp_memory.server import connection, subscriptions
from mcp_memory.server import handlers as server_module
from mcp_memory.server.app import build
from mcp_memory.server.subscriptions import events
from mcp_memory.service import MemoryService
from mcp_memory.tools.base import Answer, ChangedMemory
from mcp_memory.tools.forget import FORGET
from mcp_memory.tools.remember import REMEMBER
from tests.support.mcp_client import ERAS, as_caller, by_name, call, remember
from tests.support.watchdog import WAIT_S

pytestmark = pytest.mark.anyio

TIMEOUT_S = WAIT_S
ANA = Caller(tenant="local", user="ana", project="app")
BOB = Caller(tenant="local", user="bob", project="app")


def unheard(done: int, total: int) -> None:
    """A progress that nobody follows."""


class Watcher:
    """A client that writes down the notices it gets."""

    def __init__(self, era: str) -> None:
        self.era = era
        self.seen: list[str] = []
        self._news = anyio.Event()

    def note(self, what: str) -> None:
        self.seen.append(what)
        self._news.set()

    async def on_message(self, message: Any) -> None:
        if self.era != "legacy":  # the listen stream is followed instead
            return
        if isinstance(message, types.ResourceUpdatedNotification):
            self.note(str(message.params.uri))
        elif isinstance(message, types.ResourceListChangedNotification):
            self.note("list")

    async def until(self, what: str) -> None:
        with anyio.fail_after(TIMEOUT_S):
            while what not in self.seen:
                self._news = anyio.Event()
                await self._news.wait()


async def subscribe(client: Client, uri: str) -> None:
    """The older era's way; the SDK's own method for it warns that it is one."""
    request = types.SubscribeRequest(params=types.SubscribeRequestParams(uri=uri))
    await client.session.send_request(request, types.EmptyResult)


async def watching(
    stack: AsyncExitStack, watcher: Watcher, client: Client, uris: list[str]
) -> None:
    """Subscribe as the client's era does."""
    if watcher.era == "legacy":
        for uri in uris:
            await subscribe(client, uri)
        return
    stream = await stack.enter_async_context(
        client.listen(resource_subscriptions=uris, resources_list_changed=True)
    )
    tasks = await stack.enter_async_context(anyio.create_task_group())
    stack.callback(tasks.cancel_scope.cancel)

    async def follow() -> None:
        async for event in stream:
            watcher.note(getattr(event, "uri", "list"))

    tasks.start_soon(follow)


@pytest.mark.parametrize("era", ERAS)
async def test_a_change_is_told_to_those_who_may_read_it_only(
    application: Application, era: str
) -> None:
    server = build(application, by_name)
    friend, stranger = Watcher(era), Watcher(era)
    async with AsyncExitStack() as stack:
        ana = await stack.enter_async_context(as_caller(server, era, "ana/app/"))
        memory = await remember(ana, "The tide table hangs in the hall", scope="user")
        hers = await stack.enter_async_context(
            as_caller(server, era, "ana/site/", message_handler=friend.on_message)
        )
        his = await stack.enter_async_context(
            as_caller(server, era, "bob/app/", message_handler=stranger.on_message)
        )
        uri = f"memory://memories/{memory}"
        await watching(stack, friend, hers, [uri, "memory://recent"])
        await watching(stack, stranger, his, ["memory://recent", "memory://stats"])

        await call(ana, "update", id=memory, content="The tide table hangs in the kitchen")
        await friend.until(uri)
        await friend.until("memory://recent")
        await remember(ana, "The lamp is lit", scope="user")
        await friend.until("list")

        # What Bob may read is told to Bob, so his silence before was no accident.
        await remember(his, "Bob's own note")
        await stranger.until("memory://stats")
        assert stranger.seen.count("memory://stats") == 1
        assert stranger.seen.count("memory://recent") <= 1
        assert uri not in stranger.seen


@pytest.mark.parametrize("era", ERAS)
async def test_nobody_can_watch_what_they_may_not_read(application: Application, era: str) -> None:
    server = build(application, by_name)
    async with as_caller(server, era, "ana/app/") as ana:
        foreign = await remember(ana, "The tide table hangs in the hall")
    async with AsyncExitStack() as stack:
        bob = await stack.enter_async_context(as_caller(server, era, "bob/app/"))
        said: list[str] = []
        for an_id in (foreign, new_id()):
            with pytest.raises(MCPError) as caught:
                await watching(stack, Watcher(era), bob, [f"memory://memories/{an_id}"])
            said.append(caught.value.error.message.replace(an_id, "ID"))
        assert said[0] == said[1]
        with pytest.raises(MCPError, match="no such resource"):
            await watching(stack, Watcher(era), bob, ["memory://nothing"])


async def test_after_unsubscribing_nothing_more_is_told(application: Application) -> None:
    server = build(application, by_name)
    watcher = Watcher("legacy")
    async with as_caller(
        server, "legacy", "ana/app/", message_handler=watcher.on_message
    ) as client:
        await subscribe(client, "memory://recent")
        await subscribe(client, "memory://stats")
        params = types.UnsubscribeRequestParams(uri="memory://recent")
        request = types.UnsubscribeRequest(params=params)
        await client.session.send_request(request, types.EmptyResult)
        await remember(client, "The lamp is lit")
        await watcher.until("memory://stats")
        assert "memory://recent" not in watcher.seen


@pytest.mark.parametrize("era", ERAS)
async def test_what_is_replaced_from_elsewhere_is_told_where_it_was(
    application: Application, era: str
) -> None:
    server = build(application, by_name)
    elsewhere = Watcher(era)
    async with AsyncExitStack() as stack:
        ana = await stack.enter_async_context(as_caller(server, era, "ana/app/"))
        private = await remember(ana, "The office will be in Porto", scope="user")
        site = await stack.enter_async_context(
            as_caller(server, era, "ana/site/", message_handler=elsewhere.on_message)
        )
        uri = f"memory://memories/{private}"
        await watching(stack, elsewhere, site, [uri])
        draft = {"content": "Desks are in Porto", "scope": "project", "supersedes": [private]}
        await call(ana, "remember", memories=[draft])
        await elsewhere.until(uri)


def remembered(service: MemoryService, *drafts: dict[str, Any]) -> Answer:
    """What the tool answers to drafts as a client gives them."""
    arguments = REMEMBER.arguments.read({"memories": list(drafts)})
    return REMEMBER.call(service, ANA, arguments, unheard)


async def test_a_private_memory_that_the_team_replaces_is_not_told_to_the_team(
    application: Application,
) -> None:
    service = await anyio.to_thread.run_sync(application.service)
    private = remembered(service, {"content": "Porto", "scope": "user"})
    old = private.values["results"][0]["id"]
    draft = {"content": "The office is in Porto", "scope": "tenant", "supersedes": [old]}
    answer = remembered(service, draft)
    scopes = {change.id: change.partition.scope for change in answer.touched}
    assert scopes == {old: Scope.USER, answer.values["results"][0]["id"]: Scope.TENANT}


async def test_every_memory_that_a_wide_forget_takes_is_told_of(application: Application) -> None:
    service = await anyio.to_thread.run_sync(application.service)
    drafts = [{"content": f"Parcel {n} is here", "tags": ["parcels"]} for n in range(30)]
    stored = remembered(service, *drafts).values["results"]
    for more in ({}, {"erase": True}):
        preview = FORGET.call(service, ANA, {"tags": ["parcels"], **more}, unheard)
        assert preview.touched == ()
        confirm = preview.values["confirm"]
        done = FORGET.call(service, ANA, {"tags": ["parcels"], "confirm": confirm, **more}, unheard)
        assert {change.id for change in done.touched} == {result["id"] for result in stored}


async def test_what_changed_is_worked_out_once_for_all_that_is_watched(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_out: list[Caller] = []

    def counted(touched: Any, caller: Caller) -> Any:
        worked_out.append(caller)
        return events(touched, caller)

    server = build(application, by_name)
    watcher = Watcher("legacy")
    async with as_caller(server, "legacy", "ana/app/", message_handler=watcher.on_message) as ana:
        drafts = [{"content": f"Crate {n} is blue", "importance": 0.1} for n in range(40)]
        stored = await call(ana, "remember", memories=drafts)
        for result in stored["results"]:
            await subscribe(ana, f"memory://memories/{result['id']}")
        await subscribe(ana, "memory://stats")
        monkeypatch.setattr(subscriptions, "events", counted)
        await remember(ana, "The lamp is lit")
        await watcher.until("memory://stats")
    assert len(worked_out) == 1


@pytest.mark.parametrize("era", ERAS)
async def test_a_connection_watches_a_bounded_number_of_things(
    application: Application, monkeypatch: pytest.MonkeyPatch, era: str
) -> None:
    for module in (connection, server_module):
        monkeypatch.setattr(module, "WATCHED_MAX", 3)
    server = build(application, by_name)
    async with AsyncExitStack() as stack:
        ana = await stack.enter_async_context(as_caller(server, era, "ana/app/"))
        uris = [f"memory://{name}" for name in ("me", "recent", "stats", "context")]
        with pytest.raises(MCPError, match="at most 3"):
            await watching(stack, Watcher(era), ana, uris)


def touched(scope: Scope, user: str, name: str = "", *, listed: bool = False) -> ChangedMemory:
    partition = Partition(tenant="local", scope=scope, user=user, name=name)
    return ChangedMemory(id="m1", partition=partition, listed=listed)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (touched(Scope.USER, "ana"), (True, False)),
        (touched(Scope.PROJECT, "ana", "app"), (True, False)),
        (touched(Scope.PROJECT, "ana", "site"), (False, False)),
        (touched(Scope.SESSION, "ana", "s1"), (False, False)),
        (touched(Scope.TENANT, ""), (True, True)),
    ],
)
async def test_the_gate_follows_the_partition(
    change: ChangedMemory, told: tuple[bool, bool]
) -> None:
    assert (bool(events([change], ANA)), bool(events([change], BOB))) == told


async def test_one_call_tells_of_each_thing_once() -> None:
    change = touched(Scope.USER, "ana", listed=True)
    found = events([change, change], ANA)
    assert len(found) == len(set(found)) == 7
