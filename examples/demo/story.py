"""The story: what two agents are told in two projects, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import anyio
from agent import Agent, Json, Stage

CONSTRAINT = "Please do not schedule meetings after 5pm my time"
PORT = "The staging database of the catalogue listens on port 5433"
WRONG_DATE = "The catalogue goes live on 14 March 2027"
RIGHT_DATE = "The catalogue goes live on 21 March 2027, a week later, because of the audit"
SECRET = "The alarm code of the reading room is cobalt-heron-7719"
SECRET_WORD = "cobalt-heron"
GONE_DEADLINE_S = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A checkout that an agent is opened in."""

    folder: Path
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """The two projects of the story."""

    work: Project
    private: Project


async def tell(stage: Stage, places: Places) -> None:
    """All chapters but the last; in the second, two agents are open at the same moment."""
    stage.transcript.chapter("Theo tells one agent a few things")
    async with stage.enter("claude-code", places.work.folder, places.work.label) as claude:
        told = await _told(claude)
        stage.transcript.chapter("Another agent, another project, at the same moment")
        async with stage.enter("cursor", places.private.folder, places.private.label) as cursor:
            await _known_elsewhere(cursor)
            await _one_value_per_key(cursor, told["timezone"])
            await _isolated(cursor, told["port"])
    stage.transcript.chapter("Back at work: a correction takes the place of the mistake")
    async with stage.enter("claude-code", places.work.folder, places.work.label) as claude:
        await _corrected(claude, told["date"])
        await _said_twice(claude)
        await _expires(claude)
        await _forgotten_and_back(claude, told["port"])
        secret = await _slip(claude)
    await _erased(stage, places, secret)


async def _told(agent: Agent) -> dict[str, Json]:
    """Four statements; where each one goes follows from its type."""
    constraint = await agent.remember(CONSTRAINT, type="preference")
    port = await agent.remember(PORT)
    date = await agent.remember(WRONG_DATE)
    timezone = await agent.remember("Europe/Lisbon", type="profile", key="timezone")
    agent.transcript.prove(
        [m["scope"] for m in (constraint, port, date, timezone)]
        == ["user", "project", "project", "user"],
        "what concerns Theo is kept for him everywhere, facts for this project",
    )
    return {"port": port, "date": date, "timezone": timezone}


async def _known_elsewhere(agent: Agent) -> None:
    found = await agent.recall("what was the scheduling constraint again?")
    first = found["memories"][0]["content"] if found["memories"] else "nothing"
    agent.transcript.prove(first == CONSTRAINT, "found by the other agent, in other words", first)
    agent.transcript.prove(
        not found["degraded"], f"the answer says how it searched: {found['mode']}", found
    )


async def _one_value_per_key(agent: Agent, before: Json) -> None:
    agent.transcript.chapter("A key holds one value, and remembers the ones before")
    moved = await agent.remember("Europe/Brussels", type="profile", key="timezone")
    agent.transcript.prove(
        moved["status"] == "superseded" and moved["id"] == before["id"],
        "the new value takes the old one's place",
        moved["status"],
    )
    now = await agent.value_of("timezone")
    revisions = await agent.history(moved["id"])
    agent.transcript.prove(
        now == "Europe/Brussels"
        and [r["content"] for r in revisions] == ["Europe/Lisbon", "Europe/Brussels"],
        "one value now, both in the history, with who changed it",
        revisions,
    )
    then = await agent.value_of("timezone", as_of=revisions[0]["updated_at"])
    agent.transcript.prove(
        then == "Europe/Lisbon", "and “what did we believe then?” has an answer", then
    )


async def _isolated(agent: Agent, port: Json) -> None:
    agent.transcript.chapter("What belongs to a project stays there")
    found = await agent.recall("which port does the staging database listen on?")
    contents = [m["content"] for m in found["memories"]]
    agent.transcript.prove(PORT not in contents, "the fact of the other project is not found")
    searched = [place for place in found["searched"] if place.startswith("project")]
    agent.transcript.prove(
        len(searched) == 1 and "letters" in searched[0],
        f"the other project was not even searched, only {searched[0]}",
        searched,
    )
    agent.transcript.prove(
        await agent.unreadable(port["id"]), "nor can it be read by someone who knows its id"
    )
    refusals = [
        await agent.refusal("update", "its id", id=port["id"], content="Port 1"),
        await agent.refusal("forget", "its id", ids=[port["id"]]),
    ]
    agent.transcript.prove(
        all("in your scope" in text and "5433" not in text for text in refusals),
        "nor changed, nor forgotten, and the refusal gives nothing away",
        refusals,
    )


async def _corrected(agent: Agent, date: Json) -> None:
    new = await agent.remember(RIGHT_DATE, supersedes=[date["id"]])
    agent.transcript.prove(new["status"] == "superseded", "the correction replaces it", new)
    found = await agent.recall("when does the catalogue go live?")
    contents = [m["content"] for m in found["memories"]]
    agent.transcript.prove(
        contents[:1] == [RIGHT_DATE] and WRONG_DATE not in contents,
        "only the corrected date comes back",
        contents,
    )


