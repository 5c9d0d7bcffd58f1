"""Draw the picture in the README from the transcript of the demo: `make picture`.

The picture shows some chapters of the transcript, without what differs from run to run (times
and scores). A test draws it from a fresh run and compares it with the committed file.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "assets" / "demo.svg"
CHAPTERS = (1, 2, 5)
WIDTH = 88

_TIMES = re.compile(r" +[\d,.]+ ms$|, connected in [\d.]+ s|  \(0\.\d+\)")
_STYLES = (
    (r"^\d+  .*$", "bold"),
    (r"(?<=^   )[a-z-]+(?= in )", "cyan"),
    (r"(?<=^    )(remember|recall|update|forget|read)\b", "yellow"),
    (r"(?<=^    )✓", "green"),
    (r"→", "dim"),
)
# No font is loaded: where a picture may load nothing, its text would change its width.
_FORMAT = """\
<svg class="{unique_id}" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; }}
{styles}
</style>
<defs>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def excerpt(transcript: str) -> str:
    """The chapters that the picture shows, without times and scores."""
    chapters = re.split(r"\n\n(?=\d+  )", transcript)[1:]
    shown = (chapters[number - 1] for number in CHAPTERS)
    lines = "\n\n".join(shown).splitlines()
    return "\n".join(_TIMES.sub("", line).rstrip() for line in lines)


def picture(transcript: str) -> str:
    """The picture as SVG."""
    text = Text(excerpt(transcript))
    for pattern, style in _STYLES:
        for match in re.finditer(pattern, text.plain, re.MULTILINE):
            text.stylize(style, *match.span())
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, legacy_windows=False
    )
    console.print(text, soft_wrap=False)
    svg = console.export_svg(title="make demo", unique_id="demo", code_format=_FORMAT)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def main() -> int:
    """Run the demo and draw it; returns the exit code of the demo."""
    command = [sys.executable, str(ROOT / "examples" / "demo" / "demo.py")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, cwd=ROOT)
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
        return done.returncode
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(picture(done.stdout), "utf-8", newline="\n")
    print(FILE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
