"""From what a caller wrote to a memory that may be stored: every limit is checked here."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar, cast

from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import Caller, Json, Memory, Partition, Scope, Trust, Type
from mcp_memory.domain.requests import Draft, Patch
from mcp_memory.domain.statements import fingerprint
from mcp_memory.domain.text import clean, kept, line_note
from mcp_memory.domain.times import local
from mcp_memory.errors import InvalidInput, ScopeMissing
from mcp_memory.service import policy as limits
from mcp_memory.service.periods.arguments import Edge, past, to_come
from mcp_memory.service.policy import Policy

_Choice = TypeVar("_Choice", bound=StrEnum)

_LINES = ("key", "source", "reason")
_HOW_TO_GET = {
    Scope.PROJECT: "open a project folder in the client, or set MCP_MEMORY_PROJECT in its"
    " configuration; or use scope user",
    Scope.AGENT: "the client did not say its name; use scope user",
    Scope.SESSION: "the client did not say which conversation this is; use scope user or project"
    " with expires_in",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftValidator:
    """Turns the input of one caller into memories, recorded at `now`."""

    caller: Caller
    policy: Policy
    now: datetime

    @property
    def here(self) -> datetime:
        """The time that it is where the caller is."""
        return local(self.now, self.caller.zone)

    def memory(self, draft: Draft, field: str) -> Memory:
        """A first revision of `draft`. Raises InvalidInput naming `field`, ScopeMissing."""
        type_ = choice(f"{field}.type", draft.type, Type) or Type.FACT
        key = line(f"{field}.key", draft.key, limits.KEY_CHARS_MAX)
        content = statement(f"{field}.content", draft.content)
        partition = self.partition(f"{field}.scope", draft.scope, type_)
        return Memory(
            id=new_id(),
            revision=1,
            partition=partition,
            content=content,
            fingerprint=fingerprint(content, key),
            type=type_,
            key=key,
            created_at=self.now,
            recorded_at=self.now,
            valid_from=past(f"{field}.valid_from", draft.valid_from, self.here, Edge.START)
            or self.now,
            importance=self.importance(f"{field}.importance", draft.importance, type_),
            tags=tag_list(f"{field}.tags", draft.tags),
            pinned=draft.pinned,
            trust=choice(f"{field}.trust", draft.trust, Trust) or Trust.STATED,
            source=line(f"{field}.source", draft.source, limits.SOURCE_CHARS_MAX),
            metadata=json_object(f"{field}.metadata", draft.metadata),
            expires_at=self.expiry(field, draft, partition),
        )

    def partition(self, field: str, scope: str, type_: Type) -> Partition:
        """Where a memory goes: the scope asked for, or the type's by policy."""
        asked = choice(field, scope, Scope)
        if asked is None:
            default = self.policy.scopes[type_]
            found = self.caller.partition(default) or self.caller.partition(Scope.USER)
        else:
            found = self.caller.partition(asked)
        if found is None:
            assert asked is not None
            raise ScopeMissing(f"{field}: there is no {asked} here; {_HOW_TO_GET[asked]}")
        return found

    def importance(self, field: str, value: float | None, type_: Type) -> float:
        """The importance asked for, in [0, 1], or the type's by policy."""
        if value is None:
            return self.policy.importance[type_]
        if not math.isfinite(value) or not 0 <= value <= 1:
            raise InvalidInput(field, value, "expected a number from 0 to 1")
        return float(value)

    def expiry(self, field: str, draft: Draft, partition: Partition) -> datetime | None:
        """When the draft expires; session memories expire by policy."""
        if draft.expires_at.strip() and draft.expires_in.strip():
            raise InvalidInput(
                f"{field}.expires_in", draft.expires_in, "give expires_at or expires_in, not both"
            )
        moment = to_come(f"{field}.expires_at", draft.expires_at, self.here)
        moment = moment or to_come(f"{field}.expires_in", draft.expires_in, self.here)
        if moment is None and partition.scope is Scope.SESSION:
            moment = self.now + self.policy.session_expiry
        return moment


def altered(given: Draft | Patch) -> str:
    """What is changed in all that is given but the content, field by field, in words."""
    notes = {name: line_note(getattr(given, name, None) or "") for name in _LINES}
    notes["tags"] = line_note(" ".join(tag.strip() for tag in given.tags or ()))
    notes["metadata"] = kept("\n".join(_texts(given.metadata or {})))[1]
    return "; ".join(f"{name}: {note}" for name, note in notes.items() if note)


def statement(field: str, value: str) -> str:
    """What is stored of a content: all of it, but for what `mcp_memory.domain.text.kept` changes.

    Raises InvalidInput when it says nothing, is too long, or not storable.
    """
    text(field, value, limits.CONTENT_BYTES_MAX, "split it into self-contained statements")
    return kept(value)[0]


def question(field: str, value: str) -> str:
    """The cleaned text of a query; "" for none."""
    advice = "ask for what you want to find, in a sentence or a few words"
    return text(field, value, limits.QUERY_BYTES_MAX, advice) if value.strip() else ""


