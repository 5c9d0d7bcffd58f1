"""JSON values to send: those that a schema asks for, and those that nobody asks for."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, cast

from hypothesis import strategies as st

Json = st.SearchStrategy[Any]

LENGTHS = (300, 5_000, 40_000, 200_000)
"""Of long texts, in bytes of JSON."""
DEPTHS = (5, 17, 40, 70)

_WORDS = (
    *("tea", "Ana", "release", "Friday", "the", "is", "not", "in", "Lisbon", "build", "42"),
    *("yesterday", "last week", "2026-03-01", "Zürich", "東京", "'quoted'", "a-b_c.d/e"),
)
_DATES = ("2026-01-31", "2026-11-26T10:00:00Z", "2030-05-01T08:00:00+02:00", "2100-01-01", "today")
_DURATIONS = ("30d", "2 hours", "1 week", "90 minutes", "P1D")
_ODD_TIMES = (
    *("2020", "never", "now", "tomorrow", "last Monday", "in March", "99999999999d", "-1d", "1w"),
    *("0000-00-00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "2026-02-30"),
)
_TEXTS = (
    *("", " ", "\x00", "\ud800", "\udfff\ud800", "a\udc00b", "null", "[]", "{}", '{"content":"x"}'),
    *("\u202e\u2066", "\ufeff", "e\u0301\u0301\u0301", "👩‍👩‍👧‍👦", "ﷺ", "İı", "\x1b[31m", "\r\n\t"),
    *("%s%n{0}{id}", "../../etc/passwd", "' OR 1=1 --", '"; DROP TABLE memories', "<b>&amp;</b>"),
    *("NEAR(", "a* OR (", '"', "\\", "*", "^", "title:x", "NaN", "1e999", "-0", "١٢", "²"),
)
_PIECES = ("x", "tea ", "1", " ", "\n", "é", "👩", "last week ", "(", '"', "a.", "2026-", "[", "-")
_NUMBERS = (
    *(0, -1, 1, 2, 51, 20_001, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**400),
    *(0.5, -0.0, 1.5, 5e-324, 1.7e308, float("nan"), float("inf"), float("-inf")),
)

# One draw gives a whole value wherever that is enough, for what hypothesis does for each draw
# takes longer than most calls.
sentences = st.sampled_from(
    [" ".join(Random(number).choices(_WORDS, k=1 + number % 8)) for number in range(400)]
)
dates = st.sampled_from((*_DATES, *_DATES, *_ODD_TIMES))
durations = st.sampled_from((*_DURATIONS, *_DURATIONS, *_ODD_TIMES))
tags = st.sampled_from(("work", "home", "release"))


nothing: Json = st.fixed_dictionaries(dict[str, Json]())
"""An empty object, a new one each time."""


def members_of(value: Any) -> dict[str, Any]:
    """The value if it is an object, else one without members."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def held(*pools: str) -> Json:
    """Something that answers have told of, as a placeholder: it is filled in when it is sent."""
    return st.sampled_from([f"@{pool}{number}@" for pool in pools for number in range(10)])


ids = held("mine", "mine", "mine", "mine", "mine", "mine", "theirs", "traces")

_OF_A_NAME: tuple[tuple[str, Json], ...] = (
    (r"ids?|supersedes", ids),
    (r"confirm", held("tokens")),
    (r"expires_at|valid_from|since|until|before|as_of", dates),
    (r"expires_in", durations),
    (r"tags?", tags),
    (r"key", st.sampled_from(("timezone", "drink", "home/city"))),
    (r"groups", st.sampled_from(("1", "5", "20", "21", "x"))),
    (r"source", st.sampled_from(("chat#1", "chat#2", "mail"))),
)


def fitting(schema: Mapping[str, Any], name: str = "") -> Json:
    """What a JSON Schema asks for; texts that suit the name of the member."""
    kind = schema.get("type")
    if "enum" in schema:
        return st.sampled_from(list(schema["enum"]))
    if kind == "array":
        return st.lists(fitting(schema["items"], name), min_size=1, max_size=3)
    if kind == "object":
        return _object(schema)
    if kind == "integer":
        return st.integers(schema["minimum"], schema["maximum"])
    if kind == "number":
        return st.floats(schema["minimum"], schema["maximum"])
    if kind == "boolean":
        return st.booleans()
    assert kind == "string", schema
    return next((texts for form, texts in _OF_A_NAME if re.fullmatch(form, name)), sentences)


def _object(schema: Mapping[str, Any]) -> Json:
    members = {name: fitting(part, name) for name, part in schema.get("properties", {}).items()}
    if not members:
        return st.dictionaries(sentences, st.one_of(sentences, st.integers()), max_size=3)
    return chosen(members, schema.get("required", ()))


def chosen(members: Mapping[str, Json], required: Sequence[str] = ()) -> Json:
    """An object with the members that it must have, and one to three of the others."""
    must = {name: members[name] for name in required}
    others = [name for name in members if name not in required]
    if not others:
        return st.fixed_dictionaries(must)
    some = st.lists(st.sampled_from(others), unique=True, min_size=1, max_size=3)

    @st.composite
    def drawn(draw: st.DrawFn) -> dict[str, Any]:
        names = [*must, *draw(some)]
        return {name: draw(members[name]) for name in names}

    return drawn()


def _long(piece: str, length: int) -> str:
    return piece * (length // (len(json.dumps(piece)) - 2))


def _nested(depth: int, name: str) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {name: value} if name else [value]
    return value


weird_texts = st.one_of(
    st.sampled_from(_TEXTS),
    st.text(st.characters(), max_size=8),
    st.builds(_long, st.sampled_from(_PIECES), st.sampled_from(LENGTHS)),
)
weird = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(_NUMBERS),
    weird_texts,
    ids,
    st.builds(_nested, st.sampled_from(DEPTHS), st.sampled_from(("", "a"))),
    st.lists(st.one_of(st.none(), st.sampled_from(_NUMBERS), weird_texts), max_size=3),
    st.just([]),
    st.just({}),
    st.integers(1, 2_000).map(lambda count: ["a"] * count),
)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every member of every object and list, as the one it is in and its name."""
    if isinstance(value, dict):
        held_in = cast("dict[Any, Any]", value)
        keys: list[Any] = list(held_in)
    elif isinstance(value, list):
        held_in = cast("list[Any]", value)
        keys = list(range(len(held_in)))
    else:
        return
    for key in keys:
        yield held_in, key
        yield from _places(held_in[key])


def spoiled(draw: st.DrawFn, value: Any) -> Any:
    """The value with something in it changed, left out, or added."""
    value = copy.deepcopy(value)
    places = list(_places(value))
    if not places:
        return draw(weird)
    inside, key = draw(st.sampled_from(places))
    deed = draw(st.sampled_from(("replace", "replace", "replace", "remove", "add", "wrap")))
    if deed == "remove":
        del inside[key]
    elif deed == "add" and isinstance(inside, dict):
        inside[draw(weird_texts)] = draw(weird)
    elif deed == "wrap":
        inside[key] = [inside[key]]
    else:
        inside[key] = draw(weird)
    return value
