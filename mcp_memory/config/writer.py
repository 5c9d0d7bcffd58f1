"""Writing one setting into config.toml, leaving the rest of the file as it is."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from tempfile import NamedTemporaryFile

from mcp_memory.errors import SettingsInvalid


def write(file: Path, name: str, value: str) -> None:
    """Set `name` to a text, or take it out for "". Made whole or not at all.

    Raises SettingsInvalid where the file cannot be read or written, or is of a shape in which
    the setting cannot be changed without changing another.
    """
    try:
        before = file.read_text("utf-8") if file.exists() else ""
        known = tomllib.loads(before)
        after = _changed(before, name, value)
        wanted = {
            **{n: v for n, v in known.items() if n != name},
            **({name: value} if value else {}),
        }
        if tomllib.loads(after) != wanted:
            raise ValueError("it is not plain enough to be changed by a program")
        _replace(file, after)
    except (OSError, ValueError) as error:  # ValueError: not TOML, or not UTF-8
        line = f"{name} = {json.dumps(value)}" if value else f"no {name}"
        raise SettingsInvalid(
            f"{file}: cannot be changed ({error}); nothing was. Mend it, or have it say: {line}"
        ) from error


def _changed(text: str, name: str, value: str) -> str:
    """The text with the setting's line changed, or added before the first table."""
    new = f"{name} = {json.dumps(value, ensure_ascii=False)}\n" if value else ""
    head, table, rest = text, "", ""
    if found := re.search(r"^\s*\[", text, re.MULTILINE):
        head, table, rest = text[: found.start()], found.group(), text[found.end() :]
    line = re.compile(rf"^[ \t]*{re.escape(name)}[ \t]*=.*\n?", re.MULTILINE)
    if line.search(head):
        head = line.sub(lambda _: new, head, count=1)
    else:
        head = f"{head}{'' if not head or head.endswith(chr(10)) else chr(10)}{new}"
    return head + table + rest


def _replace(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
    with NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, delete=False) as made:
        try:
            made.write(text)
            made.flush()
            os.fsync(made.fileno())
            os.chmod(made.name, mode)
            os.replace(made.name, file)
        except BaseException:
            Path(made.name).unlink(missing_ok=True)
            raise
