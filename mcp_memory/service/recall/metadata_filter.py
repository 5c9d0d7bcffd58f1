"""Why a filter by metadata finds nothing: a value of another type, a path, an unknown name.

Told from what the caller sees, and from nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, cast

from mcp_memory.domain.memory import Json
from mcp_memory.storage.codec import plain
from mcp_memory.storage.filtering import same_json

_SHOWN_CHARS_MAX = 60
_NAMED_MAX = 5


def mismatch(wanted: Json, stored: Iterable[Json]) -> Iterator[str]:
    """What to know of each member of a filter that none of the stored metadata has."""
    seen = [metadata for metadata in stored if metadata]
    for name, value in wanted.items():
        values = [metadata[name] for metadata in seen if name in metadata]
        if any(same_json(one, value) for one in values):
            continue
        said = _other_form(value, values) if values else _other_name(name, seen)
        if said:
            yield f"metadata.{name}: {said}"


def _other_form(value: Any, values: Sequence[Any]) -> str:
    """What is stored that means what was asked for, or holds it; "" for nothing."""
    for one in values:
        if _spelt(one) == _spelt(value):
            return f"got {_shown(value)}, but stored is {_shown(one)}; give it as it is stored"
        if isinstance(one, (list, tuple)) and value in one:
            return f"got {_shown(value)}, but stored is the list {_shown(one)}; give the whole list"
        if _within(value, one):
            return f"an object is compared as a whole; stored is {_shown(one)}"
    return ""


def _other_name(name: str, seen: Sequence[Json]) -> str:
    """What is stored in place of a name that nothing has."""
    for metadata in seen:
        path = name.split(".")
        if len(path) > 1 and _at(metadata, path) is not None:
            return (
                f"a name is no path; {path[0]} is an object that is compared as a whole;"
                f" give {_shown({path[0]: metadata[path[0]]})}"
            )
    names = list(dict.fromkeys(n for metadata in seen for n in metadata))
    close = get_close_matches(name.lower(), names, n=1) or names[:_NAMED_MAX]
    return f"no memory here has this name; there are {', '.join(close)}" if names else ""


def _at(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = cast("Json", value).get(name)
    return value


def _within(part: Any, whole: Any) -> bool:
    """Whether both are objects, and the one has all members of the other."""
    if not (isinstance(part, Mapping) and isinstance(whole, Mapping)):
        return False
    ours, theirs = cast("Json", part), cast("Json", whole)
    return all(name in theirs and same_json(theirs[name], ours[name]) for name in ours)


def _spelt(value: Any) -> str:
    """A value as a person reads it, whatever its type: 5 and "5", true and "True"."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{float(value):g}" if abs(value) < 1e15 else str(value)
    text = value if isinstance(value, str) else json.dumps(plain(value), sort_keys=True)
    try:
        return _spelt(float(text)) if isinstance(value, str) else text.casefold()
    except ValueError:
        return text.strip().casefold()


def _shown(value: Any) -> str:
    text = json.dumps(plain(value), ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARS_MAX else text[:_SHOWN_CHARS_MAX] + "…"
