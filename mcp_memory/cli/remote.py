"""The command line's way to a store: through the daemon that has it, else by opening it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_memory.admin import output as console
from mcp_memory.errors import McpMemoryError, StoreError
from mcp_memory.ipc import client, protocol
from mcp_memory.ipc.address import Address
from mcp_memory.ipc.liveness import Unanswered
from mcp_memory.storage.contract import CheckResult
from mcp_memory.system import environment, file_lock

if TYPE_CHECKING:
    from mcp_memory.config.settings import Settings

STOP_TIMEOUT_S = 40.0
"""Longer than a daemon takes that still answers everybody and compacts a large record."""
_POLL_S = 0.02
_NONE = "no daemon is running; the next client starts one"


class DaemonSilent(StoreError):
    """The daemon does not answer; it may be suspended."""


def lines(settings: Settings, command: str, arguments: Mapping[str, str]) -> Iterator[str]:
    """The output of a command. Raises McpMemoryError."""
    output = _through_daemon(settings, command, arguments)
    return output if output is not None else _by_ourselves(settings, command, arguments)


def findings(settings: Settings) -> Iterator[CheckResult] | None:
    """What the daemon's own check of the store finds; None when there is no daemon."""
    output = _through_daemon(settings, "check", {})
    return None if output is None else (CheckResult(**json.loads(line)) for line in output)


def status(settings: Settings, width: int | None) -> Iterator[str]:
    """What the daemon says of itself, or that there is none."""
    output = _through_daemon(settings, "status", {})
    if output is None:
        yield _NONE
        return
    yield from console.values(dict(line.split("\t", 1) for line in output), width)


def stop(settings: Settings) -> str:
    """Have the daemon end in order, or end it where it does not answer; what was done."""
    address = _address(settings)
    pid = file_lock.note(address.lock)
    try:
        if not file_lock.is_held(address.lock):
            return _NONE
    except OSError as error:
        raise StoreError(f"the lock of the daemon cannot be looked at ({error})") from error
    is_hung, served = False, None
    _let_go_on(pid)
    try:
        served = client.ask(address, protocol.STOP)
        if served is None:
            _kill(pid, signal.SIGTERM)  # it is not listening yet, or not any more
    except Unanswered:
        is_hung = True
    if not is_hung and _has_ended(address):
        told = f"the daemon (process {pid}) has ended"
        if served:
            return f"{told}, and {served} with it; to serve it again run: mcp-memory serve --http"
        return f"{told}; the next call of a client starts another"
    _kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    if not _has_ended(address):
        raise StoreError(f"the daemon (process {pid}) cannot be ended; end it by hand")
    return f"the daemon (process {pid}) did not answer and was killed; nothing acknowledged is lost"


def _let_go_on(pid: str) -> None:
    """A process that was suspended can end in order too."""
    if sys.platform != "win32":
        _kill(pid, signal.SIGCONT)


def _kill(pid: str, number: int) -> None:
    with suppress(OSError, ValueError):
        os.kill(int(pid), number)


def logs(settings: Settings, most: int) -> list[str]:
    """The last lines of the daemon's log."""
    log = Path(_address(settings).log)
    try:
        return log.read_text("utf-8", "replace").splitlines()[-max(0, most) :] if most else []
    except FileNotFoundError:
        return [f"no daemon has logged anything into {log} yet"]


def _through_daemon(
    settings: Settings, command: str, arguments: Mapping[str, str]
) -> Iterator[str] | None:
    given = [(f"argument.{name}", value) for name, value in arguments.items()]
    pairs = client.identity_pairs(str(settings.working_dir), environment.ours())
    try:
        output = client.run(_address(settings), [("command", command), *pairs, *given])
    except Unanswered as error:
        raise DaemonSilent(str(error)) from error
    except client.Refused as error:
        raise StoreError(str(error)) from error
    return None if output is None else _said(output)


def _said(output: Iterator[tuple[str, str]]) -> Iterator[str]:
    """The lines of a command in the daemon. Raises what it raised there, as McpMemoryError."""
    try:
        for mark, text in output:
            if mark == client.OUT:
                yield text
            elif mark == client.ERROR:
                raise McpMemoryError(text)
            elif mark == client.END:
                return
    except OSError as error:
        raise StoreError(f"the daemon went away ({error}); try again") from error
    raise StoreError("the daemon went away in the middle of the answer; try again")


def _by_ourselves(settings: Settings, command: str, arguments: Mapping[str, str]) -> Iterator[str]:
    """The local user's memory, as seen from the working directory."""
    from mcp_memory.admin import commands
    from mcp_memory.identity.resolver import local_signals, resolve
    from mcp_memory.runtime import open_service

    caller = resolve(local_signals(settings))
    service = open_service(settings)
    try:
        yield from commands.run(command, arguments, service, caller)
    finally:
        service.close()


def _address(settings: Settings) -> Address:
    return Address(str(settings.home))


def _has_ended(address: Address) -> bool:
    until = time.monotonic() + STOP_TIMEOUT_S
    while file_lock.is_held(address.lock):
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_S)
    return True
