"""JSON values as models write them: numbers as text, lists and objects as one text, "null"."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, cast

from mcp_memory.errors import InvalidInput
from mcp_memory.system.json_limits import VALUES_MAX, holds_too_much

DEPTH_MAX = 16
LISTED_MAX = 1000
"""Items of a list that is written as one text."""
_NAME_CHARS_MAX = 64
_NOTHING = frozenset({"null", "none", "undefined"})
_BETWEEN = re.compile(r"[,;\n\uff0c\u3001\uff1b]")
_READER = json.JSONDecoder()
_LITERAL = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_QUOTES = ('""', "''", "``", "\u201c\u201d", "\u2018\u2019", "\u00ab\u00bb")


def check(value: Any, path: str = "", depth: int = 0) -> None:
    """Refuse what no store and no JSON can hold, anywhere in a value, by its path.

    Halves of surrogate pairs, numbers that are none, and nesting beyond
    16 levels. Raises InvalidInput.
    """
    if depth > DEPTH_MAX:
        raise InvalidInput(path, "a deeper nesting", f"expected at most {DEPTH_MAX} levels")
    if isinstance(value, str):
        _check_text(value, path or "arguments")
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(path, value, "expected a finite number")
    elif isinstance(value, Mapping):
        for name, member in cast("Mapping[str, Any]", value).items():
            _check_text(name, joined(path, name))
            check(member, joined(path, name), depth + 1)
    elif isinstance(value, list):
        for i, member in enumerate(cast("list[Any]", value)):
            check(member, f"{path}[{i}]", depth + 1)


def parsed(value: Any, path: str, *, numbers: bool = True) -> Any:
    """What a JSON text of an array or object says; anything else as it is.

    Without `numbers` those stay the text that they are, as an id such as 1157e576 must.
    Raises InvalidInput for more than 20,000 values.
    """
    if not isinstance(value, str) or value.strip()[:1] not in ("[", "{"):
        return value
    if holds_too_much(value):
        told = f"{len(value)} characters of JSON, beginning {value[:20]}"
        raise InvalidInput(path, told, f"expected at most {VALUES_MAX} values")
    try:
        return (_READER if numbers else _LITERAL).decode(value)
    except (ValueError, RecursionError):
        return value


def listed(text: str, path: str) -> list[str]:
    """The items of a list that was written as one text, with commas, semicolons or lines.

    Brackets around it and quotes around an item are left out, and so are empty ones.
    Raises InvalidInput for more than 1,000.
    """
    text = text.strip()
    if text[:1] == "[" and text[-1:] == "]" and "[" not in text[1:]:
        text = text[1:-1]
    parts = _BETWEEN.split(text, LISTED_MAX)
    if len(parts) > LISTED_MAX:
        raise InvalidInput(path, text, f"expected a list of at most {LISTED_MAX}")
    return [item for part in parts if (item := _unquoted(part.strip()))]


def is_nothing(text: str) -> bool:
    """Whether a text is the word by which a program says that there is nothing."""
    return text.strip().lower() in _NOTHING


def as_text(value: Any, path: str) -> str:
    """A text, or a number as a person writes it. Raises InvalidInput."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(int(value) if value % 1 == 0 else value)
    raise InvalidInput(path, value, "expected a text")


def as_number(value: Any) -> float | None:
    """The finite number that a value or a text is; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def guess(word: str, known: Sequence[str]) -> str:
    """A word that may have been meant, as the end of a sentence; "" for none."""
    close = get_close_matches(word[:_NAME_CHARS_MAX].lower(), known, n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def joined(path: str, name: str) -> str:
    """The path of a member."""
    plain = "".join(c if c.isprintable() else "�" for c in name[:_NAME_CHARS_MAX])
    return f"{path}.{plain}" if path else plain


def _unquoted(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] + text[-1] in _QUOTES
    return text[1:-1].strip() if is_quoted else text


def _check_text(text: str, path: str) -> None:
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        raise InvalidInput(
            path, text, "half of a surrogate pair cannot be stored; send valid Unicode"
        )
