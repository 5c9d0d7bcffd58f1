"""A second look at the best results, by a cross-encoder; off unless a setting names one.

A cross-encoder reads the query together with each text. It orders better than two vectors
and costs far more: some 10 ms a text. It is loaded in the background and never waited for.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from threading import Lock, Thread

from mcp_memory.embedding import loader
from mcp_memory.errors import McpMemoryError

CHARS_MAX = 2000
"""What is read of a text; more than the 512 word pieces that such models take."""

log = logging.getLogger(__name__)


class Reranker:
    """One cross-encoder of fastembed's, by name; "" is none."""

    def __init__(self, name: str, *, cache_dir: Path, threads: int = 1) -> None:
        self._name = name
        self._cache_dir = cache_dir
        self._threads = threads
        self._model: loader.CrossEncoder | None = None
        self._failure = ""
        self._loader: Thread | None = None
        self._starting = Lock()
        self._turn = Lock()

    @property
    def is_on(self) -> bool:
        """Whether one was asked for."""
        return bool(self._name)

    @property
    def failure(self) -> str:
        """Why it cannot be used and what to do; "" unless it failed."""
        return self._failure

    def start(self) -> None:
        """Begin to load it in the background, if one was asked for; once."""
        with self._starting:
            if self.is_on and self._loader is None:
                self._loader = Thread(target=self._load, name="mcp-memory-reranker", daemon=True)
                self._loader.start()

    def close(self) -> None:
        """Wait for a load under way: an interpreter must not end inside native code."""
        if self._loader is not None:
            self._loader.join()

    def scores(self, query: str, texts: Sequence[str]) -> list[float] | None:
        """How well each text answers, in (0, 1): the logistic function of what the model says.

        None while it is not loaded, or when it failed, which `failure` tells.
        """
        self.start()
        if self._model is None:
            return None
        with self._turn:
            try:
                logits = [*self._model.rerank(query, [text[:CHARS_MAX] for text in texts])]
            except Exception as error:  # whatever the runtime raises, recall must work without it
                self._failure = f"the reranker '{self._name}' failed ({loader.first_line(error)})"
                log.exception("the reranker failed")
                return None
        return [1 / (1 + math.exp(-min(50.0, max(-50.0, logit)))) for logit in logits]

    def _load(self) -> None:
        try:
            self._model = loader.load_reranker(self._name, self._cache_dir, self._threads)
        except McpMemoryError as error:
            self._failure = str(error)
        except Exception as error:  # root of a thread: the failure is kept and told with each call
            self._failure = (
                f"the reranker '{self._name}' could not be loaded ({loader.first_line(error)}); "
                f"run: mcp-memory model use {self._name}"
            )
