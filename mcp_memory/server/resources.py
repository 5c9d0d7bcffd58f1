"""What a caller may read: its scope, what to inject, single memories, traces, counts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import mcp.types as types

from mcp_memory.domain.ids import ending
from mcp_memory.domain.memory import Caller, Memory
from mcp_memory.domain.text import shown
from mcp_memory.errors import InvalidInput
from mcp_memory.tools.format import NOTICE, lines, memory_values, moment, plain

if TYPE_CHECKING:
    from mcp_memory.service import MemoryService

JSON = "application/json"
TEXT = "text/markdown"
PAGE_SIZE = 50
LISTED_MAX = 200
_SESSION_TOKENS = 2000
_RECALLS_TOKENS = 500
"""What of them the recalls of a session may take."""

Contents = list[types.TextResourceContents | types.BlobResourceContents]
Reader = Callable[["MemoryService", Caller, str], Contents]

_QUOTES = str.maketrans(dict.fromkeys('“”„‟«»"', "'"))

_ID = r"([A-Za-z0-9-]{1,64})"


def _fixed(name: str, title: str, description: str, mime_type: str) -> types.Resource:
    return types.Resource(
        uri=f"memory://{name}",
        name=name,
        title=title,
        description=description,
        mime_type=mime_type,
    )


def _template(path: str, name: str, title: str, description: str) -> types.ResourceTemplate:
    return types.ResourceTemplate(
        uri_template=f"memory://{path}",
        name=name,
        title=title,
        description=description,
        mime_type=JSON,
    )


FIXED = (
    _fixed("me", "Who I am here", "Your scope, what decided it, the policy, counts", JSON),
    _fixed(
        "context",
        "Context to inject",
        "Two blocks: what is stable, for the system message; what is recent, beside a question",
        TEXT,
    ),
    _fixed("session", "This session", "Its raw history and its recalls, newest last", TEXT),
    _fixed("recent", "Recent memories", "What was remembered or changed last", TEXT),
    _fixed("stats", "Counts", "Counts of what you can see, and the state of the model", JSON),
)

TEMPLATES = (
    _template("memories/{id}", "memory", "One memory", "A memory as it stands"),
    _template("memories/{id}/history", "history", "A memory's history", "Every revision, and why"),
    _template("traces/{id}", "trace", "A recall's trace", "What one recall searched, and why"),
)


def read(service: MemoryService, caller: Caller, uri: str) -> Contents:
    """The contents of one resource. Raises NotFound, InvalidInput for an unknown URI."""
    reader, argument = _match(uri)
    return reader(service, caller, argument)


def check(service: MemoryService, caller: Caller, uri: str) -> None:
    """Raise as `read` would, unless the caller may read this resource."""
    reader, argument = _match(uri)
    if argument:
        reader(service, caller, argument)


def first_page() -> tuple[list[types.Resource], str]:
    """The fixed resources, which need no store, and the cursor of the memories."""
    return list(FIXED), "0:"


def page(service: MemoryService, caller: Caller, cursor: str) -> tuple[list[types.Resource], str]:
    """A page of the newest memories and the cursor of the next, "" after the last.

    At most 200 memories are listed; recall finds the others.
    """
    match = re.fullmatch(rf"(\d{{1,4}}):({_ID}?)", cursor)
    if match is None:
        raise InvalidInput("cursor", cursor, "give the cursor of the page before, or none")
    seen = int(match[1])
    memories = service.recent(caller, limit=PAGE_SIZE, after=match[2])
    seen += len(memories)
    more = len(memories) == PAGE_SIZE and seen < LISTED_MAX
    return [_listed(memory) for memory in memories], f"{seen}:{memories[-1].id}" if more else ""


def complete(service: MemoryService, caller: Caller, template: str, prefix: str) -> list[str]:
    """Ids that fit the `{id}` of a template."""
    noun = "trace" if template.startswith("memory://traces/") else "id"
    return service.complete(caller, noun, prefix)


def _listed(memory: Memory) -> types.Resource:
    """A memory as somebody who picks one sees it, and as a model may read it: quoted, as data.

    Its name is ours; what is remembered stands in the title alone, in quotes that it cannot
    close.
    """
    said = f"{memory.key}: {memory.content}" if memory.key else memory.content
    quoted = shown(said.translate(_QUOTES))
    return types.Resource(
        uri=f"memory://memories/{memory.id}",
        name=f"memory {ending(memory.id)}",
        title=f"{memory.type} {ending(memory.id)}, data: “{quoted}”",
        description=f"A memory; {NOTICE}",
        mime_type=JSON,
    )


def _match(uri: str) -> tuple[Reader, str]:
    for pattern, reader in _READERS:
        match = re.fullmatch(f"memory://{pattern}", uri)
        if match is not None:
            return reader, match[1] if match.groups() else ""
    known = (*(r.uri for r in FIXED), *(t.uri_template for t in TEMPLATES))
    raise InvalidInput("uri", uri, f"there is no such resource; there are {', '.join(known)}")


def _json(uri: str, values: Any) -> Contents:
    text = json.dumps(plain(values), ensure_ascii=False, indent=1)
    return [types.TextResourceContents(uri=uri, mime_type=JSON, text=text)]


def _text(uri: str, text: str) -> types.TextResourceContents:
    return types.TextResourceContents(uri=uri, mime_type=TEXT, text=text)


def _fenced(memories: Sequence[Memory], heading: str, caller: Caller) -> str:
    # The service is there already when a resource is read; importing it above would make
    # every start wait for the database and the model.
    from mcp_memory.service.recall.render import fenced

    return fenced(memories, heading, caller.zone) or f"{heading}: nothing yet"


def _me(service: MemoryService, caller: Caller, argument: str) -> Contents:
    return _json("memory://me", service.me(caller))


def _stats(service: MemoryService, caller: Caller, argument: str) -> Contents:
    return _json("memory://stats", service.stats(caller))


def _context(service: MemoryService, caller: Caller, argument: str) -> Contents:
    found = service.context(caller)
    return [
        _text("memory://context#stable", found.stable),
        _text("memory://context#recent", found.recent),
    ]


def _session(service: MemoryService, caller: Caller, argument: str) -> Contents:
    from mcp_memory.service.recall.render import fenced_recalls

    recalls = service.recalls(caller, max_tokens=_RECALLS_TOKENS)
    room = _SESSION_TOKENS - (_RECALLS_TOKENS if recalls else 0)
    history = service.session(caller, max_tokens=room)
    text = _fenced(history, "This session so far, newest last", caller)
    return [_text("memory://session", lines(text, fenced_recalls(recalls, caller.zone)))]


def _recent(service: MemoryService, caller: Caller, argument: str) -> Contents:
    text = _fenced(service.recent(caller), "Remembered or changed last, newest first", caller)
    return [_text("memory://recent", text)]


def _memory(service: MemoryService, caller: Caller, argument: str) -> Contents:
    memory = service.get(caller, argument)
    uri = f"memory://memories/{argument}"
    return _json(uri, {"note": NOTICE, **memory_values(memory)})


def _history(service: MemoryService, caller: Caller, argument: str) -> Contents:
    revisions = [
        {**memory_values(r.memory), "change": {**asdict(r.change), "at": moment(r.change.at)}}
        for r in service.history(caller, argument)
    ]
    uri = f"memory://memories/{argument}/history"
    return _json(uri, {"note": NOTICE, "revisions": revisions})


def _trace(service: MemoryService, caller: Caller, argument: str) -> Contents:
    trace = service.trace(caller, argument)
    values = {
        "id": trace.id,
        "at": moment(trace.at),
        "query": trace.query,
        "searched": [str(partition) for partition in trace.partitions],
        "returned": trace.memory_ids,
        **trace.document,
    }
    return _json(f"memory://traces/{argument}", values)


_READERS: tuple[tuple[str, Reader], ...] = (
    ("me", _me),
    ("context", _context),
    ("session", _session),
    ("recent", _recent),
    ("stats", _stats),
    (f"memories/{_ID}", _memory),
    (f"memories/{_ID}/history", _history),
    (f"traces/{_ID}", _trace),
)
