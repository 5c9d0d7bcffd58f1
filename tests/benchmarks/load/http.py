"""HTTP/1.1 by hand over a kept connection, so that what a client costs itself is little."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_LIMIT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The head of an answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]


class Http:
    """One connection to a server at a time, made anew where the server has closed it."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._at = urlsplit(url)
        self._head = _lines({"Host": self._at.netloc, **headers})
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str) -> Answer:
        """Ask for a stream of events, which `events` gives."""
        return await self._sent(f"GET {path} HTTP/1.1\r\n{self._head}\r\n".encode())

    async def post(
        self, path: str, message: Mapping[str, Any], headers: Mapping[str, str]
    ) -> tuple[Answer, bytes]:
        """Post a message; the answer with its body, which is the data of the last event if it
        came as a stream of them.
        """
        body = json.dumps(message).encode()
        sent = {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}
        head = f"POST {path} HTTP/1.1\r\n{self._head}{_lines(sent)}\r\n"
        answer = await self._sent(head.encode() + body)
        if answer.headers.get("transfer-encoding") == "chunked":
            found = [data async for data in self.events()]
            return answer, found[-1] if found else b""
        size = int(answer.headers.get("content-length", "0"))
        return answer, await self._reader.readexactly(size)

    async def events(self) -> AsyncIterator[bytes]:
        """The data of each event of the answer in hand, one line each, to its end."""
        rest = b""
        while size := int(await self._reader.readline(), 16):
            *lines, rest = (rest + await self._reader.readexactly(size)).split(b"\n")
            await self._reader.readline()
            for line in lines:
                if line.startswith(b"data:"):
                    yield line[5:].strip()
        await self._reader.readline()

    def close(self) -> None:
        """Leave."""
        if self._streams is not None:
            self._streams[1].close()

    @property
    def _reader(self) -> asyncio.StreamReader:
        assert self._streams is not None, "nothing was asked yet"
        return self._streams[0]

    async def _sent(self, data: bytes) -> Answer:
        if self._streams is None or self._reader.at_eof():
            self.close()
            self._streams = await asyncio.open_connection(
                self._at.hostname, self._at.port, limit=_LIMIT_BYTES
            )
        self._streams[1].write(data)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        return Answer(status=int(first.split(" ", 2)[1]), headers=headers)


def _lines(headers: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())
