"""What a host is called in this user's ~/.ssh/config → the machine that is meant.

Files are read, and nothing is run: what a `Match` would have to find out does not count.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

FILES_MAX = 32
FILE_BYTES_MAX = 256 * 1024
DEPTH_MAX = 4
_LINE = re.compile(r"\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*)")
_WORD = re.compile(r'"([^"]*)"|(\S+)')


def machine(host: str, folder: Path | None = None) -> tuple[str, int | None]:
    """The name and the port of the machine that ssh would go to; the host itself by default.

    `folder` is that of the configuration, `~/.ssh` unless it is given.
    """
    try:
        where = folder or Path.home() / ".ssh"
    except RuntimeError:  # there is no home folder
        return host, None
    name, port = "", 0
    for keyword, value in _settings(where, host):
        if keyword == "hostname" and not name:
            name = value.replace("%%", "\0").replace("%h", host).replace("\0", "%").lower()
        elif keyword == "port" and not port and value.isascii() and value.isdecimal():
            port = int(value[:6])
    return (host if not name or "%" in name else name), port or None


def _settings(folder: Path, host: str) -> Iterator[tuple[str, str]]:
    """What is configured for a host, first things first: of each the first counts."""
    yield from _read(folder / "config", host, folder, [FILES_MAX], DEPTH_MAX)


def _read(
    file: Path, host: str, folder: Path, left: list[int], depth: int
) -> Iterator[tuple[str, str]]:
    left[0] -= 1
    applies = True
    for keyword, words in _lines(file) if left[0] >= 0 else ():
        if keyword in ("host", "match"):
            applies = _applies(keyword, words, host)
        elif applies and keyword == "include":
            for included in _named(words, folder) if depth else ():
                yield from _read(included, host, folder, left, depth - 1)
        elif applies and words:
            yield keyword, words[0]


def _applies(keyword: str, words: list[str], host: str) -> bool:
    if keyword == "host":
        return _fits(host, words)
    return [word.lower() for word in words] == ["all"]


def _lines(file: Path) -> Iterator[tuple[str, list[str]]]:
    try:
        if not os.path.isfile(file):
            return
        with file.open("rb") as stream:
            text = stream.read(FILE_BYTES_MAX).decode("utf-8", "replace")
    except (OSError, ValueError):
        return
    for line in text.splitlines():
        found = _LINE.match(line)
        if found:
            rest = found[2].split(" #", 1)[0]
            yield found[1].lower(), [quoted or word for quoted, word in _WORD.findall(rest)]


def _fits(host: str, patterns: list[str]) -> bool:
    """Whether a host is one of the patterns, and none of those that begin with '!'."""
    fits = False
    for pattern in patterns:
        is_not, wanted = pattern.startswith("!"), pattern.lstrip("!").lower()
        if fnmatchcase(host, wanted.replace("[", "[[]")):
            if is_not:
                return False
            fits = True
    return fits


def _named(names: list[str], folder: Path) -> Iterator[Path]:
    for name in names:
        path = os.path.join(folder, os.path.expanduser(name))
        yield from (Path(found) for found in sorted(glob.iglob(path))[:FILES_MAX])
