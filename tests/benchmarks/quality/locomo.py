"""The LoCoMo data (Maharana et al., ACL 2024, CC BY-NC 4.0).

Read from a file that the project does not ship: its licence does not allow that.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open", 4: "single-hop", 5: "adversarial"}
HEADLINE = (1, 2, 3, 4)
"""The categories whose mean is the figure that others publish."""
_SESSION = re.compile(r"session_(\d+)")
_EVIDENCE = re.compile(r"D:?(\d+):(\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One turn, as the memory that it becomes. `thread` is the conversation and session, in
    which positions count from 1.
    """

    id: str
    content: str
    said_at: datetime
    thread: str
    position: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question and the ids of the turns that answer it."""

    text: str
    category: int
    evidence: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """Two people's conversation over many sessions, and what is asked about it."""

    id: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]


def load(path: Path) -> list[Conversation]:
    """All conversations of the file; questions without evidence are left out."""
    return [_conversation(item) for item in json.loads(path.read_text("utf-8"))]


def _conversation(item: dict[str, Any]) -> Conversation:
    questions = (
        Question(text=qa["question"], category=qa["category"], evidence=evidence(qa["evidence"]))
        for qa in item["qa"]
    )
    return Conversation(
        id=item["sample_id"],
        turns=tuple(_turns(item["sample_id"], item["conversation"])),
        questions=tuple(question for question in questions if question.evidence),
    )


def evidence(given: list[str]) -> tuple[str, ...]:
    """Distinct turn ids, typing errors mended: "D8:6; D9:17", "D:11:26", "D30:05"."""
    found = (f"D{int(s)}:{int(t)}" for text in given for s, t in _EVIDENCE.findall(text))
    return tuple(dict.fromkeys(found))


def _turns(sample: str, conversation: dict[str, Any]) -> list[Turn]:
    numbers = [int(match[1]) for name in conversation if (match := _SESSION.fullmatch(name))]
    return [
        Turn(
            id=turn["dia_id"],
            content=_content(turn),
            said_at=_time(conversation[f"session_{number}_date_time"]),
            thread=f"{sample}/session_{number}",
            position=position,
        )
        for number in sorted(numbers)
        for position, turn in enumerate(conversation[f"session_{number}"], 1)
    ]


def _content(turn: dict[str, Any]) -> str:
    caption = turn.get("blip_caption")
    return f"{turn['speaker']}: {turn['text']}" + (f" [shares {caption}]" if caption else "")


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
