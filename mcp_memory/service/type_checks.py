"""What a program hands to the service is of the types that it is declared with.

A tool's arguments were read before; the library's come from code, where a list in place of a
text would go on until something deep inside breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, cast

from mcp_memory.domain.requests import Draft, ForgetRequest, Patch, Query
from mcp_memory.errors import InvalidInput

_Test = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(map(_is_text, cast("list[Any]", value)))


_TEXT = (_is_text, "expected a text")
_TEXTS = (_are_texts, 'expected a list of texts, as ["a", "b"]')
_WHOLE = (_is_whole, "expected a whole number")
_OTHERS: Mapping[str, tuple[_Test, str]] = {
    **dict.fromkeys(("tags", "types", "scopes", "ids", "supersedes"), _TEXTS),
    **dict.fromkeys(("limit", "max_tokens", "restore_revision"), _WHOLE),
    **dict.fromkeys(
        ("pinned", "explain", "erase", "confirmed"),
        (lambda value: isinstance(value, bool), "expected True or False"),
    ),
    "importance": (_is_number, "expected a number"),
    "metadata": (lambda value: isinstance(value, Mapping), 'expected a dict, as {"name": "value"}'),
}
"""Of each field that is no text, in whichever request it is."""


def check(request: Any, path: str = "") -> None:
    """Raise InvalidInput unless a Draft, Query, Patch or Selection holds what it should.

    It names the first field of another type. What is as its default is not given.
    """
    if not isinstance(request, (Draft, Patch, Query, ForgetRequest)):
        raise InvalidInput(
            path or "request", request, "expected a Draft, Query, Patch or Selection"
        )
    for field in fields(request):
        value = getattr(request, field.name)
        test, expected = _OTHERS.get(field.name, _TEXT)
        if not test(value) and value is not field.default:
            raise InvalidInput(f"{path}.{field.name}" if path else field.name, value, expected)


def check_text(field: str, value: Any) -> None:
    """The same for one argument that is a text."""
    if not _is_text(value):
        raise InvalidInput(field, value, "expected a text")
