"""What a person sees: a transcript as wide as the terminal, coloured where there is one."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from dataclasses import dataclass
from statistics import median
from typing import TextIO

WIDTH_MIN, WIDTH_MAX = 64, 100
_VERB_COLUMN, _TEXT_COLUMN, _TIME_COLUMNS = 4, 14, 11
_SHOWN_MAX = 200
_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class NotAsSaid(Exception):
    """Something is not as the transcript says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call that was made; `typical` is False for batches and while a server starts."""

    verb: str
    milliseconds: float
    typical: bool


class Transcript:
    """Prints what happens, holds it to what was promised, and keeps the times."""

    def __init__(self, out: TextIO) -> None:
        if (reconfigure := getattr(out, "reconfigure", None)) is not None:
            reconfigure(encoding="utf-8", errors="replace")  # a pipe on Windows is not
        terminal = out.isatty()
        self._out = out
        self._colour = terminal and not os.environ.get("NO_COLOR") and _understands_colour()
        columns = shutil.get_terminal_size((80, 24)).columns if terminal else 88
        self._width = max(WIDTH_MIN, min(WIDTH_MAX, columns))
        self._chapters = 0
        self.calls: list[Call] = []
        self.proofs = 0

    def title(self, text: str, note: str) -> None:
        """The name of the whole, and what it is."""
        self._say(self._paint("bold", text))
        self._block(note, indent=0, colour="dim")

    def chapter(self, text: str) -> None:
        """Begin a chapter."""
        self._chapters += 1
        self._say("")
        self._say(self._paint("bold", f"{self._chapters}  {text}"))

    def scene(self, who: str, where: str, note: str) -> None:
        """Someone begins to speak."""
        self._say(f"   {self._paint('cyan', who)} in {where}  {self._paint('dim', note)}")

    def call(self, verb: str, text: str, milliseconds: float, *, typical: bool = True) -> None:
        """One call, what was asked, and how long it took."""
        self.calls.append(Call(verb=verb, milliseconds=milliseconds, typical=typical))
        took = f"{milliseconds:,.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"
        first, *rest = self._wrapped(text, _TEXT_COLUMN, _TIME_COLUMNS)
        head = " " * _VERB_COLUMN + verb.ljust(_TEXT_COLUMN - _VERB_COLUMN)
        gap = " " * max(1, self._width - _TEXT_COLUMN - len(first) - len(took))
        head = head.replace(verb, self._paint("yellow", verb), 1)
        self._say(head + first + gap + self._paint("dim", took))
        for line in rest:
            self._say(" " * _TEXT_COLUMN + line)

    def answer(self, text: str) -> None:
        """What came back."""
        self._block(f"→ {text}", indent=_TEXT_COLUMN, colour="dim")

    def note(self, text: str) -> None:
        """A remark that promises nothing."""
        self._block(text, indent=_VERB_COLUMN, colour="dim")

    def check(self, holds: bool, claim: str, found: object = "") -> None:
        """Hold what happened to a claim, without a word. Raises NotAsSaid unless it holds."""
        if not holds:
            raise NotAsSaid(claim + (f"; instead: {found}"[:_SHOWN_MAX] if found != "" else ""))
        self.proofs += 1

    def prove(self, holds: bool, claim: str, found: object = "") -> None:
        """Say what has just been shown. Raises NotAsSaid unless it holds."""
        self.check(holds, claim, found)
        tick = self._paint("green", "✓")
        first, *rest = self._wrapped(claim, _VERB_COLUMN + 2)
        self._say(" " * _VERB_COLUMN + f"{tick} {first}")
        for line in rest:
            self._say(" " * (_VERB_COLUMN + 2) + line)

    def end(self, seconds: float) -> None:
        """The times, and that all of it held."""
        self._say("")
        for verb in dict.fromkeys(call.verb for call in self.calls):
            times = [call.milliseconds for call in self.calls if call.verb == verb and call.typical]
            if times:
                self.note(f"{verb:<9} {len(times):>3} calls, median {median(times):6.1f} ms")
        self.note(
            "without batches, and without the first call of each session, while the model loads"
        )
        verdict = f"Everything is as it says: {self.proofs} checks held in {seconds:.1f} s."
        self._say(self._paint("green", verdict))

    def failed(self, reason: str) -> None:
        """Why the transcript ends here."""
        self._say("")
        self._say(self._paint("red", f"✗ NOT AS IT SAYS: {reason}"))

    def _block(self, text: str, *, indent: int, colour: str) -> None:
        for line in self._wrapped(text, indent):
            self._say(" " * indent + self._paint(colour, line))

    def _wrapped(self, text: str, indent: int, margin: int = 0) -> list[str]:
        line = text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1].rstrip() + "…"
        return textwrap.wrap(line, self._width - indent - margin) or [""]

    def _paint(self, colour: str, text: str) -> str:
        return f"\033[{_COLOURS[colour]}m{text}\033[0m" if self._colour else text

    def _say(self, line: str) -> None:
        print(line, file=self._out, flush=True)


def _understands_colour() -> bool:
    """Whether escape codes work; a Windows console must first be told that they are coming."""
    if sys.platform == "win32":
        os.system("")
    return os.environ.get("TERM") != "dumb"
