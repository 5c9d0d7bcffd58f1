"""Figures of the whole server in the format of Prometheus: no text, and nobody's name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from mcp_memory import __version__
from mcp_memory.errors import McpMemoryError

if TYPE_CHECKING:
    from mcp_memory.runtime import Application
    from mcp_memory.server.middleware import RequestOutcome

Numbers = Callable[[], Iterable[tuple[str, str, float]]]
"""Figures of the moment: name, what it is, and how much."""

BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_PREFIX = "mcp_memory_"


class Metrics:
    """Counts what the server does, and asks the store how it is when somebody looks."""

    def __init__(self, application: Application, numbers: Numbers) -> None:
        self._registry = CollectorRegistry()
        self._calls = Counter(
            f"{_PREFIX}calls",
            "Requests that were answered",
            ["transport", "call", "outcome"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            f"{_PREFIX}call_seconds",
            "How long answers took, waiting included",
            ["transport", "call"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._responses = Counter(
            f"{_PREFIX}http_responses",
            "Answers over HTTP",
            ["status"],
            registry=self._registry,
        )
        self._registry.register(_OfTheMoment(application, numbers))

    def count(self, seen: RequestOutcome) -> None:
        """Count one answer of the server."""
        self._calls.labels(seen.transport, seen.call, seen.outcome).inc()
        self._seconds.labels(seen.transport, seen.call).observe(seen.seconds)

    def responded(self, status: int) -> None:
        """Count one answer over HTTP."""
        self._responses.labels(str(status)).inc()

    async def response(self) -> Response:
        """All figures, as Prometheus reads them."""
        text = await anyio.to_thread.run_sync(generate_latest, self._registry)
        return Response(text, media_type=CONTENT_TYPE_LATEST)


class _OfTheMoment(Collector):
    """What is asked for when somebody looks. Is called in a thread."""

    def __init__(self, application: Application, numbers: Numbers) -> None:
        self._application = application
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        """Every gauge."""
        build = GaugeMetricFamily(f"{_PREFIX}build", "Always 1", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        for name, what, value in (*self._numbers(), *self._of_store()):
            yield GaugeMetricFamily(f"{_PREFIX}{name}", what, value=value)

    def _of_store(self) -> Iterator[tuple[str, str, float]]:
        try:
            figures = self._application.service().figures()
        except McpMemoryError:
            yield "store_up", "Whether the store answers", 0
            return
        yield "store_up", "Whether the store answers", 1
        yield "memories", "Active memories", figures.memories
        yield "memories_without_vectors", "Revisions that wait for vectors", figures.unembedded
        yield "changes", "Entries of the journal", figures.changes
        behind = figures.changes - figures.changes_read
        yield "index_changes_behind", "Changes that the index has not taken in", max(0, behind)
        home = self._application.settings.home
        yield "record_bytes", "Size of the record on the disk", _size(home / "record")
        yield "index_bytes", "Size of the index on the disk", _size(home / "index")


def _size(folder: Path) -> int:
    total = 0
    for path in folder.glob("*"):
        try:
            total += os.stat(path).st_size
        except OSError:  # it was just replaced
            continue
    return total
