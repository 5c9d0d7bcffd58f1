"""Clients of both eras, in processes of their own and in this one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mcp import Client

from tests.support.daemon import daemon_home
from tests.support.mcp_client import ERAS, connect

if TYPE_CHECKING:
    from mcp_memory.runtime import Application


USERS = count()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop that the server runs on."""
    return "asyncio"


@pytest.fixture(scope="module", params=ERAS)
async def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Client]:
    """A client of a server process, once of each era; one for all tests of a module."""
    home = tmp_path_factory.mktemp("home") / "store"
    async with connect(home, request.param) as connected:
        yield connected


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The store of one daemon for all the tests of a module that use it; see `user`."""
    with daemon_home(tmp_path_factory.mktemp("shared")) as home:
        yield home


@pytest.fixture
def user() -> str:
    """The name of a user that no other test has, who sees nothing of theirs."""
    return f"user{next(USERS)}"


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    """An application on an empty store, for servers in this process."""
    from mcp_memory.config.settings import Settings
    from mcp_memory.runtime import Application

    opened = Application(Settings(home=tmp_path / "store", working_dir=tmp_path))
    yield opened
    opened.close()
