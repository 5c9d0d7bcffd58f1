"""The MCP server: tools, resources and prompts over one application, in both protocol eras.

Built on the SDK's low-level server: what a client sees is written by hand here, so no
schema is wider than it must be and no error text comes from anywhere else.
"""

from __future__ import annotations

from typing import Any

import mcp.types as types
from mcp.server import CacheHint, NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity

from mcp_memory import __version__
from mcp_memory.runtime import Application
from mcp_memory.server.connection import Connection
from mcp_memory.server.handlers import Handlers
from mcp_memory.server.middleware import Middleware, OnRequestDone, SignalsOf, with_arguments
from mcp_memory.server.roots import forget_roots
from mcp_memory.server.scheduler import RequestScheduler
from mcp_memory.server.subscriptions import Subscriptions
from mcp_memory.tools import INSTRUCTIONS, TOOLS

NAME = "mcp-memory"
_SAME_FOR_ALL = CacheHint(ttl_ms=300_000, scope="public")
_OWN = CacheHint(ttl_ms=0, scope="private")
_CACHE_HINTS: dict[Any, CacheHint] = {
    "server/discover": _SAME_FOR_ALL,
    "tools/list": _SAME_FOR_ALL,
    "prompts/list": _SAME_FOR_ALL,
    "resources/templates/list": _SAME_FOR_ALL,
    "resources/list": _OWN,
    "resources/read": _OWN,
}


def build(
    application: Application,
    signals_of: SignalsOf,
    subscriptions: Subscriptions | None = None,
    *,
    key: bytes = b"",
    scheduler: RequestScheduler | None = None,
    observe: OnRequestDone = lambda seen: None,
) -> Server[Connection]:
    """The server of one application, for any number of connections.

    `transport` says what is known of each request; `subscriptions` are for whoever makes the
    connections himself. `key` (32 bytes) seals what a question hands to the client to give
    back; with the same key another process takes the answer, else this one alone. `scheduler`
    are for whoever wants to know how much is under way, and `observe` is told of each answer.
    """
    subscriptions = subscriptions or Subscriptions()
    handlers = Handlers(application, subscriptions, scheduler or RequestScheduler())
    within = Middleware(signals_of, observe)
    server: Server[Connection] = Server(
        NAME,
        version=__version__,
        title="Memory",
        description="One memory that all of your agents share",
        instructions=INSTRUCTIONS,
        cache_hints=_CACHE_HINTS,
        lifespan=lambda _: subscriptions.connected(Connection()),
        on_list_tools=handlers.list_tools,
        on_call_tool=within.tool(handlers.call_tool),
        on_list_resources=within(handlers.list_resources),
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=within(handlers.read_resource),
        on_subscribe_resource=within(handlers.subscribe),
        on_unsubscribe_resource=within(handlers.unsubscribe),
        on_subscriptions_listen=within(handlers.listen),
        on_list_prompts=handlers.list_prompts,
        on_get_prompt=within(handlers.get_prompt),
        on_completion=within(handlers.complete),
        get_tool_input_schema=_schema,
    )
    server.add_notification_handler(
        "notifications/roots/list_changed", types.NotificationParams, forget_roots
    )
    security = RequestStateSecurity(keys=[key]) if key else RequestStateSecurity.ephemeral()
    server.middleware.append(with_arguments)
    server.middleware.append(RequestStateBoundary(security, default_audience=NAME))
    return server


def initialization(server: Server[Connection]) -> InitializationOptions:
    """What a client of the older era is told at the handshake."""
    return server.create_initialization_options(NotificationOptions(resources_changed=True))


def _schema(name: str) -> dict[str, Any] | None:
    """The schema of a tool's arguments, for which the SDK would list all tools at each call."""
    return next((tool.arguments.schema() for tool in TOOLS if tool.name == name), None)
