"""Write the pages of docs/reference, and the list of layers, from the code: `make reference`.

A page is a function that returns its Markdown. A test compares the committed files with it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from mcp_memory import errors
from mcp_memory.cli import main as cli
from mcp_memory.config.settings import HTTP, SETTINGS, Setting
from mcp_memory.domain.requests import BATCH_MAX
from mcp_memory.server.prompts import PROMPTS
from mcp_memory.server.resources import FIXED, TEMPLATES
from mcp_memory.service import policy
from mcp_memory.tools import INSTRUCTIONS, TOOLS, Tool
from tests.architecture import EMBEDDED, LAYERS, SERVICE, Order

DOCS = Path(__file__).parents[2] / "docs"
NOTICE = "<!-- Generated from the code by `make reference`. Do not edit. -->"
MEANINGS = {
    "memories": "Up to 100 memories; one object or one text is taken for a list of one",
    "content": "The statement: self-contained, up to 32 KiB",
    "key": "Name of a slot with one value; the spelling does not matter",
    "type": "What kind of statement it is",
    "types": "Only these types",
    "scope": "How far the memory reaches",
    "scopes": "Only these scopes; all that the caller has, if not given",
    "importance": "Weight of the memory; the default depends on the type",
    "tags": "Tags to filter by",
    "pinned": "Whether it counts as most important and never ages",
    "metadata": "Your own fields, to filter by",
    "until": "The end of the time in which it was recorded or last changed",
    "limit": "Memories at most",
    "max_tokens": "Tokens of the answer at most",
    "restore_revision": "The revision to bring back",
    "erase": "Remove for good instead of hiding",
    "QUERY": "what to look for, in plain words",
}
"""What the schemas leave out, because each word of theirs costs every conversation tokens."""

_TOP = 2
"""The depth of the heading of the whole command."""

Schema = Mapping[str, Any]


def pages() -> dict[Path, str]:
    """Every generated file with its text."""
    folder = DOCS / "reference"
    return {
        folder / "tools-and-resources.md": tools_and_resources(),
        folder / "settings.md": settings(),
        folder / "command-line.md": command_line(),
        DOCS / "architecture.md": with_layers((DOCS / "architecture.md").read_text("utf-8")),
    }


def tools_and_resources() -> str:
    """The page of everything that a client sees over MCP."""
    return _page(
        "Tools, resources and prompts",
        "What a client sees over MCP. [Concepts](../concepts.md) explains the words;"
        " [How recall chooses](../recall.md) explains the order of results.",
        *(line for tool in TOOLS for line in _tool(tool)),
        "## Limits",
        *_table(("of", "at most"), _limits()),
        "## Resources",
        "A client can list, complete and subscribe to resources. A change notice reaches only"
        " callers who may read the memory.",
        *_table(
            ("resource", "content", "format"),
            [
                *((f"`{r.uri}`", r.description or "", r.mime_type or "") for r in FIXED),
                *(
                    (f"`{t.uri_template}`", t.description or "", "application/json")
                    for t in TEMPLATES
                ),
            ],
        ),
        "## Prompts",
        *_table(
            ("prompt", "does", "arguments"),
            [
                (f"`{p.name}`", p.description, _prompt_arguments(p.listed().arguments))
                for p in PROMPTS
            ],
        ),
        "## Errors",
        "A tool answers with the text of the error, which says what happened, with which value,"
        " and what to do next. The Python library raises these classes.",
        *_table(("error", "is a", "raised when"), _errors()),
        "## Instructions",
        "The server sends these instructions to each client:",
        "```text\n" + INSTRUCTIONS.strip() + "\n```",
    )


def settings() -> str:
    """The page of settings."""
    own = [s for s in SETTINGS if not s.name.startswith(HTTP)]
    served = [s for s in SETTINGS if s.name.startswith(HTTP)]
    return _page(
        "Settings",
        "Nothing has to be set. A setting is an environment variable of the client, or a line of"
        " `config.toml` in the folder of the store; the variable wins."
        " `mcp-memory doctor` reports unknown names and values that cannot be used.",
        "## All",
        *_table(("variable", "in `config.toml`", "meaning", "default"), map(_setting, own)),
        "## For `serve --http`",
        "A value with several items is a list in `config.toml`, and separated by commas in a"
        " variable.",
        *_table(("variable", "in `config.toml`", "meaning", "default"), map(_setting, served)),
    )


def command_line() -> str:
    """The page of commands."""
    return _page(
        "Command line",
        "`mcp-memory-layer` is the same command. Exit codes: 0 success, 1 a problem was found or"
        " nothing was changed, 2 refused, 130 interrupted, 141 broken pipe.",
        "Every command takes `--home` too.",
        *_command(cli.parser(), _TOP),
    )


def with_layers(page: str) -> str:
    """The page of the architecture with the order of the layers between its marks."""
    begin, end = "<!-- layers: begin -->", "<!-- layers: end -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    parts = (("mcp_memory", LAYERS), ("service", SERVICE), ("storage/embedded", EMBEDDED))
    listed = "\n\n".join(f"{name}\n{_layers(order)}" for name, order in parts)
    return f"{before}{begin}\n```text\n{listed}\n```\n{end}{after}"


def _layers(order: Order) -> str:
    return "\n".join("    " + ", ".join(sorted(step)) for step in order)


def _page(title: str, *blocks: str) -> str:
    return "\n\n".join((f"# {title}", NOTICE, *blocks)) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    lines = [head, ["---"] * len(head), *rows]
    yield "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ") or "-"


def _tool(tool: Tool) -> Iterator[str]:
    yield f"## `{tool.name}`"
    yield tool.description
    schema = tool.arguments.schema()
    yield from _arguments(schema)
    for name, member in _members(schema).items():
        inner = member.get("items", {})
        if inner.get("type") == "object":
            yield f"Each item of `{name}`:"
            yield from _arguments(inner)


def _members(schema: Schema) -> dict[str, Schema]:
    return cast("dict[str, Schema]", schema["properties"])


def _arguments(schema: Schema) -> Iterator[str]:
    required: Sequence[str] = schema.get("required", ())
    yield from _table(
        ("argument", "value", "meaning"),
        [
            (
                f"`{name}`" + (" (required)" if name in required else ""),
                _kind(member) + _default(member),
                member.get("description") or MEANINGS.get(name, ""),
            )
            for name, member in _members(schema).items()
        ],
    )


def _kind(schema: Schema) -> str:
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if schema.get("type") == "array":
        inner = schema["items"]
        return "list of " + (_kind(inner) if "enum" in inner else f"{inner['type']}s")
    low, high = schema.get("minimum"), schema.get("maximum")
    bounds = f", {low} to {high}" if low is not None else ""
    return f"{schema['type']}{bounds}"


def _default(schema: Schema) -> str:
    default = schema.get("default")
    if default is None:
        return ""
    return f"; default `{str(default).lower() if isinstance(default, bool) else default}`"


def _limits() -> list[tuple[str, str]]:
    return [
        ("content of one memory", f"{policy.CONTENT_BYTES_MAX // 1024} KiB"),
        ("memories in one call", f"{BATCH_MAX}, with {policy.BATCH_BYTES_MAX // 1024} KiB in all"),
        ("`key`", f"{policy.KEY_CHARS_MAX} characters"),
        ("`tags`", f"{policy.TAGS_MAX} of {policy.TAG_CHARS_MAX} characters"),
        (
            "`metadata`",
            f"{policy.METADATA_BYTES_MAX // 1024} KiB of JSON, {policy.METADATA_DEPTH_MAX} deep,"
            f" {policy.METADATA_NAMES_MAX} names of {policy.METADATA_NAME_CHARS_MAX} characters",
        ),
        ("`source`", f"{policy.SOURCE_CHARS_MAX} characters"),
        ("`reason`", f"{policy.REASON_CHARS_MAX} characters"),
        ("`query`", f"{policy.QUERY_BYTES_MAX // 1024} KiB"),
        ("`ids` of one `forget`", str(policy.IDS_MAX)),
    ]


def _prompt_arguments(arguments: Sequence[Any] | None) -> str:
    return "; ".join(
        f"`{a.name}`{' (required)' if a.required else ''}: {a.description}" for a in arguments or ()
    )


def _errors() -> Iterator[tuple[str, str, str]]:
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.McpMemoryError):
            first = (value.__doc__ or "").partition("\n")[0]
            yield f"`{name}`", f"`{value.__base__.__name__ if value.__base__ else ''}`", first


def _setting(setting: Setting) -> tuple[str, str, str, str]:
    in_file = f"`{setting.name}`" if setting.in_file else ""
    return f"`{setting.variable}`", in_file, setting.meaning, setting.default


def _command(parser: argparse.ArgumentParser, depth: int, help_: str = "") -> Iterator[str]:
    """One command and all below it."""
    yield f"{'#' * depth} `{parser.prog}`"
    about = parser.description or help_
    if about:
        yield about[0].upper() + about[1:] + ("" if about.endswith(".") else ".")
    actions = [
        action
        for action in _actions(parser)
        if not isinstance(action, _SUBPARSERS)
        and (depth == _TOP or "--home" not in action.option_strings)
    ]
    if actions:
        yield from _table(("argument", "meaning"), [_argument(a) for a in actions])
    for group in (a for a in _actions(parser) if isinstance(a, _SUBPARSERS)):
        helps = {choice.dest: choice.help or "" for choice in _choices(group)}
        for name, below in cast("Mapping[str, argparse.ArgumentParser]", group.choices).items():
            yield from _command(below, min(depth + 1, 4), helps[name])


_SUBPARSERS = cast("type[argparse.Action]", getattr(argparse, "_SubParsersAction"))  # noqa: B009  # argparse has no public name for it


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    found: list[argparse.Action] = getattr(parser, "_actions")  # noqa: B009  # not public either
    return [action for action in found if "--help" not in action.option_strings]


def _choices(group: argparse.Action) -> list[argparse.Action]:
    return cast("list[argparse.Action]", getattr(group, "_choices_actions"))  # noqa: B009  # nor is this


def _argument(action: argparse.Action) -> tuple[str, str]:
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    takes = f" {metavar}" if action.nargs != 0 else ""
    named = ", ".join(action.option_strings) + takes if action.option_strings else metavar
    needed = " (required)" if action.required and action.option_strings else ""
    given = isinstance(action.default, int | str) and action.default not in ("", False)
    default = (
        f"; default `{action.default}`" if given and action.default != argparse.SUPPRESS else ""
    )
    meaning = action.help or MEANINGS.get(metavar, "")
    return f"`{named}`{needed}", meaning + default


def main() -> None:
    """Write every page."""
    for file, text in pages().items():
        file.write_text(text, "utf-8", newline="\n")
        print(file.relative_to(DOCS.parent))


if __name__ == "__main__":
    main()
