"""A served daemon as a real process, and real clients of it over HTTP and SSE."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from mcp_memory.config import settings
from mcp_memory.config.http import HttpSettings
from mcp_memory.domain.permissions import Permission
from tests.support.mcp_client import ROOT, environment
from tests.support.watchdog import WAIT_S

ALL = " ".join(permission.value for permission in Permission)
"""Every scope, as a token names them."""
ISSUER = "https://issuer.example"
KEY_ID = "k1"
TIMEOUT_S = WAIT_S
ANYWHERE = "127.0.0.1:0"
_READY = "mcp-memory: serving "

TRANSPORTS = ("http-legacy", "http-auto", "sse-legacy")
"""How the SDK's client is told to come in, and to speak which era."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """A running server: where it is, and its process."""

    url: str
    home: Path
    process: subprocess.Popen[str]

    @property
    def sse_url(self) -> str:
        """Where event streams are opened."""
        return self.url.removesuffix("/mcp") + "/sse"

    @property
    def base(self) -> str:
        """The address without a path."""
        return self.url.removesuffix("/mcp")

    def rest(self) -> str:
        """What it still had to say, once it has ended."""
        return self.process.communicate(timeout=TIMEOUT_S)[0]


@contextmanager
def served(home: Path, *arguments: str, http: str = ANYWHERE, **env: str) -> Generator[Served]:
    """`mcp-memory serve --http`, from its first word until it is told to end."""
    command = ["-m", "mcp_memory", "serve", "--http", http, *arguments]
    with running(command, home, **env) as server:
        yield server


@contextmanager
def running(
    command: Sequence[str], home: Path, *, python: str = sys.executable, **env: str
) -> Generator[Served]:
    """What Python makes of a command that serves and says where, until it is told to end."""
    variables = {**environment(home, **env), "PATH": os.environ.get("PATH", "")}
    variables.pop("MCP_MEMORY_PROJECT")
    with subprocess.Popen(
        [python, *command],
        env=variables,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        said = before = ""
        try:
            while not said.startswith(_READY):
                before += said
                said = process.stdout.readline()
                assert said, before
            url = said.removeprefix(_READY).split(" ", 1)[0]
            yield Served(url=url, home=home, process=process)
        finally:
            process.terminate()
            try:
                process.wait(TIMEOUT_S)
            finally:
                process.kill()


def bearer(token: str) -> dict[str, str]:
    """The header of a token; none for ""."""
    return {"Authorization": f"Bearer {token}"} if token else {}


@asynccontextmanager
async def connect(
    server: Served,
    transport: str,
    token: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> AsyncGenerator[Client]:
    """A client through one of the TRANSPORTS."""
    transport, era = transport.split("-")
    sent = {**bearer(token), **(headers or {})}
    if transport == "sse":
        async with Client(sse_client(server.sse_url, headers=sent), mode=era, **options) as client:
            yield client
        return
    timeout = httpx2.Timeout(TIMEOUT_S)
    async with httpx2.AsyncClient(headers=sent, timeout=timeout) as http:
        streams = streamable_http_client(server.url, http_client=http)
        async with Client(streams, mode=era, **options) as client:
            yield client


class Issuer:
    """An authorization server as far as we need one: it signs tokens, and publishes its keys."""

    def __init__(self, folder: Path, *, name: str = ISSUER) -> None:
        self.name = name
        self.file = folder / "jwks.json"
        self._keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.rotate(KEY_ID)

    def rotate(self, key_id: str) -> None:
        """Sign with a new key from here on; the keys of before are not published any more."""
        self._keys = {key_id: ec.generate_private_key(ec.SECP256R1())}
        public = json.loads(ECAlgorithm.to_jwk(self._keys[key_id].public_key()))
        document = {"keys": [{**public, "kid": key_id, "alg": "ES256", "use": "sig"}]}
        made = self.file.with_suffix(".new")
        made.write_text(json.dumps(document), "utf-8")
        os.replace(made, self.file)

    @property
    def signing_key(self) -> ec.EllipticCurvePrivateKey:
        """The key that tokens are signed with now."""
        (key,) = self._keys.values()
        return key

    def settings(self, **changes: str) -> dict[str, str]:
        """The environment of a server that takes these tokens."""
        return {
            "MCP_MEMORY_HTTP_JWT_ISSUER": self.name,
            "MCP_MEMORY_HTTP_JWT_KEYS": str(self.file),
            "MCP_MEMORY_HTTP_JWT_AUDIENCE": "https://memory.example/mcp",
            **changes,
        }

    def token(self, tenant: str, user: str, /, scope: Any = ALL, **claims: Any) -> str:
        """A token for an hour. A claim of None is left out."""
        now = int(time.time())
        values = {
            "iss": self.name,
            "aud": "https://memory.example/mcp",
            "sub": user,
            "tenant": tenant,
            "scope": scope,
            "iat": now,
            "exp": now + 3600,
            **claims,
        }
        (key_id, key), *_ = self._keys.items()
        present = {name: value for name, value in values.items() if value is not None}
        return jwt.encode(present, key, algorithm="ES256", headers={"kid": key_id})


def message(method: str, params: Mapping[str, Any] | None = None, id_: Any = 1) -> dict[str, Any]:
    """A request of the older era."""
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": dict(params or {})}


def tool(name: str, **arguments: Any) -> dict[str, Any]:
    """A call of a tool in the older era."""
    return message("tools/call", {"name": name, "arguments": arguments})


def post(server: Served, body: Any, token: str = "", **headers: str) -> httpx2.Response:
    """One POST to /mcp by hand. `headers` have underscores for dashes."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        **bearer(token),
        **given,
    }
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx2.post(server.url, content=content, headers=sent, timeout=TIMEOUT_S)


def answered(response: httpx2.Response) -> dict[str, Any]:
    """The JSON-RPC message of an answer, whether it came plain or as an event."""
    text = response.text
    if response.headers["content-type"].startswith("text/event-stream"):
        (text,) = [
            line.removeprefix("data:").strip()
            for line in text.splitlines()
            if line.startswith("data:")
        ]
    return cast("dict[str, Any]", json.loads(text))


def http_settings(values: Mapping[str, str]) -> HttpSettings:
    """The settings of a process with these values, each by its name without `http_`."""
    environ = {f"MCP_MEMORY_HTTP_{name.upper()}": value for name, value in values.items()}
    return settings.load(environ, home=Path("/no/such/store")).http
