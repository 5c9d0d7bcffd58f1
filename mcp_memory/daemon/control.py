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
    from mcp_memory.http.server import HttpServer
    from mcp_memory.ipc.protocol import Hello


def lines(daemon: DaemonState, settings: Settings, hello: Hello) -> Iterator[str]:
    """The same for a proxy of the daemon, each line marked with what it is."""
    name, arguments = hello.value("command"), hello.values("argument.")
    try:
        if name == "status":
            output_lines = output.values(_status(daemon), None)
        else:
            caller = resolve(local_signals(settings))
            output_lines = run(name, arguments, daemon.application.service(), caller)
        yield from (OUT + line for line in output_lines)
        yield f"{END}{OK}"
    except McpMemoryError as error:
        yield ERROR + str(error)
        yield f"{END}{REFUSED}"


def _status(daemon: DaemonState) -> dict[str, str | int]:
    """What a daemon says of itself."""
    return {
        "process": os.getpid(),
        "version": __version__,
        "home": str(daemon.settings.home),
        "since": datetime.fromtimestamp(daemon.since, UTC).astimezone().isoformat(" ", "seconds"),
        "up": f"{time.time() - daemon.since:.0f} s",
        "clients": daemon.clients,
        "clients served": daemon.served,
        **(_web(daemon.web) if daemon.web else _idle(daemon)),
    }


def _idle(daemon: DaemonState) -> dict[str, str | int]:
    return {"ends after": f"{daemon.settings.idle_minutes:g} minutes without a client"}


def _web(web: HttpServer) -> dict[str, str | int]:
    return {
        "serves": web.url,
        "needs a token": "yes" if web.needs_token else "no",
        "sessions over HTTP": web.sessions,
    }
