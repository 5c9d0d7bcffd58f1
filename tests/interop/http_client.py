"""The Python SDK's client at the HTTP server, with a token: `python -m tests.interop.http_client`.

It does what `http.mjs` does with other clients, and prints a line for each step.
"""

from __future__ import annotations

import logging
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import mcp.types as types
from mcp import Client, MCPError

from tests.interop.stdio_client import Notices, found_one, look, told, verbs, watch
from tests.support.daemon import command
from tests.support.http_server import TRANSPORTS, Served, connect, served
from tests.support.mcp_client import call, refusal, remember

SILENCE_S = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """What `mcp-memory token add` gave."""

    all: str
    reading: str

    @classmethod
    def of(cls, home: Path) -> Tokens:
        """New ones for the store in `home`."""
        return cls(all=_token(home, "read,write,erase"), reading=_token(home, "read"))


def _token(home: Path, permissions: str) -> str:
    made = command("token", "add", "--user", "ana", "--permissions", permissions, home=home)
    assert made.returncode == 0, made.stderr
    return made.stdout.splitlines()[0]


async def agree(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    """Whatever is asked."""
    assert isinstance(params, types.ElicitRequestFormParams)
    told("asked", params.message.splitlines()[0])
    (name,) = params.requested_schema["properties"]
    return types.ElicitResult(action="accept", content={name: True})


async def visit(server: Served, tokens: Tokens, proxy: str) -> None:
    """Everything that a client does, beside another one."""
    era, notices = proxy.partition("-")[2], Notices()
    options: dict[str, Any] = {"elicitation_callback": agree}
    if era == "legacy":
        options["message_handler"] = notices.on_message
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(connect(server, proxy, tokens.all, **options))
        other = await stack.enter_async_context(connect(server, proxy, tokens.all))
        told("connected", client.protocol_version)
        await look(client)
        await verbs(client)
        await watch(stack, client, era, notices)
        await remember(other, "The boiler was serviced on 3 May 2026")
        told("notice", await notices.next())
        await erase(client)
    await forbidden(server, tokens, proxy)


async def erase(client: Client) -> None:
    """The client is asked, and agrees."""
    identifier = await remember(client, "The spare key is under the mat")
    erased = await call(client, "forget", ids=[identifier], erase=True)
    assert erased["done"] and erased["erased"]
    assert not (await call(client, "recall", query="spare key"))["memories"]
    told("erase", f"erased {erased['total']}")


async def forbidden(server: Served, tokens: Tokens, proxy: str) -> None:
    """A token that only reads: what it may not is refused, and it goes on reading."""
    async with connect(server, proxy, tokens.reading) as client:
        told("forbidden", await refusal(client, "remember", memories="The reader was here"))
        await found_one(client, "tea")


async def survive_restart(home: Path, tokens: Tokens, proxy: str) -> None:
    """The server ends, and another begins at the same address."""
    async with AsyncExitStack() as stack:
        with served(home) as first:
            client = await stack.enter_async_context(connect(first, proxy, tokens.all))
            await found_one(client, "tea")
        address = first.base.removeprefix("http://")
        with served(home, http=address) as second:
            try:
                with anyio.fail_after(SILENCE_S):
                    await found_one(client, "tea")
                told("restarted", "goes on as if nothing was")
            except (MCPError, TimeoutError) as error:
                told("restarted", repr(error))
                again = await stack.enter_async_context(connect(second, proxy, tokens.all))
                await found_one(again, "tea")
                told("again", "initialized again, and goes on")
            await stack.aclose()


def main() -> None:
    """Visit through each proxy; the first failure ends it."""
    logging.getLogger("mcp.client").setLevel(logging.CRITICAL)  # what matters is said here
    for proxy in TRANSPORTS:
        print(f"python, {proxy}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "store"
            tokens = Tokens.of(home)
            with served(home) as server:
                anyio.run(visit, server, tokens, proxy)
            anyio.run(survive_restart, home, tokens, proxy)


if __name__ == "__main__":
    main()
