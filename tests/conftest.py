"""Fixtures that every room of the tests shares."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_memory.domain.memory import Caller
from tests.support.factories import STORES, Clock, copied_store, open_store
from tests.support.longest import place
from tests.support.watchdog import WAIT_S, Output, watched

if TYPE_CHECKING:
    from mcp_memory.embedding.embedder import Embedder
    from mcp_memory.storage.contract import Store


def pytest_configure() -> None:
    """Before the output of any test is caught."""
    Output.keep()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workers take whole files in this order: a long one that came last would run alone."""
    items.sort(key=lambda item: place(item.nodeid.partition("::")[0]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """No test waits for ever, but those that are known to be long."""
    if item.get_closest_marker("long"):
        return (yield)
    with watched(item.nodeid):
        return (yield)


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an empty store that is closed, to be copied: half the work of a new one."""
    home = tmp_path_factory.mktemp("blank") / "home"
    open_store("embedded", home).close()
    return home


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path, blank: Path) -> Iterator[Store]:
    """An empty store, once of every kind."""
    opened = copied_store(request.param, tmp_path / "home", blank)
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=STORES)
def shared_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """One store, of every kind, for all the tests of a module that only read."""
    opened = open_store(request.param, tmp_path_factory.mktemp("shared") / "home")
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    """A clock that moves only when told to."""
    return Clock()


@pytest.fixture
def alice() -> Caller:
    """Alice in her project `app`, through Claude, in a session."""
    return Caller(
        tenant="acme",
        user="alice",
        project="app",
        agent="claude",
        session="s1",
        client="claude-code",
        project_label="github.com/acme/app",
    )


@pytest.fixture
def alice_elsewhere() -> Caller:
    """Alice in another project, through another agent, without a session."""
    return Caller(tenant="acme", user="alice", project="site", agent="cursor", client="cursor")


@pytest.fixture
def bob() -> Caller:
    """Bob, of the same tenant, in a project that is also called `app`."""
    return Caller(
        tenant="acme", user="bob", project="app", agent="claude", session="s2", client="claude-code"
    )


@pytest.fixture
def stranger() -> Caller:
    """Someone of another tenant whose names are all the same as Alice's."""
    return Caller(
        tenant="umbrella",
        user="alice",
        project="app",
        agent="claude",
        session="s1",
        client="claude-code",
    )


@pytest.fixture(scope="session")
def embedder() -> Iterator[Embedder]:
    """The bundled model, loaded once."""
    from mcp_memory.embedding.embedder import Embedder  # slow to import: only for those who ask

    made = Embedder()
    made.start()
    assert made.ready(WAIT_S), made.failure
    yield made
