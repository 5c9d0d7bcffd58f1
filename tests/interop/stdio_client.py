"""The Python SDK's client at the stdio proxy, in each era: `python -m tests.interop.stdio_client`.

It does what `visit.mjs` does with other clients, and prints a line for each step.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import mcp.types as types
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.support.daemon import PROXY, daemon_home, kill_daemon
from tests.support.mcp_client import ERAS, call, environment, read, refusal, remember

RECENT = "memory://recent"
NOTICE_S = 20.0


class Notices:
    """The resources whose changes were told, as they come."""

    def __init__(self) -> None:
        self._into, self._arrived = anyio.create_memory_object_stream[str](100)

    async def on_message(self, message: Any) -> None:
        """The older era's notices."""
        if isinstance(message, types.ResourceUpdatedNotification):
            await self._into.send(str(message.params.uri))

    async def follow(self, stream: Any) -> None:
        """The newer era's."""
        async for event in stream:
            if uri := getattr(event, "uri", ""):
                await self._into.send(uri)

    def clear(self) -> None:
        """Forget those that came."""
        while self._arrived.statistics().current_buffer_used:
            self._arrived.receive_nowait()

    async def next(self) -> str:
        """The next one. Raises TimeoutError."""
        with anyio.fail_after(NOTICE_S):
            return await self._arrived.receive()


def told(step: str, what: object) -> None:
    """Print a line."""
    print(f"  {step:<12} {what}", flush=True)


@asynccontextmanager
async def connect(home: Path, era: str, **options: Any) -> AsyncGenerator[Client]:
    """A client of its own interface to the store in `home`."""
    env = {**os.environ, **environment(home)}
    proxy = StdioServerParameters(command=sys.executable, args=list(PROXY), env=env)
    async with Client(stdio_client(proxy), mode=era, **options) as client:
        yield client


async def visit(home: Path, era: str) -> None:
    """Everything that a client does, beside another one."""
    notices = Notices()
    async with AsyncExitStack() as stack:
        listening = {"message_handler": notices.on_message} if era == "legacy" else {}
        client = await stack.enter_async_context(connect(home, era, **listening))
        other = await stack.enter_async_context(connect(home, era))
        told("connected", client.protocol_version)
        await look(client)
        await verbs(client)
        await watch(stack, client, era, notices)
        await remember(other, "The boiler was serviced on 3 May 2026")
        told("notice", await notices.next())
        await survive_kill(client, other, notices, home)


async def look(client: Client) -> None:
    """The lists."""
    tools = (await client.list_tools()).tools
    resources = (await client.list_resources()).resources
    templates = (await client.list_resource_templates()).resource_templates
    prompts = (await client.list_prompts()).prompts
    counts = (len(tools), len(resources), len(templates), len(prompts))
    assert counts == (4, 5, 3, 3)
    told("lists", "{} tools, {} resources, {} templates, {} prompts".format(*counts))


async def verbs(client: Client) -> None:
    """Remember, recall, a resource, a prompt, and a call that is refused."""
    told("remember", await remember(client, "Ana takes green tea in the afternoon"))
    (found,) = (await call(client, "recall", query="tea"))["memories"]
    told("recall", found["content"])
    told("memory://me", " ".join((await read(client, "me")).split())[:60])
    prompt = await client.get_prompt("with_memory", {"question": "What does Ana drink?"})
    assert "green tea" in str(prompt.messages)
    told("prompt", f"{len(prompt.messages)} message(s) with the memory in it")
    told("refusal", (await refusal(client, "update", id="none"))[:70])


async def watch(stack: AsyncExitStack, client: Client, era: str, notices: Notices) -> None:
    """Subscribe as the era does."""
    if era == "legacy":
        request = types.SubscribeRequest(params=types.SubscribeRequestParams(uri=RECENT))
        await client.session.send_request(request, types.EmptyResult)
    else:
        listening = client.listen(resource_subscriptions=[RECENT])
        stream = await stack.enter_async_context(listening)
        tasks = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(tasks.cancel_scope.cancel)
        tasks.start_soon(notices.follow, stream)
    told("subscribed", RECENT)


async def survive_kill(client: Client, other: Client, notices: Notices, home: Path) -> None:
    """The daemon is killed while it is asked; the same session goes on with the next one."""
    began = time.monotonic()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(found_one, client, "boiler")
        await anyio.to_thread.run_sync(kill_daemon, home)
    await found_one(client, "tea")
    told("killed", f"answered all the same, after {(time.monotonic() - began) * 1000:.0f} ms")
    notices.clear()
    await remember(other, "The chimney was swept on 4 May 2026")
    told("notice", f"{await notices.next()}, from the next daemon")


async def found_one(client: Client, query: str) -> None:
    """Recall what must be found."""
    assert len((await call(client, "recall", query=query))["memories"]) == 1


def main() -> None:
    """Visit in each era; the first failure ends it."""
    for era in ERAS:
        print(f"python, {era}", flush=True)
        with tempfile.TemporaryDirectory() as folder, daemon_home(Path(folder)) as home:
            anyio.run(visit, home, era)


if __name__ == "__main__":
    main()
