"""How long calls take, beside embedding the same text alone."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """The median and the 95th percentile of some durations, in milliseconds."""

    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairs:
    """Durations in seconds of embedding alone and of the whole call, text by text."""

    alone_s: list[float] = field(default_factory=list[float])
    whole_s: list[float] = field(default_factory=list[float])

    @property
    def alone(self) -> Spread:
        """Of embedding alone."""
        return spread(self.alone_s)

    @property
    def whole(self) -> Spread:
        """Of the whole call."""
        return spread(self.whole_s)


def timed(call: Callable[[], object]) -> float:
    """How long one call takes, in seconds."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def interleaved(
    texts: Sequence[str], alone: Callable[[str], object], whole: Callable[[str], object]
) -> Pairs:
    """Both calls for each text, in turn, so that both see the same machine at the same time.

    Every second text takes them in the other order, so that neither profits from what the
    other leaves in the processor's caches.
    """
    pairs = Pairs()
    for text, alone_first in _turns(texts):
        if alone_first:
            pairs.alone_s.append(timed(lambda text=text: alone(text)))
        pairs.whole_s.append(timed(lambda text=text: whole(text)))
        if not alone_first:
            pairs.alone_s.append(timed(lambda text=text: alone(text)))
    return pairs


async def interleaved_async(
    texts: Sequence[str], alone: Callable[[str], object], whole: Callable[[str], Awaitable[object]]
) -> Pairs:
    """The same with a call that is awaited."""
    pairs = Pairs()
    for text, alone_first in _turns(texts):
        if alone_first:
            pairs.alone_s.append(timed(lambda text=text: alone(text)))
        began = time.perf_counter()
        await whole(text)
        pairs.whole_s.append(time.perf_counter() - began)
        if not alone_first:
            pairs.alone_s.append(timed(lambda text=text: alone(text)))
    return pairs


def _turns(texts: Sequence[str]) -> Iterator[tuple[str, bool]]:
    return ((text, i % 2 == 0) for i, text in enumerate(texts))


def spread(durations_s: Sequence[float]) -> Spread:
    """Median and 95th percentile of durations in seconds."""
    p50, p95 = np.percentile(durations_s, (50, 95))
    return Spread(p50_ms=float(p50) * 1000, p95_ms=float(p95) * 1000)
