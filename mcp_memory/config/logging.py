"""What is logged and how: never a text of a memory, whatever an error or a library says."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import cast

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
NOISY_LOGGERS = ("anyio", "asyncio", "httpx2", "mcp", "sse_starlette", "starlette", "uvicorn")
"""Libraries that log whole messages when they debug."""

_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class RedactingFormatter(logging.Formatter):
    """Shows where an error was raised and of which class, not what it says.

    The text of an error from a library may quote what it was given. That of an OSError is of
    the system, and helps.
    """

    def formatException(self, ei: _Raised) -> str:
        """See logging.Formatter."""
        return "\n".join(_told(ei[1])) if ei[1] is not None else ""


def _told(error: BaseException) -> Iterator[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _told(before)
        yield "then"
    yield from (line.rstrip() for line in traceback.format_tb(error.__traceback__))
    kind = type(error)
    said = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
    yield f"{kind.__module__}.{kind.__qualname__}{said}"
    if isinstance(error, BaseExceptionGroup):
        for part in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _told(part)


def configure(level: str, handlers: Sequence[logging.Handler]) -> None:
    """Log from here on, at a level such as "warning"."""
    for handler in handlers:
        handler.setFormatter(RedactingFormatter(FORMAT))
    logging.basicConfig(level=level.upper(), handlers=list(handlers))
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLogger().level))
