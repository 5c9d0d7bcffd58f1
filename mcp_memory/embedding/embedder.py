"""Texts → vectors, with the bundled model or another one that fastembed knows.

A longer text is cut into overlapping windows, so that nothing in it is invisible to the
vector search.

Every window is run by itself. The bundled model is quantised dynamically, over everything
in a batch, so that in company a text gets another vector (cosine 0.95 to 0.99 to its own)
than alone; and on one thread batches are slower: 382 short texts a second one by one, 340
in batches of 32, for long ones 46 and 26, and the memory stays flat.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mcp_memory.config.settings import home_of
from mcp_memory.embedding import loader, model_folder
from mcp_memory.embedding.scheduler import InferenceScheduler
from mcp_memory.errors import McpMemoryError, ModelUnavailable
from mcp_memory.storage.contract import VectorSpace

if TYPE_CHECKING:
    from fastembed import TextEmbedding
    from tokenizers import Encoding, Tokenizer

    from mcp_memory.storage.contract import Vector, Windows

WINDOW_PIECES = 128
"""Word pieces of a window, special ones included; every model takes at least as many.

The bundled model takes 256, but one sentence hardly shows in so much text: of questions
about conversations in pieces of 2,000 characters, windows of 256 had the answer in first
place for 27 %, of 128 for 35 %, of 64 for 32 %, in about the same time.
"""
OVERLAP_PIECES = 32
WINDOWS_MAX = 256
"""Windows of one text; the 32 KiB content limit stays below it."""
QUERY_END_CHARS = 200
"""What counts of each end of a query that is longer than a window."""
RUNS_MAX = 2
"""Runs at the same time; see `InferenceScheduler` for who is next."""
UNKNOWN = "[UNK]"
BYTES_PER_PIECE = 4
"""An estimate for counting while the model is not loaded."""


class Embedder:
    """Makes vectors; loads its model once, in the background. Safe to use from any thread.

    `model` is "" for the bundled one, a name that fastembed knows or a folder, `cache_dir` where
    fetched models are, `threads` how many one run may use. `folder` holds the bundled files.
    """

    def __init__(
        self,
        model: str = "",
        *,
        cache_dir: Path | None = None,
        threads: int = 1,
        folder: Path = loader.BUNDLED_FOLDER,
    ) -> None:
        self._name = model or loader.BUNDLED
        self._cache_dir = cache_dir or home_of() / "models"
        self._threads = threads
        self._folder = folder
        self._failure = ""
        self._space: VectorSpace | None = None
        self._model: TextEmbedding | None = None
        self._tokenizer: Tokenizer | None = None
        self._starting = Lock()
        self._loader: Thread | None = None
        self._settled = Event()
        self._slots = InferenceScheduler(RUNS_MAX)

    @property
    def name(self) -> str:
        """What the model is called; for one in a folder, what that is called."""
        return Path(self._name).name if model_folder.is_folder(self._name) else self._name

    @property
    def space(self) -> VectorSpace:
        """Which model it is. For the bundled one this costs nothing; for others 0.5 s, once.

        Raises SettingsInvalid for a name that fastembed does not know.
        """
        if self._bundled:
            return loader.BUNDLED_SPACE
        if self._space is None:
            self._space = loader.space_of(self._name, self._cache_dir)
        return self._space

    @property
    def failure(self) -> str:
        """Why the model could not be loaded and what to do; "" unless it failed."""
        return self._failure

    def start(self) -> None:
        """Begin to load the model in the background. Cheap; the second call does nothing."""
        with self._starting:
            if self._loader is None:
                self._loader = Thread(target=self._load, name="mcp-memory-model", daemon=True)
                self._loader.start()

    def close(self) -> None:
        """Wait for a load under way: an interpreter must not end inside native code."""
        if self._loader is not None:
            self._loader.join()

    def ready(self, timeout_s: float = 0.0) -> bool:
        """Whether the model is loaded; starts the load and waits for it when given time."""
        if timeout_s > 0:
            self.start()
            self._settled.wait(timeout_s)
        return self._model is not None

    def settled(self) -> bool:
        """Whether the load has ended, one way or the other."""
        return self._settled.is_set()

    def embed(self, texts: Sequence[str]) -> list[Windows]:
        """For each text the unit vectors of its windows, float32, shape (windows, dimensions).

        Waits for the model. Raises ModelUnavailable.
        """
        model, tokenizer = self._loaded()

        def window(text: str) -> Vector:
            with self._slots.text():
                return self._run(model.passage_embed([text]))

        return [np.stack([window(w) for w in _cut(text, tokenizer)]) for text in texts]

    def embed_query(self, text: str) -> Vector:
        """The unit vector of a query, float32, shape (dimensions,).

        Of a query longer than a window, the mean of its two ends: with a pasted page, what
        is asked stands before or after it. Measured on questions with 1,200 to 4,000
        characters pasted, the ends of 200 characters keep about twice what whole windows
        do. Waits for the model. Raises ModelUnavailable.
        """
        model, tokenizer = self._loaded()
        is_short = len(text.encode()) <= WINDOW_PIECES - 2  # a piece has a byte or more
        parts = [text]
        if not is_short and len(_cut(text, tokenizer)) > 1:
            parts = [text[:QUERY_END_CHARS], text[-QUERY_END_CHARS:]]
        with self._slots.query():
            found = [self._run(model.query_embed(part)) for part in parts]
        return found[0] if len(found) == 1 else self._unit(np.sum(found, axis=0))

    def count_tokens(self, text: str) -> int:
        """Word pieces in a text; estimated as bytes / 4 while the model is not loaded.

        A word that the model does not know is one piece to it, but none to who reads the
        text: it counts as one for every three bytes.
        """
        if self._tokenizer is None or not text:
            return -(-len(text.encode()) // BYTES_PER_PIECE)
        first, *rest = _encodings(text, self._tokenizer)
        pieces = _pieces(first) + sum(_pieces(e) - OVERLAP_PIECES for e in rest)
        return pieces + _unknown_bytes(text, [first, *rest]) // 3

    def knows(self, text: str) -> bool:
        """Whether the model can tell a text from others: it reads no word of some scripts."""
        if self._tokenizer is None or text.isascii():
            return True
        encodings = _encodings(text, self._tokenizer)
        return 2 * _unknown_bytes(text, encodings) < len(text.encode())

    @property
    def _bundled(self) -> bool:
        return self._name == loader.BUNDLED

    def _load(self) -> None:
        try:
            if self._bundled:
                model = loader.load_bundled(self._folder, self._threads)
            else:
                model = loader.load_cached(self._name, self._cache_dir, self._threads)
            self._tokenizer = _tokenizer(model)
            self._model = model
        except McpMemoryError as error:
            self._failure = str(error)
        except Exception as error:  # root of a thread: the failure is kept and told with each call
            self._failure = (
                f"the embedding model '{self.name}' could not be loaded "
                f"({loader.first_line(error)}); run: mcp-memory doctor"
            )
        finally:
            self._settled.set()

    def _loaded(self) -> tuple[TextEmbedding, Tokenizer]:
        self.start()
        self._settled.wait()
        if self._model is None or self._tokenizer is None:
            raise ModelUnavailable(self._failure)
        return self._model, self._tokenizer

    def _run(self, run: Any) -> Vector:
        """The one vector of a run that fastembed begins when it is asked for the result."""
        try:
            (vector,) = run
        except Exception as error:  # whatever the runtime raises, memory must work without it
            raise ModelUnavailable(
                f"the embedding model '{self.name}' failed ({loader.first_line(error)}); "
                "run: mcp-memory doctor"
            ) from error
        return self._unit(vector)

    def _unit(self, vector: Any) -> Vector:
        found = np.asarray(vector, dtype=np.float32)
        length = float(np.linalg.norm(found))
        if not np.isfinite(length) or length == 0:
            raise ModelUnavailable(
                f"the embedding model '{self.name}' gave a vector of length {length}; "
                "run: mcp-memory doctor"
            )
        return found / np.float32(length)


def _tokenizer(model: TextEmbedding) -> Tokenizer:
    """The model's own tokenizer, told to cut at a window's length and keep what is cut off."""
    # Every text model has one, though their common base does not say so.
    tokenizer = cast("Any", model.model).tokenizer
    tokenizer.enable_truncation(WINDOW_PIECES, stride=OVERLAP_PIECES)
    return tokenizer


def _cut(text: str, tokenizer: Tokenizer) -> list[str]:
    """The windows of a text, in order; neighbours share OVERLAP_PIECES word pieces."""
    encodings = _encodings(text, tokenizer)
    if len(encodings) == 1:
        return [text]
    return [text[slice(*_span(e))] for e in encodings[:WINDOWS_MAX]]


def _encodings(text: str, tokenizer: Tokenizer) -> list[Encoding]:
    first = tokenizer.encode(text)
    return [first, *first.overflowing]


def _pieces(encoding: Encoding) -> int:
    return encoding.special_tokens_mask.count(0)


def _unknown_bytes(text: str, encodings: list[Encoding]) -> int:
    """Bytes of the words that are one unknown piece each, those in two windows once."""
    spans = {
        span
        for encoding in encodings
        for token, span in zip(encoding.tokens, encoding.offsets, strict=True)
        if token == UNKNOWN
    }
    return sum(len(text[start:end].encode()) for start, end in spans)


def _span(encoding: Encoding) -> tuple[int, int]:
    """Where in the text an encoding's pieces begin and end."""
    own = [
        span
        for span, special in zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
        if not special
    ]
    return own[0][0], own[-1][1]
