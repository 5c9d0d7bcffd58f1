"""One server with an issuer for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import raw_http
from tests.support.http_server import Issuer, Served, served


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop that clients run on."""
    return "asyncio"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """Who issues the tokens of `server`."""
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(scope="module")
def server(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that takes the issuer's tokens, with limits that no test meets by chance."""
    home = tmp_path_factory.mktemp("web") / "store"
    limits = {
        "MCP_MEMORY_HTTP_READS_PER_MINUTE": "1000000",
        "MCP_MEMORY_HTTP_WRITES_PER_MINUTE": "1000000",
    }
    with served(home, **issuer.settings(**limits)) as running:
        yield running


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for everybody on this machine."""
    with served(tmp_path_factory.mktemp("open") / "store") as running:
        yield running


@pytest.fixture
def unharmed(open_server: Served) -> Iterator[Served]:
    """The same, which answers after the test as before, and has logged no failure.

    Memories of these tests are about wombats, of which no log may tell.
    """
    yield open_server
    health = raw_http.request(open_server, method="GET", path="/health", headers=[])
    assert raw_http.ask(open_server, health).json() == {"status": "ok"}
    logged = (open_server.home / "daemon" / "log").read_text("utf-8")
    assert " ERROR " not in logged
    assert "wombat" not in logged
