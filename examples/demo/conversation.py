"""A long conversation between two friends: remembered turn by turn, then asked about."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

from agent import Agent, Json, Stage
from story import Project

HERE = Path(__file__).parent
BATCH_TURNS = 58
EVIDENCE_WITHIN = 5
UNANSWERABLE = "How do I configure the ingress controller of a Kubernetes cluster?"


async def remember_and_ask(stage: Stage, project: Project) -> None:
    """The last chapter."""
    turns = load_turns()
    sessions = turns[-1]["session"]
    transcript = stage.transcript
    transcript.chapter(f"A real conversation: {len(turns)} turns in {sessions} sessions")
    async with stage.enter("claude-code", project.folder, project.label) as agent:
        await _load(agent, turns)
        ranks = [await _ask(agent, question) for question in load_questions()]
        first = sum(rank == 1 for rank in ranks)
        transcript.prove(
            max(ranks) <= EVIDENCE_WITHIN,
            f"{len(ranks)} questions, the turn that answers each is among the first "
            f"{EVIDENCE_WITHIN}; for {first} of them it is the very first",
        )
        found = await agent.recall(UNANSWERABLE)
        transcript.prove(
            found["abstained"], "and where nobody said anything, recall does not pad", found
        )


def load_turns() -> list[Json]:
    """The turns in order, each with `source`, e.g. "letters 3:12": session and turn."""
    lines = (HERE / "conversation.jsonl").read_text(encoding="utf-8").splitlines()
    turns: list[Json] = [json.loads(line) for line in lines]
    count = Counter[int]()
    for turn in turns:
        count[turn["session"]] += 1
        turn["source"] = f"letters {turn['session']}:{count[turn['session']]}"
    return turns


def load_questions() -> list[Json]:
    """Each with the `evidence`: the source of the turn that answers it."""
    lines = (HERE / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


async def _load(agent: Agent, turns: list[Json]) -> None:
    """A batch is stored whole or not at all, and embedded together."""
    began = time.perf_counter()
    statuses = Counter[str]()
    for start in range(0, len(turns), BATCH_TURNS):
        batch = turns[start : start + BATCH_TURNS]
        days = f"{batch[0]['date']} to {batch[-1]['date']}"
        results = await agent.remember_all(
            [_memory(turn) for turn in batch], f"{len(batch)} turns, {days}"
        )
        statuses.update(result["status"] for result in results)
    seconds = time.perf_counter() - began
    agent.transcript.prove(
        statuses == {"stored": len(turns)},
        f"{len(turns)} turns remembered, {len(turns) / seconds:.0f} a second",
        dict(statuses),
    )


def _memory(turn: Json) -> Json:
    return {
        "content": f"{turn['speaker']}: {turn['text']}",
        "type": "episode",
        "valid_from": turn["date"],
        "source": turn["source"],
    }


async def _ask(agent: Agent, question: Json) -> int:
    """The rank of the evidence, counted from 1; shows the turn and not what came before it."""
    found = await agent.recall(question["question"], shown_max=0, limit=EVIDENCE_WITHIN)
    memories: list[Json] = found["memories"]
    sources = [memory["source"] for memory in memories]
    agent.transcript.check(
        question["evidence"] in sources,
        f"“{question['question']}” is answered by {question['evidence']}",
        [memory["content"] for memory in memories],
    )
    rank = sources.index(question["evidence"]) + 1
    agent.transcript.answer(f"no. {rank}, {memories[rank - 1]['content']}")
    return rank