def text(field: str, value: str, bytes_max: int, advice: str) -> str:
    """The cleaned text. Raises InvalidInput when empty, not storable, or too long: then `advice`
    says what to do.
    """
    _refuse_unstorable(field, value)
    if len(value.encode()) > bytes_max:
        raise InvalidInput(
            field,
            f"{len(value.encode())} bytes, beginning {value[:40]}",
            f"expected at most {bytes_max} bytes; {advice}",
        )
    cleaned = clean(value)
    if not cleaned:
        raise InvalidInput(field, value, "expected a text with something in it")
    return cleaned


def line(field: str, value: str, chars_max: int) -> str:
    """A cleaned short text on one line; may be empty."""
    _refuse_unstorable(field, value)
    cleaned = " ".join(clean(value).split())
    if len(cleaned) > chars_max:
        told = f"{len(cleaned)} characters, beginning {cleaned[:40]}"
        raise InvalidInput(field, told, f"expected at most {chars_max} characters; shorten it")
    return cleaned


def tag_list(field: str, tags: Iterable[str]) -> tuple[str, ...]:
    """Cleaned distinct tags in lower case, in order."""
    cleaned = [
        line(f"{field}[{i}]", tag, limits.TAG_CHARS_MAX).casefold() for i, tag in enumerate(tags)
    ]
    distinct = tuple(dict.fromkeys(tag for tag in cleaned if tag))
    if len(distinct) > limits.TAGS_MAX:
        raise InvalidInput(field, f"{len(distinct)} tags", f"expected at most {limits.TAGS_MAX}")
    return distinct


def choice(field: str, value: str, choices: type[_Choice]) -> _Choice | None:
    """The member named `value`; None for ""."""
    if not value.strip():
        return None
    try:
        return choices(value.strip().lower())
    except ValueError:
        raise InvalidInput(field, value, f"expected one of {', '.join(choices)}") from None


def choices(field: str, values: Iterable[str], allowed: type[_Choice]) -> tuple[_Choice, ...]:
    """The distinct members named by `values`."""
    found = (choice(f"{field}[{i}]", value, allowed) for i, value in enumerate(values))
    return tuple(dict.fromkeys(member for member in found if member is not None))


def json_object(field: str, value: Json) -> Json:
    """A JSON object within the limits, its names and texts cleaned as all others are.

    Of size, of depth, and of its names, nested ones included. Raises InvalidInput.
    """
    found: dict[str, Any] = _cleaned(field, value, limits.METADATA_DEPTH_MAX)
    names = _names(found)
    if names > limits.METADATA_NAMES_MAX:
        raise InvalidInput(field, f"{names} names", f"expected at most {limits.METADATA_NAMES_MAX}")
    size = len(json.dumps(found, ensure_ascii=False).encode())
    if size > limits.METADATA_BYTES_MAX:
        raise InvalidInput(
            field,
            f"{size} bytes",
            f"expected at most {limits.METADATA_BYTES_MAX} bytes; put texts into the content",
        )
    return found


def _cleaned(field: str, value: Any, depth: int) -> Any:
    if depth < 0:
        raise InvalidInput(
            field, "a deeper nesting", f"expected at most {limits.METADATA_DEPTH_MAX} levels"
        )
    if isinstance(value, str):
        _refuse_unstorable(field, value)
        return clean(value)
    if isinstance(value, Mapping):
        return _cleaned_members(field, cast("Mapping[Any, Any]", value), depth)
    if isinstance(value, (list, tuple)):
        items = enumerate(cast("Sequence[Any]", value))
        return [_cleaned(f"{field}[{i}]", member, depth - 1) for i, member in items]
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(field, value, "expected a finite number")
    if value is not None and not isinstance(value, (bool, int, float)):
        raise InvalidInput(field, value, "expected a text, number, list or object, as JSON has")
    return value


def _cleaned_members(field: str, members: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, member in members.items():
        if not isinstance(name, str):
            raise InvalidInput(field, name, "expected a text as name")
        plain = line(f"{field}, a name", name, limits.METADATA_NAME_CHARS_MAX)
        if plain in found:
            raise InvalidInput(f"{field}.{plain}", name, "this name comes twice")
        found[plain] = _cleaned(f"{field}.{plain}", member, depth - 1)
    return found


def _texts(value: Any) -> Iterator[str]:
    """All texts and names in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, member in cast("Mapping[str, Any]", value).items():
            yield name
            yield from _texts(member)
    elif isinstance(value, (list, tuple)):
        for member in cast("Sequence[Any]", value):
            yield from _texts(member)


def _names(value: Any) -> int:
    """How many names there are in a JSON value."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return len(members) + sum(map(_names, members.values()))
    return sum(map(_names, cast("list[Any]", value))) if isinstance(value, list) else 0


def _refuse_unstorable(field: str, value: str) -> None:
    if any("\ud800" <= c <= "\udfff" for c in value):
        raise InvalidInput(
            field, value, "half of a surrogate pair cannot be stored; send valid Unicode"
        )
