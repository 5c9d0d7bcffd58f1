"""Check the client configurations: each parses, names the right command, sets known variables.

python examples/clients/check.py
"""

from __future__ import annotations

import json
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from mcp_memory.config import settings

HERE = Path(__file__).parent
NAME = "mcp-memory"
COMMANDS = ([NAME], ["uvx", "mcp-memory-layer"])
"""What may start the server: the installed script, or uv's runner with the package's name."""
FILES = {
    "claude_desktop_config.json": "mcpServers",
    "claude-code.mcp.json": "mcpServers",
    "vscode.mcp.json": "servers",
    "cursor.mcp.json": "mcpServers",
    "codex.config.toml": "mcp_servers",
}
"""Each file, and the name under which its client keeps its servers."""


def main() -> None:
    """Check every file in this folder, and that none is left out."""
    present = {path.name for path in HERE.iterdir() if path.suffix in (".json", ".toml")}
    assert present == set(FILES), f"files and FILES differ: {present ^ set(FILES)}"
    scripts = {script.name: script.value for script in entry_points(group="console_scripts")}
    assert scripts.get(NAME) == "mcp_memory.__main__:main", f"there is no script {NAME}: {scripts}"
    for name, section in FILES.items():
        entry = _read(HERE / name)[section][NAME]
        command = [entry["command"], *entry.get("args", [])]
        assert command in COMMANDS, f"{name}: {command} does not start the server"
        assert entry.get("type", "stdio") == "stdio", f"{name}: {entry['type']} is not served"
        unknown = set(entry.get("env", {})) - {known.variable for known in settings.SETTINGS}
        assert not unknown, f"{name}: there is no setting {', '.join(sorted(unknown))}"
        print(f"{name}: {' '.join(command)}")


def _read(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)


if __name__ == "__main__":
    main()
