"""What a client's model is handed, in tokens of o200k, as the real server answers.

python -m tests.interop.tokens COMMAND...   COMMAND counts: texts as JSON on stdin, counts out

`make tokens` runs it. It also counts the samples of `tests/unit/data/tokens.json` anew.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from mcp_memory.tools import INSTRUCTIONS
from tests.support.mcp_client import connect, explained, text_of

SAMPLES = Path(__file__).parents[1] / "unit" / "data" / "tokens.json"
LISTED_MAX, OVERHEAD_MAX, INSTRUCTIONS_BYTES_MAX = 1500, 40, 2048
MEMORIES = [
    "Ana Silva prefers meetings before noon, Lisbon time",
    "The staging database listens on port 5433 of daemon db-2",
    "Releases go out on Tuesdays after the smoke tests are green",
    "Theo Marsh owns the billing service; ask him before changing invoices",
    "The API keys of the sandbox rotate on the first of each month",
    "Use pnpm, not npm, in the web repository",
    "Backups are kept for thirty days in the bucket eu-archive",
    "The customer Orion Freight asked for CSV exports on 3 March 2026",
    "Errors are logged as JSON, one line each, with the request id",
    "The mobile app supports iOS 17 and later",
    "Ana decided on 12 May 2026 to drop Redis, because DuckDB is fast enough",
    "Pull requests need one review and a green build",
    "The on-call rota changes on Mondays at 09:00 UTC",
    "Feature flags live in flags.toml and are read at start",
    "The German translations are made by Jana Vogel",
    "Integration tests need Docker; unit tests do not",
    "The search index is rebuilt every night at 02:30",
    "Invoices are numbered by year and month, as 2026-05-0042",
    "The website's accent colour is #0a7cff",
    "Session tokens end after twelve hours",
]


def count(command: Sequence[str], texts: Sequence[str]) -> list[int]:
    """The tokens of each text."""
    done = subprocess.run(
        command, input=json.dumps(texts), stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)


def renew_samples(command: Sequence[str]) -> None:
    """Count the samples of the unit tests anew."""
    samples: list[dict[str, Any]] = json.loads(SAMPLES.read_text("utf-8"))
    for sample, tokens in zip(samples, count(command, [s["text"] for s in samples]), strict=True):
        sample["tokens"] = tokens
    text = json.dumps(samples, ensure_ascii=False, indent=1)
    SAMPLES.write_text(f"{text}\n", "utf-8", newline="\n")


async def both(client: Client, verb: str, **arguments: Any) -> tuple[str, str]:
    """The text of an answer, and its typed form as JSON."""
    plain = text_of(await client.call_tool(verb, arguments))
    result = await client.call_tool(verb, explained(verb, arguments))
    values = json.dumps(result.structured_content, ensure_ascii=False, separators=(",", ":"))
    return plain, values


async def answers() -> dict[str, str]:
    """Texts of a real server, by what they are."""
    found: dict[str, str] = {"instructions": INSTRUCTIONS}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        async with connect(Path(folder) / "store", "legacy") as client:
            tools = [
                tool.model_dump(mode="json", by_alias=True, exclude_none=True)
                for tool in (await client.list_tools()).tools
            ]
            found["tools as listed"] = json.dumps(tools, separators=(",", ":"))
            for tool in tools:
                found[f"  {tool['name']}"] = json.dumps(tool, separators=(",", ":"))
            await client.call_tool("remember", {"memories": MEMORIES})
            for number in (1, 8, 20):
                plain, values = await both(client, "recall", limit=number)
                found[f"recall of {number}"] = plain
                found[f"recall of {number}, explained"] = values
            for name, verb, arguments in (
                ("remember", "remember", {"memories": "The lamp is blue"}),
                ("recall of nothing", "recall", {"query": "zebra crossing in Ulan Bator"}),
                ("forget, preview", "forget", {"query": "lamp", "erase": True}),
            ):
                found[name], found[f"{name}, explained"] = await both(client, verb, **arguments)
            memory = found["remember"].split()[1]
            changed = {"id": memory, "content": "The lamp is green"}
            found["update"], found["update, explained"] = await both(client, "update", **changed)
            found["forget"], found["forget, explained"] = await both(client, "forget", ids=[memory])
    return found


def main(command: Sequence[str]) -> int:
    """Print the counts; 1 where one is over its budget."""
    renew_samples(command)
    found = anyio.run(answers)
    counts = dict(zip(found, count(command, list(found.values())), strict=True))
    contents = sum(count(command, MEMORIES[-8:]))
    overhead = (counts["recall of 8"] - contents) / 8
    for name, tokens in counts.items():
        print(f"{tokens:6,}  {name}")
    print(f"{overhead:6.1f}  around each of 8 memories")
    is_over = {
        "tools as listed": counts["tools as listed"] > LISTED_MAX,
        "around each memory": overhead > OVERHEAD_MAX,
        "instructions": len(INSTRUCTIONS.encode()) > INSTRUCTIONS_BYTES_MAX,
    }
    over = [name for name, is_so in is_over.items() if is_so]
    print(f"over budget: {', '.join(over)}" if over else "all within budget")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