async def _said_twice(agent: Agent) -> None:
    agent.transcript.chapter("Said twice, kept once")
    first = await agent.remember("Theo prefers tabs over spaces in Python", type="preference")
    again = await agent.remember("theo prefers tabs over spaces in Python.", type="preference")
    agent.transcript.prove(
        again["status"] == "merged" and again["id"] == first["id"],
        "the same statement again becomes evidence for the first",
        again,
    )
    other = await agent.remember("Theo prefers spaces over tabs in Python", type="preference")
    agent.transcript.prove(
        other["status"] == "stored" and first["id"] in [s["id"] for s in other.get("similar", [])],
        "its opposite, however alike, is kept apart and pointed out",
        other,
    )
    await agent.forget("the one he said in jest", ids=[other["id"]])


async def _expires(agent: Agent) -> None:
    agent.transcript.chapter("Some things end by themselves")
    question = "who has the key of the map cabinet?"
    task = await agent.remember(
        "Theo has the key of the map cabinet until he is back from lunch",
        type="task",
        expires_in="3 seconds",
    )
    found = await agent.recall(question)
    agent.transcript.prove(_holds(found, task), "there while it lasts", found["memories"])
    polls = 0
    began = anyio.current_time()
    while _holds(await agent.recall_quietly(question), task):
        polls += 1
        if anyio.current_time() - began > GONE_DEADLINE_S:
            break
        await anyio.sleep(0.05)
    seconds = anyio.current_time() - began
    agent.transcript.prove(
        seconds < GONE_DEADLINE_S,
        f"gone by itself, noticed after {seconds:.1f} s and {polls} more recalls",
    )


async def _forgotten_and_back(agent: Agent, port: Json) -> None:
    agent.transcript.chapter("Forgotten, and brought back")
    question = "which port does the staging database listen on?"
    before = await agent.recall(question)
    agent.transcript.prove(_holds(before, port), "here, in its own project, it is known")
    done = await agent.forget("its id", ids=[port["id"]])
    after = await agent.recall(question)
    agent.transcript.prove(
        done["done"] and not _holds(after, port), "forgotten at once", after["memories"]
    )
    back = await agent.update(port["id"], "its id, restore_revision 1", restore_revision=1)
    agent.transcript.answer(f"revision {back['memory']['revision']}: {back['memory']['content']}")
    again = await agent.recall(question)
    agent.transcript.prove(_holds(again, port), "and undone, as it was", again["memories"])


async def _slip(agent: Agent) -> Json:
    agent.transcript.chapter("A slip, erased for good, with a receipt")
    secret = await agent.remember(SECRET)
    found = await agent.recall("what opens the reading room?")
    agent.transcript.prove(_holds(found, secret), "an agent has kept what it should not")
    return secret


async def _erased(stage: Stage, places: Places, secret: Json) -> None:
    """The same project, another agent: preview, confirm, receipt, and a look at the disk."""
    transcript = stage.transcript
    holding = _files_with(stage.home, SECRET_WORD)
    transcript.prove(bool(holding), f"on the disk it is in {', '.join(holding)}")
    async with stage.enter("cursor", places.work.folder, places.work.label) as cursor:
        chosen = {"ids": [secret["id"]], "erase": True}
        preview = await cursor.forget("its id, erase", **chosen)
        known = await cursor.recall_quietly("what opens the reading room?")
        transcript.prove(
            not preview["done"] and _holds(known, secret), "first a preview; nothing has happened"
        )
        done = await cursor.forget("its id, erase, confirm", **chosen, confirm=preview["confirm"])
        receipt = done["receipt"]
        counts = {name: n for name, n in receipt.items() if isinstance(n, int)}
        removed = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in counts.items())
        transcript.answer(f"removed: {removed}")
        transcript.answer(f"rewritten: {', '.join(receipt['files'])}")
        transcript.prove(
            done["done"] and receipt["memories"] == 1 and receipt["vectors"] >= 1,
            "confirmed with the preview's token, then done",
            receipt,
        )
        transcript.prove(
            await cursor.unreadable(secret["id"]), "there is nothing left to bring back"
        )
    left = _files_with(stage.home, SECRET_WORD)
    files = sum(1 for path in stage.home.rglob("*") if path.is_file())
    transcript.prove(not left, f"in the bytes of all {files} files on the disk: nothing", left)


def _holds(answer: Json, memory: Json) -> bool:
    return memory["id"] in [found["id"] for found in answer["memories"]]


def _files_with(folder: Path, word: str) -> list[str]:
    """The files under a folder whose bytes contain a word, in either of two encodings."""
    needles = (word.encode(), word.encode("utf-16-le"))
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(needle in path.read_bytes().lower() for needle in needles)
    ]
