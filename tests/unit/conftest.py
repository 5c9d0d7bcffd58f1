"""A service on every kind of store, with the bundled model and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_memory.embedding.embedder import Embedder
from mcp_memory.service import MemoryService
from tests.support.factories import STORES, Clock, copied_store


@pytest.fixture(params=STORES)
def service(
    request: pytest.FixtureRequest, tmp_path: Path, embedder: Embedder, clock: Clock, blank: Path
) -> Iterator[MemoryService]:
    """A service on an empty store, once for every kind of store."""
    made = MemoryService(
        copied_store(request.param, tmp_path / "home", blank), embedder, clock=clock
    )
    yield made
    made.close()
