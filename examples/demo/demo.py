"""Two agents share one memory: a transcript in which every line is checked.

    python examples/demo/demo.py [--keep DIR] [--server uvx mcp-memory-layer]

Starts the real server as a subprocess and talks to it with the official MCP client over
stdio. Exits with 1 and a line that says why as soon as something is not as it says.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

import anyio
from agent import Stage
from conversation import remember_and_ask
from mcp import MCPError
from story import Places, Project, tell
from transcript import NotAsSaid, Transcript

DEADLINE_S = 300.0


def main() -> int:
    """Play the whole story; returns the exit code."""
    given = _parser().parse_args()
    transcript = Transcript(sys.stdout)
    began = time.perf_counter()
    with (
        tempfile.TemporaryDirectory(prefix="mcp-memory-demo-", ignore_cleanup_errors=True) as root,
        (Path(root) / "server.log").open("w+", encoding="utf-8", errors="replace") as server_log,
    ):
        stage = Stage(
            command=tuple(given.server) or (sys.executable, "-m", "mcp_memory"),
            home=Path(given.keep).absolute() if given.keep else Path(root) / "home",
            user="theo",
            transcript=transcript,
            server_log=server_log,
        )
        try:
            anyio.run(_play, stage, Path(root))
        except KeyboardInterrupt:
            return 130
        except Exception as error:  # whatever it was, the transcript ends with one clear line
            transcript.failed(_reason(error))
            server_log.seek(0)
            sys.stderr.write(server_log.read()[-4000:])
            return 1
        finally:
            _stop_daemon(stage)
    transcript.end(time.perf_counter() - began)
    return 0


async def _play(stage: Stage, root: Path) -> None:
    stage.transcript.title(
        "mcp-memory: two agents, one memory",
        "Real clients, MCP over stdio, a fresh store in a temporary folder. Each agent starts a "
        "proxy of its own; the first of them starts the daemon that all share.",
    )
    if stage.home.exists() and any(stage.home.iterdir()):
        raise NotAsSaid(f"the store is fresh; instead there is something in {stage.home}")
    places = Places(
        work=_checkout(root / "catalogue", "git@github.com:ghent-archive/catalogue.git"),
        private=_checkout(root / "letters", "https://github.com/theo/letters.git"),
    )
    with anyio.fail_after(DEADLINE_S):
        await tell(stage, places)
        await remember_and_ask(stage, places.private)


def _stop_daemon(stage: Stage) -> None:
    """End the daemon that the first agent started: its store is about to be removed."""
    command = (*stage.command, "--home", str(stage.home), "daemon", "stop")
    subprocess.run(command, capture_output=True, check=False)


def _checkout(folder: Path, remote: str) -> Project:
    """A git repository with a remote, which is what makes it a project."""
    for command in (("init", "--quiet", "."), ("remote", "add", "origin", remote)):
        folder.mkdir(exist_ok=True)
        subprocess.run(("git", *command), cwd=folder, check=True, capture_output=True)
    owner, _, name = remote.removesuffix(".git").replace(":", "/").rpartition("/")
    return Project(folder=folder, label=f"{owner.rpartition('/')[2]}/{name}")


def _reason(error: BaseException) -> str:
    """The first cause, in one line: task groups wrap what happened inside them."""
    leaf = error
    while isinstance(leaf, BaseExceptionGroup):
        leaf = cast("BaseExceptionGroup[BaseException]", leaf).exceptions[0]
    if isinstance(leaf, NotAsSaid):
        return str(leaf)
    if isinstance(leaf, MCPError):
        return f"the server answers; instead: {leaf}"
    if isinstance(leaf, TimeoutError):
        return f"it takes less than {DEADLINE_S:.0f} s; it did not end"
    return f"the demo runs; instead: {type(leaf).__name__}: {leaf}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Two agents share one memory, as a transcript.")
    parser.add_argument(
        "--keep", default="", metavar="DIR", help="keep the store in this empty folder"
    )
    parser.add_argument(
        "--server",
        nargs=argparse.REMAINDER,
        default=[],
        help="the command of another server, last on the line: --server uvx mcp-memory-layer",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
