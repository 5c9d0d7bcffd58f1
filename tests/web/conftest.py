"""One server with an issuer for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.harness import Issuer, Served, served


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
