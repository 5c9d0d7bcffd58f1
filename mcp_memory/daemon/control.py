"""The commands of the command line, run inside the daemon and sent line by line."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mcp_memory import __version__
from mcp_memory.admin import output
from mcp_memory.admin.commands import OK, REFUSED, run
from mcp_memory.errors import McpMemoryError
from mcp_memory.identity.resolver import local_signals, resolve
from mcp_memory.ipc.client import END, ERROR, OUT

if TYPE_CHECKING:
    from mcp_memory.config.settings import Settings
    from mcp_memory.daemon.state import DaemonState
    from mcp_memory.http.server import WebDoor
    from mcp_memory.ipc.protocol import Hello


def lines(host: DaemonState, settings: Settings, hello: Hello) -> Iterator[str]:
    """The same for a door of the host, each line marked with what it is."""
    name, arguments = hello.value("command"), hello.values("argument.")
    try:
        if name == "status":
            output_lines = output.values(_status(host), None)
        else:
            caller = resolve(local_signals(settings))
            output_lines = run(name, arguments, host.application.service(), caller)
        yield from (OUT + line for line in output_lines)
        yield f"{END}{OK}"
    except McpMemoryError as error:
        yield ERROR + str(error)
        yield f"{END}{REFUSED}"


def _status(host: DaemonState) -> dict[str, str | int]:
    """What a host says of itself."""
    return {
        "process": os.getpid(),
        "version": __version__,
        "home": str(host.settings.home),
        "since": datetime.fromtimestamp(host.since, UTC).astimezone().isoformat(" ", "seconds"),
        "up": f"{time.time() - host.since:.0f} s",
        "clients": host.clients,
        "clients served": host.served,
        **(_web(host.web) if host.web else _idle(host)),
    }


def _idle(host: DaemonState) -> dict[str, str | int]:
    return {"ends after": f"{host.settings.idle_minutes:g} minutes without a client"}


def _web(web: WebDoor) -> dict[str, str | int]:
    return {
        "serves": web.url,
        "needs a token": "yes" if web.needs_token else "no",
        "sessions over HTTP": web.sessions,
    }
