"""What a model must read before it can use the memory stays small and plain."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tokenizers import Tokenizer

from mcp_memory.embedding.loader import BUNDLED_FOLDER
from mcp_memory.tools import INSTRUCTIONS, TOOLS

SCHEMA_TOKENS_MAX = 2000
DESCRIPTION_BYTES_MAX = 2048
CHARS_PER_TOKEN = 3.5
PLAIN_TYPES = {"string", "number", "integer", "boolean", "array", "object"}
MODEL = BUNDLED_FOLDER


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    loaded = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    loaded.no_truncation()
    loaded.no_padding()
    return loaded


def tokens(tokenizer: Tokenizer, text: str) -> int:
    return max(
        len(tokenizer.encode(text, add_special_tokens=False).ids),
        round(len(text) / CHARS_PER_TOKEN),
    )


def schemas_within(schema: dict[str, Any]) -> list[dict[str, Any]]:
    found = [schema]
    for member in schema.get("properties", {}).values():
        found += schemas_within(member)
    return found + (schemas_within(schema["items"]) if "items" in schema else [])


def test_there_are_exactly_four_verbs() -> None:
    assert [tool.name for tool in TOOLS] == ["remember", "recall", "update", "forget"]


def test_the_input_schemas_fit_their_budget(tokenizer: Tokenizer) -> None:
    text = json.dumps([tool.arguments.schema() for tool in TOOLS])
    assert tokens(tokenizer, text) <= SCHEMA_TOKENS_MAX


def test_descriptions_and_instructions_fit_where_clients_cut() -> None:
    texts = [INSTRUCTIONS, *(tool.description for tool in TOOLS)]
    assert sum(len(text.encode()) for text in texts) <= DESCRIPTION_BYTES_MAX


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_schemas_are_plain(tool: Any) -> None:
    for schema in schemas_within(tool.arguments.schema()):
        assert schema["type"] in PLAIN_TYPES
        allowed = {"type", "description", "properties", "required", "items", "enum", "default"}
        assert set(schema) <= allowed | {"minimum", "maximum"}
    assert tool.arguments.schema()["type"] == "object"


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_description_begins_with_its_verb(tool: Any) -> None:
    assert tool.description.lower().startswith(tool.name)


def test_the_arguments_are_those_of_the_design() -> None:
    names = {tool.name: list(tool.arguments.schema()["properties"]) for tool in TOOLS}
    assert names == {
        "remember": ["memories", "explain"],
        "recall": [
            *("query", "key", "types", "tags", "scopes", "metadata", "since", "until"),
            *("as_of", "limit", "max_tokens", "explain"),
        ],
        "update": [
            *("id", "content", "type", "key", "scope", "importance", "tags", "pinned"),
            *("expires_at", "metadata", "reason", "restore_revision", "explain"),
        ],
        "forget": [
            *("ids", "query", "key", "types", "tags", "before", "erase", "confirm", "explain"),
        ],
    }
    memory = TOOLS[0].arguments.schema()["properties"]["memories"]["items"]["properties"]
    assert list(memory) == [
        *("content", "type", "key", "scope", "importance", "tags", "pinned", "trust"),
        *("expires_at", "expires_in", "valid_from", "source", "metadata", "supersedes"),
    ]


def test_the_instructions_name_the_tools_as_they_are_called() -> None:
    for tool in TOOLS:
        assert re.search(rf"Its tools: [^.]*\b{tool.name}\b", INSTRUCTIONS)


def test_the_instructions_fit_by_themselves_where_clients_cut() -> None:
    assert len(INSTRUCTIONS.encode()) <= DESCRIPTION_BYTES_MAX


DESCRIBED = (
    ("remember", '"memories": [{"content": "'),
    ("remember", "tenant is the whole team"),
    ("remember", "supersedes"),
    ("remember", "a key: a new value replaces the old"),
    ("remember", "update it"),
    ("recall", "last week, 7d"),
    ("update", "As recall shows it, e.g. 1157b576"),
    ("forget", "As recall shows them"),
    ("forget", "confirm token"),
)


@pytest.mark.parametrize(("name", "said"), DESCRIBED)
def test_what_models_get_wrong_is_described(name: str, said: str) -> None:
    tool = next(tool for tool in TOOLS if tool.name == name)
    inner = [s.get("description", "") for s in schemas_within(tool.arguments.schema())]
    assert said in " ".join([tool.description, *inner])


LESSONS = (
    *("RECALL before", "preferences", "decisions", "corrections", "commitments"),
    *("self-contained", "dates and names", "DO NOT", "one-off questions", "secrets", "looked up"),
)


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_instructions_teach_when_to_remember(lesson: str) -> None:
    assert lesson in " ".join(INSTRUCTIONS.split())
