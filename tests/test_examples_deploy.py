"""The deployment examples: they start what there is, name what can be set, and fit each other."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from mcp_memory.cli import main
from mcp_memory.config import settings
from mcp_memory.daemon.daemon import LEAVE_TIMEOUT_S
from mcp_memory.http.admission import BODY_BYTES_MAX
from mcp_memory.http.bind import PORT, BindAddress, Names
from mcp_memory.http.server import DRAIN_S, KEEP_ALIVE_S
from mcp_memory.http.sse import PING_S
from tests.support.http_server import answered, post, served, tool

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "examples" / "deploy"
UNITS = ("mcp-memory.service", "tls.conf")


def text_of(name: str) -> str:
    return (DEPLOY / name).read_text("utf-8")


def unit(name: str) -> list[tuple[str, str]]:
    """The directives of a unit, in order."""
    lines = [line for line in text_of(name).splitlines() if "=" in line and line[0] != "#"]
    return [(key, value) for key, _, value in (line.partition("=") for line in lines)]


def only(directives: list[tuple[str, str]], key: str) -> str:
    (value,) = [value for name, value in directives if name == key and value]
    return value


def environment(text: str) -> dict[str, str]:
    """The settings of a file with a variable a line, whatever its name stands behind."""
    return dict(re.findall(r"(?m)^(?:Environment=|ENV )?\s*(MCP_MEMORY_\w+)=(\S*)", text))


def of_container() -> dict[str, Any]:
    """What a container starts, by the instructions of the Containerfile."""
    text = text_of("Containerfile").replace("\\\n", "")
    found = dict(re.findall(r"(?m)^(ENTRYPOINT|CMD|EXPOSE|HEALTHCHECK|ENV) +(.+)$", text))
    command = json.loads(found["ENTRYPOINT"]) + json.loads(found["CMD"])
    check: list[str] = json.loads(found["HEALTHCHECK"].partition("CMD")[2])
    own = dict(part.split("=", 1) for part in found["ENV"].split())
    own.pop("PATH")
    return {"command": command, "check": check[-1], "exposed": found["EXPOSE"], "environment": own}


def names_of(http: str, environ: dict[str, str]) -> frozenset[str]:
    """By which Host headers a server that is set up so may be called."""
    files = ("MCP_MEMORY_HTTP_TLS_CERT", "MCP_MEMORY_HTTP_TLS_KEY")  # of another machine
    state = "/var/lib"  # what systemd puts for %S
    known = {n: v.replace("%S", state) for n, v in environ.items() if n not in files}
    return Names.of(BindAddress.parse(http), settings.load(known).http).hosts


def served_at(command: list[str]) -> str:
    """Where a command of the command line serves, which must parse."""
    assert Path(command[0]).name == "mcp-memory"
    given = main.parser().parse_args(command[1:])
    assert given.command == "serve"
    return given.http


def test_every_variable_is_a_setting() -> None:
    known = {setting.variable for setting in settings.SETTINGS}
    for file in DEPLOY.iterdir():
        named = set(re.findall(r"\bMCP_MEMORY_\w+", file.read_text("utf-8")))
        assert named <= known, file.name


def test_every_command_of_the_readme_parses() -> None:
    commands = re.findall(r"(?m)^.*?mcp-memory (token add .+)$", text_of("README.md"))
    assert len(commands) == 2
    for line in commands:
        assert main.parser().parse_args(shlex.split(line)).action == "add"


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_starts_the_server_where_its_names_count(name: str) -> None:
    http = served_at(shlex.split(only(unit(name), "ExecStart")))
    environ = environment(text_of("mcp-memory.env")) | environment(text_of(name))
    named = names_of(http, environ)
    assert "memory.example.com" in named
    assert f"127.0.0.1:{PORT}" in named if name == "mcp-memory.service" else "localhost" in named


def test_the_unit_keeps_the_store_where_it_may_write_and_waits_for_the_end() -> None:
    directives, own = unit("mcp-memory.service"), environment(text_of("mcp-memory.service"))
    state = f"%S/{only(directives, 'StateDirectory')}"
    assert own["MCP_MEMORY_HOME"] == state == only(directives, "WorkingDirectory")
    assert own["MCP_MEMORY_HTTP_TOKENS"] == f"{state}/tokens.json"
    assert float(only(directives, "TimeoutStopSec")) > LEAVE_TIMEOUT_S + 2 * DRAIN_S
    assert only(directives, "RestartPreventExitStatus") == str(main.REFUSED)
    assert only(directives, "EnvironmentFile") == "/etc/mcp-memory.env"


def test_the_drop_in_gives_the_files_that_it_loads() -> None:
    directives, own = unit("tls.conf"), environment(text_of("tls.conf"))
    loaded = {f"%d/{value.partition(':')[0]}" for k, value in directives if k == "LoadCredential"}
    assert {own["MCP_MEMORY_HTTP_TLS_CERT"], own["MCP_MEMORY_HTTP_TLS_KEY"]} == loaded
    files = {value.partition(":")[2] for k, value in directives if k == "LoadCredential"}
    assert files == set(re.findall(r"ssl_certificate(?:_key)? (\S+);", text_of("nginx.conf")))


def test_the_container_starts_the_server_and_asks_it_by_a_name_that_counts() -> None:
    container = of_container()
    http = served_at(container["command"])
    assert http == f"0.0.0.0:{PORT}"
    assert container["exposed"] == str(PORT)
    environ = environment(text_of("mcp-memory.env")) | container["environment"]
    named = names_of(http, environ)
    asked = re.search(r"http://(\S+?)/health", container["check"])
    assert asked and asked[1] in named
    compile(container["check"], "HEALTHCHECK", "exec")
    copied = re.findall(r"(?m)^COPY (?!--)(.+) \S+$", text_of("Containerfile"))
    assert all((ROOT / name).exists() for names in copied for name in names.split())


def test_compose_puts_the_proxy_before_the_server() -> None:
    services = yaml.safe_load(text_of("compose.yaml"))["services"]
    host, _, port = services["caddy"]["environment"]["UPSTREAM"].partition(":")
    assert host in services and port == str(PORT)
    build = services["mcp-memory"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Containerfile"
    assert (DEPLOY / services["mcp-memory"]["env_file"]).is_file()
    assert int(services["mcp-memory"]["stop_grace_period"].removesuffix("s")) > 2 * DRAIN_S


def test_the_proxies_lead_to_the_server_and_let_streams_last() -> None:
    nginx, caddy = text_of("nginx.conf"), text_of("Caddyfile")
    assert re.findall(r"server (\S+:\d+);", nginx) == [f"127.0.0.1:{PORT}"]
    assert f"{{$UPSTREAM:127.0.0.1:{PORT}}}" in caddy
    for text in (nginx, caddy):
        (rests,) = re.findall(r"(?m)^\s*keepalive(?:_timeout)? (\d+)s;?$", text)
        assert int(rests) < KEEP_ALIVE_S
        assert "/metrics" in text
    (minutes,) = re.findall(r"proxy_read_timeout (\d+)m;", nginx)
    assert int(minutes) * 60 > PING_S * 2
    (size,) = re.findall(r"client_max_body_size (\d+)m;", nginx)
    assert int(size) << 20 == BODY_BYTES_MAX
    assert "proxy_buffering off;" in nginx and "proxy_set_header Host $host;" in nginx


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(text_of("alerts.yml"))["groups"]
    return group["rules"]


def selectors(expression: str) -> Iterator[tuple[str, list[str]]]:
    """Each figure of an expression, and the labels that it is chosen by."""
    for name, chosen in re.findall(r"\b(mcp_memory_\w+|up\b)(?:\{([^}]*)\})?", expression):
        yield name, re.findall(r"(\w+)=", chosen)


def test_the_alerts_look_at_figures_that_there_are(tmp_path: Path) -> None:
    with served(tmp_path / "store") as server:
        assert "result" in answered(post(server, tool("recall", query="tea")))
        lines = httpx2.get(f"{server.base}/metrics").text.splitlines()
    figures = {line.partition("{")[0].partition(" ")[0]: line for line in lines}
    looked_at = [selector for rule in rules() for selector in selectors(rule["expr"])]
    assert len(looked_at) == len(rules())
    for name, labels in looked_at:
        assert name == "up" or name in figures
        assert name == "up" or all(f'{label}="' in figures[name] for label in labels)


def test_prometheus_asks_the_server_by_a_name_that_counts() -> None:
    config = yaml.safe_load(text_of("prometheus.yml"))
    (job,) = config["scrape_configs"]
    assert f'job="{job["job_name"]}"' in rules()[0]["expr"]
    (target,) = job["static_configs"][0]["targets"]
    http = served_at(shlex.split(only(unit("mcp-memory.service"), "ExecStart")))
    assert target in names_of(http, environment(text_of("mcp-memory.env")))
    assert [(DEPLOY / name).is_file() for name in config["rule_files"]] == [True]
