"""The command line: arguments → what to do. Nothing else in the package prints.

Without a command it is the stdio proxy. The heavy imports stand in the commands that need
them, so that `--version` and `--help` answer at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_memory import __version__
from mcp_memory.errors import McpMemoryError, SettingsInvalid
from mcp_memory.system.environment import HOME, HOME_DEFAULT, HOME_MEANING

if TYPE_CHECKING:
    from mcp_memory.config.settings import Settings

    AddParser = Callable[..., argparse.ArgumentParser]

OK, PROBLEM, REFUSED, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 (doctor found a problem) or 2 (refused)."""
    given = parser().parse_args(argv)
    try:
        return _run(given)
    except McpMemoryError as error:
        from mcp_memory.admin.output import legible

        print(legible(f"mcp-memory: {error}"), file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read has gone; the interpreter must not try to flush to them once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _run(given: argparse.Namespace) -> int:
    if given.command is None and not given.in_process:
        from mcp_memory.proxy import proxy

        return proxy.run(str(given.home or ""))
    if given.command == "doctor":
        return _doctor(given)
    from mcp_memory.config import settings

    if given.command is None and given.home is not None:
        _check_anywhere(str(given.home))
    configured = settings.load(home=given.home)
    for doubt in configured.doubts:
        print(f"mcp-memory: {doubt.text}", file=sys.stderr)
    if given.command is None:
        from mcp_memory.server.transport import stdio

        stdio.run(configured)
        return OK
    _speak_utf8()
    own = {
        "model": _model,
        "daemon": _daemon,
        "serve": _serve,
        "token": _token,
        "project": _project,
        "adopt": _adopt,
    }
    run = own.get(given.command, _look)
    code = run(configured, given)
    sys.stdout.flush()  # a broken pipe is to be met here and not at exit
    return code


def _check_anywhere(home: str) -> None:
    """Raise SettingsInvalid for a folder that depends on where a client starts this."""
    from mcp_memory.system import environment

    try:
        environment.home_dir(home)
    except ValueError as error:
        raise SettingsInvalid(str(error)) from error


def _doctor(given: argparse.Namespace) -> int:
    from mcp_memory.admin import output
    from mcp_memory.cli import doctor
    from mcp_memory.config import settings

    _speak_utf8()
    try:
        found = doctor.examine(settings.load(home=given.home))
    except SettingsInvalid as error:
        found = doctor.unusable(error)
    seen: list[bool] = []

    def noted() -> Iterator[doctor.CheckResult]:
        for finding in found:
            seen.append(finding.ok)
            yield finding

    if given.json:
        import json
        from dataclasses import asdict

        listed = [asdict(finding) for finding in noted()]
        print(json.dumps({"ok": all(seen), "findings": listed}, indent=2))
    else:
        _print(output.findings(noted(), _width()))
        _print(
            [
                f"{seen.count(False)} of {len(seen)} need attention"
                if not all(seen)
                else "all is well"
            ]
        )
    sys.stdout.flush()
    return OK if all(seen) else PROBLEM


def _look(settings: Settings, given: argparse.Namespace) -> int:
    """A command that looks at the store: through the daemon, or without when there is none."""
    from mcp_memory.cli import remote

    width = _width()
    arguments = {k: str(v) for k, v in vars(given).items() if k not in ("home", "command")}
    arguments["width"] = str(width or "")
    _print(remote.lines(settings, given.command, arguments))
    return OK


def _model(settings: Settings, given: argparse.Namespace) -> int:
    from mcp_memory.cli import model as model_commands

    if given.action == "use":
        _print(model_commands.use(settings, given.name))
    else:
        _print(model_commands.listed(settings))
    return OK


def _daemon(settings: Settings, given: argparse.Namespace) -> int:
    from mcp_memory.cli import remote

    if given.action == "run":
        from mcp_memory.daemon.daemon import TAKEN, run

        code = run(settings)
        if code == TAKEN:
            print("mcp-memory: another daemon of this store is running", file=sys.stderr)
        return code
    if given.action == "logs":
        _print(remote.logs(settings, given.lines))
    elif given.action == "stop":
        _print([remote.stop(settings)])
    else:
        _print(remote.status(settings, _width()))
    return OK


def _serve(settings: Settings, given: argparse.Namespace) -> int:
    from mcp_memory.daemon.daemon import run

    return run(settings, http=given.http, ready=lambda told: _print([f"mcp-memory: {told}"]))


def _adopt(settings: Settings, given: argparse.Namespace) -> int:
    from mcp_memory.cli import remote

    arguments = {"user": given.user}
    _print(remote.lines(settings, "adopt", arguments))
    if not given.yes:
        if not sys.stdin.isatty():
            _print(["nothing was changed; to do it run it again with --yes"])
            return PROBLEM
        if input("Do it? [y/N] ").strip().lower() not in ("y", "yes"):
            _print(["nothing was changed"])
            return PROBLEM
    _print(remote.lines(settings, "adopt", {**arguments, "sure": "yes"}))
    return OK


def _project(settings: Settings, given: argparse.Namespace) -> int:
    from mcp_memory.cli import project as project_commands

    if given.action == "split":
        _print([project_commands.split(settings, given.name)])
    else:
        _print(project_commands.tell(settings))
    return OK


def _token(settings: Settings, given: argparse.Namespace) -> int:
    from mcp_memory.admin import output, tokens

    if given.action == "add":
        wanted = tokens.TokenRequest(
            user=given.user,
            tenant=given.tenant or settings.tenant,
            permissions=given.permissions,
            expires=given.expires,
            note=given.note,
        )
        token, told = tokens.add(settings, wanted)
        _print([token])  # alone, so that a script can take it: $(mcp-memory token add …)
        print(f"mcp-memory: {told}", file=sys.stderr)
    elif given.action == "revoke":
        _print([tokens.revoke(settings, given.id)])
    else:
        _print(output.tokens(tokens.listed(settings), _width()))
    return OK


def _print(lines: Iterable[str]) -> None:
    from mcp_memory.admin.output import legible

    for line in lines:
        print(legible(line), flush=True)


def _width() -> int | None:
    """The columns of the terminal, at most a readable line; None when there is none."""
    import shutil

    from mcp_memory.admin.output import WIDTH_MAX

    if not sys.stdout.isatty():
        return None
    return max(40, min(WIDTH_MAX, shutil.get_terminal_size().columns))


def _speak_utf8() -> None:
    """Whatever the locale, no character may stop the output."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")


class _Parser(argparse.ArgumentParser):
    """A parser whose help lists settings too. They are loaded only for it."""

    def __init__(self, *, settings: str | None = None, **options: Any) -> None:
        """`settings` begins the names to list: `http_` for those of the server, "" for the rest."""
        super().__init__(**options)
        self._settings = settings

    def format_help(self) -> str:
        """See argparse.ArgumentParser."""
        help_ = super().format_help()
        return help_ if self._settings is None else f"{help_}\n{self._listed(self._settings)}"

    def _listed(self, prefix: str) -> str:
        from mcp_memory.config.settings import HTTP, SETTINGS

        formatter = self.formatter_class(prog=self.prog)
        formatter.start_section("settings (environment variables, or config.toml in the store)")
        for setting in SETTINGS:
            if setting.name.startswith(HTTP) == (prefix == HTTP):
                meaning = f"{setting.meaning}; default: {setting.default}".replace("%", "%%")
                formatter.add_argument(argparse.Action([setting.variable], "", 0, help=meaning))
        formatter.end_section()
        return formatter.format_help()


def parser() -> argparse.ArgumentParser:
    """Every command and option."""
    home = _home(argparse.SUPPRESS)  # where --home follows the command; one before it stands
    top = _Parser(
        settings="",
        prog="mcp-memory",
        parents=[_home(None)],
        description="One memory that all your agents share. Without a command, serves it over "
        "stdio to the client that started it.",
    )
    top.add_argument(
        "--in-process",
        action="store_true",
        help="serve without a daemon, as one process that owns the store (for containers)",
    )
    top.add_argument("--version", action="version", version=f"mcp-memory {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")

    doctor = commands.add_parser("doctor", parents=[home], help="check installation and store")
    doctor.add_argument("--json", action="store_true", help="as JSON")

    show = commands.add_parser("show", parents=[home], help="the newest memories, or one")
    show.add_argument(
        "id", nargs="?", default="", metavar="ID", help="one memory, with its history"
    )
    show.add_argument("--limit", type=int, default=20, metavar="N", help="how many (1 to 50)")

    search = commands.add_parser("search", parents=[home], help="what an agent would recall")
    search.add_argument("query", metavar="QUERY")
    search.add_argument("--limit", type=int, default=10, metavar="N", help="how many (1 to 50)")
    search.add_argument("--types", default="", metavar="A,B", help="only these types")
    search.add_argument("--explain", action="store_true", help="why each one came back")

    commands.add_parser("stats", parents=[home], help="how much is remembered")
    commands.add_parser("rebuild", parents=[home], help="make the index anew from the record")

    daemon = commands.add_parser("daemon", help="the process that serves all clients")
    actions = daemon.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("status", parents=[home], help="whether it runs, and for whom")
    actions.add_parser("stop", parents=[home], help="end it; the next client starts another")
    logs = actions.add_parser("logs", parents=[home], help="what it logged last")
    logs.add_argument("--lines", type=int, default=50, metavar="N", help="how many at most")
    actions.add_parser("run", parents=[home], help="be the daemon, in the foreground")

    _add_identity(commands.add_parser, home)
    _add_serving(commands.add_parser, home)

    model = commands.add_parser("model", parents=[home], help="which models there are to use")
    choices = model.add_subparsers(dest="action", metavar="ACTION")
    choices.add_parser("list", parents=[home], help="a few known good ones, with their sizes")
    use = choices.add_parser("use", parents=[home], help="fetch a model or a reranker, and use it")
    use.add_argument("name", metavar="NAME|FOLDER", help="as list shows it, or bundled")
    return top


def _add_identity(add_parser: AddParser, home: argparse.ArgumentParser) -> None:
    """What a user and a folder are known as."""
    adopt = add_parser(
        "adopt", parents=[home], help="make yours what another user of this store remembered"
    )
    adopt.add_argument("user", nargs="?", default="", metavar="USER", help="whose (the only one's)")
    adopt.add_argument("--yes", action="store_true", help="do it, without a question")

    project = add_parser(
        "project", parents=[home], help="which project this folder is, and its other names"
    )
    deeds = project.add_subparsers(dest="action", metavar="ACTION")
    parted = deeds.add_parser(
        "split", parents=[home], help="see no longer what is remembered under another name"
    )
    parted.add_argument("name", metavar="NAME", help="as mcp-memory project shows it")


def _add_serving(add_parser: AddParser, home: argparse.ArgumentParser) -> None:
    """What a team's server needs."""
    serve = add_parser("serve", parents=[home], settings="http_", help="serve a team over HTTP")
    serve.add_argument(
        "--http",
        nargs="?",
        const="127.0.0.1:8765",
        required=True,
        metavar="HOST:PORT",
        help="where to listen (127.0.0.1:8765); elsewhere than on loopback tokens are needed",
    )

    token = add_parser("token", help="bearer tokens of those who may use serve --http")
    deeds = token.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = deeds.add_parser("add", parents=[home], help="make a token, and show it once")
    add.add_argument("--user", required=True, metavar="NAME", help="whose memory it opens")
    add.add_argument("--tenant", default="", metavar="NAME", help="the team (else the setting)")
    add.add_argument(
        "--permissions",
        default="read,write",
        metavar="A,B",
        help="read, write, team, erase, admin (read,write)",
    )
    add.add_argument("--expires", default="", metavar="WHEN", help="90d, or a date (never)")
    add.add_argument("--note", default="", metavar="TEXT", help="to know it again by")
    deeds.add_parser("list", parents=[home], help="whose tokens there are, without the tokens")
    revoke = deeds.add_parser("revoke", parents=[home], help="end a token at once")
    revoke.add_argument("id", metavar="ID", help="as list shows it")


def _home(default: str | None) -> _Parser:
    parent = _Parser(add_help=False)
    parent.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        default=default,
        help=f"{HOME_MEANING} (else {HOME}, else {HOME_DEFAULT})",
    )
    return parent
